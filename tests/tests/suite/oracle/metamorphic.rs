//! What must not matter: how the input was cut, how many threads worked, copies, and order within `out_of_order`.
