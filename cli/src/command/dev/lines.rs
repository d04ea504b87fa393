//! What was decided, as it is shown: what alerts do for people, points too for machines.

use super::status::Status;
use super::unreadable;
use crate::arguments::DevOutput;
use crate::exit::Failure;
use crate::style::{self, printable};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use streamgauge_dev::decided::{self, Decided};
use streamgauge_dev::run::Fatal;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::Point;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::transition::{Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;
use streamgauge_pipeline::port::log::{Log, Version};
use streamgauge_pipeline::render::{Number, Renderer, alert_value};

/// Shows what entries of the settle log have decided.
#[derive(Debug)]
pub(super) struct Lines {
    output: DevOutput,
    /// The last entry that was shown.
    shown: Version,
    plans: Vec<(Arc<Plan>, Renderer)>,
    firing: BTreeSet<String>,
}

impl Lines {
    /// Shows what comes after an entry, which these plans decide, the newest first.
    pub(super) fn new(output: DevOutput, shown: Version, plans: Vec<Arc<Plan>>) -> Self {
        let mut lines = Self { output, shown, plans: Vec::new(), firing: BTreeSet::new() };
        lines.set_plans(plans);
        lines
    }

    /// How many steps of alerts fire, of those that began to since the start.
    pub(super) fn firing(&self) -> usize {
        self.firing.len()
    }

    fn set_plans(&mut self, plans: Vec<Arc<Plan>>) {
        let renderer = |plan: Arc<Plan>| (Arc::clone(&plan), Renderer::new(&plan));
        self.plans = plans.into_iter().map(renderer).collect();
    }

    /// Shows what is new.
    pub(super) async fn show(
        &mut self,
        log: &impl Log,
        plans: impl FnOnce() -> Result<Vec<Arc<Plan>>, Fatal>,
        status: &Status,
    ) -> Result<(), Failure> {
        let mut plans = Some(plans);
        loop {
            let read = decided::read(log, self.shown).await.map_err(|error| unreadable(&error))?;
            let Some(last) = read.last() else { return Ok(()) };
            self.shown = last.version;
            if let Some(plans) = plans.take() {
                self.set_plans(plans().map_err(|error| unreadable(&error))?);
            }
            let mut text = Vec::new();
            for decided in &read {
                self.add(decided, &mut text);
            }
            let written = status.aside(|| write(&text));
            written.map_err(|error| Failure::output(&error))?;
        }
    }

    fn add(&mut self, decided: &Decided, text: &mut Vec<u8>) {
        if self.output == DevOutput::Json {
            self.add_points(decided, text);
        }
        for (transition, verdict) in &decided.alerts.transitions {
            let Some(alert) = decided.alerts.alerts.get(transition.alert) else { continue };
            match transition.kind {
                TransitionKind::Firing => _ = self.firing.insert(alert.key(transition)),
                TransitionKind::Resolved => _ = self.firing.remove(&alert.key(transition)),
                TransitionKind::Pending => {}
            }
            self.add_transition(alert, transition, verdict, text);
        }
    }

    /// Points, each by the newest plan that has its metric.
    fn add_points(&self, decided: &Decided, text: &mut Vec<u8>) {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for (plan, renderer) in &self.plans {
            let name = |point: &Point| plan.metrics.get(point.metric).map(|one| one.name.as_str());
            let is_new = |point: &Point| name(point).is_some_and(|name| !known.contains(name));
            let points = decided.points_of(plan).filter(is_new);
            points.for_each(|point| renderer.json(&point, text));
            known.extend(plan.metrics.iter().map(|metric| metric.name.as_str()));
        }
    }

    fn add_transition(
        &self,
        alert: &RecordedAlert,
        transition: &Transition,
        verdict: &Verdict,
        text: &mut Vec<u8>,
    ) {
        let is_its = |(plan, _): &&(Arc<Plan>, Renderer)| plan.hash == alert.plan;
        let found = self.plans.iter().find(is_its).and_then(|(plan, renderer)| {
            let place = plan.alerts.iter().position(|one| one.name == alert.name)?;
            Some((Transition { alert: place, ..transition.clone() }, plan, renderer))
        });
        match (self.output, &found) {
            (DevOutput::Json, Some((own, _, renderer))) => renderer.alert_json(own, verdict, text),
            // The plan that decided is not in force any more, and its names are in the entry only.
            (DevOutput::Json, None) => {}
            (DevOutput::Text, _) => {
                let alert_of = |plan: &Arc<Plan>, own: &Transition| {
                    plan.alerts.get(own.alert).and_then(|defined| alert_value(defined, own))
                };
                let value = found.and_then(|(own, plan, _)| alert_of(plan, &own));
                text.extend_from_slice(for_people(alert, transition, verdict, value).as_bytes());
            }
        }
    }
}

/// A transition as a line.
fn for_people(
    alert: &RecordedAlert,
    transition: &Transition,
    verdict: &Verdict,
    value: Option<Number>,
) -> String {
    let kind = transition.kind.as_str();
    let kind = match transition.kind {
        TransitionKind::Firing => style::error(kind).to_string(),
        TransitionKind::Resolved => style::good(kind).to_string(),
        TransitionKind::Pending => style::warning(kind).to_string(),
    };
    let step = alert.step(transition).and_then(|step| step.name.as_deref());
    let step = step.map(|step| format!(" {step}")).unwrap_or_default();
    let group = alert.group(transition).map(|(name, one)| format!(" {name}={one}"));
    let group = group.collect::<String>();
    let sent = if verdict.sent { "sent" } else { verdict.why.as_str() };
    let (at, reason) = (transition.at, transition.reason.as_str());
    let value = value.map(|value| {
        let mut shown = b", value ".to_vec();
        value.push(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    let value = value.unwrap_or_default();
    let what = format!("{}{step}{group}: {reason}{value}, {sent}", alert.name);
    format!("{at}  {kind}  {}\n", printable(&what))
}

fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}
