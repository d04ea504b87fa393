//! What has been counted, by caller, service and operation.

use crate::call::{Call, Service};
use crate::unit::{Charge, Unit, count};
use jiff::Timestamp;
use rapidhash::v3::rapidhash_v3;
use std::collections::{BTreeMap, BTreeSet};

/// The most combinations of caller, service and operation that are told apart; the calls of more are counted under
/// [`OTHERS`].
pub const KINDS_MAX: usize = 10_000;
/// The caller and the operation under which calls beyond [`KINDS_MAX`] are counted.
pub const OTHERS: &str = "(others)";
/// The most pairs of metric and hour that are told apart; more are counted as if each datum were a metric of its own, so a
/// bill is too high rather than too low.
pub const METRIC_HOURS_MAX: usize = 1_000_000;
/// The most streams whose shards are remembered.
pub const STREAMS_MAX: usize = 10_000;

/// Who called what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The caller's session token; empty if it had none.
    pub caller: Box<str>,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: Box<str>,
}

/// The counts at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// The amounts of each kind.
    pub kinds: BTreeMap<Kind, BTreeMap<Unit, u64>>,
    /// The most shards of each stream that were open at once, by `account/stream`.
    pub shards: BTreeMap<Box<str>, u64>,
}

impl Calls {
    /// The calls of the callers whose token begins so; shards belong to no caller and stay out.
    #[must_use]
    pub fn of_caller(&self, prefix: &str) -> Self {
        let kinds = self.kinds.iter().filter(|(kind, _)| kind.caller.starts_with(prefix));
        Self {
            kinds: kinds.map(|(kind, units)| (kind.clone(), units.clone())).collect(),
            ..Self::default()
        }
    }

    /// The amount of a unit of one operation, over all callers.
    pub fn amount(&self, service: &Service, operation: &str, unit: Unit) -> u64 {
        let kinds = self
            .kinds
            .iter()
            .filter(|(kind, _)| kind.service == *service && &*kind.operation == operation);
        kinds.filter_map(|(_, units)| units.get(&unit)).sum()
    }

    /// The callers.
    pub fn callers(&self) -> BTreeSet<&str> {
        self.kinds.keys().map(|kind| &*kind.caller).collect()
    }
}

/// The counts while they grow.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: Calls,
    /// Hashes of (hour, metric).
    metric_hours: BTreeSet<u64>,
}

impl Tally {
    /// Counts what a call cost.
    pub(crate) fn add(&mut self, call: &Call, charges: &[Charge]) {
        let mut kind = Kind {
            caller: call.caller.clone(),
            service: call.service.clone(),
            operation: call.operation.clone(),
        };
        if self.calls.kinds.len() >= KINDS_MAX && !self.calls.kinds.contains_key(&kind) {
            kind = Kind {
                caller: OTHERS.into(),
                service: Service::Other(OTHERS.into()),
                operation: OTHERS.into(),
            };
        }
        let units = self.calls.kinds.entry(kind).or_default();
        for (unit, amount) in charges.iter().filter(|(_, amount)| *amount > 0) {
            let total = units.entry(*unit).or_default();
            *total = total.saturating_add(*amount);
        }
    }

    /// How many of these metrics are new in the hour of `now`.
    pub(crate) fn metric_hours(&mut self, metrics: &[String], now: Timestamp) -> u64 {
        let hour = now.as_second().div_euclid(3600);
        let new = metrics.iter().filter(|metric| {
            let hash = rapidhash_v3(format!("{hour}/{metric}").as_bytes());
            self.metric_hours.len() >= METRIC_HOURS_MAX || self.metric_hours.insert(hash)
        });
        count(new.count())
    }

    /// Remembers how many shards of a stream are open.
    pub(crate) fn shards(&mut self, account: &str, stream: &str, open: usize) {
        let key = format!("{account}/{stream}").into_boxed_str();
        if self.calls.shards.len() < STREAMS_MAX || self.calls.shards.contains_key(&key) {
            let most = self.calls.shards.entry(key).or_default();
            *most = count(open).max(*most);
        }
    }

    /// The counts so far.
    pub(crate) fn calls(&self) -> Calls {
        self.calls.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Protocol;
    use jiff::SignedDuration;

    fn call(caller: &str, operation: &str) -> Call {
        Call {
            service: Service::Sqs,
            operation: operation.into(),
            protocol: Protocol::Rest,
            caller: caller.into(),
            account: "".into(),
        }
    }

    #[test]
    fn amounts_add_up_by_operation_and_caller() {
        let mut tally = Tally::default();
        tally
            .add(&call("a/1", "Send"), &[(Unit::Requests, 2), (Unit::Calls, 1), (Unit::Errors, 0)]);
        tally.add(&call("a/2", "Send"), &[(Unit::Requests, 3)]);
        tally.add(&call("b/1", "Send"), &[(Unit::Requests, 5)]);
        tally.add(&call("b/1", "Receive"), &[(Unit::Requests, 7)]);
        let calls = tally.calls();
        assert_eq!(calls.amount(&Service::Sqs, "Send", Unit::Requests), 2 + 3 + 5);
        assert_eq!(calls.of_caller("a/").amount(&Service::Sqs, "Send", Unit::Requests), 2 + 3);
        assert_eq!(calls.callers().into_iter().collect::<Vec<_>>(), ["a/1", "a/2", "b/1"]);
        assert!(!calls.kinds.values().any(|units| units.contains_key(&Unit::Errors)));
    }

    #[test]
    fn too_many_kinds_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..KINDS_MAX + 3 {
            tally.add(&call(&number.to_string(), "Send"), &[(Unit::Calls, 1)]);
        }
        let calls = tally.calls();
        assert_eq!(calls.kinds.len(), KINDS_MAX + 1);
        assert_eq!(calls.amount(&Service::Other(OTHERS.into()), OTHERS, Unit::Calls), 3);
    }

    #[test]
    fn a_metric_counts_once_an_hour() {
        let mut tally = Tally::default();
        let metrics = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(tally.metric_hours(&metrics, now), 2);
        assert_eq!(tally.metric_hours(&metrics, now + SignedDuration::from_mins(59)), 0);
        assert_eq!(tally.metric_hours(&metrics, now + SignedDuration::from_mins(60)), 2);
    }

    #[test]
    fn beyond_the_limit_each_datum_is_a_metric() {
        let metric_hours = (0..count(METRIC_HOURS_MAX)).collect();
        let mut tally = Tally { metric_hours, ..Tally::default() };
        let metrics = ["a".to_owned(), "a".to_owned()];
        assert_eq!(tally.metric_hours(&metrics, Timestamp::UNIX_EPOCH), 2);
        assert_eq!(tally.metric_hours.len(), METRIC_HOURS_MAX);
    }

    #[test]
    fn the_most_shards_are_remembered() {
        let mut tally = Tally::default();
        for open in [2, 4, 3] {
            tally.shards("a", "s", open);
        }
        assert_eq!(tally.calls().shards, BTreeMap::from([("a/s".into(), 4)]));
    }
}
