//! The answers of `lambda` before anything runs: what would run, and what is wrong with what was given.

use super::Sandbox;
use insta::assert_snapshot;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function: {Runtime: provided.al2023, Timeout: 20, CodeUri: build}
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
    Properties: {Name: !Sub 'orders-${Stage}'}
  WakeUps: {Type: AWS::SQS::Queue}
  Lost: {Type: AWS::S3::Bucket}
  Count:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {STAGE: !Ref Stage}}
      Events:
        Web: {Type: HttpApi}
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: LATEST
            MaximumBatchingWindowInSeconds: 5
            DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}
  Settle:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        WakeUps: {Type: SQS, Properties: {Queue: !GetAtt WakeUps.Arn}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
";

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox
        .file("template.yaml", TEMPLATE)
        .file("build/bootstrap", "#!/bin/sh\n")
        .file("a.ndjson", "{}\n");
    may_run(&sandbox, 0o755);
    sandbox
}

fn may_run(sandbox: &Sandbox, mode: u32) {
    let path = sandbox.folder.join("build/bootstrap");
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn help() {
    assert_snapshot!("help_lambda", Sandbox::new("help_lambda").run("lambda --help"));
}

#[test]
fn check_shows_what_would_run() {
    let sandbox = sandbox("lambda_check");
    assert_snapshot!("lambda_check", sandbox.run("lambda --template template.yaml --check"));
    let given = "--parameter Stage=prod --put Orders=a.ndjson --key a --send WakeUps=a.ndjson --for 1m30s --env A1=b";
    assert_snapshot!(
        "lambda_check_given",
        sandbox.run(&format!("lambda --template template.yaml --check {given}"))
    );
    let elsewhere = TEMPLATE.replace("!GetAtt Orders.Arn", "arn:aws:kinesis:us-east-1:0:stream/x");
    sandbox.file("elsewhere.yaml", elsewhere);
    assert_snapshot!(
        "lambda_check_elsewhere",
        sandbox.run("lambda --template elsewhere.yaml --check --put x=a.ndjson")
    );
}

#[test]
fn check_is_for_programs_too_and_looks_at_executables() {
    let sandbox = sandbox("lambda_check_json");
    let check = "lambda --template template.yaml --check";
    assert_snapshot!("lambda_check_json", sandbox.run(&format!("{check} --output json")));
    may_run(&sandbox, 0o644);
    assert_snapshot!("lambda_check_not_executable", sandbox.run(check));
}

#[test]
fn a_wrong_template_is_shown_with_its_lines() {
    let sandbox = sandbox("lambda_wrong");
    let wrong = TEMPLATE
        .replace("StartingPosition: LATEST", "TumblingWindowInSeconds: 60")
        .replace("Type: SQS, Properties", "Type: SQs, Properties")
        .replace("CodeUri: build", "CodeUri: bild");
    sandbox.file("wrong.yaml", wrong);
    assert_snapshot!("lambda_wrong", sandbox.run("lambda --template wrong.yaml"));
    assert_snapshot!(
        "lambda_wrong_json",
        sandbox.run("lambda --template wrong.yaml --output json")
    );
    assert_snapshot!("lambda_missing", sandbox.run("lambda --template mistyped.yaml"));
    sandbox.file("binary.yaml", b"\xff\xfe\x00");
    assert_snapshot!("lambda_binary", sandbox.run("lambda --template binary.yaml"));
}

#[test]
fn wrong_arguments_are_told_before_anything_runs() {
    let sandbox = sandbox("lambda_arguments");
    sandbox.file("event.json", "{").file("variables.env", "# a comment\nA1 = 'b'\nnothing\n");
    let answers = [
        "--parameter Stge=prod",
        "--parameter Stage",
        "--parameter Stage=a --parameter Stage=b",
        "--function Cuont=build/bootstrap",
        "--function Count=nowhere",
        "--env A",
        "--env-file variables.env",
        "--env-file nowhere.env",
        "--endpoint http://127.0.0.1:5102",
        "--endpoint sns=http://127.0.0.1:5102",
        "--endpoint localhost",
        "--put Odrers=a.ndjson",
        "--put Orders",
        "--put Orders=nowhere.ndjson",
        "--put Orders=- --send WakeUps=-",
        "--key data.order",
        "--send Orders=a.ndjson",
        "--invoke Cuont",
        "--invoke Count=event.json",
        "--invoke Count=nowhere.json",
        "--asynchronous",
        "--for ever",
        "--faults nowhere.yaml",
    ]
    .map(|arguments| sandbox.run(&format!("lambda --template template.yaml --check {arguments}")));
    assert_snapshot!("lambda_arguments", answers.join("\n"));
    let usage = ["--speed 0", "--environments 0", "--listen here", "--output table"]
        .map(|arguments| sandbox.run(&format!("lambda --template template.yaml {arguments}")));
    assert_snapshot!("lambda_usage", usage.join("\n"));
}
