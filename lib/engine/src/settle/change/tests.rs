//! Changes of the rules: what goes over, what ends, what begins.
