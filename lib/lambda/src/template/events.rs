//! A SAM function's events: each becomes a mapping, a schedule, or a note that it is not driven.

use super::evaluate::Evaluator;
use super::fields::Use::{Harmless, Read, Refused};
use super::fields::{Fields, Table};
use super::mapping::{self, Mapping};
use super::problem::{Place, did_you_mean, shown};
use super::tree::{Content, Entry, Node};
use crate::arn::Arn;
use crate::schedule::{ScheduleError, Timetable};
use crate::stack::{Function, Schedule, ScheduleKind};
use jiff::Timestamp;

/// What an event becomes.
pub(super) enum Driven {
    Mapping(Mapping),
    Schedule(Schedule),
}

/// Types of events that SAM knows and nothing here drives.
const NOT_DRIVEN: [&str; 18] = [
    "AlexaSkill",
    "Api",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "DocumentDB",
    "DynamoDB",
    "EventBridgeRule",
    "FunctionUrl",
    "HttpApi",
    "IoTRule",
    "MQ",
    "MSK",
    "S3",
    "SNS",
    "SelfManagedKafka",
    "WebSocket",
    "CodeCommit",
];
/// Types that are driven.
const DRIVEN: [&str; 4] = ["Kinesis", "SQS", "Schedule", "ScheduleV2"];

/// Of SAM's event `Schedule`. Retry policy and dead letters count only where Lambda cannot be reached.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedule.html>
const RULE: &Table = &[
    ("DeadLetterConfig", Harmless),
    ("Description", Harmless),
    ("Enabled", Read),
    ("Input", Read),
    ("Name", Read),
    ("RetryPolicy", Harmless),
    ("RoleArn", Harmless),
    ("Schedule", Read),
    ("State", Read),
];

/// Of SAM's event `ScheduleV2`:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html>.
const SCHEDULER: &Table = &[
    ("DeadLetterConfig", Harmless),
    ("Description", Harmless),
    ("EndDate", Refused("the end of a schedule is not simulated", "remove `EndDate`")),
    ("FlexibleTimeWindow", Read),
    ("GroupName", Read),
    ("Input", Read),
    ("KmsKeyArn", Harmless),
    ("Name", Read),
    ("OmitName", Harmless),
    ("PermissionsBoundary", Harmless),
    ("RetryPolicy", Harmless),
    ("RoleArn", Harmless),
    ("ScheduleExpression", Read),
    ("ScheduleExpressionTimezone", Read),
    ("StartDate", Refused("the start of a schedule is not simulated", "remove `StartDate`")),
    ("State", Read),
];

const FLEXIBLE: &Table = &[("MaximumWindowInMinutes", Harmless), ("Mode", Read)];

/// Reads all events of a function.
pub(super) fn read<'t>(
    evaluator: &mut Evaluator<'t>,
    (function, id): (&Function, &str),
    node: &'t Node,
) -> Vec<Driven> {
    let Some(node) = evaluator.resolve(node) else { return Vec::new() };
    if !matches!(node.content, Content::Map(_) | Content::Broken) && !node.is_null() {
        let message = format!("`Events` is a map, and this is {}", node.kind());
        evaluator.problem(node.place, message, "write the events by their names");
    }
    let entries = node.entries().iter();
    entries.filter_map(|entry| event(evaluator, (function, id), entry)).collect()
}

fn event<'t>(
    evaluator: &mut Evaluator<'t>,
    (function, id): (&Function, &str),
    entry: &'t Entry,
) -> Option<Driven> {
    let Entry { key: name, place, value } = entry;
    let node = evaluator.resolve(value)?;
    if node.call().is_some_and(|(_, argument)| argument.text() == Some("AWS::NoValue")) {
        return None;
    }
    let Some(kind) = node.get("Type").and_then(Node::text) else {
        let message = format!("the event `{}` has no type", shown(name));
        evaluator.problem(*place, message, "add `Type: Kinesis`, SQS, Schedule or what it is");
        return None;
    };
    for other in
        node.entries().iter().filter(|other| !matches!(other.key.as_str(), "Type" | "Properties"))
    {
        let message = format!("an event has no key `{}`", shown(&other.key));
        evaluator.problem(other.place, message, "put it under `Properties`");
    }
    let properties = (*place, node.get("Properties").unwrap_or(node));
    let names = (function, name.as_str());
    match kind {
        "Kinesis" => mapping::kinesis_event(evaluator, properties, names).map(Driven::Mapping),
        "SQS" => mapping::sqs_event(evaluator, properties, names).map(Driven::Mapping),
        "Schedule" | "ScheduleV2" => {
            schedule(evaluator, kind, properties, (function, id, name)).map(Driven::Schedule)
        }
        _ => {
            let type_place = node.get("Type").map_or(*place, |node| node.place);
            not_driven(evaluator, type_place, kind, name);
            None
        }
    }
}

fn not_driven(evaluator: &mut Evaluator<'_>, place: Place, kind: &str, name: &str) {
    if NOT_DRIVEN.contains(&kind) {
        let note = format!(
            "the event `{}` of type {kind} is not driven; the function can be invoked with --invoke",
            shown(name)
        );
        evaluator.problems.note(place, note);
    } else {
        let message = format!("there is no type of event `{}`", shown(kind));
        let known = DRIVEN.into_iter().chain(NOT_DRIVEN);
        evaluator.problem(place, message, did_you_mean(kind, known, "remove the event"));
    }
}

fn schedule<'t>(
    evaluator: &mut Evaluator<'t>,
    type_name: &str,
    (place, node): (Place, &'t Node),
    (function, id, event): (&Function, &str, &str),
) -> Option<Schedule> {
    let (what, table, expression, kind) = if type_name == "Schedule" {
        ("a Schedule event", RULE, "Schedule", ScheduleKind::Rule)
    } else {
        ("a ScheduleV2 event", SCHEDULER, "ScheduleExpression", ScheduleKind::Scheduler)
    };
    let fields = Fields::read(evaluator, what, place, node, table)?;
    let text = fields.required(evaluator, expression);
    let time_zone = fields.text(evaluator, "ScheduleExpressionTimezone");
    let text = text.filter(|text| {
        let written = (text.as_str(), time_zone.as_deref());
        is_understood(evaluator, (&fields, expression), written, kind)
    });
    let input = fields.text(evaluator, "Input");
    if let Some(input) = &input
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(input)
    {
        let message = format!("the input is no JSON: {error}");
        evaluator.problem(fields.place("Input"), message, "write JSON: a text is `'\"text\"'`");
    }
    if let Some(window) =
        fields.within(evaluator, "FlexibleTimeWindow", "a flexible window", FLEXIBLE)
        && window.text(evaluator, "Mode").is_some_and(|mode| mode != "OFF")
    {
        let message = "flexible time windows are not simulated";
        evaluator.problem(fields.place("FlexibleTimeWindow"), message, "write `Mode: 'OFF'`");
    }
    // SAM makes a resource of function and event.
    let name = fields.text(evaluator, "Name").unwrap_or_else(|| format!("{id}{event}"));
    let group = fields.text(evaluator, "GroupName").unwrap_or_else(|| "default".to_owned());
    let settings = evaluator.settings;
    let (region, account) = (&settings.region, &settings.account);
    let arn = match kind {
        ScheduleKind::Rule => format!("arn:aws:events:{region}:{account}:rule/{name}"),
        ScheduleKind::Scheduler => {
            format!("arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}")
        }
    };
    let is_on = is_on(evaluator, &fields, &format!("{}/{event}", function.name));
    let schedule = Schedule {
        name: format!("{}/{event}", function.name).into(),
        function: std::sync::Arc::clone(&function.name),
        expression: text?,
        time_zone,
        input,
        kind,
        arn: Arn::new(&arn),
    };
    is_on.then_some(schedule)
}

/// Whether the simulator understands a schedule.
fn is_understood<'t>(
    evaluator: &mut Evaluator<'t>,
    (fields, expression): (&Fields<'t>, &str),
    (text, zone): (&str, Option<&str>),
    kind: ScheduleKind,
) -> bool {
    // When a schedule was made decides when it is due, and nothing about whether it reads.
    let Err(error) = Timetable::new(text, zone, kind, Timestamp::UNIX_EPOCH) else { return true };
    let place = fields.place(expression);
    match error {
        ScheduleError::Expression { character, problem, remedy, .. } => {
            let message = format!("`{}` is wrong at character {character}: {problem}", shown(text));
            evaluator.problem(place, message, remedy);
        }
        ScheduleError::TimeZone { name, .. } => {
            let message = format!("`{}` is no time zone", shown(&name));
            let zone_place = fields.place("ScheduleExpressionTimezone");
            evaluator.problem(zone_place, message, "write a name such as `Europe/Berlin`");
        }
        ScheduleError::ZoneOfRule { .. } => {
            evaluator.problem(place, error.to_string(), "remove the time zone");
        }
    }
    false
}

fn is_on<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>, name: &str) -> bool {
    let enabled = fields.truth(evaluator, "Enabled").unwrap_or(true);
    let state = fields.text(evaluator, "State").unwrap_or_else(|| "ENABLED".to_owned());
    let is_known = state.starts_with("ENABLED") || state == "DISABLED";
    if !is_known {
        let message = format!("`{}` is no state", shown(&state));
        evaluator.problem(fields.place("State"), message, "write ENABLED or DISABLED");
    }
    let is_on = enabled && state != "DISABLED";
    if !is_on {
        let place = fields.place(if enabled { "State" } else { "Enabled" });
        evaluator
            .problems
            .note(place, format!("`{}` is not driven, as it is not enabled", shown(name)));
    }
    is_on
}
