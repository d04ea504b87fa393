//! What the store has when the process begins: totals of all series, their newest windows, windows that grow, and what fires.

use super::super::view::{Seen, Totals, View};
use super::{Work, growing};
use crate::decided;
use crate::page::length_ms;
use crate::run::Fatal;
use std::collections::BTreeMap;
use std::iter::empty;
use std::sync::Arc;
use streamgauge_engine::output::Status;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_local::history::{AlertsWanted, HistoryError, Moment, PointsWanted, Tier};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::Renderer;

impl<C: Clock, P: FnMut() -> Result<Vec<Arc<Plan>>, Fatal>> Work<C, P> {
    /// Brings the history up to now, and makes the view of it.
    pub(super) fn load(&mut self, watermark: Option<Timestamp>) -> Result<(), Fatal> {
        while self.history.step()?.entries > 0 {}
        let moment = self.history.moment()?;
        let plan = self.view().plan.clone();
        let mut view = View::of(plan);
        view.oldest = oldest(&moment)?;
        view.hold(totals(&moment)?);
        let from = watermark.map(|watermark| watermark.minus(reach(view.plan.as_deref())));
        let newest = PointsWanted { tier: Some(Tier::Decided), from, ..PointsWanted::default() };
        self.growing.clear();
        self.load_newest(&moment, &newest, &mut view)?;
        load_alerts(&moment, &mut view)?;
        view.decided_up_to(watermark);
        self.load_deploys(&mut view)?;
        self.told = moment.state()?.version;
        self.count(&mut view)?;
        view.is_read = true;
        // Who has listened until here was not told what was decided meanwhile. Who comes from here on finds that in the past.
        self.hub.tell_missed();
        self.look_at_rejected();
        view.rejected.clone_from(&self.view().rejected);
        *self.view() = view;
        self.tell_catalog();
        Ok(())
    }

    /// Counts what was decided since the process began and is loaded.
    fn count(&self, view: &mut View) -> Result<(), Retryable> {
        let mut counted = self.began;
        while counted < self.told {
            let read = block_on(decided::read(&*self.store, counted))?;
            let Some(last) = read.last() else { return Ok(()) };
            counted = last.version;
            read.iter().filter(|one| one.version <= self.told).for_each(|one| view.count(one));
        }
        Ok(())
    }

    /// Takes the totals as the history has them; false, and nothing is taken, if it is further than what was told.
    pub(super) fn load_totals(&self) -> Result<bool, HistoryError> {
        let moment = self.history.moment()?;
        let is_told = moment.state()?.version == self.told;
        if is_told {
            let totals = totals(&moment)?;
            self.view().hold(totals);
        }
        Ok(is_told)
    }

    /// Sees the windows of points as they were decided.
    fn load_newest(
        &mut self,
        moment: &Moment<C>,
        wanted: &PointsWanted,
        view: &mut View,
    ) -> Result<(), HistoryError> {
        let mut cursor = None;
        loop {
            let page = moment.points(wanted, cursor.as_ref())?;
            for (point, _) in &page.points {
                let Some(kept) = page.metrics.get(point.metric) else { continue };
                let seen = Seen {
                    metric: &kept.metric.name,
                    series: &point.series,
                    window_start: point.window_start,
                    window_end: point.window_end,
                    status: point.status,
                    values: &point.values,
                };
                if point.status == Status::Open {
                    self.growing.insert(growing(&seen), point.values.clone());
                } else {
                    view.see(seen);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// What all points of each series come to.
fn totals<C: Clock>(moment: &Moment<C>) -> Result<Totals, HistoryError> {
    let mut totals = Totals::new();
    moment.totals(|metric, series, kept| {
        if let Some(all) = totals.get_mut(metric) {
            all.insert(series, kept.total);
        } else {
            totals.insert(metric.to_owned(), BTreeMap::from([(series, kept.total)]));
        }
    })?;
    Ok(totals)
}

/// Where the oldest window begins. Points as they were decided say it to the minute, those of hours how long there have been some.
fn oldest<C: Clock>(moment: &Moment<C>) -> Result<Option<Timestamp>, HistoryError> {
    let first = |tier| -> Result<_, HistoryError> {
        let wanted = PointsWanted { tier: Some(tier), ..PointsWanted::default() };
        let page = moment.points(&wanted, None)?;
        let windows = page.points.iter().map(|(point, _)| (point.window_start, point.window_end));
        Ok(windows.min())
    };
    let (decided, hours) = (first(Tier::Decided)?, first(Tier::Hours)?);
    let is_older = |hour: &(_, Timestamp)| decided.is_none_or(|(start, _)| hour.1 <= start);
    Ok(hours.filter(is_older).or(decided).map(|(start, _)| start))
}

/// Sees all transitions: what began long ago may still fire.
fn load_alerts<C: Clock>(moment: &Moment<C>, view: &mut View) -> Result<(), HistoryError> {
    let mut cursor = None;
    loop {
        let page = moment.alerts(&AlertsWanted::default(), cursor.as_ref())?;
        let renderer = Renderer::recorded(empty(), page.record.alerts.clone());
        for (transition, verdict) in &page.record.transitions {
            let Some(alert) = page.record.alerts.get(transition.alert) else { continue };
            let mut line = Vec::new();
            renderer.alert_json(transition, verdict, &mut line);
            view.transition(alert, transition, &line);
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// How far behind the watermark the newest final windows are at most.
fn reach(plan: Option<&Plan>) -> Millis {
    let Some(plan) = plan else { return 0 };
    let reach = plan.metrics.iter().map(|metric| 2 * length_ms(metric.window) + metric.within());
    reach.max().unwrap_or_default() + plan.timing.allowed_lateness
}
