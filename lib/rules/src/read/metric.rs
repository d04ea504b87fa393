//! Metrics.
//!
//! Whatever is wrong with a metric, its name stays known, and so does what could be read of it: alerts on it are
//! checked as far as that goes.

mod kind;

pub(crate) use kind::Kind;

use super::Reader;
use super::expression::Compiled;
use super::fields::Fields;
use crate::cel::Expected;
use crate::duration;
use crate::hash::Canonical;
use crate::problem::code::Code;
use crate::reference::tables::{METRIC, UNITS};
use crate::source::Place;
use crate::yaml::tree::{Entry, shown};
use streamgauge_engine::calendar::{Calendar, Window};
use streamgauge_engine::plan::{Dimension, Metric};
use streamgauge_engine::time::{DAY_MS, Millis};

/// Metrics in one plan.
pub(crate) const METRICS_MAX: usize = 1_000;
/// CloudWatch takes no more dimensions of a metric.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
pub(crate) const DIMENSIONS_MAX: usize = 30;
/// The shortest window.
pub(crate) const WINDOW_MIN: Millis = 1_000;
/// The longest window.
pub(crate) const WINDOW_MAX: Millis = 366 * DAY_MS;
/// The longest journey.
pub(crate) const WITHIN_MAX: Millis = 30 * DAY_MS;
/// The largest `max_series`: CloudWatch bills each, and each open window holds ten times as many.
pub(crate) const SERIES_MAX: u64 = 100_000;
/// The default of `max_series`.
pub(crate) const SERIES_DEFAULT: usize = 1_000;

/// Whether `CloudWatch` knows all letters of a name.
pub(super) fn is_printable_ascii(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ')
}

/// Whether a name begins with a colon, or begins or ends with a space: `CloudWatch` refuses it.
pub(super) fn has_odd_edges(name: &str) -> bool {
    name.starts_with(':') || name.trim() != name
}

/// What is known of a metric, whether all of it is right or not.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) kind: Option<Kind>,
    /// The dimensions, unless they could not be read.
    pub(crate) dimensions: Option<Vec<String>>,
    pub(crate) window: Option<Window>,
    /// The length of the window.
    pub(crate) window_length: Option<Millis>,
    pub(crate) within: Millis,
    /// The metric, if nothing is wrong with it.
    pub(crate) metric: Option<Metric>,
}

impl Reader<'_> {
    /// The metrics, in the order of the file.
    pub(crate) fn metrics(
        &mut self,
        file: &Fields<'_>,
        calendar: Option<&Calendar>,
        event: &str,
    ) -> Vec<Outline> {
        let Some(node) = file.get("metrics") else { return Vec::new() };
        let Some(entries) = self.map(node, "a map of metrics") else { return Vec::new() };
        if entries.len() > METRICS_MAX {
            let message =
                format!("there are {} metrics; the limit is {METRICS_MAX}", entries.len());
            self.findings.error(Code::LimitExceeded, node.place, message);
        }
        entries.iter().take(METRICS_MAX).map(|entry| self.metric(entry, calendar, event)).collect()
    }

    fn metric(&mut self, entry: &Entry, calendar: Option<&Calendar>, event: &str) -> Outline {
        let mut outline = Outline {
            name: entry.key.clone(),
            place: entry.key_place,
            kind: None,
            dimensions: None,
            window: None,
            window_length: None,
            within: 0,
            metric: None,
        };
        self.metric_name(entry);
        let Some(fields) = self.fields(&entry.value, &METRIC, entry.key_place) else {
            return outline;
        };
        let mut canonical = Canonical::new("metric 1");
        canonical.text("name", &entry.key).text("event", event);
        if let Some(calendar) = calendar {
            canonical.calendar(calendar);
        }
        outline.metric = self.definition(&fields, &mut outline, &mut canonical);
        fields.finish();
        outline
    }

    /// The metric; nothing if one of its keys is wrong, but all of them are read.
    fn definition(
        &mut self,
        fields: &Fields<'_>,
        outline: &mut Outline,
        canonical: &mut Canonical,
    ) -> Option<Metric> {
        let kind = self.kind(fields, outline, canonical);
        let filter = fields.get("where").map(|value| self.expression(value, Expected::Bool));
        let dimensions = self.dimensions(fields, outline);
        let window = self.window(fields, outline);
        let live = self.emit(fields, outline.kind);
        let zero = self.zero(fields, outline.kind);
        let max_series = self.max_series(fields);
        let unit = self.unit(fields);

        let (kind, dimensions, window) = (kind?, dimensions?, window?);
        let filter = match filter {
            Some(filter) => {
                let filter = filter?;
                canonical.expression("where", &filter.source);
                Some(filter.program)
            }
            None => None,
        };
        for (name, value) in &dimensions {
            canonical.text("dimension", name).expression("value", &value.source);
        }
        canonical.number("window", outline.window_length.unwrap_or_default());
        canonical.flag("live", live).flag("zero", zero);
        canonical.number("max_series", i64::try_from(max_series).unwrap_or(i64::MAX));
        let dimensions =
            dimensions.into_iter().map(|(name, value)| Dimension { name, value: value.program });
        Some(Metric {
            name: outline.name.clone(),
            definition: canonical.hash(),
            kind,
            filter,
            dimensions: dimensions.collect(),
            window,
            live,
            zero,
            max_series,
            unit,
        })
    }

    fn max_series(&mut self, fields: &Fields<'_>) -> usize {
        let number = fields.get("max_series").and_then(|value| self.whole(value, 1..=SERIES_MAX));
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(SERIES_DEFAULT)
    }

    fn unit(&mut self, fields: &Fields<'_>) -> Option<String> {
        let position = self.choice(fields.get("unit")?, UNITS)?;
        UNITS.get(position).map(|unit| (*unit).to_owned())
    }

    /// CloudWatch's rule for names of metrics, which leaves room for a journey's suffixes.
    fn metric_name(&mut self, entry: &Entry) {
        const LENGTH_MAX: usize = 240;
        let name = &entry.key;
        let problem = if name.is_empty() || name.len() > LENGTH_MAX {
            format!("the name of a metric has 1 to {LENGTH_MAX} characters")
        } else if !is_printable_ascii(name) {
            "the name of a metric is ASCII".to_owned()
        } else if has_odd_edges(name) {
            "the name of a metric does not begin with a colon, nor begin or end with a space"
                .to_owned()
        } else {
            return;
        };
        self.findings
            .error(Code::InvalidName, entry.key_place, problem)
            .hint("write a name such as `orders_created`");
    }

    /// Names and values; nothing if one of them is wrong, but the names stay known.
    fn dimensions(
        &mut self,
        fields: &Fields<'_>,
        outline: &mut Outline,
    ) -> Option<Vec<(String, Compiled)>> {
        let Some(node) = fields.get("dimensions") else {
            outline.dimensions = Some(Vec::new());
            return Some(Vec::new());
        };
        let entries = self.map(node, "a map of dimensions such as `{country: data.country}`")?;
        if entries.len() > DIMENSIONS_MAX {
            let message = format!(
                "there are {} dimensions; CloudWatch takes {DIMENSIONS_MAX}",
                entries.len()
            );
            self.findings.error(Code::LimitExceeded, fields.key_place("dimensions"), message);
        }
        outline.dimensions = Some(entries.iter().map(|entry| entry.key.clone()).collect());
        let mut complete = true;
        let mut dimensions = Vec::new();
        for entry in entries {
            let name = &entry.key;
            let is_valid =
                (1..=255).contains(&name.len()) && is_printable_ascii(name) && !has_odd_edges(name);
            if !is_valid {
                self.findings
                    .error(Code::InvalidName, entry.key_place, format!("`{}` cannot name a dimension", shown(name)))
                    .hint("a name is 1 to 255 ASCII characters, does not begin with a colon, nor begin or end with a space");
            }
            match self.expression(&entry.value, Expected::Any) {
                Some(value) if is_valid => dimensions.push((name.clone(), value)),
                _ => complete = false,
            }
        }
        complete.then_some(dimensions)
    }

    fn window(&mut self, fields: &Fields<'_>, outline: &mut Outline) -> Option<Window> {
        let node = self.required(fields, "window")?;
        let length = self.duration(node, 1..=WINDOW_MAX)?;
        outline.window_length = Some(length);
        let days = length / DAY_MS;
        let window = if length < WINDOW_MIN {
            let message = format!("a window of {} is shorter than 1s", duration::show(length));
            self.findings
                .error(Code::InvalidWindow, node.place, message)
                .hint("write `1s` or more");
            return None;
        } else if length < DAY_MS {
            Window::Fixed(length)
        } else if length % DAY_MS != 0 {
            let message = format!(
                "a window of {} is longer than a day and no whole number of days",
                duration::show(length)
            );
            let hint = format!("write `{days}d` or `{}d`", days + 1);
            self.findings.error(Code::InvalidWindow, node.place, message).hint(hint);
            return None;
        } else if days % 7 == 0 {
            Window::Weeks(u32::try_from(days / 7).unwrap_or(u32::MAX))
        } else {
            Window::Days(u32::try_from(days).unwrap_or(u32::MAX))
        };
        outline.window = Some(window);
        Some(window)
    }

    fn emit(&mut self, fields: &Fields<'_>, kind: Option<Kind>) -> bool {
        let Some(node) = fields.get("emit") else { return false };
        let live = self.choice(node, &["close", "live"]) == Some(1);
        if let Some(kind) = kind
            && live
            && !matches!(kind, Kind::Count | Kind::Sum | Kind::Distribution)
        {
            let message = format!("{} cannot be published as it comes", kind.with_article());
            self.findings
                .error(Code::NotAvailable, node.place, message)
                .hint("`emit: live` is for `count`, `sum` and `distribution`; leave it out");
        }
        live
    }

    fn zero(&mut self, fields: &Fields<'_>, kind: Option<Kind>) -> bool {
        let Some(node) = fields.get("zero") else { return false };
        let zero = self.choice(node, &["skip", "publish"]) == Some(1);
        if let Some(kind) = kind
            && zero
            && !matches!(kind, Kind::Count | Kind::Sum | Kind::Unique)
        {
            let message = format!("{} has no value when there are no events", kind.with_article());
            self.findings
                .error(Code::NotAvailable, node.place, message)
                .hint("`zero: publish` is for `count`, `sum` and `unique`; leave it out");
        }
        zero
    }
}
