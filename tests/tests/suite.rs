//! What crosses crates, in one test binary: it links once.

mod suite {
    /// Whole answers of the command: exit code, standard output, standard error.
    mod cli;
}
