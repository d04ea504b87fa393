//! Request ids and what else is random and must look so. One seed gives the same ids in every run, in the order asked for.

use crate::uuid::uuid;
use fastrand::Rng;
use jiff::Timestamp;
use std::sync::Arc;

/// Where ids come from.
#[derive(Debug)]
pub(crate) struct Ids(Rng);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> Arc<str> {
        uuid(self.0.u128(..)).into()
    }

    /// 32 hexadecimal digits, as a log stream's name ends.
    pub(crate) fn hex(&mut self) -> String {
        format!("{:032x}", self.0.u128(..))
    }

    /// A trace header of X-Ray that asks for no sample:
    /// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.
    pub(crate) fn trace(&mut self, now: Timestamp) -> String {
        let (high, low, parent) = (self.0.u32(..), self.0.u64(..), self.0.u64(..));
        format!(
            "Root=1-{:08x}-{high:08x}{low:016x};Parent={parent:016x};Sampled=0",
            now.as_second()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids() {
        let ids = |seed| {
            let mut ids = Ids::new(seed);
            [ids.uuid(), ids.uuid()]
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
        let [first, second] = ids(7);
        assert_ne!(first, second);
    }

    #[test]
    fn a_trace_begins_with_the_time() {
        let trace = Ids::new(1).trace(Timestamp::from_second(0x5e1b_4151).unwrap());
        assert!(trace.starts_with("Root=1-5e1b4151-"), "{trace}");
        assert!(trace.ends_with(";Sampled=0"), "{trace}");
        assert_eq!(trace.len(), 74);
    }
}
