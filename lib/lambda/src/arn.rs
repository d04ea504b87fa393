//! Names of AWS resources: `arn:aws:kinesis:eu-west-1:000000000000:stream/orders`.

use std::fmt;
use std::sync::Arc;

/// An Amazon Resource Name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn(Arc<str>);

impl Arn {
    /// An ARN as it was written; nothing is checked.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The ARN of a stream.
    pub fn stream(region: &str, account: &str, name: &str) -> Self {
        Self(format!("arn:aws:kinesis:{region}:{account}:stream/{name}").into())
    }

    /// The ARN of a queue.
    pub fn queue(region: &str, account: &str, name: &str) -> Self {
        Self(format!("arn:aws:sqs:{region}:{account}:{name}").into())
    }

    /// The ARN of a function.
    pub fn function(region: &str, account: &str, name: &str) -> Self {
        Self(format!("arn:aws:lambda:{region}:{account}:function:{name}").into())
    }

    /// The ARN of a bucket.
    pub fn bucket(name: &str) -> Self {
        Self(format!("arn:aws:s3:::{name}").into())
    }

    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service, the third part: `kinesis`. Empty where there is none.
    pub fn service(&self) -> &str {
        self.0.split(':').nth(2).unwrap_or_default()
    }

    /// What the resource is called: what stands after the last `:`, and there after the last `/`.
    pub fn name(&self) -> &str {
        let last = self.0.rsplit(':').next().unwrap_or_default();
        last.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_services_are_found() {
        for (arn, service, name) in [
            (Arn::stream("eu-west-1", "000000000000", "orders"), "kinesis", "orders"),
            (Arn::queue("eu-west-1", "000000000000", "wake"), "sqs", "wake"),
            (Arn::function("eu-west-1", "000000000000", "settle"), "lambda", "settle"),
            (Arn::bucket("dead-letters"), "s3", "dead-letters"),
            (Arn::new("orders"), "", "orders"),
        ] {
            assert_eq!((arn.service(), arn.name()), (service, name));
        }
    }
}
