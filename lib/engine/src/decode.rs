//! One record to "which metrics take it, with which values", or to a reject.
//!
//! Decoding needs the plan and nothing else: no state of the shard, no order. So it runs on as many threads as the caller
//! likes, and [`crate::aggregate`] puts the batches in order again. It builds no tree per event: the extractor hands over
//! the raw text of the fields that some expression reads, and the index asks only the metrics that can match.

mod batch;
mod identity;
mod index;
mod offer;
mod value;
mod windows;

pub use batch::{Batch, Event, EventIds, ID_BYTES_MAX, Take};

use crate::expression::raw_text;
use crate::field::{FieldValues, Raw};
use crate::json::{self, Extractor};
use crate::place::{at, index, number};
use crate::plan::{Plan, TimeUnit};
use crate::reject::{Reject, RejectCode};
use crate::time::{TimeError, TimeParser, Timestamp};
use index::MetricIndex;
use offer::Numbers;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The largest record, in bytes: Kinesis' own limit of 10 MiB
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>).
pub const RECORD_BYTES_MAX: usize = 10 << 20;

/// One record of a block of text.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it stands in the block.
    pub bytes: Range<usize>,
    /// When the stream took it; files do not know.
    pub arrival: Option<Timestamp>,
    /// What tells it from all other records of the source, in the order of arrival: the identity under `deduplicate: off`.
    pub position: u64,
}

/// Why a record is no event: a code and the sentence that goes with it.
type Rejection = (RejectCode, String);

/// Decodes records for one plan. Each thread has its own.
#[derive(Clone, Debug)]
pub struct Decoder {
    plan: Arc<Plan>,
    extractor: Extractor,
    times: TimeParser,
    index: MetricIndex,
    candidates: Vec<usize>,
    numbers: Numbers,
    /// Whether an alert looks at the metric, by its place; empty without alerts.
    watched: Vec<bool>,
    lengths: Lengths,
}

/// How long the parts of the last batch were: the next is about as long.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths {
    events: usize,
    takes: usize,
    /// How many ids, and their bytes.
    ids: (usize, usize),
}

impl Decoder {
    /// A decoder for this plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            extractor: Extractor::new(&plan.fields),
            times: TimeParser::default(),
            index: MetricIndex::new(&plan),
            candidates: Vec::new(),
            numbers: Numbers::new(&plan),
            watched: plan.feeds().iter().map(|feed| feed.is_watched).collect(),
            lengths: Lengths::default(),
            plan,
        }
    }

    /// Decodes records, each a range of `text`.
    pub fn decode(&mut self, text: &[u8], records: impl Iterator<Item = Record>) -> Batch {
        self.numbers.begin();
        let Lengths { events, takes, ids } = self.lengths;
        let mut batch = Batch {
            events: Vec::with_capacity(events),
            takes: Vec::with_capacity(takes),
            ids: EventIds::with_capacity(ids),
            ..Batch::default()
        };
        let mut values = FieldValues::new(self.plan.fields.len());
        // One check for the whole block is much cheaper than one for each record; only a block with a fault pays again.
        let block = std::str::from_utf8(text).ok();
        for record in records {
            let position = record.position;
            batch.received += 1;
            let outcome = match block {
                Some(block) => self.decode_record(block, &record, &mut values, &mut batch),
                None => self.decode_checked(text, &record, &mut values, &mut batch),
            };
            if let Err((code, detail)) = outcome {
                batch.rejects.push(Reject { position, code, detail });
            }
        }
        self.lengths = Lengths {
            events: batch.events.len(),
            takes: batch.takes.len(),
            ids: batch.ids.lengths(),
        };
        batch
    }

    /// Decodes a record of a block that is not UTF-8 as a whole.
    fn decode_checked<'a>(
        &mut self,
        text: &'a [u8],
        record: &Record,
        values: &mut FieldValues<'a>,
        batch: &mut Batch,
    ) -> Result<(), Rejection> {
        let bytes = text.get(record.bytes.clone()).unwrap_or_default();
        let line = std::str::from_utf8(bytes).map_err(|error| {
            (RejectCode::InvalidUtf8, format!("not UTF-8 at byte {}", error.valid_up_to() + 1))
        })?;
        self.decode_record(line, &Record { bytes: 0..line.len(), ..record.clone() }, values, batch)
    }

    fn decode_record<'a>(
        &mut self,
        block: &'a str,
        record: &Record,
        values: &mut FieldValues<'a>,
        batch: &mut Batch,
    ) -> Result<(), Rejection> {
        if record.bytes.len() > RECORD_BYTES_MAX {
            return Err((
                RejectCode::TooLarge,
                format!("{} bytes; the limit is {RECORD_BYTES_MAX}", record.bytes.len()),
            ));
        }
        self.extractor
            .extract(block, record.bytes.clone(), values)
            .map_err(|error| (error.code, error.detail))?;
        self.check_kind(values)?;
        let time = self.time(values)?;
        if let Some(arrival) = record.arrival
            && time > arrival.plus(self.plan.timing.max_ahead)
        {
            return Err((
                RejectCode::TooFarAhead,
                format!(
                    "the event's time {time} is more than `max_ahead` after its arrival {arrival}"
                ),
            ));
        }
        let identity = match self.plan.timing.deduplicate {
            Some(_) => identity::hash(&self.plan, values)?,
            None => record.position,
        };
        let takes = self.offer(values, time, batch)?;
        let id =
            if self.watched.is_empty() { EventIds::NONE } else { self.id(values, takes, batch) };
        let advance = record.arrival.map_or(time, |arrival| arrival.min(time));
        let position = record.position;
        batch.events.push(Event { time, advance, identity, position, takes, id });
        Ok(())
    }

    /// The number of the event's id, if an alert looks at a metric that takes it.
    fn id(&self, values: &FieldValues<'_>, takes: u32, batch: &mut Batch) -> u32 {
        let own = batch.takes.iter().rev().take(index(takes));
        let metrics = own.filter_map(|take| at(&batch.names.series, take.series));
        let is_watched = |metric: usize| self.watched.get(metric).copied().unwrap_or_default();
        if !metrics.into_iter().any(|series| is_watched(series.metric)) {
            return EventIds::NONE;
        }
        match values.get(self.plan.event.id) {
            Raw::Text(id) => batch.ids.push(id),
            id => raw_text(id).map_or(EventIds::NONE, |id| batch.ids.push(&id)),
        }
    }

    fn check_kind(&self, values: &FieldValues<'_>) -> Result<(), Rejection> {
        let field = self.plan.event.kind;
        match values.get(field) {
            Raw::Text(text) | Raw::Escaped(text) if !text.is_empty() => Ok(()),
            raw => Err(value::no_text(RejectCode::MissingType, &self.plan.fields.name(field), raw)),
        }
    }

    fn time(&mut self, values: &FieldValues<'_>) -> Result<Timestamp, Rejection> {
        let event = &self.plan.event;
        let parsed = match (event.time_unit, values.get(event.time)) {
            (TimeUnit::Rfc3339, Raw::Text(text)) => {
                self.times.parse(text).map_err(|error| (error, Cow::Borrowed(text)))
            }
            // Some producers escape the `+` of an offset: `\u002B04:00`.
            (TimeUnit::Rfc3339, Raw::Escaped(written)) => {
                let text = json::unescape(written);
                self.times.parse(&text).map_err(|error| (error, Cow::Owned(text)))
            }
            (unit @ (TimeUnit::Seconds | TimeUnit::Milliseconds), Raw::Number(text)) => {
                Timestamp::from_epoch_text(text, unit == TimeUnit::Seconds)
                    .map_err(|error| (error, Cow::Borrowed(text)))
            }
            (unit, raw) => {
                return Err(value::no_time(unit, &self.plan.fields.name(event.time), raw));
            }
        };
        parsed.map_err(|(error, text)| {
            let code = match error {
                TimeError::Invalid => RejectCode::InvalidTime,
                TimeError::LeapSecond => RejectCode::LeapSecond,
                TimeError::OutOfRange => RejectCode::TimeOutOfRange,
            };
            (
                code,
                format!(
                    "`{}` is {}: {error}",
                    self.plan.fields.name(event.time),
                    value::quote(&text)
                ),
            )
        })
    }

    /// Offers the event to every metric that may want it. One that cannot use a value rejects the event for all.
    fn offer(
        &mut self,
        values: &FieldValues<'_>,
        time: Timestamp,
        batch: &mut Batch,
    ) -> Result<u32, Rejection> {
        let (takes, missing) = (batch.takes.len(), batch.no_value.len());
        self.candidates.clear();
        self.index.candidates(values, &mut self.candidates);
        for &place in &self.candidates {
            if let Err(rejection) = self.numbers.offer(&self.plan, place, values, time, batch) {
                batch.takes.truncate(takes);
                batch.no_value.truncate(missing);
                return Err(rejection);
            }
        }
        Ok(number(batch.takes.len() - takes))
    }
}

#[cfg(test)]
mod tests;
