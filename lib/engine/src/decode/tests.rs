//! Which ids are kept, and how they are written.

use super::*;
use crate::aggregate::samples::plan_with_identity;
use crate::alert::samples::{absent, alert};
use crate::expression::{Node, Program, Value};
use crate::plan::MetricKind;
use std::fmt::Write as _;

/// A plan with one count, told apart by source; with an alert on it or without.
fn plan(is_watched: bool) -> Plan {
    let mut plan = plan_with_identity(&["source"]);
    plan.metrics.truncate(1);
    plan.metrics[0].dimensions.clear();
    if is_watched {
        plan.alerts.push(alert(0, vec![absent(60_000)]));
    }
    plan
}

fn decode(plan: Plan, ids: &[&str]) -> Batch {
    let mut text = String::new();
    let mut records = Vec::new();
    for (position, id) in (0..).zip(ids) {
        let start = text.len();
        let time = "2026-01-05T10:00:00Z";
        write!(text, r#"{{"source":"shop","type":"order","time":"{time}"{id}}}"#).unwrap();
        records.push(Record { bytes: start..text.len(), arrival: None, position });
        text.push('\n');
    }
    let batch = Decoder::new(Arc::new(plan)).decode(text.as_bytes(), records.into_iter());
    assert_eq!((batch.events.len(), &batch.rejects[..]), (ids.len(), &[][..]));
    batch
}

#[track_caller]
fn check(id: &str, expect: &str) {
    // Others around it: each event has its own.
    let batch = decode(plan(true), &[r#","id":"before""#, id, r#","id":"after""#]);
    let ids: Vec<_> = batch.events.iter().map(|event| batch.ids.get(event.id)).collect();
    assert_eq!(ids, ["before", expect, "after"]);
}

#[test]
fn an_id_is_a_string_or_a_number_as_the_output_prints_it() {
    check(r#","id":"A-1""#, "A-1");
    check(r#","id":"a\"\u00e4\n""#, "a\"ä\n");
    check(r#","id":17"#, "17");
    check(r#","id":1.50e3"#, "1500");
    check(r#","id":12.50"#, "12.5");
}

#[test]
fn an_id_that_is_missing_or_no_scalar_is_empty() {
    check("", "");
    check(r#","id":null"#, "");
    check(r#","id":"""#, "");
    check(r#","id":["a"]"#, "");
    check(r#","id":{"a":1}"#, "");
}

#[test]
fn a_long_id_is_cut_after_its_last_whole_character() {
    let id = |text: &str| format!(r#","id":"{text}""#);
    let fits = "a".repeat(ID_BYTES_MAX);
    check(&id(&fits), &fits);
    check(&id(&format!("{fits}b")), &fits);
    // Two bytes each, from the second on.
    let wide = |characters| format!("a{}", "ä".repeat(characters));
    check(&id(&wide(ID_BYTES_MAX)), &wide((ID_BYTES_MAX - 1) / 2));
}

#[test]
fn ids_are_kept_only_where_an_alert_looks() {
    let id = r#","id":"A-1""#;
    let kept = |plan: Plan| {
        let batch = decode(plan, &[id]);
        (batch.events[0].id, batch.ids.lengths())
    };
    assert_eq!(kept(plan(true)), (0, (1, 3)));
    assert_eq!(kept(plan(false)), (EventIds::NONE, (0, 0)));
    let mut filtered = plan(true);
    filtered.metrics[0].kind = MetricKind::Count(Program::new(Node::Constant(Value::Bool(false))));
    assert_eq!(kept(filtered), (EventIds::NONE, (0, 0)));
    let mut other = plan(true);
    other.metrics.push(other.metrics[0].clone());
    other.metrics[0].filter = Some(Program::new(Node::Constant(Value::Bool(false))));
    assert_eq!(kept(other.clone()), (EventIds::NONE, (0, 0)), "the alert is on the other");
    other.alerts[0].metric = 1;
    assert_eq!(kept(other), (0, (1, 3)));
}

#[test]
fn what_has_no_number_has_no_id() {
    let mut ids = EventIds::default();
    assert_eq!([ids.push("a"), ids.push(""), ids.push("bc")], [0, 1, 2]);
    let get = [0, 1, 2, 3, 4, EventIds::NONE].map(|number| ids.get(number));
    assert_eq!(get, ["a", "", "bc", "", "", ""]);
}
