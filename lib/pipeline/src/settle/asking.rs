//! Asking the streams: which shards there are, and what follows in those of which nothing new came.
//!
//! A window cannot close while a shard holds the watermark; if the shard is only silent, the stream can prove it. That is asked when it could
//! decide something, after the shard's log was read to its end, and at most once a second.

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

/// What the streams said.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) answers: Vec<(Question, Answer)>,
    /// All shards that the streams list, by stream and name.
    pub(super) listing: Vec<ListedShard>,
}

/// Asks the streams.
///
/// The shards are listed last: one that is read to its end was closed before its children were listed, so that it never leaves before they hold.
pub(super) async fn ask<S: Stream>(
    streams: &[S],
    questions: Vec<Question>,
    now: Timestamp,
) -> Result<Asked, Retryable> {
    let described = together(streams.iter().map(Stream::describe)).await;
    let described = described.into_iter().collect::<Result<Vec<_>, _>>()?;
    let asked = questions.into_iter().map(|question| {
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
    let answers = together(asked).await.into_iter().collect::<Result<_, Retryable>>()?;
    let mut listing = Vec::new();
    for (stream, id) in streams.iter().zip(&described) {
        if let Some(id) = id {
            listing.extend(stream.shards().await?.into_iter().map(|shard| listed(id, shard)));
        }
    }
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

fn answer(progress: Progress, now: Timestamp) -> Answer {
    match progress {
        Progress::Empty { asked_at } => Answer::Idle { asked_at },
        Progress::Waiting => Answer::Behind { since: now },
        Progress::Ended => Answer::Finished,
    }
}

fn listed(stream: &StreamId, shard: Shard) -> ListedShard {
    let key = |name| ShardKey { stream: stream.clone(), shard: name };
    ListedShard { parents: shard.parents.into_iter().map(key).collect(), key: key(shard.id) }
}
