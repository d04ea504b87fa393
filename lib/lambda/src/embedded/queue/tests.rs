//! The queue as its users see it, on paused time.

use super::store::Bounds;
use super::*;
use jiff::SignedDuration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn named(name: &str, settings: QueueSettings, clock: &Clock) -> EmbeddedQueue {
    let arn = Arn::queue("eu-west-1", "000000000000", name);
    EmbeddedQueue::new(&arn, settings, clock.clone(), 7)
}

fn queue(settings: QueueSettings) -> (EmbeddedQueue, Clock) {
    let clock = Clock::real();
    (named("wake", settings, &clock), clock)
}

fn plain() -> (EmbeddedQueue, Clock) {
    queue(QueueSettings::default())
}

fn message(body: &str) -> NewMessage {
    NewMessage { body: body.to_owned(), ..NewMessage::default() }
}

/// The bodies of what is there now.
async fn now(queue: &EmbeddedQueue) -> Vec<String> {
    let received = queue.receive(10, Duration::ZERO).await.unwrap();
    received.into_iter().map(|message| message.body).collect()
}

async fn one(queue: &EmbeddedQueue) -> Message {
    let mut received = queue.receive(10, seconds(1_000)).await.unwrap();
    assert_eq!(received.len(), 1);
    received.remove(0)
}

#[track_caller]
fn check_refused(message: NewMessage, expect: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = runtime.block_on(async { plain().0.put(message).unwrap_err() });
    assert_eq!(error.to_string(), format!("the queue could not be used: {expect}"));
}

#[tokio::test(start_paused = true)]
async fn a_message_comes_with_what_aws_tells_of_it() {
    let (queue, clock) = plain();
    let sent = clock.now();
    let id = queue.put(message("test")).unwrap();
    clock.sleep(seconds(2)).await;
    let first = clock.now();
    let received = one(&queue).await;
    assert_eq!((received.id, received.body), (id.clone(), "test".to_owned()));
    assert_eq!(received.md5_of_body, "098f6bcd4621d373cade4e832627b4f6");
    clock.sleep(seconds(30)).await;
    let again = one(&queue).await;
    let attribute = |name: &str| again.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("ApproximateReceiveCount"), Some("2"));
    assert_eq!(attribute("SentTimestamp"), Some(&*sent.as_millisecond().to_string()));
    let first = first.as_millisecond().to_string();
    assert_eq!(attribute("ApproximateFirstReceiveTimestamp"), Some(&*first));
    assert_eq!(attribute("SenderId"), Some("AIDASTREAMGAUGELAMBDA"));
    assert_eq!((again.attributes.len(), again.id), (4, id));
    assert!(again.receipt != received.receipt);
}

#[tokio::test(start_paused = true)]
async fn attributes_of_the_sender_come_along() {
    let (queue, _) = plain();
    let attribute = MessageAttribute {
        data_type: "Number".to_owned(),
        string_value: Some("1".to_owned()),
        binary_value: None,
    };
    let attributes = BTreeMap::from([("attempt".to_owned(), attribute)]);
    queue.put(NewMessage { attributes: attributes.clone(), ..message("a") }).unwrap();
    assert_eq!(one(&queue).await.message_attributes, attributes);
}

#[tokio::test(start_paused = true)]
async fn a_received_message_is_hidden_until_its_visibility_ends() {
    let (queue, clock) = plain();
    queue.put(message("a")).unwrap();
    assert_eq!(now(&queue).await, ["a"]);
    clock.sleep(Duration::from_millis(29_999)).await;
    assert!(now(&queue).await.is_empty());
    clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(now(&queue).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn delays_of_the_queue_and_of_the_message() {
    let (queue, clock) = queue(QueueSettings { delay: seconds(10), ..QueueSettings::default() });
    queue.put(message("the queue's")).unwrap();
    queue.put(NewMessage { delay: Some(seconds(5)), ..message("its own") }).unwrap();
    queue.send("none", Duration::ZERO).await.unwrap();
    assert_eq!(now(&queue).await, ["none"]);
    assert_eq!(queue.depth().await.unwrap(), Depth { visible: 0, in_flight: 1, delayed: 2 });
    clock.sleep(seconds(5)).await;
    assert_eq!(now(&queue).await, ["its own"]);
    clock.sleep(seconds(5)).await;
    assert_eq!(now(&queue).await, ["the queue's"]);
}

#[tokio::test(start_paused = true)]
async fn at_most_ten_come_at_once_in_order() {
    let (queue, _) = plain();
    for number in 0..13 {
        queue.put(message(&number.to_string())).unwrap();
    }
    assert_eq!(queue.receive(3, Duration::ZERO).await.unwrap().len(), 3);
    let next = queue.receive(100, Duration::ZERO).await.unwrap();
    assert_eq!((next.len(), next[0].body.as_str(), next[9].body.as_str()), (10, "3", "12"));
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_receipt_deletes() {
    let (queue, clock) = plain();
    queue.put(message("a")).unwrap();
    let old = one(&queue).await.receipt;
    clock.sleep(seconds(30)).await;
    let latest = one(&queue).await.receipt;
    queue.delete(&[old]).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().total(), 1);
    queue.delete(std::slice::from_ref(&latest)).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().total(), 0);
    queue.delete(&[latest]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_latest_receipt_deletes_after_its_visibility_too() {
    let (queue, clock) = plain();
    queue.put(message("a")).unwrap();
    let receipt = one(&queue).await.receipt;
    clock.sleep(seconds(100)).await;
    assert_eq!(queue.depth().await.unwrap().visible, 1);
    queue.delete(&[receipt]).await.unwrap();
    assert!(now(&queue).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_receipt_is_refused() {
    let (queue, clock) = plain();
    let other = named("other", QueueSettings::default(), &clock);
    other.put(message("a")).unwrap();
    let foreign = one(&other).await.receipt;
    for receipt in ["", "AQEB", &foreign, &format!("{foreign}0")] {
        let error = queue.delete(&[receipt.to_owned()]).await.unwrap_err().to_string();
        assert!(error.contains("is no receipt handle of the queue arn:aws:sqs"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_a_message_or_its_time() {
    let (queue, clock) = plain();
    let start = clock.now();
    assert!(queue.receive(10, seconds(20)).await.unwrap().is_empty());
    assert_eq!(clock.now().duration_since(start), SignedDuration::from_secs(20));
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(10, seconds(20)).await.unwrap().len() }
    });
    clock.sleep(seconds(5)).await;
    queue.put(NewMessage { delay: Some(seconds(7)), ..message("a") }).unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(clock.now().duration_since(start), SignedDuration::from_secs(32));
}

#[tokio::test(start_paused = true)]
async fn of_many_who_wait_one_gets_each_message() {
    let (queue, clock) = plain();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.receive(1, seconds(20)).await.unwrap().len() })
        })
        .collect();
    clock.sleep(seconds(1)).await;
    for body in ["a", "b", "c"] {
        queue.put(message(body)).unwrap();
    }
    let mut got = 0;
    for waiter in waiting {
        got += waiter.await.unwrap();
    }
    assert_eq!(got, 3);
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_too_old_are_gone() {
    let settings = QueueSettings { retention: seconds(60), ..QueueSettings::default() };
    let (queue, clock) = queue(settings);
    queue.put(message("a")).unwrap();
    clock.sleep(seconds(59)).await;
    assert_eq!(queue.depth().await.unwrap().total(), 1);
    clock.sleep(seconds(1)).await;
    assert_eq!(queue.depth().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_received_too_often_is_moved() {
    let (queue, clock) = plain();
    let dead = named("dead", QueueSettings::default(), &clock);
    assert!(queue.redrive_to(&dead, 2));
    assert!(!queue.redrive_to(&dead, 9), "the first policy stays");
    let id = queue.put(message("poison")).unwrap();
    let sent = clock.now().as_millisecond().to_string();
    for _ in 0..2 {
        assert_eq!(now(&queue).await, ["poison"]);
        assert!(now(&dead).await.is_empty());
        clock.sleep(seconds(30)).await;
    }
    assert!(now(&queue).await.is_empty());
    assert_eq!(queue.depth().await.unwrap().total(), 0);
    let moved = one(&dead).await;
    let attribute = |name: &str| moved.attributes.get(name).map(String::as_str);
    assert_eq!((moved.id.as_str(), moved.body.as_str()), (id.as_str(), "poison"));
    assert_eq!(attribute("ApproximateReceiveCount"), Some("1"));
    assert_eq!(attribute("SentTimestamp"), Some(&*sent));
    assert_eq!(attribute("DeadLetterQueueSourceArn"), Some(queue.arn().as_str()));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_dead_letters_gets_them() {
    let (queue, clock) = plain();
    let dead = named("dead", QueueSettings::default(), &clock);
    assert!(queue.redrive_to(&dead, 1));
    queue.put(message("poison")).unwrap();
    let waiting = tokio::spawn(async move { one(&dead).await.body });
    assert_eq!(now(&queue).await, ["poison"]);
    assert!(queue.receive(10, seconds(60)).await.unwrap().is_empty());
    assert_eq!(waiting.await.unwrap(), "poison");
}

#[tokio::test(start_paused = true)]
async fn two_queues_may_redrive_to_each_other() {
    let (queue, clock) = plain();
    let other = named("other", QueueSettings::default(), &clock);
    assert!(queue.redrive_to(&other, 1) && other.redrive_to(&queue, 1));
    queue.put(message("a")).unwrap();
    let mut received = 0;
    for _ in 0..6 {
        received += now(&queue).await.len() + now(&other).await.len();
        let depths = (queue.depth().await.unwrap().total(), other.depth().await.unwrap().total());
        assert_eq!(depths.0 + depths.1, 1);
        clock.sleep(seconds(30)).await;
    }
    assert_eq!(received, 4, "to and fro, once for each way, and again");
}

#[test]
fn what_sqs_refuses_is_refused() {
    check_refused(message(""), "the message has no body; send at least one character");
    check_refused(
        message(&"x".repeat(MESSAGE_BYTES_MAX + 1)),
        "the message has 1048577 bytes; at most 1048576 are allowed, attributes included",
    );
    let attribute = MessageAttribute {
        data_type: "Binary".to_owned(),
        string_value: None,
        binary_value: Some("AAECAw==".to_owned()),
    };
    let attributes = BTreeMap::from([("four".to_owned(), attribute)]);
    check_refused(
        NewMessage { attributes, ..message(&"x".repeat(MESSAGE_BYTES_MAX - 13)) },
        "the message has 1048577 bytes; at most 1048576 are allowed, attributes included",
    );
    check_refused(message("a\0"), r"the message holds '\0', which SQS refuses; encode it");
    check_refused(
        NewMessage { delay: Some(seconds(901)), ..message("a") },
        "a delay of 901 s is too long; 900 s is the most",
    );
}

#[tokio::test(start_paused = true)]
async fn the_largest_message_is_taken() {
    let (queue, _) = plain();
    queue.put(message(&"x".repeat(MESSAGE_BYTES_MAX))).unwrap();
    queue.put(NewMessage { delay: Some(seconds(900)), ..message("ä\u{10000}\t") }).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_bounded_and_says_so() {
    let (queue, clock) = plain();
    queue.store().bounds = Bounds { messages: 2, bytes: 10, in_flight: 1 };
    queue.put(message("123456")).unwrap();
    assert!(queue.put(message("12345")).is_err());
    queue.put(message("b")).unwrap();
    let error = queue.put(message("c")).unwrap_err().to_string();
    assert!(error.contains("holds 2 messages of 7 bytes, and more is not kept"), "{error}");
    // One may be in flight; the other comes when that one is deleted, or visible again.
    let first = queue.receive(10, Duration::ZERO).await.unwrap();
    assert_eq!(first.len(), 1);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(10, seconds(20)).await.unwrap().remove(0).body }
    });
    clock.sleep(seconds(1)).await;
    queue.delete(&[first[0].receipt.clone()]).await.unwrap();
    assert_eq!(waiting.await.unwrap(), "b");
}

#[tokio::test(start_paused = true)]
async fn ids_come_from_the_seed_and_the_name() {
    let clock = Clock::real();
    let ids = |name, seed| {
        let arn = Arn::queue("eu-west-1", "000000000000", name);
        let queue = EmbeddedQueue::new(&arn, QueueSettings::default(), clock.clone(), seed);
        [queue.put(message("a")).unwrap(), queue.put(message("b")).unwrap()]
    };
    assert_eq!(ids("wake", 7), ids("wake", 7));
    assert!(ids("wake", 7) != ids("wake", 8) && ids("wake", 7) != ids("other", 7));
    assert!(ids("wake", 7)[0] != ids("wake", 7)[1]);
}
