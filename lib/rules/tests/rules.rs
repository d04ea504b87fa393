//! The reader from outside: files in, rules or rendered problems out.

#[path = "rules/mistakes.rs"]
mod mistakes;
#[path = "rules/robust.rs"]
mod robust;
#[path = "rules/valid.rs"]
mod valid;
