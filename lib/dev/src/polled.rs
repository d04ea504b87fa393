//! Streams that are polled: each of their shards is read by a thread of its own, into a log of its own, as the functions on AWS have it.
//!
//! ```text
//!            list, now and then                      one shard each
//!  stream ──────────► shards ─► lineage ─► reader: open ─► read ─► aggregate ─► log of the shard
//!                                             │                        │
//!                          known  ◄───────────┴─ proven empty, ended ◄─┘  ◄─ asked by settle and aggregate
//! ```
//!
//! 1. [`known`]: what was heard of the stream. Settle and aggregate ask this, and never the stream itself.
//! 2. `lineage`: which shards are read next: children once their parents are read to their end.
//! 3. `reader`: one shard, step by step. Where it goes on says the shard's log, after a kill and after any trouble alike.
//! 4. `readers`: their threads, and the list of the shards.
//!
//! [ADR 0021](../../../docs/adr/0021-dev-polls-streams.md) says why.

pub mod known;
pub(crate) mod lineage;
pub(crate) mod reader;
pub(crate) mod readers;

use known::Known;
use readers::READERS_MAX;
use std::sync::Arc;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::source::{NotRead, Polled};

/// A stream that is there and can be read.
#[derive(Debug)]
pub struct Found<P> {
    pub(crate) polled: Arc<P>,
    pub(crate) known: Arc<Known>,
}

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// There is none.
    #[error("there is no such stream")]
    Absent,
    /// It has too many shards for one process.
    #[error("it has {open} open shards; one process reads {READERS_MAX} at most")]
    TooLarge {
        /// How many are open.
        open: usize,
    },
    /// It could not be asked.
    #[error("it could not be asked")]
    Failed(#[from] Retryable),
}

impl<P: Polled> Found<P> {
    /// Asks a stream who it is and for its shards, and whether they may be read.
    pub async fn find(polled: Arc<P>) -> Result<Self, NotFound> {
        let known = Arc::new(Known::default());
        let list = known.lists();
        let id = polled.describe().await?.ok_or(NotFound::Absent)?;
        let shards = polled.shards().await?;
        let open = shards.iter().filter(|shard| !shard.closed).count();
        if open > READERS_MAX {
            return Err(NotFound::TooLarge { open });
        }
        if let Some(first) = shards.first()
            && let Some(place) = polled.open(&first.id, None).await?
            && let Err(NotRead::Failed(error)) = polled.read(&first.id, place).await
        {
            return Err(error.into());
        }
        known.listed(list, id, shards);
        Ok(Self { polled, known })
    }

    /// What is known of it, for whoever opens the store.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }
}
