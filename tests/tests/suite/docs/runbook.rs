//! The runbook has what can ring: every alarm, every metric that somebody looks at, every error that `dev` ends with.

use super::super::source::read;

/// The alarms of the template, in its order.
fn alarms(template: &str) -> Vec<&str> {
    let mut alarms = Vec::new();
    let mut before = "";
    for line in template.lines() {
        if line.trim() == "Type: AWS::CloudWatch::Alarm" {
            alarms.push(before.trim().trim_end_matches(':'));
        }
        before = line;
    }
    alarms
}

#[test]
fn each_alarm_of_the_template_has_its_heading() {
    let template = read("template.yaml");
    let runbook = read("docs/runbook.md");
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    let alarms = alarms(&template);
    assert!(alarms.len() > 10, "the alarms were not found: {alarms:?}");
    assert_eq!(headings.collect::<Vec<_>>(), alarms);
}

#[test]
fn what_operators_look_at_is_explained() {
    let page = read("docs/self-metrics.md");
    let runbook = read("docs/runbook.md");
    let mut seen = 0;
    for row in page.lines().filter(|line| line.contains("dashboard |")) {
        let name = row.split('`').nth(1).unwrap();
        assert!(runbook.contains(&format!("`{name}`")), "the runbook has no `{name}`");
        seen += 1;
    }
    assert!(seen > 10, "only {seen} metrics were found");
}

/// What each error says before its remedy: the longest piece that holds no value.
fn messages(source: &str) -> Vec<String> {
    let texts = source.split("#[error(").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let said = texts.filter_map(|text| text.split(';').next());
    let fixed = said.filter_map(|text| {
        let pieces = text.split(['`', ':']).map(str::trim).filter(|piece| !piece.contains('{'));
        pieces.max_by_key(|piece| piece.len())
    });
    fixed.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[test]
fn each_error_that_ends_dev_is_explained() {
    let runbook = read("docs/runbook.md");
    let mut missing = Vec::new();
    let mut seen = 0;
    for file in ["lib/dev/src/run/fatal.rs", "lib/dev/src/http.rs", "lib/local/src/store/error.rs"]
    {
        let found = messages(&read(file));
        seen += found.len();
        missing.extend(found.into_iter().filter(|message| !runbook.contains(message.as_str())));
    }
    assert!(seen > 15, "only {seen} errors were found");
    assert!(missing.is_empty(), "the runbook has not: {missing:#?}");
}

#[test]
fn messages_are_found_without_their_values() {
    let source = "#[error(\"could not read `{path}`; look again\")]\n#[error(\n    \"a bug: {0}\"\n)]\n#[error(transparent)]\n";
    assert_eq!(messages(source), ["could not read", "a bug"]);
    let template = "Resources:\n  AAlarm:\n    Type: AWS::CloudWatch::Alarm\n  B:\n    Type: C\n";
    assert_eq!(alarms(template), ["AAlarm"]);
}
