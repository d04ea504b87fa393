//! For tests: alerts by what they look at.

use super::{Aggregate, Alert, Comparison, Condition, Over, Severity, Step, Texts};
use crate::decimal::Decimal;
use crate::time::Millis;

/// `<aggregate> over <time> >= <threshold>`
pub(crate) fn at_least(aggregate: Aggregate, over: Over, threshold: &str) -> Condition {
    let (comparison, threshold) = (Comparison::AtLeast, Decimal::parse(threshold).unwrap());
    Condition::Threshold { aggregate, over, comparison, threshold }
}

/// `absent for <time>`
pub(crate) fn absent(length: Millis) -> Condition {
    Condition::Absent { length }
}

/// An alert on the metric at this place, with a step for each condition.
pub(crate) fn alert(metric: usize, conditions: Vec<Condition>) -> Alert {
    let step = |when| Step {
        name: None,
        when,
        hold: 0,
        severity: Severity::Critical,
        notify: Vec::new(),
        early: false,
    };
    Alert {
        name: String::new(),
        definition: String::new(),
        metric,
        by: Vec::new(),
        steps: conditions.into_iter().map(step).collect(),
        resolve: None,
        min_volume: None,
        keep_firing_for: 0,
        max_age: 3_600_000,
        texts: Texts::default(),
    }
}
