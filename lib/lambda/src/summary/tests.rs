//! What a summary makes of what happens.

use super::*;
use crate::invoke::KinesisCause;
use crate::stream::SequenceNumber;

fn invoked(cause: Cause, ending: Ending, init: Option<Duration>) -> Happening {
    let environment = if ending == Ending::Throttled { 0 } else { 2 };
    Happening::Invoked {
        function: "count".into(),
        request_id: "r".into(),
        cause,
        ending,
        report: Report {
            duration: Duration::from_millis(5),
            billed: Duration::from_millis(6),
            init,
            memory_mb: 128,
            memory_used_mb: Some(20),
            environment,
        },
    }
}

fn kinesis() -> Cause {
    Cause::Kinesis(KinesisCause {
        mapping: "count/Orders".into(),
        shard: "shardId-000000000000".into(),
        first: SequenceNumber::new("1"),
        last: SequenceNumber::new("9"),
        records: 10,
        attempt: 1,
        iterator_age_ms: 0,
    })
}

fn seen(happenings: &[Happening]) -> Summary {
    let mut summary = Summary::default();
    for happening in happenings {
        summary.see(happening);
    }
    summary
}

#[test]
fn invocations_count_for_the_function_and_the_mapping() {
    let failed = |text: &str| Ending::Error { text: text.to_owned() };
    let summary = seen(&[
        invoked(kinesis(), Ending::Success, Some(Duration::from_millis(1))),
        invoked(kinesis(), Ending::Partial { failed: 4 }, None),
        invoked(kinesis(), failed("Sandbox.Timedout: 3 s"), None),
        invoked(kinesis(), Ending::Throttled, None),
        invoked(Cause::Direct, failed("Boom: x"), None),
        invoked(Cause::Direct, Ending::Unreachable { text: "lost".to_owned() }, None),
    ]);
    let function = &summary.functions["count"];
    let counts = (function.invocations, function.errors, function.timeouts, function.throttles);
    assert_eq!(counts, (5, 2, 1, 1));
    assert_eq!((function.unreachable, function.cold_starts, function.environments), (1, 1, 2));
    assert_eq!((function.billed_ms, function.billed_mb_ms), (30, 3840));
    assert_eq!((function.memory_mb, function.memory_used_mb), (128, Some(20)));
    assert_eq!(function.durations.median(), Some(Duration::from_millis(5)));
    assert_eq!(function.last_error.as_deref(), Some("lost"));
    let mapping = &summary.mappings["count/Orders"];
    let expect = MappingSummary {
        invocations: 3,
        records: 16,
        errors: 1,
        partial: 1,
        ..MappingSummary::default()
    };
    assert_eq!(mapping, &expect);
}

#[test]
fn what_becomes_of_failures_is_counted() {
    let mapping: Arc<str> = "count/Orders".into();
    let shard: ShardId = "shardId-000000000000".into();
    let discarded = |records, destination: Option<&str>| Happening::Discarded {
        mapping: Arc::clone(&mapping),
        shard: Some(Arc::clone(&shard)),
        records,
        condition: "RetryAttemptsExhausted",
        destination: destination.map(str::to_owned),
    };
    let summary = seen(&[
        Happening::Retried {
            mapping: Arc::clone(&mapping),
            shard: Some(Arc::clone(&shard)),
            records: 10,
        },
        Happening::Bisected {
            mapping: Arc::clone(&mapping),
            shard: Arc::clone(&shard),
            parts: (5, 5),
        },
        discarded(3, Some("s3://lost/key")),
        discarded(2, None),
        Happening::Fault { what: "killed".to_owned() },
        Happening::Trouble { place: "reading".to_owned(), error: "gone".to_owned() },
    ]);
    let expect = MappingSummary {
        retries: 1,
        bisects: 1,
        discarded: 5,
        on_failure: 3,
        ..MappingSummary::default()
    };
    assert_eq!(summary.mappings["count/Orders"], expect);
    assert_eq!(summary.shards.values().map(|kept| kept.retries).collect::<Vec<_>>(), [1]);
    assert_eq!((summary.discarded(), summary.faults, summary.troubles), (5, 1, 1));
}

#[test]
fn the_last_standing_of_each_shard_is_kept_within_a_limit() {
    let standing = |number: usize, waiting| {
        Happening::Shard(ShardStanding {
            mapping: "m".into(),
            shard: format!("shardId-{number:012}").into(),
            position: None,
            behind_ms: 0,
            waiting,
            in_flight: 0,
            ended: number == 7,
            last_error: None,
        })
    };
    let mut summary = seen(&[standing(0, 1), standing(0, 2)]);
    assert_eq!(
        summary.shards.values().map(|shard| shard.standing.waiting).collect::<Vec<_>>(),
        [2]
    );
    for number in 0..=SHARDS_MAX {
        summary.see(&standing(number, 0));
    }
    assert_eq!(summary.shards.len(), SHARDS_MAX);
    assert!(summary.shards.values().all(|shard| !shard.standing.ended), "the ended one is gone");
}
