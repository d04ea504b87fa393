//! When a batch is sent, and how large it is.

use super::bench::Bench;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::time::Duration;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::Happening;
use streamgauge_lambda::interfere::{Interference, Point};
use streamgauge_lambda::invoke::{Cause, REQUEST_BYTES_MAX};

const WINDOW: Duration = Duration::from_secs(100);

fn with_window(size: usize) -> Bench {
    Bench::new(1).mapping(|mapping| {
        mapping.batching_window = WINDOW;
        mapping.batch_records_max = size;
    })
}

#[tokio::test]
async fn a_batch_has_at_most_its_size_of_records() {
    let bench = Bench::new(1).mapping(|mapping| mapping.batch_records_max = 3);
    bench.check("1 2 3 4 5 6 7 8", &["1 2 3", "4 5 6", "7 8"]).await;
}

#[tokio::test]
async fn without_a_window_what_is_there_is_sent() {
    let stand = Bench::new(1).check("1 2", &["1 2"]).await;
    stand.world.put(0, "3");
    stand.simulator.drained().await;
    assert_eq!(stand.batches(), ["1 2", "3"]);
}

#[tokio::test]
async fn a_window_gathers_records_until_the_batch_is_full() {
    let bench = Bench::on(Clock::hurried(10), 1).mapping(|mapping| {
        mapping.batching_window = Duration::from_mins(5);
        mapping.batch_records_max = 3;
    });
    let stand = bench.put("1").start().await;
    for (waiting, id) in [(1, "2"), (2, "3")] {
        stand.watch.standing(|shard| shard.waiting == waiting).await;
        assert_eq!(stand.batches(), [""; 0], "the window lasts for half a minute");
        stand.world.put(0, id);
    }
    stand.simulator.drained().await;
    assert_eq!(stand.batches(), ["1 2 3"]);
}

#[tokio::test]
async fn a_batch_that_is_not_full_is_sent_when_the_window_ends() {
    let before = with_window(10).put("1 2");
    let started = before.clock.now();
    let stand = before.drained().await;
    assert_eq!(stand.batches(), ["1 2"]);
    let [asked] = <[jiff::Timestamp; 1]>::try_from(stand.watch.asked()).unwrap();
    assert!(asked.duration_since(started) >= SignedDuration::try_from(WINDOW).unwrap());
}

/// The second record comes while the function has the first: its window does not begin before the first is done.
#[tokio::test]
async fn the_next_window_begins_when_the_invocation_has_ended() {
    let bench = with_window(10).doing(r#"{"1":{"do":"sleep","ms":100}}"#);
    let world = bench.world.clone();
    let bench = bench.plan(move |place| {
        if place.point == Point::Received && place.key == world.told(1).sequence_number.as_str() {
            world.put(0, "2");
        }
        Interference::None
    });
    let stand = bench.put("1").start().await;
    let is_end = |happening: &Happening| matches!(happening, Happening::Invoked { .. });
    stand.watch.wait(2, |happening| is_end(happening).then_some(())).await;
    assert_eq!(stand.batches(), ["1", "2"]);
    let (first_ended, _) = stand.watch.endings()[0];
    let second_asked = stand.watch.asked()[1];
    let window = SignedDuration::try_from(WINDOW).unwrap();
    assert!(second_asked.duration_since(first_ended) >= window);
}

fn padded(id: usize, bytes: usize) -> String {
    let frame = format!("{{\"id\":{id},\"pad\":\"\"}}");
    frame.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - frame.len())))
}

/// Base64 makes 1.2 MB of each: five fit into 6 MB.
#[tokio::test]
async fn an_event_has_at_most_six_megabytes() {
    let bench = Bench::new(1);
    for id in 1..=7 {
        bench.world.put_text(0, &padded(id, 900_000));
    }
    let stand = bench.drained().await;
    assert_eq!(stand.batches(), ["1 2 3 4 5", "6 7"]);
    let bytes = stand.events()[0].len();
    assert!((6_000_000..=REQUEST_BYTES_MAX).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_full_payload_ends_the_window() {
    let bench = Bench::on(Clock::hurried(1), 1).mapping(|mapping| {
        mapping.batching_window = Duration::from_mins(5);
        mapping.batch_records_max = 1_000;
    });
    for id in 1..=6 {
        bench.world.put_text(0, &padded(id, 900_000));
    }
    let stand = bench.start().await;
    let is_end = |happening: &Happening| matches!(happening, Happening::Invoked { .. });
    stand.watch.wait(1, |happening| is_end(happening).then_some(())).await;
    assert_eq!(stand.batches(), ["1 2 3 4 5"]);
}

/// AWS is silent about this: see the document.
#[tokio::test]
async fn a_record_too_large_for_an_event_is_given_up_and_told() {
    let bench = Bench::new(1).telling_queue().dress(|id, record| {
        if id == 2 {
            record.data = vec![b'x'; 5_000_000].into();
        }
    });
    let stand = bench.check("1 2 3", &["1", "3"]).await;
    assert_eq!(stand.watch.discarded(), [(1, "PayloadSizeExceeded")]);
    assert_eq!(stand.lost().await.len(), 1);
}

/// Not a multiple of any factor: a key is spread over all lines by whoever does not look at it.
const KEYS: usize = 37;

/// Ten records of each key, of which the very first fails three times: who overtakes it is seen.
fn many_keys(factor: usize) -> Bench {
    let bench = Bench::new(1).retries(None).doing(r#"{"0":{"do":"fail","times":3}}"#);
    let bench = bench.mapping(|mapping| {
        mapping.parallelization_factor = factor;
        mapping.batch_records_max = 5;
    });
    let stream = bench.world.orders();
    for id in 0..KEYS * 10 {
        stream.put(format!("key-{}", id % KEYS), None, format!("{{\"id\":{id}}}")).unwrap();
    }
    bench
}

/// The most batches that the function had at once.
async fn at_once(bench: Bench) -> usize {
    let stand = bench.drained().await;
    let mut keys: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for id in stand.met() {
        let ids = keys.entry(id % KEYS).or_default();
        if ids.last() != Some(&id) {
            ids.push(id);
        }
    }
    let expect = (0..KEYS).map(|key| (key, (0..10).map(|turn| turn * KEYS + key).collect()));
    assert_eq!(keys, expect.collect(), "each key is in order");
    let in_flight = stand.watch.pick(|_, happening| match happening {
        Happening::Shard(standing) => Some(standing.in_flight),
        _ => None,
    });
    in_flight.into_iter().max().unwrap()
}

#[tokio::test]
async fn a_shard_has_one_batch_at_a_time() {
    assert_eq!(at_once(many_keys(1)).await, 1);
}

#[tokio::test]
async fn with_a_factor_so_many_batches_go_at_once_and_keys_stay_in_order() {
    assert_eq!(at_once(many_keys(4)).await, 4);
    assert_eq!(at_once(many_keys(10)).await, 10);
}

#[tokio::test]
async fn iterator_age_is_the_age_of_the_last_record_when_the_function_is_asked() {
    let old = SignedDuration::from_secs(90);
    let bench = Bench::new(1).dress(move |id, record| {
        record.arrival -= if id == 1 { old * 10 } else { old };
    });
    let started = bench.clock.now();
    let stand = bench.check("1 2", &["1 2"]).await;
    let arrival = stand.world.told(2).arrival;
    let causes = stand.watch.causes();
    let [Cause::Kinesis(cause)] = causes.as_slice() else { panic!("{causes:?}") };
    let age = SignedDuration::from_millis(cause.iterator_age_ms.try_into().unwrap());
    assert!(age >= started.duration_since(arrival).max(old), "{age}");
    assert!(age <= stand.watch.asked()[0].duration_since(arrival), "{age}");
}
