//! Both folds together, driven batch by batch: several shards, increments, and what depends on when a settle comes.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Decoder, Record};
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::{Counters, Point, Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::settle::{Decisions, Progress, Settler, ShardId, ShardListing, Watermarks};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{Observer, Options, replay};
use streamgauge_rules::{SourceFile, compile, render};

/// What stands before the metrics in all of these rules: event times are milliseconds, nothing waits.
const HEADER: &str = "version: 1
namespace: Test
event: {time_unit: milliseconds}
out_of_order: 0s
late: correct
";

/// A stack in small: one aggregate fold per shard, one settle fold.
struct Stack {
    decoder: Decoder,
    aggregators: BTreeMap<&'static str, Aggregator>,
    watermarks: Watermarks,
    settler: Settler,
    counters: Counters,
    told: Vec<String>,
}

impl Stack {
    fn new(rules: &str, shards: &[&'static str]) -> Self {
        let plan = plan(&format!("{HEADER}{rules}"));
        let mut watermarks = Watermarks::new(plan.timing);
        let listing = |&id: &&str| ShardListing { id: ShardId::from(id), parents: Vec::new() };
        watermarks.list(&shards.iter().map(listing).collect::<Vec<_>>());
        let aggregators = shards.iter().map(|&id| (id, Aggregator::new(Arc::clone(&plan))));
        Self {
            aggregators: aggregators.collect(),
            decoder: Decoder::new(Arc::clone(&plan)),
            watermarks,
            settler: Settler::new(plan),
            counters: Counters::default(),
            told: Vec::new(),
        }
    }

    /// One batch of events, each a time in milliseconds, a type and the dimension `d`.
    fn take(&mut self, shard: &'static str, events: &[(i64, &str, &str)]) {
        let mut text = Vec::new();
        let mut records = Vec::new();
        for (position, (time, kind, d)) in (0..).zip(events) {
            let start = text.len();
            let id = format!("{shard}-{time}-{kind}-{d}");
            let line =
                format!(r#"{{"id":"{id}","type":"{kind}","time":{time},"data":{{"d":"{d}"}}}}"#);
            text.extend_from_slice(line.as_bytes());
            records.push(Record { bytes: start..text.len(), arrival: None, position });
        }
        let batch = self.decoder.decode(&text, records.into_iter());
        let aggregator = self.aggregators.get_mut(shard).unwrap();
        let delta = aggregator.fold(batch);
        self.counters.add(&delta.counters);
        let watermark = delta.watermark.unwrap();
        self.watermarks.progress(&ShardId::from(shard), watermark, watermark);
        self.settler.take(delta);
    }

    fn settle(&mut self) {
        let mut decisions = Decisions::default();
        let Some(watermark) = self.watermarks.combined(Timestamp::EPOCH) else { return };
        while self.settler.settle(watermark, &mut decisions) == Progress::More {}
        self.tell(&decisions);
    }

    fn finish(&mut self, stop: i64) {
        let mut decisions = Decisions::default();
        let stop = Timestamp::from_millis(stop);
        while self.settler.finish(stop, &mut decisions) == Progress::More {}
        self.tell(&decisions);
    }

    fn open(&self, stop: i64) -> Vec<String> {
        self.settler.open_points(Timestamp::from_millis(stop)).iter().map(shown).collect()
    }

    fn tell(&mut self, decisions: &Decisions) {
        self.told.extend(decisions.points.iter().map(shown));
    }

    /// What was told since the last time.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn plan(rules: &str) -> Arc<Plan> {
    let source = SourceFile { name: "rules.yaml".to_owned(), text: rules.to_owned() };
    let outcome = compile(&[source], &|_| None);
    let Some(checked) = outcome.rules else {
        panic!("{}", render::for_people(&outcome.problems, &outcome.sources, false));
    };
    Arc::new(checked.plan)
}

/// A point as `window start in seconds, series = value`, with its status unless it is final.
fn shown(point: &Point) -> String {
    let series: Vec<_> = point.series.values().collect();
    let value = match &point.values {
        Values::Count(count) => count.to_string(),
        values => format!("{values:?}"),
    };
    let status = match point.status {
        Status::Final => String::new(),
        status => format!(" {}", status.as_str()),
    };
    format!("{}s {} = {value}{status}", point.window_start.as_millis() / 1_000, series.join("/"))
}

const ZERO: &str =
    "metrics: {m: {count: 'type == \"a\"', dimensions: {d: data.d}, window: 1s, zero: publish}}";

/// A series gets zeros only after its first event, and a window is published once, whether the watermark or the end of
/// the input closes it.
#[test]
fn zeros_at_the_end_of_the_input_are_those_of_a_watermark_that_goes_on() {
    let expect = ["0s x = 1", "1s x = 0", "2s x = 0", "2s y = 1"].map(str::to_owned);
    for lateness in ["0s", "1m"] {
        let mut stack = Stack::new(&format!("allowed_lateness: {lateness}\n{ZERO}"), &["s"]);
        stack.take("s", &[(100, "a", "x"), (2_100, "a", "y"), (3_000, "b", "")]);
        stack.settle();
        stack.finish(3_000);
        let mut told = stack.told();
        told.sort();
        assert_eq!(told, expect, "allowed lateness of {lateness}");
    }
}

/// A window over ten times the cap holds only the smallest hashes by themselves: who is not among them is not silent.
#[test]
fn a_series_that_is_not_held_by_itself_gets_no_zero() {
    let mut names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    names.sort_by_key(|name| SeriesKey::new([name.as_str()]).stable_hash());
    let last = names.last().unwrap().clone();
    let mut stack = Stack::new(&ZERO.replace("zero:", "max_series: 1, zero:"), &["s"]);
    stack.take("s", &[(100, "a", &last)]);
    let crowd: Vec<_> = names.iter().map(|name| (1_100, "a", name.as_str())).collect();
    stack.take("s", &crowd);
    stack.finish(2_000);
    assert_eq!(stack.told(), [format!("0s {last} = 1"), "1s __other__ = 20".to_owned()]);
}

/// Whatever an event says, a window has one point per series.
#[test]
fn a_value_that_looks_like_the_folded_ones_is_one_of_them() {
    let mut names = ["x", "y", "__other__"];
    names.sort_by_key(|name| SeriesKey::new([*name]).stable_hash());
    for first in ["__other__", "x"] {
        let mut stack = Stack::new(&ZERO.replace("zero:", "max_series: 1, zero:"), &["s"]);
        stack.take("s", &[(100, "a", first)]);
        stack.take("s", &names.map(|name| (1_100, "a", name)));
        stack.finish(2_000);
        let told = stack.told();
        let mut series: Vec<_> = told.iter().map(|point| point.split('=').next()).collect();
        series.dedup();
        assert_eq!(series.len(), told.len(), "{told:?}");
    }
}

#[test]
fn open_windows_share_the_names_of_their_day_and_have_no_zeros() {
    let rules = ZERO.replace("zero:", "max_series: 2, zero:");
    let mut stack = Stack::new(&format!("allowed_lateness: 1m\n{rules}"), &["s"]);
    stack.take("s", &[(100, "a", "x"), (1_100, "a", "y"), (2_100, "a", "z"), (2_200, "a", "x")]);
    stack.settle();
    let open = ["2s __other__ = 1 open", "0s x = 1 open", "2s x = 1 open", "1s y = 1 open"];
    for _ in 0..2 {
        assert_eq!(stack.open(2_200), open, "and a look changes nothing");
    }
}

/// Only the first event of a shard says where zeros begin, not the first of each batch that came before a settle.
#[test]
fn where_zeros_begin_does_not_depend_on_how_batches_are_cut() {
    let rules =
        "allowed_lateness: 0s\nmetrics: {m: {count: 'type == \"a\"', window: 1s, zero: publish}}";
    let events = [(3_100, "b", ""), (1_100, "b", ""), (5_100, "b", "")];
    let expect = ["3s  = 0", "4s  = 0"];
    let mut whole = Stack::new(rules, &["s"]);
    whole.take("s", &events);
    whole.settle();
    assert_eq!(whole.told(), expect);
    let mut cut = Stack::new(rules, &["s"]);
    for event in events {
        cut.take("s", &[event]);
    }
    cut.settle();
    assert_eq!(cut.told(), expect);
}

/// Without deduplication there is no forgotten copy: an open window takes an event of any age, and only corrections have an end.
#[test]
fn without_deduplication_an_open_window_takes_events_of_any_age() {
    const DAY: i64 = 86_400_000;
    let rules = "deduplicate: off\nallowed_lateness: 0s\nmetrics:\n  \
        m: {count: 'type == \"a\"', window: 10d}\n  n: {count: 'type == \"b\"', window: 1h}\n";
    let mut stack = Stack::new(rules, &["s"]);
    let late = [(0, "a", ""), (2 * DAY, "b", ""), (2 * DAY - 1, "b", "")];
    stack.take("s", &[&[(9 * DAY, "c", "")], &late[..]].concat());
    stack.settle();
    stack.finish(10 * DAY);
    assert_eq!(stack.told(), [&format!("{}s  = 1 correction", 2 * DAY / 1_000), "0s  = 1"]);
    assert_eq!((stack.counters.counted, stack.counters.late), (2, 1));
}

/// A bug shows in tests as a panic and not as threads that wait for each other for ever.
#[test]
fn a_panic_ends_a_replay_on_any_number_of_threads() {
    struct Panics;
    impl Observer for Panics {
        fn point(&mut self, _: &Point) -> std::io::Result<()> {
            panic!("as a bug would")
        }
        fn transition(&mut self, _: &Transition, _: &Verdict) -> std::io::Result<()> {
            Ok(())
        }
        fn reject(&mut self, _: &str, _: u64, _: &Reject, _: &[u8]) -> std::io::Result<()> {
            Ok(())
        }
        fn progress(&mut self, _: u64) {}
    }
    let rules = "allowed_lateness: 0s\nmetrics: {m: {count: 'type == \"a\"', window: 1h}}";
    let plan = plan(&format!("{HEADER}{rules}"));
    // Several megabytes without a point, so that threads are at work when the first one comes.
    let line =
        |time: i64| format!("{{\"id\":\"{time}\",\"type\":\"a\",\"time\":{time}}}{:300}\n", "");
    let events: String =
        (0..20_000).chain([5_000_000]).chain(5_000_000..5_020_000).map(line).collect();
    for threads in [1, 2, 4] {
        let input = Input::bytes("events", events.clone().into_bytes());
        let options = Options { threads, ..Options::default() };
        let run = || replay(&plan, vec![input], &options, &mut Panics).map(|_| ());
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{threads} threads");
    }
}
