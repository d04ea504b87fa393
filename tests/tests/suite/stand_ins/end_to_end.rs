//! The whole stack with real binaries: `streamgauge send` puts the orders of an online shop on a stream, the functions of
//! `template.yaml` run under `streamgauge lambda`, and what then stands in `CloudWatch` is what `streamgauge replay` says of the
//! lines that were sent, window by window. What is shown and how to run it: `docs/end-to-end.md`.
//!
//! 1. [`feed`]: what is sent. 2. [`scene`]: the account, the table, the streams. 3. [`stack`]: the programs.
//! 4. [`answers`]: what should be there; [`read_back`], [`rejected`]: what is. 5. [`told`]: who is told of what.
//!
//! Each test takes one to two minutes, most of which it waits. The orders are real data that lie beside the repository.

mod answers;
mod costs;
mod feed;
mod read_back;
mod rejected;
mod scene;
mod stack;
mod told;

use super::metered::REGION;
use feed::Span;
use scene::{Judged, SOURCE, Scene};
use std::fs;
use std::io::Write;
use std::path::Path;
use streamgauge_lambda::arn::Arn;

/// The shards of the source stream.
const SHARDS: usize = 4;

/// A run in which nothing goes wrong.
async fn undisturbed(span: Span) {
    let Some(lines) = feed::lines(span) else { return };
    let scene = Scene::new(&format!("undisturbed-{span:?}"), span).await;
    scene.stream(SOURCE, SHARDS).await;
    let stack = scene.setting.start();
    let sent = scene.send("all", &[(SOURCE, &lines)]);
    let judged = scene.judge(stack, &sent).await;
    counters_are_those_of_the_replay(&judged);
    assert_eq!(judged.course.killed.len(), 0);
}

/// A run in which functions are killed, batches are repeated and bisected, calls and wake-ups are lost, a shard lags, another has
/// nothing, and the stream is resharded half-way.
async fn disturbed(span: Span) {
    let Some(lines) = feed::lines(span) else { return };
    let mut scene = Scene::new(&format!("disturbed-{span:?}"), span).await;
    scene.stream(SOURCE, SHARDS - 1).await;
    // One key of 2^128: nothing will ever come to it.
    scene.split(SHARDS - 2, |first, _| first + 1).await;
    let faults = scene.setting.folder.join("faults.txt");
    fs::write(&faults, plan_of_faults(span)).unwrap();
    scene.setting.faults = Some(faults);
    let stack = scene.setting.start();
    let (before, after) = lines.split_at(lines.len() / 2);
    let mut sent = scene.send("before", &[(SOURCE, before)]);
    scene.split(0, |first, last| first + (last - first) / 2).await;
    scene.merge(1).await;
    sent.extend(scene.send("after", &[(SOURCE, after)]));
    let judged = scene.judge(stack, &sent).await;
    counters_are_those_of_the_replay(&judged);
    for function in ["local-aggregate", "local-settle", "local-deliver"] {
        let killed = judged.course.killed.get(function).copied().unwrap_or_default();
        assert!(killed >= kills(span), "{function} was killed {killed} times");
    }
    let mappings = judged.summary["mappings"].as_array().unwrap();
    let bisects: u64 = mappings.iter().filter_map(|mapping| mapping["bisects"].as_u64()).sum();
    assert!(bisects > 0, "no batch was bisected");
}

/// A run in which the events come from two streams of others, through the filter.
async fn filtered(span: Span) {
    let Some(lines) = feed::lines(span) else { return };
    let mut scene = Scene::new(&format!("filtered-{span:?}"), span).await;
    // What the shards of two streams lag apart is out of order behind the filter.
    scene.out_of_order("30s");
    let [one, other] = ["Web", "Shops"];
    let arn = |name: &str| Arn::stream(REGION, &scene.setting.account, name).as_str().to_owned();
    let (one_arn, other_arn) = (arn(one), arn(other));
    with_another_upstream(&scene.setting.template, &other_arn);
    scene.setting.parameters.push(format!("UpstreamStreamArn={one_arn}"));
    scene.setting.variables.push(format!("STREAMGAUGE_UPSTREAMS={one_arn},{other_arn}"));
    scene.stream(SOURCE, SHARDS).await;
    // To put a record takes kinesis-local the longer the more its shard has.
    scene.stream(one, SHARDS).await;
    scene.stream(other, SHARDS - 1).await;
    let stack = scene.setting.start();
    let wrong_values = lines.iter().filter(|line| line.contains(feed::WRONG_VALUE)).count();
    let [first, second] = feed::split(lines);
    let sent = scene.send("all", &[(one, &first), (other, &second)]);
    let judged = scene.judge(stack, &sent).await;
    // What no rule wants and what is no event stays behind; what has a wrong value comes through, to be rejected where it is kept.
    // Each once, or more often where the filter put a batch twice for want of an answer: only what is counted has no copies.
    let expect = judged.answers.rejected.keys();
    let expect: Vec<_> = expect.filter(|(_, text)| text.contains(feed::WRONG_VALUE)).collect();
    assert_eq!(judged.rejected.keys().collect::<Vec<_>>(), expect);
    let rejects: usize = judged.rejected.values().sum();
    assert!(rejects >= wrong_values, "{rejects} of {wrong_values}");
    let of_replay = &judged.answers.counters;
    let duplicates = f64::from(u32::try_from(of_replay["duplicate"]).unwrap());
    for (name, total) in &judged.counters {
        match name.as_str() {
            "counted" => assert_eq!(total.to_string(), of_replay[name].to_string()),
            "duplicate" => assert!(*total >= duplicates, "{total} duplicates"),
            "filtered" => assert_eq!(total.to_string(), "0"),
            "rejected" => assert_eq!(total.to_string(), rejects.to_string()),
            _ => {}
        }
    }
}

/// Gives the template one more mapping of the filter, as `docs/deploy.md` says it.
fn with_another_upstream(path: &Path, stream: &str) {
    let template = fs::read_to_string(path).unwrap();
    let mut parts: Vec<_> = template.split("\n\n").collect();
    let mapping = parts.iter().position(|part| part.starts_with("  FilterMapping:")).unwrap();
    let another = parts[mapping].replacen("FilterMapping", "OtherFilterMapping", 1);
    let another = another.replacen("!Ref UpstreamStreamArn", stream, 1);
    parts.insert(mapping + 1, &another);
    fs::write(path, parts.join("\n\n")).unwrap();
}

/// How many times each function is killed at least. A process that is to be killed has often ended its work before.
fn kills(span: Span) -> usize {
    match span {
        Span::November => 3,
        Span::Year => 20,
        Span::Costs => 0,
    }
}

/// What goes wrong, for `--faults`.
fn plan_of_faults(span: Span) -> String {
    let (lag, deliver) = match span {
        Span::November | Span::Costs => {
            ("30s", "kill at=received function=local-deliver every=3 times=20")
        }
        // Between a call and its mark nobody knows for minutes whether it was taken: there is time for that.
        Span::Year => ("2m", "kill at=random within=80ms function=local-deliver every=4 times=70"),
    };
    format!(
        "kill at=random within=200ms function=local-aggregate every=4 times=60
kill at=random within=200ms function=local-settle every=3 times=60
{deliver}
repeat function=local-aggregate every=6 times=60
lose-answer function=local-aggregate every=9 times=20
lose-answer function=local-settle every=9 times=20
lose-answer function=local-deliver every=5 times=20
throttle-call call=DynamoDB.PutItem chance=0.05 times=40
lose-call-answer call=DynamoDB.PutItem function=local-aggregate every=15 times=20
lose-call-answer call=DynamoDB.PutItem function=local-settle every=15 times=20
fail-call call=SQS.SendMessage chance=0.5 times=400
stop-shard shard=shardId-000000000001 for={lag} skip=60
"
    )
}

/// What the pipeline says of itself is what the replay counted, and it keeps what that rejected.
fn counters_are_those_of_the_replay(judged: &Judged) {
    assert_eq!(judged.rejected, judged.answers.rejected);
    for (name, total) in &judged.counters {
        let expect = judged.answers.counters[name];
        assert_eq!(total.to_string(), expect.to_string(), "{name}");
    }
}

#[tokio::test]
async fn what_cloudwatch_has_is_what_a_replay_says() {
    undisturbed(Span::November).await;
}

#[tokio::test]
async fn kills_repeats_lost_answers_and_new_shards_change_nothing() {
    disturbed(Span::November).await;
}

#[tokio::test]
async fn events_of_two_streams_come_through_the_filter() {
    filtered(Span::November).await;
}

#[tokio::test]
#[ignore = "takes about a quarter of an hour: cargo x end-to-end"]
async fn a_year_undisturbed() {
    undisturbed(Span::Year).await;
}

#[tokio::test]
#[ignore = "takes about a quarter of an hour: cargo x end-to-end"]
async fn a_year_disturbed() {
    disturbed(Span::Year).await;
}

#[tokio::test]
#[ignore = "takes about a quarter of an hour: cargo x end-to-end"]
async fn a_year_through_the_filter() {
    filtered(Span::Year).await;
}

#[tokio::test]
#[ignore = "a measurement of minutes: cargo x bench --only costs"]
async fn what_series_cost() {
    let mut table = vec![costs::HEADER.to_owned()];
    for series in [1, 100, 1_000, 10_000] {
        table.push(costs::measure(series).await);
    }
    let table = format!("\nThe whole stack by the meter\n{}\n", table.join("\n"));
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}
