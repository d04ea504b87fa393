//! Functions in real processes: the probe, and shell scripts where the test itself plays the runtime. Each test has a folder,
//! a runtime and an observer of its own.

mod asynchronous;
mod environments;
mod failures;
mod faults;
mod invoke_api;
mod runtime_api;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::{Embedded, EmbeddedSettings};
use streamgauge_lambda::happening::{Happening, Observer};
use streamgauge_lambda::interfere::{Harmless, Interfere, Interference, Place};
use streamgauge_lambda::invoke::{Cause, FunctionError, Invocation, Invoke, Invoked, Outcome};
use streamgauge_lambda::runtime::{Runtime, RuntimeSettings};
use streamgauge_lambda::stack::{AsynchronousSettings, Function, Stack};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Remembers what happened, and wakes who waits for it.
#[derive(Debug, Default)]
struct Seen {
    all: Mutex<Vec<Happening>>,
    new: Notify,
}

impl Observer for Seen {
    fn see(&self, happening: Happening) {
        self.all.lock().unwrap().push(happening);
        self.new.notify_waiters();
    }
}

impl Seen {
    fn observer(self: &Arc<Self>) -> Arc<dyn Observer> {
        Arc::<Self>::clone(self)
    }

    /// What happened, picked out.
    fn pick<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> Vec<T> {
        self.all.lock().unwrap().iter().filter_map(pick).collect()
    }

    /// Waits until something has happened.
    async fn wait<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> T {
        loop {
            let mut new = std::pin::pin!(self.new.notified());
            new.as_mut().enable();
            if let Some(found) = self.pick(&pick).into_iter().next() {
                return found;
            }
            new.await;
        }
    }

    /// The log's lines, each with its request id.
    fn log(&self) -> Vec<(Option<String>, String)> {
        self.pick(|happening| match happening {
            Happening::Log { request_id, line, .. } => {
                Some((request_id.as_ref().map(ToString::to_string), line.clone()))
            }
            _ => None,
        })
    }

    /// Waits for a line of the log that begins so.
    async fn line(&self, beginning: &str) -> String {
        self.wait(|happening| match happening {
            Happening::Log { line, .. } if line.starts_with(beginning) => Some(line.clone()),
            _ => None,
        })
        .await
    }

    /// What was done on purpose.
    fn faults(&self) -> Vec<String> {
        self.pick(|happening| match happening {
            Happening::Fault { what } => Some(what.clone()),
            _ => None,
        })
    }
}

/// Interferes as a test says.
pub(super) struct Plan<F>(pub(super) F);

impl<F> std::fmt::Debug for Plan<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Plan")
    }
}

impl<F: Fn(&Place<'_>) -> Interference + Send + Sync> Interfere for Plan<F> {
    fn at(&self, place: &Place<'_>) -> Interference {
        (self.0)(place)
    }
}

/// A folder that is removed at the end.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir()
            .join(format!("streamgauge-runtime-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays is the system's to clean up.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A runtime under test, before it runs.
struct Bench {
    folder: Folder,
    function: Function,
    settings: RuntimeSettings,
    interfere: Arc<dyn Interfere>,
}

impl Bench {
    /// With the probe as the function `probe`.
    fn new() -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_probe")))
    }

    /// With a shell script as the function, which prints where its Runtime API is and then waits.
    fn silent() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let mut bench = Self::new();
        let script = bench.folder.0.join("bootstrap");
        std::fs::write(&script, "#!/bin/sh\necho api $AWS_LAMBDA_RUNTIME_API\nexec sleep 60\n")
            .unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        bench.function.bootstrap = script;
        bench
    }

    fn of(bootstrap: &Path) -> Self {
        let folder = Folder::new();
        let counts = folder.text("counts");
        let function = Function {
            name: "probe".into(),
            arn: Arn::function("eu-west-1", "000000000000", "probe"),
            handler: "bootstrap".to_owned(),
            bootstrap: bootstrap.to_owned(),
            memory_mb: 128,
            timeout: Duration::from_secs(30),
            environment: BTreeMap::from([("PROBE_COUNTS".to_owned(), counts)]),
            concurrency_max: None,
            asynchronous: AsynchronousSettings::default(),
        };
        Self {
            folder,
            function,
            settings: RuntimeSettings::default(),
            interfere: Arc::new(Harmless),
        }
    }

    /// With a variable of the function's.
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.function.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the function's time-out, of one second: time-outs are real time.
    fn short(mut self) -> Self {
        self.function.timeout = Duration::from_secs(1);
        self
    }

    fn settings(mut self, change: impl FnOnce(&mut RuntimeSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    fn function(mut self, change: impl FnOnce(&mut Function)) -> Self {
        change(&mut self.function);
        self
    }

    fn interfere(
        mut self,
        plan: impl Fn(&Place<'_>) -> Interference + Send + Sync + 'static,
    ) -> Self {
        self.interfere = Arc::new(Plan(plan));
        self
    }

    fn start(self) -> Stand {
        let seen = Arc::new(Seen::default());
        let functions = std::slice::from_ref(&self.function);
        let runtime =
            Runtime::new(functions, self.settings, seen.observer(), self.interfere).unwrap();
        Stand { runtime, seen, folder: self.folder, function: self.function }
    }
}

/// Services in this process. With a folder, buckets are folders in it.
fn services(clock: &Clock, folder: Option<&Folder>) -> Embedded {
    let [region, account] = ["eu-west-1", "000000000000"].map(str::to_owned);
    let folder = folder.map(|folder| folder.0.clone());
    let settings = EmbeddedSettings { clock: clock.clone(), seed: 1, region, account, folder };
    Embedded::new(&Stack::default(), settings)
}

/// A runtime under test.
struct Stand {
    runtime: Runtime,
    seen: Arc<Seen>,
    folder: Folder,
    function: Function,
}

/// An invocation of the probe.
fn invocation(payload: &str) -> Invocation {
    Invocation {
        function: "probe".into(),
        payload: payload.to_owned().into(),
        cause: Cause::Direct,
    }
}

impl Stand {
    async fn invoke(&self, payload: &str) -> Invoked {
        self.runtime.invoke(invocation(payload)).await
    }

    /// The document that the function answers.
    async fn answer(&self, payload: &str) -> Value {
        match self.invoke(payload).await.outcome {
            Outcome::Answered(body) => serde_json::from_slice(&body).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The error that the function ends with.
    async fn error(&self, payload: &str) -> (Invoked, FunctionError) {
        let invoked = self.invoke(payload).await;
        match invoked.outcome.clone() {
            Outcome::Failed(error) => (invoked, error),
            other => panic!("{other:?}"),
        }
    }

    /// An invocation that goes on while the test does.
    fn invoke_meanwhile(&self, payload: &str) -> tokio::task::JoinHandle<Invoked> {
        let (runtime, payload) = (self.runtime.clone(), payload.to_owned());
        tokio::spawn(async move { runtime.invoke(invocation(&payload)).await })
    }
}

/// One HTTP request, and the status and body of its answer; nothing if the connection was closed without one.
async fn http(
    address: &str,
    request: &str,
    headers: &str,
    body: &[u8],
) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (told, document) = answer.split_once("\r\n\r\n")?;
    let status = told.split(' ').nth(1)?.parse().unwrap();
    Some((status, told.to_owned(), document.to_owned()))
}

/// Whether a process runs.
fn is_alive(process: &Value) -> bool {
    let ended = std::process::Command::new("kill").args(["-0", &process.to_string()]).output();
    ended.unwrap().status.success()
}
