//! The probe: a small real function on `lambda_runtime`, for tests of the simulator. It does what each record says, and writes
//! down what it met, so that a test can steer it and read afterwards what it was given.
//!
//! # What a record says
//!
//! The data of a Kinesis record, the body of an SQS message, or the whole payload where the event has no `Records`, is JSON:
//! `{"id":7}` names the record and asks for nothing; `"do"` asks for one [`Deed`]:
//!
//! | record | what happens |
//! | --- | --- |
//! | `{"id":7}` | it succeeds |
//! | `{"id":7,"do":"fail"}` | it fails; `PROBE_REPORT` says how the function tells |
//! | `{"id":7,"do":"panic"}`, `"abort"`, `"hang"` | as named; `lambda_runtime` makes an error of a panic, so the process lives on |
//! | `{"id":7,"do":"exit","code":3}` | the process ends; 1 without a code |
//! | `{"id":7,"do":"sleep","ms":50}` | it takes that long |
//! | `{"id":7,"do":"allocate","mb":64}` | so much memory is taken and touched, and kept for the life of the process |
//! | `{"id":7,"do":"print","text":"a","lines":3}` | prints `a` so many times; `"to":"stderr"` elsewhere than to standard output |
//! | `{"id":7,"do":"point","name":"x"}` | asks the simulator at its point `x`: see `POST /streamgauge/point/x` |
//! | `{"id":7,"do":"answer","bytes":100}` | the function answers a JSON string of so many bytes, quotes included |
//! | `{"id":7,"do":"reply","with":{"a":1}}` | the function answers that JSON; null without it |
//! | `{"id":7,"do":"variables"}` | the function answers its environment variables, its directory as `PWD` |
//!
//! `"times":2` on any of them: only the first two times that this id is met, in whatever process; then it succeeds.
//! A record that is no such JSON fails.
//!
//! # What the environment says
//!
//! | variable | what it is for |
//! | --- | --- |
//! | `PROBE_JOURNAL` | a file: each record is one line, written when it is met and before its deed |
//! | `PROBE_EVENTS` | a file: each event is one line, as it came |
//! | `PROBE_COUNTS` | a folder, which is made: how often each id with `times` was met |
//! | `PROBE_DO` | deeds by id, for records that ask for nothing: `{"7":{"do":"fail","times":2}}` |
//! | `PROBE_INIT` | a deed before the first event: `{"do":"exit"}`; `fail` reports an initialization error and exits |
//! | `PROBE_POINT` | a point that the simulator is asked at behind each record's line in the journal |
//! | `PROBE_REPORT` | how failed records are told, see [`Reporting`](answer::Reporting); `error` without it |
//!
//! A line of the journal: `TOKEN REQUEST SHARD SEQUENCE ID`, with spaces between: the environment's session token, the request
//! id, the shard (`-` where there is none), the sequence number or message id (`-` for a direct payload), and the id
//! (`?` where the data is none of ours).
//!
//! # What it answers
//!
//! To records: `{"batchItemFailures":[..]}`. To a direct payload:
//! `{"id":7,"environment":TOKEN,"request":REQUEST,"invocation":N,"process":PID}`, where N counts the invocations of this process.

mod answer;
mod deeds;
mod event;
mod notes;

use answer::Answer;
use deeds::Deed;
use event::Item;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use notes::Notes;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicU64, Ordering};

/// All that lasts for the life of the process.
#[derive(Debug)]
struct Probe {
    notes: Notes,
    invocations: AtomicU64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let probe = Probe { notes: Notes::from_environment()?, invocations: AtomicU64::new(0) };
    if let Some(asked) = &probe.notes.init
        && probe.notes.is_due("init", asked.times)?
    {
        match asked.deed.do_it(&probe.notes).await {
            Ok(_) => {}
            Err(error) => {
                deeds::tell_init_error(&error).await?;
                return Err(error.into());
            }
        }
    }
    lambda_runtime::run(service_fn(|event| handle(&probe, event))).await
}

/// One invocation.
async fn handle(
    probe: &Probe,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<serde_json::Value, Diagnostic> {
    let request = &event.context.request_id;
    let invocation = probe.invocations.fetch_add(1, Ordering::Relaxed) + 1;
    probe.notes.keep_event(event.payload.get()).map_err(failure)?;
    let (items, is_batch) = event::items(event.payload.get()).map_err(failure)?;
    let mut answer = Answer::new(probe.notes.reporting);
    for item in &items {
        probe.notes.journal(request, item).map_err(failure)?;
        if let Some(point) = &probe.notes.point {
            deeds::ask_at_point(point).await.map_err(failure)?;
        }
        match process(probe, item).await {
            Ok(None) => {}
            Ok(Some(special)) => return Ok(special),
            Err(error) => {
                if answer.fail(item, error).map_err(failure)? {
                    break;
                }
            }
        }
    }
    if is_batch { Ok(answer.document()) } else { Ok(direct(items.first(), request, invocation)) }
}

/// Does what a record asks for. The value is an answer in place of the usual one.
async fn process(probe: &Probe, item: &Item) -> Result<Option<serde_json::Value>, String> {
    let (id, asked) = item.asked()?;
    let asked = match asked.deed {
        Deed::Succeed => probe.notes.deeds.get(&id).cloned().unwrap_or(asked),
        _ => asked,
    };
    if !probe.notes.is_due(&id, asked.times)? {
        return Ok(None);
    }
    let done = asked.deed.do_it(&probe.notes).await;
    done.map_err(|error| format!("record {id}: {error}"))
}

fn direct(item: Option<&Item>, request: &str, invocation: u64) -> serde_json::Value {
    let id = item.and_then(|item| item.asked().ok()).map(|(id, _)| id);
    serde_json::json!({
        "id": id,
        "environment": notes::token(),
        "request": request,
        "invocation": invocation,
        "process": std::process::id(),
    })
}

/// The error of a whole invocation.
fn failure(message: String) -> Diagnostic {
    Diagnostic { error_type: "ProbeFailure".to_owned(), error_message: message }
}
