//! What was decided, against `replay` of what was acknowledged.

use super::life::Asked;
use super::load::{Load, Mode, Sent};
use super::{Sandbox, clock, rules};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_pipeline::port::clock::Clock as _;
use streamgauge_pipeline::system_clock::SystemClock;

/// Metrics of events that can be late, or whose definition changes: their points are added up.
const ADDED_UP: [&str; 4] = ["stragglers", "lines", "changing", "last"];
/// More rounds would reach beyond what is remembered of identities.
const ROUNDS_MAX: i64 = 1_200;

/// Holds what was decided against what was sent.
pub(super) fn check(sandbox: &Sandbox, load: &Load<'_>, asked: &Asked) {
    let sent = load.sent();
    assert!(!sent.acknowledged.is_empty());
    if load.mode != Mode::Clock {
        assert!((1..ROUNDS_MAX).contains(&sent.rounds), "{} rounds", sent.rounds);
        assert!(!sent.lines.is_empty());
    }
    match load.mode {
        Mode::Again => {
            assert!(sent.unanswered.is_empty());
            check_all(&replay(sandbox, load.mode, &sent), asked);
        }
        Mode::Once => {
            check_pushes(&sent, asked);
            let replayed = replay(sandbox, load.mode, &sent);
            let lines = |of: &Asked| added_up(&of.points, &["lines"]);
            same("lines of the followed file", &lines(asked), &lines(&replayed));
        }
        Mode::Clock => {
            assert!(sent.unanswered.is_empty());
            clock::check(&replay(sandbox, load.mode, &sent), asked);
        }
    }
}

/// What `replay` prints of all that was acknowledged and all lines.
fn replay(sandbox: &Sandbox, mode: Mode, sent: &Sent) -> Asked {
    // Copies are left out: that they do not count is not to be shown by what knows them by the same code.
    let mut seen = BTreeSet::new();
    let pushed = sent.acknowledged.iter().flat_map(|push| &push.events);
    let all: Vec<&str> =
        pushed.chain(&sent.lines).filter(|event| seen.insert(*event)).map(String::as_str).collect();
    sandbox.file("acknowledged.ndjson", all.join("\n")).file("replayed.yaml", rules(mode, false));
    // All windows had ended by this when they were asked for.
    let until = format!("--until {}", SystemClock.now());
    let until = if mode == Mode::Clock { &until } else { "" };
    let replay = format!("replay --rules replayed.yaml --output json {until} acknowledged.ndjson");
    let output = { sandbox.command(&replay) }.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let of = |kind: &str| {
        let mut lines: Vec<_> = text.lines().filter(|line| line.contains(kind)).collect();
        lines.sort_unstable();
        lines.into_iter().map(str::to_owned).collect()
    };
    Asked { points: of("\"kind\":\"point\""), alerts: of("\"kind\":\"alert\"") }
}

/// Everything is what `replay` says.
fn check_all(expect: &Asked, asked: &Asked) {
    let exact = |of: &Asked| -> Vec<String> {
        let is_added_up = |line: &str| {
            ADDED_UP.iter().any(|name| line.contains(&format!("\"metric\":\"{name}\"")))
        };
        of.points.iter().filter(|line| !is_added_up(line)).cloned().collect()
    };
    same("points", &exact(asked), &exact(expect));
    same("alerts", &asked.alerts, &expect.alerts);
    assert!(expect.alerts.iter().any(|line| line.contains("resolved")), "{:?}", expect.alerts);
    same(
        "what is added up",
        &added_up(&asked.points, &ADDED_UP),
        &added_up(&expect.points, &ADDED_UP),
    );
    let changed = texts(&asked.points);
    assert_eq!(changed.len(), 2, "the rules were changed: {changed:?}");
}

/// Both lists of lines are the same; what is in one of them only is shown.
pub(super) fn same(what: &str, found: &[String], expect: &[String]) {
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        let other: BTreeSet<_> = other.iter().collect();
        one.iter()
            .filter(|line| !other.contains(line))
            .take(9)
            .map(|line| line.chars().take(200).collect())
            .collect()
    };
    let (more, fewer) = (only(found, expect), only(expect, found));
    assert!(more.is_empty() && fewer.is_empty(), "{what}: {more:#?} instead of {fewer:#?}");
    assert_eq!(found.len(), expect.len(), "{what}: a line comes twice");
}

/// The sum and the count of each window and series of some metrics, as lines.
pub(super) fn added_up(points: &[String], metrics: &[&str]) -> Vec<String> {
    let line = |(window, (sum, count))| format!("{window}: {sum} of {count}");
    sums(points, metrics).into_iter().map(line).collect()
}

/// The sum and the count of each window and series of some metrics. Which text of the rules has counted is not told apart.
pub(super) fn sums(points: &[String], metrics: &[&str]) -> BTreeMap<String, (u64, u64)> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for mut point in points.iter().map(|line| parse(line)) {
        let metric = text(&point, "metric");
        if metrics.contains(&metric.as_str()) {
            point["dimensions"].as_object_mut().unwrap().remove("rules");
            let window =
                format!("{metric} {} {}", point["dimensions"], text(&point, "window_start"));
            let (sum, count) = sums.entry(window).or_default();
            *sum += point["sum"].as_u64().unwrap();
            *count += point["count"].as_u64().unwrap();
        }
    }
    sums
}

/// Which definitions there were. No window mixes them.
pub(super) fn texts(points: &[String]) -> BTreeSet<String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for point in points.iter().map(|line| parse(line)).filter(|point| point["metric"] == "changing")
    {
        let by = point["dimensions"]["rules"].as_str().unwrap().to_owned();
        let before = texts.insert(text(&point, "window_start"), by.clone());
        assert!(before.is_none_or(|before| before == by), "two definitions in {point}");
    }
    texts.into_values().collect()
}

/// Each push that was acknowledged counts once, and the others at most once.
fn check_pushes(sent: &Sent, asked: &Asked) {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for point in asked.points.iter().map(|line| parse(line)) {
        if point["metric"] == "pushes" {
            let push = point["dimensions"]["push"].as_str().unwrap().to_owned();
            assert_eq!(point["status"], "final");
            assert!(counted.insert(push, point["sum"].as_u64().unwrap()).is_none(), "{point}");
        }
    }
    let mut count = |id: usize| counted.remove(&format!("p{id}")).unwrap_or(0);
    for push in &sent.acknowledged {
        let orders = u64::try_from(push.orders).unwrap();
        assert_eq!(count(push.id), orders, "push {} was acknowledged", push.id);
    }
    for push in &sent.unanswered {
        let orders = u64::try_from(push.orders).unwrap();
        let found = count(push.id);
        assert!(found <= orders, "push {} counts {found} times {orders}", push.id);
    }
    assert!(counted.is_empty(), "nobody has pushed these: {counted:?}");
}

pub(super) fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

pub(super) fn text(point: &Value, member: &str) -> String {
    point[member].as_str().unwrap().to_owned()
}
