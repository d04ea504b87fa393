//! A log that lets go what nobody needs: who begins anew misses nothing.

use super::*;
use crate::stream::{SHARD, STREAM};
use streamgauge_pipeline::port::source::{ShardKey, StreamId};

/// How many orders a minute has.
const ORDERS: usize = 600;
const MINUTES: usize = 220;
/// Copies come so many minutes later: more than what settle still reads of the log.
const COPIED_AFTER: usize = 8;
/// Less than what is needed, so that all else goes.
const BYTES_MAX: u64 = 50_000;

/// The orders of a minute, and some of an earlier one again.
fn lines(minute: usize) -> Vec<String> {
    let order = |place: usize| {
        let (second, number) = (i64::try_from(place * 60 / ORDERS).unwrap(), place % 300);
        let amount = place * 7_919 % 10_007;
        let data = format!("{{\"number\":\"{number}\",\"amount\":{amount}}}");
        let id = format!("\"id\":\"{place}\",\"data\":{data}");
        order(second).replace(&format!("\"id\":\"{second}\""), &id)
    };
    let begin = minute * ORDERS;
    let copied = begin.saturating_sub(COPIED_AFTER * ORDERS);
    let again = copied..(copied + ORDERS / 4).min(begin);
    again.chain(begin..begin + ORDERS).map(order).collect()
}

#[test]
fn what_is_let_go_of_a_log_is_not_missed_by_who_begins_anew() {
    let (folder, clock) = (Folder::new("bounded"), VirtualClock::new(START));
    let rules = RULES.replace("deduplicate: off", "deduplicate: 10m")
        + "  amounts: {distribution: data.amount, dimensions: {number: data.number}, window: 1m}\n";
    let begin = || {
        let store = folder.store(&clock).with_logs_bytes_max(BYTES_MAX);
        Bench::with(store, &clock, &rules, By::Events)
    };
    let stream = StreamId { name: STREAM.into(), created_at: START };
    let log = LogId::shard(&ShardKey { stream, shard: SHARD.into() });
    let mut bench = begin();
    for minute in 0..MINUTES {
        if minute % 20 == 19 {
            drop(bench);
            bench = begin();
        }
        bench.take(&lines(minute)).unwrap();
        bench.world.appended(bench.committer.reads_from().as_ref());
        bench.settler.settle().unwrap();
    }
    let last = i64::try_from(MINUTES).unwrap() - 1;
    let decided = bench.counts().into_iter().filter(|(minute, _)| *minute < last);
    assert!(decided.eq((0..last).map(|minute| (minute, 600))), "{:?}", bench.counts());
    let listed = &bench.world.store.list().unwrap().logs[log.as_str()];
    assert!(*listed.versions[0].start() > 100, "{listed:?}");
}
