//! Silences of a stack in memory: what is typed, and what then stands there.

use super::*;
use crate::arguments::{Arguments, Command};
use clap::Parser;
use serde_json::Value;
use streamgauge_engine::time::HOUR_MS;
use streamgauge_pipeline::control::{ControlEntry, EXPIRES_NEVER};
use streamgauge_pipeline::memory::{MemoryLog, VirtualClock, block_on};
use streamgauge_pipeline::port::log::{Append, LogId, Version};
use streamgauge_pipeline::port::rules::RulesText;

/// 2026-01-05T10:00:00Z
pub(in crate::command) const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

const RULES: &str = "
late: drop
metrics: {rejects: {count: 'true', window: 1m, dimensions: {aggregator: data.aggregator}}}
alerts:
  rejections:
    metric: rejects
    labels: {team: shop}
    steps: {reactive: {when: sum over 10m >= 3, severity: critical, notify: [oncall]}}
channels: {oncall: {pagerduty: {routing_key: 'env:KEY'}}}
";

/// A table that was laid out with rules.
pub(in crate::command) fn stack() -> MemoryLog<VirtualClock> {
    let log = MemoryLog::new(VirtualClock::new(NOW), 1 << 30);
    let text = RulesText { files: vec![("rules.yaml".to_owned(), RULES.to_owned())] };
    let plan = "plan".to_owned();
    let entries = [
        ControlEntry::Table { partitions: 1 },
        ControlEntry::Announced { plan: plan.clone(), text: Some(text), at: NOW },
        ControlEntry::InForce { plan, from: NOW },
    ];
    for (version, entry) in (1..).map(Version).zip(entries) {
        let entry = entry.to_entry(EXPIRES_NEVER).unwrap();
        let appended = block_on(log.append(&LogId::control(), version, &entry)).unwrap();
        assert_eq!(appended, Append::Appended);
    }
    log
}

/// What is said of a failure, with what to do about it.
pub(in crate::command) fn message(failure: Failure) -> String {
    match failure {
        Failure::Error { message, causes, hint, .. } => {
            [message].into_iter().chain(causes).chain(hint).collect::<Vec<_>>().join("; ")
        }
        other => panic!("{other:?}"),
    }
}

/// Types `silence` so many hours later. Words in quotes are one.
fn silence(log: &MemoryLog<VirtualClock>, hours: i64, typed: &str) -> Result<Answer, String> {
    let (command, rest) = typed.split_once(' ').unwrap_or((typed, ""));
    let mut words = vec!["streamgauge", "silence", command, "--table", "t"];
    for (place, part) in rest.split('\'').enumerate() {
        if place % 2 == 0 { words.extend(part.split_whitespace()) } else { words.push(part) }
    }
    let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
    let Command::Silence(arguments) = arguments.command else { panic!("{typed}") };
    block_on(answer(log, &arguments.command, NOW.plus(hours * HOUR_MS))).map_err(message)
}

fn add(log: &MemoryLog<VirtualClock>, typed: &str) -> Result<Answer, String> {
    silence(log, 0, &format!("add --author mira --reason 'the partner moves' {typed}"))
}

fn json(log: &MemoryLog<VirtualClock>, hours: i64, typed: &str) -> Vec<Value> {
    let answer = silence(log, hours, &format!("list --output json {typed}")).unwrap();
    answer.printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_added_is_named_listed_and_ended() {
    let log = stack();
    let typed = "--alert rejections --match aggregator=noon --match aggregator=zoo --for 2h";
    let added = add(&log, typed).unwrap();
    assert_eq!(added.printed, "s4\n");
    let told = "alert=rejections aggregator=noon,zoo is silent from 2026-01-05T10:00:00Z until 2026-01-05T12:00:00Z (2h)";
    assert_eq!(added.told, [told]);
    let whole = serde_json::json!({
        "id": "s4", "state": "active",
        "match": {"alert": ["rejections"], "aggregator": ["noon", "zoo"]},
        "from": "2026-01-05T10:00:00Z", "until": "2026-01-05T12:00:00Z",
        "author": "mira", "reason": "the partner moves", "added_at": "2026-01-05T10:00:00Z",
    });
    assert_eq!(json(&log, 1, ""), [whole]);
    silence(&log, 1, "end --author noor s4").unwrap();
    assert!(json(&log, 1, "").is_empty());
    let all = json(&log, 1, "--all");
    let of = |name: &str| all[0][name].as_str().unwrap();
    assert_eq!(
        (of("state"), of("ended_by"), of("ended_at")),
        ("ended", "noor", "2026-01-05T11:00:00Z")
    );
}

#[test]
fn the_table_shows_who_silences_what_and_until_when() {
    let log = stack();
    assert!(silence(&log, 0, "list").unwrap().printed.starts_with("no silence is active"));
    add(&log, "--alert rejections --for 1h").unwrap();
    add(&log, "--match severity=critical --from 2026-01-05T12:00:00Z --for 1h").unwrap();
    let table = silence(&log, 0, "list").unwrap().printed;
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["id", "state", "match", "from", "until", "author", "reason"]);
    let first = [
        "s4",
        "active",
        "alert=rejections",
        "2026-01-05T10:00:00Z",
        "2026-01-05T11:00:00Z",
        "mira",
        "the partner moves",
    ];
    assert_eq!(rows[1], first);
    assert_eq!(rows[2][..3], ["s5", "to come", "severity=critical"]);
    // An hour later the first is over.
    assert_eq!(json(&log, 1, "").len(), 1);
    assert_eq!(json(&log, 1, "--all")[0]["state"], "over");
}

#[test]
fn times_are_read_with_their_offset() {
    let log = stack();
    add(&log, "--alert rejections --until 2026-01-05T18:00:00+04:00").unwrap();
    assert_eq!(json(&log, 0, "")[0]["until"], "2026-01-05T14:00:00Z");
}

#[track_caller]
fn check_warned(typed: &str, expect: &[&str]) {
    let told = add(&stack(), typed).unwrap().told;
    let plain = |line: &String| anstream::adapter::strip_str(line).to_string();
    let warnings: Vec<_> =
        told.iter().map(plain).filter(|line| line.starts_with("warning")).collect();
    assert_eq!(warnings, expect);
}

#[test]
fn names_that_the_rules_do_not_know_are_warned_of() {
    check_warned("--for 1h --alert rejections --match step=reactive --match channel=oncall", &[]);
    check_warned("--for 1h --match aggregator=noon --match team=shop --match metric=rejects", &[]);
    check_warned(
        "--for 1h --alert rejection",
        &[
            "warning: there is no alert `rejection` in the rules in force; did you mean `rejections`?",
        ],
    );
    check_warned(
        "--for 1h --match agregator=noon --match channel=office",
        &[
            "warning: no alert has a dimension or label `agregator` in the rules in force; did you mean `aggregator`?",
            "warning: there is no channel `office` in the rules in force; known here: `oncall`",
        ],
    );
}

#[track_caller]
fn check_refused(typed: &str, expect: &str) {
    let log = stack();
    assert_eq!(add(&log, typed).unwrap_err(), expect);
    assert!(json(&log, 0, "--all").is_empty(), "nothing is added");
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let over = "the silence was over at 2026-01-05T09:00:00Z, and it is 2026-01-05T10:00:00Z; the end must be in the future; check its date and its offset from UTC";
    check_refused("--alert a --from 2026-01-05T08:00:00Z --until 2026-01-05T09:00:00Z", over);
    check_refused(
        "--alert a --until 2026-01-05T09:00:00Z",
        "the silence ends at 2026-01-05T09:00:00Z, and begins at 2026-01-05T10:00:00Z; name a later end with --until, or its length with --for",
    );
    check_refused(
        "--alert a --for 31d",
        "the silence ends at 2026-02-05T10:00:00Z, and none ends later than 2026-02-04T10:00:00Z; write `silences` or `maintenance` into the rules for what lasts longer or is planned ahead",
    );
    check_refused(
        "--alert a --until 2026-01-05T18:00:00",
        "`2026-01-05T18:00:00` is no time for --until; write it as 2026-01-05T10:00:00Z",
    );
    check_refused(
        "--match noon --for 1h",
        "`noon` is nothing to match; write NAME=VALUE, such as `--match aggregator=noon`",
    );
    check_refused(
        "--match severity=fatal --for 1h",
        "there is no severity `fatal`; there are critical, error, warning and info",
    );
    for (typed, missing) in [("--alert a", "--for"), ("--for 1h", "--alert")] {
        let said = add(&stack(), typed).unwrap_err();
        assert!(said.contains(missing), "{said}");
    }
    let both = add(&stack(), "--alert a --for 1h --until 2026-01-05T18:00:00Z").unwrap_err();
    assert!(both.contains("cannot be used with"), "{both}");
}

#[test]
fn only_what_is_active_can_be_ended() {
    let log = stack();
    add(&log, "--alert rejections --for 1h").unwrap();
    let end =
        |hours, id: &str| silence(&log, hours, &format!("end --author noor {id}")).unwrap_err();
    assert_eq!(
        end(0, "s3"),
        "there is no silence `s3`; `streamgauge silence list` shows those that are active"
    );
    assert_eq!(
        end(0, "rejections"),
        "`rejections` names no silence; the name of a silence is an `s` and a number, such as `s17`"
    );
    assert!(end(2, "s4").starts_with("the silence was over at 2026-01-05T11:00:00Z"));
    silence(&log, 0, "end --author noor s4").unwrap();
    assert!(end(0, "s4").starts_with("the silence `s4` was ended at 2026-01-05T10:00:00Z by noor"));
}

#[test]
fn a_table_without_a_stack_is_told() {
    let log = MemoryLog::new(VirtualClock::new(NOW), 1 << 30);
    let said = add(&log, "--alert a --for 1h").unwrap_err();
    assert!(said.starts_with("the table holds no stack"), "{said}");
}

#[test]
fn whoever_is_not_named_is_the_user() {
    let environment = |name: &str| (name == "LOGNAME").then(|| "noor".to_owned());
    assert_eq!(control_log::author(Some("mira"), environment).unwrap(), "mira");
    assert_eq!(control_log::author(None, environment).unwrap(), "noor");
    assert_eq!(control_log::author(Some(""), environment).unwrap(), "noor");
    let nobody = control_log::author(None, |_| Some(String::new())).unwrap_err();
    assert_eq!(message(nobody), "it is not known who you are; name yourself with --author");
}
