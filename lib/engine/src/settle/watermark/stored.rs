//! How far all shards are, as bytes.
//!
//! Format 1: the combined watermark; per shard its name, what of it holds, its watermark, idle proof, progress and how long it
//! has been behind, its parents. What the rules say is not in it: it comes from the plan.

use super::{Shard, ShardId, Watermarks};
use crate::plan::Timing;
use crate::stored::StoredError;
use crate::stored::reader::{Reader, read};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use minicbor::decode::Error;

const WHAT: &str = "watermarks of the shards";
const FORMAT: u64 = 1;

/// What of a shard holds, a bit each.
mod state {
    pub(super) const LISTED: u64 = 1;
    pub(super) const ENDED: u64 = 2;
    pub(super) const LEFT_OUT: u64 = 4;
}

impl Watermarks {
    /// The state as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.optional_time(Timestamp::EPOCH, self.combined);
        let known = self.combined.unwrap_or_default();
        writer.list(self.shards.len());
        for (id, shard) in &self.shards {
            writer.text(id);
            let flag = |holds: bool, bit| if holds { bit } else { 0 };
            writer.unsigned(
                flag(shard.is_listed, state::LISTED)
                    | flag(shard.has_ended, state::ENDED)
                    | flag(shard.is_left_out, state::LEFT_OUT),
            );
            let times = [shard.watermark, shard.idle_at, shard.progress_at, shard.behind_since];
            for time in times {
                writer.optional_time(known, time);
            }
            writer.list(shard.parents.len());
            for parent in &shard.parents {
                writer.text(parent);
            }
        }
        writer.finish()
    }

    /// The state that [`encode`](Self::encode) wrote, under what a plan says of time.
    pub fn decode(timing: Timing, bytes: &[u8]) -> Result<Self, StoredError> {
        read(WHAT, FORMAT, bytes, |reader, _| {
            let combined = reader.optional_time(Timestamp::EPOCH)?;
            let known = combined.unwrap_or_default();
            let shards = (0..reader.list()?).map(|_| shard(reader, known));
            Ok(Self { timing, shards: shards.collect::<Result<_, _>>()?, combined })
        })
    }
}

fn shard(reader: &mut Reader<'_>, known: Timestamp) -> Result<(ShardId, Shard), Error> {
    let id = ShardId::from(reader.text()?);
    let flags = reader.unsigned()?;
    let shard = Shard {
        is_listed: flags & state::LISTED != 0,
        has_ended: flags & state::ENDED != 0,
        is_left_out: flags & state::LEFT_OUT != 0,
        watermark: reader.optional_time(known)?,
        idle_at: reader.optional_time(known)?,
        progress_at: reader.optional_time(known)?,
        behind_since: reader.optional_time(known)?,
        parents: (0..reader.list()?)
            .map(|_| reader.text().map(ShardId::from))
            .collect::<Result<_, _>>()?,
    };
    Ok((id, shard))
}
