//! Why a point can never be sent. It goes to the dead letters with the reason, and its lane goes on.
//!
//! The rules file is checked for all that stands in it, so what is refused here is most often too old. The rest is the second
//! look: a publication may be of another version, and a call that `CloudWatch` refuses must not be made for ever.

use crate::name::Name;
use streamgauge_engine::time::Timestamp;

/// Why a point can never be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A name that `CloudWatch` does not take.
    #[error("`{text}` cannot be the name of a {what} in CloudWatch; change it in the rules")]
    Name {
        /// What it names.
        what: Name,
        /// The name.
        text: String,
    },
    /// Not a unit of `CloudWatch`.
    #[error("`{unit}` is no unit of CloudWatch; change that of metric `{metric}` in the rules")]
    Unit {
        /// The metric.
        metric: String,
        /// What stands for its unit.
        unit: String,
    },
    /// More dimensions than a metric has.
    #[error(
        "metric `{metric}` has {dimensions} dimensions, over the limit of {}; split it by fewer",
        crate::name::DIMENSIONS_MAX
    )]
    Dimensions {
        /// The metric.
        metric: String,
        /// How many.
        dimensions: usize,
    },
    /// Not one value for each dimension.
    #[error("a point of metric `{metric}` has {values} dimension values for {names} names")]
    Series {
        /// The metric.
        metric: String,
        /// How many names.
        names: usize,
        /// How many values.
        values: usize,
    },
    /// Of a namespace that the call is not for.
    #[error("the point belongs into namespace `{point}`, and the call is for `{call}`")]
    Namespace {
        /// That of the point.
        point: String,
        /// That of the call.
        call: String,
    },
    /// Older than `CloudWatch` takes it.
    #[error(
        "the point is stamped {timestamp}, which at {now} is too long ago for CloudWatch; it takes two weeks"
    )]
    TooOld {
        /// Its timestamp.
        timestamp: Timestamp,
        /// When it was to be sent.
        now: Timestamp,
    },
    /// Further ahead than `CloudWatch` takes it.
    #[error(
        "the point is stamped {timestamp}, which at {now} is too far ahead for CloudWatch; it takes two hours"
    )]
    TooFarAhead {
        /// Its timestamp.
        timestamp: Timestamp,
        /// When it was to be sent.
        now: Timestamp,
    },
    /// Larger than a call can be.
    #[error(
        "a point of metric `{metric}` needs {data} data of {bytes} bytes, more than one call holds; shorten its dimensions"
    )]
    TooLarge {
        /// The metric.
        metric: String,
        /// How many data it is.
        data: usize,
        /// Their size in a call, in bytes.
        bytes: usize,
    },
}
