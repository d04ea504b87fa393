//! Payloads of invocations as Lambda hands them to `aggregate`: 1,000 orders of one shard, about 1 MB.
//!
//! Every order is another series than the one before, in turn: with 1,000 series and more, each order of a batch has one of
//! its own, which is the most that a delta can cost. Nothing comes twice, so that every identity is stored.

use super::super::events::amount;
use crate::random::Random;
use crate::time::{START_MS, rfc3339};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::io;

/// Records of a payload.
pub(super) const RECORDS: u64 = 1_000;
/// The stream that all records are of.
pub(super) const STREAM: &str = "orders";
/// The shard that all records are of.
pub(super) const SHARD: &str = "shardId-000000000000";
/// How long after its event time a record arrives.
const TRANSPORT_MS: i64 = 40;

/// The rules that the orders are for: what is measured is the sum of their amounts.
pub(super) const RULES: &str = "version: 1
namespace: Benchmark
out_of_order: 10s
allowed_lateness: 0s
late: correct
deduplicate: 1h
metrics:
  amounts:
    sum: data.amount
    dimensions: {type: type, aggregator: data.aggregator}
    window: 1m
    max_series: 10000
";

/// What alerts look at beside that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Alerts {
    /// There are none.
    None,
    /// Each order by itself: a small count.
    Events,
    /// What the amounts of a sixtieth of ten minutes add up to.
    Slices,
}

impl Alerts {
    /// As the worker is told of it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Events => "events",
            Self::Slices => "slices",
        }
    }
}

/// The rules with alerts.
pub(super) fn rules(alerts: Alerts) -> String {
    let when = match alerts {
        Alerts::None => return RULES.to_owned(),
        Alerts::Events => "absent for 10m",
        Alerts::Slices => "sum over 10m > 1000000",
    };
    format!(
        "{RULES}alerts:\n  amounts: {{metric: amounts, when: {when}, severity: error, notify: [oncall]}}\n{CHANNELS}"
    )
}

const CHANNELS: &str = "channels:\n  oncall: {pagerduty: {routing_key: env:ROUTING_KEY}}\n";

/// When the payload with this number has arrived, in milliseconds since the epoch, with so many between two orders.
pub(super) const fn arrived_ms(number: i64, gap_ms: i64) -> i64 {
    START_MS + (number + 1) * RECORDS.cast_signed() * gap_ms
}

/// The orders of a batch, as many lines.
pub(super) fn orders(number: u64, series: u64, gap_ms: i64) -> io::Result<Vec<String>> {
    let mut random = Random::new(number);
    let order = |place: u64| {
        let nth = number * RECORDS + place;
        let nth_ms = i64::try_from(nth).map_err(io::Error::other)? * gap_ms;
        let time_ms = START_MS + nth_ms - TRANSPORT_MS;
        let (high, low) = (random.bits(), random.bits());
        Ok(format!(
            concat!(
                r#"{{"specversion":"1.0","id":"{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}","source":"checkout","#,
                r#""type":"order.created","time":"{}","datacontenttype":"application/json","data":{{"order_id":"o-{:016x}","#,
                r#""aggregator":"aggregator-{:05}","country":"AE","restaurant":"restaurant-{:04}","amount":{},"currency":"AED"}}}}"#
            ),
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff,
            rfc3339(time_ms)?,
            high ^ low,
            nth % series,
            low % 2_000,
            amount(random.between(500, 20_000)),
        ))
    };
    (0..RECORDS).map(order).collect()
}

/// The payload of a batch, byte for byte as Lambda writes it.
pub(super) fn payload(number: u64, series: u64, gap_ms: i64) -> io::Result<String> {
    let arrived_ms = arrived_ms(i64::try_from(number).map_err(io::Error::other)?, gap_ms);
    let mut text = String::from(r#"{"Records":["#);
    for (place, order) in (0..).zip(orders(number, series, gap_ms)?) {
        let sequence = number * RECORDS + place;
        let comma = if place == 0 { "" } else { "," };
        write!(
            text,
            concat!(
                r#"{comma}{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"o-{sequence:016x}","#,
                r#""sequenceNumber":"49{sequence:054}","data":"{data}","approximateArrivalTimestamp":{seconds}.{millis:03}}},"#,
                r#""eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"{shard}:49{sequence:054}","#,
                r#""eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/orders-aggregate","#,
                r#""awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/{stream}"}}"#
            ),
            comma = comma,
            sequence = sequence,
            data = STANDARD.encode(order),
            seconds = arrived_ms / 1_000,
            millis = arrived_ms % 1_000,
            shard = SHARD,
            stream = STREAM,
        )
        .map_err(io::Error::other)?;
    }
    text.push_str("]}");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use streamgauge_kinesis::event;

    #[test]
    fn a_payload_is_a_batch_of_about_a_megabyte() {
        let text = payload(3, 100, 10).unwrap();
        assert!((950_000..1_050_000).contains(&text.len()), "{} bytes", text.len());
        let batch = event::read(&text).unwrap().batch;
        assert_eq!((&*batch.shard, batch.records.len()), (SHARD, 1_000));
    }

    #[test]
    fn series_come_in_turn() {
        let aggregators = |series| {
            let aggregator = |order: String| {
                serde_json::from_str::<serde_json::Value>(&order).unwrap()["data"]["aggregator"]
                    .to_string()
            };
            orders(1, series, 10).unwrap().into_iter().map(aggregator).collect::<HashSet<_>>().len()
        };
        assert_eq!([1, 100, 1_000, 10_000].map(aggregators), [1, 100, 1_000, 1_000]);
    }
}
