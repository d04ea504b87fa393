//! Texts to what `CloudWatch` takes as names and dimension values.
//!
//! Names come from the rules file, which is checked, and are only looked at again. Dimension values come from events and can
//! be any text, where `CloudWatch` takes 1 to 1,024 characters of printable ASCII. What it takes stays as it is; the rest is
//! percent-encoded, byte by byte of its UTF-8, so that it can be read back:
//!
//! | value | in `CloudWatch` |
//! | --- | --- |
//! | `noon` | `noon` |
//! | `Zürich` | `Z%C3%BCrich` |
//! | `50%` | `50%` |
//! | `%41` | `%2541`: a `%` that would be read as the beginning of an escape |
//! | a space at either end | `%20` |
//! | a line feed | `%0A` |
//! | encoded longer than 1,024 characters | its first 1,006 characters at most, `%#`, and 16 hex digits of its hash |
//!
//! A value that is cut cannot be read back, but is still another one than any other value, as far as 64 bits of hash tell.

use crate::refusal::Refusal;
use std::borrow::Cow;
use std::fmt::Write as _;
use streamgauge_engine::hash;
use streamgauge_engine::series::MISSING;

/// The longest namespace, metric name and dimension name, in characters:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.
pub const NAME_LENGTH_MAX: usize = 255;
/// The longest suffix of a journey's metrics: `.abandoned`. A metric's own name leaves room for it, whatever its kind.
const SUFFIX_LENGTH_MAX: usize = 10;
/// The longest value of a dimension, in characters:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html>.
pub const DIMENSION_VALUE_LENGTH_MAX: usize = 1_024;
/// The most dimensions of a metric:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.
pub const DIMENSIONS_MAX: usize = 30;

/// Between what is left of a value that was cut and its hash. No encoded value holds it.
const CUT: &str = "%#";
/// What is left of a value that is cut: the mark and the hash take the rest.
const CUT_LENGTH_MAX: usize = DIMENSION_VALUE_LENGTH_MAX - CUT.len() - 16;

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A namespace.
    Namespace,
    /// A metric.
    Metric,
    /// A dimension.
    Dimension,
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Namespace => "namespace",
            Self::Metric => "metric",
            Self::Dimension => "dimension",
        })
    }
}

impl Name {
    /// The text, if it can be such a name: 1 to 255 printable characters of ASCII (of a metric 245), not only blanks, no
    /// colon in front, and of a namespace not `AWS/`.
    pub fn check(self, text: &str) -> Result<&str, Refusal> {
        let suffix = if self == Self::Metric { SUFFIX_LENGTH_MAX } else { 0 };
        let fits = text.len() <= NAME_LENGTH_MAX - suffix
            && !text.trim().is_empty()
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && !text.starts_with(':')
            && !(self == Self::Namespace && text.starts_with("AWS/"));
        if fits { Ok(text) } else { Err(Refusal::Name { what: self, text: text.to_owned() }) }
    }
}

/// A dimension value as `CloudWatch` takes it.
///
/// ```
/// use streamgauge_cloudwatch::name::dimension_value;
///
/// assert_eq!(dimension_value("noon"), "noon");
/// assert_eq!(dimension_value("Zürich 100%"), "Z%C3%BCrich 100%");
/// ```
pub fn dimension_value(value: &str) -> Cow<'_, str> {
    // The engine has no empty values; a publication could.
    let value = if value.is_empty() { MISSING } else { value };
    let bytes = value.as_bytes();
    let is_plain = |place: usize| stays(bytes, place);
    if bytes.len() <= DIMENSION_VALUE_LENGTH_MAX && (0..bytes.len()).all(is_plain) {
        return Cow::Borrowed(value);
    }
    let mut encoded = String::with_capacity(bytes.len().min(DIMENSION_VALUE_LENGTH_MAX));
    let mut cut_at = 0;
    for (place, &byte) in bytes.iter().enumerate() {
        if stays(bytes, place) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
        if encoded.len() <= CUT_LENGTH_MAX {
            cut_at = encoded.len();
        } else if encoded.len() > DIMENSION_VALUE_LENGTH_MAX {
            encoded.truncate(cut_at);
            write!(encoded, "{CUT}{:016x}", hash::stable(bytes)).unwrap_or_default();
            break;
        }
    }
    Cow::Owned(encoded)
}

/// Whether the byte at this place of a value stands for itself.
fn stays(bytes: &[u8], place: usize) -> bool {
    match bytes.get(place) {
        Some(b'%') => match bytes.get(place + 1..) {
            Some([b'#', ..]) => false,
            Some([high, low, ..]) => !(is_digit(*high) && is_digit(*low)),
            _ => true,
        },
        Some(b' ') => place > 0 && place + 1 < bytes.len(),
        Some(byte) => byte.is_ascii_graphic(),
        None => false,
    }
}

/// A hex digit as escapes have them.
const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

#[cfg(test)]
mod tests;
