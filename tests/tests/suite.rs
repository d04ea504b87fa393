//! What crosses crates, in one test binary.

#[cfg(test)]
mod suite {
    mod cli;
    mod json_vectors;
}
