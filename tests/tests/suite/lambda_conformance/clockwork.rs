//! Schedules, and invocations that nobody waits for.

use super::bench::{ACCOUNT, Bench, REGION};
use super::stand::Stand;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::stack::{AsynchronousSettings, Destination, Schedule, ScheduleKind};

fn schedule(expression: &str, kind: ScheduleKind, input: Option<&str>) -> Schedule {
    Schedule {
        name: "probe/tick".into(),
        function: "probe".into(),
        expression: expression.to_owned(),
        time_zone: None,
        input: input.map(str::to_owned),
        kind,
        arn: Arn::new("arn:aws:events:eu-west-1:000000000000:rule/tick"),
    }
}

/// A function that its schedule invoked so often at least, on a hurried clock.
async fn ticking(speed: u32, schedule: Schedule, times: usize) -> Stand {
    let bench = Bench::bare(Clock::hurried(speed), |stack| stack.schedules = vec![schedule]);
    let stand = bench.start().await;
    let is_end = |happening: &Happening| match happening {
        Happening::Invoked { ending: Ending::Success, .. } => Some(()),
        _ => None,
    };
    stand.watch.wait(times, is_end).await;
    stand
}

/// The moments in the events, each once, in order.
fn times(stand: &Stand) -> Vec<Timestamp> {
    let events = stand.documents();
    let times: BTreeSet<Timestamp> =
        events.iter().map(|event| event["time"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(times.len(), events.len(), "each moment once");
    times.into_iter().collect()
}

#[tokio::test]
async fn a_rate_invokes_once_a_period() {
    let stand = ticking(500, schedule("rate(1 minute)", ScheduleKind::Rule, None), 5).await;
    let times = times(&stand);
    for pair in times.windows(2) {
        let apart = pair[1].duration_since(pair[0]).as_secs();
        assert!(apart > 0 && apart % 60 == 0, "{pair:?}");
    }
    for (earlier, due) in times.iter().enumerate() {
        let asked = stand.watch.asked().into_iter().filter(|asked| asked >= due).count();
        assert!(asked >= times.len() - earlier, "some are before their moment");
    }
}

#[tokio::test]
async fn a_cron_expression_invokes_at_its_minutes() {
    let cron = schedule("cron(0/5 * * * ? *)", ScheduleKind::Rule, None);
    for moment in times(&ticking(5_000, cron, 3).await) {
        assert_eq!(moment.as_second() % 300, 0, "{moment}");
    }
}

#[tokio::test]
async fn a_rule_sends_the_event_of_a_schedule() {
    let stand = ticking(5_000, schedule("rate(1 minute)", ScheduleKind::Rule, None), 1).await;
    let event = &stand.events()[0];
    let value: Value = serde_json::from_str(event).unwrap();
    let expect = format!(
        r#"{{"version":"0","id":{},"detail-type":"Scheduled Event","source":"aws.events","account":"000000000000","time":{},"region":"eu-west-1","resources":["arn:aws:events:eu-west-1:000000000000:rule/tick"],"detail":{{}}}}"#,
        value["id"], value["time"]
    );
    assert_eq!(event, &expect);
}

#[tokio::test]
async fn an_input_replaces_the_event() {
    let input = schedule("rate(1 minute)", ScheduleKind::Scheduler, Some(r#"{"id":5}"#));
    assert_eq!(ticking(5_000, input, 1).await.events()[0], r#"{"id":5}"#);
}

/// One event for a function, and what is left when nothing waits any more.
async fn sent(event: &str, change: impl FnOnce(&mut AsynchronousSettings)) -> Stand {
    let bench = Bench::bare(Clock::hurried(500), |_| ()).function(|function| {
        let lost = Destination::Queue(Arn::queue(REGION, ACCOUNT, "lost"));
        function.asynchronous.on_failure = Some(lost);
        change(&mut function.asynchronous);
    });
    let stand = bench.start().await;
    let asynchronous = stand.simulator.asynchronous();
    asynchronous.send("probe", event.to_owned().into(), None).unwrap();
    asynchronous.idle().await;
    stand
}

/// The reason, the number of invocations and the event in the one document.
async fn told(stand: &Stand) -> (String, u64, Value) {
    let [document] = <[String; 1]>::try_from(stand.lost().await).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let context = &document["requestContext"];
    (
        context["condition"].as_str().unwrap().to_owned(),
        context["approximateInvokeCount"].as_u64().unwrap(),
        document["requestPayload"].clone(),
    )
}

const FAILING: &str = r#"{"id":1,"do":"fail"}"#;

#[tokio::test]
async fn an_event_that_fails_is_tried_twice_more_after_one_minute_and_two() {
    let stand = sent(FAILING, |_| ()).await;
    let (asked, ended) = (stand.watch.asked(), stand.watch.endings());
    assert_eq!((asked.len(), ended.len()), (3, 3));
    assert!(asked[1].duration_since(ended[0].0) >= SignedDuration::from_mins(1));
    assert!(asked[2].duration_since(ended[1].0) >= SignedDuration::from_mins(2));
    let event = serde_json::from_str(FAILING).unwrap();
    assert_eq!(told(&stand).await, ("RetriesExhausted".to_owned(), 3, event));
}

#[tokio::test]
async fn an_event_is_done_when_a_retry_succeeds() {
    let stand = sent(r#"{"id":1,"do":"fail","times":2}"#, |_| ()).await;
    assert_eq!(stand.met(), [1, 1, 1]);
    assert_eq!(stand.lost().await, [""; 0]);
}

#[tokio::test]
async fn without_retry_attempts_an_event_is_tried_once() {
    let stand = sent(FAILING, |settings| settings.retry_attempts_max = 0).await;
    assert_eq!(stand.met(), [1]);
    assert_eq!(told(&stand).await.1, 1);
}

#[tokio::test]
async fn an_event_that_is_too_old_is_given_up() {
    let stand = sent(FAILING, |settings| settings.event_age_max = Duration::from_mins(1)).await;
    assert_eq!(stand.met(), [1]);
    assert_eq!(told(&stand).await.0, "EventAgeExceeded");
}
