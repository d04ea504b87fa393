//! Explaining what a stack in memory has decided, by its logs alone.

use super::log::{self, Table, Transitions};
use super::points::{From, Point, WantedPoints};
use super::stack::Stack;
use super::told::{Recomputed, Told};
use super::wanted::Wanted;
use super::{again, exit, json, text};
use crate::arguments::{Arguments, Command, ExplainArguments};
use crate::exit::Exit;
use clap::Parser;
use std::sync::Arc;
use streamgauge_dev::rules::AnnouncedRules;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::Action;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};
use streamgauge_engine::transition::TransitionKind;
use streamgauge_pipeline::aggregate::{Aggregate, Settings};
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::memory::{
    MemoryLog, MemoryPorts, MemorySnapshots, MemorySource, MemoryWorld, VirtualClock, block_on,
};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Entry, Log, LogId, Version, Wanted as Chunks};
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
use streamgauge_pipeline::port::source::{ShardKey, Source, StreamId};
use streamgauge_pipeline::settle::Settle;
use streamgauge_pipeline::settle_entry::ALERTS;

/// 2026-01-05T10:00:00Z
const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
const BYTES: usize = 1 << 30;

const RULES: &str = r#"
late: drop
out_of_order: 1s
metrics:
  rejections: {count: type == 'reject', dimensions: {partner: data.partner}, window: 1m}
alerts:
  rejected:
    metric: rejections
    steps:
      reactive: {when: sum over 5m >= 3, severity: critical, notify: [oncall]}
      proactive: {when: sum over 10m >= 3, severity: warning, notify: [desk]}
    resolve: sum over 10m < 1
notify: {together: 2m}
channels:
  oncall: {webhook: {url: "https://hooks.test/oncall"}}
  desk: {webhook: {url: "https://hooks.test/desk"}}
"#;

#[derive(Clone)]
struct Deployed(RulesText);

/// The world of one function.
type Home = MemoryWorld<Deployed>;

impl Rules for Deployed {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        AnnouncedRules.compile(text)
    }

    fn deployed(&self) -> Option<&RulesText> {
        Some(&self.0)
    }

    fn render(&self) -> &dyn Render {
        AnnouncedRules.render()
    }
}

impl Stack for Home {
    type Log = MemoryLog<VirtualClock>;
    type Snapshots = MemorySnapshots<VirtualClock>;

    fn log(&self) -> &Self::Log {
        &self.ports.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.ports.snapshots
    }
}

fn stream() -> StreamId {
    StreamId { name: "orders".into(), created_at: START.minus(MINUTE_MS) }
}

/// A stack whose functions run by hand.
struct Running {
    home: Home,
    aggregate: Aggregate<Home>,
    settle: Settle<Home>,
    events: u32,
}

impl Running {
    fn new() -> Self {
        let clock = VirtualClock::new(START);
        let orders = MemorySource::new(stream(), clock.clone(), BYTES);
        orders.open(&"one".into(), &[]);
        let files = vec![("rules.yaml".to_owned(), RULES.to_owned())];
        let ports = MemoryPorts::new(clock, vec![orders], BYTES);
        let home = Home { ports, rules: Deployed(RulesText { files }) };
        let settings = Settings { partitions: 1, ..Settings::default() };
        let mut running = Self {
            aggregate: Aggregate::new(home.clone(), settings),
            settle: Settle::new(home.clone(), "shop", 1),
            home,
            events: 0,
        };
        running.happens("click", "noon");
        running.pass(3);
        running
    }

    /// Something happens now.
    fn happens(&mut self, kind: &str, partner: &str) {
        self.events += 1;
        let (id, time) = (self.events, self.home.ports.clock.now());
        let event = format!(
            r#"{{"id":"e{id}","source":"s","type":"{kind}","time":"{time}","data":{{"partner":"{partner}"}}}}"#
        );
        let orders = &self.home.ports.streams[0];
        orders.put(&"one".into(), event.as_bytes()).unwrap();
        let batch = block_on(orders.next()).unwrap().unwrap();
        let (shard, last) =
            (Arc::clone(&batch.shard), batch.records.last().unwrap().sequence.clone());
        let taken = block_on(self.aggregate.take("orders", batch)).unwrap();
        assert_eq!(taken.failed_from, None, "{:?}", taken.problem);
        block_on(orders.taken(&shard, &last)).unwrap();
    }

    /// So many seconds pass.
    fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.home.ports.clock.advance(SECOND_MS);
            let deadline = self.home.ports.clock.now().plus(MINUTE_MS);
            block_on(self.settle.run(Partition::default(), deadline)).unwrap();
        }
    }
}

/// Three partners have rejected three orders each; two pages are gathered into one. Ten minutes later all is well.
fn night() -> Home {
    let mut running = Running::new();
    for partner in ["noon", "talabat", "careem"] {
        for _ in 0..3 {
            running.happens("reject", partner);
            running.pass(10);
        }
    }
    running.pass(14 * 60);
    running.home
}

fn arguments(options: &str) -> ExplainArguments {
    let typed = format!("streamgauge explain --table t {options}");
    match Arguments::try_parse_from(typed.split_whitespace()).unwrap().command {
        Command::Explain(arguments) => *arguments,
        other => panic!("{other:?}"),
    }
}

/// What is found, folded again.
fn explained(stack: &Home, options: &str) -> Transitions {
    let arguments = arguments(options);
    let wanted = Wanted::new(&arguments).unwrap();
    block_on(async {
        let mut table = Table::read(stack).await.unwrap();
        let found = log::transitions(stack, &mut table, wanted, arguments.limit).await;
        let mut found = found.unwrap();
        again::transitions(stack, table.partitions, &mut found.found).await;
        found
    })
}

fn titles(found: &Transitions) -> Vec<String> {
    let told = found.found.told.iter();
    told.map(|told| {
        let title = Told::title(&told.alert, &told.transition);
        format!("{title} {}", told.transition.kind.as_str())
    })
    .collect()
}

fn recomputed(found: &Transitions) -> Vec<&Recomputed> {
    let told = found.found.told.iter();
    told.map(|told| &told.recorded().unwrap().recomputed).collect()
}

#[test]
fn a_page_is_explained_by_its_key() {
    let stack = night();
    let fired = explained(&stack, "--step reactive --group partner=noon");
    let key = fired.found.told[0].key.clone();
    let found = explained(&stack, &key);
    let title = "rejected/reactive  partner=noon";
    assert_eq!(titles(&found), [format!("{title} firing"), format!("{title} resolved")]);
    assert!(recomputed(&found).iter().all(|one| matches!(one, Recomputed::Same(Some(_)))));
    let told = &found.found.told[0];
    let recorded = told.recorded().unwrap();
    let shown = anstream::adapter::strip_str(&text::transition(told)).to_string();
    let message = &recorded.messages[0];
    let expect = format!(
        "\
rejected/reactive  partner=noon  firing at 2026-01-05T10:00:23Z, critical
  because     condition holds: sum over 5m >= 3
  value       3, threshold 3
  covers      (2026-01-05T09:55:23Z, 2026-01-05T10:00:23Z] of rejections
  events      3; 0 behind the watermark, 0 copies ignored
              e2
              e3
              e4
  watermark   {}
  sent        yes: oncall (at once)
  told        oncall: trigger at {}: {}
  episode     since 2026-01-05T10:00:23Z
  key         {key}
  plan        {}
  log         settle/0, version {}, decided at {}
  recomputed  the same, from the snapshot at version 3
",
        told.transition.evidence.watermark.unwrap(),
        message.clock,
        message.id,
        told.alert.plan,
        recorded.version.0,
        recorded.clock,
    );
    assert_eq!(shown, expect);
    let line = String::from_utf8(json::transition(told)).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(parsed["recomputed"], "same");
    assert_eq!(parsed["notifications"][0]["id"], message.id.as_str());
    // The id of a notification will do as well, also pasted with a line end.
    assert_eq!(titles(&explained(&stack, &message.id)), titles(&found));
}

#[test]
fn what_was_gathered_is_explained_by_the_key_of_all() {
    let stack = night();
    let fired = explained(&stack, "--step reactive --group partner=talabat");
    assert_eq!(fired.found.told[0].verdict.why.as_str(), "gathered");
    let messages = &fired.found.told[0].recorded().unwrap().messages;
    // All of them are over with the last.
    assert!(messages.iter().all(|message| message.gathered), "{messages:?}");
    let actions: Vec<_> = messages.iter().map(|message| message.action).collect();
    assert_eq!(actions, [Action::Trigger, Action::Resolve]);
    let (key, _) = messages[0].id.split_once("/trigger").unwrap();
    assert!(key.starts_with("gathered/oncall/"), "{key}");
    let both =
        ["talabat", "careem"].map(|name| format!("rejected/reactive  partner={name} firing"));
    let found = explained(&stack, key);
    assert_eq!(titles(&found), both);
    assert_eq!(found.unnamed, 0);
}

#[test]
fn what_was_not_sent_says_why() {
    let stack = night();
    let found = explained(&stack, "--step proactive --group partner=noon");
    let shown = anstream::adapter::strip_str(&text::transition(&found.found.told[0])).to_string();
    assert!(shown.contains("sent        no: desk (inhibited by a higher step)"), "{shown}");
    assert!(!shown.contains("told "), "{shown}");
}

#[test]
fn where_nothing_is_found_it_is_said_what_is_there() {
    let stack = night();
    let found = explained(&stack, "--alert rejected --group partner=nobody");
    assert!(found.found.told.is_empty());
    let instead = found.found.instead();
    let expect = "rejected/reactive  partner=noon: 2 transitions, the last at 2026-01-05T10:10:23Z";
    assert!(instead.contains(expect), "{instead}");
    let all = explained(&stack, "--from 2026-01-05T10:05:00Z");
    assert!(all.found.told.iter().all(|told| told.transition.kind == TransitionKind::Resolved));
    assert_eq!(explained(&stack, "--at 2026-01-05T10:10:23Z").found.told.len(), 2);
    let one = explained(&stack, "--limit 1 --step reactive");
    assert_eq!((one.found.told.len(), one.found.total), (1, 6));
}

/// Copies the logs; the first transition that was recorded gets another value.
fn altered(stack: &Home) -> Home {
    let altered = MemoryPorts::new(stack.ports.clock.clone(), Vec::new(), BYTES);
    let shard = LogId::shard(&ShardKey { stream: stream(), shard: "one".into() });
    let mut is_altered = false;
    for id in [LogId::control(), shard, LogId::settle(Partition::default())] {
        for logged in block_on(stack.ports.log.read(&id, Version::START, Chunks::All)).unwrap() {
            let mut chunks = logged.entry.chunks().clone();
            let is_settle = id.as_str().starts_with("settle/");
            if let Some(chunk) = chunks.get_mut(&ALERTS).filter(|_| is_settle && !is_altered) {
                let mut record = AlertRecord::decode(chunk).unwrap();
                record.transitions[0].0.evidence.value = Some(Decimal::from_u64(4).unwrap());
                *chunk = record.encode();
                is_altered = true;
            }
            let expires_at = logged.entry.expires_at();
            let entry = Entry::new(logged.entry.header().to_vec(), chunks, expires_at).unwrap();
            assert_eq!(
                block_on(altered.log.append(&id, logged.version, &entry)).unwrap(),
                Append::Appended
            );
        }
    }
    Home { ports: altered, rules: stack.rules.clone() }
}

#[test]
fn a_record_that_the_deltas_do_not_bear_out_is_a_difference() {
    let found = explained(&altered(&night()), "--group partner=noon");
    let recomputed = recomputed(&found);
    let expect = ["the value is 3, recorded is 4".to_owned()];
    assert_eq!(recomputed[0], &Recomputed::Differs(expect.into()));
    assert_eq!(recomputed[1], &Recomputed::Same(None), "from the log's beginning");
    assert_eq!(exit(found.found.told.iter().filter_map(Told::recorded)), Exit::No);
}

#[test]
fn a_point_is_shown_with_its_entry_and_folded_again() {
    let stack = night();
    let mut table = block_on(Table::read(&stack)).unwrap();
    let options = "--metric rejections --window 2026-01-05T10:00:00Z --dimension partner=noon";
    let wanted = WantedPoints::new(&arguments(options).which).unwrap().unwrap();
    let mut explained = block_on(log::points(&stack, &mut table, &wanted)).unwrap().explained;
    block_on(again::points(&stack, table.partitions, &mut explained));
    assert_eq!(explained.len(), 1);
    let [Point { status, values, from: From::Log(recorded), .. }] = &explained[0].points[..] else {
        panic!("{explained:?}")
    };
    assert_eq!((status.as_str(), values.as_str()), ("final", "sum 3, count 3"));
    assert!(matches!(recorded.recomputed, Recomputed::Same(_)), "{recorded:?}");
    let shown = anstream::adapter::strip_str(&text::points(&explained[0])).to_string();
    let title = "rejections  partner=noon  [2026-01-05T10:00:00Z, 2026-01-05T10:01:00Z)\n";
    assert!(shown.starts_with(title), "{shown}");
    let nobody = options.replace("noon", "nobody");
    let nobody = WantedPoints::new(&arguments(&nobody).which).unwrap().unwrap();
    let found = block_on(log::points(&stack, &mut table, &nobody)).unwrap();
    assert_eq!(found.explained.len(), 0);
    assert_eq!(found.instead(), "there are partner=noon; partner=talabat");
}
