//! One run from its first record to its end, whatever it is that runs: [`Running`] is all that is asked of it.

use super::plan::{End, Event, Feed, Target};
use super::supply::Supply;
use crate::exit::Failure;
use crate::reading::{self, Batch, Text};
use crate::style::{self, tell};
use crate::words::counted;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use streamgauge_engine::hash;
use streamgauge_lambda::invoke::Outcome;
use streamgauge_local::input::Input;
use streamgauge_meter::bill::Bill;

/// The longest partition key, in characters.
const KEY_CHARACTERS_MAX: usize = 256;

/// A record for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewRecord {
    /// What decides the shard.
    pub(super) partition_key: String,
    /// The line.
    pub(super) data: Bytes,
}

/// What runs: the simulator, or what stands for it in a test.
pub(super) trait Running: Supply + Sized + Sync {
    /// Invokes a function; waits for the answer, or, asynchronously, only until it is taken.
    fn invoke(
        &self,
        function: &Arc<str>,
        payload: Bytes,
        asynchronous: bool,
    ) -> impl Future<Output = Option<Outcome>> + Send;

    /// Waits until all that came in is done.
    fn drained(&self) -> impl Future<Output = ()> + Send;

    /// Stops all of it, and waits until it has.
    fn stop(self) -> impl Future<Output = Remains> + Send;
}

/// What is known when all has stopped.
#[derive(Debug)]
pub(super) struct Remains {
    /// Whether all that was in flight ended in time; or why the checkpoints could not be saved.
    pub(super) saved: Result<bool, String>,
    /// What AWS would bill for the calls, if they were metered.
    pub(super) bill: Option<Bill>,
}

/// What is to be done in a run.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) feeds: Vec<Feed>,
    pub(super) invocations: Vec<Event>,
    pub(super) asynchronous: bool,
    pub(super) end: End,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Invocations by `--invoke` that failed.
    pub(super) failed: u64,
    /// Somebody did not want to wait.
    pub(super) interrupted: bool,
}

/// Does the work and waits for the end. `answered` sees each answer to an invocation.
pub(super) async fn run<R: Running>(
    running: &R,
    work: Work,
    interrupted: impl Future<Output = ()>,
    answered: impl Fn(&str, &Outcome),
) -> Result<Ended, Failure> {
    let after = work.end.after;
    let late = async move {
        match after {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    // What failed before an interruption has failed.
    let failed = AtomicU64::new(0);
    let answered = |function: &str, outcome: &Outcome| {
        failed.fetch_add(u64::from(!matches!(outcome, Outcome::Answered(_))), Ordering::Relaxed);
        answered(function, outcome);
    };
    let interrupted = tokio::select! {
        ended = through(running, work, answered) => ended.map(|()| false),
        () = interrupted => Ok(true),
        () = late => Ok(false),
    };
    Ok(Ended { failed: failed.load(Ordering::Relaxed), interrupted: interrupted? })
}

async fn through<R: Running>(
    running: &R,
    work: Work,
    answered: impl Fn(&str, &Outcome),
) -> Result<(), Failure> {
    // Only invocations were asked for: when they are done, so is all.
    let ends_with_answers =
        work.feeds.is_empty() && !work.invocations.is_empty() && work.end == End::default();
    for Feed { target, input } in work.feeds {
        feed(running, &target, input).await?;
    }
    for Event { function, payload } in work.invocations {
        if let Some(outcome) = running.invoke(&function, payload, work.asynchronous).await {
            answered(&function, &outcome);
        }
    }
    if work.end.drained || ends_with_answers && work.asynchronous {
        running.drained().await;
    } else if !ends_with_answers {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Puts or sends all lines of an input.
async fn feed<R: Running>(running: &R, target: &Target, input: Input) -> Result<(), Failure> {
    let mut batches = reading::start(vec![input]);
    let mut without_field = 0;
    while let Some(batch) = batches.recv().await {
        let (lines, too_long) = whole(batch?);
        let (done, what) = match target {
            Target::Stream(stream, field) => {
                let field = field.as_deref();
                let records = lines.into_iter().map(|data| {
                    let key = field.and_then(|field| value_of(&data, field));
                    without_field += u64::from(key.is_none() && field.is_some());
                    let hash = || format!("{:016x}", hash::stable(&data));
                    NewRecord { partition_key: key.unwrap_or_else(hash), data }
                });
                (
                    running.put(stream, records.collect()).await,
                    format!("the stream `{}`", stream.name()),
                )
            }
            Target::Queue(queue) => {
                let bodies = lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
                (
                    running.send(queue, bodies.collect()).await,
                    format!("the queue `{}`", queue.name()),
                )
            }
        };
        done.map_err(|error| {
            Failure::outside(format!("{what} did not take what was put: {error}"))
        })?;
        too_long.map_or(Ok(()), Err)?;
    }
    if without_field > 0 {
        tell(format_args!(
            "{}: {} without the field of --key, or with none that can be a key; their hash is the key",
            style::warning("warning"),
            counted(without_field, "line")
        ));
    }
    Ok(())
}

/// The lines of a batch up to one that is too long, and what to say about that one.
fn whole(batch: Batch) -> (Vec<Bytes>, Option<Failure>) {
    let mut lines = Vec::with_capacity(batch.lines.len());
    for (number, text) in batch.lines {
        match text {
            Text::Whole(line) => lines.push(line),
            Text::TooLong(length) => {
                let told = format!("{}:{number}: the line has {length} bytes", batch.input);
                let hint = "a record of a stream has at most 10 MiB, a message 1 MiB";
                return (lines, Some(Failure::wrong(told).hint(hint)));
            }
        }
    }
    (lines, None)
}

/// The value of a line's field, if it can be a partition key.
fn value_of(line: &[u8], field: &str) -> Option<String> {
    let object: serde_json::Value = serde_json::from_slice(line).ok()?;
    let found = field.split('.').try_fold(&object, |value, name| value.get(name))?;
    let value = match found {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => found.to_string(),
        _ => return None,
    };
    (1..=KEY_CHARACTERS_MAX).contains(&value.chars().count()).then_some(value)
}

/// How long a clean end may take before the process ends without it.
pub(super) const STOP_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
