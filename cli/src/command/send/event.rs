//! A line as something to send: its partition key, when it happened, and its text with another time in it.
//!
//! Identity and time are found by the engine, with a plan that has no metrics: what is a copy of what is decided in one place. A
//! line that is no event is sent all the same, since whoever reads the stream has to live with such lines, under the hash of
//! its text as key.

use crate::exit::Failure;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use streamgauge_engine::decode::{Decoder, Record};
use streamgauge_engine::field::{FieldId, FieldValues, Raw};
use streamgauge_engine::hash;
use streamgauge_engine::json::{self, Extractor};
use streamgauge_engine::plan::{Plan, TimeUnit};
use streamgauge_engine::time::{HOUR_MS, SECOND_MS, Timestamp};
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_rules::SourceFile;

/// Rules that say nothing about events: then identity and time are where CloudEvents has them.
const CLOUD_EVENTS: &str = "late: drop\nmetrics: {events: {count: type != '', window: 1m}}";

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines {
    decoder: Decoder,
    extractor: Extractor,
    fields: usize,
    time: FieldId,
    unit: TimeUnit,
    key: Option<FieldId>,
}

/// A line, to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    text: Bytes,
    /// A record that has its key, and no data.
    keyed: PutRecord,
    /// When it happened; absent if it is no event.
    pub(super) happened: Option<Timestamp>,
    /// Where the value of its time stands in the text.
    time: Option<Range<usize>>,
    /// The value of the field that was asked for as the key was not there, or cannot be one.
    pub(super) lacks_key: bool,
}

impl Lines {
    /// By these rules, or by CloudEvents, with the value of a field as the key, if one is named.
    pub(super) fn new(plan: Option<Arc<Plan>>, key: Option<&str>) -> Result<Self, Failure> {
        let mut plan = match plan {
            Some(plan) => Arc::unwrap_or_clone(plan),
            None => cloud_events()?,
        };
        plan.metrics.clear();
        plan.alerts.clear();
        // The length is of no interest; without one, copies would not be told.
        plan.timing.deduplicate.get_or_insert(HOUR_MS);
        let path = key.map(|key| key.split('.').collect::<Vec<_>>());
        if path.as_ref().is_some_and(|path| path.iter().any(|name| name.is_empty())) {
            let message = format!("`{}` is no field for --key", key.unwrap_or_default());
            return Err(Failure::wrong(message).hint("write names joined by points: data.order"));
        }
        let field = path.map(|path| plan.fields.intern(&path));
        Ok(Self {
            extractor: Extractor::new(&plan.fields),
            fields: plan.fields.len(),
            time: plan.event.time,
            unit: plan.event.time_unit,
            key: field,
            decoder: Decoder::new(Arc::new(plan)),
        })
    }

    /// Reads one line.
    pub(super) fn read(&mut self, text: Bytes) -> Event {
        let record = Record { bytes: 0..text.len(), arrival: None, position: 0 };
        let batch = self.decoder.decode(&text, std::iter::once(record));
        let event = batch.events.first();
        let line = std::str::from_utf8(&text).unwrap_or_default();
        let mut values = FieldValues::new(self.fields);
        // What is no JSON has no values.
        let is_read = self.extractor.extract(line, 0..line.len(), &mut values).is_ok();
        let time = match values.get(self.time) {
            Raw::Text(value) | Raw::Escaped(value) | Raw::Number(value) if event.is_some() => {
                place(value, line)
            }
            _ => None,
        };
        let by_field = self.key.filter(|_| is_read).and_then(|field| keyed(values.get(field)));
        let lacks_key = self.key.is_some() && by_field.is_none();
        let keyed = by_field.unwrap_or_else(|| {
            let hash = event.map_or_else(|| hash::stable(&text), |event| event.identity);
            PutRecord::of_event(hash, Vec::new())
        });
        Event { happened: event.map(|event| event.time), keyed, time, lacks_key, text }
    }

    /// The event as a record, with its time set to a moment if one is given.
    pub(super) fn record(&self, event: &Event, moment: Option<Timestamp>) -> PutRecord {
        let data = match (moment, &event.time) {
            (Some(moment), Some(time)) => {
                let before = event.text.get(..time.start).unwrap_or_default();
                let after = event.text.get(time.end..).unwrap_or_default();
                [before, written(moment, self.unit).as_bytes(), after].concat()
            }
            _ => event.text.to_vec(),
        };
        event.keyed.with_data(data)
    }
}

/// The plan of rules that say nothing about events.
fn cloud_events() -> Result<Plan, Failure> {
    let source = SourceFile { name: "(CloudEvents)".to_owned(), text: CLOUD_EVENTS.to_owned() };
    let rules = streamgauge_rules::compile(&[source], &|_| None).rules;
    rules
        .map(|rules| rules.plan)
        .ok_or_else(|| Failure::wrong("the rules of CloudEvents are wrong"))
}

/// Where a value that was found in a line stands in it.
fn place(value: &str, line: &str) -> Option<Range<usize>> {
    let start = value.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let range = start..start + value.len();
    (line.get(range.clone()) == Some(value)).then_some(range)
}

/// A record with the value of a field as its key, if it can be one.
fn keyed(value: Raw<'_>) -> Option<PutRecord> {
    let text = match value {
        Raw::Text(text) | Raw::Number(text) => text.to_owned(),
        Raw::Escaped(written) => json::unescape(written),
        Raw::Bool(value) => value.to_string(),
        _ => return None,
    };
    PutRecord::new(text, Vec::new()).ok()
}

/// A moment as an event's time is written, without quotes.
fn written(moment: Timestamp, unit: TimeUnit) -> String {
    let milliseconds = moment.as_millis();
    match unit {
        TimeUnit::Rfc3339 => moment.to_rfc3339(),
        TimeUnit::Milliseconds => milliseconds.to_string(),
        TimeUnit::Seconds => {
            format!("{}.{:03}", milliseconds / SECOND_MS, milliseconds % SECOND_MS)
        }
    }
}

#[cfg(test)]
mod tests;
