//! The engine against an oracle: a second reading of the contract, as simple as it can be.
//!
//! The oracle keeps all events in a list and looks for each answer in all of them. It was written from the contract, not
//! from the engine; where the two differ, one of them has misread it. Random rules and random events are aimed at the
//! moments that matter: ends of windows, ends of memories, equal times, changes of clocks.
//!
//! Runs are the same every time. `STREAMGAUGE_CASES=100000` tries more of them, `STREAMGAUGE_SEED=7` others. A failure
//! prints the smallest case that was found: rules, lines, and the first line of the output that differs.
//!
//! The modules, in the order of the work: `generate` makes a case of `model` types, `text` writes it for the engine,
//! `compute` (with `calendar`) reads the lines as the contract says, `journeys` and `points` make the points, `render`
//! writes them down, and `compare` runs both.

mod calendar;
mod compare;
mod compute;
mod generate;
mod journeys;
mod metamorphic;
mod model;
mod points;
mod render;
mod text;

use super::replayed;
use points::{Status, Values};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use std::cell::RefCell;
use streamgauge_local::input::Input;

/// Runs a property over as many cases as the environment asks for.
pub(crate) fn check<S: Strategy>(
    cases: u32,
    strategy: S,
    property: impl Fn(S::Value) -> TestCaseResult,
) where
    S::Value: Clone,
{
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().unwrap());
    let cases = number("STREAMGAUGE_CASES").unwrap_or(cases);
    let seed = number("STREAMGAUGE_SEED").unwrap_or(1);
    let mut seed_bytes = [0; 32];
    seed_bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let max_global_rejects = cases.max(1024);
    let config = Config {
        max_global_rejects,
        cases,
        failure_persistence: None,
        max_shrink_time: 60_000,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    if let Err(error) = runner.run(&strategy, property) {
        // The case itself is in the reason, as rules and lines: its values say less.
        let reason = match error {
            proptest::test_runner::TestError::Fail(reason, _)
            | proptest::test_runner::TestError::Abort(reason) => reason,
        };
        panic!("with STREAMGAUGE_SEED={seed}: {reason}");
    }
}

#[test]
fn the_engine_gives_the_oracles_answer() {
    check(200, generate::case(70, true), |case| compare::with_the_oracle(&case));
}

#[test]
fn the_cases_reach_what_they_aim_at() {
    let reached = RefCell::new(Reached::default());
    check(150, generate::case(70, true), |case| {
        reached.borrow_mut().add(&case);
        Ok(())
    });
    let reached = reached.into_inner();
    assert!(reached.smallest() >= 20, "{reached:?}");
}

/// How often the oracle's answers hold what the cases are there for.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    corrections: usize,
    late: usize,
    late_dropped: usize,
    copies: usize,
    rejects: usize,
    folded: usize,
    zeros: usize,
    open: usize,
    finished: usize,
    abandoned: usize,
    long_windows: usize,
}

impl Reached {
    fn add(&mut self, case: &generate::Case) {
        let mut intake = compute::Intake::read(&case.rules, &case.lines);
        let points = points::points(&mut intake, case.end);
        let number = |count: u64| usize::try_from(count).unwrap();
        self.late += number(intake.counters.late);
        self.copies += number(intake.counters.duplicate);
        self.rejects += number(intake.counters.rejected);
        for metric in &intake.metrics {
            self.late_dropped += number(metric.late_dropped);
            self.folded += number(metric.folded);
        }
        for point in &points {
            self.corrections += usize::from(point.status == Status::Correction);
            self.open += usize::from(point.status == Status::Open);
            let length = case.rules.metrics[point.metric].window_ms;
            self.long_windows += usize::from(length >= calendar::DAY_MS);
            match &point.values {
                Values::Count(0) | Values::Unique(0) | Values::Sum { count: 0, .. } => {
                    self.zeros += 1;
                }
                Values::Journey { finished, abandoned, .. } => {
                    self.finished += finished.len();
                    self.abandoned += abandoned;
                }
                _ => {}
            }
        }
    }

    fn smallest(&self) -> usize {
        let Self { corrections, late, late_dropped, copies, rejects, folded, .. } = *self;
        let Self { zeros, open, finished, abandoned, long_windows, .. } = *self;
        let events = [corrections, late, late_dropped, copies, rejects, folded];
        let points = [zeros, open, finished, abandoned, long_windows];
        events.into_iter().chain(points).min().unwrap_or_default()
    }
}

#[test]
fn cutting_the_input_changes_nothing() {
    check(60, generate::case(50, true), |case| metamorphic::cuts_do_not_matter(&case));
}

#[test]
fn order_within_the_bound_and_copies_change_nothing() {
    check(60, generate::case(50, false), |case| metamorphic::order_and_copies_do_not_matter(&case));
}

#[test]
fn cuts_order_and_copies_change_nothing_in_real_logs() {
    metamorphic::check_log("online_retail_orders.ndjson.zst", "online_retail_orders.yaml");
    metamorphic::check_log("ecom_incidents.ndjson.zst", "ecom_incidents.yaml");
}

#[test]
fn records_that_are_no_events_are_rejects() {
    let plan =
        replayed::plan("version: 1\nlate: drop\nmetrics: {all: {count: true, window: 1m}}\n");
    for (line, code) in generate::BROKEN {
        let output = replayed::replay(&plan, vec![Input::bytes("broken", line.to_vec())], 1);
        assert_eq!(
            output.rejects,
            [("broken".to_owned(), 1, code)],
            "{}",
            String::from_utf8_lossy(line)
        );
    }
}
