//! Whole answers of the `streamgauge` command, as a user sees them.
//!
//! Each test has a folder of its own with the files it names, runs the real binary there, and compares exit code,
//! standard output and standard error with a file in `snapshots/`. `INSTA_UPDATE=always cargo test -p tests` writes these
//! files anew; read what `git diff` shows before you commit it.

mod alerts;
mod check;
mod dead_letters;
mod dev;
mod explain;
mod general;
mod input;
mod lambda;
mod lambda_runs;
mod replay;
mod report;
mod scenarios;
mod send;
mod silence;
mod walkthrough;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Rules of every kind of metric.
const RULES: &str = "\
late: correct
metrics:
  orders:
    count: type == 'order.created' || type == 'order.changed'
    dimensions: {aggregator: data.aggregator}
    window: 5m
  revenue:
    sum: data.amount
    where: type == 'order.created'
    window: 5m
  amounts:
    distribution: data.amount
    window: 1h
  customers:
    unique: data.customer
    window: 1h
  changes:
    ratio:
      part: type == 'order.changed'
      whole: type == 'order.created'
    window: 1h
  abandonment:
    journey:
      start: type == 'checkout.started'
      finish: type == 'order.created'
      key: data.order
      within: 10m
    window: 5m
";

/// Events for them: a copy, one without dimension, one that overtakes another, one that nobody wants, two late ones.
const EVENTS: &str = r#"{"type":"checkout.started","id":"1","source":"s","time":"2026-01-05T10:00:00Z","data":{"order":"o1"}}
{"type":"order.created","id":"2","source":"s","time":"2026-01-05T10:01:00.250Z","data":{"order":"o1","aggregator":"noon","amount":12.5,"customer":"c1"}}
{"type":"order.created","id":"2","source":"s","time":"2026-01-05T10:01:00.250Z","data":{"order":"o1","aggregator":"noon","amount":12.5,"customer":"c1"}}
{"type":"order.created","id":"3","source":"s","time":"2026-01-05T10:00:59Z","data":{"order":"o2","amount":0.1,"customer":"c2"}}
{"type":"page.viewed","id":"4","source":"s","time":"2026-01-05T10:02:00Z"}
{"type":"checkout.started","id":"5","source":"s","time":"2026-01-05T10:06:00Z","data":{"order":"o3"}}
{"type":"order.changed","id":"6","source":"s","time":"2026-01-05T10:07:00Z","data":{"order":"o1","aggregator":"caf\u00e9, \"x\""}}
{"type":"order.created","id":"7","source":"s","time":"2026-01-05T11:30:00Z","data":{"order":"o4","aggregator":"noon","amount":1e2,"customer":"c1"}}
{"type":"order.created","id":"8","source":"s","time":"2026-01-05T10:45:00Z","data":{"order":"o5","aggregator":"noon","amount":7,"customer":"c3"}}
{"type":"order.created","id":"9","source":"s","time":"2026-01-05T10:08:00Z","data":{"order":"o6","aggregator":"noon","amount":7,"customer":"c3"}}
"#;

/// A folder of files and the command run in it.
struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    /// An empty folder, named after the test.
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// Adds a file.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// The text of a file.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// What the command answers: `exit`, then both outputs.
    fn run(&self, arguments: &str) -> String {
        self.run_with(arguments, b"")
    }

    /// The same with something on standard input.
    fn run_with(&self, arguments: &str, stdin: &[u8]) -> String {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        // The command may answer without having read everything.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        answer(arguments, &output)
    }

    /// The command with these arguments, which are separated by spaces.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(&self.folder).args(arguments.split_whitespace());
        command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// What was typed and all that came of it.
fn answer(arguments: &str, output: &Output) -> String {
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    let mut text = format!("$ streamgauge {arguments}\nexit: {code}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.extend(["----- ", name, " -----\n", &String::from_utf8_lossy(bytes)]);
        }
    }
    text
}

/// The command, built from the sources as they are.
///
/// Cargo builds no binary of another package for a test, so the first test to come asks it to; if there is nothing to
/// build, that takes a moment.
pub(super) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/debug/deps/suite-0123456789abcdef
        let profile_folder =
            std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_path_buf();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo
            .args(["build", "--quiet", "--package", "streamgauge", "--target-dir"])
            .arg(profile_folder.parent().unwrap());
        if profile_folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(
            cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success(),
            "cargo builds the command"
        );
        profile_folder.join(format!("streamgauge{}", std::env::consts::EXE_SUFFIX))
    })
}
