//! The whole pipeline in one process, with faults at every port, against `replay` of the same events.
//!
//! Aggregate, settle and deliver run as they do behind Lambda, on memory adapters and a clock that is turned by hand. A driver with one seed decides
//! everything: which invocation goes on by one step, which dies between two effects, which call is throttled or loses its
//! answer before or after its effect, how batches are cut, repeated and bisected, which shard lags or is split, whether entries are put
//! in pieces and batches make several of them, whether a filter stands in front. When the input is over
//! the faults end, time goes on, and what was put must be what `replay` prints: each point once, nothing lost.
//!
//! 1. `workload`: rules and events of a seed.
//! 2. `stream`: shards that are split, and batches as Lambda cuts them.
//! 3. `world`: the memory adapters behind dice.
//! 4. `chaos`: how often what goes wrong; `driver`: crashes, wake-ups, time, and `invocation`s side by side.
//! 5. `verdict`: what was put against what `replay` prints.
//!
//! `STREAMGAUGE_CASES=100000` runs more seeds, `STREAMGAUGE_SEED=7` begins with another; a failure prints its story.

mod chaos;
mod cloud;
pub(super) mod dice;
mod driver;
mod outcome;
mod rules;
mod stream;
mod told;
mod verdict;
mod workload;
mod world;

use chaos::Chaos;
use driver::Driver;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use workload::{Shape, Workload};

/// How many seeds an ordinary test runs with faults.
const CASES: u64 = 1_000;
/// How many without.
const CALM_CASES: u64 = 100;
/// How many with something else.
const OTHER_CASES: u64 = 60;
/// How many with a filter in front.
const FILTERED_CASES: u64 = 100;

/// Runs the seeds that the environment asks for, on all cores.
fn check(cases: u64, shape: Shape, chaos: &Chaos) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("STREAMGAUGE_SEED").unwrap_or(1);
    let cases = number("STREAMGAUGE_CASES").unwrap_or(cases);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let seeds = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                seeds
                    .take_while(|seed| *seed < first + cases)
                    .for_each(|seed| run(seed, shape, chaos));
            });
        }
    });
}

/// Runs a seed.
fn run(seed: u64, shape: Shape, chaos: &Chaos) {
    let workload = Workload::new(seed, shape);
    let run = Driver::new(seed, &workload, chaos).run();
    if let Err(difference) = verdict::compare(&workload, &run) {
        let story = run.story.join("\n");
        panic!("STREAMGAUGE_SEED={seed} STREAMGAUGE_CASES=1\n{story}\n\n{difference}");
    }
}

#[test]
fn without_faults_the_pipeline_gives_what_replay_gives() {
    check(CALM_CASES, Shape::Plain, &Chaos::CALM);
}

#[test]
fn under_any_faults_the_pipeline_gives_what_replay_gives() {
    check(CASES, Shape::Plain, &Chaos::ALL);
}

#[test]
fn shards_that_are_not_waited_for_come_as_corrections() {
    check(OTHER_CASES, Shape::Held, &Chaos::ALL);
}

#[test]
fn days_of_silence_change_nothing() {
    check(OTHER_CASES, Shape::Silent, &Chaos::KEEPING);
}

#[test]
fn a_stream_that_is_made_anew_goes_on_where_the_old_one_ended() {
    check(OTHER_CASES, Shape::Remade, &Chaos::ALL);
}

#[test]
fn what_comes_through_the_filter_is_what_replay_gives_of_the_stream_in_front() {
    check(FILTERED_CASES, Shape::Filtered, &Chaos::ALL);
}
