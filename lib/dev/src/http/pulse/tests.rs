//! How it is while nothing can be settled.

use super::*;
use crate::run::By;
use crate::tests::{Bench, Memory, START, Shared, order};
use streamgauge_pipeline::contract::Fault;
use streamgauge_pipeline::memory::VirtualClock;

/// A store in memory, a process on it, and what looks at that.
fn bench(clock: &VirtualClock) -> (Arc<Memory>, Bench<Shared>, Sensor<Shared, VirtualClock>) {
    let memory = Memory::new(clock, 1 << 20);
    let bench = Bench::new(Shared(Arc::clone(&memory)), clock, By::Clock);
    let view = Arc::new(Mutex::new(View::of(None)));
    let settled = bench.settled.clone();
    let sensor =
        Sensor::new(bench.world.clone(), Totals::default(), (settled, Outbox::default()), view);
    (memory, bench, sensor)
}

#[test]
fn what_cannot_be_settled_waits_and_is_too_late_after_five_seconds() {
    let clock = VirtualClock::new(START);
    let (memory, mut bench, mut sensor) = bench(&clock);
    bench.take(&[order(0)]).unwrap();
    let mut seen = Vec::new();
    for _ in 0..8 {
        memory.log.arm(Fault::CrashMidway);
        bench.settler.settle().unwrap();
        seen.push((sensor.look().delay_ms / SECOND_MS, sensor.look().is_behind()));
        clock.advance(SECOND_MS);
    }
    let expect = (0..8).map(|seconds| (seconds, seconds > 5));
    assert_eq!(seen, expect.collect::<Vec<_>>());
    bench.settler.settle().unwrap();
    let works = sensor.look();
    assert_eq!((works.delay_ms, works.is_behind()), (0, false));
}

#[test]
fn what_is_remembered_grows_with_what_comes_and_not_with_time() {
    let clock = VirtualClock::new(START);
    let (_memory, mut bench, mut sensor) = bench(&clock);
    for come in 1..=2 {
        bench.take(&[order(0)]).unwrap();
        for _ in 0..100 {
            sensor.look();
            clock.advance(SECOND_MS);
        }
        assert_eq!(sensor.waiting.len(), come);
    }
    assert_eq!(sensor.look().delay_ms, 200 * SECOND_MS, "it is the first that waits for longest");
    bench.settler.settle().unwrap();
    assert_eq!((sensor.look().delay_ms, sensor.waiting.len()), (0, 0));
}
