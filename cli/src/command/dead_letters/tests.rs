//! Dead letters of a stack in memory: what is found, and what a replay does.

use super::judge::{Fate, Judge};
use super::letter::{Filter, Held, Letter};
use super::stack::Stack;
use super::{find, list, replay};
use crate::arguments::{Arguments, Command, DeadLettersCommand, ReplayLetters};
use crate::exit::{Exit, Failure};
use clap::Parser;
use std::path::PathBuf;
use std::sync::Arc;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Notification, Subject};
use streamgauge_engine::output::Values;
use streamgauge_engine::reject::RejectCode;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_kinesis::put::memory::MemoryStream;
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_kinesis::put::{Outcome, PutRecords};
use streamgauge_pipeline::control::{ControlEntry, EXPIRES_NEVER};
use streamgauge_pipeline::deliver::lane::{Cursor, UNANSWERED};
use streamgauge_pipeline::deliver::{
    DeadLetter, DeadPoint, LetterCode, TELL_UNANSWERED, Undelivered,
};
use streamgauge_pipeline::memory::{MemoryLog, VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Log, LogId, Version};
use streamgauge_pipeline::port::source::{ShardKey, StreamId};
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};
use streamgauge_pipeline::settle_entry::{ListedShard, SettleEntry};
use streamgauge_pipeline::shard_entry::{REJECTS, RecordId, Rejected, ShardEntry, write_rejects};

/// 2026-01-05T10:00:00Z
const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

const RULES: &str =
    "late: drop\nmetrics: {orders: {sum: data.amount, where: type == 'order', window: 1m}}\n";

/// A stack in memory.
struct MemoryStack {
    clock: VirtualClock,
    log: MemoryLog<VirtualClock>,
    shards: Vec<ShardKey>,
    documents: Vec<(String, String)>,
    stream: Arc<MemoryStream>,
}

/// A stream that others look at too.
#[derive(Debug)]
struct Shared(Arc<MemoryStream>);

impl PutRecords for Shared {
    async fn put(&self, records: &[PutRecord]) -> Outcome {
        self.0.put(records).await
    }
}

impl Stack for MemoryStack {
    type Log = MemoryLog<VirtualClock>;
    type Put = Shared;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn shards(&self, stream: &str) -> Result<Vec<ShardKey>, Failure> {
        let of_name = self.shards.iter().filter(|shard| &*shard.stream.name == stream);
        Ok(of_name.cloned().collect())
    }

    async fn documents(&self, _: Timestamp) -> Result<Vec<(String, String)>, Failure> {
        Ok(self.documents.clone())
    }

    async fn stream(&self, _: &str) -> Result<(Shared, usize), Failure> {
        Ok((Shared(Arc::clone(&self.stream)), 1 << 20))
    }
}

/// A shard of the stream `orders` that was made so many hours ago.
fn shard(hours: i64) -> ShardKey {
    let stream = StreamId { name: "orders".into(), created_at: NOW.minus(hours * HOUR_MS) };
    ShardKey { stream, shard: "shardId-000000000000".into() }
}

fn record(number: u64) -> RecordId {
    RecordId { sequence: number.into(), sub_sequence: 0 }
}

/// An order so many minutes ago; its amount as written.
fn order(id: &str, minutes: i64, amount: &str) -> String {
    let time = NOW.minus(minutes * MINUTE_MS);
    format!(
        r#"{{"id":"{id}","source":"s","type":"order","time":"{time}","data":{{"amount":{amount}}}}}"#
    )
}

impl MemoryStack {
    /// A table of two partitions whose settle log lists these shards.
    fn new(listed: &[ShardKey]) -> Self {
        let clock = VirtualClock::new(NOW);
        let log = MemoryLog::new(clock.clone(), 1 << 30);
        let stack =
            Self { log, clock, shards: Vec::new(), documents: Vec::new(), stream: Arc::default() };
        let table = ControlEntry::Table { partitions: 2 }.to_entry(EXPIRES_NEVER).unwrap();
        stack.append(&LogId::control(), 1, &table);
        let listing =
            listed.iter().map(|key| ListedShard { key: key.clone(), parents: Vec::new() });
        let header = SettleEntry {
            clock: NOW,
            control: Version(1),
            taken: Vec::new(),
            listing: Some(listing.collect()),
            answers: Vec::new(),
            watermark: None,
            points: 0,
        };
        let partition = Partition::default();
        stack.append(&LogId::settle(partition), 1, &entry(header.encode(), Chunks::new()));
        stack
    }

    fn append(&self, log: &LogId, version: u64, entry: &Entry) {
        let outcome = block_on(self.log.append(log, Version(version), entry)).unwrap();
        assert_eq!(outcome, Append::Appended);
    }

    /// An entry of a shard's log that covers ten records, with rejects among them.
    fn batch(&self, shard: &ShardKey, version: u64, rejects: &[(RejectCode, &str)]) {
        let first = version * 10;
        let header = ShardEntry {
            at: NOW.minus(HOUR_MS),
            control: Version(1),
            first: record(first),
            last: record(first + 9),
            bytes: 0,
            arrived: None,
            sections: Vec::new(),
        };
        let rejected = rejects.iter().zip(first..).map(|((code, payload), number)| Rejected {
            record: record(number),
            arrival: Some(NOW.minus(HOUR_MS)),
            code: *code,
            detail: "because".to_owned(),
            payload: payload.as_bytes().to_vec(),
        });
        let chunk = write_rejects(&rejected.collect::<Vec<_>>()).unwrap();
        let entry = entry(header.encode(), Chunks::from([(REJECTS, chunk)]));
        self.append(&LogId::shard(shard), version, &entry);
    }

    /// Lambda gives up a record with this number.
    fn give_up(&mut self, number: u64, payload: &str) {
        use base64::Engine;
        let data = base64::prelude::BASE64_STANDARD.encode(payload);
        let arn = "arn:aws:kinesis:eu-west-1:000000000000:stream/orders";
        let arrived = NOW.minus(HOUR_MS).as_millis() / 1_000;
        let event = serde_json::json!({"Records": [{
            "kinesis": {"sequenceNumber": number.to_string(), "data": data, "approximateArrivalTimestamp": arrived},
            "eventID": format!("shardId-000000000000:{number}"),
            "eventSourceARN": arn,
        }]});
        let document = serde_json::json!({
            "requestContext": {"condition": "RecordAgeExceeded", "approximateInvokeCount": 1},
            "timestamp": NOW.to_rfc3339(),
            "KinesisBatchInfo": {"streamArn": arn},
            "payload": event.to_string(),
        });
        self.documents.push((format!("aws/lambda/{number}"), document.to_string()));
    }

    fn letters(&self) -> Vec<Letter> {
        self.find("list --table t")
    }

    /// What `list` finds.
    fn find(&self, typed: &str) -> Vec<Letter> {
        let DeadLettersCommand::List { wanted, .. } = parse(typed) else { panic!("{typed}") };
        block_on(find::letters(self, &Filter::new(&wanted, NOW))).unwrap()
    }

    /// What `replay` says, and how it ends.
    fn replay(&self, test: &str, typed: &str) -> (String, Exit) {
        let rules = rules_file(test);
        let typed = format!("replay --table t --rules {} {typed}", rules.display());
        let DeadLettersCommand::Replay(arguments) = parse(&typed) else { panic!("{typed}") };
        let ReplayLetters { wanted, ids, .. } = &arguments;
        let mut filter = Filter::new(wanted, NOW);
        filter.ids.clone_from(ids);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(replay::run(self, &filter, &arguments)).unwrap()
    }

    fn put(&self) -> Vec<String> {
        let records = self.stream.records();
        records.iter().map(|it| String::from_utf8(it.data().to_vec()).unwrap()).collect()
    }
}

fn entry(header: Vec<u8>, chunks: Chunks) -> Entry {
    Entry::new(header, chunks, EXPIRES_NEVER).unwrap()
}

fn parse(typed: &str) -> DeadLettersCommand {
    let words = ["streamgauge", "dead-letters"].into_iter().chain(typed.split_whitespace());
    match Arguments::try_parse_from(words).unwrap().command {
        Command::DeadLetters(arguments) => arguments.command,
        command => panic!("{command:?}"),
    }
}

fn rules_file(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("streamgauge-letters-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{test}.yaml"));
    std::fs::write(&path, RULES).unwrap();
    path
}

fn codes(letters: &[Letter]) -> Vec<&str> {
    let mut codes: Vec<_> = letters.iter().map(|letter| letter.code.as_str()).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn rejects_are_found_in_the_logs_of_old_and_new_shards() {
    let mut stack = MemoryStack::new(&[shard(48)]);
    stack.shards = vec![shard(2)];
    stack.batch(&shard(48), 1, &[(RejectCode::InvalidJson, "{"), (RejectCode::MissingType, "{}")]);
    stack.batch(&shard(2), 1, &[(RejectCode::WrongType, "{}")]);
    let letters = stack.letters();
    assert_eq!(codes(&letters), ["invalid_json", "missing_type", "wrong_type"]);
    let ids: std::collections::BTreeSet<_> = letters.iter().map(|letter| &letter.id).collect();
    assert_eq!(ids.len(), 3, "one name each, also of the same place in another stream");
    assert_eq!(codes(&stack.find("list --table t --code wrong_type")), ["wrong_type"]);
    assert!(stack.find("list --table t --since 59m").is_empty());
    assert!(stack.find("list --table t --stream others").is_empty());
    assert_eq!(stack.find("list --table t --stream orders").len(), 3);
}

#[test]
fn the_list_counts_by_code_and_shows_the_newest() {
    let stack = MemoryStack::new(&[shard(48)]);
    stack.batch(&shard(48), 1, &[(RejectCode::InvalidJson, "{"), (RejectCode::InvalidJson, "[")]);
    let text = list::text(&stack.letters(), 1);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "invalid_json  orders        2  2026-01-05T09:00:00Z");
    assert!(text.contains("The newest 1 of 2 letters"), "{text}");
    assert_eq!(lines.len(), 6, "{text}");
    let json = list::json(&stack.letters());
    assert!(json.contains(r#""payload":"{""#) && json.lines().count() == 2, "{json}");
    assert_eq!(list::text(&[], 5), "no dead letter was found\n");
}

#[test]
fn what_would_be_rejected_again_or_late_is_left() {
    let stack = MemoryStack::new(&[shard(48)]);
    let payloads =
        [order("1", 5, "12"), order("2", 5, "\"many\""), order("3", 120, "3"), order("4", 5, "4")];
    let rejects: Vec<_> =
        payloads.iter().map(|payload| (RejectCode::WrongType, payload.as_str())).collect();
    stack.batch(&shard(48), 1, &rejects);
    let (text, exit) = stack.replay("left", "");
    assert!(text.starts_with("2 records would be put on the stream `orders`\n"), "{text}");
    assert!(text.contains("1 left: it is older than `deduplicate` (1h)"), "{text}");
    assert!(text.contains("1 left: it would be rejected again: "), "{text}");
    assert!(text.contains("nothing was done; add --execute"), "{text}");
    assert_eq!((exit, stack.put().len()), (Exit::No, 0));

    let (done, _) = stack.replay("left", "--execute");
    assert!(done.starts_with("2 records put on the stream `orders`\n"), "{done}");
    let mut put = stack.put();
    put.sort();
    assert_eq!(put, [payloads[0].clone(), payloads[3].clone()]);
    let (all, ended) = stack.replay("left", "--anyway");
    assert!(all.starts_with("4 records would be put"), "{all}");
    assert_eq!(ended, Exit::Fine);
}

#[test]
fn copies_of_a_record_have_one_key() {
    let stack = MemoryStack::new(&[shard(48)]);
    stack.batch(&shard(48), 1, &[(RejectCode::WrongType, &order("1", 5, "12"))]);
    stack.replay("copies", "--execute");
    stack.replay("copies", "--execute --to orders");
    let records = stack.stream.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].partition_key(), records[1].partition_key());
}

#[test]
fn what_lambda_gave_up_is_put_unless_the_log_has_it() {
    let mut stack = MemoryStack::new(&[shard(48)]);
    stack.batch(&shard(48), 1, &[]);
    stack.give_up(15, &order("in the log", 5, "1"));
    stack.give_up(25, &order("lost", 5, "2"));
    assert_eq!(codes(&stack.letters()), ["record_age_exceeded", "record_age_exceeded"]);
    let (text, exit) = stack.replay("given_up", "--execute");
    assert!(text.contains("1 left: the shard's log has it: it is counted"), "{text}");
    assert_eq!((exit, stack.put()), (Exit::No, vec![order("lost", 5, "2")]));
}

#[test]
fn only_what_is_named_is_replayed() {
    let stack = MemoryStack::new(&[shard(48)]);
    let payloads = [order("1", 5, "1"), order("2", 5, "2")];
    stack.batch(
        &shard(48),
        1,
        &payloads.each_ref().map(|payload| (RejectCode::WrongType, payload.as_str())),
    );
    let letter = stack.letters().into_iter().find(|letter| match &letter.held {
        Held::Record(held) => held.payload == payloads[1].as_bytes(),
        _ => false,
    });
    let (_, exit) = stack.replay("named", &format!("--execute {}", letter.unwrap().id));
    assert_eq!((exit, stack.put()), (Exit::Fine, vec![payloads[1].clone()]));
}

/// The letter of a point that is so many days old, which was given up for this reason.
fn point(reason: &str, days: i64) -> Letter {
    let metric = PublishedMetric {
        namespace: "Shop".to_owned(),
        name: "orders".to_owned(),
        dimensions: Vec::new(),
        unit: None,
    };
    let start = NOW.minus(days * DAY_MS);
    let point = PublishedPoint {
        metric: 0,
        series: Arc::new(SeriesKey::new([])),
        window_start: start,
        window_end: start.plus(MINUTE_MS),
        kind: PointKind::Final,
        values: Values::Count(1),
    };
    of_lane("points", reason, Undelivered::Point(Box::new(DeadPoint { metric, point })))
}

fn of_lane(lane: &str, reason: &str, held: Undelivered) -> Letter {
    let (lane, reason) = (lane.to_owned(), reason.to_owned());
    let cursor = Cursor { version: Version(3), point: 1 };
    Letter::of_lane(Partition::default(), DeadLetter { lane, at: NOW, cursor, reason, held })
}

/// The letter of a page that this lane gave up.
fn page(lane: &str) -> Letter {
    let notification = Notification {
        channel: "oncall".to_owned(),
        key: "sg/1".to_owned(),
        id: "sg/1/0".to_owned(),
        action: Action::Trigger,
        severity: Severity::Critical,
        at: NOW,
        summary: "3 rejects".to_owned(),
        description: None,
        runbook: None,
        subject: Subject::Pipeline { alert: "behind".to_owned() },
        labels: Vec::new(),
        plan: "a7".to_owned(),
    };
    of_lane(lane, TELL_UNANSWERED, Undelivered::Notification(Box::new(notification)))
}

#[test]
fn a_notification_is_shown_whole_and_not_sent_again() {
    let [one, other] = ["to/phone/+1", "to/phone/+2"].map(page);
    assert_ne!(one.id, other.id, "each receiver has one");
    assert_eq!((one.code.as_str(), one.origin.as_str()), ("unanswered", "to/phone/+1/0"));
    let shown: serde_json::Value = serde_json::from_str(&list::whole(&one)).unwrap();
    assert_eq!(shown["summary"], "3 rejects");
    assert_eq!((&shown["action"], &shown["key"]), (&"trigger".into(), &"sg/1".into()));
    let fate = Judge::new(None, None, true, NOW).judge(&one);
    assert!(
        matches!(fate, Fate::Leave(why) if why.starts_with("a notification is not sent again"))
    );
}

/// What becomes of a point: whether it is given back, or why not.
fn check_point(letter: &Letter, anyway: bool, given_back: bool, expect: Result<(), &str>) {
    let mut judge = Judge::new(None, None, anyway, NOW);
    let known = given_back.then_some(Cursor { version: Version(3), point: 1 });
    judge.know_given_back(Partition::default(), known.into_iter().collect());
    let fate = match judge.judge(letter) {
        Fate::GiveBack(..) => Ok(()),
        Fate::Leave(why) | Fate::LeaveUnlessAnyway(why) => Err(why),
        fate @ Fate::Put { .. } => panic!("{fate:?}"),
    };
    let fate = fate.map_err(|why: String| why.get(..20).unwrap().to_owned());
    assert_eq!(fate, expect.map_err(str::to_owned));
}

#[test]
fn a_point_is_given_back_if_it_surely_was_not_taken() {
    let refused = point("`x` is no value of a dimension", 1);
    assert_eq!(refused.code, LetterCode::Refused.as_str());
    check_point(&refused, false, false, Ok(()));
    check_point(&refused, true, true, Err("it was given back be"));
    let unanswered = point(UNANSWERED, 1);
    assert_eq!(unanswered.code, "unanswered");
    check_point(&unanswered, false, false, Err("it was sent once wit"));
    check_point(&unanswered, true, false, Ok(()));
    check_point(
        &point("the other end rejects it: why", 14),
        true,
        false,
        Err("it is older than 13 "),
    );
}
