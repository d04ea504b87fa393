//! The whole pipeline in one process, with faults at every port, against `replay` of the same events.
//!
//! Aggregate, settle and deliver run as they do behind Lambda, on memory adapters and a clock that is turned by hand. A driver with one seed decides
//! everything: which invocation goes on by one step, which dies between two effects, which call is throttled or loses its
//! answer before or after its effect, how batches are cut, repeated and bisected, which shard lags or is split. When the input is over
//! the faults end, time goes on, and what was put must be what `replay` prints: each point once, nothing lost.
//!
//! 1. `workload`: rules and events of a seed.
//! 2. `stream`: shards that are split, and batches as Lambda cuts them.
//! 3. `world`: the memory adapters behind dice.
//! 4. `driver`: invocations side by side, crashes, wake-ups, time.
//! 5. `verdict`: what was put against what `replay` prints.
//!
//! `STREAMGAUGE_CASES=100000` runs more seeds, `STREAMGAUGE_SEED=7` begins with another; a failure prints its story.

mod cloud;
mod dice;
mod driver;
mod outcome;
mod stream;
mod verdict;
mod workload;
mod world;

use driver::Driver;
use workload::Workload;

/// How many seeds an ordinary test runs.
const CASES: u64 = 1_000;

/// Runs the seeds that the environment asks for.
fn check(chaos: &driver::Chaos) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("STREAMGAUGE_SEED").unwrap_or(1);
    let cases = number("STREAMGAUGE_CASES").unwrap_or(CASES);
    for seed in first..first + cases {
        let workload = Workload::new(seed);
        let run = Driver::new(seed, &workload, chaos).run();
        if std::env::var_os("STORY").is_some() {
            eprintln!("{}\n{} points", run.story.join("\n"), run.points.len());
        }
        if let Err(difference) = verdict::compare(&workload, &run) {
            let story = run.story.join("\n");
            panic!("STREAMGAUGE_SEED={seed} STREAMGAUGE_CASES=1\n{story}\n\n{difference}");
        }
    }
}

#[test]
fn without_faults_the_pipeline_gives_what_replay_gives() {
    check(&driver::Chaos::CALM);
}

#[test]
fn under_any_faults_the_pipeline_gives_what_replay_gives() {
    check(&driver::Chaos::ALL);
}
