//! The oracle: every event is kept, and each answer is looked for in all of them.
//!
//! It follows the contract's sentences in their order. [`Intake::read`] goes through the lines once and decides what each
//! record counts as; [`super::points`] then makes the output of what was kept. There are no sketches, no state that is
//! dropped, and no thought of speed.
//!
//! Where the contract leaves a choice to the implementation, or says too little to tell two answers apart, the case is
//! named in [`Unclear`], and the properties leave it out.

use super::calendar::{Days, Span};
use super::model::{Event, Field, Kind, Late, Line, Metric, Rules, Value, billionths};
use std::collections::BTreeSet;

/// What became of the records: the counters of the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) received: u64,
    pub(super) rejected: u64,
    pub(super) filtered: u64,
    pub(super) duplicate: u64,
    pub(super) counted: u64,
    pub(super) late: u64,
}

/// What one metric saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MetricCounters {
    pub(super) matched: u64,
    pub(super) no_value: u64,
    pub(super) no_dimension: u64,
    pub(super) late_dropped: u64,
    /// Points of series that were folded into `__other__`.
    pub(super) folded: u64,
}

/// What the contract does not decide for a line or for a whole case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unclear {
    /// The horizon of deduplication may be rounded up to its next tenth, and this line falls in between.
    Horizon { line: usize },
    /// Steps of one journey at the same time whose order the contract does not name.
    StepOrder { line: usize },
    /// Whether zeros begin with the window of an event that is late for it.
    LateFirst { line: usize },
    /// Whether a series is known for zeros in a window that was final at the very place of its correction.
    KnownAtOnce { line: usize },
    /// Which series gets the last name of the day.
    Names,
}

/// An event of which a metric took something.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The number of its line, from 0.
    pub(super) line: usize,
    pub(super) metric: usize,
    pub(super) time_ms: i64,
    pub(super) identity: Identity,
    /// The watermark just before it; `None` before the first event.
    pub(super) place: Option<i64>,
    pub(super) window: Span,
    /// Whether the window was final: it becomes part of a correction.
    pub(super) late: bool,
    pub(super) taken: Taken,
}

/// What tells copies: the source, if it counts, and the id. Under `deduplicate: off` the line.
pub(super) type Identity = (Option<String>, String, usize);

/// What a metric takes of an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub(super) series: Vec<String>,
    /// Of sums and distributions, in billionths.
    pub(super) number: i128,
    /// Of unique counts, and the keys of journeys.
    pub(super) text: String,
    /// The ratio's part, or the journey's start.
    pub(super) first: bool,
    /// The ratio's whole, or the journey's finish.
    pub(super) second: bool,
}

/// An event of whatever kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded {
    /// The number of its line, from 0.
    pub(super) line: usize,
    pub(super) time_ms: i64,
    /// The watermark just before it; `None` before the first event.
    pub(super) stamp: Option<i64>,
}

/// What one metric says to an event.
enum Verdict {
    NotMine,
    NoValue,
    Takes(Taken),
    Reject,
}

/// The value of every dimension that is missing, null or empty.
pub(super) const MISSING: &str = "__missing__";

/// All records, read.
#[derive(Debug)]
pub(super) struct Intake<'r> {
    pub(super) rules: &'r Rules,
    pub(super) days: Days,
    pub(super) counters: Counters,
    pub(super) metrics: Vec<MetricCounters>,
    pub(super) kept: Vec<Kept>,
    /// Every decoded event, in the order of arrival.
    pub(super) events: Vec<Decoded>,
    /// Lines of the rejects, from 0.
    pub(super) rejected_lines: Vec<usize>,
    pub(super) unclear: BTreeSet<Unclear>,
    /// Identities, with event times, of the events that some metric took or would have taken.
    seen: Vec<(Identity, i64)>,
}

impl<'r> Intake<'r> {
    /// Reads all lines.
    pub(super) fn read(rules: &'r Rules, lines: &[Line]) -> Self {
        let mut intake = Self {
            rules,
            days: Days::new(rules),
            counters: Counters::default(),
            metrics: vec![MetricCounters::default(); rules.metrics.len()],
            kept: Vec::new(),
            events: Vec::new(),
            rejected_lines: Vec::new(),
            unclear: BTreeSet::new(),
            seen: Vec::new(),
        };
        for (number, line) in lines.iter().enumerate() {
            match line {
                Line::Empty => continue,
                Line::Broken(_) => intake.reject(number),
                Line::Event(event, _) => intake.event(number, event),
            }
            intake.counters.received += 1;
        }
        intake
    }

    /// The largest event time, which is where the input ends.
    pub(super) fn last_event(&self) -> Option<i64> {
        self.events.iter().map(|event| event.time_ms).max()
    }

    /// The smallest event time.
    pub(super) fn first_event(&self) -> Option<i64> {
        self.events.iter().map(|event| event.time_ms).min()
    }

    fn reject(&mut self, line: usize) {
        self.counters.rejected += 1;
        self.rejected_lines.push(line);
    }

    fn event(&mut self, line: usize, event: &Event) {
        let rules = self.rules;
        let verdicts: Vec<Verdict> =
            rules.metrics.iter().map(|metric| ask(metric, event)).collect();
        if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Reject)) {
            return self.reject(line);
        }
        let stamp = self.last_event().map(|time_ms| time_ms - rules.out_of_order_ms);
        self.events.push(Decoded { line, time_ms: event.time_ms, stamp });

        let wanted = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Takes(_)));
        // "An event older than that at its stamp could be a forgotten copy": it counts as late, even if it is a copy of
        // one that is remembered, with another event time.
        if wanted && !too_old(rules, event.time_ms, stamp) && self.is_copy(line, event, stamp) {
            self.counters.duplicate += 1;
            return;
        }
        let mut counted = false;
        for (place, verdict) in verdicts.into_iter().enumerate() {
            match verdict {
                Verdict::NotMine | Verdict::Reject => {}
                Verdict::NoValue => self.metrics[place].no_value += 1,
                Verdict::Takes(taken) => counted |= self.offer(line, event, place, stamp, taken),
            }
        }
        match (wanted, counted) {
            (false, _) => self.counters.filtered += 1,
            (true, true) => self.counters.counted += 1,
            (true, false) => self.counters.late += 1,
        }
    }

    /// Whether the event's identity is remembered; it is from now on.
    fn is_copy(&mut self, line: usize, event: &Event, stamp: Option<i64>) -> bool {
        let identity = self.identity(line, event);
        let known = self.seen.iter().filter(|(known, _)| *known == identity);
        let times: Vec<i64> = known.map(|&(_, time_ms)| time_ms).collect();
        let horizon = self.rules.deduplicate_ms.unwrap_or(0);
        // "remembered until its shard's watermark has passed its event time by `deduplicate`"
        let remembered = |time_ms: i64| stamp.is_none_or(|stamp| stamp <= time_ms + horizon);
        if times.iter().any(|&time_ms| remembered(time_ms)) {
            return true;
        }
        // "or up to the next tenth of that": by at most a tenth longer.
        if times.iter().any(|&time_ms| remembered(time_ms + horizon / 10 + 1)) {
            self.unclear.insert(Unclear::Horizon { line });
        }
        self.seen.push((identity, event.time_ms));
        false
    }

    fn identity(&self, line: usize, event: &Event) -> Identity {
        if self.rules.deduplicate_ms.is_none() {
            return (None, String::new(), line);
        }
        let source = event.source.clone().filter(|_| self.rules.identity_has_source);
        (source, event.id.clone(), 0)
    }

    /// Offers an event to a metric that wants it. True if the metric takes it, false if it refuses it as late.
    fn offer(
        &mut self,
        line: usize,
        event: &Event,
        place: usize,
        stamp: Option<i64>,
        taken: Taken,
    ) -> bool {
        let rules = self.rules;
        let metric = &rules.metrics[place];
        let window = self.days.window(metric, event.time_ms);
        let late = late(rules, metric, event.time_ms, window, stamp);
        let counters = &mut self.metrics[place];
        counters.matched += 1;
        counters.no_dimension += u64::from(taken.series.iter().any(|value| value == MISSING));
        if late == Lateness::Refused {
            counters.late_dropped += 1;
            return false;
        }
        let identity = self.identity(line, event);
        let late = late == Lateness::Correction;
        self.kept.push(Kept {
            line,
            metric: place,
            time_ms: event.time_ms,
            identity,
            place: stamp,
            window,
            late,
            taken,
        });
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lateness {
    InTime,
    Correction,
    Refused,
}

/// How long corrections are taken without deduplication.
const CORRECTIONS_WITHOUT_DEDUPLICATION_MS: i64 = 7 * super::calendar::DAY_MS;

/// Whether an event is so old that a copy of it may have been forgotten: every metric refuses it.
fn too_old(rules: &Rules, time_ms: i64, stamp: Option<i64>) -> bool {
    rules.deduplicate_ms.zip(stamp).is_some_and(|(horizon, stamp)| stamp - time_ms > horizon)
}

fn late(
    rules: &Rules,
    metric: &Metric,
    time_ms: i64,
    window: Span,
    stamp: Option<i64>,
) -> Lateness {
    if too_old(rules, time_ms, stamp) {
        return Lateness::Refused;
    }
    let Some(stamp) = stamp else { return Lateness::InTime };
    if let Kind::Journey { .. } = metric.kind {
        // "late for a journey when its place is past its time + allowed lateness, whatever its window"
        let late = stamp > time_ms + rules.allowed_lateness_ms;
        return if late { Lateness::Refused } else { Lateness::InTime };
    }
    // "final for an event whose place is at or past its end + allowed lateness"
    if stamp < window.end + rules.allowed_lateness_ms {
        return Lateness::InTime;
    }
    let overtime =
        rules.deduplicate_ms.is_none() && stamp - time_ms > CORRECTIONS_WITHOUT_DEDUPLICATION_MS;
    match (&metric.kind, rules.late) {
        (Kind::Unique(_), _) | (_, Late::Drop) => Lateness::Refused,
        (_, Late::Correct) if overtime => Lateness::Refused,
        (_, Late::Correct) => Lateness::Correction,
    }
}

/// What a metric says to an event, whenever it comes.
fn ask(metric: &Metric, event: &Event) -> Verdict {
    if metric.filter.as_ref().is_some_and(|filter| !filter.matches(event)) {
        return Verdict::NotMine;
    }
    let mut taken = Taken::default();
    let field = match &metric.kind {
        Kind::Count(condition) if condition.matches(event) => None,
        Kind::Count(_) => return Verdict::NotMine,
        Kind::Sum(field) | Kind::Distribution(field) | Kind::Unique(field) => Some(*field),
        Kind::Ratio { part, whole } => {
            (taken.first, taken.second) = (part.matches(event), whole.matches(event));
            if !taken.first && !taken.second {
                return Verdict::NotMine;
            }
            None
        }
        Kind::Journey { start, finish, key, .. } => {
            (taken.first, taken.second) = (start.matches(event), finish.matches(event));
            if !taken.first && !taken.second {
                return Verdict::NotMine;
            }
            Some(*key)
        }
    };
    if let Some(field) = field {
        let wants_number = matches!(metric.kind, Kind::Sum(_) | Kind::Distribution(_));
        match event.get(field) {
            // "skips the event": its dimensions are not looked at.
            Value::Missing | Value::Null => return Verdict::NoValue,
            Value::Number(text) if wants_number => match billionths(text) {
                Ok(number) => taken.number = number,
                Err(_) => return Verdict::Reject,
            },
            Value::Number(text) | Value::Text(text) if !wants_number => taken.text.clone_from(text),
            _ => return Verdict::Reject,
        }
    }
    // "taken from the start event": those of a finish are not looked at.
    let is_finish = matches!(metric.kind, Kind::Journey { .. }) && !taken.first;
    for &dimension in metric.dimensions.iter().filter(|_| !is_finish) {
        match dimension_text(event, dimension) {
            Some(text) => taken.series.push(text),
            None => return Verdict::Reject,
        }
    }
    Verdict::Takes(taken)
}

/// The value of a dimension, or nothing for a list or an object.
fn dimension_text(event: &Event, field: Field) -> Option<String> {
    match event.get(field) {
        Value::Missing | Value::Null => Some(MISSING.to_owned()),
        Value::Text(text) if text.is_empty() => Some(MISSING.to_owned()),
        Value::Text(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        // "numbers as the output prints them": whole ones without a fraction
        Value::Number(text) => billionths(text).ok().map(super::model::decimal_text),
        Value::List | Value::Object => None,
    }
}
