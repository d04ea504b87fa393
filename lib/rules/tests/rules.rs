//! The reader from outside: files in, rules or rendered problems out.

#[cfg(test)]
mod rules {
    mod mistakes;
    mod render;
    mod robust;
    mod scenarios;
    mod valid;
}
