//! Records that are given up, and who hears of it.

use super::bench::{Bench, Function, mapping};
use crate::arn::Arn;
use crate::happening::Happening;
use crate::kinesis::shard::Settings;
use crate::stack::{Destination, KinesisMapping};
use crate::testing::{done, failed};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn queue() -> Destination {
    Destination::Queue(Arn::queue("eu-west-1", "000000000000", "dead"))
}

fn bisecting() -> KinesisMapping {
    KinesisMapping {
        bisect: true,
        retry_attempts_max: Some(2),
        on_failure: Some(queue()),
        ..mapping()
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_record_is_found_given_up_and_told() {
    let bench = Bench::new(1);
    bench.put("a b c d e f g h");
    let function = Function::new(|batch| if batch.has("f") { failed() } else { done() });
    bench.run(bisecting(), &function).await;
    assert_eq!(function.data(), ["a", "b", "c", "d", "e", "g", "h"]);
    let document: Value = serde_json::from_str(&bench.services.sent.lock().unwrap()[0]).unwrap();
    let last =
        function.asked.lock().unwrap().iter().rfind(|batch| batch.has("f")).cloned().unwrap();
    assert_eq!(last.data(), ["f"]);
    assert_eq!(
        document["requestContext"],
        json!({
            "requestId": "request-8",
            "functionArn": "arn:aws:lambda:eu-west-1:000000000000:function:Aggregate",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        })
    );
    let info = &document["KinesisBatchInfo"];
    assert_eq!((&info["batchSize"], &info["startSequenceNumber"]), (&json!(1), &json!(last.first)));
    let bisected = bench.watcher.pick(|happening| match happening {
        Happening::Bisected { parts, .. } => Some(*parts),
        _ => None,
    });
    assert_eq!(bisected, [(4, 4), (2, 2), (1, 1)]);
    assert!(bench.watcher.all().iter().any(|happening| matches!(
        happening,
        Happening::Discarded { records: 1, condition: "RetryAttemptsExhausted", destination: Some(place), .. }
            if place == "arn:aws:sqs:eu-west-1:000000000000:dead"
    )));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_gets_the_whole_event() {
    let bench = Bench::new(1);
    bench.put("a b");
    let function = Function::new(|_| failed());
    let on_failure = Some(Destination::Bucket("dead-letters".to_owned()));
    bench
        .run(KinesisMapping { retry_attempts_max: Some(0), on_failure, ..mapping() }, &function)
        .await;
    let objects = bench.services.objects.lock().unwrap().clone();
    let (key, body) = objects.first_key_value().unwrap();
    let prefix = "aws/lambda/f89f8514-cdd9-4602-9e1f-01a5b77d449b/shardId-000000000000/20";
    assert!(key.starts_with(prefix), "{key}");
    let document: Value = serde_json::from_str(body).unwrap();
    let payload: Value = serde_json::from_str(document["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["Records"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_position_waits_for_the_destination() {
    let bench = Bench::new(1);
    *bench.services.failures.lock().unwrap() = 4;
    bench.put("a b");
    let function = Function::new(|batch| if batch.has("a") { failed() } else { done() });
    let one = KinesisMapping {
        batch_records_max: 1,
        retry_attempts_max: Some(0),
        on_failure: Some(queue()),
        ..mapping()
    };
    let poller = bench.start(one, &function);
    bench.watcher.until(|happening| matches!(happening, Happening::Trouble { .. })).await;
    let known = bench.checkpoints.known("Aggregate/Orders", &super::bench::arn()).unwrap();
    assert_eq!(known["shardId-000000000000"].position, None);
    assert!(!poller.is_drained());
    poller.drained().await;
    assert_eq!(function.data(), ["b"]);
    assert_eq!(bench.services.sent.lock().unwrap().len(), 1);
    assert_eq!(bench.watcher.troubles().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_too_old_are_given_up_without_asking() {
    let bench = Bench::new(1);
    bench.put("old");
    tokio::time::sleep(Duration::from_secs(80)).await;
    bench.put("a b");
    let function = Function::new(|_| done());
    let aged = KinesisMapping {
        record_age_max: Some(Duration::from_mins(1)),
        on_failure: Some(queue()),
        ..mapping()
    };
    bench.run(aged, &function).await;
    assert_eq!(function.words(), ["1: a b"]);
    let document: Value = serde_json::from_str(&bench.services.sent.lock().unwrap()[0]).unwrap();
    assert_eq!(document["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(document["responseContext"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn without_a_destination_losses_are_still_seen() {
    let bench = Bench::new(1);
    bench.put("a");
    let function = Function::new(|_| failed());
    bench.run(KinesisMapping { retry_attempts_max: Some(0), ..mapping() }, &function).await;
    let lost = Happening::Discarded {
        mapping: "Aggregate/Orders".into(),
        shard: Some(Arc::from("shardId-000000000000")),
        records: 1,
        condition: "RetryAttemptsExhausted",
        destination: None,
    };
    assert!(bench.watcher.all().contains(&lost));
}

/// How old records may be with `MaximumRecordAgeInSeconds`, on a stream that keeps them for a day.
#[track_caller]
fn check_age(age_hours: Option<u64>, expect: i64) {
    let day = Duration::from_hours(24);
    let mapping =
        KinesisMapping { record_age_max: age_hours.map(Duration::from_hours), ..mapping() };
    let settings = Settings::of(&mapping, day, false);
    assert_eq!(settings.record_age_max, SignedDuration::from_hours(expect));
}

#[test]
fn records_are_no_older_than_the_stream_keeps_them() {
    check_age(None, 24);
    check_age(Some(1), 1);
    check_age(Some(48), 24);
}
