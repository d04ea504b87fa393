//! Environments that take turns with the batches of a shard.

use super::kit::{Function, RULES, Town, orders, state, take_all};

/// Two environments take 40 batches in such turns; answers how many conflicts each had.
fn conflicts(mut turn: impl FnMut(usize) -> usize) -> [u32; 2] {
    let town = Town::new();
    town.put("one", &orders(0, 400));
    let mut functions: [Function; 2] = [(); 2].map(|()| town.function(RULES));
    let mut conflicts = [0; 2];
    for batch in 0..40 {
        let environment = turn(batch);
        let records = town.batch("one", batch * 10..batch * 10 + 10);
        let taken = take_all(&mut functions[environment], records);
        conflicts[environment] += taken.conflicts;
    }
    town.check("one", RULES, 400);
    let [one, other] = &mut functions;
    // Whoever looks has what the other has.
    take_all(one, town.batch("one", 390..400));
    take_all(other, town.batch("one", 390..400));
    assert_eq!(state(one, "one"), state(other, "one"));
    conflicts
}

#[test]
fn environments_that_alternate_meet_one_conflict_each() {
    // The second begins with what the log has; it is late at its second batch, as the first is.
    assert_eq!(conflicts(|batch| batch % 2), [1, 1]);
}

#[test]
fn environments_that_take_turns_now_and_then_meet_one_conflict_each() {
    assert_eq!(conflicts(|batch| batch / 5 % 2), [1, 1]);
}
