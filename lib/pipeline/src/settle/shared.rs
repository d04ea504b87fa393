//! What the streams said, shared by the partitions: each of them would ask the same, and a stream answers only so often.
//!
//! The newest answers stand in one register, changed by compare-and-swap, and they count only once they stand there:
//!
//! ```text
//! look ─► all that is wanted was asked less than a second ago? ─ yes ─► take what fits
//!          └ no ─► ask ─► put into the register ─┬─ done ──────► take what fits
//!                                                └─ a conflict ─► look again: another partition was first
//! ```
//!
//! An answer fits a partition that asks from the very record that it was asked from, and that had not read further in the control
//! log than who asked: so it is told as if the partition had asked itself. The list of shards never goes back, for who has
//! read the entry of another finds its list, or a later one, in the register.

use super::asking::{self, Asked, Question, Questions};
use super::{ASKED_EVERY_MS, SettleError};
use crate::port::Retryable;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::port::source::ShardKey;
use crate::settle_entry::{Answer, ListedShard, read_answer, write_answer};
use crate::stored::{Reader, StoredError, Writer, read, read_shard, write_shard};
use crate::world::World;
use minicbor::decode::Error;
use streamgauge_engine::time::Timestamp;

/// The format that is written.
const VERSION: u64 = 1;
/// How often the register is looked at while others write it.
const LOOKS_MAX: u32 = 8;

/// What the register holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Register {
    /// When the shards were listed.
    listed_at: Timestamp,
    listing: Vec<ListedShard>,
    answers: Vec<Told>,
}

/// What was said of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    question: Question,
    answer: Answer,
    /// When it was asked.
    at: Timestamp,
    /// How far the control log was read before.
    control: Version,
}

/// Answers the questions of a partition that has read the control log so far: by what others were told, or by asking the streams.
pub(super) async fn ask<W: World>(
    world: &W,
    questions: Questions,
    control: Version,
    now: Timestamp,
) -> Result<Asked, SettleError> {
    let Questions { list: questions, reached } = questions;
    for _ in 0..LOOKS_MAX {
        let (version, register) = look(world.snapshots()).await?;
        let unasked: Vec<_> =
            questions.iter().filter(|question| !register.has_asked(question, now)).collect();
        if unasked.is_empty() && is_fresh(register.listed_at, now) {
            return Ok(register.told(&questions, control));
        }
        let list = unasked.into_iter().cloned().collect();
        let open = Questions { list, reached: reached.clone() };
        let asked = asking::ask(world.streams(), open, now).await?;
        let register = register.with(asked, control, now);
        let next = version.unwrap_or(Version::START).next();
        let snapshot = Snapshot::new(next, register.encode())?;
        if world.snapshots().put(&LogId::progress(), version, &snapshot).await? == Put::Swung {
            return Ok(register.told(&questions, control));
        }
    }
    Err(Retryable::new("could not share what the streams say, which others do all the time").into())
}

/// The register and its version. What cannot be read, perhaps of a later form, is as good as nothing.
async fn look(snapshots: &impl Snapshots) -> Result<(Option<Version>, Register), Retryable> {
    let log = LogId::progress();
    let newest = snapshots.newest(&log).await?;
    let register = newest.as_ref().and_then(|newest| Register::decode(newest.state()).ok());
    Ok((newest.map(|newest| newest.version()), register.unwrap_or_default()))
}

/// Whether that was asked so lately that it is not asked again; clocks may differ.
fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    at.as_millis().abs_diff(now.as_millis()) < ASKED_EVERY_MS.unsigned_abs()
}

impl Register {
    /// Whether the shard was asked lately, from whatever record.
    fn has_asked(&self, question: &Question, now: Timestamp) -> bool {
        let of_shard = self.answers.iter().find(|told| told.question.shard == question.shard);
        of_shard.is_some_and(|told| is_fresh(told.at, now))
    }

    /// With new answers, and without those that are not of today.
    fn with(self, asked: Asked, control: Version, now: Timestamp) -> Self {
        let Asked { listing, answers } = asked;
        let is_new = |told: &Told| answers.iter().any(|(question, _)| *question == told.question);
        let kept = self.answers.into_iter().filter(|told| is_fresh(told.at, now) && !is_new(told));
        let mut all: Vec<_> = kept.collect();
        let told = |(question, answer)| Told { question, answer, at: now, control };
        all.extend(answers.into_iter().map(told));
        Self { listed_at: now, listing, answers: all }
    }

    /// What fits these questions.
    fn told(&self, questions: &[Question], control: Version) -> Asked {
        let fitting = self
            .answers
            .iter()
            .filter(|told| told.control >= control && questions.contains(&told.question));
        let answers = fitting.map(|told| (told.question.clone(), told.answer)).collect();
        Asked { answers, listing: self.listing.clone() }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.time(self.listed_at);
        writer.list(self.listing.iter(), |writer, listed| {
            write_shard(writer, &listed.key);
            writer.list(listed.parents.iter(), write_shard);
        });
        writer.list(self.answers.iter(), |writer, told| {
            write_shard(writer, &told.question.shard);
            let after = told.question.after.as_ref();
            writer.option(after, |writer, after| _ = writer.put(after.as_str()));
            writer.time(told.at).put(told.control.0);
            write_answer(writer, told.answer);
        });
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("register of what the streams said", VERSION, bytes, |reader, _| {
            let listed_at = reader.time()?;
            let listing = reader.list(|reader| {
                Ok(ListedShard { key: read_shard(reader)?, parents: reader.list(read_shard)? })
            })?;
            Ok(Self { listed_at, listing, answers: reader.list(read_told)? })
        })
    }
}

fn read_told(reader: &mut Reader<'_>) -> Result<Told, Error> {
    let shard: ShardKey = read_shard(reader)?;
    let after = reader.option(|reader| reader.take::<&str>()?.parse().map_err(Error::custom))?;
    Ok(Told {
        question: Question { shard, after },
        at: reader.time()?,
        control: Version(reader.take()?),
        answer: read_answer(reader)?,
    })
}

#[cfg(test)]
mod tests;
