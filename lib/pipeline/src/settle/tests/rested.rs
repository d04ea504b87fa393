//! Environments that rest for weeks, while others go on.

use super::{RULES, Stack};
use crate::aggregate::tests::kit::Home;
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::Snapshots;
use crate::settle::{SETTLE_KEPT_MS, Settle, SettleError, Settled};
use streamgauge_engine::time::{DAY_MS, MINUTE_MS, Timestamp};

fn run(settle: &mut Settle<Home>) -> Result<Settled, SettleError> {
    block_on(settle.run(Partition::default(), Timestamp::from_millis(i64::MAX)))
}

/// The state that is kept, as bytes, with its version.
fn state(settle: &Settle<Home>) -> (Version, Vec<u8>) {
    let state = &settle.kept[&Partition::default()].state;
    (state.version, state.encode())
}

/// Orders come and are settled, minute by minute.
fn orders(stack: &mut Stack, count: usize) {
    for _ in 0..count {
        stack.order("one");
        stack.order("two");
        stack.aggregate("one");
        stack.aggregate("two");
        stack.pass(MINUTE_MS);
        stack.settle();
    }
}

/// A stack whose log has entries that its second environment has not read when they expire. Snapshots cover them.
fn rested() -> (Stack, Settle<Home>) {
    let mut stack = Stack::new(RULES);
    orders(&mut stack, 3);
    let mut resting = Settle::new(stack.town.home(RULES), "shop", 1);
    run(&mut resting).unwrap();
    orders(&mut stack, 3);
    stack.pass(2 * DAY_MS);
    stack.settle();
    stack.pass(SETTLE_KEPT_MS);
    (stack, resting)
}

#[test]
fn an_environment_that_rested_while_entries_expired_leaves_none_of_them_out() {
    let (mut stack, mut resting) = rested();
    orders(&mut stack, 2);
    run(&mut resting).unwrap();
    assert!(state(&resting) == state(&stack.settle), "it has another state");
}

#[test]
fn an_environment_that_rested_until_the_log_was_empty_goes_on_where_others_ended() {
    let (mut stack, mut resting) = rested();
    let (ended, _) = state(&stack.settle);
    std::mem::swap(&mut stack.settle, &mut resting);
    orders(&mut stack, 2);
    let (went_on, _) = state(&stack.settle);
    assert!(went_on > ended, "{went_on:?} is not after {ended:?}");
    run(&mut resting).unwrap();
    assert!(state(&resting) == state(&stack.settle), "it has another state");
}

#[test]
fn what_has_expired_and_no_snapshot_covers_is_told_and_not_left_out() {
    let (mut stack, _) = rested();
    orders(&mut stack, 1);
    let log = LogId::settle(Partition::default());
    block_on(stack.town.snapshots.expire(&log, stack.now())).unwrap();
    let mut cold = Settle::new(stack.town.home(RULES), "shop", 1);
    let error = run(&mut cold).unwrap_err();
    assert_eq!(
        error.to_string(),
        "version 1 of the log \"settle/0\" has expired, and no snapshot covers it"
    );
}
