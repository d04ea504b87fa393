//! How the pipeline is, once a second: how much comes, how far behind it is, and whether that is too far.

use super::live::{Hub, Messages};
use super::view::{self, View};
use crate::intake::commit::Totals;
use crate::outbox::{Outbox, push_waits};
use crate::world::DevWorld;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_engine::calendar::Window;
use streamgauge_engine::output::Counters;
use streamgauge_engine::plan::Metric;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::push_json_string;
use streamgauge_pipeline::settle::Settled;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(1);
/// How long something may wait to be settled before that is too long.
const DELAY_MS_MAX: Millis = 5 * SECOND_MS;
/// The rate is that of so many looks.
const LOOKS: usize = 5;

/// How it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pulse {
    pub(super) at: Timestamp,
    /// Records taken per second, of the last seconds.
    pub(super) rate: u64,
    /// How long the oldest record that is not settled has waited.
    pub(super) delay_ms: Millis,
    pub(super) settled: Settled,
    pub(super) counters: Counters,
    /// The event time up to which everything is decided that was told.
    pub(super) told: Option<Timestamp>,
    /// How many steps of alerts fire; absent while the store is read.
    pub(super) firing: Option<u64>,
}

impl Pulse {
    pub(super) fn is_behind(&self) -> bool {
        self.delay_ms > DELAY_MS_MAX
    }

    /// How far what is decided is behind.
    pub(super) fn lag_ms(&self) -> Option<Millis> {
        self.settled.watermark.map(|watermark| self.since(watermark))
    }

    fn since(&self, then: Timestamp) -> Millis {
        self.at.as_millis().saturating_sub(then.as_millis()).max(0)
    }

    /// As a line of the live stream, with the windows of `days` and the channels that take nothing. Its watermark is one of which all points were told before.
    fn json(&self, days: &str, outbox: &Outbox) -> String {
        let untold = untold(outbox);
        let watermark =
            self.told.map(|at| format!(r#","lag":{},"watermark":"{at}""#, self.since(at)));
        let firing = self.firing.map(|firing| format!(r#","firing":{firing}"#));
        let Counters { received, rejected, filtered, duplicate, counted, late } = self.counters;
        format!(
            r#"{{"kind":"health","at":"{}","rate":{},"delay":{},"open_windows":{},"behind":{}{}{days}{},"received":{received},"counted":{counted},"filtered":{filtered},"duplicate":{duplicate},"late":{late},"rejected":{rejected}{untold}}}"#,
            self.at,
            self.rate,
            self.delay_ms,
            self.settled.open_windows,
            self.is_behind(),
            watermark.unwrap_or_default(),
            firing.unwrap_or_default(),
        )
    }
}

/// The channels that take nothing, as a member after others; empty where all do.
fn untold(outbox: &Outbox) -> String {
    let channels = outbox.channels();
    let waiting = channels.iter().filter(|(_, waits)| waits.why.is_some());
    let shown = waiting.map(|(channel, waits)| {
        let mut one = br#"{"channel":"#.to_vec();
        push_json_string(channel, &mut one);
        push_waits((waits.waiting, waits.since, waits.why.as_ref()), &mut one);
        one.push(b'}');
        String::from_utf8_lossy(&one).into_owned()
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { String::new() } else { format!(r#","untold":[{}]"#, shown.join(",")) }
}

/// What is looked at.
#[derive(Debug)]
pub(super) struct Sensor<S, C> {
    pub(super) world: DevWorld<S, C>,
    pub(super) totals: Totals,
    pub(super) settled: watch::Receiver<Settled>,
    pub(super) outbox: Outbox,
    pub(super) view: Arc<Mutex<View>>,
    /// When something was there that is not settled: how many batches must be settled until it is.
    waiting: VecDeque<(Timestamp, u64)>,
    /// When how many records had come.
    came: VecDeque<(Timestamp, u64)>,
}

impl<S, C: Clock> Sensor<S, C> {
    pub(super) fn new(
        world: DevWorld<S, C>,
        totals: Totals,
        (settled, outbox): (watch::Receiver<Settled>, Outbox),
        view: Arc<Mutex<View>>,
    ) -> Self {
        Self {
            world,
            totals,
            settled,
            outbox,
            view,
            waiting: VecDeque::new(),
            came: VecDeque::new(),
        }
    }

    /// Looks.
    pub(super) fn look(&mut self) -> Pulse {
        let at = self.world.clock.now();
        let (needed, done) = self.world.batches();
        if self.waiting.back().is_none_or(|(_, batches)| *batches != needed) {
            self.waiting.push_back((at, needed));
        }
        while self.waiting.front().is_some_and(|(_, batches)| *batches <= done) {
            self.waiting.pop_front();
        }
        let since = |since: Timestamp| (at.as_millis() - since.as_millis()).max(0);
        let delay_ms = self.waiting.front().map_or(0, |(first, _)| since(*first));
        let counters = self.totals.counters();
        self.came.push_back((at, counters.received));
        if self.came.len() > LOOKS {
            self.came.pop_front();
        }
        let rate = self.came.front().and_then(|(first, before)| {
            let ms = u64::try_from(since(*first)).ok()?;
            (counters.received.saturating_sub(*before) * 1_000).checked_div(ms)
        });
        let settled = *self.settled.borrow();
        let (told, firing) = {
            let view = view::lock(&self.view);
            (view.watermark, view.all_firing())
        };
        Pulse { at, rate: rate.unwrap_or_default(), delay_ms, settled, counters, told, firing }
    }

    /// The newest final window of each metric whose windows are days of a time zone, which a page cannot reckon.
    fn days(&self) -> String {
        let view = view::lock(&self.view);
        let (Some(plan), Some(watermark)) = (&view.plan, view.watermark) else {
            return String::new();
        };
        let days = |metric: &&Metric| !matches!(metric.window, Window::Fixed(_));
        let mut text = Vec::new();
        for metric in plan.metrics.iter().filter(days) {
            let window = |time| plan.calendar.window(metric.window, time);
            let end = window(watermark.minus(plan.final_after(metric))).start;
            let start = window(end.minus(1)).start;
            text.extend_from_slice(if text.is_empty() { br#","days":{"# } else { b"," });
            push_json_string(&metric.name, &mut text);
            text.extend_from_slice(format!(r#":["{start}","{end}"]"#).as_bytes());
        }
        if !text.is_empty() {
            text.push(b'}');
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Looks once a second, and tells.
pub(super) async fn beat<S, C: Clock>(
    mut sensor: Sensor<S, C>,
    pulse: watch::Sender<Pulse>,
    hub: Hub,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seen = sensor.look();
        pulse.send_replace(seen);
        if hub.is_heard() {
            let mut messages = Messages::default();
            messages.add(None, seen.json(&sensor.days(), &sensor.outbox).as_bytes());
            hub.tell(messages);
        }
    }
}

#[cfg(test)]
mod tests;
