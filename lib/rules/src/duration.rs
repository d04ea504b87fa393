//! Lengths of time: `30s`, `1h30m`, `9m50s`.

use streamgauge_engine::time::{DAY_MS, Length, Millis, UNITS};

/// The longest length that rules may name: ten years.
pub const DURATION_MAX: Millis = 3_653 * DAY_MS;

/// Reads a length of time; what is wrong comes back as a sentence without a final period.
pub fn parse(text: &str) -> Result<Millis, String> {
    if text.is_empty() {
        return Err("a length of time is missing".to_owned());
    }
    let mut rest = text;
    let mut total: Millis = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits =
            rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let (number, tail) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        let letters =
            tail.len() - tail.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at_checked(letters).unwrap_or((tail, ""));
        if number.is_empty() {
            return Err("a length of time is whole numbers with units, such as `1h30m`".to_owned());
        }
        if unit.is_empty() {
            let message = match tail.chars().next() {
                Some('.') => {
                    "a length of time has whole numbers only; write `1h30m` for one and a half hours"
                }
                Some(letter) if letter.is_whitespace() => {
                    "a length of time has no space between the number and its unit, which is `ms`, `s`, `m`, `h` or `d`"
                }
                _ => "a number without a unit is no length of time",
            };
            return Err(message.to_owned());
        }
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(format!(
                "`{unit}` is no unit of time; there are `ms`, `s`, `m`, `h` and `d`"
            ));
        }
        let Some((_, length)) = units.find(|(name, _)| *name == unit) else {
            return Err("the units stand largest first, each at most once: `1h30m`".to_owned());
        };
        let part = number.parse::<Millis>().ok().and_then(|number| number.checked_mul(*length));
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= DURATION_MAX)
            .ok_or("this is longer than ten years")?;
        rest = tail;
    }
    Ok(total)
}

/// A length of time as people write it: `9m50s`.
pub fn show(length: Millis) -> String {
    Length(length).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Millis) {
        assert_eq!(parse(text), Ok(expect), "{text}");
    }

    fn fails(text: &str, expect: &str) {
        let message = parse(text).unwrap_err();
        assert!(message.contains(expect), "{text}: {message}");
    }

    #[test]
    fn units_and_sums() {
        check("1ms", 1);
        check("30s", 30_000);
        check("5m", 300_000);
        check("2h", 7_200_000);
        check("7d", 604_800_000);
        check("9m50s", 590_000);
        check("1d2h3m4s5ms", 93_784_005);
        check("0s", 0);
        check("90m", 5_400_000);
    }

    #[test]
    fn mistakes() {
        fails("", "missing");
        fails("30", "without a unit");
        fails("s", "whole numbers");
        fails("-5m", "whole numbers");
        fails("5 m", "no space");
        fails("5 minutes", "no space");
        fails("1.5m", "whole numbers only");
        fails("5min", "no unit of time");
        fails("30s1m", "largest first");
        fails("1m1m", "largest first");
        fails("99999999999999999999d", "longer");
        fails("4000d", "longer");
    }

    #[test]
    fn shown_as_written() {
        for text in ["1ms", "30s", "5m", "2h", "7d", "9m50s", "1d2h3m4s5ms", "0s"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(-300_000), "-5m");
    }
}
