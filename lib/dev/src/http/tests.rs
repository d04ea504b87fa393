//! The interface over real sockets, on a store of its own.

mod asked;
mod deployed;
mod held;
mod pushed;
mod slow;
mod told;

use super::*;
use crate::channels::Ways;
use crate::happening::Teller;
use crate::run::{By, Opened, Running};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Condvar;
use streamgauge_engine::time::SECOND_MS;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::system_clock::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

type Dev = Running<LocalStore<Gated>, Gated>;

const TOKEN: &str = "0123456789abcdef";
const RULES: &str = "
namespace: Shop
out_of_order: 0s
allowed_lateness: 0s
late: correct
deduplicate: off
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
alerts:
  any: {metric: orders, by: [], when: sum over 1m >= 1, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";
/// The time of the first event; the clock is that of the events.
const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// An order, so many seconds after the start.
fn order(seconds: i64) -> String {
    let time = START.plus(seconds * SECOND_MS);
    format!(
        r#"{{"id":"{seconds}","source":"s","type":"order","time":"{time}","data":{{"country":"AE"}}}}"#
    )
}

/// The machine's clock, which whoever commits cannot read while a test holds it: so nothing is appended.
#[derive(Clone, Debug, Default)]
struct Gated(Arc<(Mutex<bool>, Condvar)>);

impl Gated {
    fn hold(&self, is_held: bool) {
        *self.0.0.lock().unwrap() = is_held;
        self.0.1.notify_all();
    }
}

impl Clock for Gated {
    fn now(&self) -> Timestamp {
        if std::thread::current().name() == Some("commit") {
            let held = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(held, |held| *held).unwrap());
        }
        SystemClock.now()
    }
}

/// What serves, gone with this.
struct Bench {
    folder: PathBuf,
    rules: String,
    gate: Gated,
    runtime: Runtime,
    running: Option<(Dev, Serving)>,
    address: SocketAddr,
}

impl Bench {
    fn new(name: &str) -> Self {
        Self::with(name, None, Times::default())
    }

    /// One with other rules.
    fn of(name: &str, rules: &str) -> Self {
        let mut bench = Self::idle(name, rules);
        bench.start(None, Times::default());
        bench
    }

    fn with(name: &str, token: Option<&str>, times: Times) -> Self {
        let mut bench = Self::idle(name, RULES);
        bench.start(token, times);
        bench
    }

    fn idle(name: &str, rules: &str) -> Self {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("streamgauge-http-{name}-{id}"));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (rules, address) = (rules.to_owned(), ([0, 0, 0, 0], 0).into());
        Self { folder, rules, gate: Gated::default(), runtime, running: None, address }
    }

    fn start(&mut self, token: Option<&str>, times: Times) {
        let store = LocalStore::open(self.folder.join("dev.store"), self.gate.clone()).unwrap();
        let rules = RulesText { files: vec![("rules.yaml".to_owned(), self.rules.clone())] };
        let teller = Teller::new(|_| {});
        let opened = Opened::open((store, self.gate.clone()), &rules, By::Events, teller).unwrap();
        let handle = self.runtime.handle().clone();
        let dev = opened.start(Ways::none(), handle).unwrap();
        let token = token.map(|token| Token::read(token).unwrap());
        let (serving, address) = self.runtime.block_on(async {
            let (listener, address) = listen((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
            (Serving::with(&dev, listener, token, times).unwrap(), address)
        });
        (self.running, self.address) = (Some((dev, serving)), address);
    }

    fn dev(&self) -> &Dev {
        &self.running.as_ref().unwrap().0
    }

    fn stop(&mut self) {
        if let Some((dev, serving)) = self.running.take() {
            self.runtime.block_on(serving.stop());
            dev.stop().unwrap();
        }
    }

    /// Sends a request with these headers, and reads the answer to the end of the connection.
    fn ask(&self, line: &str, headers: &str, body: &str) -> Told {
        self.runtime.block_on(async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let length = body.len();
            let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
            let head = format!(
                "{line} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // Who is refused before the body is read may find the connection closed.
            drop(stream.write_all(body.as_bytes()).await);
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            Told::read(&answer)
        })
    }

    fn get(&self, path: &str) -> Told {
        self.ask(&format!("GET {path}"), "", "")
    }

    /// Begins a request.
    fn begin(&self, line: &str, headers: &str, body: &str) -> TcpStream {
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.runtime.block_on(async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream
        })
    }

    fn push(&self, lines: &[String]) -> Told {
        self.ask("POST /events", "Content-Type: application/x-ndjson\r\n", &lines.join("\n"))
    }

    /// Asks until the answer is as wanted.
    fn get_until(&self, path: &str, is_there: impl Fn(&Told) -> bool) -> Told {
        loop {
            let told = self.get(path);
            if is_there(&told) {
                return told;
            }
            let mut settled = self.dev().settled();
            let wait = async { drop(timeout(Duration::from_millis(50), settled.changed()).await) };
            self.runtime.block_on(wait);
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Told {
    fn read(answer: &[u8]) -> Self {
        let text = String::from_utf8(answer.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let head = head.to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Self { status: status.unwrap_or_default(), head, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    fn lines(&self) -> Vec<&str> {
        self.body.lines().collect()
    }
}

/// The text of chunks, as far as it came.
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap().min(rest.len());
        text.push_str(rest.get(..size).unwrap());
        body = rest.get(size + 2..).unwrap_or_default();
    }
    text
}
