//! The state machine without a stream, a function or a clock: what is sent, when, and what becomes of it.

mod properties;

use super::*;
use crate::arn::Arn;
use crate::invoke::REQUEST_BYTES_MAX;
use crate::kinesis::batch::{Condition, LastAnswer};
use crate::stream::ShardId;
use crate::testing::{done, failed};

pub(super) fn frame() -> EventFrame {
    let shard: ShardId = "shardId-000000000000".into();
    EventFrame::new(&Arn::new("arn:stream"), &shard, "eu-west-1", "arn:role")
}

pub(super) fn settings() -> Settings {
    Settings {
        batch_records_max: 4,
        batching_window: SignedDuration::ZERO,
        lanes: 1,
        retry_attempts_max: Some(2),
        record_age_max: SignedDuration::from_hours(24),
        bisect: false,
        report_item_failures: true,
        keeps_payload: false,
    }
}

/// The moment so many seconds after the beginning, on both clocks.
pub(super) fn at(seconds: i64) -> Moment {
    let now = Timestamp::from_second(1_767_600_000 + seconds).unwrap();
    Moment { now, stream: now }
}

/// The record with a number, which arrived in second 0.
pub(super) fn record(number: usize, key: &str, bytes: usize) -> Record {
    Record {
        sequence_number: SequenceNumber::new(&(1000 + number).to_string()),
        partition_key: key.into(),
        data: vec![7; bytes].into(),
        arrival: at(0).stream,
        encryption: None,
    }
}

pub(super) fn number(record: &SequenceNumber) -> usize {
    record.as_str().parse::<usize>().unwrap() - 1000
}

pub(super) fn failed_at(record: usize) -> Outcome {
    let answer =
        format!("{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{}\"}}]}}", 1000 + record);
    Outcome::Answered(answer.into())
}

pub(super) fn answer() -> LastAnswer {
    LastAnswer { request_id: "r".into(), function_error: None }
}

/// A shard under test: what it did so far, as words.
struct Bench {
    machine: ShardMachine,
    second: i64,
    said: Vec<String>,
}

impl Bench {
    /// A shard with so many small records of one key, read in second 0.
    fn new(settings: Settings, records: usize) -> Self {
        let mut bench =
            Self { machine: ShardMachine::new(settings, frame(), None), second: 0, said: vec![] };
        bench.take(0..records);
        bench
    }

    fn take(&mut self, records: std::ops::Range<usize>) {
        let records = records.map(|number| record(number, "k", 10)).collect();
        self.machine.take(records, at(self.second).now);
    }

    /// Answers each batch as the function does, until nothing is left to do before `until`.
    fn run(&mut self, until: i64, function: impl Fn(usize, usize, u32) -> Outcome) -> &mut Self {
        loop {
            let orders = self.machine.decide(at(self.second));
            for delivery in &orders.deliveries {
                let (first, last) = (number(&delivery.first), number(&delivery.last));
                let outcome = function(first, last, delivery.attempt);
                let verdict = self.machine.judge(delivery.lane, &outcome).verdict;
                let second = self.second;
                self.said.push(format!("{second}s {first}-{last} {}", word(&verdict)));
                self.machine.settle(delivery.lane, &verdict, answer(), at(second).now);
            }
            for discard in &orders.discards {
                let (first, last) = (number(&discard.first), number(&discard.last));
                let (second, condition) = (self.second, discard.condition.as_str());
                self.said.push(format!("{second}s {first}-{last} {condition}"));
                self.machine.discarded(discard.lane);
            }
            if orders.deliveries.is_empty() && orders.discards.is_empty() {
                let Some(wait) = orders.wait.map(|wait| wait.duration_since(at(0).now).as_secs())
                else {
                    break;
                };
                if wait > until {
                    break;
                }
                self.second = wait;
            }
        }
        self
    }

    #[track_caller]
    fn check(&mut self, expect: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.said), expect);
        self
    }
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Done => "done".to_owned(),
        Verdict::FailedFrom(index) => format!("failed from {index}"),
        Verdict::Failed { .. } => "failed".to_owned(),
        Verdict::NotRun => "not run".to_owned(),
    }
}

#[test]
fn batches_go_in_order_up_to_the_batch_size() {
    Bench::new(settings(), 9).run(60, |_, _, _| done()).check(&[
        "0s 0-3 done",
        "0s 4-7 done",
        "0s 8-8 done",
    ]);
}

#[test]
fn a_batch_that_fails_is_tried_again_and_then_given_up() {
    Bench::new(settings(), 5)
        .run(60, |first, _, _| if first == 0 { failed() } else { done() })
        .check(&[
            "0s 0-3 failed",
            "1s 0-3 failed",
            "3s 0-3 failed",
            "3s 0-3 RetryAttemptsExhausted",
            "3s 4-4 done",
        ]);
}

#[test]
fn the_oldest_record_is_the_first_that_is_not_done() {
    let mut bench = Bench::new(settings(), 2);
    bench.machine.take(vec![Record { arrival: at(5).stream, ..record(2, "k", 10) }], at(5).now);
    assert_eq!(bench.machine.oldest(), Some(at(0).stream));
    bench.run(0, |first, _, _| if first == 0 { failed_at(2) } else { failed() });
    assert_eq!(bench.machine.oldest(), Some(at(5).stream), "0 and 1 are done");
    bench.run(60, |_, _, _| done());
    assert_eq!(bench.machine.oldest(), None);
}

#[test]
fn no_retries_means_one_attempt() {
    let settings = Settings { retry_attempts_max: Some(0), ..settings() };
    Bench::new(settings, 1)
        .run(60, |_, _, _| failed())
        .check(&["0s 0-0 failed", "0s 0-0 RetryAttemptsExhausted"]);
}

#[test]
fn waits_double_up_to_a_minute() {
    let settings = Settings { retry_attempts_max: None, ..settings() };
    let mut bench = Bench::new(settings, 1);
    bench.run(250, |_, _, _| failed());
    let seconds: Vec<&str> =
        bench.said.iter().map(|said| said.split('s').next().unwrap()).collect();
    assert_eq!(seconds, ["0", "1", "3", "7", "15", "31", "63", "123", "183", "243"]);
}

#[test]
fn throttles_and_lost_answers_use_up_no_attempt() {
    let settings = Settings { retry_attempts_max: Some(0), ..settings() };
    Bench::new(settings, 1)
        .run(60, |_, _, attempt| match attempt {
            1 => Outcome::Throttled,
            2 => Outcome::Unreachable("lost".to_owned()),
            _ => done(),
        })
        .check(&["0s 0-0 not run", "1s 0-0 not run", "3s 0-0 done"]);
}

#[test]
fn the_lowest_failed_record_is_where_the_retry_begins() {
    Bench::new(settings(), 4)
        .run(60, |first, _, _| if first == 0 { failed_at(2) } else { done() })
        .check(&["0s 0-3 failed from 2", "1s 2-3 done"]);
}

#[test]
fn partial_failures_count_as_attempts() {
    Bench::new(settings(), 4).run(60, |first, last, _| failed_at((first + 1).min(last))).check(&[
        "0s 0-3 failed from 1",
        "1s 1-3 failed from 1",
        "3s 2-3 failed from 1",
        "3s 3-3 RetryAttemptsExhausted",
    ]);
}

#[test]
fn bisecting_finds_the_one_bad_record() {
    let settings =
        Settings { bisect: true, batch_records_max: 8, retry_attempts_max: Some(1), ..settings() };
    Bench::new(settings, 8)
        .run(60, |first, last, _| if (first..=last).contains(&5) { failed() } else { done() })
        .check(&[
            "0s 0-7 failed",
            "0s 0-3 done",
            "0s 4-7 failed",
            "0s 4-5 failed",
            "0s 4-4 done",
            "0s 5-5 failed",
            "1s 5-5 failed",
            "1s 5-5 RetryAttemptsExhausted",
            "1s 6-7 done",
        ]);
}

#[test]
fn with_both_a_batch_is_cut_at_the_number_that_came_back() {
    let settings = Settings { bisect: true, retry_attempts_max: Some(1), ..settings() };
    Bench::new(settings, 4)
        .run(60, |first, last, _| if (first..=last).contains(&2) { failed_at(2) } else { done() })
        .check(&[
            "0s 0-3 failed from 2",
            "0s 2-3 failed from 0",
            "0s 2-2 failed from 0",
            "1s 2-2 failed from 0",
            "1s 2-2 RetryAttemptsExhausted",
            "1s 3-3 done",
        ]);
}

#[test]
fn only_records_that_are_too_old_are_given_up() {
    let settings = Settings { record_age_max: SignedDuration::from_secs(60), ..settings() };
    let mut bench = Bench::new(settings, 2);
    let fresh = Record { arrival: at(50).stream, ..record(2, "k", 10) };
    bench.machine.take(vec![fresh], at(50).now);
    bench.second = 70;
    bench.run(80, |_, _, _| done()).check(&["70s 0-1 RecordAgeExceeded", "70s 2-2 done"]);
}

#[test]
fn records_that_are_too_old_are_given_up_wherever_they_stand() {
    let settings = Settings { record_age_max: SignedDuration::from_secs(60), ..settings() };
    let mut bench = Bench::new(settings, 0);
    let came = |index, second| Record { arrival: at(second).stream, ..record(index, "k", 10) };
    bench.machine.take(vec![came(0, 50), came(1, 5), came(2, 40), came(3, 0)], at(50).now);
    bench.second = 70;
    bench.run(80, |_, _, _| done()).check(&[
        "70s 0-0 done",
        "70s 1-1 RecordAgeExceeded",
        "70s 2-2 done",
        "70s 3-3 RecordAgeExceeded",
    ]);
}

#[test]
fn records_expire_while_they_are_tried_again() {
    let settings = Settings {
        record_age_max: SignedDuration::from_secs(5),
        retry_attempts_max: None,
        ..settings()
    };
    Bench::new(settings, 1).run(60, |_, _, _| failed()).check(&[
        "0s 0-0 failed",
        "1s 0-0 failed",
        "3s 0-0 failed",
        "7s 0-0 RecordAgeExceeded",
    ]);
}

#[test]
fn what_expires_names_no_request_of_another_time() {
    let settings = Settings { record_age_max: SignedDuration::from_secs(5), ..settings() };
    let mut bench = Bench::new(settings, 1);
    bench.run(0, |_, _, _| failed());
    let discard = bench.machine.decide(at(6)).discards.remove(0);
    assert_eq!((discard.condition, discard.last_answer), (Condition::RecordAgeExceeded, None));
}

fn windowed() -> Settings {
    Settings { batching_window: SignedDuration::from_secs(10), ..settings() }
}

#[test]
fn a_batch_waits_for_its_window() {
    let mut bench = Bench::new(windowed(), 2);
    bench.run(9, |_, _, _| done()).check(&[]);
    bench.take(2..3);
    bench.run(10, |_, _, _| done()).check(&["10s 0-2 done"]);
}

#[test]
fn a_full_batch_does_not_wait() {
    Bench::new(windowed(), 5).run(9, |_, _, _| done()).check(&["0s 0-3 done"]);
}

#[test]
fn the_next_window_begins_when_the_last_invocation_ends() {
    let mut bench = Bench::new(windowed(), 5);
    bench.run(9, |_, _, _| done()).check(&["0s 0-3 done"]);
    bench.run(10, |_, _, _| done()).check(&["10s 4-4 done"]);
    bench.second = 13;
    bench.take(5..6);
    bench.run(20, |_, _, _| done()).check(&["20s 5-5 done"]);
}

#[test]
fn after_a_window_without_records_the_next_begins_with_the_first_one() {
    let mut bench = Bench::new(windowed(), 4);
    bench.run(9, |_, _, _| done()).check(&["0s 0-3 done"]);
    bench.second = 100;
    bench.take(4..5);
    bench.run(200, |_, _, _| done()).check(&["110s 4-4 done"]);
}

#[test]
fn a_closed_shard_does_not_wait() {
    let mut bench = Bench::new(windowed(), 2);
    bench.machine.close();
    bench.run(9, |_, _, _| done()).check(&["0s 0-1 done"]);
    assert!(bench.machine.is_ended());
}

#[test]
fn events_stay_below_the_limit_and_fill_it() {
    let settings = Settings { batch_records_max: 10_000, ..windowed() };
    let mut machine = ShardMachine::new(settings, frame(), None);
    let records = (0..9).map(|number| record(number, "k", 1024 * 1024)).collect();
    machine.take(records, at(0).now);
    let orders = machine.decide(at(0));
    let bytes = orders.deliveries[0].payload.len();
    assert_eq!(orders.deliveries[0].records, 4, "1 MiB is 1.4 MB as base64");
    assert!(bytes <= REQUEST_BYTES_MAX && bytes > REQUEST_BYTES_MAX / 6 * 5);
}

#[test]
fn a_record_that_fits_into_no_event_is_given_up_and_blocks_nothing() {
    let mut bench = Bench::new(settings(), 1);
    bench.machine.take(vec![record(1, "k", 5 * 1024 * 1024)], at(0).now);
    bench.take(2..3);
    bench.run(9, |_, _, _| done()).check(&[
        "0s 0-0 done",
        "0s 1-1 PayloadSizeExceeded",
        "0s 2-2 done",
    ]);
    assert_eq!(bench.machine.position().map(number), Some(2));
}

#[test]
fn the_largest_record_that_fits_is_sent() {
    let mut size = REQUEST_BYTES_MAX / 4 * 3;
    while EventFrame::event_bytes(1, frame().record_bytes(&record(0, "k", size)))
        > REQUEST_BYTES_MAX
    {
        size -= 1;
    }
    let mut machine = ShardMachine::new(settings(), frame(), None);
    machine.take(vec![record(0, "k", size)], at(0).now);
    let payload = machine.decide(at(0)).deliveries.remove(0).payload.len();
    assert!(payload <= REQUEST_BYTES_MAX && payload > REQUEST_BYTES_MAX - 4, "{payload}");
}

#[test]
fn a_batch_that_is_repeated_goes_again_as_it_was() {
    let mut machine = ShardMachine::new(settings(), frame(), None);
    machine.take(vec![record(0, "k", 1), record(1, "k", 1)], at(0).now);
    let first = machine.decide(at(0)).deliveries.remove(0);
    machine.repeat(first.lane);
    let again = machine.decide(at(0)).deliveries.remove(0);
    assert_eq!((again.attempt, &again.payload), (2, &first.payload));
    assert_eq!(machine.position(), None);
}

#[test]
fn lanes_work_at_once_and_the_position_waits_for_the_slowest() {
    let settings = Settings { lanes: 10, ..settings() };
    let mut machine = ShardMachine::new(settings, frame(), None);
    let keys: Vec<String> = (0..4).map(|key| format!("key {key}")).collect();
    let records = (0..8).map(|number| record(number, &keys[number % 4], 1)).collect();
    machine.take(records, at(0).now);
    let deliveries = machine.decide(at(0)).deliveries;
    assert!(deliveries.len() > 1, "the keys are in more than one lane");
    let slow = deliveries.iter().position(|delivery| number(&delivery.first) == 0).unwrap();
    for (index, delivery) in deliveries.iter().enumerate().filter(|(index, _)| *index != slow) {
        machine.settle(delivery.lane, &Verdict::Done, answer(), at(0).now);
        assert_eq!(machine.position(), None, "batch {index} is done, record 0 is not");
    }
    machine.settle(deliveries[slow].lane, &Verdict::Done, answer(), at(0).now);
    assert_eq!(machine.position().map(number), Some(7));
}

#[test]
fn a_full_buffer_wants_no_more() {
    let mut machine = ShardMachine::new(settings(), frame(), None);
    machine.take(
        (0..BUFFER_RECORDS_MAX - 1).map(|number| record(number, "k", 1)).collect(),
        at(0).now,
    );
    assert!(machine.has_room());
    machine.take(vec![record(BUFFER_RECORDS_MAX, "k", 1)], at(0).now);
    assert!(!machine.has_room());
}

#[test]
fn a_buffer_of_large_records_wants_no_more() {
    let mut machine = ShardMachine::new(settings(), frame(), None);
    machine.take((0..19).map(|number| record(number, "k", 1024 * 1024)).collect(), at(0).now);
    assert!(!machine.has_room());
}
