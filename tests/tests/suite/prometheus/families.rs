//! A whole exposition of `OpenMetrics` 1.0 by its rules: families, their types, and what these allow.

use super::line::{Labels, Line, Sample, line, number, sample};
use std::collections::BTreeSet;

/// A family as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    /// Its name, without suffixes.
    pub(crate) name: String,
    /// Its type; absent is `unknown`.
    pub(crate) kind: Option<String>,
    unit: Option<String>,
    help: Option<String>,
    /// Its series in their order.
    pub(crate) samples: Vec<Sample>,
}

/// Types with the suffixes of their series.
const TYPES: [(&str, &[&str]); 8] = [
    ("unknown", &[""]),
    ("gauge", &[""]),
    ("stateset", &[""]),
    ("info", &["_info"]),
    ("counter", &["_total", "_created"]),
    ("summary", &["", "_count", "_sum", "_created"]),
    ("histogram", &["_bucket", "_count", "_sum", "_created"]),
    ("gaugehistogram", &["_bucket", "_gcount", "_gsum"]),
];

/// Reads an exposition, or says why it is none.
pub(crate) fn parse(text: &str) -> Result<Vec<Family>, String> {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    let lines = lines.strip_suffix("# EOF").ok_or("no # EOF at the end")?;
    if !lines.is_empty() && !lines.ends_with('\n') {
        return Err("no line of its own for # EOF".to_owned());
    }
    let mut families: Vec<Family> = Vec::new();
    for written in lines.split_terminator('\n') {
        match line(written)? {
            Line::About { what, name, said } => {
                if families.last().is_none_or(|last| last.name != name) {
                    families.push(Family { name: name.to_owned(), ..Family::default() });
                }
                about(families.last_mut().ok_or("no family")?, what, said)?;
            }
            Line::Sample(written) => {
                let sample = sample(written)?;
                if families.last().is_none_or(|last| last.suffix(&sample).is_none()) {
                    families.push(Family { name: sample.name.clone(), ..Family::default() });
                }
                families.last_mut().ok_or("no family")?.samples.push(sample);
            }
        }
    }
    let mut names = BTreeSet::new();
    for family in &families {
        for suffix in family.suffixes()?.iter().chain([&""]).collect::<BTreeSet<_>>() {
            if !names.insert(format!("{}{suffix}", family.name)) {
                return Err(format!("{}{suffix} is taken", family.name));
            }
        }
        family.check()?;
    }
    Ok(families)
}

fn about(family: &mut Family, what: &str, said: &str) -> Result<(), String> {
    if !family.samples.is_empty() {
        return Err(format!("{what} of {} stands after its series", family.name));
    }
    let place = match what {
        "TYPE" => &mut family.kind,
        "UNIT" => &mut family.unit,
        _ => &mut family.help,
    };
    match place.replace(said.to_owned()) {
        Some(_) => Err(format!("{what} of {} stands twice", family.name)),
        None => Ok(()),
    }
}

impl Family {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("unknown")
    }

    fn suffixes(&self) -> Result<&'static [&'static str], String> {
        let found = TYPES.iter().find(|(kind, _)| *kind == self.kind());
        found.map(|(_, suffixes)| *suffixes).ok_or_else(|| format!("{} is no type", self.kind()))
    }

    /// The suffix of one of its own series.
    fn suffix<'s>(&self, sample: &'s Sample) -> Option<&'s str> {
        let suffix = sample.name.strip_prefix(&self.name)?;
        self.suffixes().is_ok_and(|suffixes| suffixes.contains(&suffix)).then_some(suffix)
    }

    fn check(&self) -> Result<(), String> {
        let unit = self.unit.as_deref().unwrap_or_default();
        let no_unit = matches!(self.kind(), "info" | "stateset");
        if !unit.is_empty() && (no_unit || !self.name.ends_with(&format!("_{unit}"))) {
            return Err(format!("{} is not in {unit}", self.name));
        }
        for sample in &self.samples {
            self.check_sample(sample, self.suffix(sample).unwrap_or_default())
                .map_err(|problem| format!("{problem}: {sample:?}"))?;
        }
        let mut seen: Vec<Labels> = Vec::new();
        let mut rest = self.samples.as_slice();
        while let Some(first) = rest.first() {
            let labels = self.metric_labels(first);
            let length =
                rest.iter().take_while(|sample| self.metric_labels(sample) == labels).count();
            let (metric, others) = rest.split_at(length);
            if seen.contains(&labels) {
                return Err(format!("{labels:?} of {} comes again", self.name));
            }
            seen.push(labels);
            check_moments(metric)?;
            self.check_histogram(metric)?;
            rest = others;
        }
        Ok(())
    }

    /// The labels that tell metrics apart, in no order.
    fn metric_labels(&self, sample: &Sample) -> Labels {
        let of_type = match self.kind() {
            "histogram" | "gaugehistogram" => "le",
            "summary" => "quantile",
            "stateset" => &self.name,
            _ => "",
        };
        let mut labels = sample.labels.clone();
        labels.retain(|(name, _)| name != of_type);
        labels.sort();
        labels
    }

    fn check_sample(&self, sample: &Sample, suffix: &str) -> Result<(), &'static str> {
        let is_total = suffix == "_total" || suffix == "_bucket";
        if sample.has_exemplar && !(is_total && self.kind() != "unknown") {
            return Err("an exemplar where none is allowed");
        }
        let value = sample.value;
        let counts = !value.is_nan() && value >= 0.0;
        match (self.kind(), suffix) {
            ("counter" | "summary" | "histogram", "_total" | "_sum" | "_count") if !counts => {
                Err("a total below 0")
            }
            (_, "_bucket" | "_gcount") if !counts => Err("a count below 0"),
            (_, "_bucket") if label(sample, "le").is_none() => Err("no limit"),
            ("summary", "") => {
                let quantile = label(sample, "quantile").and_then(|text| number(text).ok());
                let is_quantile = quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile));
                if is_quantile && (value.is_nan() || counts) { Ok(()) } else { Err("no quantile") }
            }
            ("stateset", _) if label(sample, &self.name).is_none() => Err("no state"),
            ("stateset", _) if !is(value, 0.0) && !is(value, 1.0) => Err("a state is 0 or 1"),
            ("info", _) if !is(value, 1.0) => Err("an info is 1"),
            _ => Ok(()),
        }
    }

    /// The buckets of one metric, with its sum and its count.
    fn check_histogram(&self, metric: &[Sample]) -> Result<(), String> {
        if !matches!(self.kind(), "histogram" | "gaugehistogram") {
            return Ok(());
        }
        let is_gauge = self.kind() == "gaugehistogram";
        let value = |suffix: &str| {
            let found = metric.iter().find(|sample| self.suffix(sample) == Some(suffix));
            found.map(|sample| sample.value)
        };
        let (sum, count) = if is_gauge { ("_gsum", "_gcount") } else { ("_sum", "_count") };
        let (sum, count) = (value(sum), value(count));
        let mut limits = Vec::new();
        let mut last = None;
        for bucket in metric.iter().filter(|sample| self.suffix(sample) == Some("_bucket")) {
            let written = label(bucket, "le").unwrap_or_default();
            let limit = number(written)?;
            if limits.last().is_some_and(|before| limit <= *before)
                || last.is_some_and(|before| bucket.value < before)
                || (limit.is_infinite() && written != "+Inf")
            {
                return Err(format!("the buckets of {} do not rise", self.name));
            }
            limits.push(limit);
            last = Some(bucket.value);
        }
        let negative = limits.first().is_some_and(|first| *first < 0.0);
        let sum_may_be = match sum {
            Some(_) if negative && !is_gauge => false,
            Some(sum) => !sum.is_nan() && (sum >= 0.0 || negative),
            None => true,
        };
        let ends = limits.last().is_some_and(|limit| limit.is_infinite());
        let counted = count.is_none_or(|count| Some(count) == last);
        if ends && sum_may_be && counted && sum.is_some() == count.is_some() {
            Ok(())
        } else {
            Err(format!("the buckets of {} do not make a histogram", self.name))
        }
    }
}

/// The moments of one metric do not go back; without moments each series comes once.
fn check_moments(metric: &[Sample]) -> Result<(), String> {
    for (place, sample) in metric.iter().enumerate() {
        let mut same = metric.iter().take(place).rev().filter(|before| {
            before.name == sample.name && sorted(&before.labels) == sorted(&sample.labels)
        });
        let ordered = same.next().is_none_or(|before| {
            matches!((before.timestamp, sample.timestamp), (Some(before), Some(now)) if before <= now)
        });
        if !ordered {
            return Err(format!("{sample:?} comes again, or goes back in time"));
        }
    }
    Ok(())
}

fn is(value: f64, expected: f64) -> bool {
    value.total_cmp(&expected).is_eq()
}

fn sorted(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.sort();
    labels
}

fn label<'s>(sample: &'s Sample, name: &str) -> Option<&'s str> {
    sample.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
