//! The catalog: what a page is told of the rules and of the moment, before all else.

use super::Source;
use crate::run::Rejected;
use streamgauge_engine::alert::{Alert, Step};
use streamgauge_engine::calendar::Window;
use streamgauge_engine::plan::{Metric, Plan};
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_pipeline::kept::ValueKind;
use streamgauge_pipeline::render::push_json_string;

/// What is told.
#[derive(Clone, Copy, Debug)]
pub struct Catalog<'c> {
    /// Where the page has its data from.
    pub source: Source,
    /// The moment of whoever writes it, by the clock that decides.
    pub now: Timestamp,
    /// Whether this clock is that of the events: ranges end with the newest data then.
    pub is_by_events: bool,
    /// Whether channels are told of what alerts do.
    pub tells: bool,
    /// The rules, if there are any yet.
    pub plan: Option<&'c Plan>,
    /// What of each metric is not in the page, in the order of the rules; shorter where nothing is.
    pub left_out: &'c [LeftOut],
    /// How many transitions of alerts are not in it.
    pub transitions_left_out: u64,
    /// Where the oldest window begins that its source has; absent where that does not matter, or there is none.
    pub oldest: Option<Timestamp>,
    /// Rules files that cannot be used as they are now.
    pub rejected: Option<&'c Rejected>,
}

/// What of a metric is not in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many points of windows that are too old.
    pub points: u64,
    /// Where the last of these windows ends.
    pub until: Option<Timestamp>,
    /// How many points of series beyond those that a page holds.
    pub of_series: u64,
}

impl LeftOut {
    fn write(&self, text: &mut Vec<u8>) {
        let Self { points, until, of_series } = self;
        let until = until.map(|until| format!(r#""until":"{until}","#)).unwrap_or_default();
        let left_out =
            format!(r#","left_out":{{"points":{points},{until}"of_series":{of_series}}}"#);
        text.extend_from_slice(left_out.as_bytes());
    }
}

/// Something that was deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What, as people name it.
    pub version: String,
    /// When.
    pub at: Timestamp,
}

impl Mark {
    /// Appends the members, and the end of their object.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(br#""version":"#);
        push_json_string(&self.version, text);
        text.extend_from_slice(format!(r#","at":"{}"}}"#, self.at).as_bytes());
    }
}

impl Catalog<'_> {
    /// As JSON: `first`, members with a comma behind them, then its own, the lines of what is `active`, pending or firing, and deploys.
    pub fn json<'l>(
        &self,
        first: &str,
        active: impl Iterator<Item = &'l [u8]>,
        deploys: impl Iterator<Item = &'l Mark>,
    ) -> Vec<u8> {
        let (live, now) = (self.source == Source::Server, self.now);
        let mut text = format!(r#"{{{first}"live":{live},"now":"{now}","#).into_bytes();
        if live {
            text.extend_from_slice(format!(r#""notify":{},"#, self.tells).as_bytes());
        }
        if self.is_by_events {
            text.extend_from_slice(br#""clock":"events","#);
        }
        if let Some(plan) = self.plan {
            text.extend_from_slice(br#""time_zone":"#);
            push_json_string(plan.calendar.zone(), &mut text);
            text.push(b',');
        }
        if let Some(oldest) = self.oldest {
            text.extend_from_slice(format!(r#""oldest":"{oldest}","#).as_bytes());
        }
        if let Some(Rejected { at, reason }) = self.rejected {
            let since = format!(r#""rules_rejected":{{"at":"{at}","reason":"#);
            text.extend_from_slice(since.as_bytes());
            push_json_string(reason, &mut text);
            text.extend_from_slice(b"},");
        }
        text.extend_from_slice(br#""title":"#);
        push_json_string(self.plan.map_or("StreamGauge", |plan| &plan.namespace), &mut text);
        text.extend_from_slice(br#","metrics":"#);
        let metrics = self.plan.map(|plan| plan.metrics.as_slice()).unwrap_or_default();
        list(&mut text, metrics, |text, place, metric| self.metric(text, place, metric));
        text.extend_from_slice(br#","alerts":"#);
        self.alerts(&mut text);
        text.extend_from_slice(br#","firing":"#);
        let lines: Vec<_> = active.collect();
        list(&mut text, &lines, |text, _, line| text.extend_from_slice(line.trim_ascii_end()));
        text.extend_from_slice(br#","deploys":"#);
        let deploys: Vec<_> = deploys.collect();
        list(&mut text, &deploys, |text, _, mark| {
            text.push(b'{');
            mark.write(text);
        });
        let points: u64 = self.left_out.iter().map(|metric| metric.points + metric.of_series).sum();
        let transitions = self.transitions_left_out;
        if points + transitions > 0 {
            let left_out =
                format!(r#","left_out":{{"points":{points},"transitions":{transitions}}}"#);
            text.extend_from_slice(left_out.as_bytes());
        }
        text.push(b'}');
        text
    }

    fn metric(&self, text: &mut Vec<u8>, place: usize, metric: &Metric) {
        text.extend_from_slice(br#"{"name":"#);
        push_json_string(&metric.name, text);
        text.extend_from_slice(
            format!(r#","kind":"{}","unit":"#, ValueKind::computed_by(&metric.kind).as_str())
                .as_bytes(),
        );
        push_json_string(metric.unit.as_deref().unwrap_or("None"), text);
        text.extend_from_slice(br#","dimensions":"#);
        list(text, &metric.dimensions, |text, _, one| push_json_string(&one.name, text));
        text.extend_from_slice(format!(r#","window_ms":{}"#, length_ms(metric.window)).as_bytes());
        let waits_ms = self.plan.map_or(0, |plan| plan.final_after(metric));
        text.extend_from_slice(format!(r#","waits_ms":{waits_ms}"#).as_bytes());
        if let Some(left_out) = self.left_out.get(place).filter(|one| **one != LeftOut::default()) {
            left_out.write(text);
        }
        text.push(b'}');
    }

    fn alerts(&self, text: &mut Vec<u8>) {
        let alerts = self.plan.map(|plan| plan.alerts.as_slice()).unwrap_or_default();
        list(text, alerts, |text, _, alert| {
            text.extend_from_slice(br#"{"name":"#);
            push_json_string(&alert.name, text);
            let metric = self.plan.and_then(|plan| plan.metrics.get(alert.metric));
            text.extend_from_slice(br#","metric":"#);
            push_json_string(metric.map_or("", |metric| &metric.name), text);
            text.extend_from_slice(br#","steps":"#);
            list(text, &alert.steps, |text, _, step| {
                text.extend_from_slice(br#"{"name":"#);
                push_json_string(step.name.as_deref().unwrap_or_default(), text);
                let severity = step.severity.as_str();
                text.extend_from_slice(format!(r#","severity":"{severity}""#).as_bytes());
                if let Some(plan) = self.plan.filter(|_| step.hold > 0) {
                    let pending = pending_ms(plan, alert, step, self.source);
                    text.extend_from_slice(format!(r#","pending_ms":{pending}"#).as_bytes());
                }
                text.push(b'}');
            });
            text.push(b'}');
        });
    }
}

/// Appends a list.
fn list<T>(text: &mut Vec<u8>, items: &[T], each: impl Fn(&mut Vec<u8>, usize, &T)) {
    text.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        each(text, place, item);
    }
    text.push(b']');
}

/// How long a step is pending at most, by the watermark: where it has not fired by then it is over, of which nothing is told. The end of a
/// report is decided, whatever lags.
pub fn pending_ms(plan: &Plan, alert: &Alert, step: &Step, source: Source) -> Millis {
    let lag = match source {
        Source::Server => plan.lag_of(alert),
        Source::Itself => 0,
    };
    step.hold.saturating_add(lag)
}

/// How long windows are; days that differ by an hour are taken as alike.
pub(crate) fn length_ms(window: Window) -> Millis {
    match window {
        Window::Fixed(length_ms) => length_ms,
        Window::Days(days) => Millis::from(days) * DAY_MS,
        Window::Weeks(weeks) => Millis::from(weeks) * 7 * DAY_MS,
    }
}
