//! When the stream falls silent.

use super::{Stack, sum};
use crate::publication::PointKind;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};

const RULES: &str = "
late: correct
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
";

/// The last order waits in memory for its window to be decided; so that it is, the shard must be asked although it has
/// something that waits.
#[test]
fn the_last_window_is_decided_with_the_first_tick_after_its_end() {
    let mut stack = Stack::new(RULES);
    for name in ["one", "two"] {
        stack.order(name);
        stack.aggregate(name);
    }
    stack.settle();
    stack.pass(10 * SECOND_MS);
    stack.order("one");
    stack.aggregate("one");
    let open = stack.settle();
    assert_eq!(sum(&open, "orders", PointKind::Final), None, "the window is open");
    stack.pass(MINUTE_MS);
    let decided = stack.settle();
    assert_eq!(sum(&decided, "orders", PointKind::Final), Some(3));
}
