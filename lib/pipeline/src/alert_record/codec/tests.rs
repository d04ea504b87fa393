//! How records of alerts are stored.

use super::*;
use crate::stored::check::check_form;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_767_607_200_000 + second * 1_000)
}

fn step(name: Option<&str>, condition: &str) -> RecordedStep {
    RecordedStep {
        name: name.map(str::to_owned),
        condition: condition.to_owned(),
        severity: Some(Severity::Warning),
    }
}

/// A ladder that fires and an alert without groups that begins to hold.
fn record() -> AlertRecord {
    let alert = |name: &str, by: &[&str], steps| RecordedAlert {
        plan: "a7".to_owned(),
        name: name.to_owned(),
        metric: "rejects".to_owned(),
        by: by.iter().map(|&dimension| dimension.to_owned()).collect(),
        steps,
        resolve: (name == "rejections").then(|| "sum over 20m < 1".to_owned()),
    };
    let steps = vec![
        step(Some("reactive"), "sum over 10m >= 3"),
        step(Some("proactive"), "sum over 20m >= 3"),
    ];
    let alerts = vec![
        alert("rejections", &["partner", "country"], steps),
        alert("silence", &[], vec![step(None, "absent for 15m")]),
    ];
    let value = |text| Some(Decimal::parse(text).unwrap());
    let evidence = Evidence {
        from: at(-600),
        until: at(0),
        value: value("3"),
        threshold: value("2.5"),
        volume: Some(7),
        events: 3,
        ids: ["a", "ö"].map(Arc::from).to_vec(),
        late: 1,
        duplicates: 2,
        course: vec![None, value("3")],
        watermark: Some(at(1)),
    };
    let fires = Transition {
        alert: 0,
        step: 1,
        group: Arc::new(SeriesKey::new(["noon", "AE"])),
        kind: TransitionKind::Firing,
        at: at(0),
        episode: at(-9),
        reason: Reason::ConditionHeld,
        evidence,
    };
    let begins = Transition {
        alert: 1,
        step: 0,
        group: Arc::default(),
        kind: TransitionKind::Pending,
        at: at(5),
        episode: at(5),
        reason: Reason::ConditionBegan,
        evidence: Evidence::default(),
    };
    let channels = vec![("oncall".into(), Why::Silenced), ("mail".into(), Why::AtOnce)];
    let sent = Verdict { sent: true, why: Why::AtOnce, channels };
    let recorded = Verdict { sent: false, why: Why::Pending, channels: Vec::new() };
    AlertRecord { alerts, transitions: vec![(fires, sent), (begins, recorded)] }
}

#[test]
fn records_of_alerts_are_stored_as_ever() {
    let fixture = include_str!("../v2.hex");
    check_form(&record(), AlertRecord::encode, AlertRecord::decode, fixture);
    check_form(&AlertRecord::default(), AlertRecord::encode, AlertRecord::decode, "02808080");
}

#[test]
fn records_of_format_1_say_no_severity_and_no_resolve() {
    let mut expected = record();
    for alert in &mut expected.alerts {
        alert.resolve = None;
        alert.steps.iter_mut().for_each(|step| step.severity = None);
    }
    let read = AlertRecord::decode(&bytes(include_str!("../v1.hex"))).unwrap();
    assert_eq!(read, expected);
    let mut resolves = read.transitions[0].0.clone();
    resolves.reason = Reason::ResolveHolds;
    assert_eq!(read.alerts[0].condition(&resolves), None, "not the step's, which did not decide");
    assert_eq!(record().alerts[0].condition(&resolves), Some("sum over 20m < 1"));
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn a_transition_of_no_step_is_refused() {
    let mut record = record();
    record.alerts[0].steps.pop();
    let read = AlertRecord::decode(&record.encode());
    assert!(matches!(read, Err(StoredError::Damaged { .. })), "{read:?}");
}
