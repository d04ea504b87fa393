//! The limits of AWS that stand-ins do not keep. Each can be switched on by itself, and says where it is from.

use std::collections::BTreeSet;

/// A limit, or a group that only makes sense together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// `PutMetricData`: sizes, names, values, timestamps; see [`crate::cloudwatch::check`].
    MetricData,
    /// Kinesis: 500 records and 10 MiB per `PutRecords`, 1 MiB per record.
    PutSizes,
    /// Kinesis: 1,000 records and 1 MiB per second and shard in.
    ShardWrites,
    /// Kinesis: 5 `GetRecords` calls and 2 MiB per second and shard out.
    ShardReads,
    /// `DynamoDB`: items of 400 KB, in what a request writes whole (puts); an update's result is known to the stand-in only.
    ItemSize,
    /// `DynamoDB`: 1,000 write units and 3,000 read units per second and partition key.
    KeyThroughput,
}

impl Limit {
    /// All limits.
    pub const ALL: [Self; 6] = [
        Self::MetricData,
        Self::PutSizes,
        Self::ShardWrites,
        Self::ShardReads,
        Self::ItemSize,
        Self::KeyThroughput,
    ];

    /// Where it is from.
    pub fn source(self) -> &'static str {
        match self {
            Self::MetricData => {
                "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"
            }
            Self::PutSizes | Self::ShardWrites => {
                "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html"
            }
            Self::ShardReads => {
                "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html"
            }
            Self::ItemSize => {
                "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"
            }
            Self::KeyThroughput => {
                "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
            }
        }
    }
}

/// The limits that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeSet<Limit>);

impl Limits {
    /// None of them.
    pub fn none() -> Self {
        Self::default()
    }

    /// All of them.
    pub fn all() -> Self {
        Limit::ALL.into_iter().collect()
    }

    /// Whether a limit is kept.
    pub fn keep(&self, limit: Limit) -> bool {
        self.0.contains(&limit)
    }
}

impl FromIterator<Limit> for Limits {
    fn from_iter<I: IntoIterator<Item = Limit>>(limits: I) -> Self {
        Self(limits.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_switched_by_itself() {
        let limits: Limits = [Limit::ShardReads].into_iter().collect();
        assert!(limits.keep(Limit::ShardReads) && !limits.keep(Limit::ShardWrites));
        assert!(
            Limit::ALL
                .iter()
                .all(|limit| Limits::all().keep(*limit) && !Limits::none().keep(*limit))
        );
    }
}
