//! The register of a lane: one value in the store, changed by compare-and-swap. Its version counts the writes.

use super::DeliverError;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::stored::StoredError;

/// The name of the lane of points.
pub const POINTS_LANE: &str = "points";

/// What stands in a register; by default, what one is that was never written.
pub(super) trait Registered: Clone + Default + PartialEq {
    /// The stored form.
    fn encode(&self) -> Vec<u8>;

    /// Reads the stored form.
    fn decode(bytes: &[u8]) -> Result<Self, StoredError>;
}

/// A register as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Register<L> {
    log: LogId,
    version: Option<Version>,
    lane: L,
}

impl<L: Registered> Register<L> {
    /// Reads a register.
    pub(super) async fn load<S: Snapshots>(
        snapshots: &S,
        log: LogId,
    ) -> Result<Self, DeliverError> {
        let Some(snapshot) = snapshots.newest(&log).await? else {
            return Ok(Self { log, version: None, lane: L::default() });
        };
        let stored = |source| DeliverError::Stored { object: log.as_str().into(), source };
        let lane = L::decode(snapshot.state()).map_err(stored)?;
        Ok(Self { log, version: Some(snapshot.version()), lane })
    }

    /// Reads it again.
    pub(super) async fn reload<S: Snapshots>(&mut self, snapshots: &S) -> Result<(), DeliverError> {
        *self = Self::load(snapshots, self.log.clone()).await?;
        Ok(())
    }

    /// The lane.
    pub(super) fn lane(&self) -> &L {
        &self.lane
    }

    /// Puts a lane in the place of the one that was seen; whether it stands there now. If not, the register is that of whoever
    /// was first. An answer that was lost, here or in the store's own retries, is made up for by looking.
    pub(super) async fn write<S: Snapshots>(
        &mut self,
        snapshots: &S,
        lane: L,
    ) -> Result<bool, DeliverError> {
        let version = self.version.unwrap_or(Version::START).next();
        let snapshot = Snapshot::new(version, lane.encode())?;
        let outcome = snapshots.put(&self.log, self.version, &snapshot).await;
        if let Ok(Put::Swung) = outcome {
            (self.version, self.lane) = (Some(version), lane);
            return Ok(true);
        }
        self.reload(snapshots).await?;
        let is_written = self.version == Some(version) && self.lane == lane;
        match outcome {
            Err(error) if !is_written => Err(error.into()),
            _ => Ok(is_written),
        }
    }
}
