//! What becomes of a batch whose function fails, is not reached, or takes too long.

use super::bench::{Bench, SPEED};
use super::stand::Stand;
use jiff::SignedDuration;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::interfere::{Interference, Place, Point};

const FAIL_3: &str = r#"{"3":{"do":"fail"}}"#;

/// Does something the first so many times that a point is met.
fn first(
    times: u32,
    point: Point<'static>,
    interference: Interference,
) -> impl Fn(&Place<'_>) -> Interference + Send + Sync {
    let met = AtomicU32::new(0);
    move |place| {
        let is_due = place.point == point && met.fetch_add(1, Ordering::Relaxed) < times;
        if is_due { interference } else { Interference::None }
    }
}

/// The error of the first invocation that failed.
fn error(stand: &Stand) -> String {
    let endings = stand.watch.endings().into_iter();
    let errors = endings.filter_map(|(_, ending)| match ending {
        Ending::Error { text } => Some(text),
        _ => None,
    });
    errors.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_batch_that_fails_comes_again_as_a_whole_before_later_records() {
    let bench = Bench::new(1).mapping(|mapping| mapping.batch_records_max = 3);
    let bench = bench.doing(r#"{"2":{"do":"fail","times":1}}"#);
    bench.check("1 2 3 4 5", &["1 2 3", "1 2 3", "4 5"]).await;
}

#[tokio::test]
async fn no_retry_attempts_mean_one_attempt() {
    let bench = Bench::new(1).doing(FAIL_3).retries(Some(0));
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 2);
    let stand = bench.check("1 2 3 4 5", &["1 2", "3 4", "5"]).await;
    assert_eq!(stand.watch.discarded(), [(2, "RetryAttemptsExhausted")]);
}

#[tokio::test]
async fn a_batch_is_tried_once_and_its_retry_attempts_more() {
    let bench = Bench::new(1).doing(FAIL_3).retries(Some(3));
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 2);
    let again = ["1 2", "3 4", "3 4", "3 4", "3 4", "5"];
    let stand = bench.check("1 2 3 4 5", &again).await;
    assert_eq!(stand.watch.discarded(), [(2, "RetryAttemptsExhausted")]);
}

#[tokio::test]
async fn without_a_limit_a_bad_record_blocks_its_shard_and_no_other() {
    let bench = Bench::new(2).doing(FAIL_3).retries(None);
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 2);
    bench.world.put(0, "3 4 5");
    bench.world.put(1, "11 12 13 14 15");
    let stand = bench.start().await;
    let is_error = |happening: &Happening| match happening {
        Happening::Invoked { ending: Ending::Error { .. }, .. } => Some(()),
        _ => None,
    };
    stand.watch.wait(5, is_error).await;
    stand
        .watch
        .standing(|shard| {
            shard.shard.ends_with('1') && shard.position.is_some() && shard.waiting == 0
        })
        .await;
    assert_eq!(stand.batches_of("shardId-000000000001"), ["11 12", "13 14", "15"]);
    let blocked = stand.batches_of("shardId-000000000000");
    assert!(blocked.len() >= 5 && blocked.iter().all(|batch| batch == "3 4"), "{blocked:?}");
    assert_eq!(stand.watch.discarded(), []);
}

/// With three attempts at each batch, halves begin anew: the record alone has all three.
#[tokio::test]
async fn bisecting_finds_the_one_bad_record_and_uses_no_attempts() {
    let bench = Bench::new(1).doing(FAIL_3).retries(Some(2)).bisecting();
    let expect = ["1 2 3 4 5 6 7 8", "1 2 3 4", "1 2", "3 4", "3", "3", "3", "4", "5 6 7 8"];
    let stand = bench.check("1 2 3 4 5 6 7 8", &expect).await;
    assert_eq!(stand.watch.discarded(), [(1, "RetryAttemptsExhausted")]);
}

#[tokio::test]
async fn bisecting_without_retry_attempts_loses_only_the_bad_record() {
    let bench = Bench::new(1).doing(FAIL_3).retries(Some(0)).bisecting();
    let stand = bench.check("1 2 3 4", &["1 2 3 4", "1 2", "3 4", "3", "4"]).await;
    assert_eq!(stand.watch.discarded(), [(1, "RetryAttemptsExhausted")]);
}

#[tokio::test]
async fn records_that_are_too_old_are_given_up_and_never_sent() {
    let bench = Bench::new(1).dress(|id, record| {
        let minutes = if id < 3 { 60 } else { 0 };
        record.arrival -= SignedDuration::from_mins(minutes);
    });
    let bench = bench.mapping(|mapping| mapping.record_age_max = Some(Duration::from_mins(30)));
    let stand = bench.check("1 2 3 4", &["3 4"]).await;
    assert_eq!(stand.watch.discarded(), [(2, "RecordAgeExceeded")]);
}

#[tokio::test]
async fn a_record_that_fails_is_tried_until_it_is_too_old() {
    let age = Duration::from_mins(1);
    let bench = Bench::on(Clock::hurried(100), 1).doing(FAIL_3).retries(None);
    let bench = bench.mapping(|mapping| mapping.record_age_max = Some(age));
    let stand = bench.put("3").drained().await;
    assert_eq!(stand.watch.discarded(), [(1, "RecordAgeExceeded")]);
    let too_old = stand.world.told(3).arrival + SignedDuration::try_from(age).unwrap();
    let asked = stand.watch.asked();
    assert!(!asked.is_empty());
    let late = stand.watch.pick(|moment, happening| {
        matches!(happening, Happening::Discarded { .. }).then_some(moment)
    });
    assert!(late[0] > too_old, "given up before its time");
    stand.world.put(0, "4");
    stand.simulator.drained().await;
    assert_eq!(stand.batches().last().unwrap(), "4");
}

/// The limit of the stream's own: what it keeps no longer is given up too.
#[tokio::test]
async fn without_a_limit_records_are_tried_until_the_stream_forgets_them() {
    let bench = Bench::new(1).retries(None).dress(|id, record| {
        let hours = if id == 1 { 25 } else { 23 };
        record.arrival -= SignedDuration::from_hours(hours);
    });
    let stand = bench.check("1 2", &["2"]).await;
    assert_eq!(stand.watch.discarded(), [(1, "RecordAgeExceeded")]);
}

/// Throttled five times, then failing: the one attempt that it has is still there.
#[tokio::test]
async fn throttles_use_no_retry_attempts() {
    let bench = Bench::new(1).retries(Some(0));
    let bench = bench.plan(first(5, Point::Asked, Interference::Throttle));
    let stand = bench.check("1 2 3", &["1 2 3"]).await;
    let throttled = stand.watch.endings().into_iter().filter(|(_, it)| *it == Ending::Throttled);
    assert_eq!(throttled.count(), 5);
    assert_eq!(stand.watch.discarded(), []);
}

#[tokio::test]
async fn lost_answers_use_no_retry_attempts_and_records_come_again() {
    let bench = Bench::new(1).retries(Some(0));
    let bench = bench.plan(first(2, Point::Answered, Interference::LoseAnswer));
    let stand = bench.check("1 2", &["1 2", "1 2", "1 2"]).await;
    assert_eq!(stand.watch.discarded(), []);
}

#[tokio::test]
async fn a_time_out_is_a_failure_of_the_whole_batch() {
    let bench = Bench::new(1).doing(r#"{"2":{"do":"hang","times":1}}"#);
    let bench = bench.function(|function| function.timeout = Duration::from_secs(1));
    let stand = bench.check("1 2 3", &["1 2 3", "1 2 3"]).await;
    assert!(error(&stand).starts_with("Sandbox.Timedout: "), "{}", error(&stand));
    assert!(error(&stand).ends_with("Task timed out after 1.00 seconds"), "{}", error(&stand));
    assert_eq!(stand.met(), [1, 2, 1, 2, 3]);
}

#[tokio::test]
async fn a_process_that_ends_is_a_failure_of_the_whole_batch() {
    for (deed, told) in [
        (r#"{"do":"exit","code":7,"times":1}"#, "Runtime exited with error: exit status 7"),
        (r#"{"do":"abort","times":1}"#, "Runtime exited with error: signal: aborted"),
    ] {
        let bench = Bench::new(1).doing(&format!("{{\"2\":{deed}}}"));
        let stand = bench.check("1 2 3", &["1 2 3", "1 2 3"]).await;
        assert!(error(&stand).contains(told), "{}", error(&stand));
    }
}

#[tokio::test]
async fn a_killed_process_is_a_failure_of_the_whole_batch() {
    for point in [Point::Received, Point::Answered] {
        let bench = Bench::new(1).plan(first(1, point, Interference::Kill));
        let stand = bench.put("1 2").drained().await;
        assert!(error(&stand).contains("signal: killed"), "{}", error(&stand));
        assert_eq!(stand.batches().last().unwrap(), "1 2");
        assert_eq!(stand.watch.discarded(), []);
    }
}

/// "At least once": a batch that succeeded comes again.
#[tokio::test]
async fn a_batch_may_come_again_after_it_succeeded() {
    let bench = Bench::new(1).plan(first(1, Point::Done, Interference::Repeat));
    bench.check("1 2", &["1 2", "1 2"]).await;
}

/// Told of a time-out at once, while the process goes on: the batch comes again beside it.
#[tokio::test]
async fn a_batch_comes_again_beside_its_zombie() {
    let bench = Bench::new(1).plan(first(1, Point::Received, Interference::Abandon));
    let stand = bench.put("1 2").drained().await;
    assert!(error(&stand).starts_with("Sandbox.Timedout: "), "{}", error(&stand));
    assert_eq!(stand.batches().last().unwrap(), "1 2");
    assert_eq!(stand.watch.discarded(), []);
}

/// A wait between two tries that grows: the third is later after the second than that after the first.
#[tokio::test]
async fn waits_between_tries_grow() {
    let bench = Bench::new(1).doing(FAIL_3).retries(Some(4));
    let stand = bench.check("3", &["3"; 5]).await;
    let (asked, ended) = (stand.watch.asked(), stand.watch.endings());
    for (retry, wait) in [1, 2, 4, 8].into_iter().enumerate() {
        let waited = asked[retry + 1].duration_since(ended[retry].0);
        assert!(waited >= SignedDuration::from_secs(wait), "{retry}: {waited} at {SPEED}");
    }
}
