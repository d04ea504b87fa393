//! What the probe can be asked to do, and the two calls to the simulator that `lambda_runtime` does not make.

use crate::notes::Notes;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is to be done with a record.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What.
    pub(crate) deed: Deed,
    /// Only the first so many times that the id is met.
    pub(crate) times: Option<u64>,
}

/// Each thing that the probe can do; the module prose of `main.rs` has the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Deed {
    Succeed,
    Fail,
    Panic,
    Abort,
    Hang,
    Exit {
        #[serde(default = "one")]
        code: i32,
    },
    Sleep {
        ms: u64,
    },
    Allocate {
        mb: usize,
    },
    Print {
        text: String,
        #[serde(default = "once")]
        lines: usize,
        #[serde(default)]
        to: Output,
    },
    Point {
        name: String,
    },
    Answer {
        bytes: usize,
    },
    Reply {
        #[serde(default)]
        with: Value,
    },
    Variables,
}

/// Where lines are printed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Output {
    #[default]
    Stdout,
    Stderr,
}

const fn one() -> i32 {
    1
}

const fn once() -> usize {
    1
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let Some(fields) = value.as_object_mut() else { return Ok(Self::default()) };
        let times = fields.get("times").and_then(Value::as_u64);
        if !fields.contains_key("do") {
            return Ok(Self { deed: Deed::Succeed, times });
        }
        let deed = Deed::deserialize(value).map_err(serde::de::Error::custom)?;
        Ok(Self { deed, times })
    }
}

impl Deed {
    /// Does it. The value is what the function answers in place of its usual answer; an error is the record's failure.
    pub(crate) async fn do_it(&self, notes: &Notes) -> Result<Option<Value>, String> {
        match self {
            Self::Succeed => {}
            Self::Fail => return Err("it fails, as it was asked".to_owned()),
            Self::Panic => panic_now(),
            Self::Abort => std::process::abort(),
            Self::Hang => std::future::pending().await,
            Self::Exit { code } => exit_now(*code),
            Self::Sleep { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Self::Allocate { mb } => notes.keep_memory(*mb),
            Self::Print { text, lines, to } => print(text, *lines, *to)?,
            Self::Point { name } => ask_at_point(name).await?,
            Self::Answer { bytes } => {
                return Ok(Some(Value::String("x".repeat(bytes.saturating_sub(2)))));
            }
            Self::Reply { with } => return Ok(Some(with.clone())),
            Self::Variables => return Ok(Some(variables())),
        }
        Ok(None)
    }
}

#[expect(clippy::panic, reason = "a panic is what was asked for")]
fn panic_now() {
    panic!("it panics, as it was asked");
}

#[expect(clippy::exit, reason = "an end is what was asked for")]
fn exit_now(code: i32) {
    std::process::exit(code);
}

fn print(text: &str, lines: usize, to: Output) -> Result<(), String> {
    let text = format!("{text}\n").repeat(lines);
    let written = match to {
        Output::Stdout => std::io::stdout().lock().write_all(text.as_bytes()),
        Output::Stderr => std::io::stderr().lock().write_all(text.as_bytes()),
    };
    written.map_err(|error| format!("nothing could be printed: {error}"))
}

fn variables() -> Value {
    let mut variables: serde_json::Map<String, Value> =
        std::env::vars().map(|(name, value)| (name, Value::String(value))).collect();
    if let Ok(directory) = std::env::current_dir() {
        variables.insert("PWD".to_owned(), directory.display().to_string().into());
    }
    Value::Object(variables)
}

/// Tells the simulator that the function is at a point of its own, and goes on once it has answered.
pub(crate) async fn ask_at_point(name: &str) -> Result<(), String> {
    post(&format!("/streamgauge/point/{name}"), "").await
}

/// Tells the simulator that the start went wrong.
pub(crate) async fn tell_init_error(message: &str) -> Result<(), String> {
    let document = serde_json::json!({"errorType": "ProbeInit", "errorMessage": message});
    post("/2018-06-01/runtime/init/error", &document.to_string()).await
}

async fn post(path: &str, body: &str) -> Result<(), String> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(|error| error.to_string())?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {api}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    let mut talk = async || {
        let mut stream = TcpStream::connect(&api).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_string(&mut answer).await
    };
    talk().await.map_err(|error| format!("{path} was not answered: {error}"))?;
    let accepted = answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
    if accepted { Ok(()) } else { Err(format!("{path} was answered with: {answer}")) }
}
