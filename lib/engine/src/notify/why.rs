//! Why a channel is told of a transition, or is not.

use std::fmt;

/// Why a channel is told of a transition, or is not, as a name that users can look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Sent: the channel was told nothing shortly before.
    AtOnce,
    /// Sent: with others, because the channel was told something shortly before.
    Gathered,
    /// Sent: a resolve whose firing was.
    FiringSent,
    /// Not sent: `pending` never is.
    Pending,
    /// Not sent: a higher step of the ladder was, and fires.
    Inhibited,
    /// Not sent yet: it is older than `max_age`, and evaluation has not caught up.
    TooOld,
    /// Not sent yet: a silence holds.
    Silenced,
    /// Not sent yet: a maintenance window holds.
    Maintenance,
    /// Not sent: neither a route nor the step names a channel that there is.
    NoChannel,
    /// Not sent: a resolve whose firing was not.
    FiringNotSent,
}

impl Why {
    /// Whether it is sent.
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::AtOnce | Self::Gathered | Self::FiringSent)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Gathered => "gathered",
            Self::FiringSent => "firing was sent",
            Self::Pending => "pending",
            Self::Inhibited => "inhibited by a higher step",
            Self::TooOld => "too old",
            Self::Silenced => "silenced",
            Self::Maintenance => "maintenance",
            Self::NoChannel => "no channel",
            Self::FiringNotSent => "firing was not sent",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
