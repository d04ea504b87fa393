//! Whether a condition fits its metric: the aggregates that a kind has, lengths that can be sliced, thresholds that
//! can be reached.

use super::Reader;
use super::condition::Parsed;
use super::ladder::About;
use super::metric::{Kind, Outline};
use crate::duration;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::yaml::tree::{Node, shown};
use streamgauge_engine::alert::{
    Aggregate, Comparison, Condition, EXACT_THRESHOLD_MAX, Over, SLICES,
};
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::time::{DAY_MS, Millis};

/// A group is forgotten when it was not seen for this long, and can then no longer be absent.
pub(crate) const GROUP_MEMORY: Millis = 7 * DAY_MS;

const BILLION: i128 = 1_000_000_000;

impl Kind {
    /// The aggregates of this kind, by name; `p99` stands for all percentiles.
    pub(crate) const fn aggregates(self) -> &'static [&'static str] {
        match self {
            Self::Count => &["sum", "count"],
            Self::Sum => &["sum", "count", "avg", "min", "max"],
            Self::Distribution => &["sum", "count", "avg", "min", "max", "p50", "p99", "p99.9"],
            Self::Unique => &["unique"],
            Self::Ratio => &["rate", "sum", "count"],
            Self::Journey => &["rate", "abandoned", "started", "finished", "open"],
        }
    }

    fn has(self, aggregate: Aggregate) -> bool {
        match aggregate {
            Aggregate::Percentile(_) => self == Self::Distribution,
            other => self.aggregates().contains(&other.to_string().as_str()),
        }
    }
}

/// Over how much time a condition on values looks; `absent` and `open` do not look back in this sense.
pub(super) fn looks_at(condition: &Condition, metric: Option<&Outline>) -> Option<Millis> {
    match condition {
        Condition::Threshold { over: Over::Sliding(length), .. } => Some(*length),
        Condition::Threshold { over: Over::Window, .. } => {
            metric.and_then(|metric| metric.window_length)
        }
        Condition::Threshold { over: Over::Moment, .. } | Condition::Absent { .. } => None,
    }
}

impl Reader<'_> {
    /// Checks a condition against the metric that it looks at.
    pub(super) fn check_condition(&mut self, node: &Node, parsed: &Parsed, about: &About<'_>) {
        let (aggregate, over, comparison, threshold) = match parsed.condition {
            Condition::Threshold { aggregate, over, comparison, threshold } => {
                (aggregate, over, comparison, threshold)
            }
            Condition::Absent { length } => {
                if about.has_groups && length >= GROUP_MEMORY {
                    self.warn_of_forgotten_group(node, parsed, "before this");
                }
                return;
            }
        };
        let Some((metric, kind)) = about.metric.and_then(|metric| Some((metric, metric.kind?)))
        else {
            return;
        };
        if !kind.has(aggregate) {
            let name = aggregate.to_string();
            let message =
                format!("`{}` is {} and has no `{name}`", shown(&metric.name), kind.with_article());
            let hint = match (kind, aggregate) {
                (Kind::Sum, Aggregate::Percentile(_)) => {
                    "percentiles are those of a `distribution`".to_owned()
                }
                _ => format!("it has {}", nearest::list(kind.aggregates())),
            };
            let place = self.part(node, parsed.subject.clone());
            self.findings.error(Code::AggregateNotAvailable, place, message).hint(hint);
            return;
        }
        if let Over::Sliding(length) = over
            && about.has_groups
            && length > GROUP_MEMORY
        {
            self.warn_of_forgotten_group(node, parsed, "with all that it had");
        }
        if let Over::Sliding(length) = over
            && !is_exact(kind, aggregate, threshold)
            && length % SLICES != 0
        {
            let place = self.part(node, parsed.length.clone());
            let message = format!(
                "{} cannot be cut into {SLICES} slices of whole milliseconds",
                duration::show(length)
            );
            let near = (length / 3_000).max(1) * 3_000;
            self.findings
                .error(Code::InvalidCondition, place, message)
                .hint(format!("write a multiple of 3s, such as `{}`", duration::show(near)));
        }
        self.check_threshold(node, parsed, (aggregate, comparison, threshold), kind);
    }

    fn warn_of_forgotten_group(&mut self, node: &Node, parsed: &Parsed, how: &str) {
        let place = self.part(node, parsed.length.clone());
        let message = format!("a group that was not seen for 7d is forgotten {how}");
        self.findings
            .warning(Code::ConstantCondition, place, message)
            .hint("write less than `7d`, or `by: []` for a condition on all groups together");
    }

    /// Conditions that cannot change are most often slips: a share written as a percentage, a sign turned round.
    fn check_threshold(
        &mut self,
        node: &Node,
        parsed: &Parsed,
        (aggregate, comparison, threshold): (Aggregate, Comparison, Decimal),
        kind: Kind,
    ) {
        let threshold = threshold.billionths();
        let never_negative = match aggregate {
            Aggregate::Sum => matches!(kind, Kind::Count | Kind::Ratio),
            Aggregate::Average | Aggregate::Min | Aggregate::Max | Aggregate::Percentile(_) => {
                false
            }
            _ => true,
        };
        let place = self.part(node, parsed.threshold.clone());
        if aggregate == Aggregate::Rate && threshold > BILLION {
            self.findings
                .warning(Code::ConstantCondition, place, "a rate is a share between 0 and 1")
                .hint("write `0.4` for 40 %");
            return;
        }
        let verdict = match comparison {
            _ if !never_negative => None,
            Comparison::AtLeast if threshold <= 0 => Some("always"),
            Comparison::Above | Comparison::NotEqual if threshold < 0 => Some("always"),
            Comparison::Below if threshold <= 0 => Some("never"),
            Comparison::AtMost | Comparison::Equal if threshold < 0 => Some("never"),
            _ => None,
        };
        if let Some(verdict) = verdict {
            let message = format!("this is {verdict} true: `{aggregate}` is never below 0");
            let hint = if verdict == "never" {
                "write `== 0` or `absent for 15m` for no events"
            } else {
                "write `> 0` for any event"
            };
            self.findings.warning(Code::ConstantCondition, place, message).hint(hint);
        }
    }
}

/// Whether the rollup is exact to the millisecond, and not made of slices.
pub(super) fn is_exact(kind: Kind, aggregate: Aggregate, threshold: Decimal) -> bool {
    let counts = match kind {
        Kind::Count => true,
        Kind::Journey => aggregate != Aggregate::Rate,
        _ => false,
    };
    counts && threshold.billionths() <= i128::from(EXACT_THRESHOLD_MAX) * BILLION
}
