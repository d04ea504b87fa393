//! The stored form of a settle entry's header.
//!
//! | item | what |
//! | --- | --- |
//! | version | 1 |
//! | streams | the streams that the shards below are of: name, milliseconds of creation |
//! | clock, control, points, watermark | as they are; the watermark may be absent |
//! | taken | per shard: its key, version |
//! | listing | absent, or per shard: its key, the keys of its parents |
//! | answers | per shard: its key, what was said (0 idle, 1 behind, 2 finished), the time with 0 and 1 |
//!
//! A key of a shard is the place of its stream, and its name.

use super::{Answer, ListedShard, SettleEntry};
use crate::port::log::Version;
use crate::port::source::{ShardKey, StreamId};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;
use std::sync::Arc;

/// The version that is written.
const VERSION: u64 = 1;

impl SettleEntry {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let streams = self.streams();
        let mut writer = Writer::new(VERSION);
        writer.list(streams.iter(), |writer, stream| {
            writer.put(&*stream.name).time(stream.created_at);
        });
        writer.time(self.clock).put(self.control.0).put(self.points);
        writer.option(self.watermark, |writer, watermark| _ = writer.time(watermark));
        writer.list(self.taken.iter(), |writer, (key, version)| {
            write_key(writer, &streams, key);
            writer.put(version.0);
        });
        writer.option(self.listing.as_ref(), |writer, listing| {
            writer.list(listing.iter(), |writer, shard| {
                write_key(writer, &streams, &shard.key);
                writer.list(shard.parents.iter(), |writer, key| write_key(writer, &streams, key));
            });
        });
        writer.list(self.answers.iter(), |writer, (key, answer)| {
            write_key(writer, &streams, key);
            write_answer(writer, *answer);
        });
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("settle entry", VERSION, bytes, |reader, _| {
            let streams = reader.list(|reader| {
                let name: &str = reader.take()?;
                Ok(StreamId { name: name.into(), created_at: reader.time()? })
            })?;
            Ok(Self {
                clock: reader.time()?,
                control: Version(reader.take()?),
                points: reader.take()?,
                watermark: reader.option(Reader::time)?,
                taken: reader
                    .list(|reader| Ok((read_key(reader, &streams)?, Version(reader.take()?))))?,
                listing: reader.option(|reader| {
                    reader.list(|reader| {
                        let key = read_key(reader, &streams)?;
                        let parents = reader.list(|reader| read_key(reader, &streams))?;
                        Ok(ListedShard { key, parents })
                    })
                })?,
                answers: reader
                    .list(|reader| Ok((read_key(reader, &streams)?, read_answer(reader)?)))?,
            })
        })
    }

    /// The streams of all its shards, in order.
    fn streams(&self) -> Vec<&StreamId> {
        let taken = self.taken.iter().map(|(key, _)| key);
        let listed = self.listing.iter().flatten();
        let listed = listed.flat_map(|shard| shard.parents.iter().chain([&shard.key]));
        let answers = self.answers.iter().map(|(key, _)| key);
        let mut streams: Vec<_> =
            taken.chain(listed).chain(answers).map(|key| &key.stream).collect();
        streams.sort_unstable();
        streams.dedup();
        streams
    }
}

fn write_key(writer: &mut Writer, streams: &[&StreamId], key: &ShardKey) {
    let place = streams.partition_point(|&stream| *stream < key.stream);
    writer.put(place).put(&*key.shard);
}

fn read_key(reader: &mut Reader<'_>, streams: &[StreamId]) -> Result<ShardKey, Error> {
    let stream = reader.place(streams)?;
    let shard: &str = reader.take()?;
    Ok(ShardKey { stream, shard: Arc::from(shard) })
}

/// Writes an answer.
pub(crate) fn write_answer(writer: &mut Writer, answer: Answer) {
    match answer {
        Answer::Idle { asked_at } => _ = writer.put(0_u8).time(asked_at),
        Answer::Behind { since } => _ = writer.put(1_u8).time(since),
        Answer::Finished => _ = writer.put(2_u8),
    }
}

/// Reads an answer.
pub(crate) fn read_answer(reader: &mut Reader<'_>) -> Result<Answer, Error> {
    Ok(match reader.take::<u8>()? {
        0 => Answer::Idle { asked_at: reader.time()? },
        1 => Answer::Behind { since: reader.time()? },
        2 => Answer::Finished,
        _ => return Err(Error::message("no answer of a stream")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::check::check_form;
    use streamgauge_engine::time::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_767_607_200_000 + second * 1_000)
    }

    fn key(stream: &str, shard: &str) -> ShardKey {
        let stream = StreamId { name: stream.into(), created_at: at(-9) };
        ShardKey { stream, shard: shard.into() }
    }

    fn entry() -> SettleEntry {
        let listing = vec![
            ListedShard { key: key("orders", "shardId-1"), parents: Vec::new() },
            ListedShard {
                key: key("orders", "shardId-2"),
                parents: vec![key("orders", "shardId-0"), key("orders", "shardId-1")],
            },
        ];
        let answers = vec![
            (key("orders", "shardId-0"), Answer::Finished),
            (key("clicks", "0"), Answer::Idle { asked_at: at(1) }),
            (key("clicks", "1"), Answer::Behind { since: at(-60) }),
        ];
        SettleEntry {
            clock: at(0),
            control: Version(3),
            taken: vec![
                (key("orders", "shardId-2"), Version(70_000)),
                (key("clicks", "0"), Version(1)),
            ],
            listing: Some(listing),
            answers,
            watermark: Some(at(-120)),
            points: 12,
        }
    }

    #[test]
    fn settle_entries_are_stored_as_ever() {
        check_form(&entry(), SettleEntry::encode, SettleEntry::decode, include_str!("v1.hex"));
    }

    #[test]
    fn one_that_took_nothing_is_small() {
        let entry = SettleEntry {
            taken: Vec::new(),
            listing: None,
            answers: Vec::new(),
            watermark: None,
            ..entry()
        };
        let fixture = "01 80 1b0000019b8d996900 03 0c 80 80 80 80";
        check_form(&entry, SettleEntry::encode, SettleEntry::decode, fixture);
    }

    #[test]
    fn ten_thousand_shards_fit_into_a_header() {
        let taken = (0..10_000).map(|shard| {
            (key("orders", &format!("shardId-{shard:012}")), Version(u64::from(u16::MAX)))
        });
        let entry = SettleEntry { taken: taken.collect(), ..entry() };
        assert!(entry.encode().len() <= crate::port::log::HEADER_BYTES_MAX);
    }
}
