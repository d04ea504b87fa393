//! An entry of a shard's log: what one batch, or a part of one, added.
//!
//! Its header is read by everybody, its chunks only by whom they are for:
//!
//! | chunk | label | who reads it |
//! | --- | --- | --- |
//! | the deltas of a plan for a partition | section * 64 + partition | settle, of that partition |
//! | the identities that were seen | 512 + section | the shard's own aggregate |
//! | the rejects, with their payloads | 1,000 | `streamgauge dead-letters` |

mod rejects;
#[cfg(test)]
mod tests;

use crate::port::log::{Label, Version};
use crate::port::source::{Record, SequenceNumber};
use crate::port::{PARTITIONS_MAX, Partition};
use crate::stored::{Reader, Writer, read};
use minicbor::bytes::ByteSlice;
use minicbor::decode::Error;
use streamgauge_engine::hash;
use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

pub use rejects::{REJECTS_BYTES_MAX, Rejected, read_rejects, write_rejects};

/// How many plans a delta can be made for: the one in force, those before it whose last windows are open, the newest announced.
pub const SECTIONS_MAX: u16 = 8;
/// The chunk of the rejects.
pub const REJECTS: Label = Label(1_000);
const IDENTITIES: u16 = 512;
/// The newest format of the header.
const FORMAT: u64 = 1;

/// The chunk of a section's delta for a partition.
pub fn delta_label(section: u16, partition: Partition) -> Label {
    Label(section * u16::from(PARTITIONS_MAX) + u16::from(partition.number()))
}

/// The chunk of the identities that a section has seen.
pub const fn identities_label(section: u16) -> Label {
    Label(IDENTITIES + section)
}

/// The partition of a metric, and so of its alerts, among so many: by the stable hash of its name, for ever.
pub fn partition_of(metric: &str, partitions: u8) -> Partition {
    let place = hash::stable(metric.as_bytes()) % u64::from(partitions.max(1));
    u8::try_from(place).ok().and_then(Partition::new).unwrap_or_default()
}

/// The place of a record in its shard, also of one that was packed with others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    /// The place of the record that the stream knows.
    pub sequence: SequenceNumber,
    /// The place among those that were packed into it.
    pub sub_sequence: u64,
}

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardEntry {
    /// The clock when it was made.
    pub at: Timestamp,
    /// The version of the control log that its writer had read.
    pub control: Version,
    /// The first record that it covers.
    pub first: RecordId,
    /// The last record that it covers: the shard is read up to here.
    pub last: RecordId,
    /// The bytes of its records.
    pub bytes: u64,
    /// The latest arrival among its records.
    pub arrived: Option<Timestamp>,
    /// One for each plan that its writer worked for; the first is the newest in force, and whole. In the log of an upstream shard they
    /// say how far the filter is, and count nothing.
    pub sections: Vec<Section>,
}

impl ShardEntry {
    /// The header of an entry that covers these records; absent: there is none.
    pub(crate) fn of(
        records: &[Record],
        (at, control): (Timestamp, Version),
        sections: Vec<Section>,
    ) -> Option<Self> {
        let (first, last) = (records.first()?, records.last()?);
        let bytes = records.iter().map(|record| record.bytes.len()).sum::<usize>();
        Some(Self {
            at,
            control,
            first: RecordId::of(first),
            last: RecordId::of(last),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            arrived: records.iter().filter_map(|record| record.arrival).max(),
            sections,
        })
    }

    /// The header as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.time(self.at).put(self.control.0);
        self.first.write(&mut writer);
        self.last.write(&mut writer);
        writer.put(self.bytes).option(self.arrived, |writer, arrived| {
            writer.time(arrived);
        });
        writer.list(self.sections.iter(), |writer, section| {
            writer.put(section.plan.as_str()).put(section.is_whole);
            writer.put(<&ByteSlice>::from(&section.head[..]));
        });
        writer.finish()
    }

    /// Reads a stored header.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("header of a shard's log", FORMAT, bytes, |reader, _only| {
            Ok(Self {
                at: reader.time()?,
                control: Version(reader.take()?),
                first: RecordId::read(reader)?,
                last: RecordId::read(reader)?,
                bytes: reader.take()?,
                arrived: reader.option(Reader::time)?,
                sections: reader.list(|reader| {
                    let plan = reader.take()?;
                    let is_whole = reader.take()?;
                    Ok(Section { plan, is_whole, head: reader.take::<&ByteSlice>()?.to_vec() })
                })?,
            })
        })
    }
}

impl RecordId {
    /// The place of a record.
    pub(crate) fn of(record: &Record) -> Self {
        Self { sequence: record.sequence.clone(), sub_sequence: record.sub_sequence }
    }

    /// Writes it into a stored form.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put(self.sequence.as_str()).put(self.sub_sequence);
    }

    /// Reads it from a stored form.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let sequence = reader.take::<&str>()?.parse().map_err(Error::custom)?;
        Ok(Self { sequence, sub_sequence: reader.take()? })
    }
}

/// What the batch was to one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The plan's hash.
    pub plan: String,
    /// Whether all its metrics are in it: of a plan that is followed by another, only those are that the next one does not have.
    pub is_whole: bool,
    /// The head of its delta: counters, times, watermark, as [`streamgauge_engine::stored`] writes it.
    pub head: Vec<u8>,
}
