//! `GET /metrics` and `GET /summary`.

use super::App;
use super::answer::{Answer, Denial, JSON, whole};
use super::pulse::Pulse;
use super::view::{self, View};
use crate::exposition::{Exposition, Firing, Format, Metric, Pipeline, Series};
use crate::outbox::Waits;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap};
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::kept::ValueKind;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::Summary;
use tokio::task::spawn_blocking;

/// What a scrape sees. It is written on a thread of its own, and of the view only copied: who decides does not wait for it.
pub(super) async fn scrape<C: Clock>(app: &App<C>, headers: &HeaderMap) -> Result<Answer, Denial> {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::negotiate(&accept.collect::<Vec<_>>().join(","));
    let permit =
        Arc::clone(&app.scrapes).acquire_owned().await.map_err(|_closed| Denial::ending())?;
    let pulse =
        Pulse { at: app.world.clock.now(), counters: app.totals.counters(), ..*app.pulse.borrow() };
    let (view, channels) = (Arc::clone(&app.view), app.outbox.channels());
    let writing = move || {
        let _permit = permit;
        let copied = Copied::of(&view::lock(&view));
        exposition(copied, (&pulse, channels), format)
    };
    let text = spawn_blocking(writing).await.map_err(|_ended| Denial::ending())?;
    Ok(whole(StatusCode::OK, format.content_type(), text))
}

/// What is shown of the view.
struct Copied {
    plan: Option<Arc<Plan>>,
    /// Of each metric.
    series: Vec<Vec<Series>>,
    /// For how many groups each step of each alert fires.
    firing: Vec<u64>,
    are_rules_rejected: bool,
}

impl Copied {
    fn of(view: &View) -> Self {
        let plan = view.scraped();
        let metrics = plan.iter().flat_map(|known| &known.metrics);
        let series = metrics.map(|metric| view.series(&metric.name)).collect();
        let alerts = plan.iter().flat_map(|known| &known.alerts);
        let steps = alerts.flat_map(|alert| alert.steps.iter().map(move |step| (alert, step)));
        let firing = steps.map(|(alert, step)| view.firing(&alert.name, step.name.as_deref()));
        let firing = firing.collect();
        Self { plan, series, firing, are_rules_rejected: view.rejected.is_some() }
    }
}

impl<C: Clock> App<C> {
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

fn exposition(
    copied: Copied,
    (pulse, channels): (&Pulse, Vec<(String, Waits)>),
    format: Format,
) -> Vec<u8> {
    let mut shown = Exposition {
        pipeline: Pipeline {
            counters: pulse.counters,
            watermark_lag_ms: pulse.lag_ms(),
            are_rules_rejected: copied.are_rules_rejected,
            alerts: Vec::new(),
            channels,
        },
        ..Exposition::default()
    };
    let Copied { plan, series, firing, .. } = copied;
    let Some(plan) = plan else { return shown.render(format) };
    let watermark = pulse.told;
    shown.metrics = plan
        .metrics
        .iter()
        .zip(series)
        .map(|(metric, series)| {
            let waits = plan.final_after(metric);
            Metric {
                name: &metric.name,
                kind: ValueKind::computed_by(&metric.kind),
                unit: metric.unit.as_deref(),
                help: None,
                dimensions: metric.dimensions.iter().map(|one| one.name.as_str()).collect(),
                final_until: watermark.map(|watermark: Timestamp| watermark.minus(waits)),
                open: None,
                series,
            }
        })
        .collect();
    let alerts = plan.alerts.iter();
    let steps = alerts.flat_map(|alert| alert.steps.iter().map(move |step| (alert, step)));
    let steps = steps.zip(firing).map(|((alert, step), groups)| Firing {
        alert: &alert.name,
        step: step.name.as_deref(),
        severity: step.severity.as_str(),
        groups,
    });
    shown.pipeline.alerts = steps.collect();
    shown.render(format)
}
