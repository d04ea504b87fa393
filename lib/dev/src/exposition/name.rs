//! Names that both formats allow, made of those of the rules.
//!
//! Letters that are not allowed become `_`, colons too, which are for recording rules. A name that would begin with a digit or with
//! `_`, which are not allowed and reserved, gets `metric` before it, or `label`: `5xx` is `metric_5xx`, `_id` is `label_id`.
//!
//! Different names may become one. So a name is taken together with all series that it could ever have, in any of its types: whoever
//! is written as it is shown comes first, then the order of the rules decides, and who comes too late gets eight digits of the hash of
//! its own name. So no name depends on what events came.

use super::Metric;
use std::collections::BTreeSet;
use streamgauge_engine::hash;
use streamgauge_pipeline::kept::ValueKind;

/// The names of families and series that are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Takes all of these; false, and takes none, if one is taken.
    pub(super) fn claim(&mut self, names: impl IntoIterator<Item = String>) -> bool {
        let names: Vec<String> = names.into_iter().collect();
        let free = names.iter().all(|name| !self.0.contains(name));
        if free {
            self.0.extend(names);
        }
        free
    }

    /// The names of metrics, by which their families begin.
    pub(super) fn of_metrics(&mut self, metrics: &[Metric<'_>]) -> Vec<String> {
        let mut bases = vec![String::new(); metrics.len()];
        for as_written in [true, false] {
            for (metric, base) in metrics.iter().zip(&mut bases) {
                let plain = plain(metric.name, "metric");
                if (plain == metric.name) == as_written {
                    let claims = |name: &str| self.claim(names_of(metric.kind, name));
                    *base = distinct(metric.name, plain, claims);
                }
            }
        }
        bases
    }
}

/// The names of labels for dimensions, in their order.
pub(super) fn labels(dimensions: &[&str]) -> Vec<String> {
    // A summary has it itself.
    let mut taken = BTreeSet::from(["quantile".to_owned()]);
    let mut labels = vec![String::new(); dimensions.len()];
    for as_written in [true, false] {
        for (dimension, label) in dimensions.iter().zip(&mut labels) {
            let plain = plain(dimension, "label");
            if (plain == *dimension) == as_written {
                *label = distinct(dimension, plain, |name| taken.insert(name.to_owned()));
            }
        }
    }
    labels
}

/// The names of a counter, and of its series; `_created` is not shown, but belongs to it.
pub(super) fn of_counter(name: &str) -> Vec<String> {
    with_suffixes(name, &["", "_total", "_created"])
}

/// The names that the families and series of a metric may have, in any of their types.
fn names_of(kind: ValueKind, base: &str) -> Vec<String> {
    const SUMMARY: [&str; 4] = ["", "_sum", "_count", "_created"];
    let counters = |suffixes: &[&str]| {
        suffixes.iter().flat_map(|suffix| of_counter(&format!("{base}{suffix}"))).collect()
    };
    match kind {
        ValueKind::Count | ValueKind::Sum => of_counter(base),
        ValueKind::Distribution => with_suffixes(base, &SUMMARY),
        ValueKind::Unique => vec![base.to_owned()],
        ValueKind::Ratio => counters(&["_part", "_whole"]),
        ValueKind::Journey => {
            let mut names: Vec<_> = counters(&["_started", "_finished", "_abandoned"]);
            names.push(format!("{base}_open"));
            names.extend(with_suffixes(&format!("{base}_time_seconds"), &SUMMARY));
            names
        }
    }
}

fn with_suffixes(name: &str, suffixes: &[&str]) -> Vec<String> {
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

/// A name with nothing in it that is not allowed.
fn plain(name: &str, what: &str) -> String {
    let letters =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    let plain: String = letters.collect();
    match plain.bytes().next() {
        Some(b'_') => format!("{what}{plain}"),
        Some(b'0'..=b'9') | None => format!("{what}_{plain}"),
        Some(_) => plain,
    }
}

/// The plain name if it can be had, else with the hash of the name: another one as long as that cannot be had either.
fn distinct(name: &str, plain: String, mut claim: impl FnMut(&str) -> bool) -> String {
    if claim(&plain) {
        return plain;
    }
    let mut hash = hash::stable(name.as_bytes());
    loop {
        let candidate = format!("{plain}_{:08x}", hash >> 32);
        if claim(&candidate) {
            return candidate;
        }
        hash = hash::combine(hash, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, kind: ValueKind) -> Metric<'_> {
        Metric {
            name,
            kind,
            unit: None,
            help: None,
            dimensions: Vec::new(),
            final_until: None,
            open: Some(0),
            series: Vec::new(),
        }
    }

    /// A name with `#` for the hash of the one that it was made of.
    fn shown(made: impl IntoIterator<Item = String>, of: &[&str]) -> Vec<String> {
        let hash = |name: &str| format!("_{:08x}", hash::stable(name.as_bytes()) >> 32);
        made.into_iter().zip(of).map(|(made, name)| made.replace(&hash(name), "#")).collect()
    }

    #[track_caller]
    fn check(metrics: &[(&str, ValueKind)], expect: &[&str]) {
        let names: Vec<_> = metrics.iter().map(|(name, _)| *name).collect();
        let metrics: Vec<_> = metrics.iter().map(|(name, kind)| metric(name, *kind)).collect();
        assert_eq!(shown(Names::default().of_metrics(&metrics), &names), expect);
    }

    #[track_caller]
    fn check_labels(dimensions: &[&str], expect: &[&str]) {
        assert_eq!(shown(labels(dimensions), dimensions), expect);
    }

    #[test]
    fn what_is_not_allowed_becomes_an_underscore() {
        use ValueKind::{Count, Sum, Unique};
        check(&[("orders_created", Count), ("Shop/5 %", Count)], &["orders_created", "Shop_5__"]);
        check(&[("a:b", Sum), ("5xx", Unique)], &["a_b", "metric_5xx"]);
        check(&[("_x", Count), ("/api", Count)], &["metric_x", "metric_api"]);
    }

    /// The one that is written as it is shown keeps its name, wherever it stands.
    #[test]
    fn names_that_become_one_are_told_apart() {
        use ValueKind::Count;
        check(&[("a.b", Count), ("a_b", Count), ("a-b", Count)], &["a_b#", "a_b", "a_b#"]);
        check(&[("a.b", Count), ("a-b", Count)], &["a_b", "a_b#"]);
        let names = Names::default()
            .of_metrics(&[metric("orders.new", Count), metric("orders_new", Count)]);
        assert_eq!(names, ["orders_new_263d93fd", "orders_new"]);
    }

    #[test]
    fn a_metric_is_not_called_as_a_series_of_another() {
        use ValueKind::{Count, Distribution, Journey, Ratio, Sum, Unique};
        check(&[("a", Count), ("a_sum", Sum), ("a_open", Unique)], &["a", "a_sum", "a_open"]);
        check(&[("a", Distribution), ("a_sum", Unique)], &["a", "a_sum#"]);
        check(&[("a", Count), ("a_created", Unique)], &["a", "a_created#"]);
        check(
            &[("a", Ratio), ("a_part", Count), ("a_whole_total", Unique)],
            &["a", "a_part#", "a_whole_total#"],
        );
        check(&[("a_open", Unique), ("a", Journey)], &["a_open", "a#"]);
        check(&[("a_time_seconds_count", Unique), ("a", Journey)], &["a_time_seconds_count", "a#"]);
        check(
            &[("a", Ratio), ("a_part", Ratio), ("a_whole", Unique)],
            &["a", "a_part", "a_whole#"],
        );
    }

    #[test]
    fn labels_are_plain_and_distinct() {
        check_labels(&["country", "data.city"], &["country", "data_city"]);
        check_labels(&["5", "_id", "__x"], &["label_5", "label_id", "label__x"]);
        check_labels(&["a.b", "a_b", "a:b"], &["a_b#", "a_b", "a_b#"]);
        check_labels(&["quantile"], &["quantile#"]);
    }

    /// The hash of a name may be a name itself.
    #[test]
    fn a_hash_that_is_taken_is_hashed_again() {
        let taken = labels(&["a_b", "a.b"]);
        let again = labels(&["a_b", "a.b", taken[1].as_str()]);
        assert_ne!(again[1], again[2]);
        assert!(again[1].starts_with("a_b_") && again[1].len() == taken[1].len(), "{again:?}");
    }
}
