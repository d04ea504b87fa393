//! S3: requests by class. <https://aws.amazon.com/s3/pricing/>: PUT, COPY, POST and LIST are of one class, GET and all
//! others of the other, and DELETE is free.

use crate::unit::{Charge, Unit};

/// What an operation costs.
pub fn charges(operation: &str) -> Vec<Charge> {
    match operation {
        "Put" | "Copy" | "Post" | "List" => vec![(Unit::PutRequests, 1)],
        "Delete" => vec![],
        _ => vec![(Unit::GetRequests, 1)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert_eq!(charges("List"), [(Unit::PutRequests, 1)]);
        assert_eq!(charges("Head"), [(Unit::GetRequests, 1)]);
        assert_eq!(charges("Delete"), []);
    }
}
