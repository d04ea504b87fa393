//! `streamgauge send` as a user runs it, and what then stands in the stream.

use super::built::binary;
use super::{services, unique};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::Timestamp;
use streamgauge_lambda::stack::{Stack, StreamResource};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::kinesis::Client;
use streamgauge_lambda_aws::kinesis::types::ShardIteratorType;

/// A folder with events in it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(test: &str, events: &[String]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("send").join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("events.ndjson"), events.concat()).unwrap();
        Self(folder)
    }

    pub(super) fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.0.join(file)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(binary("streamgauge"));
        command.current_dir(&self.0).args(arguments.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.0.join(file);
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// What was told, if it ended so.
#[track_caller]
pub(super) fn told(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// A line with this identity and order, that happened so many milliseconds after the beginning of 2020.
pub(super) fn event(id: usize, order: usize, millis: i64) -> String {
    let time = Timestamp::from_millis(1_577_836_800_000 + millis);
    format!(
        r#"{{"id":"{id}","source":"shop","type":"order.created","time":"{time}","data":{{"order":"o{order}"}}}}"#
    ) + "\n"
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(now).unwrap())
}

/// A stream with so many shards.
async fn stream(shards: usize) -> (AwsServices, String) {
    let (services, name) = (services().await, unique("sent"));
    let stream = StreamResource { name: name.clone(), shards, retention: Duration::from_hours(24) };
    let stack = Stack { streams: vec![stream], ..Stack::default() };
    services.create_missing(&stack).await.unwrap();
    (services, name)
}

/// What stands in each shard, in order.
pub(super) async fn standing(client: &Client, stream: &str) -> BTreeMap<String, Vec<String>> {
    let listed = client.list_shards().stream_name(stream).send().await.unwrap();
    let mut standing = BTreeMap::new();
    for shard in listed.shards() {
        let open = client.get_shard_iterator().stream_name(stream).shard_id(shard.shard_id());
        let open = open.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
        let mut next = open.unwrap().shard_iterator;
        let mut lines = Vec::new();
        while let Some(iterator) = next {
            let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
            let data = read.records().iter().map(|record| record.data().as_ref().to_vec());
            lines.extend(data.map(|data| String::from_utf8(data).unwrap()));
            next = read.next_shard_iterator.filter(|_| read.millis_behind_latest != Some(0));
        }
        standing.insert(shard.shard_id().to_owned(), lines);
    }
    standing
}

#[tokio::test]
async fn ten_thousand_events_are_sent_in_order_and_kept() {
    let (services, name) = stream(4).await;
    let events: Vec<_> = (0..10_000).map(|id| event(id, id % 97, 0)).collect();
    let folder = Folder::new("ten_thousand", &events);
    let output = folder.run(&format!("send --stream {name} --keep kept.ndjson events.ndjson"));
    let text = told(&output, 0);
    assert!(text.starts_with(&format!("10000 events sent to the stream `{name}` in ")), "{text}");
    let kept = folder.lines("kept.ndjson");
    assert_eq!(kept, folder.lines("events.ndjson"));
    let mut count = 0;
    for (shard, lines) in standing(services.kinesis(), &name).await {
        let stands: BTreeSet<&String> = lines.iter().collect();
        let here: Vec<_> = kept.iter().filter(|line| stands.contains(line)).collect();
        assert!(lines.len() > 2_000, "{shard} has {}", lines.len());
        assert_eq!(here, lines.iter().collect::<Vec<_>>(), "{shard}");
        count += lines.len();
    }
    assert_eq!(count, 10_000);
}

/// Two minutes at 60 times their pace: two seconds, in which nothing else may be on time.
#[tokio::test]
async fn at_a_speed_times_are_those_of_sending_and_what_is_kept_can_be_replayed() {
    let (services, name) = stream(2).await;
    let mut events: Vec<_> =
        (0..121).map(|id| event(id, id, i64::try_from(id).unwrap() * 1_000)).collect();
    events.push(event(7, 7, 120_000));
    let folder = Folder::new("speed", &events);
    let before = now();
    let output =
        folder.run(&format!("send --stream {name} --speed 60 --keep kept.ndjson events.ndjson"));
    told(&output, 0);
    let after = now();
    assert!(after.as_millis() - before.as_millis() >= 2_000);
    let kept = folder.lines("kept.ndjson");
    let time = |line: &String| {
        let text = line.split(r#""time":""#).nth(1).unwrap().split('"').next().unwrap();
        Timestamp::parse_rfc3339(text).unwrap()
    };
    assert!(kept.is_sorted_by_key(time));
    assert!(kept.iter().all(|line| (before..=after).contains(&time(line))));
    let without = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split(r#""time":"#).next().unwrap().to_owned()).collect()
    };
    assert_eq!(without(&kept), without(&folder.lines("events.ndjson")));
    let standing: Vec<_> =
        standing(services.kinesis(), &name).await.into_values().flatten().collect();
    assert_eq!(standing.len(), kept.len());
    assert!(standing.iter().all(|line| kept.contains(line)));
    let rules = "late: drop\nmetrics: {orders: {count: type == 'order.created', window: 1d}}\n";
    fs::write(folder.0.join("rules.yaml"), rules).unwrap();
    let replayed = folder.run("replay --rules rules.yaml kept.ndjson");
    let text = told(&replayed, 0);
    assert!(
        text.contains("122 events: 121 counted, 0 filtered, 1 duplicate, 0 late, 0 rejected"),
        "{text}"
    );
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_a_wrong_argument_and_spoils_no_file() {
    services().await;
    let folder = Folder::new("absent", &[event(1, 1, 0)]);
    fs::write(folder.0.join("kept.ndjson"), "mine\n").unwrap();
    let name = unique("absent");
    let output = folder.run(&format!("send --stream {name} --keep kept.ndjson events.ndjson"));
    let text = told(&output, 2);
    assert!(text.starts_with(&format!("error: there is no stream `{name}`")), "{text}");
    assert_eq!(folder.lines("kept.ndjson"), ["mine"]);
}

#[tokio::test]
async fn an_address_without_kinesis_is_the_outside_world() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let folder = Folder::new("nobody", &[event(1, 1, 0)]);
    let output = folder.run(&format!("send --stream s --endpoint http://{address} events.ndjson"));
    let text = told(&output, 3);
    assert!(text.starts_with("error: could not describe the stream `s`\n  caused by: "), "{text}");
}

#[tokio::test]
async fn a_line_that_the_stream_would_not_take_is_left_out() {
    let (services, name) = stream(1).await;
    let events = [event(1, 1, 0), "x".repeat(1 << 20) + "\n", event(2, 2, 0)];
    let folder = Folder::new("too_large", &events);
    let output = folder.run(&format!("send --stream {name} events.ndjson"));
    let text = told(&output, 1);
    assert!(
        text.contains(
            "events.ndjson:2: too_large: 1048592 bytes with the key; the stream takes 1048576"
        ),
        "{text}"
    );
    assert!(text.contains("left out: 1 line"), "{text}");
    let standing = standing(services.kinesis(), &name).await;
    let lines: Vec<_> = standing.into_values().flatten().collect();
    assert_eq!(lines, [events[0].trim_end(), events[2].trim_end()]);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_with_what_was_sent() {
    let (services, name) = stream(1).await;
    let events: Vec<_> = (0..10_000).map(|id| event(id, id, 0)).collect();
    let folder = Folder::new("ctrl_c", &events);
    let arguments = format!("send --stream {name} --rate 50 --keep kept.ndjson events.ndjson");
    let child = folder.command(&arguments).spawn().unwrap();
    while standing(services.kinesis(), &name).await.into_values().flatten().next().is_none() {}
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let text = told(&child.wait_with_output().unwrap(), 0);
    assert!(text.starts_with("interrupted\n"), "{text}");
    let kept = folder.lines("kept.ndjson");
    assert_eq!(
        standing(services.kinesis(), &name).await.into_values().flatten().collect::<Vec<_>>(),
        kept
    );
    assert_eq!(kept, folder.lines("events.ndjson")[..kept.len()]);
}
