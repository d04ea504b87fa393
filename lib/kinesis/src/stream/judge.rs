//! What one read of a shard says.

use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::source::Progress;

/// What a read has seen; by default the end of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The newest arrival of its records; absent if it has none.
    pub(super) newest: Option<Timestamp>,
    /// Where the next read begins; absent at the end of a closed shard.
    pub(super) next: Option<String>,
    /// How far the end of the page is behind the newest record of the shard, in milliseconds.
    pub(super) behind_ms: i64,
}

/// What is known by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The answer.
    Known(Progress),
    /// Nothing yet: read on here.
    Further(String),
    /// Only records that count as read, and more behind them: read on where records may be younger than this.
    TooOld(Timestamp),
}

/// Judges a page that was asked for at a time. Records that arrived before `oldest` count as read.
pub(super) fn judge(page: Page, asked_at: Timestamp, oldest: Option<Timestamp>) -> Seen {
    let too_old = page.newest.zip(oldest).filter(|(newest, limit)| newest < limit);
    match (page, too_old) {
        (Page { newest: Some(_), .. }, None) => Seen::Known(Progress::Waiting),
        (Page { next: None, .. }, _) => Seen::Known(Progress::Ended),
        (Page { behind_ms: ..=0, .. }, _) => Seen::Known(Progress::Empty { asked_at }),
        (_, Some((_, limit))) => Seen::TooOld(limit),
        (Page { next: Some(next), .. }, None) => Seen::Further(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED_AT: Timestamp = Timestamp::from_millis(10_000);
    const EMPTY: Seen = Seen::Known(Progress::Empty { asked_at: ASKED_AT });
    const ENDED: Seen = Seen::Known(Progress::Ended);
    const WAITING: Seen = Seen::Known(Progress::Waiting);

    /// Shows it a page (the arrival of its newest record, the next iterator, how far behind); records before 5,000 are too old.
    fn check(newest: Option<i64>, next: Option<&str>, behind_ms: i64, expect: &Seen) {
        let newest = newest.map(Timestamp::from_millis);
        let page = Page { newest, next: next.map(str::to_owned), behind_ms };
        assert_eq!(judge(page, ASKED_AT, Some(Timestamp::from_millis(5_000))), *expect);
    }

    #[test]
    fn nothing_is_proven_by_an_empty_answer_alone() {
        check(None, Some("i"), 0, &EMPTY);
        check(None, Some("i"), 1, &Seen::Further("i".to_owned()));
        check(None, None, 0, &ENDED);
        check(None, None, 7, &ENDED);
    }

    #[test]
    fn records_wait_unless_they_are_too_old() {
        check(Some(5_000), Some("i"), 0, &WAITING);
        check(Some(5_000), None, 0, &WAITING);
        check(Some(4_999), Some("i"), 0, &EMPTY);
        check(Some(4_999), Some("i"), 1, &Seen::TooOld(Timestamp::from_millis(5_000)));
        check(Some(4_999), None, 0, &ENDED);
        let page = Page { newest: Some(Timestamp::EPOCH), next: None, behind_ms: 0 };
        assert_eq!(judge(page, ASKED_AT, None), WAITING);
    }
}
