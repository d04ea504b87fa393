//! Broken lines: what a long-running stream brings sooner or later, each kind once.
//!
//! Each is an order's event that was sound before. None of them may stop a run, and each is a reject with a code of its
//! own; `events/README.md` lists them.

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Cut off in the middle, as by a full disk.
    Truncated,
    /// A NUL byte within a string.
    NulByte,
    /// No `id`, so that copies could not be told.
    MissingId,
    /// A time that is none.
    BadTime,
    /// The 61st second of a minute.
    LeapSecond,
    /// A key that the rules read stands twice.
    DuplicateKey,
    /// An amount that is a string.
    WrongType,
    /// No object at all.
    NotAnObject,
}

impl Fault {
    /// Every kind, in the order in which they come in the file.
    pub(crate) const ALL: [Self; 8] = [
        Self::Truncated,
        Self::MissingId,
        Self::BadTime,
        Self::WrongType,
        Self::NulByte,
        Self::LeapSecond,
        Self::DuplicateKey,
        Self::NotAnObject,
    ];

    /// The line with this fault. A line that is not one of the shop's comes back unchanged.
    pub(crate) fn apply(self, line: &str) -> String {
        match self {
            Self::Truncated => line.chars().take(line.len() * 3 / 5).collect(),
            Self::NulByte => line.replacen(r#""customer_id":"c-"#, "\"customer_id\":\"c\0", 1),
            Self::MissingId => with_value(line, r#""id":""#, "").replacen(r#""id":"","#, "", 1),
            Self::BadTime => with_value(line, r#""time":""#, "yesterday at noon"),
            Self::LeapSecond => with_value(line, r#""time":""#, "2026-01-05T12:59:60Z"),
            Self::DuplicateKey => line.replacen(r#""data":{"#, r#""data":{"country":"XX","#, 1),
            Self::WrongType => line.replacen(r#""amount":"#, r#""amount":"about "#, 1).replacen(
                r#","customer_id""#,
                r#"","customer_id""#,
                1,
            ),
            Self::NotAnObject => format!("[{line}]"),
        }
    }
}

/// The line with the string after `opening` (a key, a colon and a quote) replaced.
fn with_value(line: &str, opening: &str, value: &str) -> String {
    let Some((before, rest)) = line.split_once(opening) else { return line.to_owned() };
    let Some((_, after)) = rest.split_once('"') else { return line.to_owned() };
    format!("{before}{opening}{value}\"{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":"7f","time":"2026-01-05T10:00:00.000Z","data":{"country":"AE","amount":8.50,"customer_id":"c-00001"}}"#;

    #[track_caller]
    fn check(fault: Fault, expect: &str) {
        assert_eq!(fault.apply(LINE), expect);
    }

    #[test]
    fn truncated() {
        check(
            Fault::Truncated,
            r#"{"id":"7f","time":"2026-01-05T10:00:00.000Z","data":{"country":""#,
        );
    }

    #[test]
    fn nul_byte() {
        check(Fault::NulByte, &LINE.replace("c-", "c\0"));
    }

    #[test]
    fn missing_id() {
        check(Fault::MissingId, &LINE.replace(r#""id":"7f","#, ""));
    }

    #[test]
    fn bad_time() {
        check(Fault::BadTime, &LINE.replace("2026-01-05T10:00:00.000Z", "yesterday at noon"));
    }

    #[test]
    fn leap_second() {
        check(Fault::LeapSecond, &LINE.replace("10:00:00.000Z", "12:59:60Z"));
    }

    #[test]
    fn duplicate_key() {
        check(
            Fault::DuplicateKey,
            &LINE.replace(r#""country":"AE""#, r#""country":"XX","country":"AE""#),
        );
    }

    #[test]
    fn wrong_type() {
        check(Fault::WrongType, &LINE.replace("8.50", r#""about 8.50""#));
    }

    #[test]
    fn not_an_object() {
        check(Fault::NotAnObject, &format!("[{LINE}]"));
    }

    #[test]
    fn a_foreign_line_stays() {
        assert_eq!(Fault::BadTime.apply("{}"), "{}");
    }
}
