//! Runs functions: each environment is a process of the function's binary that gets its events through the Runtime API.
//!
//! ```text
//!  invoke ─> pool ──warm──> environment <─Runtime API─> process
//!              └──cold──> new environment, or `Throttled`
//! ```
//!
//! - `pool` decides which environment runs an invocation, purely.
//! - `environment` is one environment's life; `api` its HTTP; `process` and `launcher` its process; `lines` what that prints.
//! - `variables`, `report`, `ids` and `binary` say what the process is given and what is said about it, purely.
//!
//! What a process does takes real time, and so do its time-outs, however fast the simulator's clock runs.
//!
//! As on AWS, an environment runs one invocation at a time, and stays for the next one. Unlike there, it stays until the runtime
//! stops, its place is needed for another function, or something kills it.

pub(crate) mod ids;

mod api;
mod binary;
mod environment;
mod launcher;
mod lines;
mod pool;
mod process;
mod report;
mod variables;

pub use binary::BinaryError;
pub(crate) use variables::LATEST;

use crate::happening::{Happening, Observer};
use crate::interfere::{Interfere, Interference, Place, Point};
use crate::invoke::{Invocation, Invoke, Invoked, Outcome, REQUEST_BYTES_MAX, Report};
use crate::lock::lock;
use crate::stack::Function;
use environment::{Environment, Handle, Settled, Work};
use ids::Ids;
use launcher::Launcher;
use pool::{Pool, Taken};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{oneshot, watch};

/// Environments of one function at most, if nothing else is said.
pub const ENVIRONMENTS_PER_FUNCTION_MAX: u32 = 10;
/// Environments of all functions at most, if nothing else is said. AWS gives an account 1,000.
pub const ENVIRONMENTS_MAX: u32 = 64;
/// How long a start may take: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>.
pub const INIT_TIME_MAX: Duration = Duration::from_secs(10);

/// What stands between a function's name and its environment's number in a session token.
const ENVIRONMENT: &str = "-environment-";

/// How functions are run.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// The region that functions are told.
    pub region: String,
    /// The account, 12 digits. It is also the functions' access key id, which stand-ins take as the account.
    pub account: String,
    /// Environments of one function at most; its reserved concurrency may say less.
    pub environments_per_function_max: u32,
    /// Environments of all functions at most.
    pub environments_max: u32,
    /// Stop the process between invocations, as AWS does: what it does in the background then waits.
    pub freeze: bool,
    /// Kill a process that takes more memory than its function may have. Only its own memory is looked at, not that of the
    /// processes it starts, and only where there is `/proc`.
    pub enforce_memory: bool,
    /// How long a start may take.
    pub init_time_max: Duration,
    /// Variables for every function, over those of the template: `AWS_ENDPOINT_URL` for example.
    pub variables: BTreeMap<String, String>,
    /// What request ids are made of.
    pub seed: u64,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            account: "000000000000".to_owned(),
            environments_per_function_max: ENVIRONMENTS_PER_FUNCTION_MAX,
            environments_max: ENVIRONMENTS_MAX,
            freeze: false,
            enforce_memory: true,
            init_time_max: INIT_TIME_MAX,
            variables: BTreeMap::new(),
            seed: 0,
        }
    }
}

/// Why functions cannot be run.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// A binary cannot.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// The machine has no thread left.
    #[error(
        "the thread that starts processes could not be started; end other programs and try again"
    )]
    Thread(#[source] io::Error),
}

/// Whether the functions' binaries are there and can run on this machine; [`Runtime::new`] asks the same.
pub fn check(functions: &[Function]) -> Result<(), BinaryError> {
    functions.iter().try_for_each(|function| binary::check(&function.name, &function.bootstrap))
}

/// The functions of a stack, ready to be invoked. Clones are the same runtime; when the last one is dropped, all processes are
/// killed, and [`Runtime::shutdown`] also waits until they are.
#[derive(Clone, Debug)]
pub struct Runtime {
    core: Arc<Core>,
    closing: Arc<watch::Sender<bool>>,
}

/// What all environments share.
#[derive(Debug)]
pub(crate) struct Core {
    settings: RuntimeSettings,
    functions: BTreeMap<Arc<str>, Arc<Function>>,
    observer: Arc<dyn Observer>,
    interfere: Arc<dyn Interfere>,
    launcher: Launcher,
    pool: Mutex<Pool<Handle>>,
    ids: Mutex<Ids>,
    /// See [`Runtime::turns`].
    turns: AtomicU64,
    /// Named points that proxies have told of so far.
    reached: AtomicU64,
    /// Those that live, by their session tokens.
    environments: Mutex<BTreeMap<Arc<str>, Handle>>,
    closing: watch::Receiver<bool>,
}

/// The `AWS_SESSION_TOKEN` of an environment: `settle-environment-3`. Whoever sees a function's requests knows by it which one
/// sent them.
pub fn session_token(function: &str, environment: u32) -> String {
    format!("{function}{ENVIRONMENT}{environment}")
}

impl Core {
    fn fault(&self, what: String) {
        self.observer.see(Happening::Fault { what });
    }
}

impl Runtime {
    /// Checks the functions' binaries and gets ready; no process is started yet. Call it within the async runtime that the
    /// processes shall be watched by.
    pub fn new(
        functions: &[Function],
        settings: RuntimeSettings,
        observer: Arc<dyn Observer>,
        interfere: Arc<dyn Interfere>,
    ) -> Result<Self, RuntimeError> {
        check(functions)?;
        let places = functions.iter().map(|function| {
            let reserved = function.concurrency_max.unwrap_or(u32::MAX);
            (Arc::clone(&function.name), reserved.min(settings.environments_per_function_max))
        });
        let pool = Pool::new(settings.environments_max, places);
        let by_name =
            |function: &Function| (Arc::clone(&function.name), Arc::new(absolute(function)));
        let (closing, is_closing) = watch::channel(false);
        let core = Core {
            functions: functions.iter().map(by_name).collect(),
            observer,
            interfere,
            launcher: Launcher::new().map_err(RuntimeError::Thread)?,
            pool: Mutex::new(pool),
            ids: Mutex::new(Ids::new(settings.seed)),
            turns: AtomicU64::new(0),
            reached: AtomicU64::new(0),
            environments: Mutex::default(),
            closing: is_closing,
            settings,
        };
        Ok(Self { core: Arc::new(core), closing: Arc::new(closing) })
    }

    /// Kills the environment with that `AWS_SESSION_TOKEN`, whatever it does, and waits until it is dead. Answers whether there
    /// was one. Its invocation fails as if the process had been killed.
    pub async fn kill(&self, token: &str) -> bool {
        let handle = lock(&self.core.environments).get(token).cloned();
        let Some(mut handle) = handle else { return false };
        handle.end.send_replace(true);
        // The other side is dropped when it has ended, which is an error here.
        drop(handle.ended.changed().await);
        true
    }

    /// The environment with that token is at a named point, and waits there: a proxy says so of the calls that pass it, by names
    /// such as `before:DynamoDB.PutItem`. Does what the plan of faults says, and answers whether the environment was killed.
    pub async fn reach(&self, token: &str, name: &str) -> bool {
        let Some((function, _)) = token.rsplit_once(ENVIRONMENT) else { return false };
        let key = self.core.reached.fetch_add(1, Ordering::Relaxed).to_string();
        let point = Point::Named(name);
        let place = Place { point, function, mapping: "", shard: "", key: &key, attempt: 1 };
        match self.core.interfere.at(&place) {
            Interference::Kill => {
                self.core.fault(format!("`{function}` killed at `{name}`"));
                self.kill(token).await
            }
            Interference::Delay(time) => {
                self.core.fault(format!("`{function}` delayed by {time:?} at `{name}`"));
                tokio::time::sleep(time).await;
                false
            }
            _ => false,
        }
    }

    /// Counts each invocation twice, when it begins and when it has ended, those that were refused too: as long as the number
    /// stays, none has done either.
    pub(crate) fn turns(&self) -> u64 {
        self.core.turns.load(Ordering::SeqCst)
    }

    /// Kills all processes and waits until they are dead. Whatever still runs ends as [`Outcome::Unreachable`].
    pub async fn shutdown(&self) {
        self.closing.send_replace(true);
        loop {
            let next = lock(&self.core.environments).pop_first();
            let Some((_, mut handle)) = next else { break };
            drop(handle.ended.changed().await);
        }
    }

    /// Starts an environment.
    fn open(&self, function: &Arc<Function>, number: u32) -> Handle {
        let token: Arc<str> = session_token(&function.name, number).into();
        let core = Arc::clone(&self.core);
        let (environment, handle) =
            Environment::new(core, Arc::clone(function), number, Arc::clone(&token));
        lock(&self.core.environments).insert(token, handle.clone());
        tokio::spawn(environment.live());
        handle
    }

    /// Hands an invocation to an environment; gives it back if the environment ended before.
    async fn try_run(
        &self,
        function: &Arc<Function>,
        request_id: &Arc<str>,
        invocation: Invocation,
    ) -> Result<Settled, Outcome> {
        let taken = lock(&self.core.pool).take(&function.name);
        let handle = match taken {
            Taken::Warm(handle) => handle,
            Taken::Cold(number, evicted) => {
                if let Some(evicted) = evicted {
                    evicted.end.send_replace(true);
                }
                self.open(function, number)
            }
            Taken::None => return Err(Outcome::Throttled),
        };
        let (answer, settled) = oneshot::channel();
        let work = Work { invocation, request_id: Arc::clone(request_id), answer };
        match handle.work.try_send(work) {
            Ok(()) => settled.await.map_err(|_dropped| {
                Outcome::Unreachable(format!("`{}` was stopped with the simulator", function.name))
            }),
            Err(unsent) => Ok(Settled::NotRun(unsent.into_inner().invocation)),
        }
    }

    /// What an invocation of a function that is not there ends with.
    fn unknown(&self, function: &str) -> Outcome {
        let known: Vec<&str> = self.core.functions.keys().map(|name| &**name).collect();
        let known = known.join(", ");
        Outcome::Unreachable(format!("there is no function `{function}`; there are: {known}"))
    }

    /// What an invocation ends with before any environment was asked.
    async fn refused(&self, request_id: &str, invocation: &Invocation) -> Option<Outcome> {
        let function = &invocation.function;
        if invocation.payload.len() > REQUEST_BYTES_MAX {
            let why = format!(
                "the event for `{function}` has {} bytes; at most {REQUEST_BYTES_MAX} are taken",
                invocation.payload.len()
            );
            return Some(Outcome::Unreachable(why));
        }
        match self.core.interfere.at(&Place::of(invocation, request_id, Point::Asked)) {
            Interference::Throttle => {
                self.core.fault(format!("an invocation of `{function}` refused"));
                return Some(Outcome::Throttled);
            }
            Interference::Delay(time) => {
                self.core.fault(format!("an invocation of `{function}` delayed by {time:?}"));
                tokio::time::sleep(time).await;
            }
            _ => {}
        }
        None
    }

    async fn run(
        &self,
        request_id: &Arc<str>,
        mut invocation: Invocation,
    ) -> Result<Invoked, Outcome> {
        let Some(function) = self.core.functions.get(&invocation.function) else {
            return Err(self.unknown(&invocation.function));
        };
        if let Some(refused) = self.refused(request_id, &invocation).await {
            return Err(refused);
        }
        // Each turn takes an environment that has just ended out of the pool, so it ends.
        while !*self.closing.borrow() {
            match self.try_run(function, request_id, invocation).await? {
                Settled::Done(invoked) => return Ok(invoked),
                Settled::NotRun(again) => invocation = again,
            }
        }
        Err(Outcome::Unreachable(format!("`{}` was stopped with the simulator", function.name)))
    }
}

impl Invoke for Runtime {
    async fn invoke(&self, invocation: Invocation) -> Invoked {
        self.core.turns.fetch_add(1, Ordering::SeqCst);
        let request_id = lock(&self.core.ids).uuid();
        let ran = self.run(&request_id, invocation).await;
        self.core.turns.fetch_add(1, Ordering::SeqCst);
        ran.unwrap_or_else(|outcome| Invoked { request_id, outcome, report: Report::default() })
    }
}

/// A function whose binary is found from any directory.
fn absolute(function: &Function) -> Function {
    let mut function = function.clone();
    if let Ok(path) = std::path::absolute(&function.bootstrap) {
        function.bootstrap = path;
    }
    function
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::arn::Arn;
    use crate::stack::AsynchronousSettings;

    /// A function that no test starts.
    pub(crate) fn function(name: &str) -> Function {
        Function {
            name: name.into(),
            arn: Arn::function("eu-west-1", "000000000000", name),
            handler: "bootstrap".to_owned(),
            bootstrap: "/var/task/bootstrap".into(),
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            environment: BTreeMap::new(),
            concurrency_max: None,
            asynchronous: AsynchronousSettings::default(),
        }
    }
}
