//! A publication: the points of one settle entry, as the lane of points finds them in the settle log.
//!
//! It speaks for itself: names, dimensions and units stand in it, so that deliver needs no rules and sends points of a plan
//! that is not in force any more. Distributions come with their buckets, from which sinks make what they can take.

use std::sync::Arc;
use streamgauge_engine::output::{Status, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Timestamp};

/// The points of one settle entry, in the order in which they were decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publication {
    /// The metrics that the points are of.
    pub metrics: Vec<PublishedMetric>,
    /// The points.
    pub points: Vec<PublishedPoint>,
}

impl Publication {
    /// Adds the points of another one after its own.
    pub fn extend(&mut self, other: Self) {
        let shift = u32::try_from(self.metrics.len()).unwrap_or(u32::MAX);
        self.metrics.extend(other.metrics);
        let points = other.points.into_iter();
        self.points.extend(
            points.map(|point| PublishedPoint {
                metric: point.metric.saturating_add(shift),
                ..point
            }),
        );
    }
}

/// What all points of a metric share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublishedMetric {
    /// The namespace that the metric is published under.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The names of its dimensions, in the order of the series' values.
    pub dimensions: Vec<String>,
    /// Its unit, in `CloudWatch`'s words; absent: none.
    pub unit: Option<String>,
}

/// One value to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedPoint {
    /// The metric's place in [`Publication::metrics`].
    pub metric: u32,
    /// The values of the dimensions.
    pub series: Arc<SeriesKey>,
    /// The window's first instant.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// What kind of point it is.
    pub kind: PointKind,
    /// Its values.
    pub values: Values,
}

impl PublishedPoint {
    /// The time that the point is put under: its window's start, of a window over an hour its last minute, so that it is not
    /// days old when it is put.
    pub fn stamp(&self) -> Timestamp {
        if self.window_end > self.window_start.plus(HOUR_MS) {
            self.window_end.minus(MINUTE_MS)
        } else {
            self.window_start
        }
    }
}

/// What kind of point it is, to a sink that adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointKind {
    /// The point of a window. It is put.
    Final,
    /// Late events of a final window, alone. It is put, and adds to the first.
    Correction,
    /// What came in since the last increment of a live metric. It is put: the increments are the point.
    Increment,
    /// The final point of a live metric, whose increments were put already: it is recorded and not put.
    Recorded,
}

impl PointKind {
    /// What it says of its window: an increment that it still grows.
    pub const fn status(self) -> Status {
        match self {
            Self::Final | Self::Recorded => Status::Final,
            Self::Correction => Status::Correction,
            Self::Increment => Status::Open,
        }
    }
}

mod codec;

pub(crate) use codec::{read_metric, read_sum, read_values, write_metric, write_sum, write_values};
