//! The limits of `PutMetricData`, which no stand-in keeps.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html> has the numbers, except where
//! a constant says otherwise. AWS does not say there whether the 1 MB counts before or after packing: here it counts before,
//! the stricter reading, and a MB is 1,000,000 bytes. The wording of the messages is ours.

use super::data::{Unpacked, data};
use super::neutral::Neutral;
use crate::answer::Refusal;
use jiff::Timestamp;

/// The most data of a request.
pub const DATA_MAX: usize = 1_000;
/// The most bytes of a request, unpacked.
pub const REQUEST_BYTES_MAX: u64 = 1_000_000;
/// The most dimensions of a datum.
pub const DIMENSIONS_MAX: usize = 30;
/// The most values of a datum.
pub const VALUES_MAX: usize = 150;
/// The longest namespace, metric name and name of a dimension, in characters.
pub const NAME_LENGTH_MAX: usize = 255;
/// The longest value of a dimension, in characters.
pub const DIMENSION_VALUE_LENGTH_MAX: usize = 1_024;
/// Values lie between this power of two and its negative.
pub const VALUE_EXPONENT_MAX: i32 = 360;
/// How old a timestamp may be: two weeks.
pub const PAST_SECONDS_MAX: f64 = 14.0 * 86_400.0;
/// How far ahead a timestamp may be: two hours.
pub const FUTURE_SECONDS_MAX: f64 = 2.0 * 3_600.0;
/// The most entities of a request.
pub const ENTITIES_MAX: usize = 2;

/// The refusal of a request that AWS would not take. One that cannot be read is left to the stand-in.
pub fn refusal(unpacked: &Unpacked, now: Timestamp) -> Option<Refusal> {
    if unpacked.bytes > REQUEST_BYTES_MAX {
        let message = format!(
            "the request has {} bytes unpacked, at most {REQUEST_BYTES_MAX}",
            unpacked.bytes
        );
        return Some(Refusal::new(413, "RequestEntityTooLarge", message));
    }
    let problem = problem(unpacked.request.as_ref()?, now.as_duration().as_secs_f64())?;
    Some(Refusal {
        code: "InvalidParameterValue",
        ..Refusal::new(400, "InvalidParameterValueException", problem)
    })
}

/// What is wrong with a request, first things first.
fn problem(request: &Neutral, now: f64) -> Option<String> {
    let number = data(request).count();
    if number > DATA_MAX {
        return Some(format!("the collection MetricData has {number} data, at most {DATA_MAX}"));
    }
    if request.list("EntityMetricData").len() > ENTITIES_MAX {
        return Some(format!(
            "the collection EntityMetricData has more than {ENTITIES_MAX} entities"
        ));
    }
    namespace(request.text("Namespace")).or_else(|| {
        data(request).zip(1..).find_map(|(datum, place)| {
            datum_problem(datum, now).map(|problem| format!("MetricData.member.{place}: {problem}"))
        })
    })
}

fn namespace(name: &str) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_/#:".contains(letter);
    if name.is_empty() || name.len() > NAME_LENGTH_MAX {
        Some(format!(
            "the namespace has {} characters, 1 to {NAME_LENGTH_MAX}",
            name.chars().count()
        ))
    } else if name.starts_with(':') || !name.chars().all(plain) {
        Some("the namespace has characters other than letters, digits and .-_/#:".to_owned())
    } else if name.starts_with("AWS/") {
        Some("namespaces that begin with AWS/ belong to AWS".to_owned())
    } else {
        None
    }
}

fn datum_problem(datum: &Neutral, now: f64) -> Option<String> {
    name(datum.text("MetricName"), "metric name", NAME_LENGTH_MAX)
        .or_else(|| dimensions(datum.list("Dimensions")))
        .or_else(|| values(datum))
        .or_else(|| resolution(datum))
        .or_else(|| timestamp(datum.get("Timestamp")?, now))
}

/// Printable ASCII of 1 to so many characters.
fn name(name: &str, what: &str, length_max: usize) -> Option<String> {
    if name.trim().is_empty() || name.chars().count() > length_max {
        Some(format!(
            "the {what} has {} characters, 1 to {length_max} and not only blanks",
            name.chars().count()
        ))
    } else if !name.is_ascii() || name.chars().any(|letter| letter.is_ascii_control()) {
        Some(format!("the {what} has characters outside of printable ASCII"))
    } else {
        None
    }
}

fn dimensions(dimensions: &[Neutral]) -> Option<String> {
    if dimensions.len() > DIMENSIONS_MAX {
        return Some(format!("{} dimensions, at most {DIMENSIONS_MAX}", dimensions.len()));
    }
    dimensions.iter().find_map(|dimension| {
        let of_name = dimension.text("Name");
        let colon = || {
            of_name.starts_with(':').then(|| "a dimension's name begins with a colon".to_owned())
        };
        let value = dimension.text("Value");
        name(of_name, "dimension's name", NAME_LENGTH_MAX)
            .or_else(colon)
            .or_else(|| name(value, "dimension's value", DIMENSION_VALUE_LENGTH_MAX))
    })
}

fn values(datum: &Neutral) -> Option<String> {
    let (values, counts) = (datum.list("Values"), datum.list("Counts"));
    if values.len() > VALUES_MAX {
        return Some(format!("{} values, at most {VALUES_MAX}", values.len()));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Some(format!("{} counts for {} values", counts.len(), values.len()));
    }
    let statistics = datum.get("StatisticValues");
    let given = [datum.get("Value").is_some(), !values.is_empty(), statistics.is_some()];
    if given.iter().filter(|given| **given).count() != 1 {
        return Some("exactly one of Value, Values and StatisticValues is needed".to_owned());
    }
    let parts = ["Minimum", "Maximum", "Sum", "SampleCount"];
    let of_statistics = parts.iter().filter_map(|part| statistics?.get(part));
    let all = datum.get("Value").into_iter().chain(values).chain(counts).chain(of_statistics);
    let limit = 2_f64.powi(VALUE_EXPONENT_MAX);
    let mut numbers = all.map(|value| value.number().unwrap_or(f64::NAN));
    let wrong = numbers.find(|number| !number.is_finite() || number.abs() > limit)?;
    Some(format!(
        "the value {wrong} is no number between -2^{VALUE_EXPONENT_MAX} and 2^{VALUE_EXPONENT_MAX}"
    ))
}

fn resolution(datum: &Neutral) -> Option<String> {
    let resolution = datum.get("StorageResolution")?.number();
    let known = [1.0, 60.0].iter().any(|known| resolution == Some(*known));
    (!known).then(|| "the storage resolution is 1 or 60 seconds".to_owned())
}

fn timestamp(timestamp: &Neutral, now: f64) -> Option<String> {
    let Some(seconds) = timestamp.seconds() else {
        return Some("the timestamp is no time".to_owned());
    };
    if seconds < now - PAST_SECONDS_MAX {
        Some("the timestamp is more than two weeks old".to_owned())
    } else if seconds > now + FUTURE_SECONDS_MAX {
        Some("the timestamp is more than two hours ahead".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
