//! The state of a partition as bytes, for snapshots.
//!
//! Format 1 knew no alerts. One that is read so has told nobody of anything.

use super::parts::{Part, Parts, Place};
use super::plans::PlanSettler;
use super::state::{Announced, BEFORE_ANY_PLAN, State};
use super::take::Position;
use super::telling::Telling;
use crate::notifications;
use crate::port::log::Version;
use crate::settle_entry::ListedShard;
use crate::shard_entry::RecordId;
use crate::stored::{Reader, StoredError, Writer, read, read_shard, write_shard};
use minicbor::bytes::ByteSlice;
use minicbor::decode::Error;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::notify::Notifier;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::settle::{Settler, Watermarks};

/// The format that is written.
const VERSION: u64 = 2;
const WHAT: &str = "state of a settle partition";

/// A settler as it is stored: the hash of its plan, and its bytes.
type StoredSettler<'b> = (&'b str, &'b [u8]);

/// A state whose settlers wait for their plans.
pub(super) struct StoredState<'b> {
    state: State,
    watermarks: &'b [u8],
    retiring: Vec<StoredSettler<'b>>,
    current: Option<StoredSettler<'b>>,
    fed: Option<StoredSettler<'b>>,
    telling: StoredTelling<'b>,
}

/// Who was told of what, as it is stored.
#[derive(Default)]
struct StoredTelling<'b> {
    notifier: Option<&'b [u8]>,
    waiting: Option<&'b [u8]>,
}

impl State {
    /// The stored form.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        write_bytes(&mut writer, &self.watermarks.encode());
        writer.put(self.version.0).time(self.clock).put(self.control.0);
        writer.option(self.latest_event, |writer, at| _ = writer.time(at));
        writer.list(self.listing.iter(), |writer, listed| {
            write_shard(writer, &listed.key);
            writer.list(listed.parents.iter(), write_shard);
        });
        writer.list(self.positions.iter(), |writer, (shard, position)| {
            write_shard(writer, shard);
            let Position { version, record } = position;
            writer.put(version.0).put(record.sequence.as_str()).put(record.sub_sequence);
        });
        writer.list(self.finished.iter(), write_shard);
        writer.option(self.announced.as_ref(), |writer, announced| {
            writer.put(announced.plan.as_str()).time(announced.at);
            writer.option(announced.latest_without, |writer, at| _ = writer.time(at));
            writer.list(announced.named_by.iter(), write_shard);
        });
        writer.list(self.parts.0.iter(), |writer, (place, part)| {
            writer.time(place.window_end).time(place.window_start).put(place.metric.as_str());
            let values: Vec<_> = place.series.values().collect();
            writer.list(values.into_iter(), |writer, value| _ = writer.put(value));
            writer.put(part.events).put(part.late);
        });
        let settlers = &self.settlers;
        writer.list(settlers.retiring.iter(), write_settler);
        writer.option(settlers.current.as_ref(), write_settler);
        writer.option(settlers.fed.as_ref(), write_settler);
        let telling = &self.telling;
        let notifier = telling.notifier.as_ref().map(Notifier::encode);
        writer.option(notifier, |writer, bytes| write_bytes(writer, &bytes));
        write_bytes(&mut writer, &notifications::encode(&telling.waiting));
        writer.finish()
    }
}

impl<'b> StoredState<'b> {
    /// Reads the stored form into a state without entries.
    pub(super) fn read(bytes: &'b [u8], empty: State) -> Result<Self, StoredError> {
        read(WHAT, VERSION, bytes, |reader, version| {
            let watermarks = read_bytes(reader)?;
            let state = read_state(reader, empty)?;
            let retiring = reader.list(read_settler)?;
            let current = reader.option(read_settler)?;
            let fed = reader.option(read_settler)?;
            let telling = if version == 1 {
                StoredTelling::default()
            } else {
                StoredTelling {
                    notifier: reader.option(read_bytes)?,
                    waiting: Some(read_bytes(reader)?),
                }
            };
            Ok(Self { state, watermarks, retiring, current, fed, telling })
        })
    }

    /// The plans that it needs.
    pub(super) fn plans(&self) -> impl Iterator<Item = &'b str> {
        self.retiring.iter().chain(&self.current).chain(&self.fed).map(|(plan, _)| *plan)
    }

    /// The state, with these plans.
    pub(super) fn with(self, plans: &BTreeMap<String, Arc<Plan>>) -> Result<State, StoredError> {
        let Self { mut state, watermarks, retiring, current, fed, telling } = self;
        let owns = state.settlers.owns();
        let settler = |(hash, bytes): StoredSettler<'_>| {
            let missing = || StoredError::Damaged {
                what: WHAT,
                source: Error::message("a plan that nobody has asked for"),
            };
            let plan = plans.get(hash).ok_or_else(missing)?;
            let settler = Settler::decode(Arc::clone(plan), &owns, bytes)?;
            Ok(PlanSettler { plan: Arc::clone(plan), settler })
        };
        let retiring = retiring.into_iter().map(settler).collect::<Result<_, StoredError>>()?;
        let current = current.map(settler).transpose()?;
        let fed = fed.map(settler).transpose()?;
        let timing = current.as_ref().map_or(BEFORE_ANY_PLAN, |current| current.plan.timing);
        state.watermarks = Watermarks::decode(timing, watermarks)?;
        if let Some(current) = &current {
            state.telling.set_plan(&current.plan);
        }
        telling.read(&mut state.telling)?;
        state.settlers.restore(retiring, current, fed);
        Ok(state)
    }
}

impl StoredTelling<'_> {
    /// Puts it into a state that has told nobody of anything, under the plan in force.
    fn read(self, telling: &mut Telling) -> Result<(), StoredError> {
        if let (Some(notifier), Some(bytes)) = (&mut telling.notifier, self.notifier) {
            *notifier = Notifier::decode(Arc::clone(notifier.plan()), bytes)?;
        }
        if let Some(bytes) = self.waiting {
            telling.waiting = notifications::decode(bytes)?.into();
        }
        Ok(())
    }
}

/// Reads all but the settlers.
fn read_state(reader: &mut Reader<'_>, mut state: State) -> Result<State, Error> {
    state.version = Version(reader.take()?);
    state.clock = reader.time()?;
    state.control = Version(reader.take()?);
    state.latest_event = reader.option(Reader::time)?;
    state.listing = reader.list(|reader| {
        Ok(ListedShard { key: read_shard(reader)?, parents: reader.list(read_shard)? })
    })?;
    let positions = reader.list(|reader| Ok((read_shard(reader)?, read_position(reader)?)))?;
    state.positions = positions.into_iter().collect();
    state.finished = reader.list(read_shard)?.into_iter().collect();
    state.announced = reader.option(|reader| {
        Ok(Announced {
            plan: reader.take()?,
            at: reader.time()?,
            latest_without: reader.option(Reader::time)?,
            named_by: reader.list(read_shard)?.into_iter().collect(),
        })
    })?;
    state.parts = Parts(reader.list(read_part)?.into_iter().collect());
    Ok(state)
}

fn read_part(reader: &mut Reader<'_>) -> Result<(Place, Part), Error> {
    let place = Place {
        window_end: reader.time()?,
        window_start: reader.time()?,
        metric: reader.take()?,
        series: {
            let values: Vec<&str> = reader.list(Reader::take)?;
            Arc::new(SeriesKey::new(values))
        },
    };
    Ok((place, Part { events: reader.take()?, late: reader.take()? }))
}

fn write_settler(writer: &mut Writer, one: &PlanSettler) {
    writer.put(one.plan.hash.as_str());
    write_bytes(writer, &one.settler.encode());
}

fn read_settler<'b>(reader: &mut Reader<'b>) -> Result<StoredSettler<'b>, Error> {
    Ok((reader.take()?, read_bytes(reader)?))
}

fn write_bytes(writer: &mut Writer, bytes: &[u8]) {
    writer.put(<&ByteSlice>::from(bytes));
}

fn read_bytes<'b>(reader: &mut Reader<'b>) -> Result<&'b [u8], Error> {
    reader.take::<&ByteSlice>().map(|bytes| &**bytes)
}

fn read_position(reader: &mut Reader<'_>) -> Result<Position, Error> {
    let version = Version(reader.take()?);
    let sequence: &str = reader.take()?;
    let sequence = sequence.parse().map_err(Error::custom)?;
    Ok(Position { version, record: RecordId { sequence, sub_sequence: reader.take()? } })
}
