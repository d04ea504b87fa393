//! Asking the streams: which shards there are, and what follows in those of which nothing new came.
//!
//! A window cannot close while a shard holds the watermark; if the shard is only silent, the stream can prove it. That is asked when it could
//! decide something, after the shard's log was read to its end, and at most once a second.
//!
//! Silence of a shard that the filter fills proves less: what the filter has not read yet comes later and is older. So such a shard
//! is idle only as of where the filter was when it was asked.

use crate::port::Retryable;
use crate::port::source::{Progress, SequenceNumber, Shard, ShardKey, Stream, StreamId};
use crate::settle_entry::{Answer, ListedShard};
use crate::together::together;
use streamgauge_engine::time::Timestamp;

/// What is asked of a shard: what follows this record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) shard: ShardKey,
    pub(super) after: Option<SequenceNumber>,
}

/// All that is asked at a time.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    pub(super) list: Vec<Question>,
    /// For each shard that is waited for, the time of the newest event that it is known to have brought, or could have.
    pub(super) reached: Vec<(ShardKey, Timestamp)>,
}

/// What the streams said.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) answers: Vec<(Question, Answer)>,
    /// All shards that the streams list, by stream and name.
    pub(super) listing: Vec<ListedShard>,
}

impl Asked {
    /// The same answers, where no shard is proven idle beyond a time.
    pub(super) fn up_to(mut self, time: Timestamp) -> Self {
        for (_, answer) in &mut self.answers {
            if let Answer::Idle { asked_at } = answer {
                *asked_at = time.min(*asked_at);
            }
        }
        self
    }
}

/// Asks the streams.
///
/// The shards are listed last: one that is read to its end was closed before its children were listed, so that it never leaves before they hold.
pub(super) async fn ask<S: Stream>(
    streams: &[S],
    questions: Questions,
    now: Timestamp,
) -> Result<Asked, Retryable> {
    let Questions { list, reached } = questions;
    let described = together(streams.iter().map(Stream::describe)).await;
    let described = described.into_iter().collect::<Result<Vec<_>, _>>()?;
    let asked = list.into_iter().map(|question| {
        let stream = stream_of(streams, &described, &question.shard.stream);
        async move {
            let progress = match stream {
                Some(stream) => {
                    stream.progress(&question.shard.shard, question.after.as_ref()).await?
                }
                // The stream is gone, or was made anew: nothing will ever follow.
                None => Progress::Ended,
            };
            Ok((question, answer(progress, now)))
        }
    });
    let answers = together(asked).await.into_iter().collect::<Result<Vec<_>, Retryable>>()?;
    let upstreams = streams.iter().zip(&described).filter(|(stream, _)| stream.is_upstream());
    let upstreams: Vec<_> = upstreams.filter_map(|(_, id)| id.as_ref()).collect();
    let answers = behind_the_filter(&upstreams, &reached, answers);
    let there = streams.iter().zip(&described);
    let lists = there.filter_map(|(stream, id)| Some(shards_of(stream, id.as_ref()?)));
    let lists = together(lists.collect::<Vec<_>>()).await;
    let mut listing = lists.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    listing.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Asked { answers, listing })
}

fn stream_of<'s, S>(
    streams: &'s [S],
    described: &[Option<StreamId>],
    wanted: &StreamId,
) -> Option<&'s S> {
    let place = described.iter().position(|described| described.as_ref() == Some(wanted))?;
    streams.get(place)
}

/// The answers, where no shard is idle beyond what the filter has read of its own.
fn behind_the_filter(
    upstreams: &[&StreamId],
    reached: &[(ShardKey, Timestamp)],
    mut answers: Vec<(Question, Answer)>,
) -> Vec<(Question, Answer)> {
    let is_upstream = |shard: &ShardKey| upstreams.contains(&&shard.stream);
    let upstream = reached.iter().filter(|(shard, _)| is_upstream(shard));
    let filtered = upstream.filter_map(|(shard, known)| {
        let answer = answers.iter().find(|(question, _)| question.shard == *shard);
        match answer {
            Some((_, Answer::Idle { asked_at })) => Some(*asked_at),
            Some((_, Answer::Finished)) => None,
            Some((_, Answer::Behind { .. })) | None => Some(*known),
        }
    });
    let Some(filtered) = filtered.min() else { return answers };
    for (question, answer) in &mut answers {
        if let Answer::Idle { asked_at } = answer
            && !is_upstream(&question.shard)
        {
            *asked_at = (*asked_at).min(filtered);
        }
    }
    answers
}

fn answer(progress: Progress, now: Timestamp) -> Answer {
    match progress {
        Progress::Empty { asked_at } => Answer::Idle { asked_at },
        Progress::Waiting => Answer::Behind { since: now },
        Progress::Ended => Answer::Finished,
    }
}

async fn shards_of<S: Stream>(stream: &S, id: &StreamId) -> Result<Vec<ListedShard>, Retryable> {
    let shards = stream.shards().await?.into_iter();
    Ok(shards.map(|shard| listed(id, shard)).collect())
}

fn listed(stream: &StreamId, shard: Shard) -> ListedShard {
    let key = |name| ShardKey { stream: stream.clone(), shard: name };
    ListedShard { parents: shard.parents.into_iter().map(key).collect(), key: key(shard.id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(stream: &str, shard: &str) -> ShardKey {
        let stream = StreamId { name: stream.into(), created_at: Timestamp::EPOCH };
        ShardKey { stream, shard: shard.into() }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Both streams were asked at 100; the filter's shard had brought events up to 40. As of when the other's is idle.
    #[track_caller]
    fn check(upstream: Option<Answer>, expect: i64) {
        let [filter, source] = [shard("front", "a"), shard("source", "b")];
        let question = |shard: &ShardKey| Question { shard: shard.clone(), after: None };
        let mut answers = vec![(question(&source), Answer::Idle { asked_at: at(100) })];
        answers.extend(upstream.map(|answer| (question(&filter), answer)));
        let reached = [(filter.clone(), at(40)), (source.clone(), at(10))];
        let answers = behind_the_filter(&[&filter.stream], &reached, answers);
        assert_eq!(answers[0].1, Answer::Idle { asked_at: at(expect) });
        assert_eq!(answers.get(1).map(|(_, answer)| *answer), upstream);
    }

    #[test]
    fn a_shard_is_idle_as_of_where_the_filter_is() {
        check(None, 40);
        check(Some(Answer::Behind { since: at(90) }), 40);
        check(Some(Answer::Idle { asked_at: at(100) }), 100);
        check(Some(Answer::Finished), 100);
    }

    #[test]
    fn without_a_filter_an_answer_stands_as_it_is() {
        let source = shard("source", "b");
        let question = Question { shard: source.clone(), after: None };
        let answers = vec![(question, Answer::Idle { asked_at: at(100) })];
        assert_eq!(behind_the_filter(&[], &[(source, at(10))], answers.clone()), answers);
    }
}
