//! Functions that are killed between any two effects, and stores whose answers are lost.

use super::kit::{Function, RULES, Town, orders, state, take, take_all, take_steps};
use crate::aggregate::Settings;
use crate::contract::Fault;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// More steps than a batch takes.
const STEPS_MAX: usize = 200;

/// Kills the function that takes the second batch after each number of steps; another takes what comes again.
fn check(settings: Settings, warm: bool) {
    let mut finished = 0;
    for steps in 0..STEPS_MAX {
        let town = Town::new();
        town.put("one", &orders(0, 30));
        let mut function = town.function_with(RULES, settings);
        take_all(&mut function, town.batch("one", 0..10));
        if !warm {
            function = town.function_with(RULES, settings);
        }
        if take_steps(&mut function, town.batch("one", 10..20), steps).is_some() {
            finished += 1;
        }
        // The environment may live on, or be gone.
        for lives in [true, false] {
            if !lives {
                function = town.function_with(RULES, settings);
            }
            take_all(&mut function, town.batch("one", 10..20));
        }
        take_all(&mut function, town.batch("one", 15..30));
        town.check("one", RULES, 30);
        if finished > 1 {
            return;
        }
    }
    panic!("no number of steps was enough");
}

#[test]
fn a_function_may_be_killed_at_any_step() {
    check(Settings::default(), true);
    check(Settings::default(), false);
}

#[test]
fn a_function_that_cuts_a_batch_may_be_killed_at_any_step() {
    check(Settings { delta_bytes_max: 300, ..Settings::default() }, false);
}

#[test]
fn the_first_function_may_be_killed_at_any_step() {
    for steps in 0..60 {
        let town = Town::new();
        town.put("one", &orders(0, 10));
        take_steps(&mut town.function(RULES), town.batch("one", 0..10), steps);
        take_all(&mut town.function(RULES), town.batch("one", 0..10));
        town.check("one", RULES, 10);
    }
}

/// A function that has taken the first 10 of 20 records.
fn begun() -> (Arc<Town>, Function) {
    let town = Town::new();
    town.put("one", &orders(0, 20));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    (town, function)
}

#[test]
fn an_append_without_an_answer_fails_the_batch_from_its_first_unproven_record() {
    for fault in [Fault::CrashMidway, Fault::AnswerLost] {
        let (town, mut function) = begun();
        town.log.arm(fault);
        let failed = take(&mut function, town.batch("one", 5..20));
        assert_eq!(failed.known, 5);
        assert_eq!(failed.failed_from, Some(town.batch("one", 10..11).records[0].sequence.clone()));
        assert!(failed.problem.unwrap().is_retryable());
        let again = take_all(&mut function, town.batch("one", 10..20));
        assert_eq!(again.entries, usize::from(fault != Fault::AnswerLost));
        town.check("one", RULES, 20);
    }
}

#[test]
fn a_batch_that_fails_in_its_middle_keeps_what_is_proven() {
    let settings = Settings { delta_bytes_max: 300, partitions: 3, ..Settings::default() };
    let town = Town::new();
    town.put("one", &orders(0, 20));
    let mut function = town.function_with(RULES, settings);
    let failed = {
        let mut taking = pin!(function.take("orders", town.batch("one", 0..20)));
        let mut armed = false;
        loop {
            let poll = taking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(taken) = poll {
                break taken.unwrap();
            }
            if !armed && town.entries("one").len() == 2 {
                town.log.arm(Fault::CrashMidway);
                armed = true;
            }
        }
    };
    assert_eq!(failed.entries, 2);
    let proven = usize::try_from(failed.counters.received).unwrap();
    let next = town.batch("one", proven..20).records[0].sequence.clone();
    assert_eq!(failed.failed_from, Some(next));
    assert!(failed.woken > 0, "what is in the log is told");
    assert_eq!(take_all(&mut function, town.batch("one", 0..20)).known, proven);
    town.check("one", RULES, 20);
}

#[test]
fn a_snapshot_or_a_wake_up_that_fails_does_no_harm() {
    for fault in [Fault::CrashMidway, Fault::AnswerLost] {
        let town = Town::new();
        town.put("one", &orders(0, 20));
        town.snapshots.arm(fault);
        let mut function = town.function(RULES);
        let first = take_all(&mut function, town.batch("one", 0..10));
        assert!(first.snapshot_failed);
        let second = take_all(&mut function, town.batch("one", 10..20));
        assert_eq!(second.snapshot_bytes.is_some(), fault == Fault::CrashMidway);
        let mut cold = town.function(RULES);
        take_all(&mut cold, town.batch("one", 10..20));
        assert_eq!(state(&mut cold, "one"), state(&mut function, "one"));
        town.check("one", RULES, 20);
    }
}

#[test]
fn two_functions_may_be_interleaved_in_any_way() {
    for steps in 0..60 {
        let (town, mut one) = begun();
        let mut other = town.function(RULES);
        take_steps(&mut one, town.batch("one", 10..15), steps);
        take_all(&mut other, town.batch("one", 10..20));
        take_all(&mut one, town.batch("one", 10..20));
        town.check("one", RULES, 20);
        assert_eq!(state(&mut one, "one"), state(&mut other, "one"));
    }
}
