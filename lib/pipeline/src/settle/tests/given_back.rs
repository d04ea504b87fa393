//! Dead letters that are given back: each is an output of its settle log once more, and only once.

use super::{Stack, sum};
use crate::control::{GIVEN_BACK_BYTES_MAX, GivenBack, give_back, letters_given_back};
use crate::deliver::DeadPoint;
use crate::deliver::lane::Cursor;
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::log::Version;
use crate::publication::{PointKind, PublishedMetric, PublishedPoint};
use std::sync::Arc;
use streamgauge_engine::output::Values;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{MINUTE_MS, Timestamp};

const RULES: &str = "{late: drop, metrics: {orders: {count: type == 'order', window: 1m}}}";

/// A letter of the point at a place, which counts so much.
fn letter(point: u32, count: u64) -> (Cursor, DeadPoint) {
    let metric = PublishedMetric {
        namespace: "Shop".to_owned(),
        name: "lost".to_owned(),
        dimensions: vec!["country".to_owned()],
        unit: None,
    };
    let start = Timestamp::from_millis(1_767_607_200_000);
    let point_of = PublishedPoint {
        metric: 0,
        series: Arc::new(SeriesKey::new(["AE"])),
        window_start: start,
        window_end: start.plus(MINUTE_MS),
        kind: PointKind::Final,
        values: Values::Count(count),
    };
    let cursor = Cursor { version: Version(1), point };
    (cursor, DeadPoint { metric, point: point_of })
}

fn give(stack: &Stack, letters: &[(Cursor, DeadPoint)]) -> GivenBack {
    block_on(give_back(&stack.town.log, Partition::default(), letters)).unwrap()
}

/// A stack that has settled once.
fn begun() -> Stack {
    let mut stack = Stack::new(RULES);
    stack.order("one");
    stack.aggregate("one");
    stack.settle();
    stack
}

#[test]
fn a_letter_is_published_once_however_often_it_is_given_back() {
    let mut stack = begun();
    let letters = [letter(0, 1), letter(1, 10)];
    assert_eq!(give(&stack, &letters[..1]), GivenBack { points: 1, repeats: 0 });
    assert_eq!(give(&stack, &letters), GivenBack { points: 1, repeats: 1 });
    assert_eq!(give(&stack, &letters), GivenBack { points: 0, repeats: 2 });
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), Some(11));
    stack.pass(MINUTE_MS);
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), None);
    let known = block_on(letters_given_back(&stack.town.log, Partition::default())).unwrap();
    assert_eq!(known, letters.iter().map(|letter| letter.0).collect());
}

#[test]
fn a_cold_settle_does_not_repeat_them() {
    let mut stack = begun();
    give(&stack, &[letter(0, 1)]);
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), Some(1));
    stack.settle = super::Settle::new(stack.town.home(RULES), "shop", 1);
    stack.pass(MINUTE_MS);
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), None);
}

#[test]
fn those_of_another_partition_are_not_ours() {
    let mut stack = begun();
    let other = Partition::new(1).unwrap();
    block_on(give_back(&stack.town.log, other, &[letter(0, 1)])).unwrap();
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), None);
}

#[test]
fn many_are_cut_into_entries_that_settle_takes_one_by_one() {
    let mut stack = begun();
    let large = "x".repeat(GIVEN_BACK_BYTES_MAX / 2);
    let letters: Vec<(Cursor, DeadPoint)> = (0..7)
        .map(|point| {
            let mut letter = letter(point, 1);
            letter.1.point.series = Arc::new(SeriesKey::new([large.as_str()]));
            letter
        })
        .collect();
    assert_eq!(give(&stack, &letters), GivenBack { points: 7, repeats: 0 });
    let before = stack.seen;
    assert_eq!(sum(&stack.settle(), "lost", PointKind::Final), Some(7));
    assert!(stack.seen.0 - before.0 >= 7);
}
