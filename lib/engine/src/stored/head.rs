//! The head of a delta: how far the shard is, and what became of the batch's records.
//!
//! Format 1: counters; the batch's span; the shard's furthest event time and watermark; beginnings; the leap.

use super::StoredError;
use super::reader::{Reader, read};
use super::writer::Writer;
use crate::delta::{Beginning, Delta, EventSpan, Leap};
use crate::output::Counters;
use crate::time::Timestamp;
use minicbor::decode::Error;

const WHAT: &str = "head of a delta";
const FORMAT: u64 = 1;

/// What a delta says of its shard and of the batch as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What became of the batch's records.
    pub counters: Counters,
    /// The event times that the batch spans.
    pub span: Option<EventSpan>,
    /// Events that were earlier than all before them in the shard.
    pub beginnings: Vec<Beginning>,
    /// The largest step by which one event moved the watermark on.
    pub leap: Option<Leap>,
    /// The largest event time of the shard up to the batch's end, held down by arrival.
    pub furthest: Option<Timestamp>,
    /// The shard's watermark after the batch.
    pub watermark: Option<Timestamp>,
}

/// The bytes of a delta's head: about 40, and 4 for each beginning.
pub fn write_head(delta: &Delta) -> Vec<u8> {
    let mut writer = Writer::new(FORMAT);
    let Counters { received, rejected, filtered, duplicate, counted, late } = delta.counters;
    for counter in [received, rejected, filtered, duplicate, counted, late] {
        writer.unsigned(counter);
    }
    match delta.span {
        Some(EventSpan { earliest, latest }) => {
            writer.time(Timestamp::EPOCH, earliest);
            writer.time(earliest, latest);
        }
        None => writer.null(),
    }
    let mut known = delta.span.map(|span| span.latest).unwrap_or_default();
    writer.optional_time(known, delta.furthest);
    known = delta.furthest.unwrap_or(known);
    writer.optional_time(known, delta.watermark);
    writer.list(delta.beginnings.len());
    let (mut last, mut last_stamp) = (known, known);
    for &Beginning { time, stamp } in &delta.beginnings {
        writer.time(last, time);
        writer.optional_time(last_stamp, stamp);
        (last, last_stamp) = (time, stamp.unwrap_or(last_stamp));
    }
    match delta.leap {
        Some(Leap { position, from, to }) => {
            writer.unsigned(position);
            writer.time(known, from);
            writer.time(from, to);
        }
        None => writer.null(),
    }
    writer.finish()
}

/// The head of a delta from its bytes.
pub fn read_head(bytes: &[u8]) -> Result<Head, StoredError> {
    read(WHAT, FORMAT, bytes, |reader, _| head(reader))
}

fn head(reader: &mut Reader<'_>) -> Result<Head, Error> {
    let counters = Counters {
        received: reader.unsigned()?,
        rejected: reader.unsigned()?,
        filtered: reader.unsigned()?,
        duplicate: reader.unsigned()?,
        counted: reader.unsigned()?,
        late: reader.unsigned()?,
    };
    let span = match reader.optional_time(Timestamp::EPOCH)? {
        Some(earliest) => Some(EventSpan { earliest, latest: reader.time(earliest)? }),
        None => None,
    };
    let mut known = span.map(|span| span.latest).unwrap_or_default();
    let furthest = reader.optional_time(known)?;
    known = furthest.unwrap_or(known);
    let watermark = reader.optional_time(known)?;
    let mut beginnings = Vec::new();
    let (mut last, mut last_stamp) = (known, known);
    for _ in 0..reader.list()? {
        let time = reader.time(last)?;
        let stamp = reader.optional_time(last_stamp)?;
        beginnings.push(Beginning { time, stamp });
        (last, last_stamp) = (time, stamp.unwrap_or(last_stamp));
    }
    let leap = if reader.null()? {
        None
    } else {
        let (position, from) = (reader.unsigned()?, reader.time(known)?);
        Some(Leap { position, from, to: reader.time(from)? })
    };
    Ok(Head { counters, span, beginnings, leap, furthest, watermark })
}
