//! What the oracle knows of rules and events: plain values, no JSON and no YAML.
//!
//! Rules are built from a few forms of conditions and five fields of `data`; that is enough to reach every kind of
//! metric, and little enough that [`Condition::matches`] is seen to be right at a glance.

/// The event types that are generated.
pub(super) const TYPES: [&str; 4] = ["order.created", "order.rejected", "checkout.started", "ping"];

/// A rules file.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) out_of_order_ms: i64,
    pub(super) allowed_lateness_ms: i64,
    pub(super) late: Late,
    pub(super) deduplicate_ms: Option<i64>,
    /// Whether the identity is `[source, id]`; else it is `id`.
    pub(super) identity_has_source: bool,
    pub(super) time_zone: &'static str,
    pub(super) week_starts: Weekday,
    pub(super) metrics: Vec<Metric>,
}

/// What becomes of late events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Correct,
    Drop,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weekday {
    Monday,
    Thursday,
    Sunday,
}

impl Weekday {
    /// The name in rules.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Thursday => "thursday",
            Self::Sunday => "sunday",
        }
    }

    /// The number of days from 1970-01-01, a Thursday, to the first such day.
    pub(super) fn first_of_1970(self) -> i64 {
        match self {
            Self::Thursday => 0,
            Self::Sunday => 3,
            Self::Monday => 4,
        }
    }
}

/// A metric.
#[derive(Clone, Debug)]
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) filter: Option<Condition>,
    pub(super) dimensions: Vec<Field>,
    pub(super) window_ms: i64,
    pub(super) zero: bool,
    pub(super) live: bool,
    pub(super) max_series: Option<usize>,
}

impl Metric {
    /// The time a journey may take; 0 for other kinds.
    pub(super) fn within_ms(&self) -> i64 {
        if let Kind::Journey { within_ms, .. } = self.kind { within_ms } else { 0 }
    }
}

/// What a metric computes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Count(Condition),
    Sum(Field),
    Distribution(Field),
    Unique(Field),
    Ratio { part: Condition, whole: Condition },
    Journey { start: Condition, finish: Condition, key: Field, within_ms: i64 },
}

/// A field of an event's `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Country,
    Partner,
    Amount,
    Customer,
    Order,
}

impl Field {
    pub(super) const ALL: [Self; 5] =
        [Self::Country, Self::Partner, Self::Amount, Self::Customer, Self::Order];

    /// The key in `data`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Partner => "partner",
            Self::Amount => "amount",
            Self::Customer => "customer",
            Self::Order => "order",
        }
    }
}

/// A predicate over an event.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    True,
    TypeIs(usize),
    TypeIn(Vec<usize>),
    TextIs(Field, &'static str),
    AmountOver(i32),
    Has(Field),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// An expression that ended in an error: a missing field or a wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EvaluationError;

impl Condition {
    /// Whether the condition is true for an event; one that ends in an error does not match.
    pub(super) fn matches(&self, event: &Event) -> bool {
        self.evaluate(event) == Ok(true)
    }

    fn evaluate(&self, event: &Event) -> Result<bool, EvaluationError> {
        match self {
            Self::True => Ok(true),
            Self::TypeIs(kind) => Ok(event.kind == *kind),
            Self::TypeIn(kinds) => Ok(kinds.contains(&event.kind)),
            Self::TextIs(field, text) => match event.get(*field) {
                Value::Missing => Err(EvaluationError),
                Value::Text(found) => Ok(found == text),
                _ => Ok(false),
            },
            Self::AmountOver(limit) => match event.get(Field::Amount) {
                Value::Number(number) => Ok(number.parse::<f64>().unwrap() > f64::from(*limit)),
                _ => Err(EvaluationError),
            },
            Self::Has(field) => match event.data {
                Data::Object(_) => Ok(*event.get(*field) != Value::Missing),
                Data::Missing | Data::Text => Err(EvaluationError),
            },
            Self::Not(inner) => inner.evaluate(event).map(|value| !value),
            // One side that decides absorbs an error of the other.
            Self::And(left, right) => match (left.evaluate(event), right.evaluate(event)) {
                (Ok(false), _) | (_, Ok(false)) => Ok(false),
                (Ok(true), Ok(true)) => Ok(true),
                _ => Err(EvaluationError),
            },
            Self::Or(left, right) => match (left.evaluate(event), right.evaluate(event)) {
                (Ok(true), _) | (_, Ok(true)) => Ok(true),
                (Ok(false), Ok(false)) => Ok(false),
                _ => Err(EvaluationError),
            },
        }
    }
}

/// An event, as it was meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) source: Option<String>,
    pub(super) id: String,
    /// The place of its type in [`TYPES`].
    pub(super) kind: usize,
    pub(super) time_ms: i64,
    pub(super) data: Data,
}

impl Event {
    /// The value of a field, missing if `data` is no object.
    pub(super) fn get(&self, field: Field) -> &Value {
        match &self.data {
            Data::Object(values) => {
                let place = Field::ALL.iter().position(|&known| known == field).unwrap();
                &values[place]
            }
            Data::Missing | Data::Text => &Value::Missing,
        }
    }
}

/// An event's `data`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    /// The values of [`Field::ALL`].
    Object([Value; 5]),
    Missing,
    /// A string where an object should be.
    Text,
}

/// A value in an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Missing,
    Null,
    Bool(bool),
    Text(String),
    /// As written.
    Number(String),
    List,
    Object,
}

/// A line of an input.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// An event, written in one of several shapes.
    Event(Box<Event>, usize),
    /// A record that is no event.
    Broken(&'static [u8]),
    /// An empty line: no record.
    Empty,
}

/// A number as written, in whole billionths: finer is rounded half to even. An error if it is 10^18 or more in size.
///
/// Written for the numbers that are generated: at most 27 digits and small exponents.
pub(super) fn billionths(text: &str) -> Result<i128, EvaluationError> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    let exponent: i64 = exponent.parse().unwrap();
    let shift = exponent + 9 - i64::try_from(fraction.len()).unwrap();
    let scale = 10_i128.checked_pow(u32::try_from(shift.abs()).unwrap()).ok_or(EvaluationError)?;
    let scaled_up = || digits.checked_mul(scale).ok_or(EvaluationError);
    let value = if shift >= 0 { scaled_up()? } else { divide_half_even(digits, scale) };
    if value.abs() >= 10_i128.pow(27) { Err(EvaluationError) } else { Ok(value) }
}

fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend.div_euclid(divisor);
    let twice = dividend.rem_euclid(divisor) * 2;
    quotient + i128::from(twice > divisor || (twice == divisor && quotient % 2 != 0))
}

/// So many billionths as text, exactly, without zeros at the end.
pub(super) fn decimal_text(billionths: i128) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let size = billionths.abs();
    let text = format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
