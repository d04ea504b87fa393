//! The edge to Lambda: invocations in, answers and failures out.
//!
//! A function whose settings or rules are wrong starts all the same and fails each invocation with what is wrong: that is seen in
//! the function's log, in its errors and by whoever invoked it, where a process that only ends would leave "exit status 1".
//!
//! A payload can be 6 MB, and the runtime would check it and copy it before the function reads it. So it goes around: the
//! runtime gets `null`, and the function the bytes as they came.

use crate::diagnostic::{Failure, Kind};
use crate::wakeups::{Answer, WakeUps};
use bytes::Bytes;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::util::MapRequestLayer;
use lambda_runtime::{Context, Error, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use serde::Serialize;
use serde::de::IgnoredAny;
use std::cell::Cell;
use std::time::Duration;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_pipeline::together::together;
use tokio::sync::Mutex;
use tracing::{error, warn};

/// Serves invocations with a function that was set up, or fails them all. One is served at a time, as Lambda does it.
pub async fn serve<S, A: Serialize>(
    function: Result<S, Failure>,
    handle: impl AsyncFn(&mut S, &str, &Context) -> Result<A, Failure>,
) -> Result<(), Error> {
    let (function, handle, body) = (&Mutex::new(function), &handle, &Cell::new(Bytes::new()));
    let answer = |event: LambdaEvent<IgnoredAny>| async move {
        let body = body.take();
        // The runtime logs a failure, by its `Debug`.
        match &mut *function.lock().await {
            // On the heap: what a function does nests deeper than the compiler follows in one piece.
            Ok(function) => Box::pin(handle(function, text(&body)?, &event.context)).await,
            Err(failure) => Err(failure.clone()),
        }
    };
    let put_aside = |mut invocation: LambdaInvocation| {
        body.set(std::mem::replace(&mut invocation.body, Bytes::from_static(b"null")));
        invocation
    };
    let runtime = Runtime::new(service_fn(answer)).layer(TracingLayer::new());
    runtime.layer(MapRequestLayer::new(put_aside)).run().await
}

/// The text of a payload.
fn text(body: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|error| Failure::new(Kind::BadEvent, &error))
}

/// Looks at each partition that is woken, one after another, and answers for those that failed.
pub async fn look(
    wake_ups: &WakeUps,
    mut look_at: impl AsyncFnMut(Partition) -> Result<(), Failure>,
) -> Result<Answer, Failure> {
    let mut looked = Vec::new();
    for &partition in wake_ups.partitions.keys() {
        looked.push((partition, look_at(partition).await));
    }
    answer_for(wake_ups, looked)
}

/// The same with all partitions at once: one that waits for somebody slow holds up no other.
pub async fn look_side_by_side(
    wake_ups: &WakeUps,
    look_at: impl AsyncFn(Partition) -> Result<(), Failure>,
) -> Result<Answer, Failure> {
    let look_at = &look_at;
    let looks = wake_ups.partitions.keys();
    let looks = looks.map(|&partition| async move { (partition, look_at(partition).await) });
    answer_for(wake_ups, together(looks).await)
}

/// Answers for the partitions that failed.
///
/// What brings messages learns which of them come again. Where all failed, or nobody could be told of a part, the whole
/// invocation fails, so that it is counted as an error.
fn answer_for(
    wake_ups: &WakeUps,
    looked: Vec<(Partition, Result<(), Failure>)>,
) -> Result<Answer, Failure> {
    if wake_ups.strange > 0 {
        warn!(messages = wake_ups.strange, "passed over messages that are no wake-ups");
    }
    let failed = |(partition, done): (_, Result<_, _>)| Some((partition, done.err()?));
    let failures: Vec<_> = looked.into_iter().filter_map(failed).collect();
    let is_whole = failures.len() == wake_ups.partitions.len() || wake_ups.is_tick();
    if is_whole && let Some((_, failure)) = failures.first() {
        return Err(failure.clone());
    }
    for (_, failure) in &failures {
        tell(failure);
    }
    Ok(wake_ups.answer(failures.iter().map(|(partition, _)| partition)))
}

/// When an invocation has ended in any case.
pub fn deadline(context: &Context) -> Timestamp {
    Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

/// How much earlier than its deadline an invocation gives up, in milliseconds: its answer has to arrive.
const ANSWER_MS: i64 = 1_000;

/// Does what can be dropped at any moment, as long as there is time. An invocation that gives up keeps its environment, and
/// says why; one that is cut by Lambda does neither.
pub async fn in_time<T>(context: &Context, work: impl Future<Output = T>) -> Result<T, Failure> {
    let left = deadline(context).as_millis() - ANSWER_MS - SystemClock.now().as_millis();
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    tokio::time::timeout(left, work).await.map_err(|_elapsed| Failure {
        kind: Kind::Retryable,
        message: "there was no more time: a stream or a table is slow; the next invocation goes on"
            .into(),
    })
}

/// Logs the failure of a part. What comes again by itself needs nobody.
fn tell(failure: &Failure) {
    let Failure { kind, message } = failure;
    if *kind == Kind::Retryable {
        warn!(error_type = kind.as_str(), error = message, "failed");
    } else {
        error!(error_type = kind.as_str(), error = message, "failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wakeups;
    use streamgauge_pipeline::memory::block_on;

    /// Wakes with this payload for 3 partitions, of which these fail: the answer, or the failure's message.
    #[track_caller]
    fn check(payload: &str, failing: &[u8], expect: Result<&str, &str>) {
        let wake_ups = wakeups::read(payload, 3).unwrap();
        let look_at = async |partition: Partition| {
            let number = partition.number();
            let message = format!("partition {number}");
            let failure = Failure { kind: Kind::Retryable, message };
            if failing.contains(&number) { Err(failure) } else { Ok(()) }
        };
        let in_turn = block_on(look(&wake_ups, look_at));
        let side_by_side = block_on(look_side_by_side(&wake_ups, look_at));
        for answer in [in_turn, side_by_side] {
            let answer = answer.map(|answer| serde_json::to_string(&answer).unwrap());
            let answer = answer.map_err(|failure| failure.message);
            assert_eq!(answer.as_deref().map_err(String::as_str), expect);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_given_up_and_comes_again() {
        let mut context = Context::default();
        context.deadline = u64::try_from(SystemClock.now().as_millis()).unwrap() + 60_000;
        assert_eq!(in_time(&context, async { 7 }).await, Ok(7));
        let failure = in_time(&context, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Retryable);
    }

    const MESSAGES: &str = r#"{"Records":[
        {"messageId":"a","body":"{\"partition\":0}","eventSource":"aws:sqs"},
        {"messageId":"b","body":"{\"partition\":2}","eventSource":"aws:sqs"}]}"#;
    const DONE: Result<&str, &str> = Ok(r#"{"batchItemFailures":[]}"#);

    #[test]
    fn a_queue_is_told_which_messages_failed() {
        check(MESSAGES, &[], DONE);
        check(MESSAGES, &[2], Ok(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#));
        check(MESSAGES, &[1], DONE);
    }

    #[test]
    fn where_everything_fails_the_invocation_does() {
        check(MESSAGES, &[0, 2], Err("partition 0"));
    }

    #[test]
    fn a_tick_fails_if_one_partition_does() {
        check("{}", &[1], Err("partition 1"));
        check("{}", &[], DONE);
        check(r#"{"partition":9}"#, &[], DONE);
    }
}
