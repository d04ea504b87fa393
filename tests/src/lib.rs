//! Nothing: this package is its test binary, `suite`, and the function that its tests of the simulator drive, `probe`.
