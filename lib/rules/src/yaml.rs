//! YAML as a tree in which everything has its place.
//!
//! A YAML library that maps text straight to structs stops at the first mistake and knows only where an object
//! begins. Rules deserve better, and so [`parse`] makes a [`tree`] from the events of `granit-parser`: every key and
//! every value with the bytes it was written in. [`scalar`] leads from an offset in a value (where an expression is
//! wrong) back to the byte in the file, through quotes, escapes and folded lines. [`misread`] recognises the
//! expressions that YAML takes for something else.

pub(crate) mod misread;
pub(crate) mod parse;
pub(crate) mod scalar;
pub(crate) mod tree;
