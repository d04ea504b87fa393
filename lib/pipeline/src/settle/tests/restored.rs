//! A settle that is restored from its snapshot again and again, beside one that stays warm.

use super::Stack;
use crate::aggregate::tests::kit::{START, event, shard, text};
use crate::control::{Control, announce};
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::publication::{Publication, PublishedPoint};
use crate::settle::Settle;
use crate::settle_entry::{Answer, POINTS, SettleEntry};
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};

const RULES: &str = "
late: correct
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
  rate: {ratio: {part: type == 'reject', whole: type == 'order'}, window: 1m}
";
/// The same metric, defined otherwise.
const OTHER_RULES: &str = "
late: correct
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type != 'click', window: 1m}
  rate: {ratio: {part: type == 'reject', whole: type == 'order'}, window: 1m}
";

/// What a settle wrote down.
#[derive(Debug, PartialEq)]
struct Written {
    headers: Vec<SettleEntry>,
    /// All points with the names of their metrics, but how long a settle took: that is told of the one before, if there was any.
    points: Vec<(String, PublishedPoint)>,
    /// From when on which plans are in force.
    in_force: Vec<(String, Timestamp)>,
}

/// Something happens on a shard, so many seconds ahead of now. It waits in the stream.
fn happens(stack: &mut Stack, name: &str, kind: &str, ahead: i64) {
    stack.events += 1;
    let now = (stack.now().as_millis() - START.as_millis()) / SECOND_MS;
    stack.town.put(name, &[event(&format!("e{}", stack.events), kind, now + ahead)]);
}

fn order(stack: &mut Stack, name: &str, ahead: i64) {
    happens(stack, name, "order", ahead);
}

fn taken_order(stack: &mut Stack, name: &'static str, ahead: i64) {
    order(stack, name, ahead);
    stack.aggregate(name);
}

/// What happens before each settle; they are a bit over a minute apart.
const SCENES: [fn(&mut Stack); 15] = [
    |stack| {
        taken_order(stack, "one", 0);
        taken_order(stack, "two", 0);
    },
    // A clock that goes back, and what comes then is late.
    |stack| {
        stack.pass(-3 * MINUTE_MS);
        taken_order(stack, "one", 0);
        taken_order(stack, "two", 0);
    },
    |stack| stack.pass(3 * MINUTE_MS),
    // A part of a ratio whose whole comes when its window is final.
    |stack| {
        happens(stack, "one", "reject", 0);
        stack.aggregate("one");
    },
    |stack| stack.pass(MINUTE_MS),
    |stack| taken_order(stack, "one", -190),
    // An event from ahead that is counted without the plan that follows.
    |stack| {
        taken_order(stack, "one", 400);
        taken_order(stack, "two", 0);
    },
    |_| {},
    // A plan is announced by a clock that is ahead: `one` works for it and counts an event under it, and more waits there; that
    // `two` is idle does not count until the announcement is past.
    |stack| {
        stack.pass(100 * SECOND_MS);
        let home = stack.town.home(RULES);
        block_on(announce(&home, &mut Control::default(), 1, &text(OTHER_RULES))).unwrap();
        stack.pass(-100 * SECOND_MS);
        taken_order(stack, "one", 500);
        order(stack, "one", 0);
    },
    |_| {},
    |_| {},
    |stack| stack.aggregate("one"),
    // A shard ends, and another goes on.
    |stack| {
        stack.town.streams[0].close(&shard("two"));
        stack.town.streams[0].open(&shard("three"), &[shard("two")]);
        taken_order(stack, "three", 0);
        taken_order(stack, "one", 0);
    },
    |stack| {
        taken_order(stack, "three", 0);
        taken_order(stack, "one", 0);
    },
    |stack| stack.pass(10 * MINUTE_MS),
];

/// Plays all scenes, and is restored after each if it should be.
fn play(restores: bool) -> Written {
    let mut stack = Stack::new(RULES);
    for scene in SCENES {
        scene(&mut stack);
        stack.settle();
        stack.pass(65 * SECOND_MS);
        if restores {
            restore(&mut stack, RULES);
        }
    }
    written(&stack)
}

/// Another environment goes on from a snapshot of the very state that this one has.
pub(super) fn restore(stack: &mut Stack, rules: &str) {
    let log = LogId::settle(Partition::default());
    let state = &stack.settle.kept[&Partition::default()].state;
    let newest = block_on(stack.town.snapshots.versions(&log)).unwrap().first().copied();
    if newest < Some(state.version) {
        let snapshot = Snapshot::new(state.version, state.encode()).unwrap();
        let put = block_on(stack.town.snapshots.put(&log, newest, &snapshot));
        assert_eq!(put.unwrap(), Put::Swung);
    }
    stack.settle = Settle::new(stack.town.home(rules), "shop", 1);
}

fn written(stack: &Stack) -> Written {
    let log = LogId::settle(Partition::default());
    let read = block_on(stack.town.log.read(&log, Version::START, Wanted::All)).unwrap();
    let (mut headers, mut points) = (Vec::new(), Vec::new());
    for logged in read {
        let mut header = SettleEntry::decode(logged.entry.header()).unwrap();
        // When an environment asked last it knows of itself only, so another one may ask once more.
        header.answers.retain(|(_, answer)| *answer == Answer::Finished);
        headers.push(header);
        let Some(chunk) = logged.entry.chunks().get(&POINTS) else { continue };
        let published = Publication::decode(chunk).unwrap();
        let name_of = |point: &PublishedPoint| {
            published.metrics[usize::try_from(point.metric).unwrap()].name.clone()
        };
        let named = published.points.iter().map(|point| (name_of(point), point.clone()));
        // Its place among the metrics depends on whether that one is there.
        let named = named.map(|(name, point)| (name, PublishedPoint { metric: 0, ..point }));
        points.extend(named.filter(|(name, _)| name != "SettleDuration"));
    }
    let mut control = Control::default();
    block_on(control.follow(&stack.town.log)).unwrap();
    let in_force = control.in_force().iter().map(|it| (it.plan.clone(), it.from)).collect();
    Written { headers, points, in_force }
}

#[test]
fn a_restored_settle_writes_what_one_that_stayed_warm_does() {
    let (warm, restored) = (play(false), play(true));
    assert_eq!(restored, warm);
    // The scenes are what they are meant to be.
    assert_eq!(warm.in_force.len(), 2);
    assert_eq!(
        warm.headers.iter().map(|header| header.answers.len()).sum::<usize>(),
        1,
        "the shard that ended"
    );
    let values = |wanted: &str| {
        let of_metric = warm.points.iter().filter(move |(name, _)| name == wanted);
        of_metric.map(|(_, point)| point.values.clone()).collect::<Vec<_>>()
    };
    let counts = values("orders").into_iter().map(|values| match values {
        Values::Count(count) => count,
        values => panic!("{values:?} is no count"),
    });
    assert_eq!(counts.sum::<u64>(), 13, "each order");
    assert!(values("rate").contains(&Values::Ratio { part: 1, whole: 1 }), "the part met a whole");
}
