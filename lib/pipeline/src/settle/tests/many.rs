//! More than one entry holds, and more than one partition.

use super::{Stack, sum};
use crate::aggregate::Settings;
use crate::aggregate::tests::kit::{START, Town, event, take_all};
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::publication::{PointKind, Publication};
use crate::settle::{NAMESPACE, Settle};
use crate::settle_entry::POINTS;
use std::collections::BTreeMap;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};

/// Long values make large points.
const LARGE_RULES: &str = "
late: drop
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', dimensions: {shop: data.shop}, window: 1m}
";

/// All that is decided at once is more than an entry holds: more entries hold it, and the invocation ends with the last.
#[test]
fn what_does_not_fit_into_an_entry_goes_into_the_next_at_once() {
    const SHOPS: usize = 900;
    const WINDOWS: i64 = 12;
    let mut stack = Stack::new(LARGE_RULES);
    let first = (stack.now().as_millis() - START.as_millis()) / SECOND_MS;
    for window in 0..WINDOWS {
        let orders: Vec<_> = (0..SHOPS)
            .map(|shop| {
                let order = event(&format!("e{window}-{shop}"), "order", first + window * 60);
                let shop = format!(r#""data":{{"shop":"{shop:01000}","#);
                order.replace(r#""data":{"#, &shop)
            })
            .collect();
        stack.town.put("one", &orders);
        stack.pass(MINUTE_MS);
        stack.aggregate("one");
    }
    stack.pass(5 * MINUTE_MS);
    let before = stack.seen;
    let told = stack.settle();
    let orders = u64::try_from(SHOPS).unwrap() * u64::try_from(WINDOWS).unwrap();
    assert_eq!(sum(&told, "orders", PointKind::Final), Some(orders));
    let log = LogId::settle(Partition::default());
    let read = block_on(stack.town.log.read(&log, before, Wanted::All)).unwrap();
    let chunks = read.iter().filter_map(|logged| logged.entry.chunks().get(&POINTS));
    let counts = chunks.map(|chunk| Publication::decode(chunk).unwrap().points.len());
    let (shops, windows) = (SHOPS, usize::try_from(WINDOWS).unwrap());
    let large: Vec<_> = counts.filter(|points| *points > shops).collect();
    assert_eq!(large.len(), 2, "{large:?}");
    assert!(large.iter().all(|points| *points < shops * windows), "{large:?}");
}

const RULES: &str = "
namespace: Shop
late: drop
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
  value: {sum: data.amount, where: type == 'order', window: 1m}
  clicks: {count: type == 'click', window: 1m}
";

/// What the self-metrics of a partition add up to: counts, and how many samples the others have.
fn own(town: &Town, partition: Partition) -> BTreeMap<String, u64> {
    let log = LogId::settle(partition);
    let mut own: BTreeMap<String, u64> = BTreeMap::new();
    for logged in block_on(town.log.read(&log, Version::START, Wanted::All)).unwrap() {
        let Some(chunk) = logged.entry.chunks().get(&POINTS) else { continue };
        let Publication { metrics, points } = Publication::decode(chunk).unwrap();
        for point in points {
            let metric = &metrics[usize::try_from(point.metric).unwrap()];
            if metric.namespace == NAMESPACE {
                *own.entry(metric.name.clone()).or_default() += match point.values {
                    Values::Count(count) => count,
                    Values::Sum(values) => values.count,
                    values => panic!("{values:?} is neither"),
                };
            }
        }
    }
    own
}

#[test]
fn one_partition_tells_what_became_of_all_records_and_tells_it_once() {
    const PARTITIONS: u8 = 4;
    let town = Town::new();
    let settings = Settings { partitions: PARTITIONS, ..Settings::default() };
    let mut aggregate = town.function_with(RULES, settings);
    let copied = event("copied", "order", 3_601);
    let batches = [
        vec![event("a", "order", 3_600), copied.clone(), event("b", "click", 3_602)],
        vec![copied, event("c", "visit", 3_610), "no event".to_owned()],
        vec![event("d", "order", 3_700)],
    ];
    let mut taken = 0;
    let mut settle = Settle::new(town.home(RULES), "shop", PARTITIONS);
    for batch in &batches {
        town.put("one", batch);
        town.clock.advance(10 * MINUTE_MS);
        take_all(&mut aggregate, town.batch("one", taken..taken + batch.len()));
        taken += batch.len();
        for partition in (0..PARTITIONS).filter_map(Partition::new) {
            block_on(settle.run(partition, Timestamp::from_millis(i64::MAX))).unwrap();
        }
    }
    let own_of = |number| own(&town, Partition::new(number).unwrap());
    let told = own_of(0);
    let bytes: usize = batches.iter().flatten().map(String::len).sum();
    let expect = [
        ("Received", 7),
        ("Counted", 4),
        ("Filtered", 1),
        ("Duplicate", 1),
        ("Late", 0),
        ("Rejected", 1),
        ("Bytes", u64::try_from(bytes).unwrap()),
        // One for each batch.
        ("IteratorAge", 3),
    ];
    for (name, value) in expect {
        assert_eq!(told.get(name), Some(&value), "{name} in {told:?}");
    }
    for number in 1..PARTITIONS {
        assert_eq!(own_of(number), BTreeMap::new(), "partition {number}");
    }
}
