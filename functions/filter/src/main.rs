//! The function `filter`.

fn main() {}
