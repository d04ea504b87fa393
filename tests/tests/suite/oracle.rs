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
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use streamgauge_local::input::Input;

/// Runs a property over as many cases as the environment asks for.
fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Clone,
{
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().unwrap());
    let cases = number("STREAMGAUGE_CASES").unwrap_or(cases);
    let seed = number("STREAMGAUGE_SEED").unwrap_or(1);
    let mut seed_bytes = [0; 32];
    seed_bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
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
