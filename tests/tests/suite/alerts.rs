//! The transitions that `replay` prints, against the contract read naively: at each moment at which anything could change, every
//! condition is asked of a list of all events. And the same lines come out however the input is cut and on any number of threads.

use super::replayed::{Output, plan, replay, trace};
use serde_json::Value;
use std::collections::BTreeSet;
use streamgauge_local::input::Input;

const MINUTE: i64 = 60_000;
const START: i64 = 1_767_607_200_000;

/// A ladder whose page inhibits the mail, and silence; beside them alerts that wait: for journeys and for final points.
const RULES: &str = "
version: 1
out_of_order: 30s
allowed_lateness: 2m
late: correct
deduplicate: 1h
event: {time_unit: ms}
metrics:
  rejections: {count: 'type == \"rejected\"', dimensions: {partner: data.partner}, window: 1m}
  abandonment:
    journey: {start: 'type == \"started\"', finish: 'type == \"rejected\"', key: id, within: 5m}
    window: 1m
alerts:
  rejected:
    metric: rejections
    steps:
      reactive: {when: sum over 10m >= 3, severity: critical, notify: [oncall]}
      proactive: {when: sum over 20m >= 3, severity: warning, notify: [desk]}
    resolve: sum over 20m < 1
  silent: {metric: rejections, when: absent for 15m, severity: error, notify: [desk]}
  abandoned: {metric: abandonment, when: abandoned over 10m >= 1, severity: error, notify: [desk]}
  windowed: {metric: rejections, by: [], when: sum over window >= 1, severity: info, notify: [desk]}
channels:
  oncall: {webhook: {url: 'https://hooks.example/oncall'}}
  desk: {webhook: {url: 'https://hooks.example/desk'}}
";

const PARTNERS: [&str; 3] = ["careem", "noon", "talabat"];

/// The same numbers for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    time: i64,
    partner: &'static str,
    is_start: bool,
}

/// Events in the order of their times: bursts, quiet times, several in one millisecond.
fn events(numbers: &mut Numbers, count: i64, step_max: i64) -> Vec<Event> {
    let mut time = START;
    let mut next = |_| {
        time += match numbers.below(10) {
            0 => 0,
            1 => 10 * MINUTE,
            2 => 12 * MINUTE + numbers.below(9 * MINUTE),
            _ => numbers.below(step_max),
        };
        let partner = PARTNERS[usize::try_from(numbers.below(3)).unwrap()];
        Event { time, partner, is_start: numbers.below(8) == 0 }
    };
    (0..count).map(&mut next).collect()
}

/// The events as lines in an order of arrival that is within the bound; some come twice.
fn lines(events: &[Event], numbers: &mut Numbers) -> Vec<String> {
    let mut arriving: Vec<(i64, String)> = Vec::new();
    for (id, event) in events.iter().enumerate() {
        let kind = if event.is_start { "started" } else { "rejected" };
        let (time, partner) = (event.time, event.partner);
        let line = format!(
            "{{\"id\":\"{id}\",\"source\":\"s\",\"type\":\"{kind}\",\"time\":{time},\"data\":{{\"partner\":\"{partner}\"}}}}\n"
        );
        for _ in 0..=i64::from(numbers.below(20) == 0) {
            arriving.push((time + numbers.below(30_000), line.clone()));
        }
    }
    arriving.sort_by_key(|&(arrival, _)| arrival);
    arriving.into_iter().map(|(_, line)| line).collect()
}

fn run(lines: &[String], pieces: usize, threads: usize) -> Output {
    let size = lines.len().div_ceil(pieces).max(1);
    let input = |piece: &[String]| Input::bytes("events", piece.concat().into_bytes());
    replay(&plan(RULES), lines.chunks(size).map(input).collect(), threads)
}

/// A transition: when, which alert (0 or 1), whose, which step (0 is the highest), what, and whether it is sent.
type Told = (i64, usize, &'static str, usize, &'static str, bool);

/// What the contract says of `rejected` and `silent`.
fn expected(events: &[Event]) -> Vec<Told> {
    let mut told = Vec::new();
    let end = events.iter().map(|event| event.time).max().unwrap();
    for partner in PARTNERS {
        let own = events.iter().filter(|event| !event.is_start && event.partner == partner);
        let times: Vec<i64> = own.map(|event| event.time).collect();
        let Some(&first) = times.first() else { continue };
        let later = |minutes: i64| times.iter().map(move |time| time + minutes * MINUTE);
        let moments: BTreeSet<i64> =
            later(0).chain(later(10)).chain(later(15)).chain(later(20)).collect();
        // Whether each step fires, and whether that was sent.
        let mut ladder: [Option<bool>; 2] = [None; 2];
        let mut silent = false;
        for at in moments.into_iter().filter(|&at| first <= at && at <= end) {
            let over = |minutes: i64| {
                times.iter().filter(|&&time| at - minutes * MINUTE < time && time <= at).count()
            };
            let resolves = over(20) < 1;
            for (step, holds) in [over(10) >= 3, over(20) >= 3].into_iter().enumerate() {
                if resolves && let Some(sent) = ladder[step].take() {
                    told.push((at, 0, partner, step, "resolved", sent));
                } else if !resolves && holds && ladder[step].is_none() {
                    let sent = step == 0 || ladder[0] != Some(true);
                    ladder[step] = Some(sent);
                    told.push((at, 0, partner, step, "firing", sent));
                }
            }
            let is_absent = over(15) == 0;
            if is_absent != silent {
                silent = is_absent;
                let kind = if silent { "firing" } else { "resolved" };
                told.push((at, 1, partner, 0, kind, true));
            }
        }
    }
    told.sort_by_key(|&(at, alert, partner, step, ..)| (at, alert, partner, step));
    told
}

/// What was printed of these two alerts, in its order.
fn got(output: &Output) -> Vec<Told> {
    let lines = output.alerts.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.filter_map(|line| {
        let alert = ["rejected", "silent"].iter().position(|name| line["alert"] == *name)?;
        let at: jiff::Timestamp = line["at"].as_str()?.parse().unwrap();
        let partner = PARTNERS.into_iter().find(|name| line["group"]["partner"] == *name)?;
        let kinds = ["pending", "firing", "resolved"];
        let kind = kinds.into_iter().find(|name| line["transition"] == *name)?;
        let step = usize::from(line["step"] == "proactive");
        Some((at.as_millisecond(), alert, partner, step, kind, line["sent"].as_bool()?))
    });
    told.collect()
}

#[test]
fn a_replay_tells_what_the_definition_says() {
    let (mut fired, mut inhibited) = (0, 0);
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let count = 1 + numbers.below(80);
        let events = events(&mut numbers, count, 6 * MINUTE);
        let output = run(&lines(&events, &mut numbers), 1, 1);
        let expected = expected(&events);
        assert_eq!(got(&output), expected, "seed {seed}");
        fired += expected.iter().filter(|told| told.4 == "firing").count();
        inhibited += expected.iter().filter(|told| told.4 == "firing" && !told.5).count();
    }
    assert!(
        fired > 1_000 && inhibited > 50,
        "{fired} {inhibited}: the cases reach what they aim at"
    );
}

#[test]
fn files_and_threads_change_no_line() {
    let mut numbers = Numbers(7);
    let events = events(&mut numbers, 20_000, MINUTE);
    let lines = lines(&events, &mut numbers);
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!(bytes > 5 * 256 * 1024, "{bytes} bytes are too few for threads to begin");
    let whole = run(&lines, 1, 1);
    assert!(
        whole.alerts.len() > 1_000 && whole.alerts.iter().any(|line| line.contains("abandoned"))
    );
    for (pieces, threads) in [(1, 2), (1, 4), (97, 1), (97, 4), (1_500, 2)] {
        assert_eq!(run(&lines, pieces, threads), whole, "{pieces} pieces, {threads} threads");
    }
    in_order(&whole);
}

#[test]
fn line_by_line_it_is_the_same_replay() {
    let mut numbers = Numbers(11);
    let events = events(&mut numbers, 2_000, MINUTE);
    let mut lines = lines(&events, &mut numbers);
    let (copy, long) = (lines[7].clone(), format!("{}\n", "x".repeat(11 << 20)));
    lines.splice(9..9, [copy, "\n".to_owned(), "no event\n".to_owned(), long]);
    let plan = plan(RULES);
    let inputs = || {
        let (first, second) = lines.split_at(700);
        let input = |name, part: &[String]| Input::bytes(name, part.concat().into_bytes());
        vec![input("one", first), input("two", second)]
    };
    let (traced, shown) = trace(&plan, inputs());
    assert_eq!(traced, replay(&plan, inputs(), 1));
    assert_eq!(traced.rejects.len(), 2);
    // All but the empty line were shown, in order, each with its place.
    let line = |name: &str, number| (name.to_owned(), number);
    assert_eq!(shown.len(), lines.len() - 1);
    assert_eq!(shown[8..12], [line("one", 9), line("one", 10), line("one", 12), line("one", 13)]);
    assert_eq!(shown[699], line("two", 1));
}

/// Transitions stand in the order of their times, then of the rules, though two alerts are decided minutes later.
fn in_order(output: &Output) {
    let names = ["rejected", "silent", "abandoned", "windowed"];
    let place = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap();
        let at: jiff::Timestamp = line["at"].as_str().unwrap().parse().unwrap();
        let alert = names.iter().position(|name| line["alert"] == *name);
        (at, alert, line["group"].to_string(), line["step"] == "proactive")
    };
    assert!(output.alerts.iter().map(place).is_sorted());
}
