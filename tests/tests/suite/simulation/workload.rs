//! The events of a seed, and what else there is to know of it.

use super::dice::Dice;
use super::rules;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{DAY_MS, MINUTE_MS, Timestamp};
use streamgauge_pipeline::aggregate::Settings;

/// When all runs begin: 2026-01-05T10:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
/// By how much event times are behind arrivals at most: `out_of_order` of all rules.
const OUT_OF_ORDER_MS: i64 = 5_000;
/// By how much they are where nothing may be overdue: a clock that is [ahead](super::chaos::Chaos::skew_ms) proves a shard to be idle by
/// so much too far.
const IN_TIME_MS: i64 = 3_500;

/// The items of a store that keeps entries in pieces, in bytes: less than most entries have.
const ITEM_BYTES: usize = 300;
/// The deltas of an entry where batches are cut, in bytes: more than those of any one record.
const DELTA_BYTES: usize = 1_500;

/// What the world does besides faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing.
    Plain,
    /// Shards lag for longer than they hold the watermark: what comes of them then is late.
    Held,
    /// In the middle nothing comes for days, and logs expire.
    Silent,
    /// In the middle the stream is deleted and made anew.
    Remade,
    /// The events come out of a stream of others, through the filter.
    Filtered,
}

/// The stream in front of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// It has one shard, and the filter stands still for longer than `out_of_order` covers: nothing goes on without it.
    Halting,
    /// It has several, which lag unequally, are split and merged: `out_of_order` covers that.
    Covered,
}

/// A record and when it is put.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) at: Timestamp,
    /// Which shard it goes to: a place on a ring that shards share.
    pub(super) place: u8,
    pub(super) payload: String,
    /// The event's time, if it is one.
    pub(super) time: Option<Timestamp>,
}

/// What a run is given.
#[derive(Debug)]
pub(super) struct Workload {
    /// The rules, and those after a change.
    pub(super) rules: [String; 2],
    pub(super) plans: [Arc<Plan>; 2],
    /// When the change is announced, and when it is taken back; absent: it is not.
    pub(super) changes: Vec<Timestamp>,
    pub(super) partitions: u8,
    pub(super) shape: Shape,
    pub(super) front: Option<Front>,
    /// Some events come late, and are published as corrections.
    pub(super) is_late: bool,
    /// An event may come behind the watermark, though not behind the allowed lateness, where clocks differ.
    pub(super) may_be_overdue: bool,
    /// Chunks of larger entries are put in pieces.
    pub(super) item_bytes_max: usize,
    /// Batches that add more are cut.
    pub(super) delta_bytes_max: usize,
    /// When nothing comes for longer than all is done.
    pub(super) pause: Option<Timestamp>,
    /// In the order in which they are put.
    pub(super) puts: Vec<Put>,
    pub(super) end: Timestamp,
}

impl Workload {
    /// The workload of a seed.
    pub(super) fn new(seed: u64, shape: Shape) -> Self {
        let dice = Dice::new(seed);
        let partitions = u8::try_from(1 + dice.below(5)).unwrap();
        let fronts = [Front::Halting, Front::Covered];
        let front = (shape == Shape::Filtered).then(|| *dice.one_of(&fronts));
        let rules = rules::of(&dice, shape, front);
        let pause_ms = match (shape, front) {
            (Shape::Silent, _) => dice.millis(20 * DAY_MS),
            (Shape::Remade, _) | (_, Some(Front::Covered)) => 10 * MINUTE_MS,
            _ => 0,
        };
        // Copies are known by their identity, within one stream.
        let copies =
            if shape == Shape::Remade || rules[0].contains("deduplicate: off") { 0 } else { 60 };
        let behind_ms = if dice.per_mille(250) { OUT_OF_ORDER_MS } else { IN_TIME_MS };
        let mut puts: Vec<Put> = Vec::new();
        let mut at = START;
        let numbers = 20 + dice.below(60);
        let (mut pause, mut first_copied) = (None, 0);
        for number in 0..numbers {
            if number == numbers / 2 && pause_ms > 0 {
                pause = Some(at);
                first_copied = puts.len();
                at = at.plus(pause_ms);
            }
            at = at.plus(1 + dice.millis(3_000));
            if dice.per_mille(copies) && first_copied < puts.len() {
                let copied = dice.one_of(&puts[first_copied..]).clone();
                puts.push(Put { at, ..copied });
            } else {
                puts.push(record(&dice, number, (at, behind_ms), shape));
            }
        }
        let length = at.as_millis() - START.as_millis();
        // A metric that is gone takes corrections no longer than its last windows are open.
        let is_late = shape == Shape::Held;
        let changes_max = if is_late { 1 } else { 3 };
        let mut changes: Vec<_> =
            (0..dice.below(changes_max)).map(|_| START.plus(dice.millis(length))).collect();
        changes.sort();
        Self {
            plans: rules.each_ref().map(|rules| rules::plan(rules)),
            rules,
            changes,
            partitions,
            shape,
            front,
            is_late,
            may_be_overdue: behind_ms > IN_TIME_MS,
            item_bytes_max: if dice.per_mille(300) { ITEM_BYTES } else { usize::MAX },
            delta_bytes_max: if dice.per_mille(300) {
                DELTA_BYTES
            } else {
                Settings::default().delta_bytes_max
            },
            pause,
            puts,
            end: at.plus(1),
        }
    }

    /// All records in the order in which they were put, as a file.
    pub(super) fn lines(&self) -> String {
        self.puts.iter().flat_map(|put| [put.payload.as_str(), "\n"]).collect()
    }
}

fn record(dice: &Dice, number: usize, (at, behind_ms): (Timestamp, i64), shape: Shape) -> Put {
    let time = at.minus(dice.millis(behind_ms));
    let customer = dice.below(6);
    // A customer's events stay on one shard or not: journeys have to join them from all.
    let place = u8::try_from(dice.below(256)).unwrap();
    let is_broken = dice.per_mille(30);
    let payload = if is_broken {
        format!("{{\"id\": \"broken {number}\"")
    } else {
        let kind = dice.one_of(&["order", "order", "reject", "click", "other"]);
        let partner = dice.one_of(&["noon", "talabat", "lugmati"]);
        let amount = format!("{}.25", dice.below(1_000));
        let is_wrong = shape == Shape::Filtered && dice.per_mille(50);
        let amount = if is_wrong { "\"much\"" } else { &amount };
        format!(
            r#"{{"source":"shop","id":"{number}","type":"{kind}","time":"{time}","data":{{"partner":"{partner}","amount":{amount},"customer":"c{customer}"}}}}"#
        )
    };
    Put { at, place, payload, time: (!is_broken).then_some(time) }
}
