//! What every function has.
