//! What crosses crates, in one test binary: one link instead of many, and one place to look.

/// Helper: the repository's files, and Rust source without its comments and strings.
#[cfg(test)]
#[path = "suite/source.rs"]
mod source;

/// The shape of all files: length, module prose, white space, words that do not stay.
#[cfg(test)]
#[path = "suite/tidy.rs"]
mod tidy;

/// Which crate may depend on which.
#[cfg(test)]
#[path = "suite/edges.rs"]
mod edges;

/// The documents: invariants name their tests, README's commands are those of CI, ADRs have no gaps.
#[cfg(test)]
#[path = "suite/documents.rs"]
mod documents;

/// The engine has no clock, no I/O, no async and no hash order.
#[cfg(test)]
#[path = "suite/purity.rs"]
mod purity;
