//! The state of a partition as bytes, for snapshots.

use super::SettleError;
use super::plans::{PlanSettler, Settlers};
use super::state::{Announced, State};
use super::take::Position;
use crate::port::log::Version;
use crate::port::source::{ShardKey, StreamId};
use crate::settle_entry::ListedShard;
use crate::shard_entry::RecordId;
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::bytes::ByteSlice;
use minicbor::decode::Error;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::{Settler, Watermarks};

/// The format that is written.
const VERSION: u64 = 1;
const WHAT: &str = "state of a settle partition";

/// A settler as it is stored: the hash of its plan, and its bytes.
type StoredSettler<'b> = (&'b str, &'b [u8]);

/// The settlers as they are stored, before their plans are known.
struct StoredSettlers<'b> {
    retiring: Vec<StoredSettler<'b>>,
    current: Option<StoredSettler<'b>>,
    fed: Option<StoredSettler<'b>>,
}

impl State {
    /// The stored form.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.put(self.version.0).time(self.clock).put(self.control.0);
        writer.option(self.latest_event, |writer, at| _ = writer.time(at));
        write_bytes(&mut writer, &self.watermarks.encode());
        writer.list(self.listing.iter(), |writer, listed| {
            write_key(writer, &listed.key);
            writer.list(listed.parents.iter(), write_key);
        });
        writer.list(self.positions.iter(), |writer, (shard, position)| {
            write_key(writer, shard);
            let Position { version, record } = position;
            writer.put(version.0).put(record.sequence.as_str()).put(record.sub_sequence);
        });
        writer.list(self.finished.iter(), write_key);
        writer.option(self.announced.as_ref(), |writer, announced| {
            writer.put(announced.plan.as_str()).time(announced.at);
            writer.option(announced.latest_without, |writer, at| _ = writer.time(at));
            writer.list(announced.named_by.iter(), write_key);
        });
        let settlers = &self.settlers;
        writer.list(settlers.retiring.iter(), write_settler);
        writer.option(settlers.current.as_ref(), write_settler);
        writer.option(settlers.fed.as_ref(), write_settler);
        writer.finish()
    }

    /// Reads the stored form of a partition's state; `plan_of` knows every plan that was ever announced.
    pub(super) fn decode(
        bytes: &[u8],
        mut empty: Self,
        mut plan_of: impl FnMut(&str) -> Result<Arc<Plan>, SettleError>,
        unreadable: impl Fn(StoredError) -> SettleError,
    ) -> Result<Self, SettleError> {
        let settlers = read(WHAT, VERSION, bytes, |reader, _| empty.read(reader));
        let StoredSettlers { retiring, current, fed } = settlers.map_err(&unreadable)?;
        let owns = empty.settlers.owns();
        let mut settler = |(plan, bytes): StoredSettler<'_>| {
            let plan = plan_of(plan)?;
            let settler = Settler::decode(Arc::clone(&plan), &owns, bytes).map_err(&unreadable)?;
            Ok::<_, SettleError>(PlanSettler { plan, settler })
        };
        let retiring = retiring.into_iter().map(&mut settler).collect::<Result<_, _>>()?;
        let current = current.map(&mut settler).transpose()?;
        let fed = fed.map(&mut settler).transpose()?;
        empty.settlers = Settlers { retiring, current, fed, ..empty.settlers };
        Ok(empty)
    }

    /// Reads all but the settlers, which need their plans.
    fn read<'b>(&mut self, reader: &mut Reader<'b>) -> Result<StoredSettlers<'b>, Error> {
        self.version = Version(reader.take()?);
        self.clock = reader.time()?;
        self.control = Version(reader.take()?);
        self.latest_event = reader.option(Reader::time)?;
        self.watermarks = Watermarks::decode(read_bytes(reader)?).map_err(Error::custom)?;
        self.listing = reader.list(|reader| {
            Ok(ListedShard { key: read_key(reader)?, parents: reader.list(read_key)? })
        })?;
        let positions = reader.list(|reader| Ok((read_key(reader)?, read_position(reader)?)))?;
        self.positions = positions.into_iter().collect();
        self.finished = reader.list(read_key)?.into_iter().collect();
        self.announced = reader.option(|reader| {
            Ok(Announced {
                plan: reader.take()?,
                at: reader.time()?,
                latest_without: reader.option(Reader::time)?,
                named_by: reader.list(read_key)?.into_iter().collect(),
            })
        })?;
        Ok(StoredSettlers {
            retiring: reader.list(read_settler)?,
            current: reader.option(read_settler)?,
            fed: reader.option(read_settler)?,
        })
    }
}

fn write_settler(writer: &mut Writer, one: &PlanSettler) {
    writer.put(one.plan.hash.as_str());
    write_bytes(writer, &one.settler.encode());
}

fn read_settler<'b>(reader: &mut Reader<'b>) -> Result<StoredSettler<'b>, Error> {
    Ok((reader.take()?, read_bytes(reader)?))
}

fn write_bytes(writer: &mut Writer, bytes: &[u8]) {
    writer.put::<&ByteSlice>(bytes.into());
}

fn read_bytes<'b>(reader: &mut Reader<'b>) -> Result<&'b [u8], Error> {
    reader.take::<&ByteSlice>().map(|bytes| &**bytes)
}

fn write_key(writer: &mut Writer, key: &ShardKey) {
    writer.put(&*key.stream.name).time(key.stream.created_at).put(&*key.shard);
}

fn read_key(reader: &mut Reader<'_>) -> Result<ShardKey, Error> {
    let name: &str = reader.take()?;
    let stream = StreamId { name: name.into(), created_at: reader.time()? };
    let shard: &str = reader.take()?;
    Ok(ShardKey { stream, shard: shard.into() })
}

fn read_position(reader: &mut Reader<'_>) -> Result<Position, Error> {
    let version = Version(reader.take()?);
    let sequence: &str = reader.take()?;
    let sequence = sequence.parse().map_err(Error::custom)?;
    Ok(Position { version, record: RecordId { sequence, sub_sequence: reader.take()? } })
}
