//! Messages of a queue: batches, visibility, partial failures, concurrency, delays, dead letters.

use super::bench::Bench;
use super::stand::Stand;
use jiff::SignedDuration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use streamgauge_lambda::embedded::queue::NewMessage;
use streamgauge_lambda::happening::{Ending, Nobody};
use streamgauge_lambda::interfere::{Harmless, Interference, Point};
use streamgauge_lambda::kinesis::Checkpoints;
use streamgauge_lambda::runtime::RuntimeSettings;
use streamgauge_lambda::simulator::{Simulator, SimulatorSettings};
use streamgauge_lambda::stack::SqsMapping;

/// How long messages are hidden where a test waits for them: two seconds of the machine's.
const VISIBILITY: Duration = Duration::from_hours(1);
/// How long where no message shall come again, however slow the machine is: the longest that AWS takes.
const VISIBILITY_MAX: Duration = Duration::from_hours(12);
const SPEED: u32 = 1_800;

fn bench(ids: &str) -> Bench {
    hiding(VISIBILITY_MAX, ids)
}

fn hiding(visibility: Duration, ids: &str) -> Bench {
    let bench = Bench::queue(SPEED, visibility);
    for id in ids.split_whitespace() {
        send(&bench, &format!("{{\"id\":{id}}}"), None);
    }
    bench
}

fn send(bench: &Bench, body: &str, delay: Option<Duration>) {
    let message = NewMessage { body: body.to_owned(), delay, ..NewMessage::default() };
    bench.world.named("wake").put(message).unwrap();
}

fn with(mut bench: Bench, change: impl FnOnce(&mut SqsMapping)) -> Bench {
    change(&mut bench.stack.sqs[0]);
    bench
}

fn reporting(bench: Bench, how: &str) -> Bench {
    let bench = with(bench, |mapping| mapping.report_item_failures = true);
    bench.variable("PROBE_REPORT", how)
}

fn visibility() -> SignedDuration {
    SignedDuration::try_from(VISIBILITY).unwrap()
}

/// Which message the function got how often received, in order.
fn receives(stand: &Stand) -> Vec<(String, String)> {
    let records = stand
        .documents()
        .into_iter()
        .flat_map(|event| event["Records"].as_array().unwrap().clone());
    let receive = |record: serde_json::Value| {
        let count = record["attributes"]["ApproximateReceiveCount"].as_str().unwrap().to_owned();
        (record["body"].as_str().unwrap().to_owned(), count)
    };
    records.map(receive).collect()
}

#[tokio::test]
async fn a_message_is_written_with_every_field_in_aws_order() {
    let stand = bench("7").drained().await;
    let [event] = <[String; 1]>::try_from(stand.events()).unwrap();
    let value = &stand.documents()[0]["Records"][0];
    let text = |name: &str| value[name].as_str().unwrap();
    let attribute = |name: &str| value["attributes"][name].as_str().unwrap();
    let expect = [
        r#"{"Records":[{"messageId":""#,
        text("messageId"),
        r#"","receiptHandle":""#,
        text("receiptHandle"),
        r#"","body":"{\"id\":7}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":""#,
        attribute("SentTimestamp"),
        r#"","SenderId":""#,
        attribute("SenderId"),
        r#"","ApproximateFirstReceiveTimestamp":""#,
        attribute("ApproximateFirstReceiveTimestamp"),
        r#""},"messageAttributes":{},"md5OfBody":""#,
        text("md5OfBody"),
        r#"","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:000000000000:wake","awsRegion":"eu-west-1"}]}"#,
    ];
    assert_eq!(event, expect.concat());
}

#[tokio::test]
async fn batches_have_at_most_their_size_and_each_message_comes_once() {
    let ids: Vec<String> = (0..25).map(|id| id.to_string()).collect();
    let bench = with(bench(&ids.join(" ")), |mapping| mapping.batch_messages_max = 4);
    let stand = bench.drained().await;
    let sizes: Vec<usize> = stand.batches().iter().map(|batch| batch.split(' ').count()).collect();
    assert!(sizes.iter().all(|size| (1..=4).contains(size)), "{sizes:?}");
    let mut met = stand.met();
    met.sort_unstable();
    assert!(met.into_iter().eq(0..25));
}

#[tokio::test]
async fn a_window_gathers_messages() {
    let bench = with(bench("1 2 3"), |mapping| mapping.batching_window = Duration::from_secs(100));
    let started = bench.clock.now();
    let stand = bench.drained().await;
    assert_eq!(stand.batches(), ["1 2 3"]);
    let asked = stand.watch.asked()[0];
    assert!(asked.duration_since(started) >= SignedDuration::from_secs(100));
}

#[tokio::test]
async fn a_failed_batch_comes_again_when_its_visibility_ends() {
    let stand = hiding(VISIBILITY, "1 2").doing(r#"{"2":{"do":"fail","times":1}}"#).drained().await;
    assert_eq!(stand.batches(), ["1 2", "1 2"]);
    let asked = stand.watch.asked();
    let started = stand.watch.endings()[0].0;
    assert!(asked[1] > started);
    let counts: Vec<String> = receives(&stand).into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, ["1", "1", "2", "2"]);
    let first = &stand.documents()[1]["Records"][0]["attributes"];
    let first: i64 = first["ApproximateFirstReceiveTimestamp"].as_str().unwrap().parse().unwrap();
    let first = jiff::Timestamp::from_millisecond(first).unwrap();
    assert!(asked[1].duration_since(first) >= visibility());
}

#[tokio::test]
async fn only_the_returned_messages_come_again() {
    let deeds = r#"{"2":{"do":"fail","times":1}}"#;
    let stand = reporting(hiding(VISIBILITY, "1 2 3"), "all").doing(deeds).drained().await;
    assert_eq!(stand.batches(), ["1 2 3", "2"]);
}

#[tokio::test]
async fn without_the_setting_returned_messages_are_done() {
    let deeds = r#"{"2":{"do":"fail"}}"#;
    let bench = bench("1 2 3").variable("PROBE_REPORT", "all").doing(deeds);
    assert_eq!(bench.drained().await.batches(), ["1 2 3"]);
}

#[tokio::test]
async fn a_malformed_answer_brings_all_messages_again() {
    let deeds = r#"{"2":{"do":"fail","times":1}}"#;
    let stand = reporting(hiding(VISIBILITY, "1 2 3"), "wrong_key").doing(deeds).drained().await;
    assert_eq!(stand.batches(), ["1 2 3", "1 2 3"]);
}

#[tokio::test]
async fn a_message_whose_function_died_comes_again() {
    let stand = hiding(VISIBILITY, "1").doing(r#"{"1":{"do":"exit","times":1}}"#).drained().await;
    assert_eq!(stand.batches(), ["1", "1"]);
}

#[tokio::test]
async fn a_message_that_always_fails_goes_to_the_dead_letters() {
    let bench = Bench::queue(20_000, VISIBILITY).doing(r#"{"1":{"do":"fail"}}"#);
    send(&bench, r#"{"id":1}"#, None);
    let stand = bench.drained().await;
    assert_eq!(stand.world.bodies("dead").await, [r#"{"id":1}"#]);
    let counts: Vec<String> = receives(&stand).into_iter().map(|(_, count)| count).collect();
    assert!(counts.iter().all(|count| ["1", "2", "3"].contains(&count.as_str())), "{counts:?}");
}

#[tokio::test]
async fn a_delayed_message_comes_after_its_delay() {
    let bench = bench("");
    let sent = bench.clock.now();
    let delay = Duration::from_mins(15);
    send(&bench, r#"{"id":1}"#, Some(delay));
    send(&bench, r#"{"id":2}"#, None);
    let stand = bench.drained().await;
    assert_eq!(stand.met(), [2, 1]);
    let asked = stand.watch.asked()[1];
    assert!(asked.duration_since(sent) >= SignedDuration::try_from(delay).unwrap());
}

#[tokio::test]
async fn throttles_are_tried_again_while_the_message_is_hidden() {
    let throttles = AtomicU32::new(0);
    let bench = bench("1").plan(move |place| {
        let is_due = place.point == Point::Asked && throttles.fetch_add(1, Ordering::Relaxed) < 3;
        if is_due { Interference::Throttle } else { Interference::None }
    });
    let stand = bench.drained().await;
    assert_eq!(receives(&stand), [(r#"{"id":1}"#.to_owned(), "1".to_owned())]);
    assert_eq!(
        stand.watch.endings().into_iter().map(|(_, ending)| ending).collect::<Vec<_>>(),
        [Ending::Throttled, Ending::Throttled, Ending::Throttled, Ending::Success]
    );
}

#[tokio::test]
async fn no_more_batches_than_the_maximum_concurrency_go_at_once() {
    let ids: Vec<String> = (0..12).map(|id| id.to_string()).collect();
    let bench = with(bench(&ids.join(" ")), |mapping| {
        mapping.concurrency_max = Some(2);
        mapping.batch_messages_max = 1;
    });
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&most);
    let bench = bench.plan(move |place| {
        match place.point {
            Point::Asked => {
                let now = running.fetch_add(1, Ordering::Relaxed) + 1;
                seen.fetch_max(now, Ordering::Relaxed);
            }
            Point::Answered => drop(running.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
        Interference::None
    });
    let stand = bench.drained().await;
    assert_eq!(stand.batches().len(), 12);
    assert_eq!(most.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_visibility_shorter_than_the_time_out_is_refused() {
    let bench = Bench::queue(SPEED, Duration::from_secs(29));
    let settings = SimulatorSettings {
        runtime: RuntimeSettings::default(),
        clock: bench.clock.clone(),
        checkpoints: Checkpoints::in_memory(),
        grace: Duration::ZERO,
    };
    let (observer, interfere) = (Arc::new(Nobody), Arc::new(Harmless));
    let started = Simulator::start(bench.stack, bench.world, settings, observer, interfere).await;
    let error = started.err().unwrap().to_string();
    assert!(error.contains("the queue hides messages for 29 s only"), "{error}");
}
