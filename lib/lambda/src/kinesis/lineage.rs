//! Which shards of a stream may be read, and where each begins.
//!
//! A split or a merge closes shards and opens children of theirs. A child is read when all of its parents are read to their
//! end and everything of them is done, so the records of a key stay in order. Parents that are listed no more have nothing
//! left. AWS states "always process a parent shard before its child" for DynamoDB Streams, and does so for Kinesis.
//!
//! | shard | begins |
//! | --- | --- |
//! | has a position | behind it |
//! | was listed when the mapping was new | at the mapping's start; with `LATEST`, closed ones are passed over |
//! | came later | at its oldest record: all of it is newer than the mapping |
//!
//! With `LATEST` a shard that was never read is remembered by the moment at which it was listed first, so a restart before the
//! first record loses nothing.

use crate::stream::{SequenceNumber, Shard, ShardId, Start};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the shards are listed, beside each time that one ends, in the simulator's time. AWS does not say.
pub(super) const LIST_INTERVAL: Duration = Duration::from_secs(10);

/// What is known of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardProgress {
    /// Where it begins.
    pub(super) start: Start,
    /// When it was listed first.
    pub(super) learned: Timestamp,
    /// The record up to which everything is done.
    pub(super) position: Option<SequenceNumber>,
    /// It is closed, and done to its end.
    pub(super) ended: bool,
}

impl ShardProgress {
    /// Where to read on.
    pub(super) fn resume(&self) -> Start {
        self.position.clone().map_or_else(|| self.start.clone(), Start::After)
    }

    /// Where to read on in another run, or later in this one: `LATEST` has become a moment.
    pub(super) fn resume_later(&self) -> Start {
        match self.resume() {
            Start::Latest => Start::AtTimestamp(self.learned),
            start => start,
        }
    }
}

/// What is known of the shards of a mapping.
pub(super) type Known = BTreeMap<ShardId, ShardProgress>;

/// Shards that are listed and not known, and what to remember of them.
pub(super) fn learn(listed: &[Shard], known: &Known, start: &Start, now: Timestamp) -> Known {
    let is_new_mapping = known.is_empty();
    let unknown = listed.iter().filter(|shard| !known.contains_key(&shard.id));
    unknown
        .map(|shard| {
            let start = if is_new_mapping { start.clone() } else { Start::TrimHorizon };
            let ended = shard.closed && start == Start::Latest;
            let progress = ShardProgress { start, learned: now, position: None, ended };
            (ShardId::clone(&shard.id), progress)
        })
        .collect()
}

/// The shards that may be read: not ended, and all parents of theirs are.
pub(super) fn readable<'a>(
    listed: &'a [Shard],
    known: &'a Known,
) -> impl Iterator<Item = &'a ShardId> {
    let is_done = |id: &ShardId| known.get(id).is_none_or(|progress| progress.ended);
    listed
        .iter()
        .filter(move |shard| !is_done(&shard.id) && shard.parents.iter().all(is_done))
        .map(|shard| &shard.id)
}

/// The shards that are not ended and not listed any more: what they held has expired.
pub(super) fn vanished<'a>(
    listed: &'a [Shard],
    known: &'a Known,
) -> impl Iterator<Item = &'a ShardId> {
    let is_listed = |id: &ShardId| listed.iter().any(|shard| shard.id == *id);
    known.iter().filter(move |(id, progress)| !progress.ended && !is_listed(id)).map(|(id, _)| id)
}

/// The shards that nobody asks for any more: ended, not listed, and no listed shard is a child of theirs. One shard stays
/// known at least: a mapping that knows none is new.
pub(super) fn forgettable<'a>(
    listed: &'a [Shard],
    known: &'a Known,
) -> impl Iterator<Item = &'a ShardId> {
    let is_named =
        |id: &ShardId| listed.iter().any(|shard| shard.id == *id || shard.parents.contains(id));
    let is_old = move |(id, progress): &(&ShardId, &ShardProgress)| progress.ended && !is_named(id);
    let kept = usize::from(known.iter().all(|entry| is_old(&entry)));
    known.iter().filter(is_old).map(|(id, _)| id).skip(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-05T10:00:00Z".parse().unwrap()
    }

    /// Shards from `a`, `+b` (closed), `c<a+b` (child of both).
    fn shards(text: &str) -> Vec<Shard> {
        text.split_whitespace()
            .map(|word| {
                let (id, parents) = word.split_once('<').unwrap_or((word, ""));
                let parents = parents.split('+').filter(|parent| !parent.is_empty());
                Shard {
                    id: id.trim_start_matches('+').into(),
                    parents: parents.map(ShardId::from).collect(),
                    closed: id.starts_with('+'),
                }
            })
            .collect()
    }

    fn known(text: &str, start: &Start) -> Known {
        learn(&shards(text), &Known::new(), start, now())
    }

    fn names<'a>(ids: impl Iterator<Item = &'a ShardId>) -> String {
        ids.map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Which shards may be read when some have ended.
    #[track_caller]
    fn check_readable(listed: &str, ended: &str, expect: &str) {
        let mut known = known(listed, &Start::TrimHorizon);
        for id in ended.split_whitespace() {
            let progress = ShardProgress {
                start: Start::TrimHorizon,
                learned: now(),
                position: None,
                ended: true,
            };
            known.insert(id.into(), progress);
        }
        assert_eq!(names(readable(&shards(listed), &known)), expect);
    }

    #[test]
    fn parents_are_read_before_children() {
        check_readable("a b", "", "a b");
        check_readable("+a b<a c<a d", "", "a d");
        check_readable("+a b<a c<a d", "a", "b c d");
        check_readable("+a +b c<a+b", "a", "b");
        check_readable("+a +b c<a+b", "a b", "c");
        check_readable("+a +b<a c<b", "a", "b");
    }

    #[test]
    fn parents_that_are_listed_no_more_have_nothing_left() {
        check_readable("b<a c<a", "", "b c");
        check_readable("+b c<a+b", "", "b");
    }

    /// Where the shards of a second listing begin.
    #[track_caller]
    fn check_start(start: &Start, first: &str, second: &str, id: &str, expect: &Start) {
        let mut known = known(first, start);
        let learned = learn(&shards(second), &known, start, now());
        known.extend(learned);
        assert_eq!(&known[id].resume(), expect);
    }

    #[test]
    fn shards_of_the_first_listing_begin_where_the_mapping_says() {
        let moment = Start::AtTimestamp(now());
        for start in [Start::TrimHorizon, Start::Latest, moment] {
            check_start(&start, "+a b<a", "", "b", &start);
            check_start(&start, "a", "+a b<a c<a", "b", &Start::TrimHorizon);
            check_start(&start, "a", "a z", "z", &Start::TrimHorizon);
        }
    }

    #[test]
    fn latest_passes_over_closed_shards() {
        let known = known("+a b<a", &Start::Latest);
        assert!(known["a"].ended && !known["b"].ended);
        assert_eq!(names(readable(&shards("+a b<a"), &known)), "b");
        assert_eq!(known["b"].resume_later(), Start::AtTimestamp(now()));
    }

    #[test]
    fn a_position_is_where_to_go_on() {
        let number = SequenceNumber::new("7");
        let mut known = known("a", &Start::Latest);
        known.get_mut("a").unwrap().position = Some(number.clone());
        assert_eq!(known["a"].resume(), Start::After(number.clone()));
        assert_eq!(known["a"].resume_later(), Start::After(number));
    }

    #[test]
    fn what_is_listed_no_more_is_ended_or_forgotten() {
        let mut known = known("a +b c<b", &Start::TrimHorizon);
        known.get_mut("b").unwrap().ended = true;
        assert_eq!(names(vanished(&shards("c<b"), &known)), "a");
        assert_eq!(names(forgettable(&shards("c<b"), &known)), "", "c still names b");
        assert_eq!(names(forgettable(&shards("c"), &known)), "b");
        assert_eq!(names(forgettable(&shards("+b c<b"), &known)), "");
        for progress in known.values_mut() {
            progress.ended = true;
        }
        assert_eq!(names(forgettable(&[], &known)), "b c", "a mapping that knew shards is not new");
    }
}
