//! The register of a lane: one value in the store, changed by compare-and-swap. Its version counts the writes.

use super::DeliverError;
use super::lane::Lane;
use crate::port::Partition;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};

/// The name of the lane of points.
pub const POINTS_LANE: &str = "points";

/// A register as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Register {
    log: LogId,
    version: Option<Version>,
    lane: Lane,
}

impl Register {
    /// Reads the register of a partition's lane of points; one that was never written is a lane at its beginning.
    pub(super) async fn load<S: Snapshots>(
        snapshots: &S,
        partition: Partition,
    ) -> Result<Self, DeliverError> {
        let log = LogId::lane(POINTS_LANE, partition);
        let Some(snapshot) = snapshots.newest(&log).await? else {
            return Ok(Self { log, version: None, lane: Lane::default() });
        };
        let stored = |source| DeliverError::Stored { object: log.as_str().into(), source };
        let lane = Lane::decode(snapshot.state()).map_err(stored)?;
        Ok(Self { log, version: Some(snapshot.version()), lane })
    }

    /// The lane.
    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Puts a lane in the place of the one that was seen; whether it stands there now. If not, the register is that of whoever
    /// was first. An answer that was lost, here or in the store's own retries, is made up for by looking.
    pub(super) async fn write<S: Snapshots>(
        &mut self,
        snapshots: &S,
        partition: Partition,
        lane: Lane,
    ) -> Result<bool, DeliverError> {
        let version = self.version.unwrap_or(Version::START).next();
        let snapshot = Snapshot::new(version, lane.encode())?;
        let outcome = snapshots.put(&self.log, self.version, &snapshot).await;
        if let Ok(Put::Swung) = outcome {
            (self.version, self.lane) = (Some(version), lane);
            return Ok(true);
        }
        *self = Self::load(snapshots, partition).await?;
        let is_written = self.version == Some(version) && self.lane == lane;
        match outcome {
            Err(error) if !is_written => Err(error.into()),
            _ => Ok(is_written),
        }
    }
}
