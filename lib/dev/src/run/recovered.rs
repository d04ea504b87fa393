//! What the store of an earlier process says.

use super::Fatal;
use crate::world::Store;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::ControlEntry;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{LogId, Version, Wanted};
use streamgauge_pipeline::settle_entry::SettleEntry;

/// When the first rules were announced: since then the stream exists. The control log never expires.
pub(super) async fn created_at(store: &impl Store) -> Result<Timestamp, Fatal> {
    let mut after = Version::START;
    loop {
        let read = store.read(&LogId::control(), after, Wanted::Only(&[])).await?;
        let Some(last) = read.last() else { return Ok(Timestamp::EPOCH) };
        after = last.version;
        for logged in &read {
            if let ControlEntry::Announced { at, .. } = ControlEntry::decode(logged)? {
                return Ok(at);
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
