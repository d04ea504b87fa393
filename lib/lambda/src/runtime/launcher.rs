//! Starts processes so that none outlives the simulator.
//!
//! Each process is killed when its environment ends, and when the simulator stops or drops it. That leaves the case that the
//! simulator itself is killed: Linux then kills a process that asked for it (`PR_SET_PDEATHSIG`), and `setpriv` of util-linux
//! asks on the behalf of a program that knows nothing of it. The kernel counts the death of the *thread* that started the
//! process, and threads of a thread pool come and go; hence one thread of our own that starts them all.
//!
//! Where there is no `setpriv`, a process that waits for an event ends by itself, since its connection breaks; one that hangs
//! or is frozen stays.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Where `setpriv` stands, if it is there.
const SETPRIV: [&str; 2] = ["/usr/bin/setpriv", "/bin/setpriv"];

/// A program to start.
#[derive(Debug)]
pub(super) struct Program {
    /// The executable.
    pub(super) path: PathBuf,
    /// The directory that it starts in.
    pub(super) directory: PathBuf,
    /// All of its environment.
    pub(super) variables: Vec<(String, String)>,
}

#[derive(Debug)]
struct Order {
    program: Program,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// The thread that starts processes. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Launcher(Sender<Order>);

impl Launcher {
    /// Starts the thread. Processes are watched by the async runtime that this is called in.
    pub(super) fn new() -> io::Result<Self> {
        let (sender, receiver) = channel();
        let runtime = Handle::current();
        let guard = SETPRIV.iter().map(Path::new).find(|path| path.is_file());
        std::thread::Builder::new()
            .name("launcher".to_owned())
            .spawn(move || work(&runtime, &receiver, guard))?;
        Ok(Self(sender))
    }

    /// Starts a program.
    pub(super) async fn launch(&self, program: Program) -> io::Result<Child> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has ended");
        self.0.send(Order { program, answer }).map_err(|_unsent| gone())?;
        answered.await.unwrap_or_else(|_closed| Err(gone()))
    }
}

fn work(runtime: &Handle, orders: &Receiver<Order>, guard: Option<&Path>) {
    let _context = runtime.enter();
    while let Ok(order) = orders.recv() {
        let started = command(order.program, guard).spawn();
        // Whoever gave up waiting gets the process back here, and dropping it kills it.
        drop(order.answer.send(started));
    }
}

fn command(program: Program, guard: Option<&Path>) -> Command {
    let mut command = match guard {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program.path);
            command
        }
        None => Command::new(program.path),
    };
    command
        .env_clear()
        .envs(program.variables)
        .current_dir(program.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what the function starts ends with it, and a Ctrl-C at a terminal does not reach it
        // before the simulator has decided what to do.
        .process_group(0)
        .kill_on_drop(true);
    command
}
