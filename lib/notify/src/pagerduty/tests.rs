//! Events as they go out, and all of them against `PagerDuty`'s own schema.

use super::*;
use crate::testing::{cases, member, notification, notifications, text};
use jsonschema::Validator;
use proptest::prelude::*;
use std::path::PathBuf;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn of(notification: &Notification) -> Value {
    serde_json::from_slice(&event(notification, &Secret::new(KEY))).unwrap()
}

#[test]
fn a_firing_step_is_a_trigger_with_its_evidence() {
    assert_eq!(
        of(&notification()),
        json!({
            "routing_key": KEY,
            "event_action": "trigger",
            "dedup_key": "rejections/reactive/noon/1767607200000",
            "client": "StreamGauge",
            "links": [{"href": "https://wiki.example/rejections", "text": "Runbook"}],
            "payload": {
                "summary": "noon rejected 3 orders in 10m",
                "severity": "critical",
                "timestamp": "2026-01-05T10:00:00Z",
                "source": "order_rejections",
                "component": "aggregator=noon",
                "group": "rejections",
                "class": "reactive",
                "custom_details": {
                    "alert": "rejections",
                    "step": "reactive",
                    "metric": "order_rejections",
                    "group": {"aggregator": "noon"},
                    "condition": "sum over 10m >= 3",
                    "summary": "noon rejected 3 orders in 10m",
                    "from": "2026-01-05T09:50:00Z",
                    "until": "2026-01-05T10:00:00Z",
                    "value": "3",
                    "threshold": "3",
                    "events": 3,
                    "event_ids": ["o-1", "o-2", "o-3"],
                    "late": 0,
                    "duplicates": 1,
                    "watermark": "2026-01-05T10:00:00.250Z",
                    "at": "2026-01-05T10:00:00Z",
                    "runbook": "https://wiki.example/rejections",
                    "labels": {"team": "orders"},
                    "plan": "5f3a",
                },
            },
        })
    );
}

#[test]
fn a_resolve_has_the_key_of_its_trigger() {
    let resolve = of(&Notification { action: Action::Resolve, ..notification() });
    let trigger = of(&notification());
    assert_eq!(resolve["event_action"], "resolve");
    assert_eq!(resolve["dedup_key"], trigger["dedup_key"]);
    assert_eq!(of(&Notification { action: Action::Repeat, ..notification() }), trigger);
}

#[test]
fn what_was_gathered_is_listed_and_the_pipeline_speaks_for_itself() {
    let subject = Subject::Gathered { members: vec![member(), member()], more: 7 };
    let gathered = of(&Notification { subject, ..notification() });
    let details = &gathered["payload"]["custom_details"];
    assert_eq!(gathered["payload"]["class"], "gathered");
    assert_eq!(
        (details["members"][1]["value"].as_str(), details["more"].as_u64()),
        (Some("3"), Some(7))
    );
    let own = Subject::Pipeline { alert: "behind".to_owned() };
    let pipeline = of(&Notification { subject: own, runbook: None, ..notification() });
    assert_eq!(pipeline["payload"]["component"], "pipeline");
    assert_eq!(pipeline["payload"]["class"], "behind");
    assert_eq!(pipeline["links"], Value::Null);
}

#[test]
fn what_is_too_long_is_cut_and_keys_stay_apart() {
    let long = |letter: &str| Notification {
        summary: "é".repeat(1_025),
        key: format!("{}{letter}", "k".repeat(255)),
        ..notification()
    };
    let event = of(&long("a"));
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert_eq!(summary, format!("{}…", "é".repeat(1_023)));
    let key = event["dedup_key"].as_str().unwrap();
    assert_eq!(key.len(), 255);
    assert_ne!(of(&long("b"))["dedup_key"], key, "two incidents never become one");
    let longest = Notification { key: "k".repeat(255), ..notification() };
    assert_eq!(of(&longest)["dedup_key"], longest.key.as_str());
    let blank = Notification { summary: " \n".to_owned(), ..notification() };
    assert_eq!(of(&blank)["payload"]["summary"], blank.key.as_str());
    for runbook in ["javascript:alert(1)", "wiki"] {
        let runbook = Some(runbook.to_owned());
        assert_eq!(of(&Notification { runbook, ..notification() })["links"], Value::Null);
    }
}

#[test]
fn details_that_are_too_large_are_replaced_by_a_text_that_says_so() {
    let sized = |length| Notification { description: Some("x".repeat(length)), ..notification() };
    let rest = event(&sized(0), &Secret::new(KEY)).len();
    let largest = sized(EVENT_BYTES_MAX - rest);
    assert_eq!(event(&largest, &Secret::new(KEY)).len(), EVENT_BYTES_MAX);
    let larger = of(&sized(EVENT_BYTES_MAX - rest + 1));
    let said = "the details are left out: the event would be 512001 bytes, over PagerDuty's limit of 512000";
    assert_eq!(larger["payload"]["custom_details"], json!({"left_out": said}));
    assert_eq!(larger["payload"]["summary"], of(&largest)["payload"]["summary"]);
}

fn deploy() -> Change {
    Change::of(&deployed(Some("shop"), Some("https://ci.example/77"))).unwrap()
}

fn deployed(service: Option<&str>, link: Option<&str>) -> Notification {
    let deploy = Deploy {
        version: "1.2.3".to_owned(),
        service: service.map(str::to_owned),
        author: "mira".to_owned(),
        link: link.map(str::to_owned),
    };
    Notification {
        action: Action::Change,
        summary: "shop 1.2.3 deployed".to_owned(),
        subject: Subject::Deploy(deploy),
        ..notification()
    }
}

#[test]
fn a_deploy_is_a_change_event_unless_the_key_takes_none() {
    let body = change(&deploy(), &Secret::new(KEY)).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        json!({
            "routing_key": KEY,
            "links": [{"href": "https://ci.example/77", "text": "Change"}],
            "payload": {
                "summary": "shop 1.2.3 deployed",
                "timestamp": "2026-01-05T10:00:00Z",
                "source": "StreamGauge",
                "custom_details": {"version": "1.2.3", "service": "shop", "author": "mira"},
            },
        })
    );
    assert_eq!(change(&deploy(), &Secret::new("R123")), None);
}

#[test]
fn only_a_deploy_is_a_change_and_it_says_what_it_knows() {
    assert_eq!(Change::of(&notification()), None);
    let bare = Change::of(&deployed(None, None)).unwrap();
    let names: Vec<_> = bare.details.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names.as_slice(), bare.link), (&["version", "author"][..], None));
}

/// `PagerDuty`'s schema beside the project, or none in a clone without it.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn document() -> Option<Value> {
    let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("STREAMGAUGE_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("vectors/pagerduty/events-v2-openapiv3.json");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: there is no {} (set STREAMGAUGE_SHARED)", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

/// What a path takes. The schema allows names that it does not know, so they are forbidden here: a misspelt one would be lost.
fn validator(document: &Value, path: &str) -> Validator {
    let body = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
    let mut schema = body["schema"].clone();
    schema["components"] = document["components"].clone();
    schema["additionalProperties"] = json!(false);
    for name in ["Payload", "ChangeEventPayload"] {
        schema["components"]["schemas"][name]["additionalProperties"] = json!(false);
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn check_valid(validator: &Validator, body: &[u8]) {
    let event: Value = serde_json::from_slice(body).unwrap();
    let errors: Vec<_> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{event}");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let Some(document) = document() else { return };
    let validator = validator(&document, "/enqueue");
    let good = of(&notification());
    assert!(validator.is_valid(&good));
    for (pointer, wrong) in [
        ("/event_action", json!("fire")),
        ("/payload/severity", json!("fatal")),
        ("/payload/timestamp", json!("yesterday")),
        ("/payload/custom_details", json!([])),
        ("/links/0", json!({"text": "no address"})),
        ("/payload", json!({"summary": "alone"})),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&event), "{pointer}");
    }
    let mut misspelt = good;
    misspelt["dedupkey"] = json!("x");
    assert!(!validator.is_valid(&misspelt));
}

#[test]
fn every_event_is_as_the_schema_says_and_within_the_limits() {
    let Some(document) = document() else { return };
    let validator = validator(&document, "/enqueue");
    proptest!(cases(), |(notification in notifications())| {
        let body = event(&notification, &Secret::new(KEY));
        check_valid(&validator, &body);
        prop_assert!(body.len() <= EVENT_BYTES_MAX);
        let event: Value = serde_json::from_slice(&body).unwrap();
        let key = event["dedup_key"].as_str().unwrap();
        prop_assert!((1..=DEDUP_KEY_CHARS_MAX).contains(&key.chars().count()));
        let summary = event["payload"]["summary"].as_str().unwrap();
        prop_assert!((1..=SUMMARY_CHARS_MAX).contains(&summary.chars().count()));
    });
}

#[test]
fn every_change_event_is_as_the_schema_says() {
    let Some(document) = document() else { return };
    let validator = validator(&document, "/change/enqueue");
    let details = proptest::collection::vec((text(), text()), 0..9);
    proptest!(cases(), |(summary in text(), details in details, link in text(), at in 0..7_258_118_400_000_i64)| {
        let at = Timestamp::from_millis(at);
        let link = Some(format!("https://{link}"));
        let body = change(&Change { summary, at, details, link }, &Secret::new(KEY)).unwrap();
        check_valid(&validator, &body);
        prop_assert!(body.len() <= EVENT_BYTES_MAX);
    });
}
