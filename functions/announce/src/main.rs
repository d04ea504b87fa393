//! The function `announce`.

fn main() {}
