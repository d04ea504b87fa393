//! `streamgauge dev --kinesis` as a user runs it: killed in the middle of a stream that is split and merged.

use super::built::binary;
use super::send::{Folder, told};
use super::{services, unique};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_lambda::stack::{Stack, StreamResource};
use streamgauge_lambda_aws::AwsServices;

/// Late events become corrections, and without deduplication what is counted twice shows.
const RULES: &str = "\
late: correct
out_of_order: 1s
allowed_lateness: 1s
deduplicate: off
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
  revenue: {sum: data.amount, where: type == 'order', window: 5m}
";
/// Orders of each of the three parts of a stream's life.
const ORDERS: usize = 400;
const FIRST: &str = "shardId-000000000000";

/// The orders of a part, one a second, of the last hour: no clock takes them for events of the future.
fn orders(part: usize, ends_at: Timestamp) -> Vec<String> {
    let begins_at = ends_at.minus(60 * MINUTE_MS);
    let order = |place: usize| {
        let time = begins_at.plus(i64::try_from(place).unwrap() * 1_000);
        let country = if place.is_multiple_of(3) { "AE" } else { "EG" };
        let amount = place % 100;
        format!(
            r#"{{"id":"{place}","source":"s","type":"order","time":"{time}","data":{{"country":"{country}","amount":{amount}}}}}"#
        ) + "\n"
    };
    (part * ORDERS..(part + 1) * ORDERS).map(order).collect()
}

/// A process, ended with this as if the power had failed.
struct Dev {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
    /// What it said until it listened.
    began: String,
}

impl Dev {
    fn start(folder: &Folder, stream: &str) -> Self {
        let arguments = format!(
            "dev --rules rules.yaml --store dev.store --listen 127.0.0.1:0 --kinesis {stream}"
        );
        let mut dev = Self::of(folder.command(&arguments).spawn().unwrap());
        while dev.address.is_empty() {
            let mut line = String::new();
            assert!(dev.stderr.read_line(&mut line).unwrap() > 0, "it ended: {}", dev.began);
            if let Some(address) = line.trim_end().strip_prefix("listening on http://") {
                address.clone_into(&mut dev.address);
            }
            dev.began.push_str(&line);
        }
        dev
    }

    fn of(mut child: Child) -> Self {
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, address: String::new(), began: String::new() }
    }

    /// Its points, merged: a correction is of the same window.
    fn points(&self) -> Sums {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head =
            format!("GET /points HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        sums(&answer)
    }

    /// Waits until so many orders are decided.
    fn until(&self, orders: usize) {
        while counted(&self.points()) < orders {}
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as service managers do: what was still to be read of standard error.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        let stopped = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(stopped.unwrap().success());
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{rest}");
        rest
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// By metric, dimensions and window: how many values there were, and their sum.
type Sums = BTreeMap<(String, String, String), (u64, f64)>;

/// The points among lines, merged.
fn sums(lines: &str) -> Sums {
    let mut sums = Sums::new();
    for line in lines.lines().filter(|line| line.starts_with("{\"kind\":\"point\"")) {
        let point: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| point[name].to_string();
        let key = (text("metric"), text("dimensions"), text("window_start"));
        let (count, sum) = sums.entry(key).or_default();
        *count += point["count"].as_u64().unwrap();
        *sum += point["sum"].as_f64().unwrap();
    }
    sums
}

fn counted(sums: &Sums) -> usize {
    let orders = sums.iter().filter(|((metric, ..), _)| metric == "\"orders\"");
    orders.map(|(_, (count, _))| usize::try_from(*count).unwrap()).sum()
}

/// A stream with one shard, once the program is built: an idle connection is not kept for so long.
async fn stream() -> (AwsServices, String) {
    binary("streamgauge");
    let (services, name) = (services().await, unique("polled"));
    let stream =
        StreamResource { name: name.clone(), shards: 1, retention: Duration::from_hours(24) };
    let stack = Stack { streams: vec![stream], ..Stack::default() };
    services.create_missing(&stack).await.unwrap();
    (services, name)
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(now).unwrap())
}

/// Sends the orders of a part.
fn send(folder: &Folder, stream: &str, part: usize) {
    told(&folder.run(&format!("send --stream {stream} part{part}.ndjson")), 0);
}

#[tokio::test]
async fn killed_while_the_stream_is_split_and_merged_it_comes_to_what_a_replay_says() {
    let (services, name) = stream().await;
    let folder = Folder::new("polled", &[]);
    folder.write("rules.yaml", RULES);
    let ends_at = now();
    let mut all = String::new();
    for part in 0..3 {
        let part_of = orders(part, ends_at).concat();
        all.push_str(&part_of);
        folder.write(&format!("part{part}.ndjson"), &part_of);
    }
    // It takes nothing, and lets a replay end all windows.
    let end = format!(r#"{{"id":"end","source":"s","type":"end","time":"{ends_at}"}}"#);
    folder.write("all.ndjson", &(all + &end + "\n"));

    send(&folder, &name, 0);
    let first = Dev::start(&folder, &name);
    let began = format!("note: the stream `{name}` has 1 shard, 0 of which read before\n");
    assert!(first.began.contains(&began), "{}", first.began);
    first.until(1);
    first.kill();

    let kinesis = services.kinesis();
    let split = kinesis.split_shard().stream_name(&name).shard_to_split(FIRST);
    split.new_starting_hash_key((1_u128 << 127).to_string()).send().await.unwrap();
    services.until_active(&name).await.unwrap();
    let second = Dev::start(&folder, &name);
    let goes_on = format!("note: the stream `{name}` has 3 shards, 1 of which read before\n");
    assert!(second.began.contains(&goes_on), "{}", second.began);
    send(&folder, &name, 1);
    second.until(ORDERS + 1);
    let merge = kinesis.merge_shards().stream_name(&name).shard_to_merge("shardId-000000000001");
    merge.adjacent_shard_to_merge("shardId-000000000002").send().await.unwrap();
    services.until_active(&name).await.unwrap();
    second.kill();

    send(&folder, &name, 2);
    let third = Dev::start(&folder, &name);
    third.until(3 * ORDERS);
    let replay = "replay --rules rules.yaml --output json all.ndjson";
    let replayed = String::from_utf8(folder.run(replay).stdout).unwrap();
    let expect = sums(&replayed);
    assert_eq!(counted(&expect), 3 * ORDERS);
    assert_eq!(third.points(), expect);
    let rest = third.stop();
    assert!(rest.contains(" 0 rejected"), "{rest}");
}

#[tokio::test]
async fn what_came_before_the_store_was_made_can_be_left_out() {
    let (_, name) = stream().await;
    let folder = Folder::new("polled_latest", &[]);
    folder.write("rules.yaml", RULES);
    let ends_at = now();
    for part in 0..2 {
        folder.write(&format!("part{part}.ndjson"), &orders(part, ends_at).concat());
    }
    send(&folder, &name, 0);
    let latest = format!("{name} --kinesis-from latest");
    Dev::start(&folder, &latest).kill();
    send(&folder, &name, 1);
    let dev = Dev::start(&folder, &latest);
    dev.until(ORDERS);
    assert_eq!(counted(&dev.points()), ORDERS);
    let rest = dev.stop();
    assert!(rest.contains("400 events: 400 counted"), "{rest}");
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_a_wrong_argument_and_nobody_who_answers_is_the_outside_world()
 {
    services().await;
    let folder = Folder::new("polled_absent", &[]);
    folder.write("rules.yaml", RULES);
    let name = unique("absent");
    let dev = "dev --rules rules.yaml --listen 127.0.0.1:0 --kinesis";
    let text = told(&folder.run(&format!("{dev} {name}")), 2);
    let expect = format!(
        "error: could not read the stream `{name}`\n  caused by: there is no such stream\n"
    );
    assert!(text.starts_with(&expect), "{text}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let unasked = told(&folder.run(&format!("{dev} s --endpoint http://{address}")), 3);
    assert!(
        unasked.starts_with(
            "error: could not read the stream `s`\n  caused by: it could not be asked"
        ),
        "{unasked}"
    );
    assert!(
        unasked.contains("hint: check the credentials, --endpoint, and the permissions"),
        "{unasked}"
    );
}
