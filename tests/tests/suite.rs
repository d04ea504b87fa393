//! What crosses crates, in one test binary.

#[cfg(test)]
mod suite {
    mod json_vectors;
}
