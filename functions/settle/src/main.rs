//! The function `settle`.

fn main() {}
