//! Which stream a batch is from: its name comes with the batch, and the stream that has it now tells when it was made.

use super::AggregateError;
use crate::port::source::{Stream, StreamId};
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// How long an answer counts. A stream that is made anew is a new one: its shards have the names of the old ones.
const COUNTS_MS: Millis = MINUTE_MS;

/// What the streams said who they are, by their place in the world.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    answers: Vec<Option<Answer>>,
}

#[derive(Clone, Debug)]
struct Answer {
    /// Absent: there was no such stream.
    id: Option<StreamId>,
    asked_at: Timestamp,
}

impl Streams {
    /// The stream of this name, and its place.
    pub(super) async fn find(
        &mut self,
        streams: &[impl Stream],
        name: &str,
        now: Timestamp,
    ) -> Result<(usize, StreamId), AggregateError> {
        self.answers.resize(streams.len(), None);
        // The one that had the name last is asked first: most often no other has to be.
        let had = |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.has(name));
        let first = self.answers.iter().position(had);
        for place in first.into_iter().chain(0..streams.len()) {
            let (Some(stream), Some(slot)) = (streams.get(place), self.answers.get_mut(place))
            else {
                continue;
            };
            if !slot.as_ref().is_some_and(|answer| answer.counts(now)) {
                let id = stream
                    .describe()
                    .await
                    .map_err(|source| AggregateError::Stream { stream: name.to_owned(), source })?;
                *slot = Some(Answer { id, asked_at: now });
            }
            if let Some(Answer { id: Some(id), .. }) = slot
                && *id.name == *name
            {
                return Ok((place, id.clone()));
            }
        }
        Err(AggregateError::UnknownStream { stream: name.to_owned() })
    }
}

impl Answer {
    fn has(&self, name: &str) -> bool {
        self.id.as_ref().is_some_and(|id| *id.name == *name)
    }

    /// Also where the clock was set back since.
    fn counts(&self, now: Timestamp) -> bool {
        self.asked_at <= now && now < self.asked_at.plus(COUNTS_MS)
    }
}
