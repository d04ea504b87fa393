//! The proxy over loopback, in front of a small stand-in that remembers what it got.

#[cfg(test)]
mod suite {
    mod dynamodb;
    mod faults;
    mod kinesis;
    mod others;
    mod passing;
    mod support;
}
