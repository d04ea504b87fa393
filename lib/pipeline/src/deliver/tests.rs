//! Points are sent once, in order, whatever the other end, the store and other invocations do.

mod bench;
mod channels;
mod crashes;
mod told;
mod told_crashes;

use super::lane::GIVE_UP_MS;
use super::{DeliverError, Delivered};
use crate::contract::Fault;
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Label, Log, LogId, Version, Wanted};
use crate::port::sink::Delivery;
use bench::{Bench, START, after, partition};
use std::task::{Context, Waker};
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS};

fn retry(after_ms: i64) -> Delivery {
    Delivery::Retry { after_ms }
}

#[test]
fn points_of_many_entries_go_in_one_call() {
    let bench = Bench::new(100);
    for names in [&["a/1", "a/2"][..], &[], &["a/3", "a/4!"], &["a/5"]] {
        bench.settle(names);
    }
    let delivered = bench.run(&bench.environment());
    assert_eq!(delivered, Delivered { calls: 1, points: 4, ..Delivered::default() });
    bench.check_counted(&["a/1", "a/2", "a/3", "a/5"]);
    assert_eq!(bench.wake_ups(), []);
}

#[test]
fn calls_are_as_full_as_they_go_and_of_one_namespace() {
    let bench = Bench::new(2);
    bench.settle(&["a/1", "a/2", "a/3"]);
    bench.settle(&["a/4", "a/5", "b/6", "a/7"]);
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.calls, delivered.points, delivered.behind), (5, 7, 0));
    bench.check_counted(&["a/1", "a/2", "a/3", "a/4", "a/5", "a/7", "b/6"]);
}

#[test]
fn what_is_delivered_is_not_delivered_again() {
    let bench = Bench::new(2);
    let warm = bench.environment();
    for name in ["a/1", "a/2", "a/3"] {
        bench.settle(&[name]);
        assert_eq!(bench.run(&warm).points, 1);
        assert_eq!(bench.run(&bench.environment()), Delivered::default());
        assert_eq!(bench.run(&warm), Delivered::default());
    }
    bench.check_counted(&["a/1", "a/2", "a/3"]);
}

#[test]
fn an_environment_that_is_behind_goes_on_from_the_register() {
    let bench = Bench::new(1);
    let [one, other] = [bench.environment(), bench.environment()];
    for (number, name) in (0..).zip(["a/1", "a/2", "a/3", "a/4", "a/5"]) {
        bench.settle(&[name]);
        let environment = if number % 2 == 0 { &one } else { &other };
        assert_eq!(bench.run(environment).points, 1);
    }
    bench.check_counted(&["a/1", "a/2", "a/3", "a/4", "a/5"]);
}

#[test]
fn a_lane_that_is_throttled_backs_off_and_wakes_itself() {
    let bench = Bench::new(1);
    bench.settle(&["a/1", "a/2"]);
    for _ in 0..3 {
        bench.points.script(retry(1_500), false);
    }
    let environment = bench.environment();
    let mut waits = Vec::new();
    for _ in 0..3 {
        let delivered = bench.run(&environment);
        assert_eq!((delivered.calls, delivered.retries, delivered.behind), (1, 1, 1));
        assert_eq!(delivered.behind_since, Some(START));
        let wake_at = delivered.wake_at.unwrap();
        waits.push(wake_at.as_millis() - bench.clock.now().as_millis());
        // Who comes too early does nothing, and wakes nobody.
        let early = bench.run(&bench.environment());
        assert_eq!((early.calls, early.wake_at, early.behind), (0, None, 1));
        bench.clock.set(wake_at);
        assert_eq!(bench.wake_ups().len(), 1);
    }
    assert_eq!(waits, [1_500, 2_000, 4_000]);
    assert_eq!(bench.run(&environment).points, 2);
    bench.check_counted(&["a/1", "a/2"]);
}

#[test]
fn an_answer_that_was_lost_is_asked_for_after_five_minutes() {
    for taken in [true, false] {
        let bench = Bench::new(2);
        bench.settle(&["a/1", "a/2", "a/3"]);
        bench.points.script(Delivery::Unknown, taken);
        let environment = bench.environment();
        let delivered = bench.run(&environment);
        assert_eq!((delivered.calls, delivered.unknown, delivered.points), (1, 1, 0));
        assert_eq!(delivered.wake_at, Some(after(300)));
        bench.clock.set(after(299));
        assert_eq!(bench.run(&bench.environment()).calls, 0);
        bench.clock.set(after(300));
        let resolved = bench.run(&environment);
        assert_eq!((resolved.calls, resolved.points), (if taken { 1 } else { 2 }, 3));
        bench.check_counted(&["a/1", "a/2", "a/3"]);
    }
}

#[test]
fn a_point_that_is_too_old_is_not_sent_on_a_guess() {
    let bench = Bench::new(2);
    bench.settle_late(&["a/1", "a/2"], 3 * HOUR_MS);
    bench.settle(&["a/3"]);
    bench.points.script(Delivery::Unknown, false);
    let environment = bench.environment();
    bench.run(&environment);
    bench.clock.set(after(300));
    let delivered = bench.run(&environment);
    assert_eq!((delivered.dead, delivered.points), (2, 1));
    bench.check_counted(&["a/3"]);
    let reason = "no answer came, and it is too old to be sent again".to_owned();
    assert_eq!(bench.dead(), [("a/1".to_owned(), reason.clone()), ("a/2".to_owned(), reason)]);
}

#[test]
fn while_one_sends_another_leaves_the_lane() {
    let bench = Bench::new(1);
    bench.settle(&["a/1", "a/2", "a/3"]);
    let [one, other] = [bench.environment(), bench.environment()];
    let (name, deadline) = bench.invocation();
    let mut sending = Box::pin(one.run(partition(), &name, deadline));
    while bench.points.calls() == 0 {
        let poll = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    let left = bench.run(&other);
    assert_eq!((left.calls, left.wake_at, left.behind), (0, None, 1));
    let delivered = block_on(sending).unwrap();
    assert_eq!((delivered.calls, delivered.points), (3, 3));
    bench.settle(&["a/4"]);
    assert_eq!(bench.run(&other).points, 1, "it looks whether the first is still sending");
    bench.check_counted(&["a/1", "a/2", "a/3", "a/4"]);
}

/// An invocation whose first mark took so many seconds.
fn run_slowly(bench: &Bench, mark_s: i64, deadline_s: i64) -> Delivered {
    bench.settle(&["a/1"]);
    let environment = bench.environment();
    let mut run = Box::pin(environment.run(partition(), "slow", after(deadline_s)));
    while bench.lane().sending.is_none() {
        let poll = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    bench.clock.set(after(mark_s));
    block_on(run).unwrap()
}

#[test]
fn a_call_whose_mark_was_slow_does_not_outlive_the_deadline() {
    let bench = Bench::new(1);
    let delivered = run_slowly(&bench, 50, 60);
    assert_eq!((delivered.calls, delivered.wake_at), (0, Some(after(50))));
    assert_eq!(bench.lane().sending, None);
    assert_eq!(bench.run(&bench.environment()).points, 1);
}

#[test]
fn a_call_whose_mark_was_slow_is_marked_again_so_that_it_is_not_asked_for_too_early() {
    let bench = Bench::new(1);
    bench.points.script(Delivery::Unknown, true);
    let delivered = run_slowly(&bench, 61, 900);
    assert_eq!((delivered.calls, delivered.wake_at), (1, Some(after(61 + 300))));
}

#[test]
fn points_that_are_rejected_are_found_by_halving() {
    let bench = Bench::new(100);
    let names: Vec<_> = (0..64).map(|place| format!("a/{place:02}")).collect();
    bench.settle(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for poison in ["00", "17", "18", "63"] {
        bench.points.poison(poison);
    }
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.points, delivered.dead, delivered.behind), (60, 4, 0));
    assert!(delivered.calls <= 4 * 9, "{delivered:?}");
    assert_eq!(bench.counted().len(), 60);
    assert!(bench.counted().values().all(|&times| times == 1));
    let reason = "the other end rejects it: a value is poison";
    let expected =
        ["a/00", "a/17", "a/18", "a/63"].map(|name| (name.to_owned(), reason.to_owned()));
    assert_eq!(bench.dead(), expected);
}

#[test]
fn points_that_can_never_be_sent_are_dead_letters_with_their_places() {
    let bench = Bench::new(3);
    bench.points.refuse("bad");
    bench.settle(&["a/1", "a/bad", "a/2", "a/3", "b/bad", "c/4!"]);
    bench.settle_late(&["a/old"], 15 * DAY_MS);
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.calls, delivered.points, delivered.dead), (1, 3, 3));
    bench.check_counted(&["a/1", "a/2", "a/3"]);
    let letters = bench.letters();
    let places: Vec<_> =
        letters.iter().map(|letter| (letter.cursor.version.0, letter.cursor.point)).collect();
    assert_eq!(places, [(1, 1), (1, 4), (2, 0)]);
    assert!(letters.iter().all(|letter| letter.lane == "points" && letter.at == START));
    assert_eq!(letters[0].reason, "`bad` is no value of a dimension");
    assert_eq!(letters[2].reason, "it is over two weeks old");
}

/// The bytes of all entries of the dead letters, but for the publication, which has its own fixture.
fn stored_letters(bench: &Bench) -> Vec<Vec<u8>> {
    let log = LogId::dead_letters(partition());
    let read = block_on(bench.log.read(&log, Version::START, Wanted::Only(&[Label(1)]))).unwrap();
    read.into_iter()
        .flat_map(|logged| {
            let chunks = logged.entry.chunks().values().cloned().collect::<Vec<_>>();
            [vec![logged.entry.header().to_vec()], chunks].concat()
        })
        .collect()
}

#[test]
fn dead_letters_are_stored_as_ever() {
    let bench = Bench::new(3);
    bench.points.refuse("bad");
    bench.settle(&["a/1", "a/bad", "b/bad"]);
    bench.run(&bench.environment());
    let start = [0x1b, 0, 0, 1, 0x9b, 0x8d, 0x99, 0x69, 0];
    let header = |letters| [&[1, 0x66][..], b"points", &start, &[letters]].concat();
    let reason = [&[0x81, 0x78, 32][..], b"`bad` is no value of a dimension"].concat();
    let chunk = |place| [&[1][..], &reason, &[0x81, 1, place, 0]].concat();
    assert_eq!(stored_letters(&bench), [header(1), chunk(1), header(1), chunk(2)]);
}

#[test]
fn dead_letters_that_are_too_large_for_one_entry_become_more() {
    let bench = Bench::new(3);
    let large = "x".repeat(10 << 20);
    for number in 0..3 {
        bench.settle_late(&[&format!("a/{number}"), &format!("a/{number}{large}")], 15 * DAY_MS);
    }
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.dead, delivered.behind), (6, 0));
    assert!(stored_letters(&bench).len() > 2);
    let names: Vec<_> = bench.dead().into_iter().map(|(name, _)| name).collect();
    let expected = (0..3).flat_map(|number| [format!("a/{number}"), format!("a/{number}{large}")]);
    assert!(names.into_iter().eq(expected));
}

#[test]
fn after_thirteen_days_what_has_waited_so_long_is_given_up() {
    let bench = Bench::new(10);
    bench.settle(&["a/1"]);
    let environment = bench.environment();
    bench.points.script(retry(1), false);
    bench.run(&environment);
    bench.clock.set(START.plus(DAY_MS));
    bench.settle(&["a/2"]);
    bench.points.script(retry(1), false);
    bench.run(&environment);
    bench.clock.set(START.plus(GIVE_UP_MS - 1));
    bench.points.script(retry(1), false);
    assert_eq!(bench.run(&environment).dead, 0);
    bench.clock.set(START.plus(GIVE_UP_MS + DAY_MS - 1));
    let delivered = bench.run(&environment);
    assert_eq!((delivered.dead, delivered.points), (1, 1));
    bench.check_counted(&["a/2"]);
    let reason = "it was retried for 13 days and not taken".to_owned();
    assert_eq!(bench.dead(), [("a/1".to_owned(), reason)]);
}

#[test]
fn near_its_deadline_an_invocation_stops_and_asks_for_the_next() {
    let bench = Bench::new(1);
    bench.settle(&["a/1", "a/2"]);
    let environment = bench.environment();
    let nothing = block_on(environment.run(partition(), "short", after(12))).unwrap();
    assert_eq!((nothing.calls, nothing.behind, nothing.wake_at), (0, 1, None));
    let cut = bench.environment();
    {
        let mut running = Box::pin(cut.run(partition(), "cut", after(60)));
        while bench.points.calls() == 0 {
            let poll = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
        }
        bench.clock.set(after(50));
        let delivered = block_on(running).unwrap();
        assert_eq!((delivered.points, delivered.behind), (1, 1));
        assert_eq!(delivered.wake_at, Some(after(50)));
    }
    assert_eq!(bench.wake_ups().len(), 1);
    assert_eq!(bench.run(&environment).points, 1);
    bench.check_counted(&["a/1", "a/2"]);
}

/// Runs until so many calls were taken, then breaks the next write of the register.
fn check_broken_write(fault: Fault, calls: usize) {
    let bench = Bench::new(1);
    bench.settle(&["a/1", "a/2"]);
    let environment = bench.environment();
    let (name, deadline) = bench.invocation();
    {
        let mut run = Box::pin(environment.run(partition(), &name, deadline));
        while bench.points.calls() < calls {
            let poll = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
        }
        bench.snapshots.arm(fault);
        let outcome = block_on(run);
        match fault {
            Fault::CrashMidway => assert!(matches!(outcome, Err(DeliverError::Retryable(_)))),
            Fault::AnswerLost => assert_eq!(outcome.unwrap().points, 2),
        }
    }
    bench.tick(10);
    bench.check_counted(&["a/1", "a/2"]);
}

#[test]
fn a_write_of_the_register_that_fails_loses_and_repeats_nothing() {
    for calls in 0..=2 {
        check_broken_write(Fault::CrashMidway, calls);
        check_broken_write(Fault::AnswerLost, calls);
    }
}

#[test]
fn an_invocation_can_move_between_threads() {
    fn check_send<T: Send>(_: &T) {}
    let bench = Bench::new(1);
    let environment = bench.environment();
    check_send(&environment.run(partition(), "any", after(60)));
}

#[test]
fn partitions_go_each_their_own_way() {
    let bench = Bench::new(1);
    bench.settle(&["a/1"]);
    let other = Partition::new(1).unwrap();
    let (name, deadline) = bench.invocation();
    let delivered = block_on(bench.environment().run(other, &name, deadline)).unwrap();
    assert_eq!(delivered, Delivered::default());
    assert_eq!(bench.run(&bench.environment()).points, 1);
}

#[test]
fn entries_that_expired_are_counted_and_passed() {
    let bench = Bench::new(1);
    bench.settle(&["a/1"]);
    bench.settle(&["a/2"]);
    bench.clock.advance(40 * DAY_MS);
    bench.settle(&["a/3"]);
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.expired, delivered.points, delivered.behind), (2, 1, 0));
    bench.clock.advance(MINUTE_MS);
    assert_eq!(bench.run(&bench.environment()), Delivered::default());
}
