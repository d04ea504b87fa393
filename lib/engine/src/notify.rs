//! Who is told of a transition.

pub mod rules;
