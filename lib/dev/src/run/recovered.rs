//! What the store of an earlier process says.

use super::Fatal;
use crate::happening::{Happening, Teller};
use crate::polled::known::{Known, View};
use crate::stream::{Away, DevStream};
use crate::world::{DevWorld, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::ControlEntry;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{LogId, Version, Wanted};
use streamgauge_pipeline::port::source::{Shard, ShardKey, StreamId};
use streamgauge_pipeline::settle::Settle;
use streamgauge_pipeline::settle_entry::{ListedShard, SettleEntry};
use streamgauge_pipeline::shard_entry::RecordId;

/// When the first rules were announced, if any were: since then the stream exists. The control log never expires.
pub(super) async fn created_at(store: &impl Store) -> Result<Option<Timestamp>, Fatal> {
    let mut after = Version::START;
    loop {
        let read = store.read(&LogId::control(), after, Wanted::Only(&[])).await?;
        let Some(last) = read.last() else { return Ok(None) };
        after = last.version;
        for logged in &read {
            if let ControlEntry::Announced { at, .. } = ControlEntry::decode(logged)? {
                return Ok(Some(at));
            }
        }
    }
}

/// The last entry of the settle log, and the event time up to which everything is decided.
pub(super) async fn settled(store: &impl Store) -> Result<(Version, Option<Timestamp>), Fatal> {
    let log = LogId::settle(Partition::default());
    let newest = store.versions(&log).await?.into_iter().max().unwrap_or_default();
    // With the entry that the snapshot covers, if it still lives.
    let mut last = (Version(newest.0.saturating_sub(1)), None);
    loop {
        let read = store.read(&log, last.0, Wanted::Only(&[])).await?;
        let Some(logged) = read.last() else { break };
        last = (logged.version, SettleEntry::decode(logged.entry.header())?.watermark);
    }
    Ok((last.0.max(newest), last.1))
}

/// All streams: the one that the process is, those that are polled, and those that were polled by an earlier process and are not now.
pub(super) fn streams<S: Store, C: Clock + Clone>(
    world: &DevWorld<S, C>,
    polled: &[Arc<Known>],
    teller: &Teller,
) -> Result<Arc<[DevStream<C>]>, Fatal> {
    let mut settle = Settle::new(world.clone(), "dev", 1);
    let listed = block_on(settle.listed(Partition::default())).map_err(Fatal::Settle)?;
    let mut left: BTreeMap<StreamId, Vec<(ListedShard, Option<RecordId>)>> = BTreeMap::new();
    for (shard, last) in listed {
        left.entry(shard.key.stream.clone()).or_default().push((shard, last));
    }
    let mut streams = vec![DevStream::Embedded(Arc::clone(&world.embedded))];
    left.remove(&world.embedded.id());
    for known in polled {
        let Some(id) = known.id() else { continue };
        for (shard, last) in left.remove(&id).unwrap_or_default() {
            if let Some(last) = last {
                known.taken_up_to(&id, &shard.key.shard, last);
            }
        }
        let shards = known.shards();
        let mut read = 0;
        for shard in &shards {
            let key = ShardKey { stream: id.clone(), shard: Arc::clone(&shard.id) };
            let was_taken = known.last(&shard.id).is_some();
            read += usize::from(was_taken || has_log(&*world.store, &key)?);
        }
        // One that was made anew has come in the place of the old one, which is gone.
        left.retain(|other, _| other.name != id.name);
        let said = format!(
            "the stream `{}` has {}, {read} of which read before",
            id.name,
            counted(shards.len())
        );
        teller.tell(Happening::Followed(said));
        streams.push(DevStream::Polled(View::of(known)));
    }
    for (id, shards) in left {
        let said = format!("the stream `{}`, which was read before, is not now", id.name);
        teller.tell(Happening::Followed(said));
        let shards = shards.into_iter().map(|(shard, _)| Shard {
            id: shard.key.shard,
            parents: shard.parents.into_iter().map(|parent| parent.shard).collect(),
            closed: false,
        });
        let (shards, clock) = (shards.collect(), world.clock.clone());
        streams.push(DevStream::Away(Away { id, shards, clock }));
    }
    Ok(streams.into())
}

/// Whether the log of a shard has something, also what settle has not taken yet.
fn has_log(store: &impl Store, shard: &ShardKey) -> Result<bool, Fatal> {
    let read = block_on(store.read(&LogId::shard(shard), Version::START, Wanted::Only(&[])))?;
    Ok(!read.is_empty())
}

fn counted(shards: usize) -> String {
    if shards == 1 { "1 shard".to_owned() } else { format!("{shards} shards") }
}
