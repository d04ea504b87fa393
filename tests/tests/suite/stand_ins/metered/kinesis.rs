//! The bill of Kinesis against a hand calculation, in both ways in which AWS bills a stream.

use super::streams::{STREAM, iterator, record, stream};
use super::{Metered, Row};
use std::time::Duration;
use streamgauge_lambda_aws::kinesis::Client;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_meter::bill::{Streams, Terms};
use streamgauge_meter::unit::Unit;

/// Provisioned: 0.014 dollars for a million payload units, in pico-dollars.
const PAYLOAD_UNIT: u128 = 14_000;
/// Provisioned: 0.015 dollars for an hour of a shard.
const SHARD_HOUR: u128 = 15_000_000_000;
/// On demand: 0.04 dollars for an hour of a stream.
const STREAM_HOUR: u128 = 40_000_000_000;
/// On demand: 0.08 dollars for a GiB in and 0.04 for one out.
const GIB_IN: u128 = 80_000_000_000;
const GIB_OUT: u128 = 40_000_000_000;
const GIB: u128 = 1 << 30;
const KB: u64 = 1_024;

/// Rounded half up to a pico-dollar, once for the row.
fn of_gib(bytes: u64, price: u128) -> u128 {
    (2 * u128::from(bytes) * price + GIB) / (2 * GIB)
}

/// Sizes on both sides of a unit's end; each has a byte of partition key.
const SIZES: [usize; 5] = [100, 1_024, 25 * 1_024, 25 * 1_024 + 1, 51_300];
const BYTES: u64 = 100 + 1_024 + 25_600 + 25_601 + 51_300;

/// One `PutRecord` of 25 KB and a byte, one `PutRecords` of [`SIZES`], one `GetRecords`.
async fn run(client: &Client) {
    let data = Blob::new(vec![b'x'; 25 * 1_024]);
    let single = client.put_record().stream_name(STREAM).partition_key("k").data(data);
    single.send().await.unwrap();
    let records = SIZES.map(record).to_vec();
    let batch = client.put_records().stream_name(STREAM).set_records(Some(records));
    assert_eq!(batch.send().await.unwrap().failed_record_count(), Some(0));
    let iterator = iterator(client).await;
    let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
    assert_eq!(read.records().len(), 1 + SIZES.len());
}

/// What is counted and has no price on any terms.
fn counted(operation: &'static str, unit: Unit, amount: u64) -> Row<'static> {
    (operation, unit, amount, None)
}

#[tokio::test]
async fn a_provisioned_stream_costs_shard_hours_and_payload_units() {
    let metered = Metered::start().await;
    stream(&metered.direct, &metered.account, 1).await;
    run(&metered.caller("").await.kinesis).await;
    let terms = Terms { streams: Streams::Provisioned, lasting: Duration::from_hours(3) };
    // 25 KB and a byte are 2 units. Of the batch: 1, 1, 1, 2, and 51,300 bytes are 3.
    let (single, batch) = (2, 1 + 1 + 1 + 2 + 3);
    // By begun KB: 26. Of the batch: 1, 1, 25, 26, 51 (51,300 are 50.1).
    let (single_kb, batch_kb) = (26, 1 + 1 + 25 + 26 + 51);
    metered.check_bill(
        terms,
        &[
            ("-", Unit::ShardSeconds, 3 * 3_600, Some(3 * SHARD_HOUR)),
            counted("GetRecords", Unit::Calls, 1),
            counted("GetRecords", Unit::RecordsOut, 6),
            // Data without partition keys: a byte less for each.
            counted("GetRecords", Unit::BytesOut, 25_600 + BYTES - 5),
            counted("GetShardIterator", Unit::Calls, 1),
            counted("PutRecord", Unit::Calls, 1),
            ("PutRecord", Unit::PutPayloadUnits, single, Some(u128::from(single) * PAYLOAD_UNIT)),
            counted("PutRecord", Unit::RecordsIn, 1),
            counted("PutRecord", Unit::BytesIn, 25_601),
            counted("PutRecord", Unit::RoundedBytesIn, single_kb * KB),
            counted("PutRecords", Unit::Calls, 1),
            ("PutRecords", Unit::PutPayloadUnits, batch, Some(u128::from(batch) * PAYLOAD_UNIT)),
            counted("PutRecords", Unit::RecordsIn, 5),
            counted("PutRecords", Unit::BytesIn, BYTES),
            counted("PutRecords", Unit::RoundedBytesIn, batch_kb * KB),
        ],
    );
}

/// The same run: each record is rounded up to a KB, reads are not.
#[tokio::test]
async fn an_on_demand_stream_costs_stream_hours_and_bytes() {
    let metered = Metered::start().await;
    stream(&metered.direct, &metered.account, 1).await;
    run(&metered.caller("").await.kinesis).await;
    let terms = Terms { streams: Streams::OnDemand, lasting: Duration::from_hours(3) };
    let (single, batch, out) = (26 * KB, (1 + 1 + 25 + 26 + 51) * KB, 25_600 + BYTES - 5);
    metered.check_bill(
        terms,
        &[
            ("-", Unit::StreamSeconds, 3 * 3_600, Some(3 * STREAM_HOUR)),
            counted("GetRecords", Unit::Calls, 1),
            counted("GetRecords", Unit::RecordsOut, 6),
            ("GetRecords", Unit::BytesOut, out, Some(of_gib(out, GIB_OUT))),
            counted("GetShardIterator", Unit::Calls, 1),
            counted("PutRecord", Unit::Calls, 1),
            counted("PutRecord", Unit::PutPayloadUnits, 2),
            counted("PutRecord", Unit::RecordsIn, 1),
            counted("PutRecord", Unit::BytesIn, 25_601),
            ("PutRecord", Unit::RoundedBytesIn, single, Some(of_gib(single, GIB_IN))),
            counted("PutRecords", Unit::Calls, 1),
            counted("PutRecords", Unit::PutPayloadUnits, 8),
            counted("PutRecords", Unit::RecordsIn, 5),
            counted("PutRecords", Unit::BytesIn, BYTES),
            ("PutRecords", Unit::RoundedBytesIn, batch, Some(of_gib(batch, GIB_IN))),
        ],
    );
}
