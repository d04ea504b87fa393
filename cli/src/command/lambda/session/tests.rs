//! Runs with something that notes what it is asked instead of a simulator.

use super::*;
use std::future::{pending, ready};
use std::sync::Mutex;
use streamgauge_lambda::arn::Arn;

/// Notes what it is asked; functions called `bad` fail, streams called `full` refuse.
#[derive(Debug, Default)]
struct Noting {
    notes: Mutex<Vec<String>>,
}

impl Noting {
    fn note(&self, text: String) {
        self.notes.lock().unwrap().push(text);
    }
}

impl Supply for Noting {
    async fn put(&self, stream: &Arn, records: Vec<NewRecord>) -> Result<(), String> {
        let keys = records.iter().map(|record| record.partition_key.as_str()).collect::<Vec<_>>();
        self.note(format!("put {} {} first {}", stream.name(), keys.len(), keys[0]));
        if stream.name() == "full" { Err("throttled".to_owned()) } else { Ok(()) }
    }

    async fn send(&self, queue: &Arn, bodies: Vec<String>) -> Result<(), String> {
        self.note(format!("send {} {}", queue.name(), bodies.join("|")));
        Ok(())
    }
}

impl Running for Noting {
    async fn invoke(
        &self,
        function: &Arc<str>,
        payload: Bytes,
        asynchronous: bool,
    ) -> Option<Outcome> {
        self.note(format!("invoke {function} {} bytes", payload.len()));
        let outcome = match &**function {
            "bad" => Outcome::Throttled,
            _ => Outcome::Answered(payload),
        };
        (!asynchronous).then_some(outcome)
    }

    async fn drained(&self) {
        self.note("drained".to_owned());
    }

    async fn stop(self) -> Remains {
        Remains { saved: Ok(true), bill: None }
    }
}

fn work() -> Work {
    Work { feeds: Vec::new(), invocations: Vec::new(), asynchronous: false, end: End::default() }
}

fn lines_of(target: Target, text: &str) -> Feed {
    Feed { target, input: Input::bytes("x.ndjson", text.as_bytes().to_vec()) }
}

fn event(function: &str) -> Event {
    Event { function: function.into(), payload: Bytes::from_static(b"{}") }
}

/// Does the work: how it ended, and what was asked meanwhile.
async fn done(
    work: Work,
    interrupted: impl Future<Output = ()>,
) -> (Result<Ended, Failure>, Vec<String>) {
    let running = Noting::default();
    let ended = run(&running, work, interrupted, |_, _| {}).await;
    (ended, running.notes.into_inner().unwrap())
}

fn stream(name: &str, field: Option<&str>) -> Target {
    Target::Stream(Arn::stream("r", "a", name), field.map(str::to_owned))
}

#[tokio::test]
async fn lines_are_put_in_batches_then_all_is_awaited() {
    let text = "{\"id\":7}\n".repeat(501);
    let feeds = vec![
        lines_of(stream("orders", Some("id")), &text),
        lines_of(Target::Queue(Arn::queue("r", "a", "wake")), "a\n\nb\n"),
    ];
    let end = End { drained: true, after: None };
    let (ended, notes) = done(Work { feeds, end, ..work() }, pending()).await;
    assert_eq!(ended.unwrap(), Ended::default());
    assert_eq!(
        notes,
        ["put orders 500 first 7", "put orders 1 first 7", "send wake a|b", "drained"]
    );
}

#[tokio::test]
async fn invocations_end_with_their_answers() {
    let invocations = vec![event("good"), event("bad")];
    let (ended, notes) = done(Work { invocations, ..work() }, pending()).await;
    assert_eq!(ended.unwrap(), Ended { failed: 1, interrupted: false });
    assert_eq!(notes, ["invoke good 2 bytes", "invoke bad 2 bytes"]);
}

#[tokio::test]
async fn without_an_end_only_an_interruption_ends_it() {
    let (ended, _) = done(work(), ready(())).await;
    assert_eq!(ended.unwrap(), Ended { failed: 0, interrupted: true });
}

#[tokio::test]
async fn what_failed_before_an_interruption_has_failed() {
    let invoked = Arc::new(tokio::sync::Notify::new());
    let (told, running) = (Arc::clone(&invoked), Noting::default());
    let feeds = vec![lines_of(Target::Queue(Arn::queue("r", "a", "wake")), "a\n")];
    let work = Work { feeds, invocations: vec![event("bad")], ..work() };
    let ended = run(&running, work, invoked.notified(), |_, _| told.notify_one()).await;
    assert_eq!(ended.unwrap(), Ended { failed: 1, interrupted: true });
}

#[tokio::test(start_paused = true)]
async fn a_length_ends_it() {
    let end = End { drained: false, after: Some(Duration::from_mins(5)) };
    let (ended, notes) = done(Work { end, ..work() }, pending()).await;
    assert_eq!((ended.unwrap(), notes), (Ended::default(), vec![]));
}

#[tokio::test]
async fn what_is_not_taken_is_the_outside_world() {
    let feeds = vec![lines_of(stream("full", None), "a\n")];
    let (ended, _) = done(Work { feeds, ..work() }, pending()).await;
    let Err(Failure::Error { message, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(message, "the stream `full` did not take what was put: throttled");
}

#[test]
fn a_partition_key_is_the_value_of_a_field() {
    let check = |line: &str, field: &str, expect: Option<&str>| {
        assert_eq!(value_of(line.as_bytes(), field).as_deref(), expect, "{line}");
    };
    check(r#"{"a":{"b":"x"}}"#, "a.b", Some("x"));
    check(r#"{"a":true}"#, "a", Some("true"));
    check(r#"{"a":7}"#, "a", Some("7"));
    check("{}", "a", None);
    check(r#"{"a":""}"#, "a", None);
    check(r#"{"a":[]}"#, "a", None);
    check("no json", "a", None);
    let long = |characters: usize| format!(r#"{{"a":"{}"}}"#, "é".repeat(characters));
    assert!(value_of(long(256).as_bytes(), "a").is_some());
    assert!(value_of(long(257).as_bytes(), "a").is_none());
}
