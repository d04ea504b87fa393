//! What crosses crates, in one test binary.

#[cfg(test)]
mod suite {
    mod docs;
    mod json_vectors;
}
