//! Invocations that rest for seconds, while others go on.

use super::RULES;
use crate::aggregate::Settings;
use crate::aggregate::tests::kit::{Home, START, Town, event, take_all, text};
use crate::alert_record::AlertRecord;
use crate::control::{Control, announce};
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::settle::Settle;
use crate::settle_entry::{ALERTS, SettleEntry};
use crate::shard_entry::partition_of;
use std::pin::pin;
use std::task::{Context, Waker};
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};
use streamgauge_engine::transition::TransitionKind;

/// What is added to the rules: an alert that counts from when it is there.
const ADDED: &str = r#"  newer: {count: type == 'newer', window: 1m}
alerts:
  still: {metric: newer, by: [], when: absent for 2m, notify: [hook]}
channels:
  hook: {webhook: {url: "https://hooks.test/x"}}
"#;

fn run(settle: &mut Settle<Home>, partition: Partition) {
    block_on(settle.run(partition, Timestamp::from_millis(i64::MAX))).unwrap();
}

/// Which of two partitions rests in the middle of an invocation.
#[derive(Clone, Copy, Debug)]
enum Rests {
    /// The one that does not know of new rules yet.
    Own,
    /// The one that puts them in force.
    Other,
}

/// When `still` fired, and how far its partition had decided before it knew of its rules, both in milliseconds from when these are in force.
/// A partition rests after so many steps while the other is settled; absent: it takes fewer.
fn rest_after(steps: usize, rests: Rests) -> Option<(i64, i64)> {
    let own = partition_of("newer", 2);
    let other = (0..2).filter_map(Partition::new).find(|partition| *partition != own).unwrap();
    let town = Town::new();
    let settings = Settings { partitions: 2, ..Settings::default() };
    let mut aggregate = town.function_with(RULES, settings);
    let now = (town.clock.now().as_millis() - START.as_millis()) / SECOND_MS;
    town.put("one", &[event("a", "order", now)]);
    take_all(&mut aggregate, town.batch("one", 0..1));
    let mut settles = [own, other].map(|of| (Settle::new(town.home(RULES), "shop", 2), of));
    for _ in 0..4 {
        town.clock.advance(12 * SECOND_MS);
        for (settle, of) in &mut settles {
            run(settle, *of);
        }
    }
    let home = town.home(RULES);
    let more = text(&[RULES, ADDED].concat());
    block_on(announce(&home, &mut Control::default(), 2, &more)).unwrap();
    let [first, second] = &mut settles;
    // It hears of the rules; that the shard is idle proves nothing yet.
    run(&mut first.0, own);
    town.clock.advance(2 * SECOND_MS);
    run(&mut second.0, other);
    town.clock.advance(2 * SECOND_MS);
    let (resting, awake) = match rests {
        Rests::Own => (first, second),
        Rests::Other => (second, first),
    };
    {
        let mut rest = pin!(resting.0.run(resting.1, Timestamp::from_millis(i64::MAX)));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..steps {
            if rest.as_mut().poll(&mut context).is_ready() {
                return None;
            }
        }
        town.clock.advance(20 * SECOND_MS);
        run(&mut awake.0, awake.1);
        town.clock.advance(20 * SECOND_MS);
        while rest.as_mut().poll(&mut context).is_pending() {}
    }
    for _ in 0..20 {
        town.clock.advance(10 * SECOND_MS);
        for (settle, of) in &mut settles {
            run(settle, *of);
        }
    }
    Some(fired(&town, own))
}

/// When `still` fired, and how far its partition had decided without its rules.
fn fired(town: &Town, partition: Partition) -> (i64, i64) {
    let mut control = Control::default();
    block_on(control.follow(&town.log)).unwrap();
    let from = control.in_force().last().unwrap().from;
    let since = |time: Timestamp| time.as_millis() - from.as_millis();
    let log = LogId::settle(partition);
    let read = town.log.read(&log, Version::START, Wanted::All);
    let (mut firings, mut decided) = (Vec::new(), i64::MIN);
    for logged in block_on(read).unwrap() {
        let header = SettleEntry::decode(logged.entry.header()).unwrap();
        if header.control < control.version() {
            decided = decided.max(header.watermark.map_or(i64::MIN, since));
        }
        let Some(chunk) = logged.entry.chunks().get(&ALERTS) else { continue };
        let transitions = AlertRecord::decode(chunk).unwrap().transitions.into_iter();
        let firing = transitions.filter(|(told, _)| told.kind == TransitionKind::Firing);
        firings.extend(firing.map(|(told, _)| since(told.at)));
    }
    assert_eq!(firings.len(), 1, "{firings:?}");
    (firings[0], decided)
}

#[test]
fn however_long_a_partition_rests_it_decides_nothing_past_rules_that_it_does_not_know() {
    let mut steps = 0;
    while let Some((fires, decided)) = rest_after(steps, Rests::Own) {
        assert!(decided <= 0, "after {steps} steps: {decided} ms past the rules");
        assert_eq!(fires, 2 * MINUTE_MS, "after {steps} steps");
        steps += 1;
    }
    assert!(steps > 5, "it took {steps} steps");
}

/// What an append takes all by itself, `out_of_order` has to cover.
#[test]
fn rules_are_in_force_from_no_time_before_the_append_that_says_so() {
    let rested = (0..).map_while(|steps| rest_after(steps, Rests::Other));
    let decided: Vec<_> = rested.map(|(_, decided)| decided).collect();
    let past = decided.iter().filter(|decided| **decided > 0).count();
    assert!(past <= 1 && decided.len() > 5, "{decided:?} ms past the rules");
}
