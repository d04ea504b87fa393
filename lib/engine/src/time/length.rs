//! Lengths of time as people write them: `9m50s`.

use super::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, SECOND_MS};
use std::fmt;

/// The units, the largest first, with their length in milliseconds.
pub const UNITS: [(&str, Millis); 5] =
    [("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1)];

/// A length of time, to be shown as the rules file writes it.
///
/// ```
/// use streamgauge_engine::time::Length;
///
/// assert_eq!(Length(590_000).to_string(), "9m50s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Millis);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, length) in UNITS {
            let length = length.unsigned_abs();
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}
