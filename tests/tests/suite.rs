//! What crosses crates, in one test binary.

#[cfg(test)]
mod suite {
    mod cel_conformance;
    mod json_vectors;
}
