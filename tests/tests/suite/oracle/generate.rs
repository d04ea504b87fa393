//! Random rules and random events, aimed at the moments where windows, journeys and memories end.
//!
//! A case is grown from small steps ("the next event is 3 units later", "one that is exactly at the end of a window"),
//! so that proptest can shrink it by leaving steps out.

use super::calendar::{DAY_MS, Days};
use super::model::{
    Condition, Data, Event, Field, Kind, Late, Line, Metric, Rules, Value, Weekday,
};
use super::points::End;
use super::text::SHAPES;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::{Index, select};
use proptest::{option, prop_oneof};

/// A run: rules, lines, and how the input ends.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) rules: Rules,
    pub(super) lines: Vec<Line>,
    /// Lines at which a new file begins.
    pub(super) cuts: Vec<usize>,
    pub(super) end: End,
}

/// Lengths of time that go together.
#[derive(Debug)]
struct Scale {
    windows_ms: &'static [i64],
    out_of_order_ms: &'static [i64],
    allowed_lateness_ms: &'static [i64],
    deduplicate_ms: &'static [Option<i64>],
    within_ms: &'static [i64],
    /// What steps are counted in.
    unit_ms: i64,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

static SCALES: [Scale; 3] = [
    Scale {
        windows_ms: &[SECOND, 2 * SECOND, 5 * SECOND, 7 * SECOND, 10 * SECOND, MINUTE],
        out_of_order_ms: &[0, SECOND, 3 * SECOND, 30 * SECOND],
        allowed_lateness_ms: &[0, SECOND, 5 * SECOND, 30 * SECOND],
        deduplicate_ms: &[None, Some(30 * SECOND), Some(MINUTE), Some(HOUR)],
        within_ms: &[SECOND, 5 * SECOND, 10 * SECOND, MINUTE],
        unit_ms: 250,
    },
    Scale {
        windows_ms: &[MINUTE, 5 * MINUTE, 7 * MINUTE, 10 * MINUTE, HOUR],
        out_of_order_ms: &[0, 30 * SECOND, 2 * MINUTE],
        allowed_lateness_ms: &[0, 30 * SECOND, 2 * MINUTE, 10 * MINUTE],
        deduplicate_ms: &[None, Some(10 * MINUTE), Some(15 * MINUTE), Some(HOUR)],
        within_ms: &[30 * SECOND, 10 * MINUTE, 30 * MINUTE, HOUR],
        unit_ms: 15 * SECOND,
    },
    Scale {
        windows_ms: &[HOUR, 6 * HOUR, 12 * HOUR, DAY_MS, 2 * DAY_MS, 7 * DAY_MS],
        out_of_order_ms: &[0, MINUTE, HOUR],
        allowed_lateness_ms: &[0, 10 * MINUTE, HOUR, 6 * HOUR],
        deduplicate_ms: &[None, Some(6 * HOUR), Some(12 * HOUR), Some(2 * DAY_MS)],
        within_ms: &[HOUR, 6 * HOUR, DAY_MS],
        unit_ms: 40 * MINUTE,
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
const ZONES: [&str; 9] = [
    "UTC",
    "Asia/Dubai",
    "America/New_York",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Monrovia",
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

/// The rest of an event.
#[derive(Clone, Debug)]
struct What {
    source: Option<&'static str>,
    kind: usize,
    data: Data,
    shape: usize,
}

/// Cases with up to so many steps. With `messy` false nothing is broken, copied or of the wrong type.
pub(super) fn case(steps_max: usize, messy: bool) -> impl Strategy<Value = Case> {
    (select(vec![0, 1, 2]), select(BASES.to_vec())).prop_flat_map(move |(scale, base)| {
        let scale = &SCALES[scale];
        let base: jiff::Timestamp = base.parse().unwrap();
        let steps = vec(step(messy), 0..=steps_max);
        let end = (option::weighted(0.3, 0..400_i64), any::<bool>());
        (rules(scale), steps, vec(any::<Index>(), 0..3), end).prop_map(
            move |(rules, steps, cuts, (until, open))| {
                let mut growth = Growth {
                    rules,
                    unit_ms: scale.unit_ms,
                    clock: base.as_millisecond(),
                    lines: Vec::new(),
                };
                for (number, step) in steps.into_iter().enumerate() {
                    growth.take(number, step);
                }
                let Growth { rules, lines, clock, .. } = growth;
                let mut cuts: Vec<usize> =
                    cuts.iter().map(|cut| cut.index(lines.len() + 1)).collect();
                cuts.sort_unstable();
                let until = until
                    .map(|units| clock + (units - 50) * scale.unit_ms)
                    .filter(|&until| until >= 0);
                Case { rules, lines, cuts, end: End { until, open } }
            },
        )
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
                Some(event) => Line::Event(event, shape),
                None => Line::Empty,
            },
            Step::SameIdentity { back, when, what } => match self.earlier(back) {
                Some(earlier) => {
                    let time_ms = when.map_or(earlier.time_ms, |when| self.time(&when));
                    let Event { source, id, .. } = earlier;
                    Line::Event(
                        Event { source, id, kind: what.kind, time_ms, data: what.data },
                        what.shape,
                    )
                }
                None => Line::Empty,
            },
            Step::Event { when, what } => {
                let source = what.source.map(str::to_owned);
                let time_ms = self.time(&when);
                let id = format!("e{number}");
                Line::Event(
                    Event { source, id, kind: what.kind, time_ms, data: what.data },
                    what.shape,
                )
            }
        };
        if let Line::Event(event, _) = &line {
            self.clock = self.clock.max(event.time_ms);
        }
        self.lines.push(line);
    }

    /// One of the last events.
    fn earlier(&self, back: Index) -> Option<Event> {
        let events: Vec<&Event> = self
            .lines
            .iter()
            .filter_map(|line| if let Line::Event(event, _) = line { Some(event) } else { None })
            .collect();
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
    let after = || {
        select(vec![
            After::Nothing,
            After::OutOfOrder,
            After::AllowedLateness,
            After::Final,
            After::Deduplicate,
            After::Within,
            After::WithinFinal,
        ])
    };
    let window_end = (any::<Index>(), after(), -3..2_i64, -1..2_i64);
    prop_oneof![
        8 => (0..12_i64).prop_map(When::Forward),
        3 => (0..200_i64).prop_map(When::Behind),
        2 => (0..12_i64).prop_map(When::Behind),
        2 => Just(When::Same),
        1 => (1..20_i64).prop_map(When::Jump),
        4 => window_end.prop_map(|(metric, after, windows, off_ms)| When::WindowEnd { metric, after, windows, off_ms }),
        3 => (after(), -1..2_i64).prop_map(|(after, off_ms)| When::Edge { after, off_ms }),
    ]
}

fn what(messy: bool) -> impl Strategy<Value = What> {
    let rare = u32::from(messy);
    let data = prop_oneof![
        30 => data(messy).prop_map(Data::Object),
        rare => Just(Data::Missing),
        rare => Just(Data::Text),
    ];
    let source = select(vec![Some("/shop"), Some("/shop"), Some("/shop/2"), None]);
    // Starts and finishes of journeys come more often than the rest.
    let kind = select(vec![0, 0, 0, 1, 2, 2, 2, 3]);
    (source, kind, data, 0..SHAPES).prop_map(|(source, kind, data, shape)| What {
        source,
        kind,
        data,
        shape,
    })
}

fn data(messy: bool) -> impl Strategy<Value = [Value; 5]> {
    let rare = u32::from(messy);
    let text = |values: &[&'static str]| {
        select(values.to_vec()).prop_map(|text| Value::Text(text.to_owned()))
    };
    let number = |values: &[&'static str]| {
        select(values.to_vec()).prop_map(|text| Value::Number(text.to_owned()))
    };
    let country = prop_oneof![
        24 => text(&["AE", "DE", "FR", "US", "say \"hi\"\\\n", "\u{645}\u{631}\u{62d}\u{628}\u{627}"]),
        2 => number(&["7", "1.50", "1e2", "-0.25"]),
        1 => Just(Value::Bool(true)),
        1 => text(&[""]),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
        rare => Just(Value::List),
    ];
    let partner = prop_oneof![
        8 => text(&["noon", "talabat", "a", "b", "c"]),
        1 => Just(Value::Missing),
    ];
    let whole = (-1000..2000_i64).prop_map(|number| Value::Number(number.to_string()));
    let cents = (-100_000..900_000_i64).prop_map(|cents| {
        let sign = if cents < 0 { "-" } else { "" };
        Value::Number(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
    });
    let special = &[
        "0",
        "-0",
        "0.0",
        "1e3",
        "2.5E-3",
        "1.0000000005",
        "1.0000000015",
        "-1.0000000025",
        "0.000000001",
        "123456789012345678",
        "-999999999999999999",
        "99999999999.123456789",
        "1e17",
    ];
    let amount = prop_oneof![
        8 => whole,
        8 => cents,
        4 => number(special),
        1 => Just(Value::Missing),
        1 => Just(Value::Null),
        rare => text(&["12"]),
        rare => number(&["1e18", "-1000000000000000000", "1e30"]),
        rare => Just(Value::Bool(false)),
        rare => Just(Value::Object),
    ];
    let customer = prop_oneof![
        10 => (0..8).prop_map(|number| Value::Text(format!("c{number}"))),
        2 => (0..3_u32).prop_map(|number| Value::Number(number.to_string())),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
    ];
    let order = prop_oneof![
        10 => (0..4).prop_map(|number| Value::Text(format!("o{number}"))),
        1 => text(&["1", "2"]),
        1 => number(&["1", "2"]),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
    ];
    (country, partner, amount, customer, order).prop_map(
        |(country, partner, amount, customer, order)| [country, partner, amount, customer, order],
    )
}

fn rules(scale: &'static Scale) -> impl Strategy<Value = Rules> {
    let times = (
        select(scale.out_of_order_ms),
        select(scale.allowed_lateness_ms),
        select(scale.deduplicate_ms),
    );
    let choices = (
        select(vec![Late::Correct, Late::Drop]),
        any::<bool>(),
        select(ZONES.to_vec()),
        select(vec![Weekday::Monday, Weekday::Thursday, Weekday::Sunday]),
    );
    (times, choices, vec(metric(scale), 1..=4)).prop_map(|(times, choices, metrics)| {
        let (out_of_order_ms, allowed_lateness_ms, deduplicate_ms) = times;
        let (late, identity_has_source, time_zone, week_starts) = choices;
        Rules {
            out_of_order_ms,
            allowed_lateness_ms,
            late,
            deduplicate_ms,
            identity_has_source,
            time_zone,
            week_starts,
            metrics,
        }
    })
}

fn metric(scale: &'static Scale) -> impl Strategy<Value = Metric> {
    let dimensions = select(vec![
        vec![],
        vec![],
        vec![Field::Country],
        vec![Field::Partner],
        vec![Field::Country, Field::Partner],
    ]);
    let max_series = select(vec![None, None, None, Some(1), Some(2), Some(3)]);
    let rest = (select(scale.windows_ms), any::<bool>(), any::<bool>(), max_series);
    (kind(scale), option::weighted(0.3, condition()), dimensions, rest).prop_map(
        |(kind, filter, dimensions, rest)| {
            let (window_ms, zero, live, max_series) = rest;
            let zero = zero && matches!(kind, Kind::Count(_) | Kind::Sum(_) | Kind::Unique(_));
            let live =
                live && matches!(kind, Kind::Count(_) | Kind::Sum(_) | Kind::Distribution(_));
            // Over the cap, the names of live series depend on the order of arrival.
            let max_series = max_series.filter(|_| !live);
            Metric { kind, filter, dimensions, window_ms, zero, live, max_series }
        },
    )
}

fn kind(scale: &'static Scale) -> impl Strategy<Value = Kind> {
    let ratio = (condition(), condition()).prop_map(|(part, whole)| Kind::Ratio { part, whole });
    let usual = (Just(Condition::TypeIs(2)), Just(Condition::TypeIs(0)));
    let starts_and_finishes = prop_oneof![4 => usual, 1 => (condition(), condition())];
    let journey = (starts_and_finishes, select(scale.within_ms));
    let journey = journey.prop_map(|((start, finish), within_ms)| Kind::Journey {
        start,
        finish,
        key: Field::Order,
        within_ms,
    });
    prop_oneof![
        2 => condition().prop_map(Kind::Count),
        1 => Just(Kind::Sum(Field::Amount)),
        1 => Just(Kind::Distribution(Field::Amount)),
        1 => Just(Kind::Unique(Field::Customer)),
        1 => ratio,
        3 => journey,
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        2 => Just(Condition::True),
        6 => (0..4_usize).prop_map(Condition::TypeIs),
        2 => vec(0..4_usize, 1..3).prop_map(Condition::TypeIn),
        2 => (select(vec![Field::Country, Field::Partner]), select(vec!["AE", "noon", "DE"]))
            .prop_map(|(field, text)| Condition::TextIs(field, text)),
        1 => (0..1000_i32).prop_map(Condition::AmountOver),
        1 => select(Field::ALL.to_vec()).prop_map(Condition::Has),
    ];
    leaf.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| Condition::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner)
                .prop_map(|(left, right)| Condition::Or(Box::new(left), Box::new(right))),
        ]
    })
}
