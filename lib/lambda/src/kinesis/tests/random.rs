//! Whole mappings under whatever happens: records, splits, merges, failures, faults and restarts in any order.

use super::bench::{Bench, Function, mapping};
use crate::invoke::Outcome;
use crate::stack::KinesisMapping;
use crate::testing::{done, failed};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    /// Splits one of the open shards.
    Split(usize),
    /// Merges one of the open shards with the next one.
    Merge(usize),
    Wait(u64),
    /// Stops the mapping after what is in flight, and starts it again.
    Restart,
    /// The same, and leaves nothing time to end.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..120_usize).prop_map(Step::Put),
        2 => any::<usize>().prop_map(Step::Split),
        2 => any::<usize>().prop_map(Step::Merge),
        3 => (1..3_000_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

/// A function that fails at some batches, sometimes with a part of them, and does each in the end.
fn function(seed: usize) -> Function {
    Function::new(move |batch| {
        let first: usize = batch.records[0].1.parse().unwrap();
        match (first + seed) % 7 {
            0 if batch.attempt < 3 => failed(),
            1 if batch.attempt < 2 => Outcome::Throttled,
            2 if batch.attempt < 2 => Outcome::Unreachable("lost".to_owned()),
            3 if batch.attempt < 2 => {
                let last = &batch.cause.last;
                let answer =
                    format!("{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{last}\"}}]}}");
                Outcome::Answered(answer.into())
            }
            _ => done(),
        }
    })
    .taking(Duration::from_millis(700))
}

fn is_partial(batch: &super::bench::Batch, seed: usize) -> bool {
    let first: usize = batch.records[0].1.parse().unwrap();
    (first + seed) % 7 == 3 && batch.attempt < 2
}

async fn run(steps: Vec<Step>, mapping: KinesisMapping, seed: usize) {
    let bench = Bench::new(2);
    let function = function(seed);
    let mut poller = bench.start(mapping.clone(), &function);
    let mut put = 0;
    // After a restart with lanes, or after a crash, records may come again.
    let mut is_once = true;
    for step in steps {
        let open = bench.stream.open_shards();
        match step {
            Step::Put(count) => {
                bench.put_numbers(put..put + count);
                put += count;
            }
            Step::Split(which) => {
                bench.stream.split_evenly(&open[which % open.len()]).unwrap();
            }
            Step::Merge(which) => {
                let low = which % open.len();
                if low + 1 < open.len() {
                    bench.stream.merge(&open[low], &open[low + 1]).unwrap();
                }
            }
            Step::Wait(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            Step::Restart | Step::Crash => {
                let is_restart = matches!(step, Step::Restart);
                let grace = Duration::from_secs(if is_restart { 10 } else { 0 });
                let has_ended = poller.stop(grace).await.unwrap();
                is_once &= has_ended && mapping.parallelization_factor == 1;
                poller = bench.start(mapping.clone(), &function);
            }
        }
    }
    poller.drained().await;
    check(&function, seed, put, is_once);
}

fn check(function: &Function, seed: usize, put: usize, is_once: bool) {
    let mut times = BTreeMap::new();
    let mut last = BTreeMap::new();
    for batch in function.done.lock().unwrap().iter() {
        let kept = batch.records.len() - usize::from(is_partial(batch, seed));
        for (_, data) in &batch.records[..kept] {
            let number: usize = data.parse().unwrap();
            let count = times.entry(number).or_insert(0);
            *count += 1;
            if *count == 1 {
                let before = last.insert(number % 101, number);
                assert!(before.is_none_or(|before| before < number), "{number} after {before:?}");
            }
        }
    }
    assert!(times.keys().copied().eq(0..put), "{} of {put} records came", times.len());
    assert!(!is_once || times.values().all(|&count| count == 1), "{times:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_and_keys_stay_in_order(
        steps in proptest::collection::vec(step(), 1..25),
        batch_records_max in 1..60_usize,
        parallelization_factor in 1..4_usize,
        bisect in any::<bool>(),
        seed in 0..7_usize,
    ) {
        let mapping = KinesisMapping {
            batch_records_max,
            parallelization_factor,
            bisect,
            report_item_failures: true,
            ..mapping()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps, mapping, seed));
    }
}
