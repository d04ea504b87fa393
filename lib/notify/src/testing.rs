//! Helpers of the tests: notifications, and a server that answers every call alike, over real connections.

use proptest::prelude::*;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::{Action, Deploy, Member, Notification, Subject};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;

#[cfg(any(feature = "aws", feature = "http"))]
pub(crate) mod server;
#[cfg(any(feature = "aws", feature = "http"))]
pub(crate) mod watched;

pub(crate) const AT: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// What the README's alert says when it fires.
pub(crate) fn member() -> Member {
    Member {
        alert: "rejections".to_owned(),
        step: Some("reactive".to_owned()),
        metric: "order_rejections".to_owned(),
        group: vec![("aggregator".to_owned(), "noon".to_owned())],
        condition: "sum over 10m >= 3".to_owned(),
        summary: "noon rejected 3 orders in 10m".to_owned(),
        evidence: Evidence {
            from: AT.minus(600_000),
            until: AT,
            value: Decimal::parse("3").ok(),
            threshold: Decimal::parse("3").ok(),
            volume: None,
            events: 3,
            ids: vec!["o-1".into(), "o-2".into(), "o-3".into()],
            late: 0,
            duplicates: 1,
            course: Vec::new(),
            watermark: Some(AT.plus(250)),
        },
    }
}

pub(crate) fn notification() -> Notification {
    Notification {
        channel: "oncall".to_owned(),
        key: "rejections/reactive/noon/1767607200000".to_owned(),
        id: "rejections/reactive/noon/1767607200000/trigger".to_owned(),
        action: Action::Trigger,
        severity: Severity::Critical,
        at: AT,
        summary: "noon rejected 3 orders in 10m".to_owned(),
        description: None,
        runbook: Some("https://wiki.example/rejections".to_owned()),
        subject: Subject::Alert(Box::new(member())),
        labels: vec![("team".to_owned(), "orders".to_owned())],
        plan: "5f3a".to_owned(),
    }
}

/// Texts with everything that is hard to write: quotes, control characters, letters of four bytes; often short, seldom huge.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "\\PC{0,20}",
        2 => any::<String>(),
        1 => (any::<char>(), 0..1_500_usize).prop_map(|(letter, times)| letter.to_string().repeat(times)),
    ]
}

fn members() -> impl Strategy<Value = Member> {
    let texts = (text(), proptest::option::of(text()), text(), text(), text());
    let group = proptest::collection::vec((text(), text()), 0..4);
    (texts, group, proptest::collection::vec(text(), 0..10), any::<i64>()).prop_map(
        |((alert, step, metric, condition, summary), group, ids, value)| Member {
            alert,
            step,
            metric,
            group,
            condition,
            summary,
            evidence: Evidence {
                value: Some(Decimal::from_billionths(value.into())),
                ids: ids.into_iter().map(Into::into).collect(),
                watermark: (value % 2 == 0).then_some(AT),
                ..member().evidence
            },
        },
    )
}

fn subjects() -> impl Strategy<Value = Subject> {
    prop_oneof![
        members().prop_map(|member| Subject::Alert(Box::new(member))),
        (proptest::collection::vec(members(), 0..12), any::<u16>())
            .prop_map(|(members, more)| Subject::Gathered { members, more: more.into() }),
        text().prop_map(|alert| Subject::Pipeline { alert }),
        (text(), proptest::option::of(text()), text(), proptest::option::of(text())).prop_map(
            |(version, service, author, link)| {
                Subject::Deploy(Deploy { version, service, author, link })
            }
        ),
    ]
}

/// Fewer cases than usual: each is large.
pub(crate) fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(64)
}

/// Any notification, also one that the fold would never make.
pub(crate) fn notifications() -> impl Strategy<Value = Notification> {
    let actions = vec![Action::Trigger, Action::Repeat, Action::Resolve, Action::Change];
    let action = proptest::sample::select(actions);
    let severity = prop_oneof![
        Just(Severity::Critical),
        Just(Severity::Error),
        Just(Severity::Warning),
        Just(Severity::Info)
    ];
    let texts = (text(), "[ -~]{1,300}", "[ -~]{1,255}", text(), text(), text());
    (texts, action, severity, subjects(), proptest::collection::vec((text(), text()), 0..4))
        .prop_map(|(texts, action, severity, subject, labels)| {
            let (channel, key, id, summary, description, runbook) = texts;
            Notification {
                channel,
                key,
                id,
                action,
                severity,
                summary,
                description: Some(description),
                runbook: Some(format!("https://{runbook}")),
                subject,
                labels,
                ..notification()
            }
        })
}
