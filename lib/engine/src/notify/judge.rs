//! Whether a firing is sent to a channel, now, later or never.

use super::quiet::Quiet;
use super::why::Why;
use crate::time::Timestamp;

/// What is decided for a firing and a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It goes out.
    Send,
    /// It waits, and is judged again when that has passed.
    Hold(Hold),
    /// It never goes out: [`Why::Inhibited`]. A higher step fires until the episode ends, and so no moment is left for it.
    Inhibited,
}

/// What a firing waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// That evaluation catches up to within `max_age`.
    CatchUp,
    /// The end of a quiet time.
    Quiet(Quiet),
}

impl Hold {
    /// Why it is not sent yet.
    pub(super) const fn why(self) -> Why {
        match self {
            Self::CatchUp => Why::TooOld,
            Self::Quiet(quiet) => quiet.why,
        }
    }
}

/// Judges a firing at a moment of event time: that of the firing, or later, when what it waited for has passed.
///
/// `decided_at` is the watermark at which that moment is decided: alerts that wait for journeys or points are later by that, and
/// what they wait for is no backlog. `oldest` is the clock less `max_age`, absent where the clock passes through every moment.
pub(super) fn judge(
    decided_at: Timestamp,
    oldest: Option<Timestamp>,
    is_higher_sent: bool,
    quiet: impl FnOnce() -> Option<Quiet>,
) -> Judgement {
    if is_higher_sent {
        return Judgement::Inhibited;
    }
    if oldest.is_some_and(|oldest| decided_at < oldest) {
        return Judgement::Hold(Hold::CatchUp);
    }
    quiet().map_or(Judgement::Send, |quiet| Judgement::Hold(Hold::Quiet(quiet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000);
    const QUIET: Quiet = Quiet { why: Why::Silenced, until: Timestamp::from_millis(2_000) };

    #[track_caller]
    fn check(
        oldest_ms: Option<i64>,
        is_higher_sent: bool,
        quiet: Option<Quiet>,
        expect: Judgement,
    ) {
        let oldest = oldest_ms.map(Timestamp::from_millis);
        assert_eq!(judge(AT, oldest, is_higher_sent, || quiet), expect);
    }

    #[test]
    fn what_keeps_a_firing_back_and_in_which_order() {
        check(None, false, None, Judgement::Send);
        check(Some(1_000), false, None, Judgement::Send);
        check(Some(1_001), false, None, Judgement::Hold(Hold::CatchUp));
        check(Some(1_001), false, Some(QUIET), Judgement::Hold(Hold::CatchUp));
        check(Some(1_000), false, Some(QUIET), Judgement::Hold(Hold::Quiet(QUIET)));
        check(None, true, None, Judgement::Inhibited);
        check(Some(1_001), true, Some(QUIET), Judgement::Inhibited);
    }

    #[test]
    fn a_hold_says_why() {
        assert_eq!(Hold::CatchUp.why(), Why::TooOld);
        assert_eq!(Hold::Quiet(QUIET).why(), Why::Silenced);
    }
}
