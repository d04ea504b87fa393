//! Messages as they go out.

use super::*;
use crate::testing::{cases, member, notification, notifications};
use proptest::prelude::*;
use serde_json::Value;

fn of(notification: &Notification) -> Value {
    let body: Value = serde_json::from_slice(&body(notification)).unwrap();
    body["attachments"][0].clone()
}

#[test]
fn a_message_says_what_and_why_and_links_to_the_runbook() {
    assert_eq!(
        of(&notification()),
        json!({
            "color": "danger",
            "fallback": "[critical] noon rejected 3 orders in 10m",
            "title": "[critical] noon rejected 3 orders in 10m",
            "title_link": "https://wiki.example/rejections",
            "text": "sum over 10m &gt;= 3, and it is 3 (aggregator=noon)",
            "footer": "StreamGauge 2026-01-05T10:00:00Z",
            "mrkdwn_in": ["text"],
        })
    );
    let resolved = of(&Notification { action: Action::Resolve, ..notification() });
    assert_eq!(resolved["title"], "[resolved] noon rejected 3 orders in 10m");
    assert_eq!(resolved["color"], "good");
}

#[test]
fn many_members_are_ten_lines_and_a_number() {
    let subject = Subject::Gathered { members: vec![member(); 12], more: 3 };
    let text = of(&Notification { subject, ..notification() })["text"].clone();
    let lines: Vec<&str> = text.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), 11);
    assert_eq!((lines[0], lines[10]), ("• noon rejected 3 orders in 10m", "and 5 more"));
}

#[test]
fn nobody_is_called_by_a_text_from_outside() {
    let summary = "<!channel> <https://evil.example|click> & more".to_owned();
    assert_eq!(
        of(&Notification { summary, ..notification() })["title"],
        "[critical] &lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; more"
    );
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn every_message_is_within_the_limits(notification in notifications()) {
        let message = of(&notification);
        prop_assert!(message["text"].as_str().unwrap().chars().count() <= TEXT_CHARS_MAX);
        prop_assert!(message["title"].as_str().unwrap().chars().count() <= TEXT_CHARS_MAX);
        prop_assert!(body(&notification).len() < 100_000);
    }
}
