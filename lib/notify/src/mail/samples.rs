//! Notifications as the settle fold makes them, for tests.

use streamgauge_engine::alert::Severity;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::{Action, Member, Notification, Subject};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A course of sixty slices with values at some of them.
fn course(values: &[(usize, &str)]) -> Vec<Option<Decimal>> {
    let mut course = vec![None; 60];
    for &(slice, value) in values {
        course[slice] = Some(decimal(value));
    }
    course
}

fn member(aggregator: &str) -> Member {
    Member {
        alert: "rejections".to_owned(),
        step: Some("reactive".to_owned()),
        metric: "order_rejections".to_owned(),
        group: pairs(&[("aggregator", aggregator)]),
        condition: "sum over 10m >= 3".to_owned(),
        summary: format!("{aggregator} rejected 3 orders in 10m"),
        evidence: Evidence {
            from: at("2026-01-05T09:59:50Z"),
            until: at("2026-01-05T10:09:50Z"),
            value: Some(decimal("3")),
            threshold: Some(decimal("3")),
            volume: None,
            events: 3,
            ids: ["a1", "b2", "c3"].map(Into::into).to_vec(),
            late: 0,
            duplicates: 1,
            course: course(&[(1, "1"), (24, "1"), (59, "1")]),
            watermark: Some(at("2026-01-05T10:10:02.500Z")),
        },
    }
}

/// A page of rejections.
pub(crate) fn rejections() -> Notification {
    let member = member("noon");
    Notification {
        channel: "operations".to_owned(),
        key: "rejections/noon/1767607190000".to_owned(),
        id: "rejections/noon/1767607190000/reactive".to_owned(),
        action: Action::Trigger,
        severity: Severity::Critical,
        at: at("2026-01-05T10:09:50Z"),
        summary: member.summary.clone(),
        description: Some("The partner refuses orders.\nCall their desk first.".to_owned()),
        runbook: Some("https://wiki.example/rejections?who=noon&since=10m".to_owned()),
        subject: Subject::Alert(Box::new(member)),
        labels: pairs(&[("team", "orders")]),
        plan: "5f2c9e".to_owned(),
    }
}

/// Its end.
pub(crate) fn resolve() -> Notification {
    let mut member = member("noon");
    member.evidence.value = Some(Decimal::default());
    member.evidence.course = course(&[]);
    member.evidence.ids.clear();
    member.evidence.events = 0;
    let summary = "noon rejects no orders any more".to_owned();
    Notification {
        id: "rejections/noon/1767607190000/resolved".to_owned(),
        action: Action::Resolve,
        at: at("2026-01-05T10:20:00Z"),
        summary,
        subject: Subject::Alert(Box::new(member)),
        ..rejections()
    }
}

/// Three groups at once, and two that are not named.
pub(crate) fn gathered() -> Notification {
    let members = ["noon", "talabat", "ديليفرو"].map(member).to_vec();
    Notification {
        key: "gathered/operations/17".to_owned(),
        id: "gathered/operations/17/1".to_owned(),
        summary: "5 groups reject orders".to_owned(),
        subject: Subject::Gathered { members, more: 2 },
        ..rejections()
    }
}

/// The rate of a journey.
pub(crate) fn abandonment() -> Notification {
    let rates: Vec<Option<Decimal>> = (0..60u32)
        .map(|slice| {
            (slice % 7 != 3).then(|| Decimal::from_billionths(i128::from(slice) * 13_000_000))
        })
        .collect();
    let member = Member {
        alert: "abandonment".to_owned(),
        step: None,
        metric: "order_abandonment".to_owned(),
        group: pairs(&[("country", "AE")]),
        condition: "rate over 30m > 0.4".to_owned(),
        summary: "44 % of checkouts in AE are abandoned".to_owned(),
        evidence: Evidence {
            from: at("2026-01-05T09:30:00Z"),
            until: at("2026-01-05T10:00:00Z"),
            value: Some(decimal("0.4375")),
            threshold: Some(decimal("0.4")),
            volume: Some(64),
            events: 64,
            ids: (0..20).map(|id| format!("checkout-{id:02}").into()).collect(),
            late: 2,
            duplicates: 0,
            course: rates,
            watermark: Some(at("2026-01-05T10:32:30Z")),
        },
    };
    Notification {
        key: "abandonment/AE/1767607200000".to_owned(),
        id: "abandonment/AE/1767607200000/error/2".to_owned(),
        action: Action::Repeat,
        severity: Severity::Error,
        at: at("2026-01-05T10:00:00Z"),
        summary: member.summary.clone(),
        description: None,
        runbook: None,
        subject: Subject::Alert(Box::new(member)),
        labels: Vec::new(),
        ..rejections()
    }
}

/// What somebody sends who wants a mail to do something.
pub(crate) fn hostile() -> Notification {
    let value = "</td><script>alert(1)</script>\r\nBcc: victim@example.com\u{202e}gpj.exe";
    let mut member = member(value);
    member.group = pairs(&[("aggregator\r\nX: y", value), ("quote", "\" onclick='x'&amp;")]);
    member.evidence.ids = vec!["<img src=x onerror=alert(1)>".into(), "x".repeat(5_000).into()];
    Notification {
        summary: member.summary.clone(),
        description: Some(format!("{value}\n{}", "long ".repeat(2_000))),
        runbook: Some("javascript:alert(1)".to_owned()),
        labels: pairs(&[("<b>", "</table>")]),
        subject: Subject::Alert(Box::new(member)),
        ..rejections()
    }
}

/// One of the pipeline's own.
pub(crate) fn pipeline() -> Notification {
    Notification {
        summary: "the pipeline is 7m behind".to_owned(),
        subject: Subject::Pipeline { alert: "behind".to_owned() },
        ..rejections()
    }
}
