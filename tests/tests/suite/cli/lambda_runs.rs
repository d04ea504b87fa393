//! `lambda` at work: the probe as the function, streams in this process, and what a user sees of it.

use super::Sandbox;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output};

const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: provided.al2023, Timeout: 20, CodeUri: build}
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 2}}
  WakeUps: {Type: AWS::SQS::Queue}
  Lost: {Type: AWS::S3::Bucket}
  Count:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {PROBE_JOURNAL: journal}}
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            MaximumRetryAttempts: 1
            BisectBatchOnFunctionError: true
            DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}
        WakeUps: {Type: SQS, Properties: {Queue: !GetAtt WakeUps.Arn}}
";

const SCHEDULED: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Tick:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Events: {Minute: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}}
";

/// A folder with a template and 100 records, of which those in `bad` always fail.
fn sandbox(test: &str, bad: &[u32]) -> Sandbox {
    let mut lines = String::new();
    for id in 0..100 {
        let deed = if bad.contains(&id) { r#","do":"fail""# } else { "" };
        writeln!(lines, r#"{{"id":{id},"order":{}{deed}}}"#, id % 7).unwrap();
    }
    let sandbox = Sandbox::new(test);
    sandbox.file("template.yaml", TEMPLATE).file("orders.ndjson", lines);
    sandbox.file("scheduled.yaml", SCHEDULED);
    sandbox
}

/// The command for the probe, in the background.
fn command(sandbox: &Sandbox, arguments: &str) -> Command {
    let mut command = sandbox.command(&format!("lambda {arguments}"));
    let journal = sandbox.folder.join("journal");
    command.arg("--env").arg(format!("PROBE_JOURNAL={}", journal.display()));
    let function = if arguments.contains("scheduled") { "Tick" } else { "Count" };
    command.arg("--function").arg(format!("{function}={}", env!("CARGO_BIN_EXE_probe")));
    command
}

fn run(sandbox: &Sandbox, arguments: &str) -> Output {
    command(sandbox, arguments).output().unwrap()
}

/// Runs with JSON: the exit code, and each line.
fn json(sandbox: &Sandbox, arguments: &str) -> (i32, Vec<Value>) {
    let output = run(sandbox, &format!("--output json {arguments}"));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines)
}

fn kinds<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// The ids in the probe's journal, in order, those met more than once too.
fn journal(sandbox: &Sandbox) -> Vec<u32> {
    let text = sandbox.read("journal");
    text.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

/// How often each of the 100 ids was met.
fn met(sandbox: &Sandbox) -> Vec<usize> {
    let journal = journal(sandbox);
    (0..100).map(|id| journal.iter().filter(|met| **met == id).count()).collect()
}

#[test]
fn every_record_is_done_once_and_the_summary_says_so() {
    let sandbox = sandbox("lambda_runs", &[]);
    let (code, lines) = json(
        &sandbox,
        "--template template.yaml --put Orders=orders.ndjson --key order --speed 100 --until-drained",
    );
    assert_eq!(code, 0, "{lines:?}");
    assert_eq!(met(&sandbox), [1; 100]);
    let summary = lines.last().unwrap();
    assert_eq!(summary["kind"], "summary");
    assert_eq!(summary["mappings"][0]["mapping"], "Count/Orders");
    assert_eq!(summary["mappings"][0]["records"], 100);
    let invocations = summary["functions"][0]["invocations"].as_u64().unwrap();
    let seen = kinds(&lines, "invocation").len();
    assert_eq!(u64::try_from(seen).unwrap(), invocations);
    // 0.2 dollars a million.
    let billed = &summary["bill"]["rows"][0];
    assert_eq!(billed["amount"], invocations);
    assert_eq!(billed["dollars"], format!("0.{:07}", invocations * 2).trim_end_matches('0'));
}

#[test]
fn a_bad_record_is_discarded_with_its_document_and_the_answer_is_no() {
    let sandbox = sandbox("lambda_bad_record", &[42]);
    let (code, lines) = json(
        &sandbox,
        "--template template.yaml --put Orders=orders.ndjson --speed 100 --until-drained --failures lost",
    );
    assert_eq!(code, 1);
    let discarded = kinds(&lines, "discarded");
    assert_eq!(discarded.len(), 1);
    assert_eq!(discarded[0]["records"], 1);
    assert_eq!(discarded[0]["condition"], "RetryAttemptsExhausted");
    let destination = discarded[0]["destination"].as_str().unwrap();
    let document = sandbox.read(&destination.replace("s3://", "lost/"));
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["KinesisBatchInfo"]["batchSize"], 1);
    let payload: Value = serde_json::from_str(document["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["Records"].as_array().unwrap().len(), 1);
    let others = met(&sandbox).into_iter().enumerate().filter(|(id, _)| *id != 42);
    assert!(others.into_iter().all(|(_, times)| times >= 1));
}

#[test]
fn a_killed_function_sees_its_batch_again() {
    let sandbox = sandbox("lambda_killed", &[]);
    sandbox.file("faults", "kill at=answered function=Count times=3 # and the answers are gone\n");
    let (code, lines) = json(
        &sandbox,
        "--template template.yaml --put Orders=orders.ndjson --speed 100 --until-drained --faults faults",
    );
    // A batch of which all attempts were killed would have been discarded.
    assert_eq!(kinds(&lines, "fault").len(), 3);
    assert_eq!(lines.last().unwrap()["faults"], 3);
    let times = met(&sandbox);
    assert!(times.iter().all(|met| *met >= 1), "{times:?}");
    assert!(times.iter().any(|met| *met >= 2), "{times:?}");
    assert_eq!(code, i32::from(!kinds(&lines, "discarded").is_empty()));
}

#[test]
fn a_wrong_plan_of_faults_is_told_with_its_lines() {
    let sandbox = sandbox("lambda_wrong_faults", &[]);
    sandbox.file("faults", "kill\nthrottle by=1s\n");
    let output = run(&sandbox, "--template template.yaml --until-drained --faults faults");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("line 1: `kill` needs `at=`"), "{text}");
    assert!(text.contains("line 2: `throttle` has no `by`"), "{text}");
}

#[test]
fn faults_that_can_never_strike_are_refused() {
    let sandbox = sandbox("lambda_idle_faults", &[]);
    let check = |plan: &str, expect: &str| {
        sandbox.file("faults", plan);
        let output = run(&sandbox, "--template template.yaml --until-drained --faults faults");
        assert_eq!(output.status.code(), Some(2), "{plan}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expect), "{text}");
    };
    check(
        "throttle\nzombie function=Cuont",
        "line 2: the template has no function `Cuont`; it has Count",
    );
    check(
        "repeat mapping=Count/Nope",
        "line 1: the template has no mapping `Count/Nope`; it has Count/",
    );
    check("throttle-call", "line 1: `throttle-call` is done by the meter, which needs --endpoint");
}

#[test]
fn a_file_that_is_a_folder_or_never_ends_is_a_wrong_argument() {
    let sandbox = sandbox("lambda_no_files", &[]);
    for (path, expect) in [
        (".", "`.` is a folder, and no file"),
        ("/dev/zero", "`/dev/zero` has more than 16777216 bytes"),
    ] {
        let output = run(&sandbox, &format!("--template {path} --check"));
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(expect), "{path}");
    }
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    let sandbox = sandbox("lambda_excluded", &[]);
    for (option, expect) in [
        ("--checkpoints x", "--checkpoints goes with --endpoint"),
        ("--create", "--create goes with --endpoint"),
        ("--listen 0.0.0.0:9001", "--listen is for this machine only"),
    ] {
        let output = run(&sandbox, &format!("--template template.yaml {option}"));
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(expect), "{option}");
    }
}

#[test]
fn an_invoked_function_answers_and_its_failure_is_a_no() {
    let sandbox = sandbox("lambda_invoke", &[]);
    sandbox.file("event.json", r#"{"id":7}"#).file("bad.json", r#"{"id":8,"do":"fail"}"#);
    let output = run(&sandbox, "--template template.yaml --invoke Count=event.json");
    assert_eq!(output.status.code(), Some(0));
    let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap();
    let answer: Value = serde_json::from_slice(first).unwrap();
    assert_eq!(answer["id"], "7");
    assert_eq!(answer["environment"], "Count-environment-1");
    let failed = run(&sandbox, "--template template.yaml --invoke Count=bad.json");
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8(failed.stderr).unwrap().contains("as it was asked"));
}

#[test]
fn messages_and_lines_of_standard_input_arrive() {
    let sandbox = sandbox("lambda_inputs", &[]);
    let mut child = command(
        &sandbox,
        "--template template.yaml --put Orders=- --send WakeUps=orders.ndjson --speed 100 --until-drained",
    )
    .stdin(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    let lines = sandbox.read("orders.ndjson");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(met(&sandbox), [2; 100]);
}

#[test]
fn a_schedule_fires_on_a_hurried_clock_until_the_run_is_over() {
    let sandbox = sandbox("lambda_schedule", &[]);
    let (code, lines) = json(&sandbox, "--template scheduled.yaml --speed 1000 --for 500ms");
    assert_eq!(code, 0);
    let ticks = kinds(&lines, "invocation");
    assert!(!ticks.is_empty());
    assert!(ticks.iter().all(|tick| tick["schedule"] == "Tick/Minute"), "{ticks:?}");
}

#[test]
fn an_interrupted_run_ends_cleanly_with_its_summary() {
    check_ends_cleanly("lambda_interrupted", "-INT");
}

#[test]
fn a_terminated_run_ends_cleanly_with_its_summary() {
    check_ends_cleanly("lambda_terminated", "-TERM");
}

#[track_caller]
fn check_ends_cleanly(test: &str, signal: &str) {
    let sandbox = sandbox(test, &[]);
    let arguments =
        "--output json --template template.yaml --put Orders=orders.ndjson --listen 127.0.0.1:0";
    let mut child = command(&sandbox, arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(r#""kind":"invocation""#)));
    let interrupt = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let last = lines.map(Result::unwrap).last().unwrap();
    assert!(last.starts_with(r#"{"kind":"summary""#), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("listening on http://127.0.0.1:"), "{told}");
    assert!(told.contains("interrupted"), "{told}");
}
