//! What settle has decided, as its log has it: for whoever shows it.

use std::sync::Arc;
use streamgauge_engine::output::{MetricCounters, Point};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};
use streamgauge_pipeline::port::{Partition, Retryable};
use streamgauge_pipeline::publication::{PointKind, Publication};
use streamgauge_pipeline::render::Renderer;
use streamgauge_pipeline::settle::refused_in;
use streamgauge_pipeline::settle_entry::{ALERTS, POINTS, SettleEntry};

/// What one entry has decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The entry.
    pub version: Version,
    /// The event time up to which everything is decided.
    pub watermark: Option<Timestamp>,
    /// How far the control log was applied.
    pub control: Version,
    /// What alerts decided.
    pub alerts: AlertRecord,
    /// The points.
    pub points: Publication,
    /// What metrics refused as late or folded, as far as the entry took it in.
    pub refused: Vec<(String, MetricCounters)>,
}

impl Decided {
    /// Writes these points and transitions, by what the entry itself says of them: the rules may have changed since.
    pub fn renderer(&self) -> Renderer {
        Renderer::recorded(self.points.metrics.iter(), self.alerts.alerts.clone())
    }

    /// The points, in their order, as [`Decided::renderer`] numbers their metrics. What is put as it comes is part of the point that comes
    /// when the window is final.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        let decided = self.points.points.iter().filter(|point| point.kind != PointKind::Increment);
        decided.filter_map(|point| {
            Some(Point {
                metric: usize::try_from(point.metric).ok()?,
                series: Arc::clone(&point.series),
                window_start: point.window_start,
                window_end: point.window_end,
                status: point.kind.status(),
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
        let decided = usize::try_from(header.points).unwrap_or(usize::MAX);
        let figures = points.points.split_off(decided.min(points.points.len()));
        let refused = refused_in(&points.metrics, &figures);
        Ok(Decided {
            version: logged.version,
            watermark: header.watermark,
            control: header.control,
            alerts: alerts.map_err(unreadable)?.unwrap_or_default(),
            points,
            refused,
        })
    });
    decided.collect()
}
