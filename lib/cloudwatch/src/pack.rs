//! Points to calls that are as full as they may be.
//!
//! `CloudWatch` bills calls, throttles calls, and takes a call whole or not at all: so a call takes as many points from the front
//! as fit, of one namespace, and in front of them its receipt. A point is never cut in two. What can never be sent is
//! refused with its reason and passed over, so that no call is made in vain.
//!
//! ```text
//! points   a.1  a.2  a.3 (too old)  a.4  b.1        receipt of namespace a
//! call     receipt, a.1, a.2, a.4                   4 points are covered, the third is refused
//! ```

use crate::data;
use crate::name::Name;
use crate::refusal::Refusal;
use aws_sdk_cloudwatch::types::{MetricDatum, StandardUnit};
use streamgauge_engine::time::{DAY_MS, HOUR_MS, Millis, Timestamp};
use streamgauge_pipeline::port::points::{Packed, Queued, Receipt};

/// The most data of a call:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>.
pub const DATA_MAX: usize = 1_000;
/// The most bytes of a call's body. `CloudWatch` says 1 MB and takes gzip, and does not say which it counts: ours fits before.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>.
pub const BODY_BYTES_MAX: usize = 1_000_000;
/// How old a point may be, in milliseconds: `CloudWatch` takes two weeks, of which an hour is left for clocks that differ and
/// for the way.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>.
pub const AGE_MS_MAX: Millis = 14 * DAY_MS - HOUR_MS;
/// How far ahead a point may be, in milliseconds:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>.
pub const AHEAD_MS_MAX: Millis = 2 * HOUR_MS;

/// A call of `PutMetricData`, ready to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Where its data belong.
    pub namespace: String,
    /// The receipt, and the data of the points.
    pub data: Vec<MetricDatum>,
}

/// The next call: as many points from the front as one takes. All are of the receipt's namespace; where others begin, it ends.
pub fn pack(points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<Call> {
    let mut draft = Draft::new(receipt);
    let (mut covered, mut refused) = (0, Vec::new());
    for (place, &queued) in points.iter().enumerate() {
        let namespace = &queued.metric.namespace;
        if place > 0 && *namespace != receipt.namespace {
            break;
        }
        match sendable(queued, receipt, now) {
            Ok(data) => match draft.add(queued, data) {
                Ok(()) => {}
                Err(Full::Call) => break,
                Err(Full::Never(refusal)) => refused.push((place, refusal.to_string())),
            },
            Err(refusal) => refused.push((place, refusal.to_string())),
        }
        covered = place + 1;
    }
    Packed { call: draft.call(), points: covered, refused }
}

/// The data of a point that can be sent now.
fn sendable(
    queued: Queued<'_>,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<Vec<MetricDatum>, Refusal> {
    let namespace = Name::Namespace.check(&queued.metric.namespace)?;
    if namespace != receipt.namespace {
        let (point, call) = (namespace.to_owned(), receipt.namespace.clone());
        return Err(Refusal::Namespace { point, call });
    }
    let data = data::of_point(queued)?;
    let timestamp = data::timestamp(queued.point);
    if data.is_empty() {
        Ok(data)
    } else if timestamp < now.minus(AGE_MS_MAX) {
        Err(Refusal::TooOld { timestamp, now })
    } else if timestamp > now.plus(AHEAD_MS_MAX) {
        Err(Refusal::TooFarAhead { timestamp, now })
    } else {
        Ok(data)
    }
}

/// A call that is being filled.
struct Draft {
    call: Call,
    bytes: usize,
}

/// Why data do not fit.
enum Full {
    /// The call has no room left.
    Call,
    /// No call has.
    Never(Refusal),
}

impl Draft {
    fn new(receipt: &Receipt) -> Self {
        let receipt_datum = data::of_receipt(receipt);
        let bytes = frame_bytes(&receipt.namespace) + datum_bytes(&receipt_datum);
        let call = Call { namespace: receipt.namespace.clone(), data: vec![receipt_datum] };
        Self { call, bytes }
    }

    fn add(&mut self, queued: Queued<'_>, data: Vec<MetricDatum>) -> Result<(), Full> {
        let bytes = data.iter().map(datum_bytes).sum::<usize>();
        if self.call.data.len() + data.len() <= DATA_MAX && self.bytes + bytes <= BODY_BYTES_MAX {
            self.bytes += bytes;
            self.call.data.extend(data);
            return Ok(());
        }
        if self.has_points() {
            return Err(Full::Call);
        }
        let (metric, data) = (queued.metric.name.clone(), data.len());
        Err(Full::Never(Refusal::TooLarge { metric, data, bytes }))
    }

    /// Whether it has more than its receipt.
    fn has_points(&self) -> bool {
        self.call.data.len() > 1
    }

    fn call(self) -> Option<Call> {
        self.has_points().then_some(self.call)
    }
}

/// Of a double in CBOR.
const DOUBLE_BYTES: usize = 9;
/// The first and the last byte of a structure in CBOR.
const STRUCTURE_BYTES: usize = 2;

/// How long a text is in CBOR.
const fn text_bytes(text: &str) -> usize {
    head_bytes(text.len()) + text.len()
}

/// How much stands before the bytes of a text, or the elements of a list, that is so long.
const fn head_bytes(length: usize) -> usize {
    match length {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000.. => 5,
    }
}

/// What a full body has beside its data, in bytes.
fn frame_bytes(namespace: &str) -> usize {
    let data = text_bytes("MetricData") + head_bytes(DATA_MAX);
    STRUCTURE_BYTES + text_bytes("Namespace") + text_bytes(namespace) + data
}

/// How long a datum is in a body of Smithy RPC v2 CBOR, which the SDK speaks, in bytes
/// (<https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>).
fn datum_bytes(datum: &MetricDatum) -> usize {
    let text =
        |name, text: Option<&str>| text.map_or(0, |text| text_bytes(name) + text_bytes(text));
    let double = |name, is_there: bool| if is_there { text_bytes(name) + DOUBLE_BYTES } else { 0 };
    let list = |name, length, elements: usize| match length {
        0 => 0,
        _ => text_bytes(name) + head_bytes(length) + elements,
    };
    let doubles = |name, doubles: &[f64]| list(name, doubles.len(), doubles.len() * DOUBLE_BYTES);
    let dimensions = datum.dimensions().iter().map(|dimension| {
        STRUCTURE_BYTES + text("Name", dimension.name()) + text("Value", dimension.value())
    });
    let statistics = ["SampleCount", "Sum", "Minimum", "Maximum"].map(|name| double(name, true));
    let statistics =
        text_bytes("StatisticValues") + STRUCTURE_BYTES + statistics.iter().sum::<usize>();
    // A timestamp is a double with a tag before it, a resolution is below 24 or has one byte more.
    STRUCTURE_BYTES
        + text("MetricName", datum.metric_name())
        + list("Dimensions", datum.dimensions().len(), dimensions.sum())
        + datum.timestamp().map_or(0, |_| double("Timestamp", true) + 1)
        + double("Value", datum.value().is_some())
        + datum.statistic_values().map_or(0, |_| statistics)
        + doubles("Values", datum.values())
        + doubles("Counts", datum.counts())
        + text("Unit", datum.unit().map(StandardUnit::as_str))
        + datum.storage_resolution().map_or(0, |_| text_bytes("StorageResolution") + 2)
}

#[cfg(test)]
mod tests;
