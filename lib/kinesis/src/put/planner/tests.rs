//! What goes into calls, what is accepted when, and that nothing is lost, doubled unsaid or overtaken, whatever fails.

mod properties;

use super::*;

/// A record `key:data`.
fn record(text: &str) -> PutRecord {
    let (key, data) = text.split_once(':').unwrap();
    PutRecord::new(key, data.as_bytes().to_vec()).unwrap()
}

fn text(record: &PutRecord) -> String {
    format!("{}:{}", record.partition_key(), String::from_utf8_lossy(record.data()))
}

fn texts<'r>(records: impl IntoIterator<Item = &'r PutRecord>) -> String {
    records.into_iter().map(text).collect::<Vec<_>>().join(" ")
}

fn planner(offered: &str) -> Planner {
    let mut planner = Planner::new(Limits::default());
    for text in offered.split_whitespace() {
        planner.offer(record(text)).unwrap();
    }
    planner
}

/// The next call, once back-off is over; nothing if nothing is held.
fn call(planner: &mut Planner) -> String {
    let far_off = Duration::from_hours(1);
    match planner.next(far_off) {
        Next::Call(records) => texts(records),
        Next::Nothing => String::new(),
        Next::Wait(_) => "waits".to_owned(),
    }
}

/// Some of a call's records fail: those that are accepted.
fn answer(planner: &mut Planner, fates: &str) -> String {
    let fates = fates.chars().map(|letter| match letter {
        '+' => Fate::Taken,
        _ => Fate::Failed { code: "ProvisionedThroughputExceededException".to_owned() },
    });
    texts(&planner.answered(Outcome::Answered(fates.collect()), Duration::ZERO).unwrap())
}

#[test]
fn a_failed_record_goes_again_with_the_later_ones_of_its_key_before_anything_newer() {
    let mut planner = planner("a:1 b:1 a:2 b:2 a:3");
    assert_eq!(call(&mut planner), "a:1 b:1 a:2 b:2 a:3");
    assert_eq!(answer(&mut planner, "++-++"), "a:1 b:1 b:2");
    planner.offer(record("a:4")).unwrap();
    assert_eq!(call(&mut planner), "a:2 a:3 a:4");
    assert_eq!(answer(&mut planner, "+++"), "a:2 a:3 a:4");
    assert_eq!(call(&mut planner), "");
    assert_eq!(planner.tally(), Tally { calls: 2, accepted: 6, sent_again: 2, copies: 1 });
}

#[test]
fn keys_that_failed_back_off_and_others_go_on() {
    let mut planner = planner("a:1 b:1");
    assert_eq!(call(&mut planner), "a:1 b:1");
    assert_eq!(answer(&mut planner, "-+"), "b:1");
    planner.offer(record("a:2")).unwrap();
    planner.offer(record("c:1")).unwrap();
    let Next::Call(records) = planner.next(Duration::ZERO) else { panic!("c waits for nothing") };
    assert_eq!(texts(records), "c:1");
    assert_eq!(answer(&mut planner, "+"), "c:1");
    let Next::Wait(until) = planner.next(Duration::ZERO) else { panic!("a backs off") };
    assert!((50..=100).contains(&until.as_millis()), "{until:?}");
    assert_eq!(planner.ready_at(Duration::ZERO), Some(until));
    let Next::Call(failed) = planner.next(until) else { panic!("its time has come") };
    assert_eq!(texts(failed), "a:1 a:2");
}

#[test]
fn a_call_that_is_throttled_or_lost_goes_again_as_it_was_after_a_wait() {
    let reason = || "slow down".to_owned();
    for (outcome, copies) in
        [(Outcome::Throttled { reason: reason() }, 0), (Outcome::Unknown { reason: reason() }, 2)]
    {
        let mut planner = planner("a:1 b:1");
        assert_eq!(call(&mut planner), "a:1 b:1");
        assert_eq!(planner.answered(outcome, Duration::ZERO), Ok(vec![]));
        assert_eq!(planner.last_failure(), Some("slow down"));
        planner.offer(record("c:1")).unwrap();
        assert!(matches!(planner.next(Duration::ZERO), Next::Wait(_)));
        assert_eq!(call(&mut planner), "a:1 b:1 c:1");
        assert_eq!(planner.tally().copies, copies);
    }
}

#[test]
fn waits_grow_while_calls_fail_and_begin_anew_after_one_that_is_answered() {
    let mut planner = planner("a:1");
    let mut wait_after = |outcome| {
        assert_eq!(call(&mut planner), "a:1");
        planner.answered(outcome, Duration::ZERO).unwrap();
        planner.ready_at(Duration::ZERO).unwrap().as_millis()
    };
    let throttled = || Outcome::Throttled { reason: String::new() };
    assert!((50..=100).contains(&wait_after(throttled())));
    assert!((100..=200).contains(&wait_after(throttled())));
    assert!((200..=400).contains(&wait_after(throttled())));
    let failed = Outcome::Answered(vec![Fate::Failed { code: String::new() }]);
    assert!((50..=100).contains(&wait_after(failed)));
}

#[test]
fn an_answer_that_does_not_fit_says_nothing() {
    let mut planner = planner("a:1 b:1");
    assert_eq!(call(&mut planner), "a:1 b:1");
    assert_eq!(answer(&mut planner, "+"), "");
    assert_eq!(planner.last_failure(), Some("1 of 2 records were answered"));
    assert_eq!(call(&mut planner), "a:1 b:1");
}

#[test]
fn what_is_refused_is_told_and_still_held() {
    let mut planner = planner("a:1");
    assert_eq!(call(&mut planner), "a:1");
    let refused = planner.answered(Outcome::Refused { reason: "no".to_owned() }, Duration::ZERO);
    assert_eq!(refused.unwrap_err().to_string(), "the stream refuses what is put: no");
    assert_eq!(planner.give_up(), [Unsent { record: record("a:1"), may_stand: false }]);
    assert_eq!((planner.held(), planner.next(Duration::ZERO)), (0, Next::Nothing));
}

#[test]
fn what_is_given_up_says_what_may_stand_in_the_stream() {
    let mut planner = planner("a:1 a:2 b:1");
    assert_eq!(call(&mut planner), "a:1 a:2 b:1");
    assert_eq!(answer(&mut planner, "-++"), "b:1");
    planner.offer(record("c:1")).unwrap();
    assert!(matches!(planner.next(Duration::ZERO), Next::Call(_)));
    planner.offer(record("d:1")).unwrap();
    let given_up = planner.give_up();
    let told = given_up.iter().map(|unsent| (text(&unsent.record), unsent.may_stand));
    let expect = [("a:1", false), ("a:2", true), ("c:1", true), ("d:1", false)];
    assert_eq!(told.collect::<Vec<_>>(), expect.map(|(text, may)| (text.to_owned(), may)));
}

#[test]
fn a_call_whose_answer_nobody_waited_for_goes_again() {
    let mut planner = planner("a:1");
    assert_eq!(call(&mut planner), "a:1");
    assert_eq!(call(&mut planner), "a:1");
    assert_eq!(planner.tally().copies, 1);
}

/// Offers records of these sizes (each with a key of one byte): the sizes of the calls.
#[track_caller]
fn check_calls(sizes: &[usize], limits: Limits, expect: &[usize]) {
    let mut planner = Planner::new(limits);
    for size in sizes {
        planner.offer(PutRecord::new("k", vec![0; size - 1]).unwrap()).unwrap();
    }
    let mut calls = Vec::new();
    while let Next::Call(records) = planner.next(Duration::ZERO) {
        calls.push(records.len());
        let fates = vec![Fate::Taken; records.len()];
        planner.answered(Outcome::Answered(fates), Duration::ZERO).unwrap();
    }
    assert_eq!(calls, expect);
}

#[test]
fn calls_have_at_most_500_records_and_10_mebibytes_with_keys() {
    let limits = Limits { held_bytes: usize::MAX, record_bytes: 10 << 20, ..Limits::default() };
    check_calls(&[10; 1001], limits, &[500, 500, 1]);
    check_calls(&[1 << 20; 11], limits, &[10, 1]);
    check_calls(&[10 << 20, 1, 1], limits, &[1, 2]);
    check_calls(&[1, 10 << 20, 1], limits, &[1, 1, 1]);
}

#[test]
fn a_record_over_the_limit_of_the_stream_is_given_back() {
    let mut planner = Planner::new(Limits::default());
    planner.offer(PutRecord::new("k", vec![0; (1 << 20) - 1]).unwrap()).unwrap();
    let error = planner.offer(PutRecord::new("k", vec![0; 1 << 20]).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a record of 1048577 bytes; the stream takes 1048576, unless its `MaxRecordSizeInKiB` is raised"
    );
    assert_eq!(planner.held(), 1);
}

#[test]
fn an_offer_beyond_what_is_held_is_given_back_until_something_is_accepted() {
    let limits = Limits { held_records: 2, held_bytes: 10, ..Limits::default() };
    let mut planner = Planner::new(limits);
    planner.offer(record("a:1")).unwrap();
    planner.offer(record("a:2")).unwrap();
    assert_eq!(planner.offer(record("a:3")), Err(NotHeld::Full(record("a:3"))));
    assert_eq!(call(&mut planner), "a:1 a:2");
    assert_eq!(planner.offer(record("a:3")), Err(NotHeld::Full(record("a:3"))));
    assert_eq!(answer(&mut planner, "++"), "a:1 a:2");
    planner.offer(record("a:12345678901")).unwrap();
    assert_eq!(planner.offer(record("a:3")), Err(NotHeld::Full(record("a:3"))));
}
