//! Timelines of shards: what came, and where all of them together then stand.

use super::*;
use crate::plan::LatePolicy;

const OUT_OF_ORDER_MS: i64 = 10;
const HOLD_MS: i64 = 100;

fn shards(listed: &[(&str, &[&str])]) -> Watermarks {
    let mut watermarks = Watermarks::new(Timing {
        out_of_order: OUT_OF_ORDER_MS,
        allowed_lateness: 0,
        late: LatePolicy::Drop,
        deduplicate: None,
        max_ahead: 0,
        hold: HOLD_MS,
    });
    watermarks.list(&listings(listed));
    watermarks
}

fn listings(listed: &[(&str, &[&str])]) -> Vec<ShardListing> {
    let listing = |&(id, parents): &(&str, &[&str])| ShardListing {
        id: ShardId::from(id),
        parents: parents.iter().map(|&parent| ShardId::from(parent)).collect(),
    };
    listed.iter().map(listing).collect()
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn stands(watermarks: &mut Watermarks, now: i64) -> Option<i64> {
    watermarks.combined(at(now)).map(Timestamp::as_millis)
}

#[test]
fn nothing_is_said_before_every_listed_shard_was_heard() {
    let mut all = shards(&[("a", &[]), ("b", &[])]);
    all.progress(&"a".into(), at(50), at(0));
    assert_eq!(stands(&mut all, 0), None);
    all.progress(&"b".into(), at(40), at(0));
    assert_eq!(stands(&mut all, 0), Some(40));
}

#[test]
fn the_watermark_never_goes_back() {
    let mut all = shards(&[("a", &[])]);
    all.progress(&"a".into(), at(50), at(0));
    assert_eq!(stands(&mut all, 0), Some(50));
    all.list(&listings(&[("a", &[]), ("new", &[])]));
    assert_eq!(stands(&mut all, 0), Some(50));
    all.progress(&"new".into(), at(20), at(0));
    assert_eq!(stands(&mut all, 0), Some(50));
}

#[test]
fn an_idle_shard_stands_at_the_question_minus_out_of_order() {
    let mut all = shards(&[("a", &[]), ("b", &[])]);
    all.progress(&"a".into(), at(500), at(0));
    all.progress(&"b".into(), at(40), at(0));
    all.idle(&"b".into(), at(300));
    assert_eq!(stands(&mut all, 300), Some(290));
    all.idle(&"b".into(), at(900));
    assert_eq!(stands(&mut all, 900), Some(500));
}

#[test]
fn a_child_holds_at_the_smaller_of_its_parents_until_it_is_heard() {
    let mut all = shards(&[("a", &[]), ("b", &[])]);
    all.progress(&"a".into(), at(70), at(0));
    all.progress(&"b".into(), at(60), at(0));
    all.list(&listings(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]));
    all.finished(&"a".into());
    all.finished(&"b".into());
    assert_eq!(stands(&mut all, 0), Some(60));
    all.progress(&"c".into(), at(90), at(0));
    assert_eq!(stands(&mut all, 0), Some(90));
}

#[test]
fn a_closed_shard_leaves_when_it_is_read_to_its_end_or_off_the_list() {
    let mut all = shards(&[("a", &[]), ("b", &[])]);
    all.progress(&"a".into(), at(10), at(0));
    all.progress(&"b".into(), at(80), at(0));
    assert_eq!(stands(&mut all, 0), Some(10));
    all.finished(&"a".into());
    assert_eq!(stands(&mut all, 0), Some(80));
    all.list(&listings(&[]));
    assert_eq!(stands(&mut all, 0), Some(80));
}

#[test]
fn a_shard_behind_holds_for_a_while_and_is_left_out_only_if_another_went_on() {
    let mut all = shards(&[("stuck", &[]), ("b", &[])]);
    all.progress(&"stuck".into(), at(10), at(0));
    all.progress(&"b".into(), at(20), at(0));
    all.behind(&"stuck".into(), at(5));
    all.behind(&"b".into(), at(5));
    assert_eq!(stands(&mut all, 5 + HOLD_MS), Some(10), "all stand still, so none is left out");
    all.progress(&"b".into(), at(300), at(50));
    assert_eq!(stands(&mut all, 5 + HOLD_MS - 1), Some(10), "not yet");
    assert_eq!(stands(&mut all, 5 + HOLD_MS), Some(300));
    assert_eq!(all.left_out().map(|id| &**id).collect::<Vec<_>>(), ["stuck"]);
}

#[test]
fn a_shard_that_was_left_out_counts_again_when_it_has_caught_up() {
    let mut all = shards(&[("stuck", &[]), ("b", &[])]);
    all.progress(&"stuck".into(), at(10), at(0));
    all.behind(&"stuck".into(), at(0));
    all.progress(&"b".into(), at(300), at(50));
    assert_eq!(stands(&mut all, HOLD_MS), Some(300));
    all.progress(&"stuck".into(), at(200), at(110));
    assert_eq!(stands(&mut all, 110), Some(300));
    assert_eq!(all.left_out().count(), 1);
    all.progress(&"stuck".into(), at(310), at(120));
    assert_eq!(stands(&mut all, 120), Some(300));
    assert_eq!(all.left_out().count(), 0);
    all.progress(&"b".into(), at(400), at(130));
    assert_eq!(stands(&mut all, 130), Some(310), "it holds the others again");
}

#[test]
fn a_closed_shard_that_was_read_to_its_end_stays_gone_while_the_stream_still_lists_it() {
    let listed: &[(&str, &[&str])] = &[("a", &[]), ("b", &[]), ("c", &["a"])];
    let mut all = shards(listed);
    all.progress(&"a".into(), at(10), at(0));
    all.progress(&"b".into(), at(80), at(0));
    all.finished(&"a".into());
    all.list(&listings(listed));
    assert_eq!(stands(&mut all, 0), Some(10), "its child holds where it stood");
    all.progress(&"c".into(), at(70), at(0));
    assert_eq!(stands(&mut all, 0), Some(70));
}

#[test]
fn a_child_of_shards_that_were_never_heard_of_holds_where_their_parents_stood() {
    let mut all = shards(&[("a", &[]), ("b", &[])]);
    all.progress(&"a".into(), at(70), at(0));
    all.progress(&"b".into(), at(60), at(0));
    all.list(&listings(&[
        ("a", &[]),
        ("b", &[]),
        ("c", &["a"]),
        ("d", &["b"]),
        ("e", &["c", "d"]),
    ]));
    for left in ["a", "b", "c", "d"] {
        all.finished(&left.into());
    }
    all.list(&listings(&[("e", &["c", "d"])]));
    assert_eq!(stands(&mut all, 0), Some(60));
}

#[test]
fn shards_that_left_the_list_are_forgotten_once_nobody_stands_where_they_stood() {
    let mut all = shards(&[("0", &[])]);
    all.progress(&"0".into(), at(1), at(0));
    for number in 1..1_000 {
        let (parent, child) = ((number - 1).to_string(), number.to_string());
        all.list(&listings(&[(&child, &[&parent])]));
        assert_eq!(stands(&mut all, 0), Some(number), "after {number}");
        all.progress(&child.as_str().into(), at(number + 1), at(0));
        assert!(all.shards.len() <= 2, "{} shards", all.shards.len());
    }
}

#[test]
fn shards_that_are_their_own_ancestors_hold_at_the_beginning() {
    let mut all = shards(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"])]);
    assert_eq!(stands(&mut all, 0), None);
    all.progress(&"c".into(), at(10), at(0));
    all.progress(&"b".into(), at(20), at(0));
    assert_eq!(stands(&mut all, 0), Some(10));
}

/// What is left out already is nobody with whom time goes on.
#[test]
fn a_shard_that_is_left_out_makes_nobody_else_be_left_out() {
    let mut all = shards(&[("slow", &[]), ("b", &[])]);
    all.progress(&"slow".into(), at(10), at(0));
    all.behind(&"slow".into(), at(0));
    all.progress(&"b".into(), at(300), at(50));
    assert_eq!(stands(&mut all, HOLD_MS), Some(300));
    all.behind(&"b".into(), at(HOLD_MS));
    all.progress(&"slow".into(), at(20), at(HOLD_MS + 1));
    assert_eq!(stands(&mut all, 2 * HOLD_MS), Some(300));
    assert_eq!(all.left_out().map(|id| &**id).collect::<Vec<_>>(), ["slow"]);
    all.progress(&"slow".into(), at(400), at(2 * HOLD_MS));
    assert_eq!(stands(&mut all, 2 * HOLD_MS), Some(300));
    assert_eq!(all.left_out().count(), 0, "it has reached the combined one");
    assert_eq!(stands(&mut all, 2 * HOLD_MS), Some(400));
    assert_eq!(all.left_out().map(|id| &**id).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn another_plan_brings_its_own_bounds_and_nothing_goes_back() {
    let mut all = shards(&[("a", &[])]);
    all.idle(&"a".into(), at(100));
    assert_eq!(stands(&mut all, 100), Some(100 - OUT_OF_ORDER_MS));
    all.set_timing(Timing { out_of_order: 50, ..all.timing });
    assert_eq!(stands(&mut all, 100), Some(100 - OUT_OF_ORDER_MS));
    all.idle(&"a".into(), at(200));
    assert_eq!(stands(&mut all, 200), Some(150));
}
