//! `template.yaml` against the code: what the functions read is set, what they call is allowed, and the table and the queues are
//! as the code takes them to be. Whether AWS would take the template is `cargo x template`.

use super::source::{read, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use streamgauge_function::settings::variables::{Need, Role, VARIABLES};
use streamgauge_function::settings::{RulesPlace, Settings};
use streamgauge_lambda::stack::{KinesisMapping, Stack};
use streamgauge_lambda::template::{self, Settings as Given};
use streamgauge_notify::http::Limits;
use streamgauge_pipeline::deliver::DeliverSettings;
use streamgauge_pipeline::pagerduty_origin;

mod own_metrics;
mod yaml;

/// The template as a tree; `!Ref X` is `{"Ref": "X"}`.
fn tree() -> Value {
    yaml::parse(&read("template.yaml"))
}

/// A function's logical id in the template.
fn logical_id(role: Role) -> &'static str {
    match role {
        Role::Aggregate => "Aggregate",
        Role::Settle => "Settle",
        Role::Deliver => "Deliver",
        Role::Filter => "Filter",
        Role::Announce => "AnnounceFunction",
    }
}

/// The stack that the simulator reads, with a filter and executables that need not be there.
fn stack() -> Stack {
    stack_with(&[])
}

/// The same with more parameters.
fn stack_with(more: &[(&str, &str)]) -> Stack {
    let upstream = ("UpstreamStreamArn", "arn:aws:kinesis:us-east-1:000000000000:stream/others");
    let parameters = more.iter().chain([&upstream]);
    let given = Given {
        parameters: parameters.map(|&(name, text)| (name.to_owned(), text.to_owned())).collect(),
        executables: Role::ALL
            .map(|role| (logical_id(role).to_owned(), PathBuf::from("bootstrap")))
            .into(),
        ..Given::default()
    };
    let template = template::read(&read("template.yaml"), &given, &|_| true);
    template.unwrap_or_else(|problems| panic!("{problems:?}")).stack
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What a function reads out of the variables that a stack gives it.
#[track_caller]
fn settings(stack: &Stack, role: Role) -> Settings {
    let ending = format!("-{role}");
    let function = stack.functions.iter().find(|function| function.name.ends_with(&ending));
    let function = function.unwrap_or_else(|| panic!("there is no function {role}"));
    let environment = |name: &str| function.environment.get(name).cloned();
    Settings::read(role, &environment).unwrap_or_else(|error| panic!("{error}"))
}

/// The statements of a function's policy, also those under a condition.
fn statements(tree: &Value, role: Role) -> Vec<&Value> {
    let role_id = format!("{}Role", logical_id(role).trim_end_matches("Function"));
    let properties = &tree["Resources"][&role_id]["Properties"];
    assert!(properties["ManagedPolicyArns"].is_null());
    assert_eq!(properties["Policies"].as_array().map(Vec::len), Some(1));
    let all = properties["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    all.iter().map(|one| one.pointer("/Fn::If/1").unwrap_or(one)).collect()
}

#[test]
fn every_function_starts_with_the_variables_that_it_is_given() {
    let stack = stack();
    for role in Role::ALL {
        settings(&stack, role);
    }
}

#[test]
fn functions_are_given_what_they_read_and_nothing_else() {
    let tree = tree();
    let globals = &tree["Globals"]["Function"]["Environment"]["Variables"];
    for role in Role::ALL {
        let own = &tree["Resources"][logical_id(role)]["Properties"]["Environment"]["Variables"];
        let given: BTreeSet<&str> = [globals, own]
            .into_iter()
            .filter_map(Value::as_object)
            .flat_map(|variables| variables.keys().map(String::as_str))
            .collect();
        let of_role = VARIABLES.iter().filter(|variable| variable.roles.contains(&role));
        let read: BTreeSet<&str> = of_role.clone().map(|variable| variable.name).collect();
        let needed: Vec<&str> = of_role
            .filter(|variable| matches!(variable.need, Need::Required(_)))
            .map(|variable| variable.name)
            .collect();
        assert!(given.is_subset(&read), "{role} does not read all of {given:?}");
        assert!(needed.iter().all(|name| given.contains(name)), "{role} needs {needed:?}");
    }
}

#[test]
fn each_function_is_built_from_its_package() {
    let tree = tree();
    for role in Role::ALL {
        let function = &tree["Resources"][logical_id(role)];
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        let manifest = read(&format!("functions/{role}/Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{binary}\"\n")), "{role} has no {binary}");
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda");
    }
}

#[test]
fn the_table_has_the_keys_that_the_store_uses() {
    let layout = read("lib/dynamodb/src/layout.rs");
    let constant = |name: &str| {
        let start = format!("pub const {name}: &str = \"");
        let value = layout.split(&start).nth(1).unwrap_or_else(|| panic!("no constant {name}"));
        value.split('"').next().unwrap().to_owned()
    };
    let table = &tree()["Resources"]["Table"];
    let properties = &table["Properties"];
    let keys = &properties["KeySchema"];
    assert_eq!(keys[0]["AttributeName"], constant("PARTITION_KEY"));
    assert_eq!(keys[1]["AttributeName"], constant("SORT_KEY"));
    assert_eq!([&keys[0]["KeyType"], &keys[1]["KeyType"]], ["HASH", "RANGE"]);
    assert_eq!(properties["TimeToLiveSpecification"]["AttributeName"], constant("TTL"));
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionPolicy"], "Retain");
}

#[test]
fn queues_forget_and_hide_as_wake_ups_want_it() {
    let stack = stack();
    assert_eq!(stack.sqs.len(), 2);
    let tree = tree();
    for name in ["SettleQueue", "DeliverQueue"] {
        let properties = &tree["Resources"][name]["Properties"];
        assert_eq!(properties["MessageRetentionPeriod"], "300");
        assert_eq!(properties["VisibilityTimeout"], tree["Globals"]["Function"]["Timeout"]);
        assert!(
            properties["RedrivePolicy"].is_null(),
            "a wake-up is not kept when nobody takes it"
        );
    }
    for mapping in &stack.sqs {
        assert!(mapping.report_item_failures && mapping.concurrency_max.is_some());
    }
    let ticked: Vec<_> = stack.schedules.iter().map(|schedule| &*schedule.name).collect();
    assert_eq!(ticked, ["local-settle/Tick", "local-deliver/Tick"]);
}

#[test]
fn mappings_lose_nothing() {
    let stack = stack();
    assert_eq!(stack.kinesis.len(), 2);
    for mapping in &stack.kinesis {
        let KinesisMapping { name, parallelization_factor, bisect, retry_attempts_max, .. } =
            mapping;
        assert_eq!((*parallelization_factor, *bisect), (1, true), "{name}");
        assert_eq!(*retry_attempts_max, None, "{name}: an outage must not throw good records away");
        assert!(mapping.report_item_failures, "{name}");
        assert!(mapping.record_age_max.is_some() && mapping.on_failure.is_some(), "{name}");
    }
}

#[test]
fn policies_name_their_actions_and_resources() {
    // What has no resources to name.
    let everywhere = ["cloudwatch:PutMetricData", "cloudwatch:GetMetricData"];
    let tree = tree();
    for role in Role::ALL {
        for statement in statements(&tree, role) {
            let actions = texts(&statement["Action"]);
            assert!(!actions.is_empty());
            assert!(actions.iter().all(|action| !action.contains('*')), "{role}: {actions:?}");
            let is_anything = statement["Resource"] == "*";
            let may_be = actions.iter().all(|action| everywhere.contains(action));
            assert!(!is_anything || may_be, "{role}: {actions:?} on everything");
        }
    }
}

/// What deliver may do for channels: each only if a parameter says so, and by default nothing.
#[test]
fn what_channels_need_is_allowed_by_parameters_only() {
    let tree = tree();
    let policy = &tree["Resources"]["DeliverRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    let expect = [
        ("ReadsSecrets", "SecretsPrefix", "", vec!["secretsmanager:GetSecretValue"]),
        ("ReadsParameters", "ParametersPrefix", "", vec!["ssm:GetParameter"]),
        ("HasSecretsKey", "SecretsKeyArn", "", vec!["kms:Decrypt"]),
        ("SendsMails", "MailFrom", "", vec!["ses:SendEmail", "ses:SendRawEmail"]),
        ("SendsTextMessages", "TextMessages", "no", vec!["sns:Publish"]),
    ];
    for (condition, parameter, default, actions) in &expect {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let [statement] = statements
            .filter(|one| one["Fn::If"][0] == *condition)
            .map(|one| &one["Fn::If"])
            .collect::<Vec<_>>()[..]
        else {
            panic!("{condition}")
        };
        assert_eq!(texts(&statement[1]["Action"]), *actions);
        assert_eq!(statement[2]["Ref"], "AWS::NoValue");
        assert_eq!(tree["Parameters"][parameter]["Default"], *default);
        assert!(tree["Conditions"][condition].to_string().contains(parameter));
    }
    let conditional: BTreeSet<&str> =
        expect.iter().flat_map(|(.., actions)| actions).copied().collect();
    for role in Role::ALL {
        let of_role = statements(&tree, role).into_iter();
        let allowed = of_role.flat_map(|one| texts(&one["Action"]));
        let for_channels = allowed.filter(|action| conditional.contains(action)).count();
        let expected = if role == Role::Deliver { conditional.len() } else { 0 };
        assert_eq!(for_channels, expected, "{role}");
    }
}

#[test]
fn what_channels_need_is_limited_to_what_they_are_for() {
    let tree = tree();
    let of_deliver = statements(&tree, Role::Deliver);
    let statement = |sid: &str| of_deliver.iter().find(|one| one["Sid"] == sid).unwrap();
    for (sid, ending) in [
        ("ReadSecrets", ":secret:${SecretsPrefix}*"),
        ("ReadParameters", ":parameter/${ParametersPrefix}*"),
    ] {
        let resource = statement(sid)["Resource"]["Fn::Sub"].as_str().unwrap();
        assert!(resource.ends_with(ending), "{resource}");
    }
    let from = &statement("SendMails")["Condition"]["StringLike"]["ses:FromAddress"];
    assert_eq!(from["Ref"], "MailFrom");
    // Numbers are no resources; topics are, and to none of them may it publish.
    let texts = statement("SendTextMessages");
    assert!(texts["Resource"].is_null());
    assert_eq!(texts["NotResource"]["Fn::Sub"], "arn:${AWS::Partition}:sns:*:*:*");
    let via = &statement("DecryptSecrets")["Condition"]["StringEquals"]["kms:ViaService"];
    assert_eq!(via.as_array().unwrap().len(), 2);
}

#[test]
fn where_channels_lead_is_set_by_parameters() {
    let defaults = settings(&stack(), Role::Deliver);
    assert_eq!(
        (&*defaults.pagerduty, defaults.private_webhooks),
        (pagerduty_origin::ORIGIN, false)
    );
    let eu = "https://events.eu.pagerduty.com";
    let given = stack_with(&[("PagerDuty", eu), ("PrivateWebhooks", "yes")]);
    let given = settings(&given, Role::Deliver);
    assert_eq!((&*given.pagerduty, given.private_webhooks), (eu, true));
}

#[test]
fn deliver_has_the_time_for_more_than_one_of_the_slowest_calls() {
    let Limits { connect, answer } = Limits::default();
    let margin = Duration::from_millis(DeliverSettings::default().margin_ms.try_into().unwrap());
    let stack = stack();
    let deliver = stack.functions.iter().find(|function| function.name.ends_with("-deliver"));
    assert!(deliver.unwrap().timeout >= 2 * (connect + answer) + margin);
}

#[test]
fn rules_in_a_bucket_are_read_by_announce_alone() {
    let with_object = stack_with(&[("RulesObject", "shop/rules/shop.yaml")]);
    let object =
        RulesPlace::Object { bucket: "shop".to_owned(), key: "rules/shop.yaml".to_owned() };
    let tree = tree();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Deliver) {
        // The others go by the control log then, and do not announce what is in the layer.
        assert_eq!(settings(&with_object, role).rules, object, "{role}");
        assert_eq!(settings(&stack(), role).rules, RulesPlace::Path("/opt/rules".into()), "{role}");
    }
    for role in Role::ALL {
        let of_role = statements(&tree, role).into_iter();
        let reading: Vec<_> =
            of_role.filter(|one| texts(&one["Action"]).contains(&"s3:GetObject")).collect();
        assert_eq!(reading.len(), usize::from(role == Role::Announce), "{role}");
        for statement in reading {
            let that_object = "arn:${AWS::Partition}:s3:::${RulesObject}";
            assert_eq!(statement["Resource"]["Fn::Sub"], that_object);
        }
    }
    let announce = &tree["Resources"]["Announce"]["Properties"];
    assert_eq!(announce["RulesObject"]["Ref"], "RulesObject", "another key is announced");
}

#[test]
fn the_deployed_rules_are_those_of_the_sample_events() {
    assert_eq!(read("layer/rules/streamgauge.yaml"), read("events/streamgauge.yaml"));
    let layer = tree()["Resources"]["RulesLayer"]["Properties"]["ContentUri"].clone();
    assert!(root().join(layer.as_str().unwrap()).join("rules").is_dir());
}

#[test]
fn another_layer_of_rules_is_announced() {
    let tree = tree();
    let announce = &tree["Resources"]["Announce"];
    assert_eq!(announce["Properties"]["Rules"]["Ref"], "RulesLayer");
    assert_eq!(announce["DependsOn"], serde_json::json!(["Aggregate", "Settle", "Deliver"]));
    for role in [Role::Aggregate, Role::Settle, Role::Filter, Role::Announce] {
        let layers = &tree["Resources"][logical_id(role)]["Properties"]["Layers"];
        assert_eq!(layers[0]["Ref"], "RulesLayer", "{role}");
    }
}
