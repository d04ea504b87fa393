//! Whether what is new decides something, and what the next entry takes: pure decisions.

use super::asking::{Asked, Question, Questions};
use super::state::{Change, State, Step, answer_to, name};
use super::take::Waiting;
use super::{Asking, ENTRY_AGE_MAX_MS, Kept, LISTED_EVERY_MS, TAKEN_BYTES_MAX};
use crate::port::source::ShardKey;
use crate::settle_entry::Answer;
use std::collections::BTreeSet;
use streamgauge_engine::settle::Watermarks;
use streamgauge_engine::time::{Millis, Timestamp};

/// The next entry; absent if there is nothing to write down.
pub(super) fn next(
    kept: &mut Kept,
    control: Vec<Change>,
    asked: Option<Asked>,
    now: Timestamp,
) -> Option<Step> {
    let (listing, answers) = match asked {
        Some(Asked { listing, answers }) => {
            let answers = answers.into_iter().map(|(question, answer)| (question.shard, answer));
            ((listing != kept.state.listing).then_some(listing), answers.collect())
        }
        None => (None, Vec::new()),
    };
    let is_due = !control.is_empty()
        || listing.is_some()
        || kept.waiting.bytes() >= TAKEN_BYTES_MAX
        || is_stale(kept, now)
        || rolls_out(&kept.state, &kept.waiting, &answers)
        || decides(&kept.state, &kept.waiting, &answers, now);
    if !is_due {
        return None;
    }
    let state = &kept.state;
    let deltas = kept.waiting.take_up_to(TAKEN_BYTES_MAX, |delta| state.watermark_of(delta));
    Some(Step { clock: now, control, listing, answers, deltas })
}

/// What to ask of the shards that are silent; absent if no answer could decide anything now, and the shards were
/// listed lately.
///
/// Shards that were opened since, also those of a stream that was made anew, bring nothing that could be due before they are listed.
/// So they are looked for when there is nothing new in those that are known, and else once a minute.
pub(super) fn questions(kept: &Kept, now: Timestamp, asking: Asking) -> Option<Questions> {
    let Kept { state, waiting, asked_at, .. } = kept;
    let is_over = |every_ms| asked_at.is_none_or(|asked_at| now >= asked_at.plus(every_ms));
    if !is_over(asking.every_ms) {
        return None;
    }
    let out_of_order = state.settlers.current.as_ref()?.plan.timing.out_of_order;
    // A shard that is idle now stands here at most.
    let reach = now.minus(out_of_order);
    let moments = state.settlers.next_moment().into_iter().chain(waiting.due());
    let earliest = moments.chain(state.telling.next_watermark()).min();
    let could_decide = earliest.is_some_and(|earliest| earliest <= reach);
    // A shard is asked from the last record that waits here: an entry that goes by the answer takes all that waits.
    let is_silent = |shard: &&ShardKey| {
        waiting.last(shard).is_none_or(|last| now >= last.at.plus(asking.silent_after_ms))
    };
    let asked = state.open_shards().filter(is_silent);
    let asked = asked.filter(|_| could_decide || state.announced.is_some());
    let list: Vec<_> = asked
        .map(|shard| Question {
            shard: shard.clone(),
            after: kept.read_up_to(shard).map(|position| position.record.sequence),
        })
        .collect();
    let looks = waiting.is_empty() || state.listing.is_empty() || is_over(LISTED_EVERY_MS);
    (looks || !list.is_empty())
        .then(|| Questions { list, reached: reached(kept, out_of_order, now) })
}

/// For each shard that is waited for, the time of the newest event that it is known to have brought, or could have.
fn reached(kept: &Kept, out_of_order: Millis, now: Timestamp) -> Vec<(ShardKey, Timestamp)> {
    let Kept { state, waiting, .. } = kept;
    let watermarks = watermarks(state, waiting, &[], now);
    let left_out: BTreeSet<_> = watermarks.left_out().collect();
    let reached = |shard: &ShardKey| {
        let name = name(shard);
        let stands =
            watermarks.of_shard(&name).map_or(Timestamp::EPOCH, |at| at.plus(out_of_order));
        (!left_out.contains(&name)).then(|| (shard.clone(), stands))
    };
    state.open_shards().filter_map(reached).collect()
}

/// When there is more to decide, as the clock goes: the next moment is passed once all shards could be proven idle.
pub(super) fn next_at(kept: &Kept) -> Option<Timestamp> {
    let state = &kept.state;
    let out_of_order = state.settlers.current.as_ref()?.plan.timing.out_of_order;
    let decided = state.settlers.next_moment().map(|next| next.plus(1));
    let watermark = decided.into_iter().chain(state.telling.next_watermark()).min();
    let proven = watermark.map(|watermark| watermark.plus(out_of_order));
    let told = state.telling.next_clock();
    proven.into_iter().chain(told).min()
}

/// Whether deltas have waited for so long that they are taken without a decision.
fn is_stale(kept: &Kept, now: Timestamp) -> bool {
    !kept.waiting.is_empty() && now >= kept.state.clock.plus(ENTRY_AGE_MAX_MS)
}

/// Whether it is news that a shard works for the plan that is announced.
fn rolls_out(state: &State, waiting: &Waiting, answers: &[(ShardKey, Answer)]) -> bool {
    let Some(announced) = &state.announced else { return false };
    let is_news = |shard: &ShardKey| !announced.named_by.contains(shard);
    let is_proven = |answer: &Answer| match answer {
        Answer::Idle { asked_at } => *asked_at > announced.at,
        Answer::Finished => true,
        Answer::Behind { .. } => false,
    };
    answers.iter().any(|(shard, answer)| is_news(shard) && is_proven(answer))
        || waiting.shards().any(|(shard, deltas)| {
            is_news(shard) && deltas.iter().any(|delta| announced.is_named_by(delta))
        })
}

/// Whether an entry of all that is new would decide anything.
fn decides(
    state: &State,
    waiting: &Waiting,
    answers: &[(ShardKey, Answer)],
    now: Timestamp,
) -> bool {
    let mut watermarks = watermarks(state, waiting, answers, now);
    let combined = watermarks.combined(now);
    let by_waiting = combined.is_some() && waiting.due().is_some_and(|due| Some(due) <= combined);
    by_waiting
        || state.telling.is_due(now, combined)
        || combined.is_some_and(|combined| state.settlers.is_due(combined))
        || watermarks.left_out().ne(state.watermarks.left_out())
}

/// The watermarks as an entry of all that is new would make them.
fn watermarks(
    state: &State,
    waiting: &Waiting,
    answers: &[(ShardKey, Answer)],
    now: Timestamp,
) -> Watermarks {
    let mut watermarks = state.watermarks.clone();
    for (shard, answer) in answers {
        answer_to(&mut watermarks, &name(shard), *answer);
    }
    for (shard, deltas) in waiting.shards() {
        for delta in deltas {
            if let Some(watermark) = state.watermark_of(delta) {
                watermarks.progress(&name(shard), watermark, now);
            }
        }
    }
    watermarks
}
