//! Alerts as the rules file writes them: `sum over 10m >= 3`.

use super::{Aggregate, Comparison, Condition, Over, Severity};
use crate::time::Length;
use std::fmt;

impl Severity {
    /// As the rules file writes it: `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Average => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Unique => "unique",
            Self::Rate => "rate",
            Self::Abandoned => "abandoned",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Open => "open",
            Self::Percentile(tenths) if tenths % 10 == 0 => return write!(f, "p{}", tenths / 10),
            Self::Percentile(tenths) => return write!(f, "p{}.{}", tenths / 10, tenths % 10),
        })
    }
}

impl Comparison {
    /// As the rules file writes it: `>=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { length } => write!(f, "absent for {}", Length(*length)),
            Self::Threshold { aggregate, over, comparison, threshold } => {
                aggregate.fmt(f)?;
                match over {
                    Over::Sliding(length) => write!(f, " over {}", Length(*length))?,
                    Over::Window => f.write_str(" over window")?,
                    Over::Moment => {}
                }
                write!(f, " {} {threshold}", comparison.as_str())
            }
        }
    }
}
