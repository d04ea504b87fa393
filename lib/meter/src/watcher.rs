//! A hook around each upstream call. The proxy waits for it, so whoever implements it can stop the world exactly between
//! two effects: kill the calling function before its write arrives, or after it arrived and before it knows.

use crate::call::Call;

/// On which side of the effect the call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The stand-in has not got the call.
    Before,
    /// The stand-in has answered; the caller has not got the answer.
    After,
}

impl Phase {
    /// The name of this side of a call, by which plans of faults know it: `before:DynamoDB.PutItem`.
    pub fn point(self, call: &Call) -> String {
        let side = match self {
            Self::Before => "before",
            Self::After => "after",
        };
        format!("{side}:{}.{}", call.service.title(), call.operation)
    }
}

/// How a call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As if nobody had looked.
    GoOn,
    /// The connection to the caller is closed. [`Phase::Before`] the stand-in never gets the call, [`Phase::After`] its
    /// answer is lost.
    Close,
}

/// Who is asked. A call that a limit or a fault refuses has no effect and is not shown.
pub trait Watcher: Send + Sync + 'static {
    /// Called before and after each upstream call; the proxy waits for the answer. Calls that the proxy makes for itself
    /// (`ListShards`, `DescribeTable`) are not shown.
    fn at(&self, call: &Call, phase: Phase) -> impl Future<Output = Verdict> + Send;
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    async fn at(&self, _: &Call, _: Phase) -> Verdict {
        Verdict::GoOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Protocol, Service};

    #[track_caller]
    fn check(phase: Phase, service: Service, operation: &str, expect: &str) {
        let (operation, caller, account) = (operation.into(), "".into(), "".into());
        let call = Call { service, operation, protocol: Protocol::Rest, caller, account };
        assert_eq!(phase.point(&call), expect);
    }

    #[test]
    fn points_are_named_as_aws_writes_its_services() {
        check(Phase::Before, Service::DynamoDb, "PutItem", "before:DynamoDB.PutItem");
        check(Phase::After, Service::Kinesis, "PutRecords", "after:Kinesis.PutRecords");
        check(Phase::After, Service::CloudWatch, "PutMetricData", "after:CloudWatch.PutMetricData");
        check(Phase::Before, Service::Sqs, "SendMessage", "before:SQS.SendMessage");
        check(Phase::Before, Service::S3, "Put", "before:S3.Put");
        check(
            Phase::Before,
            Service::Other("ssm".into()),
            "GetParameter",
            "before:ssm.GetParameter",
        );
    }
}
