//! What is done to functions on purpose, at each point where the runtime asks.

use super::{Bench, Stand, is_alive};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use streamgauge_lambda::faults::Faults;
use streamgauge_lambda::interfere::{Interfere, Interference, Place, Point};
use streamgauge_lambda::invoke::Outcome;

/// Interferes the first time that a point is asked, and never again.
fn once(
    point: Point<'static>,
    interference: Interference,
) -> impl Fn(&Place<'_>) -> Interference + Send + Sync {
    let asked = AtomicU32::new(0);
    move |place| {
        let is_first = place.point == point && asked.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first { interference } else { Interference::None }
    }
}

fn stand(point: Point<'static>, interference: Interference) -> Stand {
    let bench = Bench::new();
    let journal = bench.folder.text("journal");
    bench.variable("PROBE_JOURNAL", &journal).interfere(once(point, interference)).start()
}

impl Stand {
    /// The ids in the journal.
    fn met(&self) -> Vec<String> {
        let journal = std::fs::read_to_string(self.folder.0.join("journal")).unwrap_or_default();
        journal.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
    }

    /// The fault that was told, which is one.
    fn fault(&self) -> String {
        let [fault] = <[String; 1]>::try_from(self.seen.faults()).unwrap();
        fault
    }
}

const KILLED: &str = "Runtime exited with error: signal: killed";

#[tokio::test]
async fn an_invocation_is_throttled() {
    let stand = stand(Point::Asked, Interference::Throttle);
    assert_eq!(stand.invoke(r#"{"id":1}"#).await.outcome, Outcome::Throttled);
    assert_eq!(stand.fault(), "an invocation of `probe` refused");
    stand.answer(r#"{"id":2}"#).await;
    assert_eq!(stand.met(), ["2"]);
}

#[tokio::test]
async fn invocations_that_no_batch_is_behind_are_drawn_one_by_one() {
    let faults = Faults::parse("throttle chance=0.5 times=1000", 7).unwrap();
    let stand = Bench::new().interfere(move |place| faults.at(place)).start();
    let mut throttled = 0;
    for _ in 0..40 {
        let invoked = stand.invoke(r#"{"id":1}"#).await;
        throttled += u32::from(invoked.outcome == Outcome::Throttled);
    }
    assert!((8..32).contains(&throttled), "{throttled} of 40");
}

#[tokio::test]
async fn an_invocation_is_delayed() {
    let stand = stand(Point::Asked, Interference::Delay(Duration::from_millis(1)));
    stand.answer(r#"{"id":1}"#).await;
    assert_eq!(stand.fault(), "an invocation of `probe` delayed by 1ms");
}

#[tokio::test]
async fn a_process_is_killed_when_it_has_the_event() {
    let stand = stand(Point::Received, Interference::Kill);
    let (_, error) = stand.error(r#"{"id":1,"do":"hang"}"#).await;
    assert!(error.message.ends_with(KILLED), "{}", error.message);
    assert_eq!(stand.fault(), "environment 1 of `probe` killed when it had received an event");
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-2");
}

#[tokio::test]
async fn a_process_is_killed_after_a_while() {
    let stand = stand(Point::Received, Interference::KillAfter(Duration::from_millis(50)));
    let (_, error) = stand.error(r#"{"id":1,"do":"hang"}"#).await;
    assert!(error.message.ends_with(KILLED), "{}", error.message);
    assert_eq!(
        stand.fault(),
        "environment 1 of `probe` to be killed 50ms after it received an event"
    );
}

#[tokio::test]
async fn a_process_that_is_quick_enough_is_not_killed() {
    let stand = stand(Point::Received, Interference::KillAfter(Duration::from_secs(20)));
    stand.answer(r#"{"id":1}"#).await;
    assert_eq!(stand.answer(r#"{"id":2}"#).await["invocation"], 2);
}

#[tokio::test]
async fn a_process_is_killed_when_it_has_answered_and_the_work_is_done() {
    let stand = stand(Point::Answered, Interference::Kill);
    let (_, error) = stand.error(r#"{"id":1}"#).await;
    assert!(error.message.ends_with(KILLED), "{}", error.message);
    assert_eq!(stand.met(), ["1"]);
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-2");
}

#[tokio::test]
async fn an_answer_is_lost_and_the_process_lives() {
    let stand = stand(Point::Answered, Interference::LoseAnswer);
    let lost = stand.invoke(r#"{"id":1}"#).await.outcome;
    let expect = "the answer of `probe` was lost on purpose".to_owned();
    assert_eq!(lost, Outcome::Unreachable(expect));
    assert_eq!(stand.met(), ["1"]);
    assert_eq!(stand.answer(r#"{"id":2}"#).await["invocation"], 2);
}

#[tokio::test]
async fn a_process_is_killed_at_a_point_of_its_own_and_does_nothing_behind_it() {
    let stand = stand(Point::Named("saved"), Interference::Kill);
    let record =
        |id: u32, deed: &str| format!(r#"{{"messageId":"m{id}","body":"{{\"id\":{id}{deed}}}"}}"#);
    let batch = format!(
        r#"{{"Records":[{},{},{}]}}"#,
        record(1, ""),
        record(2, r#",\"do\":\"point\",\"name\":\"saved\""#),
        record(3, "")
    );
    let (_, error) = stand.error(&batch).await;
    assert!(error.message.ends_with(KILLED), "{}", error.message);
    assert_eq!(stand.met(), ["1", "2"]);
    assert_eq!(stand.fault(), "environment 1 of `probe` killed at its point `saved`");
    stand.answer(&batch).await;
    assert_eq!(stand.met(), ["1", "2", "1", "2", "3"]);
}

#[tokio::test]
async fn a_process_waits_at_a_point_of_its_own() {
    let stand = stand(Point::Named("saved"), Interference::Delay(Duration::from_millis(1)));
    stand.answer(r#"{"id":1,"do":"point","name":"saved"}"#).await;
    assert_eq!(stand.fault(), "environment 1 of `probe` delayed by 1ms at its point `saved`");
}

#[tokio::test]
async fn a_zombie_goes_on_beside_the_retry_and_finishes_late() {
    let stand = stand(Point::Received, Interference::Abandon);
    let (zombie, error) = stand.error(r#"{"id":1,"do":"sleep","ms":50}"#).await;
    assert_eq!(error.error_type, "Sandbox.Timedout");
    let retry = stand.answer(r#"{"id":2}"#).await;
    assert_eq!(retry["environment"], "probe-environment-2");
    let report = stand.seen.line(&format!("REPORT RequestId: {}", zombie.request_id)).await;
    assert!(!report.contains("Status"), "it has answered well: {report}");
    assert_eq!(stand.answer(r#"{"id":3}"#).await["environment"], "probe-environment-2");
}

#[tokio::test]
async fn a_zombie_counts_for_no_concurrency_and_ends_with_the_runtime() {
    let bench = Bench::new().function(|function| function.concurrency_max = Some(1));
    let stand = bench.interfere(once(Point::Received, Interference::Abandon)).start();
    let (_, error) = stand.error(r#"{"id":1,"do":"hang"}"#).await;
    assert_eq!(error.error_type, "Sandbox.Timedout");
    let retry = stand.answer(r#"{"id":2}"#).await;
    stand.runtime.shutdown().await;
    assert!(!is_alive(&retry["process"]));
    stand.seen.line("END").await;
}

#[tokio::test]
async fn a_zombie_is_killed_at_its_deadline() {
    let bench = Bench::new().short();
    let stand = bench.interfere(once(Point::Received, Interference::Abandon)).start();
    let (zombie, _) = stand.error(r#"{"id":1,"do":"hang"}"#).await;
    let report = stand.seen.line(&format!("REPORT RequestId: {}", zombie.request_id)).await;
    assert!(report.ends_with("\tStatus: timeout"), "{report}");
}
