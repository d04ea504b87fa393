//! What a run is made of, drawn from a seed: a mapping, a stream, a function that fails at some records, and what happens when.

use super::super::bench::mapping;
use crate::arn::Arn;
use crate::stack::{Destination, KinesisMapping};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the function does at a batch with a bad record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Fail,
    FailHandled,
    Throttle,
    Lose,
    /// Reports this record.
    Report,
    /// Reports this record and all later ones of the batch, the last one first.
    ReportRest,
    /// Answers what AWS takes for the failure of the whole batch; which of these ways.
    Malformed(usize),
}

/// A bad record: what happens, and how often before it is well; none is always.
pub(super) type Bad = (Deed, Option<u32>);

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// So many records of at most so many bytes.
    Put(usize, usize),
    Split(usize),
    Merge(usize),
    Wait(u64),
    /// Stops with a grace time in ms, and starts again.
    Restart(u64),
    /// Drops the poller, and starts another one at once.
    Drop,
    /// The process is killed: what the file of checkpoints said some time before is what the next one knows.
    Kill,
    Drain,
    /// Reads and listings fail now and then for so many ms.
    Trouble(u64),
    /// The on-failure destination takes nothing for so many ms.
    Deaf(u64),
}

/// Where the mapping begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Oldest,
    Latest,
    Moment,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) mapping: KinesisMapping,
    pub(super) begin: Begin,
    pub(super) shards: usize,
    pub(super) keys: usize,
    /// Bad records by number.
    pub(super) bad: BTreeMap<usize, Bad>,
    /// Arrival times are up to so many ms before the truth.
    pub(super) jitter_ms: u64,
    /// How long the function takes at most, in ms.
    pub(super) takes_ms: u64,
    pub(super) faults: String,
    pub(super) has_file: bool,
    pub(super) steps: Vec<Step>,
}

fn deed(rng: &mut Rng) -> Deed {
    match rng.u8(0..10) {
        0..3 => Deed::Fail,
        3 => Deed::FailHandled,
        4 => Deed::Throttle,
        5 => Deed::Lose,
        6 | 7 => Deed::Report,
        8 => Deed::ReportRest,
        _ => Deed::Malformed(rng.usize(..8)),
    }
}

fn pick<T: Copy>(rng: &mut Rng, among: &[T]) -> T {
    among[rng.usize(..among.len())]
}

fn random_mapping(rng: &mut Rng) -> KinesisMapping {
    let lost = Arn::queue("eu-west-1", "000000000000", "lost");
    KinesisMapping {
        batch_records_max: pick(rng, &[1, 2, 3, 7, 10, 33, 100, 1000, 10_000]),
        batching_window: Duration::from_secs(pick(rng, &[0, 0, 0, 1, 5, 40])),
        parallelization_factor: pick(rng, &[1, 1, 1, 2, 3, 10]),
        retry_attempts_max: pick(rng, &[None, Some(0), Some(1), Some(2), Some(5)]),
        record_age_max: pick(rng, &[None, None, Some(3), Some(20), Some(90), Some(600)])
            .map(Duration::from_secs),
        bisect: rng.bool(),
        report_item_failures: rng.bool(),
        on_failure: match rng.u8(0..4) {
            0 => None,
            1 | 2 => Some(Destination::Queue(lost)),
            _ => Some(Destination::Bucket("lost".to_owned())),
        },
        ..mapping()
    }
}

fn step(rng: &mut Rng, large: bool) -> Step {
    let count_max = if large { 12 } else { pick(rng, &[3, 40, 150]) };
    let large_bytes = [100, 700_000, 1_040_000, 6_000_000];
    let bytes_max = if large { pick(rng, &large_bytes) } else { pick(rng, &[0, 200, 3_000]) };
    let wait_max = pick(rng, &[3, 900, 5_000, 100_000]);
    match rng.u8(0..27) {
        0..8 => Step::Put(rng.usize(1..count_max), bytes_max),
        8 | 9 => Step::Split(rng.usize(..)),
        10 | 11 => Step::Merge(rng.usize(..)),
        12..18 => Step::Wait(rng.u64(0..wait_max)),
        18 | 19 => Step::Restart(pick(rng, &[0, 0, 300, 3_000, 600_000])),
        20 => Step::Drop,
        21 => Step::Kill,
        22 => Step::Drain,
        23 | 24 => Step::Trouble(rng.u64(1..40_000)),
        _ => Step::Deaf(rng.u64(1..120_000)),
    }
}

const FAULTS: [&str; 6] = [
    "repeat chance=0.2 times=8\n",
    "repeat every=3 times=5\n",
    "stop-shard for=7s chance=0.3 times=5\n",
    "stop-shard for=7m every=4 times=2\n",
    "stop-shard for=900ms every=2 times=100\n",
    "stop-shard for=250ms chance=0.5 times=1000\n",
];

impl Plan {
    pub(super) fn random(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let mapping = random_mapping(rng);
        let large = rng.u8(..) < 12;
        let begin =
            pick(rng, &[Begin::Oldest, Begin::Oldest, Begin::Oldest, Begin::Latest, Begin::Moment]);
        let is_patient = mapping.retry_attempts_max.is_none() && mapping.record_age_max.is_none();
        let share = pick(rng, &[0, 0, 2, 10, 30]);
        let mut bad = BTreeMap::new();
        for number in 0..1_500 {
            if rng.usize(..100) < share {
                let is_forever = rng.u8(..4) == 0 && (!is_patient || rng.u8(..40) == 0);
                let times = if is_forever { None } else { Some(rng.u32(1..6)) };
                bad.insert(number, (deed(rng), times));
            }
        }
        let faults = (0..rng.usize(..3)).map(|_| pick(rng, &FAULTS)).collect();
        let steps = (0..rng.usize(1..22)).map(|_| step(rng, large)).collect();
        Self {
            mapping,
            begin,
            shards: rng.usize(1..5),
            keys: pick(rng, &[1, 2, 5, 40]),
            bad,
            jitter_ms: if begin == Begin::Oldest { pick(rng, &[0, 0, 2_000, 60_000]) } else { 0 },
            takes_ms: pick(rng, &[0, 1, 700, 9_000]),
            faults,
            has_file: begin == Begin::Oldest && rng.u8(..10) == 0,
            steps,
        }
    }
}
