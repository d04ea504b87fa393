//! The function `deliver`.

fn main() {}
