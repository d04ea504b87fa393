//! What a function gets from a schedule.
//!
//! A scheduled rule sends the event of <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
//! with the source `aws.events` and an empty object as detail. Scheduler's guide does not show its event; what functions
//! are seen to get has the source `aws.scheduler`, and as detail the text `{}`, not an object.
//!
//! `Input` replaces the event. In that of Scheduler, keywords such as `<aws.scheduler.scheduled-time>` are replaced:
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>. The attempt number is
//! 1 always: it counts Scheduler's attempts to hand the event to Lambda, and the simulator takes each one.
//!
//! Ids are made from the schedule's name and the moment: the same in each run on the same moments.

use crate::stack::{Schedule, ScheduleKind};
use bytes::Bytes;
use jiff::Timestamp;
use rapidhash::v3::{DEFAULT_RAPID_SECRETS, rapidhash_v3_micro_inline};
use serde::Serialize;

#[derive(Serialize)]
struct Event<'a> {
    version: &'static str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'static str,
    source: &'static str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: [&'a str; 1],
    detail: Detail,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail {
    Object {},
    Text(&'static str),
}

/// The event of a schedule for the moment at which it was due.
pub fn event(schedule: &Schedule, due: Timestamp) -> Bytes {
    let time = due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match (&schedule.input, schedule.kind) {
        (Some(input), ScheduleKind::Rule) => input.clone().into(),
        (Some(input), ScheduleKind::Scheduler) => keywords(input, schedule, due, &time).into(),
        (None, kind) => usual(schedule, kind, due, time),
    }
}

fn usual(schedule: &Schedule, kind: ScheduleKind, due: Timestamp, time: String) -> Bytes {
    let arn = schedule.arn.as_str();
    let mut parts = arn.split(':').skip(3);
    let (source, detail) = match kind {
        ScheduleKind::Rule => ("aws.events", Detail::Object {}),
        ScheduleKind::Scheduler => ("aws.scheduler", Detail::Text("{}")),
    };
    let event = Event {
        version: "0",
        id: uuid(schedule, due),
        detail_type: "Scheduled Event",
        source,
        region: parts.next().unwrap_or_default(),
        account: parts.next().unwrap_or_default(),
        time,
        resources: [arn],
        detail,
    };
    // Nothing in it can fail to be written: all keys are texts.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

fn keywords(input: &str, schedule: &Schedule, due: Timestamp, time: &str) -> String {
    let execution = format!("{:016x}", number(schedule, due, 0));
    input
        .replace("<aws.scheduler.schedule-arn>", schedule.arn.as_str())
        .replace("<aws.scheduler.scheduled-time>", time)
        .replace("<aws.scheduler.execution-id>", &execution)
        .replace("<aws.scheduler.attempt-number>", "1")
}

fn number(schedule: &Schedule, due: Timestamp, salt: u8) -> u64 {
    let text = format!("{salt} {} {}", schedule.arn, due.as_nanosecond());
    rapidhash_v3_micro_inline::<true, false>(text.as_bytes(), &DEFAULT_RAPID_SECRETS)
}

fn uuid(schedule: &Schedule, due: Timestamp) -> String {
    let bits = |salt| u128::from(number(schedule, due, salt));
    crate::uuid::uuid(bits(1) << 64 | bits(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::Arn;

    fn schedule(kind: ScheduleKind, arn: &str, input: Option<&str>) -> Schedule {
        Schedule {
            name: "Settle/Tick".into(),
            function: "settle".into(),
            expression: "rate(1 minute)".to_owned(),
            time_zone: None,
            input: input.map(str::to_owned),
            kind,
            arn: Arn::new(arn),
        }
    }

    #[track_caller]
    fn check(schedule: &Schedule, expect: &str) {
        let due = "2015-10-08T16:53:06.250Z".parse().unwrap();
        let text = String::from_utf8(event(schedule, due).to_vec()).unwrap();
        assert_eq!(text.replace(&uuid(schedule, due), "ID"), expect);
    }

    #[test]
    fn the_event_of_a_rule() {
        check(
            &schedule(
                ScheduleKind::Rule,
                "arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule",
                None,
            ),
            r#"{"version":"0","id":"ID","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2015-10-08T16:53:06Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule"],"detail":{}}"#,
        );
    }

    #[test]
    fn the_event_of_scheduler() {
        check(
            &schedule(
                ScheduleKind::Scheduler,
                "arn:aws:scheduler:us-east-2:257676781382:schedule/default/tick",
                None,
            ),
            r#"{"version":"0","id":"ID","detail-type":"Scheduled Event","source":"aws.scheduler","account":"257676781382","time":"2015-10-08T16:53:06Z","region":"us-east-2","resources":["arn:aws:scheduler:us-east-2:257676781382:schedule/default/tick"],"detail":"{}"}"#,
        );
    }

    #[test]
    fn the_input_is_sent_instead() {
        let input = r#"{"now": "<aws.scheduler.scheduled-time>"}"#;
        check(&schedule(ScheduleKind::Rule, "a", Some(input)), input);
        check(
            &schedule(
                ScheduleKind::Scheduler,
                "arn:s",
                Some(
                    r#"["<aws.scheduler.scheduled-time>","<aws.scheduler.schedule-arn>",<aws.scheduler.attempt-number>]"#,
                ),
            ),
            r#"["2015-10-08T16:53:06Z","arn:s",1]"#,
        );
    }

    #[test]
    fn each_moment_has_its_own_ids() {
        let ids = |due: &str| {
            let schedule =
                schedule(ScheduleKind::Scheduler, "a", Some("<aws.scheduler.execution-id>"));
            let rule = Schedule { input: None, ..schedule.clone() };
            let due = due.parse().unwrap();
            (event(&schedule, due), uuid(&rule, due))
        };
        let (first, second) = (ids("2026-01-01T00:00:00Z"), ids("2026-01-01T00:01:00Z"));
        assert_eq!(first, ids("2026-01-01T00:00:00Z"));
        assert!(first.0 != second.0 && first.1 != second.1);
        assert_eq!((first.0.len(), first.1.len()), (16, 36));
    }
}
