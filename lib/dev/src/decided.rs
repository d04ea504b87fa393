//! What settle has decided, as its log has it: for whoever shows it.

use std::sync::Arc;
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};
use streamgauge_pipeline::port::{Partition, Retryable};
use streamgauge_pipeline::publication::{PointKind, Publication, PublishedMetric};
use streamgauge_pipeline::settle_entry::{ALERTS, POINTS, SettleEntry};

/// What one entry has decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The entry.
    pub version: Version,
    /// The event time up to which everything is decided.
    pub watermark: Option<Timestamp>,
    /// What alerts decided.
    pub alerts: AlertRecord,
    /// The points.
    pub points: Publication,
}

impl Decided {
    /// The points of a plan's metrics, as the plan numbers these. What is put as it comes is part of the point that comes when the window
    /// is final.
    pub fn points_of<'d>(&'d self, plan: &'d Plan) -> impl Iterator<Item = Point> + 'd {
        let place = |metric: &PublishedMetric| {
            let is_own = plan.namespace == metric.namespace;
            plan.metrics.iter().position(|own| is_own && own.name == metric.name)
        };
        let places: Vec<_> = self.points.metrics.iter().map(place).collect();
        self.points.points.iter().filter_map(move |point| {
            let status = match point.kind {
                PointKind::Final | PointKind::Recorded => Status::Final,
                PointKind::Correction => Status::Correction,
                PointKind::Increment => return None,
            };
            let metric = (*places.get(usize::try_from(point.metric).ok()?)?)?;
            Some(Point {
                metric,
                series: Arc::clone(&point.series),
                window_start: point.window_start,
                window_end: point.window_end,
                status,
                decided_at: point.window_end,
                values: point.values.clone(),
            })
        })
    }
}

/// What the entries after a version have decided, some of them at a time; none: there is no more.
pub async fn read(log: &impl Log, after: Version) -> Result<Vec<Decided>, Retryable> {
    let settle = LogId::settle(Partition::default());
    let read = log.read(&settle, after, Wanted::Only(&[POINTS, ALERTS])).await?;
    let decided = read.into_iter().map(|logged| {
        let unreadable = |error| {
            let what = format!("could not read version {} of the settle log", logged.version.0);
            Retryable::new(what).because(error)
        };
        let header = SettleEntry::decode(logged.entry.header()).map_err(unreadable)?;
        let chunks = logged.entry.chunks();
        let alerts = chunks.get(&ALERTS).map(|chunk| AlertRecord::decode(chunk)).transpose();
        let points = chunks.get(&POINTS).map(|chunk| Publication::decode(chunk)).transpose();
        let mut points = points.map_err(unreadable)?.unwrap_or_default();
        // What it counts was decided; self-metrics stand behind that.
        points.points.truncate(usize::try_from(header.points).unwrap_or(usize::MAX));
        Ok(Decided {
            version: logged.version,
            watermark: header.watermark,
            alerts: alerts.map_err(unreadable)?.unwrap_or_default(),
            points,
        })
    });
    decided.collect()
}
