//! Random rules and random events, aimed at the moments where windows, journeys and memories end.
//!
//! A case is grown from small steps ("the next event is 3 units later", "one that is exactly at the end of a window"),
//! so that proptest can shrink it by leaving steps out.

mod metrics;
mod values;

use super::calendar::{DAY_MS, Days};
use super::model::{Data, Event, Line, Metric, Rules};
use super::points::End;
use super::text::SHAPES;
use metrics::rules;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::{Index, select};
use proptest::{option, prop_oneof};
use std::collections::BTreeSet;
use values::what;

/// A run: rules, lines, and how the input ends.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) rules: Rules,
    pub(super) lines: Vec<Line>,
    /// Lines at which a new file begins.
    pub(super) cuts: Vec<usize>,
    pub(super) end: End,
}

/// Lengths of time that go together, in milliseconds.
#[derive(Debug)]
struct Scale {
    windows: &'static [i64],
    out_of_order: &'static [i64],
    allowed_lateness: &'static [i64],
    deduplicate: &'static [Option<i64>],
    within: &'static [i64],
    /// What steps are counted in.
    unit: i64,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

static SCALES: [Scale; 3] = [
    Scale {
        windows: &[SECOND, 2 * SECOND, 5 * SECOND, 7 * SECOND, 10 * SECOND, MINUTE],
        out_of_order: &[0, SECOND, 3 * SECOND, 30 * SECOND],
        allowed_lateness: &[0, SECOND, 5 * SECOND, 30 * SECOND],
        deduplicate: &[None, Some(30 * SECOND), Some(MINUTE), Some(5 * MINUTE)],
        within: &[SECOND, 5 * SECOND, 10 * SECOND, MINUTE],
        unit: 250,
    },
    Scale {
        windows: &[MINUTE, 5 * MINUTE, 7 * MINUTE, 10 * MINUTE, HOUR],
        out_of_order: &[0, 30 * SECOND, 2 * MINUTE],
        allowed_lateness: &[0, 30 * SECOND, 2 * MINUTE, 10 * MINUTE],
        deduplicate: &[None, Some(10 * MINUTE), Some(15 * MINUTE), Some(HOUR)],
        within: &[30 * SECOND, 10 * MINUTE, 30 * MINUTE, HOUR],
        unit: 15 * SECOND,
    },
    Scale {
        windows: &[HOUR, 6 * HOUR, 12 * HOUR, DAY_MS, 2 * DAY_MS, 7 * DAY_MS],
        out_of_order: &[0, MINUTE, HOUR],
        allowed_lateness: &[0, 10 * MINUTE, HOUR, 6 * HOUR],
        deduplicate: &[None, Some(6 * HOUR), Some(12 * HOUR), Some(2 * DAY_MS)],
        within: &[HOUR, 6 * HOUR, DAY_MS],
        unit: 40 * MINUTE,
    },
];

/// Moments at which cases begin: an ordinary one, the first of all, some near changes of clocks and a skipped day.
const BASES: [&str; 7] = [
    "2026-01-05T10:00:00Z",
    "1970-01-01T00:00:00Z",
    "2010-11-06T12:00:00Z",
    "2011-12-28T20:00:00Z",
    "2018-11-02T12:00:00Z",
    "2026-03-27T23:00:00Z",
    "1971-12-30T10:00:00Z",
];

/// A record without an id: no event, unless nothing is deduplicated and the id not asked for.
const WITHOUT_ID: &[u8] = br#"{"type":"ping","time":"2026-01-05T10:00:00Z"}"#;

/// Records that are no events, and why.
pub(super) const BROKEN: [(&[u8], &str); 14] = [
    (b"nothing like JSON", "invalid_json"),
    (br#"{"id":"b1","type":"ping","time":"2026-01-05T10:00:00Z""#, "invalid_json"),
    (br#"["id","b2"]"#, "not_an_object"),
    (br#""text""#, "not_an_object"),
    (br#"{"id":"b3","time":"2026-01-05T10:00:00Z"}"#, "missing_type"),
    (WITHOUT_ID, "missing_identity"),
    (br#"{"id":"b4","type":"ping"}"#, "missing_time"),
    (br#"{"id":"b5","type":"ping","time":"2026-13-05T10:00:00Z"}"#, "invalid_time"),
    (br#"{"id":"b6","type":"ping","time":"2016-12-31T23:59:60Z"}"#, "leap_second"),
    (br#"{"id":"b7","type":"ping","time":"1969-12-31T23:59:59Z"}"#, "time_out_of_range"),
    (br#"{"id":"b8","type":"ping","time":"2300-01-01T00:00:00Z"}"#, "time_out_of_range"),
    (br#"{"id":"b9","id":"b9","type":"ping","time":"2026-01-05T10:00:00Z"}"#, "duplicate_key"),
    (br#"{"id":"b10","type":7,"time":"2026-01-05T10:00:00Z"}"#, "wrong_type"),
    (b"{\"id\":\"b11\xff\",\"type\":\"ping\",\"time\":\"2026-01-05T10:00:00Z\"}", "invalid_utf8"),
];

/// A step of a case.
#[derive(Clone, Debug)]
enum Step {
    Event {
        when: When,
        what: What,
    },
    /// The same event once more.
    Copy {
        back: Index,
        shape: usize,
    },
    /// Another event with an identity that was there before, and the same time.
    SameIdentity {
        back: Index,
        when: Option<When>,
        what: What,
    },
    Broken(Index),
    Empty,
}

/// When an event happened.
#[derive(Clone, Debug)]
enum When {
    /// After the latest so far.
    Forward(i64),
    /// Before it.
    Behind(i64),
    /// At the latest time, again.
    Same,
    /// Long after it.
    Jump(i64),
    /// At the end of a window of a metric, or so long after it that the window is just final or just forgotten.
    WindowEnd { metric: Index, after: After, windows: i64, off_ms: i64 },
    /// Just late, or just forgotten.
    Edge { after: After, off_ms: i64 },
}

/// What a moment lies after another by.
#[derive(Clone, Copy, Debug)]
enum After {
    Nothing,
    OutOfOrder,
    AllowedLateness,
    Final,
    Deduplicate,
    Within,
    WithinFinal,
}

static AFTER: [After; 7] = [
    After::Nothing,
    After::OutOfOrder,
    After::AllowedLateness,
    After::Final,
    After::Deduplicate,
    After::Within,
    After::WithinFinal,
];

/// The rest of an event.
#[derive(Clone, Debug)]
struct What {
    source: Option<&'static str>,
    kind: usize,
    data: Data,
    shape: usize,
}

impl What {
    fn event(self, source: Option<String>, id: String, time_ms: i64) -> Line {
        let event = Event { source, id, kind: self.kind, time_ms, data: self.data };
        Line::Event(Box::new(event), self.shape)
    }
}

/// Cases with up to so many steps. With `messy` false nothing is broken, copied or of the wrong type.
pub(super) fn case(steps_max: usize, messy: bool) -> impl Strategy<Value = Case> {
    (select(vec![0, 1, 2]), select(BASES.to_vec())).prop_flat_map(move |(place, base)| {
        let scale = &SCALES[place];
        let base: jiff::Timestamp = base.parse().unwrap();
        let steps = vec(step(messy), 0..=steps_max);
        let end = (option::weighted(0.3, 0..400_i64), any::<bool>());
        let files = vec(any::<Index>(), 0..3);
        (rules(scale), steps, files, end).prop_map(move |(rules, steps, files, (until, open))| {
            let clock = base.as_millisecond();
            let mut growth = Growth { rules, unit_ms: scale.unit, clock, lines: Vec::new() };
            for (number, step) in steps.into_iter().enumerate() {
                growth.take(number, step);
            }
            let cuts = files.iter().map(|cut| cut.index(growth.lines.len() + 1));
            let until = until.map(|units| growth.clock + (units - 50) * scale.unit);
            let until = until.filter(|&until| until >= 0);
            let cuts = cuts.collect::<BTreeSet<usize>>().into_iter().collect();
            Case { rules: growth.rules, lines: growth.lines, cuts, end: End { until, open } }
        })
    })
}

/// A case that grows.
struct Growth {
    rules: Rules,
    unit_ms: i64,
    /// The largest event time so far.
    clock: i64,
    lines: Vec<Line>,
}

impl Growth {
    fn take(&mut self, number: usize, step: Step) {
        let line = match step {
            Step::Empty => Line::Empty,
            Step::Broken(which) => match BROKEN[which.index(BROKEN.len())] {
                (WITHOUT_ID, _) if self.rules.deduplicate_ms.is_none() => Line::Empty,
                (line, _) => Line::Broken(line),
            },
            Step::Copy { back, shape } => match self.earlier(back) {
                Some(event) => Line::Event(Box::new(event), shape),
                None => Line::Empty,
            },
            Step::SameIdentity { back, when, what } => match self.earlier(back) {
                Some(earlier) => {
                    let time_ms = when.map_or(earlier.time_ms, |when| self.time(&when));
                    let Event { source, id, .. } = earlier;
                    what.event(source, id, time_ms)
                }
                None => Line::Empty,
            },
            Step::Event { when, what } => {
                let source = what.source.map(str::to_owned);
                let time_ms = self.time(&when);
                let id = format!("e{number}");
                what.event(source, id, time_ms)
            }
        };
        if let Line::Event(event, _) = &line {
            self.clock = self.clock.max(event.time_ms);
        }
        self.lines.push(line);
    }

    /// One of the events so far.
    fn earlier(&self, back: Index) -> Option<Event> {
        let events = self.lines.iter().filter_map(|line| match line {
            Line::Event(event, _) => Some(&**event),
            Line::Broken(_) | Line::Empty => None,
        });
        let events: Vec<&Event> = events.collect();
        if events.is_empty() { None } else { Some((*back.get(&events)).clone()) }
    }

    fn time(&self, when: &When) -> i64 {
        let time = match when {
            When::Forward(units) => self.clock + units * self.unit_ms,
            When::Behind(units) => self.clock - units * self.unit_ms,
            When::Same => self.clock,
            When::Jump(units) => self.clock + 40 * units * self.unit_ms,
            When::WindowEnd { metric, after, windows, off_ms } => {
                let metric = metric.get(&self.rules.metrics);
                let window = Days::new(&self.rules).window(metric, self.clock);
                window.end + windows * metric.window_ms + self.after(*after) + off_ms
            }
            When::Edge { after, off_ms } => {
                self.clock - self.rules.out_of_order_ms - self.after(*after) + off_ms
            }
        };
        time.max(0)
    }

    fn after(&self, after: After) -> i64 {
        let Rules { out_of_order_ms, allowed_lateness_ms, deduplicate_ms, .. } = &self.rules;
        let within_ms = self.rules.metrics.iter().map(Metric::within_ms).max().unwrap_or(0);
        match after {
            After::Nothing => 0,
            After::OutOfOrder => *out_of_order_ms,
            After::AllowedLateness => *allowed_lateness_ms,
            After::Final => out_of_order_ms + allowed_lateness_ms,
            // Without it corrections are taken for 7 days; that is many windows if they are short.
            After::Deduplicate => {
                deduplicate_ms.unwrap_or(if self.unit_ms < MINUTE { 0 } else { 7 * DAY_MS })
            }
            After::Within => within_ms,
            After::WithinFinal => out_of_order_ms + allowed_lateness_ms + within_ms,
        }
    }
}

fn step(messy: bool) -> impl Strategy<Value = Step> {
    let rare = u32::from(messy);
    let copy = (any::<Index>(), 0..SHAPES).prop_map(|(back, shape)| Step::Copy { back, shape });
    let same = (any::<Index>(), option::of(when()), what(messy));
    prop_oneof![
        20 => (when(), what(messy)).prop_map(|(when, what)| Step::Event { when, what }),
        3 * rare + 1 => copy,
        rare + 1 => same.prop_map(|(back, when, what)| Step::SameIdentity { back, when, what }),
        rare + 1 => any::<Index>().prop_map(Step::Broken),
        1 => Just(Step::Empty),
    ]
}

fn when() -> impl Strategy<Value = When> {
    let window_end = (any::<Index>(), select(&AFTER), -3..2_i64, -1..2_i64);
    prop_oneof![
        8 => (0..12_i64).prop_map(When::Forward),
        3 => (0..200_i64).prop_map(When::Behind),
        2 => (0..12_i64).prop_map(When::Behind),
        2 => Just(When::Same),
        1 => (1..20_i64).prop_map(When::Jump),
        4 => window_end.prop_map(|(metric, after, windows, off_ms)| When::WindowEnd { metric, after, windows, off_ms }),
        3 => (select(&AFTER), -1..2_i64).prop_map(|(after, off_ms)| When::Edge { after, off_ms }),
    ]
}
