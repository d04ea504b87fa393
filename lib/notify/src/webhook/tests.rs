//! Bodies as they go out.

use super::*;
use crate::testing::{cases, member, notification, notifications};
use proptest::prelude::*;

fn of(notification: &Notification) -> Value {
    serde_json::from_slice(&body(notification)).unwrap()
}

#[test]
fn a_firing_step_is_told_with_its_evidence() {
    assert_eq!(
        of(&notification()),
        json!({
            "type": "alert.triggered",
            "timestamp": "2026-01-05T10:00:00Z",
            "data": {
                "id": "rejections/reactive/noon/1767607200000/trigger",
                "key": "rejections/reactive/noon/1767607200000",
                "channel": "oncall",
                "severity": "critical",
                "summary": "noon rejected 3 orders in 10m",
                "runbook": "https://wiki.example/rejections",
                "labels": {"team": "orders"},
                "plan": "5f3a",
                "at": "2026-01-05T10:00:00Z",
                "alert": "rejections",
                "step": "reactive",
                "metric": "order_rejections",
                "group": {"aggregator": "noon"},
                "condition": "sum over 10m >= 3",
                "from": "2026-01-05T09:50:00Z",
                "until": "2026-01-05T10:00:00Z",
                "value": "3",
                "threshold": "3",
                "events": 3,
                "event_ids": ["o-1", "o-2", "o-3"],
                "late": 0,
                "duplicates": 1,
                "watermark": "2026-01-05T10:00:00.250Z",
            },
        })
    );
}

#[test]
fn an_id_that_is_signed_holds_no_full_stop() {
    let of = |id: &str| webhook_id(&Notification { id: id.to_owned(), ..notification() });
    assert_eq!(of("rejections/noon/1"), "rejections/noon/1");
    let hashed = of("rejections/noon.com/1");
    assert_eq!((hashed.len(), hashed.split_at(4).0), (68, "msg_"));
    assert_eq!(of("rejections/noon.com/1"), hashed);
    assert_ne!(of("rejections/noon.com/2"), hashed);
    for id in ["", "a b", "a\nb", "é"] {
        assert!(of(id).starts_with("msg_"), "{id}");
    }
}

#[test]
fn the_type_says_what_happened_to_what() {
    let types = [Action::Trigger, Action::Repeat, Action::Resolve].map(|action| {
        let subject = Subject::Pipeline { alert: "behind".to_owned() };
        let own = Notification { action, subject, ..notification() };
        (event_type(&Notification { action, ..notification() }), event_type(&own))
    });
    assert_eq!(
        types,
        [
            ("alert.triggered", "pipeline.triggered"),
            ("alert.repeated", "pipeline.repeated"),
            ("alert.resolved", "pipeline.resolved"),
        ]
    );
}

#[track_caller]
fn check_left_out(
    notification: &Notification,
    expected: Option<&str>,
    has: &[&str],
    lacks: &[&str],
) {
    let body = of(notification);
    assert_eq!(body["data"]["left_out"].as_str(), expected);
    for name in has {
        assert_ne!(body["data"][name], Value::Null, "{name} is there");
    }
    for name in lacks {
        assert_eq!(body["data"][name], Value::Null, "{name} is not there");
    }
}

#[test]
fn what_makes_a_body_too_large_is_left_out_bit_by_bit() {
    let gathered = |times, id: usize| {
        let mut member = member();
        member.evidence.ids = vec!["i".repeat(id).into()];
        let subject = Subject::Gathered { members: vec![member; times], more: 1 };
        Notification { subject, description: Some("d".to_owned()), ..notification() }
    };
    check_left_out(&gathered(20, 36), None, &["members", "description"], &[]);
    let ids = Some("the ids of events");
    check_left_out(&gathered(20, 1_000), ids, &["members", "description"], &[]);
    assert_eq!(of(&gathered(20, 1_000))["data"]["members"][0]["event_ids"], Value::Null);
    let lists = Some("the ids of events, members and the description");
    check_left_out(&gathered(80, 36), lists, &["more", "plan"], &["members", "description"]);
    let long = Notification { summary: "s".repeat(30_000), ..notification() };
    check_left_out(&long, Some("all details"), &["key", "summary", "severity"], &["alert"]);
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn every_body_is_within_the_limit(notification in notifications()) {
        let body = body(&notification);
        prop_assert!(body.len() < BODY_BYTES_MAX);
        let body: Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(body["timestamp"].as_str(), Some("2026-01-05T10:00:00Z"));
        prop_assert!(body["data"]["key"].is_string());
    }
}
