//! Why a record is no event: the closed list of reasons.

/// The code of a reject. Users meet it in messages, dead letters and the output of `replay`; it never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectCode {
    /// The record is larger than the limit (10 MiB, Kinesis' largest record).
    TooLarge,
    /// The record is not UTF-8.
    InvalidUtf8,
    /// The record is not JSON (RFC 8259).
    InvalidJson,
    /// The JSON nests deeper than the limit.
    TooDeep,
    /// The JSON is not an object.
    NotAnObject,
    /// A key on a path that the rules read stands twice in its object.
    DuplicateKey,
    /// The event has no type.
    MissingType,
    /// The event has no identity (its `id`, by default).
    MissingIdentity,
    /// The event has no time.
    MissingTime,
    /// The time is not in the form that the rules name.
    InvalidTime,
    /// The time is before 1970, or not before 2200.
    TimeOutOfRange,
    /// The time is a leap second (`:60`).
    LeapSecond,
    /// The time is further ahead of the record's arrival than `max_ahead`.
    TooFarAhead,
    /// A value has another type than the rules need where a metric's expression matched.
    WrongType,
    /// A number is 10^18 or more in size.
    NumberOutOfRange,
}

impl RejectCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::TooLarge,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::TooDeep,
        Self::NotAnObject,
        Self::DuplicateKey,
        Self::MissingType,
        Self::MissingIdentity,
        Self::MissingTime,
        Self::InvalidTime,
        Self::TimeOutOfRange,
        Self::LeapSecond,
        Self::TooFarAhead,
        Self::WrongType,
        Self::NumberOutOfRange,
    ];

    /// The code as users see it: `invalid_json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::MissingType => "missing_type",
            Self::MissingIdentity => "missing_identity",
            Self::MissingTime => "missing_time",
            Self::InvalidTime => "invalid_time",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::LeapSecond => "leap_second",
            Self::TooFarAhead => "too_far_ahead",
            Self::WrongType => "wrong_type",
            Self::NumberOutOfRange => "number_out_of_range",
        }
    }
}

/// A record that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The record's position, as its source gave it.
    pub position: u64,
    /// Why.
    pub code: RejectCode,
    /// A sentence that names the field and shows the value, without a final period.
    pub detail: String,
}
