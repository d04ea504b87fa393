//! The stack of `template.yaml`, run by `streamgauge lambda` with the functions' own binaries, until it is told to stop.

use super::super::built::binary;
use crate::suite::source::root;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::Timestamp;

/// The functions, by their logical ids and binaries.
const FUNCTIONS: [(&str, &str); 5] = [
    ("Aggregate", "streamgauge-aggregate"),
    ("Settle", "streamgauge-settle"),
    ("Deliver", "streamgauge-deliver"),
    ("Filter", "streamgauge-filter"),
    ("AnnounceFunction", "streamgauge-announce"),
];
/// How long nothing may be heard of a stack: a tick comes each minute, so it hangs.
const SILENCE_MAX: Duration = Duration::from_mins(5);
/// How long something may be waited for while the stack goes on: what would never come must not be waited for for ever.
const PATIENCE: Duration = Duration::from_mins(10);

/// What is run, and how.
#[derive(Debug)]
pub(super) struct Setting {
    /// For all that the run writes.
    pub(super) folder: PathBuf,
    /// Twelve digits that nobody else has: streams, tables and metrics of accounts are apart.
    pub(super) account: String,
    pub(super) template: PathBuf,
    pub(super) rules: PathBuf,
    /// Of the template, as `NAME=VALUE`.
    pub(super) parameters: Vec<String>,
    /// Of all functions, as `NAME=VALUE`.
    pub(super) variables: Vec<String>,
    /// A plan of faults, if something is to go wrong.
    pub(super) faults: Option<PathBuf>,
}

/// A stack that runs. It ends with this.
#[derive(Debug)]
pub(super) struct Stack {
    simulator: Child,
    happenings: Receiver<serde_json::Value>,
    log: PathBuf,
    course: Course,
}

/// What was seen of a run.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// How many times a process of a function was killed.
    pub(super) killed: BTreeMap<String, usize>,
    /// The other invocations that failed, but those that say that they come again: calls without an answer are usual.
    pub(super) failures: Vec<String>,
    /// The write units that each function says it has used.
    pub(super) written: BTreeMap<String, f64>,
}

/// A program, run from the root, with the variables that lead to the stand-ins.
pub(super) fn command(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs a command that has to succeed: its standard output.
pub(super) fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What time it is.
pub(super) fn now() -> Timestamp {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(passed).unwrap())
}

/// Sends lines at so many times their own pace, and keeps what was sent.
pub(super) fn send(setting: &Setting, stream: &str, speed: u32, lines: &Path) -> (Child, PathBuf) {
    let kept = lines.with_extension("kept.ndjson");
    let mut command = command(binary("streamgauge"));
    command.args(["send", "--stream", stream, "--speed", &speed.to_string(), "--rules"]);
    command.arg(&setting.rules).arg("--keep").arg(&kept).arg(lines);
    command.env("AWS_ACCESS_KEY_ID", &setting.account);
    let log = File::create(lines.with_extension("send.log")).unwrap();
    (command.stderr(log).spawn().unwrap(), kept)
}

impl Setting {
    /// Starts the stack; it makes the streams, queues and buckets that are not there.
    pub(super) fn start(&self) -> Stack {
        let variable = |name: &str| std::env::var(name).unwrap();
        let mut simulator = command(binary("streamgauge"));
        simulator.args(["lambda", "--create", "--no-memory-limit", "--output", "json"]);
        simulator.arg("--template").arg(&self.template);
        simulator.args(["--account", &self.account, "--region", &variable("AWS_REGION")]);
        simulator.args(["--endpoint", &variable("AWS_ENDPOINT_URL")]);
        simulator.arg("--endpoint");
        simulator.arg(format!("kinesis={}", variable("AWS_ENDPOINT_URL_KINESIS")));
        for (function, name) in FUNCTIONS {
            simulator.arg("--function").arg(format!("{function}={}", binary(name).display()));
        }
        simulator.arg("--env").arg(format!("STREAMGAUGE_RULES={}", self.rules.display()));
        simulator.args(["--env", "AWS_LAMBDA_LOG_FORMAT=JSON"]);
        simulator.args(self.variables.iter().flat_map(|value| ["--env", value]));
        simulator.args(self.parameters.iter().flat_map(|value| ["--parameter", value]));
        if let Some(faults) = &self.faults {
            simulator.arg("--faults").arg(faults).args(["--seed", "11"]);
        }
        simulator.stdout(Stdio::piped());
        let log = self.folder.join("simulator.log");
        simulator.stderr(File::create(&log).unwrap());
        let mut simulator = simulator.spawn().unwrap();
        let lines = BufReader::new(simulator.stdout.take().unwrap()).lines();
        let mut file = File::create(self.folder.join("simulator.ndjson")).unwrap();
        let (happened, happenings) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writeln!(file, "{line}").unwrap();
                // Nobody listens any more: the file goes on.
                drop(happened.send(serde_json::from_str(&line).unwrap()));
            }
        });
        Stack { simulator, happenings, log, course: Course::default() }
    }
}

impl Stack {
    /// What happens next.
    #[track_caller]
    fn next(&mut self) -> serde_json::Value {
        let happening = self.happenings.recv_timeout(SILENCE_MAX);
        let happening = happening.unwrap_or_else(|error| {
            panic!(
                "the simulator does not go on ({error}); what it said is in {}",
                self.log.display()
            )
        });
        self.course.add(&happening);
        happening
    }

    /// The next thing that a function says it has done: its fields.
    fn next_work(&mut self) -> serde_json::Value {
        loop {
            if let Some(work) = work(&self.next()) {
                return work;
            }
        }
    }

    /// Waits until everything up to a moment is decided.
    pub(super) fn until_decided(&mut self, moment: Timestamp) {
        loop {
            let work = self.next_work();
            let watermark = work["watermark"].as_str().map(Timestamp::parse_rfc3339);
            if work["message"] == "settled" && watermark.is_some_and(|it| it.unwrap() >= moment) {
                return;
            }
        }
    }

    /// Waits until an invocation has delivered all that it saw.
    pub(super) fn until_delivered(&mut self) {
        loop {
            let work = self.next_work();
            if work["message"] == "delivered" && work["undelivered"] == 0 {
                return;
            }
        }
    }

    /// Waits until something outside is as it should be, looking each time that the stack has done something: it ticks.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "after {waited:?} there is nothing of {what}");
            self.next_work();
        }
    }

    /// Lets it finish what it is at: the summary, and what was seen.
    pub(super) fn stop(mut self) -> (serde_json::Value, Course) {
        let mut stop = Command::new("kill");
        stop.args(["-TERM", &self.simulator.id().to_string()]);
        assert!(stop.status().unwrap().success());
        loop {
            let happening = self.next();
            if happening["kind"] == "summary" {
                return (happening, std::mem::take(&mut self.course));
            }
        }
    }
}

impl Course {
    fn add(&mut self, happening: &serde_json::Value) {
        let function = || happening["function"].as_str().unwrap().to_owned();
        if let Some(units) = work(happening).and_then(|work| work["write_units"].as_f64()) {
            *self.written.entry(function()).or_default() += units;
        }
        if happening["ending"] == "error" {
            let error = happening["error"].as_str().unwrap();
            if error.ends_with("signal: killed") {
                *self.killed.entry(function()).or_default() += 1;
            } else if !error.starts_with("Retryable: ") {
                self.failures.push(format!("{}: {error}", function()));
            }
        }
    }
}

/// What a function says it has done, if this is that: its fields.
fn work(happening: &serde_json::Value) -> Option<serde_json::Value> {
    let line: serde_json::Value = serde_json::from_str(happening["line"].as_str()?).ok()?;
    line["fields"].is_object().then(|| line["fields"].clone())
}

impl Drop for Stack {
    fn drop(&mut self) {
        // It may have ended by itself; its functions end with it.
        drop(self.simulator.kill());
        drop(self.simulator.wait());
    }
}
