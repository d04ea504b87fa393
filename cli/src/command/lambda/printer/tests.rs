//! What is printed of what happens.

use super::*;
use bytes::Bytes;
use std::sync::Mutex;
use streamgauge_lambda::happening::Ending;
use streamgauge_lambda::invoke::{Cause, FunctionError, Report};

/// An output that can be looked at.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output whose reader has gone.
#[derive(Debug)]
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn invoked() -> Happening {
    Happening::Invoked {
        function: "count".into(),
        request_id: "r-1".into(),
        cause: Cause::Direct,
        ending: Ending::Error { text: "Boom: \"x\"".to_owned() },
        report: Report {
            duration: Duration::from_micros(1_234_500),
            billed: Duration::from_millis(1235),
            init: Some(Duration::from_millis(20)),
            memory_mb: 128,
            memory_used_mb: None,
            environment: 1,
        },
    }
}

/// What is written of these, line by line.
#[track_caller]
fn check(form: LambdaOutput, happenings: &[Happening], outcomes: &[Outcome], expect: &[&str]) {
    let kept = Kept::default();
    let (watcher, printer) = Printer::start(form, kept.clone());
    for happening in happenings {
        watcher.see(happening.clone());
    }
    for outcome in outcomes {
        watcher.answered("count", outcome);
    }
    let (_, _, result) = printer.finish(None);
    // Somebody who comes late is not waited for.
    watcher.see(invoked());
    assert!(result.is_ok());
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), expect);
}

#[test]
fn json_has_one_object_per_line_and_the_summary_last() {
    let log = Happening::Log {
        function: "count".into(),
        environment: 1,
        request_id: None,
        line: "a\tb".to_owned(),
    };
    check(
        LambdaOutput::Json,
        &[log, invoked()],
        &[],
        &[
            r#"{"kind":"log","function":"count","environment":1,"line":"a\tb"}"#,
            r#"{"kind":"invocation","function":"count","request_id":"r-1","source":"direct","ending":"error","error":"Boom: \"x\"","environment":1,"duration_ms":1234.500,"billed_ms":1235,"init_ms":20.000,"memory_mb":128}"#,
            r#"{"kind":"summary","functions":[{"function":"count","invocations":1,"errors":1,"timeouts":0,"throttles":0,"unreachable":0,"cold_starts":1,"environments":1,"billed_ms":1235,"billed_mb_ms":158080,"memory_mb":128,"duration_p50_ms":1230.000,"duration_max_ms":1234.500,"last_error":"Boom: \"x\""}],"mappings":[],"discarded":0,"faults":0,"troubles":0,"bill":{"priced_on":"2026-11-22","region":"us-east-1","rows":[{"amount":1,"dollars":"0.0000002","operation":"count","price_known_by":"third party","service":"lambda","unit":"invocations"},{"amount":158080,"dollars":"0.000002572922","operation":"count","price_known_by":"third party","service":"lambda","unit":"MB ms (x86_64)"}],"total_dollars":"0.000002772922"}}"#,
        ],
    );
}

#[test]
fn each_happening_is_valid_json() {
    let shard: Arc<str> = "shardId-0".into();
    let mapping: Arc<str> = "count/Orders".into();
    let discarded = Happening::Discarded {
        mapping: Arc::clone(&mapping),
        shard: Some(Arc::clone(&shard)),
        records: 2,
        condition: "RecordAgeExceeded",
        destination: None,
    };
    for happening in [
        discarded,
        Happening::Retried { mapping: Arc::clone(&mapping), shard: None, records: 2 },
        Happening::Bisected { mapping, shard, parts: (1, 2) },
        Happening::Fault { what: "killed \u{1}".to_owned() },
        Happening::Trouble { place: "a".to_owned(), error: "b\n".to_owned() },
    ] {
        let line = json::happening(&happening);
        assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok(), "{happening:?}");
        assert!(!line.contains(&b'\n'));
    }
}

#[test]
fn answers_are_the_output_for_people() {
    let failed = Outcome::Failed(FunctionError {
        handled: false,
        error_type: "Boom".to_owned(),
        message: "x".to_owned(),
        payload: Bytes::from_static(b"{\n\"errorType\": \"Boom\"}"),
    });
    let answered = Outcome::Answered(Bytes::from_static(b"{\"a\":1}"));
    check(LambdaOutput::Text, &[invoked()], &[answered.clone(), failed.clone()], &["{\"a\":1}"]);
    let empty = r#"{"kind":"summary","functions":[],"mappings":[],"discarded":0,"faults":0,"troubles":0,"bill":{"priced_on":"2026-11-22","region":"us-east-1","rows":[],"total_dollars":"0.00"}}"#;
    check(
        LambdaOutput::Json,
        &[],
        &[answered, failed, Outcome::Throttled, Outcome::Answered(Bytes::from_static(b"no"))],
        &[
            r#"{"kind":"answer","function":"count","ending":"success","payload":{"a":1}}"#,
            r#"{"kind":"answer","function":"count","ending":"error","error_type":"Boom","error":"x","payload":{"errorType": "Boom"}}"#,
            r#"{"kind":"answer","function":"count","ending":"throttled"}"#,
            r#"{"kind":"answer","function":"count","ending":"success","payload_text":"no"}"#,
            empty,
        ],
    );
}

#[tokio::test]
async fn a_reader_that_has_gone_is_told_and_the_summary_goes_on() {
    let (watcher, printer) = Printer::start(LambdaOutput::Json, Gone);
    watcher.see(invoked());
    printer.failed().await;
    watcher.see(invoked());
    let (summary, _, result) = printer.finish(None);
    assert_eq!(summary.functions["count"].invocations, 2);
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn people_read_logs_and_what_went_wrong() {
    let check = |happening: &Happening, expect: &str| {
        let shown = text(happening, &mut Troubles::default()).unwrap();
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), expect);
    };
    let log = |request_id: Option<&str>| Happening::Log {
        function: "count".into(),
        environment: 1,
        request_id: request_id.map(Into::into),
        line: "hi \u{1b}".to_owned(),
    };
    check(&log(Some("r-1")), "count r-1 hi \\u{1b}");
    check(&log(None), "count hi \\u{1b}");
    let discarded = |destination: Option<&str>| Happening::Discarded {
        mapping: "count/Orders".into(),
        shard: Some("shardId-0".into()),
        records: 2,
        condition: "RetryAttemptsExhausted",
        destination: destination.map(str::to_owned),
    };
    check(
        &discarded(None),
        "discarded: count/Orders: 2 records of shardId-0: RetryAttemptsExhausted; no destination is told",
    );
    check(
        &discarded(Some("s3://lost/a")),
        "discarded: count/Orders: 2 records of shardId-0: RetryAttemptsExhausted; told to s3://lost/a",
    );
    check(&Happening::Fault { what: "killed count".to_owned() }, "fault: killed count");
}

#[test]
fn a_trouble_that_comes_again_is_told_now_and_then() {
    let mut troubles = Troubles::default();
    let told: Vec<(u32, String)> =
        (1..=200).filter_map(|time| Some((time, troubles.again("full")?))).collect();
    let expect = [(1, ""), (10, " (10 times so far)"), (100, " (100 times so far)")];
    assert_eq!(told, expect.map(|(time, text)| (time, text.to_owned())));
    assert_eq!(troubles.again("another"), Some(String::new()));
}
