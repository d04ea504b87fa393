//! What the functions see of the control log, and the plans they work for.
