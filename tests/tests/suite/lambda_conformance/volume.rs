//! Many records, and many deaths.

use super::bench::Bench;
use super::stand::{Line, Stand};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::stream::{EmbeddedStream, PutRecord};
use streamgauge_lambda::faults::Faults;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::stream::ShardId;

const SHARDS: usize = 8;
const KEYS: usize = 1_000;

/// Puts records with the ids of a range; each key has every thousandth of them.
fn put(stream: &EmbeddedStream, ids: std::ops::Range<usize>, data: impl Fn(usize) -> String) {
    let records = ids.map(|id| PutRecord {
        partition_key: format!("customer-{}", id % KEYS).into(),
        explicit_hash_key: None,
        data: data(id).into(),
    });
    stream.put_many(records).unwrap();
}

fn plain(id: usize) -> String {
    format!("{{\"id\":{id}}}")
}

/// The journal by what a line belongs to.
fn by<K: Ord>(journal: &[Line], key: impl Fn(&Line) -> K) -> BTreeMap<K, Vec<&Line>> {
    let mut lines: BTreeMap<K, Vec<&Line>> = BTreeMap::new();
    for line in journal {
        lines.entry(key(line)).or_default().push(line);
    }
    lines
}

/// The lines without those of records that were met before.
fn first_sightings(journal: &[Line]) -> Vec<Line> {
    let mut met = BTreeSet::new();
    journal.iter().filter(|line| met.insert(line.id)).cloned().collect()
}

/// Asserts that all ids are there, and that the records of each shard and of each key are in order.
fn check_complete_and_in_order(journal: &[Line], records: usize) {
    let ids: BTreeSet<usize> = journal.iter().map(|line| line.id).collect();
    assert!(ids.iter().copied().eq(0..records), "{} of {records} came", ids.len());
    for (shard, lines) in by(journal, |line| line.shard.clone()) {
        assert!(lines.is_sorted_by(|one, next| one.number < next.number), "{shard}");
    }
    for (key, lines) in by(journal, |line| line.id % KEYS) {
        assert!(lines.is_sorted_by(|one, next| one.id < next.id), "customer-{key}");
    }
}

#[tokio::test]
async fn a_function_that_never_fails_sees_100_000_records_of_8_shards_once_in_order() {
    let bench = Bench::on(Clock::hurried(100), SHARDS);
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 2_500);
    let orders = bench.world.orders();
    put(&orders, 0..50_000, plain);
    let stand = bench.start().await;
    let is_end = |happening: &Happening| matches!(happening, Happening::Invoked { .. });
    stand.watch.wait(2, |happening| is_end(happening).then_some(())).await;
    let third: ShardId = "shardId-000000000003".into();
    orders.split_evenly(&third).unwrap();
    put(&orders, 50_000..100_000, plain);
    stand.simulator.drained().await;
    let journal = stand.journal();
    assert_eq!(journal.len(), 100_000, "each record once");
    assert_eq!(by(&journal, |line| line.shard.clone()).len(), SHARDS + 2);
    check_complete_and_in_order(&journal, 100_000);
    let ends = stand.watch.endings();
    assert!(ends.iter().all(|(_, ending)| *ending == Ending::Success));
}

/// Three kinds of death, two of them drawn by the seed: before the first record, between two, and after the last one with the answer on its way.
const DEATHS: &str = "
    kill at=received chance=0.3 times=15
    kill at=between every=5 times=20
    kill at=answered chance=0.3 times=15
";

/// Every hundredth record has a point at which the process may be killed.
fn pointed(id: usize) -> String {
    let point = ",\"do\":\"point\",\"name\":\"between\"";
    format!("{{\"id\":{id}{}}}", if id.is_multiple_of(100) { point } else { "" })
}

async fn killed(records: usize) -> (Stand, Arc<Faults>) {
    let faults = Arc::new(Faults::parse(DEATHS, 7).unwrap());
    let bench = Bench::on(Clock::hurried(100), SHARDS).retries(None);
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 100);
    put(&bench.world.orders(), 0..records, pointed);
    let watched: Arc<Faults> = Arc::clone(&faults);
    (bench.interfere(watched).drained().await, faults)
}

#[tokio::test]
async fn a_function_that_is_killed_50_times_sees_each_record_at_least_once_in_order() {
    let (stand, faults) = killed(8_000).await;
    assert_eq!(faults.done(), [15, 20, 15]);
    let deaths = stand.watch.endings().into_iter();
    let deaths = deaths.filter(|(_, ending)| matches!(ending, Ending::Error { .. })).count();
    assert_eq!(deaths, 50, "each ended an invocation");
    let journal = stand.journal();
    assert!(journal.len() > 8_000, "some came again");
    check_complete_and_in_order(&first_sightings(&journal), 8_000);
    check_redeliveries(&stand, &journal);
    assert_eq!(stand.watch.discarded(), []);
}

/// Asserts that nothing is passed over: on each shard an invocation begins at the record behind the last one that is done, and
/// so at or before the record at which the one before it died.
fn check_redeliveries(stand: &Stand, journal: &[Line]) {
    let died: BTreeSet<String> = stand
        .watch
        .pick(|_, happening| match happening {
            Happening::Invoked { request_id, ending: Ending::Error { .. }, .. } => {
                Some(request_id.to_string())
            }
            _ => None,
        })
        .into_iter()
        .collect();
    for (shard, lines) in by(journal, |line| line.shard.clone()) {
        let mut expect = lines.first().map(|line| &line.number);
        for deliveries in lines.chunk_by(|one, next| one.request == next.request) {
            let (first, last) = (deliveries[0], deliveries[deliveries.len() - 1]);
            assert_eq!(Some(&first.number), expect, "{shard}: {}", first.request);
            expect = if died.contains(&first.request) {
                Some(&first.number)
            } else {
                let behind = lines.iter().find(|line| line.number > last.number);
                behind.map(|line| &line.number)
            };
        }
        assert_eq!(expect, None, "{shard} ended with a death");
    }
}
