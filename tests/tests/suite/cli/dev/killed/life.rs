//! One process after another on the same store.

use super::load::{About, Load, Mode, Signal};
use super::plan::{Happened, Moment};
use super::{CLIENTS, FOLLOWED, Sandbox, rules};
use crate::suite::cli::dev::served::{lines_at, until_ready};
use crate::suite::cli::dev::{Dev, terminate, typed};
use crate::suite::simulation::dice::Dice;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Scope;
use std::time::Duration;

/// The metric, and the type, of events behind which nothing comes for a while, and for good.
const SILENT: &str = "silent";
const LAST: &str = "last";

/// Something happens within this, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// All processes of a test.
pub(super) struct Lives<'l, 's> {
    sandbox: &'s Sandbox,
    load: &'l Load<'s>,
    signals: Sender<About>,
    heard: Receiver<About>,
    dice: Dice,
    /// The number of the process that runs, from 1.
    life: u64,
    /// Which text the rules have.
    is_other: bool,
    /// How many clients have ended.
    ended: usize,
    /// The last line of the followed file was counted.
    has_read_all: bool,
    /// What the process has said on standard error.
    said: Vec<String>,
}

/// What was asked in the end.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) points: Vec<String>,
    pub(super) alerts: Vec<String>,
}

/// A process, ended with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl<'l, 's> Lives<'l, 's> {
    pub(super) fn new(
        sandbox: &'s Sandbox,
        load: &'l Load<'s>,
        (signals, heard): (Sender<About>, Receiver<About>),
        dice: Dice,
    ) -> Self {
        let (life, ended, said) = (0, 0, Vec::new());
        let (is_other, has_read_all) = (false, false);
        Self { sandbox, load, signals, heard, dice, life, is_other, ended, has_read_all, said }
    }

    /// Starts a process, lets it take what comes, and kills it at a moment of the plan.
    pub(super) fn live_and_die<'c>(&mut self, scope: &'c Scope<'c, '_>, changes: bool, name: &str) {
        let mode = self.load.mode;
        let moment = Moment::draw(&self.dice, mode);
        let reloads = matches!(moment, Moment::Reloaded);
        let name = format!("{name}: {moment:?}");
        if matches!(moment, Moment::Rotated) || self.dice.below(8) == 0 {
            self.load.rotate_next();
        }
        if matches!(moment, Moment::Silent) {
            self.load.fall_silent(SILENT);
        }
        let mut new_rules = (reloads || changes).then(|| {
            self.is_other = !self.is_other;
            // Wrong ones do not get in force, and only those that run may meet them.
            let is_wrong = reloads && self.dice.below(3) == 0;
            if is_wrong { "late: never\n".to_owned() } else { rules(mode, self.is_other) }
        });
        let process = self.start(scope);
        let mut happened = Happened::default();
        while !moment.is_there(&happened) {
            let listens = self.hear(&mut happened, &name);
            if let Some(text) = new_rules.take_if(|_| listens) {
                self.sandbox.file("rules.yaml", text);
            }
        }
        drop(process);
        self.load.go_on();
        self.sandbox.file("rules.yaml", rules(mode, self.is_other));
    }

    /// Starts a process, lets it take all that is left, and stops it cleanly.
    pub(super) fn live_and_stop<'c>(&mut self, scope: &'c Scope<'c, '_>) {
        let mut process = self.start(scope);
        if self.load.mode == Mode::Clock {
            self.load.fall_silent(LAST);
            self.hear_until(|lives| lives.has_read_all);
        }
        self.load.finish();
        self.hear_until(|lives| lives.ended == CLIENTS);
        if self.load.mode != Mode::Clock {
            self.load.append_last();
            self.hear_until(|lives| lives.has_read_all);
        }
        terminate(&process.0);
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{:?}", self.said);
    }

    /// Takes note of what happens at the end.
    fn hear_until(&mut self, is_there: impl Fn(&Self) -> bool) {
        let mut happened = Happened::default();
        while !is_there(self) {
            self.hear(&mut happened, "at the end");
        }
    }

    fn start<'c>(&mut self, scope: &'c Scope<'c, '_>) -> Process {
        self.life += 1;
        self.said.clear();
        let follow = format!("--follow {FOLLOWED}");
        let follow = if self.load.mode == Mode::Clock { "" } else { &follow };
        let arguments = format!("{follow} {} --output json", self.clock());
        let mut command = self.sandbox.command(&typed(&arguments));
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let (out, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (life, signals) = (self.life, self.signals.clone());
        scope.spawn(move || read(out, life, &signals, Signal::Decided));
        let again = self.signals.clone();
        scope.spawn(move || read(errors, life, &again, Signal::Said));
        Process(child)
    }

    /// Takes note of what happens next; true: the process listens now.
    fn hear(&mut self, happened: &mut Happened, name: &str) -> bool {
        let Ok((life, signal)) = self.heard.recv_timeout(PATIENCE) else {
            panic!("{name}: nothing happens any more; {:?}", self.said);
        };
        if let Signal::Ended = signal {
            self.ended += 1;
        }
        if let Signal::Wrong(answer) = signal {
            panic!("{name}: it answered {answer}");
        }
        // A round may begin before the next process listens, so it is not known whose rotation that is.
        happened.has_rotated |= matches!(signal, Signal::Rotated);
        if life != self.life {
            return false;
        }
        match signal {
            Signal::Acknowledged => happened.acknowledged += 1,
            Signal::Written(bytes) => happened.written += bytes,
            Signal::Decided(line) => {
                happened.decided += 1;
                let is_of = |metric| line.contains(&format!("\"metric\":\"{metric}\""));
                self.has_read_all |= is_of(LAST);
                happened.closed += usize::from(is_of(SILENT));
                if is_of("lines") {
                    self.load.may_rotate();
                }
            }
            Signal::Said(line) => return self.said(line, happened),
            Signal::Broken(why) => panic!("{name}: a connection broke: {why}; {:?}", self.said),
            Signal::Silent => panic!("{name}: it ended by itself: {:?}", self.said),
            Signal::Ended | Signal::Rotated | Signal::Wrong(_) => {}
        }
        false
    }

    fn said(&mut self, line: String, happened: &mut Happened) -> bool {
        happened.has_recovered |= line.starts_with("store ");
        happened.has_reloaded |= line.contains("rules changed") || line.contains("are wrong");
        let address = line.strip_prefix("listening on http://").map(str::to_owned);
        self.said.push(line);
        let listens = address.is_some();
        if let Some(address) = address {
            self.load.listens(self.life, address);
        }
        listens
    }

    fn clock(&self) -> &'static str {
        if self.load.mode == Mode::Clock { "" } else { "--clock events" }
    }

    /// What a last process says of all that was decided.
    pub(super) fn ask(&self) -> Asked {
        let mut dev = Dev::start(self.sandbox, self.clock());
        let address = dev.address();
        until_ready(&address);
        Asked { points: lines_at(&address, "/points"), alerts: lines_at(&address, "/alerts") }
    }
}

/// Tells of each line of an output, to its end.
fn read(output: impl Read, life: u64, signals: &Sender<About>, of: impl Fn(String) -> Signal) {
    let lines = BufReader::new(output).lines().map_while(Result::ok).map(of);
    for signal in lines.chain([Signal::Silent]) {
        // Nobody listens any more when the test has failed.
        drop(signals.send((life, signal)));
    }
}
