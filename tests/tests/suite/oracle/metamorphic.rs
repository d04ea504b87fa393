//! What must not matter: how the input was cut into files and blocks, how many threads worked, copies, and order within
//! `out_of_order`. No oracle is needed here: one run of the engine is compared with another.

use super::compute::Intake;
use super::generate::Case;
use super::model::{Line, Rules};
use super::points::End;
use super::text;
use crate::suite::replayed::{self, Output};
use crate::suite::shared_data;
use jiff::Timestamp;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::collections::BTreeSet;
use std::sync::Arc;
use streamgauge_engine::hash;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp as Moment;
use streamgauge_local::input::Input;
use streamgauge_local::replay::Options;

/// A line with what the tests need to know of it.
#[derive(Clone, Debug)]
struct TimedLine {
    time_ms: i64,
    /// Whether some metric takes it: only then it leaves an identity behind.
    taken: bool,
    bytes: Vec<u8>,
}

/// Numbers that look random and are the same in every run.
fn random(seed: u64, place: usize) -> u64 {
    hash::stable(format!("{seed} {place}").as_bytes())
}

/// A random number below a limit.
fn below(limit: i64, seed: u64, place: usize) -> i64 {
    let limit = u64::try_from(limit).unwrap();
    i64::try_from(random(seed, place) % limit).unwrap()
}

fn run(plan: &Arc<Plan>, files: Vec<Vec<u8>>, threads: usize, end: End) -> Output {
    let inputs = files
        .into_iter()
        .enumerate()
        .map(|(place, bytes)| Input::bytes(format!("file{place}"), bytes));
    let until = end.until.map(Moment::from_millis);
    replayed::replay_until(
        plan,
        inputs.collect(),
        &Options { threads, until, open: end.open, ..Options::default() },
    )
}

fn joined(lines: &[TimedLine]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bytes.clone()).collect()
}

/// Cuts lines into files, on average of so many lines.
fn cut(lines: &[Vec<u8>], average: i64, seed: u64) -> Vec<Vec<u8>> {
    let mut files = vec![Vec::new()];
    for (place, line) in lines.iter().enumerate() {
        if below(average, seed, place) == 0 {
            files.push(Vec::new());
        }
        files.last_mut().unwrap().extend_from_slice(line);
    }
    files
}

/// Swaps events that are no more than `out_of_order` apart, so that nothing becomes late.
fn shuffled(lines: &[TimedLine], out_of_order_ms: i64, seed: u64) -> Vec<TimedLine> {
    let mut lines: Vec<(i64, TimedLine)> = lines
        .iter()
        .enumerate()
        .map(|(place, line)| (line.time_ms + below(out_of_order_ms + 1, seed, place), line.clone()))
        .collect();
    lines.sort_by_key(|&(at, _)| at);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Repeats one line in so many a few lines later, or at once where that would be beyond the horizon. The lines are in the
/// order of their times.
fn repeated(lines: &[TimedLine], one_in: i64, horizon_ms: i64, seed: u64) -> (Vec<TimedLine>, u64) {
    let mut with_copies: Vec<(usize, TimedLine)> = lines.iter().cloned().enumerate().collect();
    let mut copies = 0;
    for (place, line) in lines.iter().enumerate() {
        if line.taken && below(one_in, seed, place) == 0 {
            let later = usize::try_from(below(20, seed + 1, place)).unwrap();
            let later = (place..lines.len().min(place + later + 1))
                .take_while(|&later| lines[later].time_ms <= line.time_ms + horizon_ms)
                .last();
            with_copies.push((later.unwrap_or(place), line.clone()));
            copies += 1;
        }
    }
    with_copies.sort_by_key(|&(place, _)| place);
    (with_copies.into_iter().map(|(_, line)| line).collect(), copies)
}

/// The summary with so many more copies.
fn with_copies(summary: &str, copies: u64) -> serde_json::Value {
    let mut summary: serde_json::Value = serde_json::from_str(summary).unwrap();
    for name in ["received", "duplicate"] {
        summary[name] = (summary[name].as_u64().unwrap() + copies).into();
    }
    summary
}

/// An output that differs from the one before, as far as it does.
fn differs(what: &str, before: &Output, after: &Output) -> Option<String> {
    if before.points == after.points && before.summary == after.summary {
        return None;
    }
    let places = 0..before.points.len().max(after.points.len());
    let place =
        places.into_iter().find(|&place| before.points.get(place) != after.points.get(place));
    let point = place.map(|place| (place, before.points.get(place), after.points.get(place)));
    Some(format!(
        "{what}\n  first point that differs: {point:#?}\n  {}\n  {}",
        before.summary, after.summary
    ))
}

/// Cutting the input changes nothing, in whatever order events come.
pub(super) fn cuts_do_not_matter(case: &Case) -> TestCaseResult {
    let plan = replayed::plan(&text::yaml(&case.rules));
    let lines: Vec<Vec<u8>> = case.lines.iter().map(text::line).collect();
    let whole = run(&plan, vec![lines.concat()], 1, case.end);
    for (average, threads, seed) in [(1, 1, 0), (1, 8, 0), (3, 8, 1), (20, 1, 2)] {
        let files = cut(&lines, average, seed);
        let what = format!("{} files, {threads} threads, seed {seed}", files.len());
        let after = run(&plan, files, threads, case.end);
        if let Some(difference) = differs(&what, &whole, &after) {
            return Err(fail(&case.rules, &lines, case.end, &difference));
        }
    }
    Ok(())
}

/// Order within the bound and copies change nothing.
pub(super) fn order_and_copies_do_not_matter(case: &Case) -> TestCaseResult {
    // Copies are told by their identity, and steps at the same time are ordered by it: it must not be the line.
    let horizon_ms =
        case.rules.deduplicate_ms.unwrap_or(case.rules.allowed_lateness_ms.max(3_600_000));
    let rules = Rules { deduplicate_ms: Some(horizon_ms), ..case.rules.clone() };
    let plan = replayed::plan(&text::yaml(&rules));
    let lines = in_order(&rules, &case.lines);
    let sorted = run(&plan, vec![joined(&lines)], 1, case.end);
    let bytes =
        |of: &[TimedLine]| -> Vec<Vec<u8>> { of.iter().map(|line| line.bytes.clone()).collect() };
    for seed in 0..3 {
        let shuffled = shuffled(&lines, rules.out_of_order_ms, seed);
        let after = run(&plan, vec![joined(&shuffled)], 1, case.end);
        if let Some(difference) = differs("shuffled within out_of_order", &sorted, &after) {
            let shown =
                [bytes(&lines), vec![b"--- shuffled\n".to_vec()], bytes(&shuffled)].concat();
            return Err(fail(&rules, &shown, case.end, &difference));
        }
        let (copied, copies) = repeated(&lines, 4, horizon_ms, seed);
        let with = run(&plan, vec![joined(&copied)], 1, case.end);
        let summary: serde_json::Value = serde_json::from_str(&with.summary).unwrap();
        if sorted.points != with.points || summary != with_copies(&sorted.summary, copies) {
            let difference = differs("with copies", &sorted, &with).unwrap_or_default();
            return Err(fail(&rules, &bytes(&copied), case.end, &difference));
        }
    }
    Ok(())
}

/// The events, each identity once, in the order of their times.
fn in_order(rules: &Rules, lines: &[Line]) -> Vec<TimedLine> {
    let mut identities = BTreeSet::new();
    let mut events = Vec::new();
    for line in lines {
        let Line::Event(event, _) = line else { continue };
        if identities.insert(&event.id) {
            let taken = !Intake::read(rules, std::slice::from_ref(line)).kept.is_empty();
            events.push(TimedLine { time_ms: event.time_ms, taken, bytes: text::line(line) });
        }
    }
    events.sort_by_key(|event| event.time_ms);
    events
}

fn fail(rules: &Rules, lines: &[Vec<u8>], end: End, difference: &str) -> TestCaseError {
    let lines = String::from_utf8_lossy(&lines.concat()).into_owned();
    TestCaseError::fail(format!(
        "{difference}\n--- rules\n{}--- lines ({end:?})\n{lines}",
        text::yaml(rules)
    ))
}

/// The same on a real log, with a rules file of the tests.
pub(super) fn check_log(log: &str, rules_file: &str) {
    let Some(folder) = shared_data::folder() else { return };
    let plan = replayed::plan(&shared_data::rules(rules_file));
    let (out_of_order_ms, horizon_ms) =
        (plan.timing.out_of_order, plan.timing.deduplicate.unwrap());
    let end = End { until: None, open: true };
    let lines: Vec<TimedLine> =
        shared_data::lines(&folder.join(log)).into_iter().map(timed).collect();
    let bytes: Vec<Vec<u8>> = lines.iter().map(|line| line.bytes.clone()).collect();

    let whole = run(&plan, vec![bytes.concat()], 1, end);
    assert!(whole.points.len() > 100, "{}", whole.summary);
    let same = |what: &str, after: &Output| {
        if let Some(difference) = differs(what, &whole, after) {
            panic!("{log}: {difference}");
        }
    };
    let stored = vec![Input::path(folder.join(log))];
    same(
        "as stored",
        &replayed::replay_until(
            &plan,
            stored,
            &Options { threads: 8, open: true, ..Options::default() },
        ),
    );
    same("with 8 threads", &run(&plan, vec![bytes.concat()], 8, end));
    same("in files", &run(&plan, cut(&bytes, 500, 1), 8, end));
    same("shuffled", &run(&plan, vec![joined(&shuffled(&lines, out_of_order_ms, 1))], 8, end));
    let (lines, copies) = repeated(&lines, 20, horizon_ms, 1);
    let after = run(&plan, vec![joined(&lines)], 8, end);
    assert_eq!(whole.points, after.points);
    let summary: serde_json::Value = serde_json::from_str(&after.summary).unwrap();
    assert_eq!(summary, with_copies(&whole.summary, copies));
}

fn timed(bytes: Vec<u8>) -> TimedLine {
    let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let time: Timestamp = event["time"].as_str().unwrap().parse().unwrap();
    TimedLine { time_ms: time.as_millisecond(), taken: true, bytes }
}
