//! The event of a batch: what is in it, in which order, and what is not.

use super::bench::Bench;
use super::stand::Stand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use streamgauge_lambda::stream::Record;

/// A record of the first shard as AWS writes it.
fn written(record: &Record, arrival: &str, encryption: &str) -> String {
    let Record { sequence_number, partition_key, data, .. } = record;
    let data = STANDARD.encode(data);
    [
        r#"{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":""#,
        partition_key,
        r#"","sequenceNumber":""#,
        sequence_number.as_str(),
        r#"","data":""#,
        &data,
        r#"","approximateArrivalTimestamp":"#,
        arrival,
        encryption,
        r#"},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000000:"#,
        sequence_number.as_str(),
        r#"","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::000000000000:role/lambda-role","#,
        r#""awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/orders"}"#,
    ]
    .concat()
}

/// A function that got one record, which arrived so many milliseconds after a full second.
async fn given(thousandths: i64) -> Stand {
    let bench = Bench::new(1).dress(move |_, record| {
        let second = record.arrival.as_second();
        let arrival = jiff::Timestamp::from_second(second - 5).unwrap();
        record.arrival = arrival + SignedDuration::from_millis(thousandths);
    });
    bench.check("7", &["7"]).await
}

#[tokio::test]
async fn a_record_is_written_with_every_field_in_aws_order() {
    let stand = given(987).await;
    let record = stand.world.told(7);
    let arrival = format!("{}.987", record.arrival.as_second());
    assert_eq!(stand.events(), [format!("{{\"Records\":[{}]}}", written(&record, &arrival, ""))]);
}

#[tokio::test]
async fn arrival_is_a_number_of_seconds_with_a_fraction() {
    for (thousandths, fraction) in [(987, ".987"), (980, ".98"), (100, ".1"), (87, ".087"), (0, "")]
    {
        let stand = given(thousandths).await;
        let second = stand.world.told(7).arrival.as_second();
        let expect = format!("\"approximateArrivalTimestamp\":{second}{fraction}}}");
        let [event] = <[String; 1]>::try_from(stand.events()).unwrap();
        assert!(event.contains(&expect), "{expect}: {event}");
    }
}

#[tokio::test]
async fn the_encryption_stands_in_the_record_where_the_stream_tells_it() {
    let bench = Bench::new(1).dress(|id, record| {
        record.arrival = jiff::Timestamp::from_second(record.arrival.as_second()).unwrap();
        record.encryption = (id == 1).then(|| "KMS".into());
    });
    let stand = bench.check("1 2", &["1 2"]).await;
    let [first, second] = [1, 2].map(|id| stand.world.told(id));
    let [one, two] = [&first, &second].map(|record| record.arrival.as_second().to_string());
    let first = written(&first, &one, ",\"encryptionType\":\"KMS\"");
    let second = written(&second, &two, "");
    assert_eq!(stand.events(), [format!("{{\"Records\":[{first},{second}]}}")]);
}

#[tokio::test]
async fn nothing_says_how_far_behind_or_partial_a_batch_is() {
    let stand = given(0).await;
    let [event] = <[serde_json::Value; 1]>::try_from(stand.documents()).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&event), ["Records"]);
    let mut record = names(&event["Records"][0]);
    record.sort();
    assert_eq!(
        record,
        [
            "awsRegion",
            "eventID",
            "eventName",
            "eventSource",
            "eventSourceARN",
            "eventVersion",
            "invokeIdentityArn",
            "kinesis"
        ]
    );
}

#[tokio::test]
async fn a_batch_has_records_of_one_shard_and_only_the_event_id_names_it() {
    let bench = Bench::new(3);
    for shard in 0..3 {
        bench.world.put(shard, &format!("{shard} 1{shard} 2{shard}"));
    }
    let stand = bench.drained().await;
    let mut batches = stand.batches();
    batches.sort();
    assert_eq!(batches, ["0 10 20", "1 11 21", "2 12 22"]);
    for event in stand.events() {
        let id = event.split("\"eventID\":\"").nth(1).unwrap();
        let shard = id.split(':').next().unwrap();
        assert_eq!(event.matches("shardId-").count(), 3, "once a record: {event}");
        assert_eq!(event.matches(&format!("\"eventID\":\"{shard}:")).count(), 3, "{event}");
    }
}

/// A record of the Kinesis Producer Library, many in one: nobody takes it apart.
#[tokio::test]
async fn an_aggregated_record_is_handed_on_as_it_is() {
    let aggregated = [b"\xf3\x89\x9a\xc2".as_slice(), &[0; 40]].concat();
    let bench = Bench::new(1).retries(Some(0));
    bench.world.orders().put("a", None, aggregated.clone()).unwrap();
    let stand = bench.drained().await;
    let data = stand.documents()[0]["Records"][0]["kinesis"]["data"].clone();
    assert_eq!(stand.documents()[0]["Records"].as_array().unwrap().len(), 1);
    assert_eq!(data, STANDARD.encode(aggregated));
}
