//! What becomes of offers: answers, limits, and stores that fail.

use super::*;
use crate::cutter::widen;
use crate::intake::Followed;
use crate::intake::mark::{FileId, Mark};
use std::sync::atomic::{AtomicI64, Ordering};
use streamgauge_engine::reject::RejectCode;
use streamgauge_pipeline::contract::Fault;
use streamgauge_pipeline::port::clock::Clock;

/// More than any of these tests stores.
const ROOM: usize = 1 << 30;

fn bench() -> (Bench<Shared>, Arc<Memory>, VirtualClock) {
    let clock = VirtualClock::new(START);
    let memory = Memory::new(&clock, ROOM);
    (Bench::new(Shared(Arc::clone(&memory)), &clock, By::Clock), memory, clock)
}

fn rejected(accepted: &Accepted) -> Vec<(usize, RejectCode)> {
    accepted.rejected.iter().map(|reject| (reject.index, reject.code)).collect()
}

#[test]
fn an_answer_says_which_records_are_no_events() {
    let (mut bench, ..) = bench();
    let [one, two] = [order(1), order(2)];
    let pending = bench.submit(&["{", &one, "[]"]).unwrap();
    let other = bench.submit(&[&two, "7"]).unwrap();
    bench.commit();
    let accepted = pending.blocking_answered().unwrap();
    assert_eq!(accepted.accepted, 1);
    let expect = [(0, RejectCode::InvalidJson), (2, RejectCode::NotAnObject)];
    assert_eq!(rejected(&accepted), expect);
    assert_eq!(accepted.rejected[1].start, 2 + one.len() + 1);
    let other = other.blocking_answered().unwrap();
    assert_eq!((other.accepted, rejected(&other)), (1, vec![(1, RejectCode::NotAnObject)]));
    assert_eq!(bench.world.stream().arrival(), Some(START));
}

#[test]
fn nothing_is_answered_at_once() {
    let (bench, ..) = bench();
    let none: [&str; 0] = [];
    let answer = bench.submit(&none).unwrap().blocking_answered();
    assert_eq!(answer, Ok(Accepted::default()));
}

#[test]
fn copies_and_what_nobody_wants_are_accepted() {
    let clock = VirtualClock::new(START);
    let rules = RULES.replace("deduplicate: off", "deduplicate: 1h");
    let store = Shared(Memory::new(&clock, ROOM));
    let mut bench = Bench::with(store, &clock, &rules, By::Clock);
    let click = order(3).replace("order", "click");
    let accepted = bench.take(&[order(1), order(1), click]).unwrap();
    assert_eq!((accepted.accepted, accepted.rejected.len()), (3, 0));
}

#[test]
fn an_offer_that_is_more_than_a_batch_is_answered_as_one() {
    let (mut bench, ..) = bench();
    let mut lines = vec![order(1); 20_005];
    for at in [0, 9_999, 10_000, 20_004] {
        "{".clone_into(&mut lines[at]);
    }
    let accepted = bench.take(&lines).unwrap();
    assert_eq!(accepted.accepted, 20_001);
    let expect = [0, 9_999, 10_000, 20_004].map(|index| (index, RejectCode::InvalidJson));
    assert_eq!(rejected(&accepted), expect);
    let text = offered(&lines);
    let starts = accepted.rejected.iter().map(|reject| reject.start);
    assert!(starts.eq(expect.map(|(index, _)| text.records[index].start)));
}

#[test]
fn who_comes_when_too_much_waits_is_turned_away_until_there_is_room() {
    let (mut bench, ..) = bench();
    let large = "x".repeat(40 << 20);
    let first = bench.submit(&[&large]).unwrap();
    assert_eq!(bench.submit(&[&large]).unwrap_err(), Refused::Full { retry_after_ms: SECOND_MS });
    let small = bench.submit(&[order(1)]).unwrap();
    bench.commit();
    assert_eq!(rejected(&first.blocking_answered().unwrap()), [(0, RejectCode::TooLarge)]);
    assert_eq!(small.blocking_answered().unwrap().accepted, 1);
    assert!(bench.submit(&[&large]).is_ok());
}

#[test]
fn what_is_queued_is_in_the_order_in_which_it_arrived_however_many_push_at_once() {
    let (intake, clock) = (Intake::default(), AtomicI64::new(0));
    let arrival = || {
        let at = clock.fetch_add(1, Ordering::SeqCst);
        // Whoever could come in between does.
        std::thread::yield_now();
        Some(Timestamp::from_millis(at))
    };
    let push = || {
        for _ in 0..200 {
            drop(intake.submit(offered(&[order(1)]), arrival).unwrap());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(push);
        }
    });
    let queued: Vec<_> = intake.next().unwrap().iter().map(|one| one.arrival).collect();
    let arrivals: Vec<_> = (0..1_600).map(|at| Some(Timestamp::from_millis(at))).collect();
    assert_eq!(queued, arrivals);
}

#[test]
fn who_is_turned_away_has_not_arrived() {
    let (intake, asked) = (Intake::default(), AtomicI64::new(0));
    let arrival = || Some(Timestamp::from_millis(asked.fetch_add(1, Ordering::SeqCst)));
    let large = offered(&["x".repeat(40 << 20)]);
    drop(intake.submit(large.clone(), arrival).unwrap());
    assert!(matches!(intake.submit(large, arrival), Err(Refused::Full { .. })));
    assert_eq!(asked.into_inner(), 1);
}

#[test]
fn after_the_end_nothing_is_taken_and_what_was_is_committed() {
    let (mut bench, ..) = bench();
    let pending = bench.submit(&[order(1)]).unwrap();
    bench.intake.close();
    assert_eq!(bench.submit(&[order(2)]).unwrap_err(), Refused::Stopping);
    bench.commit();
    assert_eq!(pending.blocking_answered().unwrap().accepted, 1);
    assert!(bench.intake.next().is_none());
}

/// A push and a line of a file come in one batch, whose append goes wrong like this: the push is told, and the line counts once.
#[track_caller]
fn check_fault(fault: Fault, push_counts: bool) {
    let (mut bench, memory, _) = bench();
    bench.take(&[order(1)]).unwrap();
    let patient = Offered { is_patient: true, ..offered(&[order(2), order(3)]) };
    let pushed = bench.submit(&[order(4)]).unwrap();
    let line = bench.intake.submit(patient, || Some(START)).unwrap();
    memory.log.arm(fault);
    bench.commit();
    assert!(matches!(pushed.blocking_answered(), Err(Refused::Store { .. })));
    assert_eq!(line.blocking_answered().unwrap().accepted, 2);
    let told = bench.told.take();
    assert!(matches!(told[..], [Happening::Trouble(_), Happening::Over]), "{told:?}");
    bench.pass(180 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::from([(0, 3 + u64::from(push_counts))]));
}

#[test]
fn a_store_that_does_not_answer_is_asked_again_and_nothing_counts_twice() {
    check_fault(Fault::CrashMidway, false);
    check_fault(Fault::AnswerLost, true);
}

#[test]
fn a_store_that_is_full_refuses_and_keeps_what_it_has() {
    let clock = VirtualClock::new(START);
    let memory = Memory::new(&clock, 100_000);
    let mut bench = Bench::new(Shared(Arc::clone(&memory)), &clock, By::Clock);
    let mut offers = 0;
    let refused = loop {
        // Rejects are kept with their payloads.
        let line: String = (0..2_000).map(|at| order(offers * 2_000 + at)).collect();
        match bench.take(&[line]) {
            Ok(_) => offers += 1,
            Err(refused) => break refused,
        }
    };
    let Refused::Store { reason } = refused else { panic!("{refused}") };
    assert!(reason.contains("found no room in 100000 bytes"), "{reason}");
    assert!(offers > 0);
    // A patient one that waits for room when the process ends is not taken.
    let patient =
        Offered { is_patient: true, ..offered(&[(0..9_999).map(order).collect::<String>()]) };
    let waiting = bench.intake.submit(patient, || Some(START)).unwrap();
    bench.intake.close();
    bench.commit();
    assert_eq!(waiting.blocking_answered(), Err(Refused::Stopping));
    drop(bench);
    let again = Bench::new(Shared(memory), &clock, By::Clock);
    assert_eq!(i64::try_from(again.recovered.offers).unwrap(), offers);
}

/// A line of a file, and the place behind it.
fn line_at(start: u64, second: i64) -> (Offered, u64) {
    let offered = offered(&[order(second)]);
    let end = start + widen(offered.text.len());
    let followed = Some(Followed { file: FileId(7), start, end });
    (Offered { followed, is_patient: true, ..offered }, end)
}

#[test]
fn nothing_is_committed_behind_lines_that_are_refused_at_the_end() {
    let (mut bench, memory, clock) = bench();
    let (first, end) = line_at(0, 1);
    let (second, second_end) = line_at(end, 2);
    let (third, _) = line_at(second_end, 3);
    let first = bench.intake.submit(first, || Some(START)).unwrap();
    bench.commit();
    assert_eq!(first.blocking_answered().unwrap().accepted, 1);
    let second = bench.intake.submit(second, || Some(START)).unwrap();
    let batch = bench.intake.next().unwrap();
    let third = bench.intake.submit(third, || Some(START)).unwrap();
    let pushed = bench.submit(&[order(4)]).unwrap();
    bench.intake.close();
    memory.log.arm(Fault::CrashMidway);
    bench.committer.commit(batch).unwrap();
    bench.commit();
    assert_eq!(second.blocking_answered(), Err(Refused::Stopping));
    assert!(matches!(third.blocking_answered(), Err(Refused::Store { .. })));
    assert!(matches!(pushed.blocking_answered(), Err(Refused::Store { .. })));
    bench.pass(180 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::new(), "the lines are still to come");
    let again = Bench::new(Shared(memory), &clock, By::Clock);
    let mark = Some(Mark { file: FileId(7), offset: end });
    assert_eq!((again.recovered.offers, again.recovered.mark), (1, mark));
}

#[test]
fn silence_lets_windows_end_and_what_waits_does_not() {
    let (mut bench, ..) = bench();
    let waits = Arc::new(Mutex::new(true));
    let asked = Arc::clone(&waits);
    bench.world.stream().add_source(move || *asked.lock().unwrap());
    bench.take(&[order(1), order(2)]).unwrap();
    bench.pass(120 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::new());
    *waits.lock().unwrap() = false;
    let pending = bench.submit(&[order(5)]).unwrap();
    bench.pass(10 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::new(), "one waits in the queue");
    bench.commit();
    assert_eq!(pending.blocking_answered().unwrap().accepted, 1);
    bench.pass(10 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::from([(0, 3)]));
    assert!(bench.settled.borrow().watermark > Some(START.plus(100 * SECOND_MS)));
}

/// A process that is new, with an alert.
fn alerting(when: &str, by: By) -> Bench<Shared> {
    let clock = VirtualClock::new(START);
    let rules = format!(
        "{}alerts: {{any: {{metric: orders, by: [], {when}, severity: critical, notify: [hook]}}}}\n\
         channels: {{hook: {{webhook: {{url: 'http://127.0.0.1:9/'}}}}}}\n",
        RULES.replace("out_of_order: 1s", "out_of_order: 0s")
    );
    Bench::with(Shared(Memory::new(&clock, ROOM)), &clock, &rules, by)
}

/// After how many milliseconds somebody is told of one alert; absent: not within so many.
fn told_after(bench: &mut Bench<Shared>, within_ms: Millis) -> Option<Millis> {
    for waited_ms in (0..within_ms).step_by(250) {
        bench.settler.settle().unwrap();
        let told = bench.settled.borrow().notifications;
        if told > 0 {
            assert_eq!(told, 1);
            return Some(waited_ms);
        }
        bench.world.clock.advance(250);
    }
    None
}

#[test]
fn silence_is_told_though_no_event_ever_came_but_not_by_the_events_own_clock() {
    for (by, is_told) in [(By::Clock, true), (By::Events, false)] {
        let mut bench = alerting("when: absent for 5m", by);
        bench.pass(299 * SECOND_MS);
        assert_eq!(bench.settled.borrow().notifications, 0, "{by:?}");
        assert_eq!(told_after(&mut bench, 5 * SECOND_MS).is_some(), is_told, "{by:?}");
    }
}

#[test]
fn a_lone_event_that_an_alert_waits_for_is_told_within_a_second() {
    let mut bench = alerting("when: sum over 1m >= 1", By::Clock);
    bench.pass(5 * SECOND_MS);
    let second = (bench.world.clock.now().as_millis() - START.as_millis()) / SECOND_MS;
    bench.take(&[order(second)]).unwrap();
    assert_eq!(told_after(&mut bench, SECOND_MS), Some(250));
}

#[test]
fn by_the_events_own_clock_silence_proves_nothing() {
    let clock = VirtualClock::new(START);
    let mut bench = Bench::new(Shared(Memory::new(&clock, ROOM)), &clock, By::Events);
    assert_eq!(bench.world.stream().arrival(), None);
    bench.take(&[order(1), order(2)]).unwrap();
    bench.pass(300 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::new());
    bench.take(&[order(1_000_000)]).unwrap();
    bench.pass(SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::from([(0, 2)]));
    assert_eq!(bench.settled.borrow().open_windows, 1, "that of the last order");
}

#[test]
fn rules_that_are_announced_come_in_force_and_no_window_mixes_both() {
    let (mut before, memory, clock) = bench();
    before.take(&[order(1), order(2)]).unwrap();
    before.pass(SECOND_MS);
    drop(before);
    let rules = RULES.replace("type == 'order'", "type != 'click'");
    let mut bench = Bench::with(Shared(memory), &clock, &rules, By::Clock);
    bench.take(&[order(3)]).unwrap();
    bench.pass(60 * SECOND_MS);
    let refund = |seconds| order(seconds).replace("order", "refund");
    bench.take(&[refund(50), order(61), refund(62)]).unwrap();
    bench.pass(180 * SECOND_MS);
    assert_eq!(bench.counts(), BTreeMap::from([(0, 3), (1, 2)]));
}
