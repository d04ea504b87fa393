//! Any run: batches cut and repeated at random, two environments, faults, kills, cold starts. The log holds what one fold of
//! the records holds, and a cold start comes to the same state.

use super::kit::{Function, RULES, Town, event, state, take, take_all, take_steps};
use crate::aggregate::Settings;
use crate::contract::Fault;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq};
use proptest::prop_oneof;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::sync::Arc;

/// What happens, one thing after another.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A batch begins so far before the first record that is not taken, and has so many records.
    Batch { function: usize, back: usize, length: usize },
    /// The same, and the function is killed after so many steps of its own.
    Killed { function: usize, length: usize, steps: usize },
    /// A coming append or put of a snapshot goes wrong.
    Fault { log: bool, fault: bool },
    /// An environment ends, another begins.
    Cold { function: usize },
    /// Minutes go by, or the clock is set back.
    Wait { minutes: i64 },
}

/// A record: an event of some kind and time, perhaps a copy, or none at all.
fn record() -> impl Strategy<Value = String> {
    let kinds = prop_oneof![6 => "order", 2 => "start", 1 => "other"];
    prop_oneof![
        12 => (0..400_u32, kinds, 0..900_i64)
            .prop_map(|(id, kind, seconds)| event(&format!("e{id}"), &kind, seconds)),
        1 => "[{}a]{0,8}",
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let function = 0..2_usize;
    prop_oneof![
        6 => (function.clone(), 0..20_usize, 1..40_usize)
            .prop_map(|(function, back, length)| Step::Batch { function, back, length }),
        3 => (function.clone(), 1..40_usize, 0..40_usize)
            .prop_map(|(function, length, steps)| Step::Killed { function, length, steps }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(log, fault)| Step::Fault { log, fault }),
        1 => function.prop_map(|function| Step::Cold { function }),
        1 => (-30..60_i64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// A run: the stream, the functions, and how far Lambda is.
struct Run {
    town: Arc<Town>,
    functions: [Function; 2],
    settings: Settings,
    taken: usize,
}

impl Run {
    fn step(&mut self, step: Step) {
        let end = self.town.batch_end("one");
        match step {
            Step::Batch { function, back, length } => {
                let from = self.taken.saturating_sub(back);
                let batch = self.town.batch("one", from..(from + length).min(end));
                let records = batch.records.clone();
                let taken = take(&mut self.functions[function], batch);
                // Lambda goes on after the batch, or comes again from the first that failed.
                let done = records
                    .iter()
                    .position(|record| Some(&record.sequence) == taken.failed_from.as_ref());
                self.taken = self.taken.max(from + done.unwrap_or(records.len()));
            }
            Step::Killed { function, length, steps } => {
                let batch = self.town.batch("one", self.taken..(self.taken + length).min(end));
                take_steps(&mut self.functions[function], batch, steps);
            }
            Step::Fault { log, fault } => {
                let fault = if fault { Fault::CrashMidway } else { Fault::AnswerLost };
                if log { self.town.log.arm(fault) } else { self.town.snapshots.arm(fault) }
            }
            Step::Cold { function } => {
                self.functions[function] = self.town.function_with(RULES, self.settings);
            }
            Step::Wait { minutes } => self.town.clock.advance(minutes * 60_000),
        }
    }

    /// Takes what is left, whatever faults are still to come.
    fn finish(mut self) -> Result<(), TestCaseError> {
        let end = self.town.batch_end("one");
        for _ in 0..50 {
            take(&mut self.functions[0], self.town.batch("one", 0..end));
        }
        take_all(&mut self.functions[0], self.town.batch("one", 0..end));
        self.town.check("one", RULES, end);
        let mut cold = self.town.function_with(RULES, self.settings);
        take_all(&mut cold, self.town.batch("one", 0..end));
        prop_assert_eq!(state(&mut cold, "one"), state(&mut self.functions[0], "one"));
        Ok(())
    }
}

#[test]
fn any_run_adds_up_to_one_fold() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let strategy = (
        prop::collection::vec(record(), 1..120),
        prop::collection::vec(step(), 0..40),
        prop_oneof![3 => 8_usize << 20..=8 << 20, 1 => 1_500_usize..3_000],
        prop::array::uniform2(prop_oneof![Just(0), Just(1 << 20)]),
    );
    let run =
        |(records, steps, delta_bytes_max, least): (Vec<String>, Vec<Step>, usize, [usize; 2])| {
            let town = Town::new();
            town.put("one", &records);
            let settings = Settings {
                partitions: 3,
                delta_bytes_max,
                thin_ids_bytes_min: least[0],
                snapshot_log_bytes_min: least[1],
                ..Settings::default()
            };
            let functions = [(); 2].map(|()| town.function_with(RULES, settings));
            let mut run = Run { town, functions, settings, taken: 0 };
            for step in steps {
                run.step(step);
            }
            run.finish()
        };
    TestRunner::new(config).run(&strategy, run).unwrap();
}
