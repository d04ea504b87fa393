//! The sample events: committed, reproduced, and with the story that the documentation tells.

use super::*;
use crate::{Cli, Task};
use clap::Parser;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

fn generate(seed: u64, events: u32, hours: u32) -> String {
    let mut out = Vec::new();
    write(&Options { seed, events, hours }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The sound events of the committed file.
fn sample() -> Vec<Value> {
    let text = fs::read_to_string(format!("{EVENTS}/orders.ndjson")).unwrap();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(Value::is_object)
        .collect()
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn the_documented_command_reproduces_the_committed_file() {
    let readme = fs::read_to_string(format!("{EVENTS}/README.md")).unwrap();
    let command =
        readme.lines().find_map(|line| line.strip_prefix("cargo x generate-events")).unwrap();
    let (arguments, file) = command.split_once('>').unwrap();
    assert_eq!(file.trim(), "events/orders.ndjson");
    let words = ["cargo x", "generate-events"].into_iter().chain(arguments.split_whitespace());
    let Task::GenerateEvents(options) = Cli::parse_from(words).task else { panic!("another task") };
    let mut out = Vec::new();
    write(&options, &mut out).unwrap();
    let committed = fs::read(format!("{EVENTS}/orders.ndjson")).unwrap();
    assert!(
        out == committed,
        "the generator and the committed file differ: run the command in events/README.md"
    );
}

#[test]
fn the_number_of_lines_is_exact() {
    for events in [1, 2, 10, 999] {
        assert_eq!(generate(7, events, 1).lines().count(), usize::try_from(events).unwrap());
    }
}

#[test]
fn another_seed_gives_other_events() {
    assert_ne!(generate(1, 10, 1), generate(2, 10, 1));
}

#[test]
fn the_events_span_the_hours() {
    let lines = generate(3, 2_000, 2);
    let last = lines.lines().rfind(|line| line.starts_with('{')).unwrap();
    assert!(last.contains("T11:4") || last.contains("T11:5") || last.contains("T12:0"), "{last}");
}

#[test]
fn one_broken_line_of_each_kind_and_no_more() {
    let text = fs::read_to_string(format!("{EVENTS}/orders.ndjson")).unwrap();
    let unreadable = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err());
    assert_eq!(unreadable.count(), 2, "the truncated line and the NUL byte");
    assert_eq!(text.lines().filter(|line| line.starts_with('[')).count(), 1);
    let sound = sample();
    let count = |broken: &dyn Fn(&&Value) -> bool| sound.iter().filter(broken).count();
    assert_eq!(count(&|event| event.get("id").is_none()), 1);
    assert_eq!(
        count(&|event| text_of_time(event).is_none()),
        2,
        "the bad time and the leap second"
    );
    assert_eq!(count(&|event| !event["data"]["amount"].is_number()), 1);
    assert_eq!(text.lines().filter(|line| line.matches(r#""country""#).count() == 2).count(), 1);
}

fn text_of_time(event: &Value) -> Option<jiff::Timestamp> {
    let time = text(event, "/time");
    if time.ends_with(":60Z") { None } else { time.parse().ok() }
}

#[test]
fn about_two_in_a_hundred_events_come_twice() {
    let mut seen = HashSet::new();
    let events = sample();
    let copies = events.iter().filter(|event| !seen.insert(text(event, "/id").to_owned())).count();
    assert!((40..90).contains(&copies), "{copies} copies");
}

#[test]
fn about_eight_in_a_hundred_checkouts_are_abandoned() {
    let orders = |kind: &str| -> HashSet<String> {
        let events = sample().into_iter().filter(|event| text(event, "/type") == kind);
        events.map(|event| text(&event, "/data/order_id").to_owned()).collect()
    };
    let started = orders("checkout.started");
    let abandoned = started.difference(&orders("order.created")).count();
    let share = abandoned * 1_000 / started.len();
    assert!((60..120).contains(&share), "{share} in 1,000");
}

#[test]
fn one_partner_has_a_bad_hour() {
    let mut rejections: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for event in sample().iter().filter(|event| text(event, "/type") == "order.rejected") {
        let in_bad_hour = text(event, "/time").contains("T12:");
        *rejections
            .entry((text(event, "/data/aggregator").to_owned(), in_bad_hour))
            .or_default() += 1;
    }
    let of = |name: &str, bad: bool| rejections.get(&(name.to_owned(), bad)).copied().unwrap_or(0);
    assert!(of(TROUBLED, true) >= 15, "{rejections:?}");
    assert!(of(TROUBLED, false) <= 10, "{rejections:?}");
    let others: usize =
        rejections.iter().filter(|((name, _), _)| name != TROUBLED).map(|(_, count)| count).sum();
    assert!(others <= 20, "{rejections:?}");
}

#[test]
fn few_events_are_later_than_the_rules_allow() {
    let mut latest = jiff::Timestamp::MIN;
    let mut late = 0;
    for time in sample().iter().filter_map(text_of_time) {
        latest = latest.max(time);
        late += usize::from(latest.duration_since(time).as_secs() >= 30);
    }
    assert!((5..=25).contains(&late), "{late} late events");
}

#[test]
fn the_file_is_small_enough_to_read() {
    let length = fs::metadata(format!("{EVENTS}/orders.ndjson")).unwrap().len();
    assert!(length < 1_500_000, "{length} bytes");
}

#[test]
fn amounts_have_the_places_of_their_currency() {
    let amounts = |currency: &str| -> HashSet<usize> {
        let events = generate(1, 500, 1);
        let lines =
            events.lines().filter(|line| line.contains(&format!(r#""currency":"{currency}""#)));
        let amount_of = |line: &str| {
            line.split_once(r#""amount":"#)?.1.split_once(',').map(|(amount, _)| amount.to_owned())
        };
        let sound = lines.filter_map(amount_of).filter(|amount| !amount.starts_with('"'));
        sound.filter_map(|digits| digits.split_once('.').map(|(_, places)| places.len())).collect()
    };
    assert_eq!(amounts("AED"), HashSet::from([2]));
    assert_eq!(amounts("KWD"), HashSet::from([3]));
}
