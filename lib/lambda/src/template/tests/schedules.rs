//! Schedules, other events, and the resources that the template makes.

use super::{check, function, right};
use crate::arn::Arn;
use crate::stack::{QueueResource, Schedule, ScheduleKind, StreamResource};
use std::time::Duration;

fn event(kind: &str, properties: &str) -> String {
    function(&format!("      Events: {{E: {{Type: {kind}, Properties: {{{properties}}}}}}}\n"))
}

#[test]
fn schedules_of_both_services_are_read() {
    let template = right(&event(
        "Schedule",
        "Schedule: rate(1 minute), Input: '{}', RetryPolicy: {MaximumRetryAttempts: 3}",
    ));
    let expect = Schedule {
        name: "Count/E".into(),
        function: "Count".into(),
        expression: "rate(1 minute)".to_owned(),
        time_zone: None,
        input: Some("{}".to_owned()),
        kind: ScheduleKind::Rule,
        arn: Arn::new("arn:aws:events:us-east-1:000000000000:rule/CountE"),
    };
    assert_eq!(template.stack.schedules, [expect]);
    let text = event(
        "ScheduleV2",
        "ScheduleExpression: cron(0 12 * * ? *), ScheduleExpressionTimezone: Europe/Berlin, Name: noon, GroupName: g, FlexibleTimeWindow: {Mode: 'OFF'}",
    );
    let second = Schedule {
        name: "Count/E".into(),
        function: "Count".into(),
        expression: "cron(0 12 * * ? *)".to_owned(),
        time_zone: Some("Europe/Berlin".to_owned()),
        input: None,
        kind: ScheduleKind::Scheduler,
        arn: Arn::new("arn:aws:scheduler:us-east-1:000000000000:schedule/g/noon"),
    };
    assert_eq!(right(&text).stack.schedules, [second]);
}

#[test]
fn what_is_wrong_with_a_schedule_is_told() {
    check(
        &event("Schedule", "Schedule: every minute"),
        &[
            "8:59: `every minute` is wrong at character 1: this is no schedule expression; write `rate(5 minutes)`, `cron(0 12 * * ? *)` or, for Scheduler, `at(2026-01-05T10:00:00)`",
        ],
    );
    check(
        &event("Schedule", "Schedule: at(2026-01-05T10:00:00)"),
        &[
            "8:59: `at(2026-01-05T10:00:00)` is wrong at character 1: a scheduled rule has no `at`; use `Type: ScheduleV2`",
        ],
    );
    check(
        &event("ScheduleV2", "ScheduleExpression: rate(1 hour), ScheduleExpressionTimezone: Mars"),
        &["8:113: `Mars` is no time zone; write a name such as `Europe/Berlin`"],
    );
    check(
        &event("ScheduleV2", "ScheduleExpression: rate(1 hour), StartDate: x"),
        &["8:85: the start of a schedule is not simulated; remove `StartDate`"],
    );
    check(
        &event(
            "ScheduleV2",
            "ScheduleExpression: rate(1 hour), FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 5}",
        ),
        &["8:105: flexible time windows are not simulated; write `Mode: 'OFF'`"],
    );
    check(
        &event("Schedule", "Schedule: rate(1 hour), Input: nothing"),
        &[
            "8:80: the input is no JSON: expected ident at line 1 column 2; write JSON: a text is `'\"text\"'`",
        ],
    );
    check(
        &event("Schedule", "Schedule: rate(1 hour), State: SLEEPING"),
        &["8:80: `SLEEPING` is no state; write ENABLED or DISABLED"],
    );
    let template = right(&event("Schedule", "Schedule: rate(1 hour), Enabled: false"));
    assert!(template.stack.schedules.is_empty());
    assert_eq!(template.notes[0].text, "`Count/E` is not driven, as it is not enabled");
}

#[test]
fn other_events_are_noted_and_unknown_ones_refused() {
    let template = right(&event("HttpApi", "Path: /, Method: get"));
    assert_eq!(
        template.notes[0].text,
        "the event `E` of type HttpApi is not driven; the function can be invoked with --invoke"
    );
    check(
        &event("Kinesi", ""),
        &["8:26: there is no type of event `Kinesi`; did you mean `Kinesis`?"],
    );
    check(
        &function("      Events: {E: {Typ: SQS}}\n"),
        &["8:16: the event `E` has no type; add `Type: Kinesis`, SQS, Schedule or what it is"],
    );
    check(
        &function("      Events: {E: {Type: Api, Path: /}}\n"),
        &["8:31: an event has no key `Path`; put it under `Properties`"],
    );
    check(
        &function("      Events: [a]\n"),
        &["8:15: `Events` is a map, and this is a list; write the events by their names"],
    );
    let rule =
        "  Rule: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: !ImportValue x}}\n";
    assert_eq!(
        right(&(function("") + rule)).notes[0].text,
        "`Rule`, an AWS::Events::Rule, invokes nothing here"
    );
}

#[test]
fn streams_and_queues_are_made() {
    let text = function("") + "  A: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 3, RetentionPeriodHours: 48}}
  B: {Type: AWS::Kinesis::Stream, Properties: {StreamModeDetails: {StreamMode: ON_DEMAND}}}
  C: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60, DelaySeconds: 5, MessageRetentionPeriod: 60, RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 3}}}
  D: {Type: AWS::SQS::Queue}
";
    let stack = right(&text).stack;
    let day = Duration::from_hours(24);
    assert_eq!(
        stack.streams,
        [
            StreamResource { name: "A".to_owned(), shards: 3, retention: day * 2 },
            StreamResource { name: "B".to_owned(), shards: 4, retention: day },
        ]
    );
    let usual = QueueResource {
        name: "D".to_owned(),
        visibility: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: day * 4,
        redrive: None,
    };
    let first = QueueResource {
        name: "C".to_owned(),
        visibility: Duration::from_mins(1),
        delay: Duration::from_secs(5),
        retention: Duration::from_mins(1),
        redrive: Some((Arn::queue("us-east-1", "000000000000", "D"), 3)),
    };
    assert_eq!(stack.queues, [first, usual]);
}

#[test]
fn what_is_wrong_with_what_is_made_is_told() {
    let of = |kind: &str, properties: &str| {
        function(&format!("  A: {{Type: {kind}, Properties: {{{properties}}}}}\n"))
    };
    check(
        &of("AWS::Kinesis::Stream", "ShardCount: 0"),
        &[
            "8:60: `ShardCount` is a whole number from 1 to 10000, and this is `0`; AWS takes no other",
        ],
    );
    check(
        &of("AWS::Kinesis::Stream", "Shards: 1"),
        &[
            "8:48: an AWS::Kinesis::Stream has no property `Shards`; known here: `DesiredShardLevelMetrics`, `MaxRecordSizeInKiB`, `Name`, `RetentionPeriodHours`, `ShardCount`, `StreamEncryption`, `StreamModeDetails`, `Tags`, `WarmThroughputMiBps`",
        ],
    );
    check(
        &of("AWS::Kinesis::Stream", "ShardCount: 1, StreamModeDetails: {StreamMode: ON_DEMAND}"),
        &["8:60: an on-demand stream has no `ShardCount`; remove it"],
    );
    check(
        &of("AWS::SQS::Queue", "DelaySeconds: 901"),
        &[
            "8:57: `DelaySeconds` is a whole number from 0 to 900, and this is `901`; AWS takes no other",
        ],
    );
    check(
        &of("AWS::SQS::Queue", "RedrivePolicy: {maxReceiveCount: 3}"),
        &["8:43: a RedrivePolicy has no `deadLetterTargetArn`; add `deadLetterTargetArn`"],
    );
    let fifo = right(&of("AWS::SQS::Queue", "FifoQueue: true"));
    assert!(fifo.stack.queues.is_empty());
    assert_eq!(fifo.notes[0].text, "the FIFO queue `A.fifo` is not made in this process");
}
