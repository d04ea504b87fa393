//! Messages that are not done: errors, partial failures, throttles, trouble with the queue, faults on purpose.

use super::*;

/// The receive counts and bodies of all calls, in order.
#[track_caller]
fn check_calls(bench: &Bench, expect: &[(&str, &str)]) {
    let calls = bench.calls();
    let seen: Vec<_> =
        calls.iter().map(|call| (call.bodies.join(" "), call.counts.join(" "))).collect();
    let expect: Vec<_> = expect
        .iter()
        .map(|(bodies, counts)| ((*bodies).to_owned(), (*counts).to_owned()))
        .collect();
    assert_eq!(seen, expect);
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_comes_again_when_its_visibility_ends() {
    let bench = Bench::new(|number, _| if number == 0 { failed() } else { done() });
    bench.send(["a", "b"]);
    let start = bench.clock.now();
    let calls = bench.run(mapping(10, 0)).await;
    check_calls(&bench, &[("a b", "1 1"), ("a b", "2 2")]);
    assert_eq!(calls[1].at.duration_since(start), SignedDuration::from_secs(30));
    assert_eq!(bench.notes(), ["Broken: it broke", "Settle/WakeUps retries 2", "success"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_function_names_comes_again() {
    let bench = Bench::new(|number, call| match number {
        0 => Outcome::Answered(
            format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{}"}}]}}"#, call.ids[1]).into(),
        ),
        _ => done(),
    });
    bench.send(["a", "b", "c"]);
    bench.run(reporting(10)).await;
    check_calls(&bench, &[("a b c", "1 1 1"), ("b", "2")]);
    assert_eq!(bench.notes(), ["1 failed", "Settle/WakeUps retries 1", "success"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_malformed_answer_all_comes_again() {
    let bench = Bench::new(|number, _| match number {
        0 => Outcome::Answered(Bytes::from_static(br#"{"batchItemFailures":[{"id":"x"}]}"#)),
        _ => done(),
    });
    bench.send(["a", "b"]);
    bench.run(reporting(10)).await;
    check_calls(&bench, &[("a b", "1 1"), ("a b", "2 2")]);
    let notes = bench.notes();
    let trouble = "the answer of settle to Settle/WakeUps: an item of `batchItemFailures` has no `itemIdentifier`";
    assert_eq!(notes, ["2 failed", trouble, "Settle/WakeUps retries 2", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_batch_is_tried_again_while_it_is_hidden() {
    let bench = Bench::new(|number, _| if number < 3 { Outcome::Throttled } else { done() });
    bench.send(["a"]);
    let start = bench.clock.now();
    let calls = bench.run(mapping(10, 0)).await;
    check_calls(&bench, &[("a", "1"); 4]);
    let at: Vec<i64> = calls.iter().map(|call| call.at.duration_since(start).as_secs()).collect();
    assert_eq!(at, [0, 1, 3, 7]);
    assert_eq!(bench.notes(), ["Throttled", "Throttled", "Throttled", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_throttles_is_not_asked_for_more_and_more() {
    let bench = Bench::new(|number, _| if number < 100 { Outcome::Throttled } else { done() });
    bench.send(0..50);
    let calls = bench.run(mapping(1, 0)).await;
    assert!(
        calls.iter().take(25).all(|call| call.bodies[0].parse::<u8>().unwrap() < 7),
        "{calls:?}"
    );
    assert_eq!(calls.len(), 150);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_the_wait_of_a_throttled_batch() {
    let mut bench = Bench::new(|_, _| Outcome::Throttled);
    bench.send(["a"]);
    let poller = bench.start(mapping(1, 0));
    bench.told.recv().await.unwrap();
    poller.stop().await;
    check_calls(&bench, &[("a", "1")]);
    assert_eq!(bench.notes(), ["Throttled", "Settle/WakeUps retries 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_for_too_long_comes_again_by_visibility() {
    let bench = Bench::new(|number, _| if number < 6 { Outcome::Throttled } else { done() });
    bench.send(["a"]);
    bench.run(mapping(10, 0)).await;
    // At 0, 1, 3, 7 and 15 s; the next attempt would be at 31 s.
    check_calls(
        &bench,
        &[("a", "1"), ("a", "1"), ("a", "1"), ("a", "1"), ("a", "1"), ("a", "2"), ("a", "2")],
    );
    assert!(bench.notes().contains(&"Settle/WakeUps retries 1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_a_message_that_comes_again() {
    let bench = Bench::new(|number, _| match number {
        0 => Outcome::Unreachable("the answer was lost".to_owned()),
        _ => done(),
    });
    bench.send(["a"]);
    bench.run(mapping(10, 0)).await;
    check_calls(&bench, &[("a", "1"), ("a", "2")]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_takes_longer_than_visibility_gets_its_message_again() {
    let mut bench = Bench::new(|_, _| done()).taking(40);
    bench.send(["a"]);
    let poller = bench.start(mapping(10, 0));
    for _ in 0..3 {
        bench.told.recv().await.unwrap();
    }
    poller.stop().await;
    // Each answer comes when the message was received again: its receipt deletes nothing any more. That of the last does.
    check_calls(&bench, &[("a", "1"), ("a", "2"), ("a", "3")]);
    let calls = bench.calls();
    assert_eq!(calls[2].at.duration_since(calls[0].at), SignedDuration::from_mins(1));
    assert_eq!(bench.queue.depth().await.unwrap(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn poison_goes_to_the_dead_letters() {
    let bench =
        Bench::new(
            |_, call| {
                if call.bodies.contains(&"poison".to_owned()) { failed() } else { done() }
            },
        );
    let dead = EmbeddedQueue::new(
        &Arn::queue("eu-west-1", "000000000000", "dead"),
        QueueSettings::default(),
        bench.clock.clone(),
        1,
    );
    assert!(bench.queue.redrive_to(&dead, 3));
    bench.send(["a", "poison", "b"]);
    bench.run(mapping(1, 0)).await;
    let poisoned = bench.calls().iter().filter(|call| call.bodies[0] == "poison").count();
    assert_eq!((poisoned, dead.depth().await.unwrap().visible), (3, 1));
}

/// Repeats the first done batch, and delays the first reads.
fn naughty(place: &Place<'_>) -> Interference {
    assert_eq!((place.function, place.mapping, place.shard), ("settle", "Settle/WakeUps", ""));
    match (place.point, place.attempt) {
        (Point::Done, 1) => Interference::Repeat,
        (Point::Read, ..=5) => Interference::Delay(Duration::from_secs(9)),
        _ => Interference::None,
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_delayed_and_done_batches_repeated_on_purpose() {
    let bench = Bench::new(|_, _| done());
    bench.send(["a"]);
    let start = bench.clock.now();
    let poller = bench.start_with(mapping(10, 0), bench.queue.clone(), Wrong(naughty));
    poller.drained().await;
    check_calls(&bench, &[("a", "1"), ("a", "2")]);
    assert_eq!(bench.calls()[0].at.duration_since(start), SignedDuration::from_secs(9));
    let fault = |what: &str| format!("fault: {what}");
    let delayed = fault("a read of wake for `Settle/WakeUps` delayed by 9s");
    let repeated = fault("a batch of wake for `Settle/WakeUps` repeated although it succeeded");
    let notes = bench.notes();
    assert_eq!(notes[..5], vec![delayed.clone(); 5]);
    assert_eq!(notes[5..], ["success", &repeated, "Settle/WakeUps retries 1", "success"]);
}

/// A queue of which each kind of call fails some times before it works.
#[derive(Clone)]
pub(super) struct Flaky {
    queue: EmbeddedQueue,
    left: Arc<[AtomicUsize; 4]>,
}

impl Flaky {
    pub(super) fn new(queue: &EmbeddedQueue, failures: usize) -> Self {
        let left = [(); 4].map(|()| AtomicUsize::new(failures));
        Self { queue: queue.clone(), left: Arc::new(left) }
    }

    fn fail(&self, kind: usize) -> Result<(), QueueError> {
        let left = |left: usize| left.checked_sub(1);
        match self.left[kind].fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
            Ok(_) => Err(QueueError::Other("no connection".to_owned())),
            Err(_) => Ok(()),
        }
    }
}

impl Queue for Flaky {
    fn arn(&self) -> &Arn {
        self.queue.arn()
    }

    async fn visibility(&self) -> Result<Duration, QueueError> {
        self.fail(0)?;
        self.queue.visibility().await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        self.fail(1)?;
        self.queue.receive(max, wait).await
    }

    async fn delete(&self, receipts: &[String]) -> Result<(), QueueError> {
        self.fail(2)?;
        self.queue.delete(receipts).await
    }

    async fn send(&self, body: &str, delay: Duration) -> Result<(), QueueError> {
        self.queue.send(body, delay).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        self.fail(3)?;
        self.queue.depth().await
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_queue_is_told_and_outlived() {
    let bench = Bench::new(|_, _| done());
    bench.send(["a"]);
    let queue = Flaky::new(&bench.queue, 2);
    bench.start_with(mapping(10, 0), queue, Harmless).drained().await;
    check_calls(&bench, &[("a", "1")]);
    let mut notes = bench.notes();
    notes.sort();
    let arn = "arn:aws:sqs:eu-west-1:000000000000:wake for Settle/WakeUps: the queue could not be used: no connection";
    let told = |text: &str| notes.iter().filter(|note| note.starts_with(text)).count();
    assert_eq!(told("the visibility time-out of the queue arn"), 2);
    assert_eq!(told("receiving from the queue arn"), 2);
    assert_eq!(told("deleting from the queue arn"), 2);
    assert_eq!(told("the depth of the queue of Settle/WakeUps"), 2);
    assert!(notes.contains(&format!("deleting from the queue {arn}")), "{notes:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deleted_comes_again() {
    let bench = Bench::new(|_, _| done());
    bench.send(["a"]);
    let queue = Flaky::new(&bench.queue, 3);
    bench.start_with(mapping(10, 0), queue, Harmless).drained().await;
    check_calls(&bench, &[("a", "1"), ("a", "2")]);
    assert!(bench.notes().contains(&"Settle/WakeUps retries 1".to_owned()));
}

/// Whatever goes wrong, each message is done at least once, and none is left.
#[tokio::test(start_paused = true)]
async fn whatever_fails_each_message_is_done_at_least_once() {
    for seed in 0..20 {
        let dice = Mutex::new(fastrand::Rng::with_seed(seed));
        let succeeded = Arc::new(Mutex::new(Vec::new()));
        let bench = Bench::new({
            let succeeded = Arc::clone(&succeeded);
            move |_, call| {
                let (side, item) = {
                    let mut dice = dice.lock().unwrap();
                    (dice.u8(0..6), dice.usize(0..call.ids.len()))
                };
                let mut succeeded = succeeded.lock().unwrap();
                match side {
                    0 => failed(),
                    1 => Outcome::Throttled,
                    2 => Outcome::Unreachable("lost".to_owned()),
                    3 => {
                        let others =
                            call.bodies.iter().enumerate().filter(|(place, _)| *place != item);
                        succeeded.extend(others.map(|(_, body)| body.clone()));
                        let id = &call.ids[item];
                        let text =
                            format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{id}"}}]}}"#);
                        Outcome::Answered(text.into())
                    }
                    _ => {
                        succeeded.extend(call.bodies.iter().cloned());
                        done()
                    }
                }
            }
        });
        bench.send(100..300);
        let queue = Flaky::new(&bench.queue, 5);
        bench.start_with(reporting(7), queue, Wrong(naughty)).drained().await;
        let mut done = succeeded.lock().unwrap().clone();
        done.sort();
        done.dedup();
        assert_eq!(done.len(), 200, "seed {seed}");
    }
}
