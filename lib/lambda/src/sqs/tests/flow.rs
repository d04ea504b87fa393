//! Messages that are done: batches, windows, concurrency, delays, the end.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_message_is_done_once_and_deleted() {
    let bench = Bench::new(|_, _| done());
    bench.send(1_000..2_000);
    let calls = bench.run(mapping(10, 0)).await;
    let expect: Vec<String> = (1_000..2_000).map(|number| number.to_string()).collect();
    assert_eq!(bodies(&calls), expect);
    assert!(calls.iter().all(|call| call.bodies.len() <= 10));
    assert_eq!(bench.notes().iter().filter(|note| *note == "success").count(), calls.len());
    assert_eq!(bench.notes().len(), calls.len());
    assert_eq!(bench.queue.depth().await.unwrap(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn batches_are_as_small_as_they_are_to_be() {
    for size in [1, 3] {
        let bench = Bench::new(|_, _| done());
        bench.send(0..20);
        let calls = bench.run(mapping(size, 0)).await;
        assert_eq!(bodies(&calls).len(), 20);
        assert!(calls.iter().all(|call| call.bodies.len() <= size));
    }
}

#[tokio::test(start_paused = true)]
async fn the_invocation_tells_where_it_comes_from() {
    let bench = Bench::new(|_, _| done());
    bench.send(["a", "b"]);
    let calls = bench.run(mapping(10, 0)).await;
    let notes = bench.watcher.all();
    let Happening::Invoked { function, request_id, cause, .. } = &notes[0] else {
        panic!("{:?}", notes[0])
    };
    assert_eq!((&**function, &**request_id), ("settle", "request-0"));
    let expect = crate::invoke::Cause::Sqs {
        mapping: "Settle/WakeUps".into(),
        first: calls[0].ids[0].as_str().into(),
        messages: 2,
        attempt: 1,
    };
    assert_eq!(*cause, expect);
}

#[tokio::test(start_paused = true)]
async fn a_batching_window_is_waited_for() {
    let bench = Bench::new(|_, _| done());
    let start = bench.clock.now();
    bench.send(0..4);
    let calls = bench.run(mapping(100, 7)).await;
    let waited = |call: &Call| call.at.duration_since(start);
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].bodies.len(), waited(&calls[0])), (4, SignedDuration::from_secs(7)));
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait_for_its_window() {
    let bench = Bench::new(|_, _| done());
    let start = bench.clock.now();
    bench.send(0..5);
    let calls = bench.run(mapping(5, 300)).await;
    assert_eq!((calls.len(), calls[0].at.duration_since(start)), (1, SignedDuration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn no_event_is_larger_than_lambda_takes() {
    let bench = Bench::new(|_, _| done());
    bench.send((0..23).map(|number| format!("{number:02}{}", "\"".repeat(500_000))));
    let calls = bench.run(mapping(100, 5)).await;
    assert_eq!(bodies(&calls).len(), 23);
    assert!(calls.iter().all(|call| call.bytes <= crate::invoke::REQUEST_BYTES_MAX));
    assert!(calls.iter().any(|call| call.bodies.len() == 6), "1 MB each, as JSON");
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_the_maximum_concurrency() {
    let bench = Bench::new(|_, _| done()).taking(10);
    bench.send(0..30);
    let limited = SqsMapping { concurrency_max: Some(2), ..mapping(1, 0) };
    let start = bench.clock.now();
    bench.run(limited).await;
    assert_eq!(bench.script.running_max.load(Ordering::Relaxed), 2);
    assert_eq!(bench.clock.now().duration_since(start), SignedDuration::from_secs(150));
}

#[tokio::test(start_paused = true)]
async fn pollers_grow_from_five_by_one_each_200_ms() {
    let bench = Bench::new(|_, _| done()).taking(10);
    bench.send(0..100);
    let start = bench.clock.now();
    let calls = bench.run(mapping(1, 0)).await;
    let at = |call: usize| calls[call].at.duration_since(start).as_millis();
    assert_eq!((at(0), at(4)), (0, 0));
    assert!((0..=20).contains(&at(5)) && (200..=220).contains(&at(6)), "{} {}", at(5), at(6));
    assert!((2_800..=3_300).contains(&at(20)), "{}", at(20));
    // After 10 s there are 55, and from then on two messages begin each 200 ms: where one ended, and a new poller's.
    let most = bench.script.running_max.load(Ordering::Relaxed);
    assert!((70..=80).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_done_when_it_is_seen() {
    let bench = Bench::new(|_, _| done());
    let start = bench.clock.now();
    for delay in [900, 45, 0] {
        bench.queue.send(&delay.to_string(), Duration::from_secs(delay)).await.unwrap();
    }
    let calls = bench.run(mapping(10, 0)).await;
    let seen = calls.iter().map(|call| (call.bodies[0].as_str(), call.at.duration_since(start)));
    let expect = [("0", 0), ("45", 45), ("900", 900)];
    assert!(seen.eq(expect.map(|(body, at)| (body, SignedDuration::from_secs(at)))));
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_is_drained_and_a_delayed_message_is_waited_for() {
    let bench = Bench::new(|_, _| done());
    let poller = bench.start(mapping(10, 0));
    poller.drained().await;
    let start = bench.clock.now();
    bench.queue.send("a", Duration::from_secs(100)).await.unwrap();
    poller.drained().await;
    assert!(bench.clock.now().duration_since(start) >= SignedDuration::from_secs(100));
    assert_eq!(bench.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_sees_batches_to_their_end_and_takes_no_more() {
    let mut bench = Bench::new(|_, _| done()).taking(10);
    bench.send(0..5);
    let poller = bench.start(mapping(1, 0));
    for _ in 0..5 {
        bench.told.recv().await.unwrap();
    }
    bench.send(["late"]);
    poller.stop().await;
    assert_eq!(bodies(&bench.calls()).len(), 5);
    let depth = bench.queue.depth().await.unwrap();
    assert_eq!(depth, Depth { visible: 1, in_flight: 0, delayed: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_nobody_holds_stops() {
    let bench = Bench::new(|_, _| done());
    drop(bench.start(mapping(10, 0)));
    bench.clock.sleep(Duration::from_mins(1)).await;
    bench.send(["late"]);
    bench.clock.sleep(Duration::from_mins(1)).await;
    assert!(bench.calls().is_empty());
}
