//! How notifications are stored.

use super::*;
use crate::stored::check::check_form;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::transition::Evidence;

fn notification(action: Action, subject: Subject) -> Notification {
    Notification {
        channel: "oncall".to_owned(),
        key: "sg/1".to_owned(),
        id: "sg/1/0".to_owned(),
        action,
        severity: Severity::Critical,
        at: Timestamp::from_millis(1_767_607_200_000),
        summary: "3 rejects".to_owned(),
        description: (action == Action::Trigger).then(|| "more".to_owned()),
        runbook: (action != Action::Trigger).then(|| "https://runbook.test".to_owned()),
        subject,
        labels: vec![("team".to_owned(), "shop".to_owned())],
        plan: "a7".to_owned(),
    }
}

fn member(step: Option<&str>) -> Member {
    let at = Timestamp::from_millis(1_767_607_200_000);
    Member {
        alert: "rejections".to_owned(),
        step: step.map(str::to_owned),
        metric: "rejects".to_owned(),
        group: vec![("partner".to_owned(), "noon".to_owned())],
        condition: "sum over 10m >= 3".to_owned(),
        summary: "3 rejects".to_owned(),
        evidence: Evidence {
            from: at.minus(600_000),
            until: at,
            value: Some(Decimal::parse("3").unwrap()),
            ids: vec!["a".into()],
            ..Evidence::default()
        },
    }
}

/// One with each subject and action.
fn notifications() -> Vec<Notification> {
    let gathered = Subject::Gathered { members: vec![member(None); 2], more: 40 };
    let pipeline = Subject::Pipeline { alert: "behind".to_owned() };
    vec![
        notification(Action::Trigger, Subject::Alert(Box::new(member(Some("reactive"))))),
        notification(Action::Repeat, gathered),
        notification(Action::Resolve, pipeline),
    ]
}

#[test]
fn notifications_are_stored_as_ever() {
    check_form(&notifications(), |all| encode(all), decode, include_str!("v1.hex"));
    check_form(&Vec::new(), |all| encode(all), decode, "0180");
}

/// A deploy, which came with version 2, beside what was there before.
#[test]
fn deploys_are_stored_as_ever() {
    let deploy = |service: Option<&str>, link: Option<&str>| {
        let subject = Subject::Deploy(Deploy {
            version: "1.2.3".to_owned(),
            service: service.map(str::to_owned),
            author: "mira".to_owned(),
            link: link.map(str::to_owned),
        });
        notification(Action::Change, subject)
    };
    let mut all = notifications();
    all.extend([deploy(None, None), deploy(Some("shop"), Some("https://ci.test/1"))]);
    check_form(&all, |all| encode(all), decode, include_str!("v2.hex"));
}
