//! The function `aggregate`.

fn main() {}
