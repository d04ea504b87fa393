//! Events of the past, by whose own clock time passes.

use super::super::{Settle, ToldBy};
use super::Stack;
use crate::aggregate::tests::kit::{event, take_all, text};
use crate::control::{Control, announce};
use crate::memory::block_on;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::MINUTE_MS;

/// What changes, and what goes on.
const RULES: &str = "
namespace: Shop
late: drop
out_of_order: 3m
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
  all: {count: has(type), window: 1m}
";
const MINUTES: usize = 40;

/// Of each window of orders whether the changed rules counted it, where rules are announced after these minutes, between aggregate and settle,
/// which runs for the first time after `settled` of them. Windows tile time, and each event counts once.
fn changed_by(announced: &[(usize, &str)], settled: usize) -> Vec<bool> {
    let mut stack = Stack::new(RULES);
    stack.settle = Settle::new(stack.town.home(RULES), "shop", 1).told_by(ToldBy::Events);
    // All waits on the shards from the beginning, so that nothing proves them empty.
    for (minute, seconds) in (0..=MINUTES).zip((-7_200..).step_by(60)) {
        for name in ["one", "two"] {
            stack.town.put(name, &[event(&format!("{name}-{minute}"), "order", seconds)]);
        }
    }
    let mut windows = Vec::new();
    for minute in 0..MINUTES {
        for name in ["one", "two"] {
            take_all(&mut stack.aggregate, stack.town.batch(name, minute..minute + 1));
        }
        for (_, rules) in announced.iter().filter(|(after, _)| *after == minute) {
            let home = stack.town.home(RULES);
            block_on(announce(&home, &mut Control::default(), 1, &text(rules))).unwrap();
        }
        if minute < settled {
            continue;
        }
        for told in stack.settle().into_iter().filter(|told| &*told.metric.name == "orders") {
            windows.push((told.point.window_start, !told.metric.dimensions.is_empty()));
            if let Values::Count(count) = told.point.values {
                assert_eq!(count, 2, "after {minute} minutes");
            }
        }
    }
    for pair in windows.windows(2) {
        assert_eq!(pair[1].0, pair[0].0.plus(MINUTE_MS), "{windows:?}");
    }
    windows.into_iter().map(|(_, is_changed)| is_changed).collect()
}

#[test]
fn rules_that_change_come_in_force_behind_the_events_though_the_clock_is_far_ahead() {
    let changed = changed_by(&[(8, &changed())], 0);
    assert_eq!((changed.first(), changed.last()), (Some(&false), Some(&true)), "{changed:?}");
}

/// What they counted as those that retire is not all that they count.
#[test]
fn rules_that_come_back_before_they_have_retired_lose_nothing() {
    for back in 11..16 {
        let changed = changed_by(&[(8, &changed()), (back, RULES)], 0);
        assert_eq!((changed.first(), changed.last()), (Some(&false), Some(&false)), "{changed:?}");
        assert!(changed.contains(&true), "{changed:?}");
    }
}

/// As long as settle knows no shard, it does not know what was counted without the new rules.
#[test]
fn rules_that_change_before_anything_was_settled_lose_nothing() {
    let changed = changed_by(&[(8, &changed())], 12);
    assert_eq!((changed.first(), changed.last()), (Some(&false), Some(&true)), "{changed:?}");
}

fn changed() -> String {
    RULES.replace("'order', window", "'order', dimensions: {kind: type}, window")
}
