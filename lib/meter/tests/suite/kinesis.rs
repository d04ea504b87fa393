//! Shards have room for so much; what does not fit fails record by record.

use super::support::{Frozen, Got, Said, Seen, StandIn, call, meter, says};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use streamgauge_meter::bill::{Streams, Terms};
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Fault, Faults, Harm, Selector, When};
use streamgauge_meter::limits::{Limit, Limits};
use streamgauge_meter::proxy::Running;
use streamgauge_meter::unit::Unit;

const PUT: &str = "Kinesis_20131202.PutRecords";
const MIDDLE: u128 = 1 << 127;

/// A shard's description.
fn shard(id: &str, from: u128, to: u128, closed: bool) -> Value {
    let range = json!({"StartingHashKey": from.to_string(), "EndingHashKey": to.to_string()});
    let end = if closed { json!("9") } else { Value::Null };
    json!({"ShardId": id, "HashKeyRange": range, "SequenceNumberRange": {"EndingSequenceNumber": end}})
}

/// The hash key of a record decides: below the middle is `low`, above `high`. Sequence numbers are the records' data.
fn stream(seen: &Seen) -> Said {
    let request = seen.json();
    match seen.operation() {
        "ListShards" => says(
            &json!({"Shards": [shard("low", 0, MIDDLE - 1, false), shard("high", MIDDLE, u128::MAX, false)]}),
        ),
        "PutRecords" => {
            let results = request["Records"].as_array().unwrap().iter().map(|record| {
                let hash: u128 = record["ExplicitHashKey"].as_str().unwrap().parse().unwrap();
                let shard = if hash < MIDDLE { "low" } else { "high" };
                json!({"SequenceNumber": record["Data"], "ShardId": shard})
            });
            says(&json!({"FailedRecordCount": 0, "Records": results.collect::<Vec<_>>()}))
        }
        "GetShardIterator" => says(&json!({"ShardIterator": request["ShardId"]})),
        "GetRecords" => {
            // `low` gives 525,000 bytes at once, a little more than a quarter of 2 MiB; `high` nothing.
            let iterator = request["ShardIterator"].as_str().unwrap();
            let records = if iterator.starts_with("high") {
                vec![]
            } else {
                vec![json!({"Data": "A".repeat(700_000)})]
            };
            says(&json!({"Records": records, "NextShardIterator": format!("{iterator}'")}))
        }
        _ => says(&json!({})),
    }
}

/// A record for one of the shards, known by its data.
fn record(high: bool, data: &str) -> Value {
    let hash = if high { MIDDLE } else { 0 };
    json!({"Data": data, "PartitionKey": "k", "ExplicitHashKey": hash.to_string()})
}

fn only(limit: Limit) -> Limits {
    [limit].into_iter().collect()
}

#[tokio::test]
async fn records_without_room_fail_in_their_places() {
    let stand_in = StandIn::start(stream).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, only(Limit::ShardWrites), Faults::default(), &clock).await;
    let full = json!({"StreamName": "s", "Records": vec![record(false, "AAAA"); 500]});
    for _ in 0..2 {
        let got = call(running.address, PUT, "", &full).await.unwrap();
        assert_eq!(got.json()["FailedRecordCount"], 0);
    }
    let mixed = json!({"StreamName": "s", "Records": [
        record(true, "AAAB"), record(false, "AAAC"), record(true, "AAAD"), record(false, "AAAE"),
    ]});
    let got = call(running.address, PUT, "", &mixed).await.unwrap().json();
    let code = "ProvisionedThroughputExceededException";
    let message = "Rate exceeded for shard low in stream s under account 000000000000.";
    let failed = json!({"ErrorCode": code, "ErrorMessage": message});
    let done = |data: &str| json!({"SequenceNumber": data, "ShardId": "high"});
    assert_eq!(got["Records"], json!([done("AAAB"), failed, done("AAAD"), failed]));
    assert_eq!(got["FailedRecordCount"], 2);
    let sent = stand_in.seen_of("PutRecords").pop().unwrap().json();
    assert_eq!(
        sent,
        json!({"StreamName": "s", "Records": [record(true, "AAAB"), record(true, "AAAD")]})
    );
    clock.advance_ms(2); // 2 places come back
    assert_eq!(
        call(running.address, PUT, "", &mixed).await.unwrap().json()["FailedRecordCount"],
        0
    );
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::Kinesis, "PutRecords", Unit::RecordsIn), 1000 + 2 + 4);
    assert_eq!(calls.amount(&Service::Kinesis, "PutRecords", Unit::PutPayloadUnits), 1000 + 2 + 4);
    assert_eq!(
        calls.amount(&Service::Kinesis, "PutRecords", Unit::BytesIn),
        (1000 + 2 + 4) * (3 + 1)
    );
    assert_eq!(calls.amount(&Service::Kinesis, "PutRecords", Unit::Limited), 2);
    assert_eq!(stand_in.seen_of("ListShards").len(), 1);
}

#[tokio::test]
async fn a_batch_of_which_nothing_fits_is_answered_without_the_stand_in() {
    let stand_in = StandIn::start(stream).await;
    let running =
        meter(&stand_in, only(Limit::ShardWrites), Faults::default(), &Frozen::new()).await;
    // 786,432 bytes and a key: a second one does not fit into 1 MiB.
    let large = json!({"StreamName": "s", "Records": [record(false, &"A".repeat(1024 * 1024))]});
    assert_eq!(
        call(running.address, PUT, "", &large).await.unwrap().json()["FailedRecordCount"],
        0
    );
    let got = call(running.address, PUT, "", &large).await.unwrap();
    assert_eq!((got.status, &got.json()["FailedRecordCount"]), (200, &json!(1)));
    assert_eq!(got.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(stand_in.seen_of("PutRecords").len(), 1);
    let single = json!({"StreamName": "s", "Data": "A".repeat(1024 * 1024), "PartitionKey": "k", "ExplicitHashKey": "0"});
    let alone = call(running.address, "Kinesis_20131202.PutRecord", "", &single).await.unwrap();
    assert_eq!(
        (alone.status, alone.header("x-amzn-errortype")),
        (400, "ProvisionedThroughputExceededException")
    );
}

#[tokio::test]
async fn records_fail_on_purpose_and_alike_for_a_seed() {
    let run = async |seed: u64| {
        let stand_in = StandIn::start(stream).await;
        let fault = Fault {
            selector: Selector { service: Some(Service::Kinesis), ..Selector::default() },
            when: When::Every(1),
            harm: Harm::FailRecords(500_000),
            at_most: 1,
        };
        let faults = Faults { seed, faults: vec![fault] };
        let running = meter(&stand_in, Limits::none(), faults, &Frozen::new()).await;
        let numbers = (0..20).map(|number| record(false, &format!("{number:04}")));
        let batch = json!({"StreamName": "s", "Records": numbers.collect::<Vec<_>>()});
        let got = call(running.address, PUT, "", &batch).await.unwrap().json();
        let again = call(running.address, PUT, "", &batch).await.unwrap().json();
        assert_eq!(again["FailedRecordCount"], 0);
        let results = got["Records"].as_array().unwrap().clone();
        for (number, result) in
            results.iter().enumerate().filter(|(_, result)| result.get("ErrorCode").is_none())
        {
            assert_eq!(result["SequenceNumber"], format!("{number:04}"));
        }
        let failed: Vec<bool> =
            results.iter().map(|result| result.get("ErrorCode").is_some()).collect();
        assert_eq!(got["FailedRecordCount"], failed.iter().filter(|failed| **failed).count());
        failed
    };
    let first = run(1).await;
    assert!(first.contains(&true) && first.contains(&false));
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}

/// Reads a shard until it is refused: how often it was read, and the next iterator.
async fn read_until_refused(running: &Running, shard: &str) -> (usize, Value) {
    let request = json!({"StreamName": "s", "ShardId": shard, "ShardIteratorType": "LATEST"});
    let got =
        call(running.address, "Kinesis_20131202.GetShardIterator", "", &request).await.unwrap();
    let mut iterator = got.json()["ShardIterator"].clone();
    for reads in 0..10 {
        let answer = read(running, &iterator).await;
        if answer.status != 200 {
            assert_eq!(answer.header("x-amzn-errortype"), "ProvisionedThroughputExceededException");
            return (reads, iterator);
        }
        iterator = answer.json()["NextShardIterator"].clone();
    }
    panic!("the shard was never refused");
}

async fn read(running: &Running, iterator: &Value) -> Got {
    let request = json!({"ShardIterator": iterator});
    call(running.address, "Kinesis_20131202.GetRecords", "", &request).await.unwrap()
}

#[tokio::test]
async fn a_shard_is_read_five_times_a_second() {
    let stand_in = StandIn::start(stream).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, only(Limit::ShardReads), Faults::default(), &clock).await;
    let (reads, iterator) = read_until_refused(&running, "high").await;
    assert_eq!(reads, 5);
    clock.advance_ms(199);
    assert_eq!(read(&running, &iterator).await.status, 400);
    clock.advance_ms(1);
    assert_eq!(read(&running, &iterator).await.status, 200);
    assert_eq!(read(&running, &json!("never seen")).await.status, 200);
    assert_eq!(running.stop().await.amount(&Service::Kinesis, "GetRecords", Unit::Limited), 2);
}

#[tokio::test]
async fn a_shard_gives_2_mib_a_second() {
    let stand_in = StandIn::start(stream).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, only(Limit::ShardReads), Faults::default(), &clock).await;
    let (reads, iterator) = read_until_refused(&running, "low").await;
    assert_eq!(reads, 4);
    clock.advance_ms(1); // 2,097 bytes come back of 2,848 that are owed
    assert_eq!(read(&running, &iterator).await.status, 400);
    clock.advance_ms(1);
    assert_eq!(read(&running, &iterator).await.status, 200);
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::Kinesis, "GetRecords", Unit::RecordsOut), 5);
    assert_eq!(calls.amount(&Service::Kinesis, "GetRecords", Unit::BytesOut), 5 * 525_000);
}

#[tokio::test]
async fn shards_are_learned_anew_after_a_split() {
    let is_split = Arc::new(AtomicBool::new(false));
    let split = Arc::clone(&is_split);
    let stand_in = StandIn::start(move |seen| match seen.operation() {
        "SplitShard" => {
            split.store(true, Ordering::SeqCst);
            says(&json!({}))
        }
        "ListShards" if split.load(Ordering::SeqCst) => says(&json!({"Shards": [
            shard("low", 0, MIDDLE - 1, true), shard("high", MIDDLE, u128::MAX, false),
            shard("a", 0, 9, false), shard("b", 10, MIDDLE - 1, false),
        ]})),
        _ => stream(seen),
    })
    .await;
    let running =
        meter(&stand_in, only(Limit::ShardWrites), Faults::default(), &Frozen::new()).await;
    let full = json!({"StreamName": "s", "Records": vec![record(false, "AAAA"); 500]});
    for _ in 0..2 {
        call(running.address, PUT, "", &full).await.unwrap();
    }
    assert_eq!(
        call(running.address, PUT, "", &full).await.unwrap().json()["FailedRecordCount"],
        500
    );
    let request = json!({"StreamName": "s", "ShardToSplit": "low", "NewStartingHashKey": "10"});
    call(running.address, "Kinesis_20131202.SplitShard", "", &request).await.unwrap();
    assert_eq!(call(running.address, PUT, "", &full).await.unwrap().json()["FailedRecordCount"], 0);
    // The most shards that were open are billed: three, an hour at 0.015 dollars each.
    let terms = Terms { streams: Streams::Provisioned, lasting: Duration::from_hours(1) };
    let bill = running.bill(terms);
    let row = bill.rows.iter().find(|row| row.unit == Unit::ShardSeconds).unwrap();
    assert_eq!((row.amount, row.cost.unwrap().1.to_string()), (3 * 3600, "0.045".to_owned()));
}

#[tokio::test]
async fn requests_that_are_too_large_are_refused() {
    let stand_in = StandIn::start(stream).await;
    let running = meter(&stand_in, only(Limit::PutSizes), Faults::default(), &Frozen::new()).await;
    let many = json!({"StreamName": "s", "Records": vec![record(false, "AAAA"); 501]});
    let got = call(running.address, PUT, "", &many).await.unwrap();
    assert_eq!((got.status, got.header("x-amzn-errortype")), (400, "ValidationException"));
    assert!(stand_in.seen().is_empty());
}
