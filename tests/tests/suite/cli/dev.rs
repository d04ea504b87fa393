//! `dev` as a process: killed again and again, told by signals, by changed rules, scraped, and telling others.

mod clock;
mod deployed;
mod killed;
mod scraped;
mod served;
mod telling;

use super::Sandbox;
use insta::assert_snapshot;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use streamgauge_dev::decided;
use streamgauge_engine::hash;
use streamgauge_engine::time::Timestamp;
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::system_clock::SystemClock;

/// Without deduplication: what is counted twice shows.
const RULES: &str = "\
version: 1
late: correct
out_of_order: 1s
allowed_lateness: 1s
deduplicate: off
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
  revenue: {sum: data.amount, where: type == 'order', window: 5m}
alerts:
  rush: {metric: orders, by: [], when: sum over 1m >= 9, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";
/// How often the process is killed.
const KILLS: i64 = 5;
/// How many minutes of events come between two kills.
const MINUTES: i64 = 8;
const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// An order of a second after the start.
fn order(second: i64) -> String {
    let time = START.plus(second * 1_000);
    let country = if second % 3 == 0 { "AE" } else { "EG" };
    format!(
        "{{\"id\":\"{second}\",\"source\":\"s\",\"type\":\"order\",\"time\":\"{time}\",\"data\":{{\"country\":\"{country}\",\"amount\":{}}}}}\n",
        second % 100
    )
}

/// The orders of a minute: one each 7 seconds, and of every fourth minute more.
fn minute(minute: i64) -> String {
    let step = if minute % 4 == 3 { 5 } else { 7 };
    (minute * 60..(minute + 1) * 60).step_by(step).map(order).collect()
}

fn append(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.folder.join(name);
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// A process that runs, ended with this.
struct Dev {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Dev {
    fn start(sandbox: &Sandbox, arguments: &str) -> Self {
        Self::of(sandbox.command(&typed(arguments)))
    }

    /// One that cannot make files larger than this, in units of 512 bytes.
    fn start_within(sandbox: &Sandbox, blocks: u32, arguments: &str) -> Self {
        let plain = sandbox.command(&typed(arguments));
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        limited.arg(plain.get_program()).args(plain.get_args()).current_dir(&sandbox.folder);
        limited.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(limited)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdin, stdout, stderr }
    }

    /// The next line of standard output that contains this.
    fn out(&mut self, wanted: &str) -> String {
        line(&mut self.stdout, wanted)
    }

    /// The next line of standard error that contains this.
    fn error(&mut self, wanted: &str) -> String {
        line(&mut self.stderr, wanted)
    }

    /// Where it listens, as it says when it has started.
    fn address(&mut self) -> String {
        let told = self.error("listening on");
        told.strip_prefix("listening on http://").unwrap().to_owned()
    }

    /// Stops it as service managers do: its exit code, and what was still to be read of standard error.
    fn stop(mut self) -> (Option<i32>, String) {
        terminate(&self.child);
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// Asks a process to end, as service managers do.
fn terminate(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

impl Drop for Dev {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn typed(arguments: &str) -> String {
    format!("dev --rules rules.yaml --store dev.store --listen 127.0.0.1:0 {arguments}")
}

fn line(from: &mut impl BufRead, wanted: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(from.read_line(&mut line).unwrap() > 0, "it ended before it said `{wanted}`");
        if line.contains(wanted) {
            return line.trim_end().to_owned();
        }
    }
}

/// All points and transitions that a store has decided, as lines.
fn decided_in(sandbox: &Sandbox) -> Vec<String> {
    let store = LocalStore::open(sandbox.folder.join("dev.store"), SystemClock).unwrap();
    let mut text = Vec::new();
    let mut after = Version::START;
    loop {
        let read = block_on(decided::read(&store, after)).unwrap();
        let Some(last) = read.last() else { break };
        after = last.version;
        for decided in &read {
            let renderer = decided.renderer();
            for point in decided.points() {
                renderer.json(&point, &mut text);
            }
            for (transition, verdict) in &decided.alerts.transitions {
                renderer.alert_json(transition, verdict, &mut text);
            }
        }
    }
    let text = String::from_utf8(text).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn killed_at_any_time_it_comes_to_what_a_replay_says() {
    let sandbox = Sandbox::new("dev_killed");
    sandbox.file("rules.yaml", RULES);
    let arguments = "--follow events.ndjson --clock events --output json";
    let mut rest = String::new();
    for kill in 0..KILLS {
        let mut dev = Dev::start(&sandbox, arguments);
        for number in kill * MINUTES..(kill + 1) * MINUTES {
            // A piece ends anywhere.
            let mut text = std::mem::take(&mut rest) + &minute(number);
            let cut = usize::try_from(number * 37 % 100).unwrap();
            rest = text.split_off(text.len() - cut);
            append(&sandbox, "events.ndjson", &text);
        }
        // Not before it has decided something, and then at any time.
        for _ in 0..=kill * 2 % 7 {
            dev.out("\"point\"");
        }
    }
    let last = KILLS * MINUTES;
    let end = rest + &minute(last) + &order(1_000_000);
    append(&sandbox, "events.ndjson", &end);
    let mut dev = Dev::start(&sandbox, arguments);
    let recovered = dev.error("recovered");
    assert!(recovered.contains("followed file read up to byte "), "{recovered}");
    dev.out(&format!("\"window_start\":\"{}\"", START.plus(last * 60_000)));
    let (code, told) = dev.stop();
    assert_eq!(code, Some(0), "{told}");
    let replayed = sandbox.command("replay --rules rules.yaml --output json events.ndjson");
    let replayed = { replayed }.output().unwrap();
    let replayed = String::from_utf8(replayed.stdout).unwrap();
    let mut expect: Vec<_> =
        replayed.lines().filter(|line| !line.contains("\"summary\"")).map(str::to_owned).collect();
    expect.sort();
    assert!(expect.iter().any(|line| line.contains("\"alert\"")), "{replayed}");
    assert_eq!(decided_in(&sandbox), expect);
}

#[test]
fn rules_that_change_are_announced_and_wrong_ones_are_shown() {
    let sandbox = Sandbox::new("dev_rules");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--stdin --clock events");
    assert_eq!(dev.error("store"), "store `dev.store`: it is new");
    let mut stdin = dev.stdin.take().unwrap();
    let mut lines = String::new();
    (0..9).for_each(|second| lines.push_str(&order(second)));
    writeln!(lines, "{{").unwrap();
    stdin.write_all((lines + &order(100)).as_bytes()).unwrap();
    let fired = dev.out("firing");
    assert_eq!(
        fired,
        "2026-01-05T10:00:08Z  firing  rush: condition holds, value 9, would be sent to hook"
    );
    let rejected = dev.error("invalid_json");
    assert!(rejected.starts_with("standard input@"), "{rejected}");
    sandbox.file("rules.yaml", "late: never\n");
    dev.error("the rules were changed and are wrong; the old ones go on");
    sandbox.file("rules.yaml", RULES.replace("window: 5m", "window: 10m"));
    dev.error("rules changed");
    drop(stdin);
    dev.error("standard input has ended");
    let (code, told) = dev.stop();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told, "11 events: 10 counted, 0 filtered, 0 duplicate, 0 late, 1 rejected\n");
}

#[test]
fn channels_are_told_if_that_is_wanted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let sandbox = Sandbox::new("dev_notify");
    sandbox.file("rules.yaml", RULES.replace("http://127.0.0.1:9/", &address));
    let mut dev = Dev::start(&sandbox, "--stdin --clock events --notify");
    let lines: String = (0..9).chain([100]).map(order).collect();
    dev.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let mut request = BufReader::new(socket.try_clone().unwrap());
    let posted = line(&mut request, "POST");
    assert_eq!(posted, "POST /hook HTTP/1.1");
    socket.write_all(b"HTTP/1.1 204 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    drop((socket, request));
    let (code, told) = dev.stop();
    assert_eq!(code, Some(0), "{told}");
}

/// How many events a process said at its end that it took.
fn events(told: &str) -> usize {
    let last = told.lines().last().unwrap();
    last.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    const BAD: usize = 10_000;
    let sandbox = Sandbox::new("dev_full");
    sandbox.file("rules.yaml", RULES);
    // Rejects are kept with their payloads, and digits that do not repeat take room also when they are packed.
    let bad = (0..BAD).map(|place| {
        let digits = hash::stable(&place.to_le_bytes());
        order(1).replace("\"type\"", &format!("\"kind\":{digits},\"was\""))
    });
    append(&sandbox, "events.ndjson", &(bad.collect::<String>() + &order(1) + &order(1_000_000)));
    let arguments = "--follow events.ndjson --clock events --output json";
    let mut full = Dev::start_within(&sandbox, 300, arguments);
    let told = full.error("found no room for the store `dev.store`");
    assert!(told.ends_with("it is tried again"), "{told}");
    let (code, first) = full.stop();
    assert_eq!(code, Some(0), "{first}");
    // Otherwise what the next one is waited to say was said already.
    assert!(events(&first) < BAD, "{first}");
    let mut dev = Dev::start(&sandbox, arguments);
    dev.out("\"orders\"");
    let (ended, second) = dev.stop();
    assert_eq!(ended, Some(0), "{second}");
    assert_eq!(events(&first) + events(&second), BAD + 2);
}

#[test]
fn who_wants_it_to_end_is_heard_from_the_beginning() {
    let sandbox = Sandbox::new("dev_early");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--clock events");
    // It does not listen yet.
    dev.error("it is new");
    let (code, told) = dev.stop();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn what_cannot_be_used_is_told() {
    let sandbox = Sandbox::new("dev_wrong");
    sandbox.file("rules.yaml", RULES).file("wrong.yaml", "late: never\n");
    sandbox.file("events.ndjson", order(1));
    assert_snapshot!("help_dev", sandbox.run("dev --help"));
    assert_snapshot!("dev_open", sandbox.run("dev --rules rules.yaml --listen 0.0.0.0:0"));
    sandbox.file("token", "short");
    assert_snapshot!("dev_token", sandbox.run("dev --rules rules.yaml --token-file token"));
    assert_snapshot!("dev_wrong_rules", sandbox.run("dev --rules wrong.yaml --stdin"));
    assert_snapshot!(
        "dev_foreign",
        sandbox.run("dev --rules rules.yaml --listen 127.0.0.1:0 --store events.ndjson")
    );
    assert_snapshot!(
        "dev_no_folder",
        sandbox.run("dev --rules rules.yaml --listen 127.0.0.1:0 --store missing/dev.store")
    );
    let follow = "dev --rules rules.yaml --listen 127.0.0.1:0 --follow";
    assert_snapshot!("dev_follow_folder", sandbox.run(&format!("{follow} .")));
    assert_snapshot!("dev_follow_device", sandbox.run(&format!("{follow} /dev/null")));
    let kinesis = "dev --rules rules.yaml --kinesis orders";
    assert_snapshot!("dev_kinesis_not_built", sandbox.run(kinesis));
    assert_snapshot!("dev_kinesis_twice", sandbox.run(&format!("{kinesis} --kinesis orders")));
    assert_snapshot!("dev_kinesis_clock", sandbox.run(&format!("{kinesis} --clock events")));
    assert_snapshot!("dev_region", sandbox.run("dev --rules rules.yaml --region eu-west-1"));
    let mut dev = Dev::start(&sandbox, "--stdin");
    dev.error("it is new");
    assert_snapshot!("dev_in_use", sandbox.run(&typed("--stdin")));
}
