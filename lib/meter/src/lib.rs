//! A proxy in front of AWS stand-ins: it counts what AWS would bill, keeps the limits that stand-ins do not know, and
//! fails on purpose.

pub mod answer;
pub mod bill;
pub mod bucket;
pub mod call;
pub mod clock;
pub mod cloudwatch;
pub mod dynamodb;
pub mod faults;
pub mod kinesis;
pub mod limits;
pub mod prices;
pub mod proxy;
pub mod s3;
pub mod sqs;
pub mod tally;
pub mod unit;
pub mod watcher;
