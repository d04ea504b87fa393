//! A metric of the rules to families.

use super::family::{Family, Sample, Type};
use super::{Metric, SERIES_MAX, Series, Total, name};
use std::borrow::Cow;
use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_pipeline::kept::ValueKind;
use streamgauge_pipeline::render::Number;

/// The quantiles of a summary, in the order of [`streamgauge_engine::output::PERCENTILES`] and as `OpenMetrics` writes them.
const QUANTILES: [&str; 5] = ["0.5", "0.9", "0.95", "0.99", "0.999"];

type Labels = Vec<(String, String)>;

/// The series that are shown, in the order of their dimensions' values.
pub(super) fn shown<'m>(metric: &'m Metric<'_>) -> Vec<Cow<'m, Series>> {
    if metric.series.is_empty() && metric.dimensions.is_empty() {
        let key = Arc::new(SeriesKey::default());
        return vec![Cow::Owned(Series { key, total: Total::zero(metric.kind), newest: None })];
    }
    let mut series: Vec<&Series> = metric.series.iter().collect();
    let end = |one: &Series| one.newest.as_ref().map(|newest| newest.window_end);
    series.sort_by(|one, other| end(other).cmp(&end(one)).then_with(|| one.key.cmp(&other.key)));
    series.truncate(SERIES_MAX);
    series.sort_by(|one, other| one.key.cmp(&other.key));
    series.into_iter().map(Cow::Borrowed).collect()
}

/// The families of a metric, whose names begin with `base`.
pub(super) fn families(metric: &Metric<'_>, base: &str, shown: &[Cow<'_, Series>]) -> Vec<Family> {
    let names = name::labels(&metric.dimensions);
    let labelled: Vec<(Labels, &Series)> = shown
        .iter()
        .map(|series| {
            let values = series.key.values().map(str::to_owned);
            (names.iter().cloned().zip(values).collect(), &**series)
        })
        .collect();
    let writer = Writer { metric, base, series: &labelled };
    match metric.kind {
        ValueKind::Count => vec![writer.counter("", "events", |total| match total {
            Total::Count(count) => Some(*count),
            _ => None,
        })],
        ValueKind::Sum => vec![writer.sum()],
        ValueKind::Distribution => writer.summary("", "values", metric.unit, distribution),
        ValueKind::Unique => vec![writer.unique()],
        ValueKind::Ratio => writer.ratio(),
        ValueKind::Journey => writer.journey(),
    }
}

/// Total and newest values of a distribution.
type Distribution<'s> = (SumValues, Option<&'s DistributionValues>);

fn distribution<'s>(total: &Total, newest: Option<&'s Values>) -> Option<Distribution<'s>> {
    let Total::Distribution(total) = total else { return None };
    let newest = match newest {
        Some(Values::Distribution(values)) => Some(&**values),
        _ => None,
    };
    Some((*total, newest))
}

fn time<'s>(total: &Total, newest: Option<&'s Values>) -> Option<Distribution<'s>> {
    let Total::Journey { time, .. } = total else { return None };
    let newest = match newest {
        Some(Values::Journey(values)) => Some(&values.time),
        _ => None,
    };
    Some((*time, newest))
}

/// What all families of a metric are made of.
struct Writer<'w> {
    metric: &'w Metric<'w>,
    base: &'w str,
    series: &'w [(Labels, &'w Series)],
}

impl<'w> Writer<'w> {
    /// A family whose name goes on after the metric's.
    fn family(&self, suffix: &str, kind: Type, what: &str) -> Family {
        let name = format!("{}{suffix}", self.base);
        Family::new(name, kind, self.help(what))
    }

    /// What the metric means, with its own name, so that it is found in the rules.
    fn help(&self, what: &str) -> String {
        let name = self.metric.name;
        let unit = self.metric.unit.filter(|unit| !matches!(*unit, "None" | "Count"));
        let unit = unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
        match self.metric.help {
            Some(help) => format!("{help} (`{name}`: {what}{unit})"),
            None => format!("`{name}`: {what}{unit}"),
        }
    }

    /// The newest values of a series, as long as they are those of the newest final window.
    fn newest(&self, series: &'w Series) -> Option<&'w Values> {
        let newest = series.newest.as_ref();
        newest
            .filter(|newest| newest.is_current(self.metric.final_until))
            .map(|newest| &newest.values)
    }

    fn counter(&self, suffix: &str, what: &str, total: impl Fn(&Total) -> Option<u64>) -> Family {
        let what = format!("{what} in final windows, since the store began");
        let mut family = self.family(suffix, Type::Counter, &what);
        for (labels, series) in self.series {
            if let Some(total) = total(&series.total) {
                family.push(labels.clone(), Number::Whole(total));
            }
        }
        family
    }

    fn sum(&self) -> Family {
        let total = |series: &Series| match series.total {
            Total::Sum(sum) => Some(sum),
            _ => None,
        };
        let falls = self.series.iter().filter_map(|(_, series)| total(series)).any(can_fall);
        let what = "sum of values in final windows, since the store began";
        let mut family = if falls {
            self.family("_total", Type::Unknown, what)
        } else {
            self.family("", Type::Counter, what).with_unit(self.metric.unit)
        };
        for (labels, series) in self.series {
            if let Some(sum) = total(series) {
                family.push(labels.clone(), Number::Decimal(sum.sum));
            }
        }
        family
    }

    fn unique(&self) -> Family {
        let mut family =
            self.family("", Type::Gauge, "different values in the newest final window");
        for (labels, series) in self.series {
            if let Some(Values::Unique(unique)) = self.newest(series) {
                family.push(labels.clone(), Number::Whole(*unique));
            }
        }
        family
    }

    fn ratio(&self) -> Vec<Family> {
        let ratio = |total: &Total| match total {
            Total::Ratio { part, whole } => Some((*part, *whole)),
            _ => None,
        };
        vec![
            self.counter("_part", "events of the part", |total| Some(ratio(total)?.0)),
            self.counter("_whole", "events of the whole", |total| Some(ratio(total)?.1)),
        ]
    }

    fn journey(&self) -> Vec<Family> {
        let journeys = |total: &Total| match total {
            Total::Journey { started, finished, abandoned, .. } => {
                Some((*started, *finished, *abandoned))
            }
            _ => None,
        };
        let open = self.metric.open.map(|open| {
            let mut family = self.family("_open", Type::Gauge, "journeys that are open");
            family.push(Vec::new(), Number::Whole(open));
            family
        });
        let mut families = vec![
            self.counter("_started", "journeys that started", |total| Some(journeys(total)?.0)),
            self.counter("_finished", "journeys that finished in time", |total| {
                Some(journeys(total)?.1)
            }),
            self.counter("_abandoned", "journeys that did not finish in time", |total| {
                Some(journeys(total)?.2)
            }),
        ];
        families.extend(open);
        families.extend(self.summary("_time_seconds", "time to finish", Some("seconds"), time));
        families
    }

    /// A summary; if its sum can fall, the same series as families of no known type.
    fn summary(
        &self,
        suffix: &str,
        what: &str,
        unit: Option<&str>,
        of: impl Fn(&Total, Option<&'w Values>) -> Option<Distribution<'w>>,
    ) -> Vec<Family> {
        let what = format!(
            "{what}: sum and count since the store began, quantiles of the newest final window"
        );
        let mut summary = self.family(suffix, Type::Summary, &what).with_unit(unit);
        let mut falls = false;
        for (labels, series) in self.series {
            let Some((total, newest)) = of(&series.total, self.newest(series)) else { continue };
            falls |= can_fall(total);
            push_quantiles(labels, newest, &mut summary);
            summary.push_as("_sum", labels.clone(), Number::Decimal(total.sum));
            summary.push_as("_count", labels.clone(), Number::Whole(total.count));
        }
        if falls { apart(&summary) } else { vec![summary] }
    }
}

/// Whether what was added was ever below 0.
fn can_fall(total: SumValues) -> bool {
    total.min.is_some_and(|min| min < Decimal::ZERO)
}

fn push_quantiles(labels: &Labels, newest: Option<&DistributionValues>, summary: &mut Family) {
    let Some(newest) = newest.filter(|newest| newest.exact.count > 0) else { return };
    for (quantile, value) in QUANTILES.iter().zip(newest.percentiles) {
        let mut with_quantile = labels.clone();
        with_quantile.push(("quantile".to_owned(), (*quantile).to_owned()));
        summary.push(with_quantile, Number::Decimal(value));
    }
}

/// The series of a summary as three families, whose names do not change by that.
fn apart(summary: &Family) -> Vec<Family> {
    let part = |suffix: &str| {
        let mut part =
            Family::new(format!("{}{suffix}", summary.name), Type::Unknown, summary.help.clone());
        let samples = summary.samples.iter().filter(|sample| sample.suffix == suffix);
        part.samples = samples.map(|sample| Sample { suffix: "", ..sample.clone() }).collect();
        part
    };
    vec![part(""), part("_sum"), part("_count")]
}
