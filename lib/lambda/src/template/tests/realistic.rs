//! One template as people write them, to the exact stack.

use super::{Settings, read};
use crate::arn::Arn;
use crate::stack::{
    AsynchronousSettings, Destination, Function, KinesisMapping, QueueResource, Schedule,
    ScheduleKind, SqsMapping, Stack, StreamResource,
};
use crate::stream::Start;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TEMPLATE: &str = include_str!("realistic.yaml");

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "123456789012";

fn given() -> Settings {
    let mut given = Settings {
        folder: PathBuf::from("deploy"),
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        stack_name: "shop".to_owned(),
        machine: "aarch64".to_owned(),
        ..Settings::default()
    };
    given.parameters.insert("Stage".to_owned(), "prod".to_owned());
    given.environment.insert("API_KEY".to_owned(), "secret".to_owned());
    given
}

fn there(path: &Path) -> bool {
    path.starts_with("deploy/target/lambda") && path.ends_with("bootstrap")
}

fn functions() -> Vec<Function> {
    let environment = |own: &[(&str, &str)]| {
        let common = [("API_KEY", "secret"), ("RUST_LOG", "info"), ("TABLE", "shop-prod-state")];
        let all = common.iter().chain(own);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    vec![
        Function {
            name: "shop-aggregate".into(),
            arn: Arn::function(REGION, ACCOUNT, "shop-aggregate"),
            handler: "bootstrap".to_owned(),
            bootstrap: "deploy/target/lambda/aggregate/bootstrap".into(),
            memory_mb: 512,
            timeout: Duration::from_mins(1),
            environment: environment(&[(
                "WAKE_UPS",
                "https://sqs.eu-west-1.amazonaws.com/123456789012/shop-wake-ups",
            )]),
            concurrency_max: Some(40),
            asynchronous: AsynchronousSettings::default(),
        },
        Function {
            name: "Settle".into(),
            arn: Arn::function(REGION, ACCOUNT, "Settle"),
            handler: "bootstrap".to_owned(),
            bootstrap: "deploy/target/lambda/settle/bootstrap".into(),
            memory_mb: 256,
            timeout: Duration::from_secs(30),
            environment: environment(&[("MODE", "large")]),
            concurrency_max: None,
            asynchronous: AsynchronousSettings {
                retry_attempts_max: 1,
                event_age_max: Duration::from_hours(1),
                on_failure: Some(Destination::Queue(Arn::queue(REGION, ACCOUNT, "Lost"))),
            },
        },
    ]
}

fn expect(uuid: String) -> Stack {
    let (aggregate, settle) = ("shop-aggregate", "Settle");
    let queue = |name: &str, visibility, redrive| QueueResource {
        name: name.to_owned(),
        visibility: Duration::from_secs(visibility),
        delay: Duration::ZERO,
        retention: Duration::from_hours(96),
        redrive,
    };
    Stack {
        functions: functions(),
        kinesis: vec![KinesisMapping {
            name: "shop-aggregate/Orders".into(),
            uuid,
            function: aggregate.into(),
            stream: Arn::stream(REGION, ACCOUNT, "orders-prod"),
            start: Start::TrimHorizon,
            batch_records_max: 1000,
            batching_window: Duration::from_secs(1),
            parallelization_factor: 1,
            retry_attempts_max: Some(10),
            record_age_max: Some(Duration::from_hours(12)),
            bisect: true,
            report_item_failures: true,
            on_failure: Some(Destination::Bucket("shop-lost-123456789012".to_owned())),
        }],
        sqs: vec![SqsMapping {
            name: "Settle/WakeUps".into(),
            function: settle.into(),
            queue: Arn::queue(REGION, ACCOUNT, "shop-wake-ups"),
            batch_messages_max: 5,
            batching_window: Duration::ZERO,
            concurrency_max: Some(2),
            report_item_failures: false,
        }],
        schedules: vec![Schedule {
            name: "Settle/Tick".into(),
            function: settle.into(),
            expression: "rate(1 minute)".to_owned(),
            time_zone: None,
            input: Some("{\"sweep\": true}".to_owned()),
            kind: ScheduleKind::Rule,
            arn: Arn::new("arn:aws:events:eu-west-1:123456789012:rule/SettleTick"),
        }],
        streams: vec![StreamResource {
            name: "orders-prod".to_owned(),
            shards: 8,
            retention: Duration::from_hours(24),
        }],
        queues: vec![
            queue("shop-wake-ups", 180, Some((Arn::queue(REGION, ACCOUNT, "Lost"), 5))),
            queue("Lost", 30, None),
        ],
        buckets: vec!["shop-lost-123456789012".to_owned()],
    }
}

#[test]
fn a_realistic_template_is_read_exactly() {
    let template = read(TEMPLATE, &given(), &there).unwrap();
    let uuid = template.stack.kinesis[0].uuid.clone();
    assert_eq!(template.stack, expect(uuid));
    let notes = template.notes.iter().map(|note| (note.position.line, note.text.as_str()));
    assert_eq!(
        notes.collect::<Vec<_>>(),
        [(
            78,
            "the event `Web` of type HttpApi is not driven; the function can be invoked with --invoke"
        )]
    );
}

#[test]
fn another_stage_is_another_stack() {
    let mut given = given();
    given.parameters.insert("Stage".to_owned(), "dev".to_owned());
    let stack = read(TEMPLATE, &given, &there).unwrap().stack;
    assert_eq!((stack.streams[0].shards, stack.streams[0].name.as_str()), (1, "orders-dev"));
    assert_eq!(stack.kinesis[0].on_failure, None);
    assert_eq!(stack.buckets, [""; 0]);
    assert_eq!(stack.functions[1].environment["MODE"], "small");
}

#[test]
fn json_is_read_alike() {
    let yaml = "Resources:\n  S: {Type: AWS::Kinesis::Stream, Properties: {Name: {'Fn::Sub': '${AWS::StackName}-s'}}}\n";
    let json = "{\"Resources\": {\n\t\"S\": {\"Type\": \"AWS::Kinesis::Stream\",\n\t\t\"Properties\": {\"Name\": {\"Fn::Sub\": \"${AWS::StackName}-s\"}}}}}\n";
    let given = Settings { parameters: BTreeMap::new(), ..given() };
    let stack = |text: &str| read(text, &given, &there).unwrap().stack;
    assert_eq!(stack(json), stack(yaml));
    assert_eq!(stack(json).streams[0].name, "shop-s");
}
