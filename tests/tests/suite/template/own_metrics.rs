//! Alarms and the dashboard look at metrics that exist, and the page of self-metrics has them all.

use super::{read, tree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_function::settings::variables::Role;
use streamgauge_pipeline::settle::{NAMES, NAMESPACE};

/// The namespace of metrics that are made of log lines.
const OF_LOG_LINES: &str = "StreamGauge/${AWS::StackName}";

/// The properties of all resources of a type, by name.
fn resources(kind: &str) -> BTreeMap<String, Value> {
    let tree = tree();
    let resources = tree["Resources"].as_object().unwrap().iter();
    let of_kind = resources.filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// A namespace, be it a text or `!Sub`.
fn namespace(value: &Value) -> &str {
    value.as_str().or_else(|| value["Fn::Sub"].as_str()).unwrap_or_default()
}

/// The metrics that are made of log lines, with the field that each is made of.
fn of_log_lines() -> BTreeMap<String, String> {
    let filters = resources("AWS::Logs::MetricFilter");
    let made = filters.values().map(|filter| {
        let made = &filter["MetricTransformations"][0];
        assert_eq!(namespace(&made["MetricNamespace"]), OF_LOG_LINES);
        let field = made["MetricValue"].as_str().unwrap().trim_start_matches("$.fields.");
        let pattern = format!("{{ $.fields.{field} >= 0 }}");
        assert_eq!(filter["FilterPattern"], *pattern, "it must match where the field is");
        (made["MetricName"].as_str().unwrap().to_owned(), field.to_owned())
    });
    made.collect()
}

/// The metrics of ours that the dashboard shows: namespace and name. A point stands for what stands above it.
fn shown() -> BTreeSet<(String, String)> {
    let boards = resources("AWS::CloudWatch::Dashboard");
    let body = boards["Dashboard"]["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let mut shown = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let mut last = (String::new(), String::new());
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let text = |place: usize, above: &str| match metric[place].as_str() {
                Some("." | "...") | None => above.to_owned(),
                Some(text) => text.to_owned(),
            };
            let name = if metric[0] == "..." { last.1.clone() } else { text(1, &last.1) };
            last = (text(0, &last.0), name);
            shown.insert(last.clone());
        }
    }
    shown.retain(|(namespace, _)| namespace.starts_with(NAMESPACE));
    shown
}

/// The metrics of ours that alarms look at: namespace and name, by alarm.
fn alarmed() -> BTreeMap<String, (String, String)> {
    let alarms = resources("AWS::CloudWatch::Alarm").into_iter();
    let ours = alarms.filter(|(_, alarm)| namespace(&alarm["Namespace"]).starts_with(NAMESPACE));
    ours.map(|(name, alarm)| {
        let metric = alarm["MetricName"].as_str().unwrap().to_owned();
        (name, (namespace(&alarm["Namespace"]).to_owned(), metric))
    })
    .collect()
}

#[test]
fn alarms_and_the_dashboard_look_at_metrics_that_exist() {
    let made = of_log_lines();
    for (namespace, name) in alarmed().into_values().chain(shown()) {
        let exists = match namespace.as_str() {
            NAMESPACE => NAMES.contains(&name.as_str()),
            OF_LOG_LINES => made.contains_key(&name),
            _ => false,
        };
        assert!(exists, "nobody publishes {namespace} {name}");
    }
    assert!(alarmed().len() >= 4 && shown().len() >= 8);
}

#[test]
fn deliver_logs_the_fields_that_metrics_are_made_of() {
    let deliver = read("functions/deliver/src/main.rs");
    for field in of_log_lines().into_values() {
        let is_logged = |of: &str| deliver.contains(&format!(" {field} = {of}."));
        assert!(["done", "told"].into_iter().any(is_logged), "deliver logs no {field}");
    }
}

/// The row of a metric in the page.
fn row<'p>(page: &'p str, name: &str) -> &'p str {
    let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` | ")));
    row.unwrap_or_else(|| panic!("docs/self-metrics.md has no `{name}`"))
}

#[test]
fn the_page_says_who_looks_at_each_metric() {
    let page = read("docs/self-metrics.md");
    let (made, shown, alarmed) = (of_log_lines(), shown(), alarmed());
    let all = NAMES.into_iter().chain(made.keys().map(String::as_str));
    let mut rows = 0;
    for name in all {
        let looks = row(&page, name).rsplit(" | ").next().unwrap();
        let of_name = |(_, metric): &(String, String)| metric == name;
        assert_eq!(looks.contains("dashboard"), shown.iter().any(of_name), "{name}");
        for (alarm, metric) in &alarmed {
            assert_eq!(looks.contains(&format!("`{alarm}`")), of_name(metric), "{name}, {alarm}");
        }
        rows += 1;
    }
    let written = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(written, rows, "the page has a metric that nobody publishes");
}

/// The fields of the line in which a function says what an invocation did: the one with what it consumed.
fn logged(role: Role) -> BTreeSet<String> {
    let main = read(&format!("functions/{role}/src/main.rs"));
    let lines = main.split("info!(").skip(1).filter_map(|rest| rest.split_once(");"));
    let line = lines.map(|(line, _)| line).find(|line| line.contains("write_units ="));
    let line = line.unwrap_or_else(|| panic!("{role} does not log what it consumed"));
    let fields = line.split(',').map(|field| field.trim().trim_start_matches('%'));
    let fields = fields.filter(|field| !field.is_empty() && !field.starts_with('"'));
    fields.map(|field| field.split(" = ").next().unwrap_or(field).to_owned()).collect()
}

#[test]
fn the_page_has_the_fields_that_each_function_logs() {
    let page = read("docs/deploy.md");
    let section = page.split("## What the functions log").nth(1).unwrap();
    for role in Role::ALL {
        let row = section.lines().find(|line| line.starts_with(&format!("| {role} | ")));
        let row = row.unwrap_or_else(|| panic!("docs/deploy.md has no line of {role}"));
        let told: BTreeSet<String> = row.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(told, logged(role), "{role}");
        assert!(told.contains("read_units"), "{role}");
    }
}
