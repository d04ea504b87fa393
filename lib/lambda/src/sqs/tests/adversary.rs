//! Random mappings, queues, functions and troubles against what the documentation says may be seen: each message is deleted or
//! with the dead letters, hidden while it is hidden, and never in more batches at once than may be.
//!
//! Each run is drawn from its number. `STREAMGAUGE_CASES=100000` makes more of them, `STREAMGAUGE_SEED=7` begins with another
//! number; a failure names the one to repeat.

use super::failures::Flaky;
use super::*;
use fastrand::Rng;
use std::collections::BTreeMap;

const CASES: u64 = 150;
/// In the simulator's time: more than any run needs.
const HANGS_AFTER: Duration = Duration::from_hours(30 * 24);

/// What the function does at a message, and how often; none is always.
type Bad = (u8, Option<usize>);

/// What one run is made of.
struct Plan {
    mapping: SqsMapping,
    visibility: Duration,
    receives_max: Option<u32>,
    bad: BTreeMap<String, Bad>,
    takes: Duration,
    messages: usize,
    troubles: usize,
    repeats: u32,
}

fn pick<T: Copy>(rng: &mut Rng, among: &[T]) -> T {
    among[rng.usize(..among.len())]
}

fn plan(rng: &mut Rng) -> Plan {
    let size = pick(rng, &[1, 2, 7, 10, 50, 10_000]);
    let window = if size > 10 { pick(rng, &[1, 8]) } else { pick(rng, &[0, 0, 1, 3]) };
    let mapping = SqsMapping {
        concurrency_max: pick(rng, &[None, Some(2), Some(3), Some(40)]),
        report_item_failures: rng.bool(),
        ..mapping(size, window)
    };
    let receives_max = pick(rng, &[None, Some(1), Some(3), Some(10)]);
    let messages = rng.usize(..200);
    let share = pick(rng, &[0, 3, 20]);
    let takes = pick(rng, &[0, 0, 1, 11]);
    let mut bad = BTreeMap::new();
    for message in 0..messages {
        if rng.usize(..100) < share {
            // What is throttled is not received anew for a while; without dead letters nothing may fail for ever.
            let is_forever = receives_max.is_some() && rng.u8(..3) == 0;
            let times = if is_forever { None } else { Some(rng.usize(1..4)) };
            // What is throttled for long and then takes long is seen again before it is done.
            let deed = rng.u8(..6);
            let deed = if deed == 2 && takes > 0 { 0 } else { deed };
            bad.insert(message.to_string(), (deed, times));
        }
    }
    Plan {
        mapping,
        visibility: Duration::from_secs(pick(rng, &[12 + takes + window, 30, 90])),
        receives_max,
        bad,
        takes: Duration::from_secs(takes),
        messages,
        troubles: pick(rng, &[0, 0, 4]),
        repeats: pick(rng, &[0, 0, 2]),
    }
}

/// What the function answers to a batch, and which of its messages that deletes.
fn act(plan: &Plan, hits: &Mutex<BTreeMap<String, usize>>, call: &Call) -> (Outcome, Vec<String>) {
    let mut hits = hits.lock().unwrap();
    let is_bad = |(place, body): (usize, &String)| {
        let (deed, times) = plan.bad.get(body)?;
        let hits = hits.entry(body.clone()).or_default();
        let is_due = times.is_none_or(|times| *hits < times);
        *hits += usize::from(is_due);
        is_due.then_some((place, *deed))
    };
    let all = || call.bodies.clone();
    let Some((place, deed)) = call.bodies.iter().enumerate().find_map(is_bad) else {
        return (done(), all());
    };
    let unheard = |items: String| {
        let answer = Outcome::Answered(format!("{{\"batchItemFailures\":[{items}]}}").into());
        let is_heard = plan.mapping.report_item_failures;
        (answer, if is_heard { vec![] } else { all() })
    };
    let id = &call.ids[place];
    match deed {
        0 | 1 => (failed(), vec![]),
        2 => (Outcome::Throttled, vec![]),
        3 => (Outcome::Unreachable("lost".to_owned()), vec![]),
        4 => unheard(format!("{{\"itemIdentifier\":\"{id}\"}},{{\"itemIdentifier\":\"\"}}")),
        _ => {
            let (answer, mut deleted) = unheard(format!("{{\"itemIdentifier\":\"{id}\"}}"));
            if deleted.is_empty() {
                deleted = all();
                deleted.remove(place);
            }
            (answer, deleted)
        }
    }
}

/// When the messages were received as often as they were: no count before the visibility of the one before it has ended.
fn check_visibility(plan: &Plan, calls: &[Call]) {
    let mut last: BTreeMap<&str, (u32, Timestamp)> = BTreeMap::new();
    for call in calls {
        for (body, count) in call.bodies.iter().zip(&call.counts) {
            let count = count.parse().unwrap();
            let (before, at) = *last.entry(body).or_insert((count, call.at));
            if count > before {
                last.insert(body, (count, call.at));
            }
            let gap = call.at.duration_since(at) + SignedDuration::from_secs(9);
            let visibility = SignedDuration::try_from(plan.visibility).unwrap();
            assert!(count >= before, "{body}: {count} after {before}");
            // A batch gathers for some seconds after it was received.
            assert!(count == before || gap >= visibility, "{body} after {gap}");
            assert!(plan.receives_max.is_none_or(|max| count <= max), "{body}: {count}");
        }
    }
}

async fn run(seed: u64) -> usize {
    let rng = &mut Rng::with_seed(seed);
    let plan = Arc::new(plan(rng));
    let deleted: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let mut bench = Bench::new({
        let (plan, deleted, hits) = (Arc::clone(&plan), Arc::clone(&deleted), Mutex::default());
        move |_, call| {
            let (outcome, done) = act(&plan, &hits, call);
            let mut deleted = deleted.lock().unwrap();
            for body in done {
                *deleted.entry(body).or_default() += 1;
            }
            outcome
        }
    });
    bench.script.takes = plan.takes;
    let settings = QueueSettings { visibility: plan.visibility, ..QueueSettings::default() };
    let arn = |name| Arn::queue("eu-west-1", "000000000000", name);
    bench.queue = EmbeddedQueue::new(&arn("wake"), settings, bench.clock.clone(), seed);
    let dead = EmbeddedQueue::new(&arn("dead"), QueueSettings::default(), bench.clock.clone(), 1);
    assert!(plan.receives_max.is_none_or(|max| bench.queue.redrive_to(&dead, max)));
    let queue = Flaky::new(&bench.queue, plan.troubles);
    let left = AtomicUsize::new(usize::try_from(plan.repeats).unwrap());
    let interfere = move |place: &Place<'_>| {
        let take = |times: usize| times.checked_sub(1);
        let is_it = place.point == Point::Done
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if is_it { Interference::Repeat } else { Interference::None }
    };
    let poller = bench.start_with(plan.mapping.clone(), queue, Wrong(interfere));
    for message in 0..plan.messages {
        bench.send([message]);
        if rng.u8(..30) == 0 {
            bench.clock.sleep(Duration::from_millis(rng.u64(..20_000))).await;
        }
    }
    tokio::time::timeout(HANGS_AFTER, poller.drained()).await.expect("it hangs");
    assert_eq!(bench.queue.depth().await.unwrap(), Depth::default());
    let calls = bench.calls();
    check_visibility(&plan, &calls);
    let most = plan.mapping.concurrency_max.unwrap_or(CONCURRENCY_MAX);
    assert!(bench.script.running_max.load(Ordering::Relaxed) <= most);
    assert!(calls.iter().all(|call| call.bodies.len() <= plan.mapping.batch_messages_max));
    let mut buried = vec![];
    loop {
        let some = dead.receive(10, Duration::ZERO).await.unwrap();
        if some.is_empty() {
            break;
        }
        buried.extend(some.into_iter().map(|message| message.body));
    }
    let deleted = deleted.lock().unwrap();
    for message in 0..plan.messages {
        let body = message.to_string();
        let is_known = deleted.contains_key(&body) || buried.contains(&body);
        assert!(is_known, "{body} is lost");
        let is_plain = plan.troubles == 0 && plan.repeats == 0 && !buried.contains(&body);
        let times = deleted.get(&body);
        assert!(!is_plain || times == Some(&1), "{body} was done {times:?} times");
    }
    calls.len()
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_each_message_is_done_or_with_the_dead_letters() {
    let first = variable("STREAMGAUGE_SEED").unwrap_or(0);
    let cases = variable("STREAMGAUGE_CASES").unwrap_or(CASES);
    let mut calls = 0;
    for seed in first..first + cases {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let ran = std::panic::catch_unwind(|| runtime.block_on(run(seed)));
        calls += ran.unwrap_or_else(|_| panic!("STREAMGAUGE_SEED={seed} STREAMGAUGE_CASES=1"));
    }
    assert!(calls > 0, "the function was never asked");
}
