//! `GET /metrics` and `GET /summary`.

use super::App;
use super::answer::{Answer, JSON, whole};
use super::pulse::Pulse;
use super::view::View;
use crate::exposition::{Exposition, Firing, Format, Metric, Pipeline};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap};
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::Summary;

impl<C: Clock> App<C> {
    /// What a scrape sees.
    pub(super) fn scrape(&self, headers: &HeaderMap) -> Answer {
        let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let format = Format::negotiate(&accept.collect::<Vec<_>>().join(","));
        let pulse = Pulse {
            at: self.world.clock.now(),
            counters: self.totals.counters(),
            ..*self.pulse.borrow()
        };
        let text = {
            let view = self.view();
            let plan = view.plan.clone();
            exposition(plan.as_ref(), &view, &pulse, format)
        };
        whole(StatusCode::OK, format.content_type(), text)
    }

    /// What became of all that came since the process began, for each metric of the newest rules too.
    pub(super) fn summary(&self) -> Answer {
        let view = self.view();
        let metrics = view.plan.as_ref().map(|plan| plan.metrics.as_slice()).unwrap_or_default();
        let seen = metrics.iter().map(|metric| {
            let mut counters = self.totals.metric(&metric.name);
            counters.add(&view.refused(&metric.name));
            (metric.name.as_str(), counters)
        });
        let span = self.totals.span();
        let summary = Summary {
            counters: self.totals.counters(),
            points: view.points,
            alerts: view.alerts,
            first_event: span.map(|span| span.earliest),
            last_event: span.map(|span| span.latest),
            metrics: seen.collect(),
        };
        let mut line = Vec::new();
        summary.json(&mut line);
        whole(StatusCode::OK, JSON, Bytes::from(line))
    }
}

fn exposition(plan: Option<&Arc<Plan>>, view: &View, pulse: &Pulse, format: Format) -> Vec<u8> {
    let mut shown = Exposition {
        pipeline: Pipeline {
            counters: pulse.counters,
            watermark_lag_ms: pulse.lag_ms(),
            alerts: Vec::new(),
        },
        ..Exposition::default()
    };
    let Some(plan) = plan else { return shown.render(format) };
    let watermark = pulse.settled.watermark;
    shown.metrics = plan
        .metrics
        .iter()
        .map(|metric| {
            let waits = metric.within().saturating_add(plan.timing.allowed_lateness);
            Metric {
                name: &metric.name,
                kind: (&metric.kind).into(),
                unit: metric.unit.as_deref(),
                help: None,
                dimensions: metric.dimensions.iter().map(|one| one.name.as_str()).collect(),
                final_until: watermark.map(|watermark: Timestamp| watermark.minus(waits)),
                open: None,
                series: view.series(&metric.name),
            }
        })
        .collect();
    let steps = plan.alerts.iter().flat_map(|alert| {
        alert.steps.iter().map(|step| Firing {
            alert: &alert.name,
            step: step.name.as_deref(),
            severity: step.severity.as_str(),
            groups: view.firing(&alert.name, step.name.as_deref()),
        })
    });
    shown.pipeline.alerts = steps.collect();
    shown.render(format)
}
