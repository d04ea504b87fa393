//! Who pushes what: rounds of pushes, of which each begins when the one before is answered, and lines for the followed file.

use super::events::{Maker, Push, end};
use super::{FOLLOWED, Sandbox, append};
use crate::suite::simulation::dice::Dice;
use std::collections::VecDeque;
use std::fs;
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard};

/// What becomes of a push without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is sent again, with the same identities, until it is acknowledged. Others push copies too.
    Again,
    /// It was sent once, and nobody knows.
    Once,
    /// As `Again`, with events of now: time passes by the machine's clock, and no file is followed.
    Clock,
}

/// What happens, for whoever kills.
#[derive(Debug)]
pub(super) enum Signal {
    /// A push was answered with 202.
    Acknowledged,
    /// So many bytes of a request were written.
    Written(usize),
    /// A connection broke or could not be made.
    Broken(String),
    /// Something was answered that should not be.
    Wrong(String),
    /// A client has nothing more to push.
    Ended,
    /// The followed file was renamed.
    Rotated,
    /// A line of standard output.
    Decided(String),
    /// A line of standard error.
    Said(String),
    /// An output has ended.
    Silent,
}

/// Which process it is about, by its number, and what.
pub(super) type About = (u64, Signal);

/// All that is pushed.
pub(super) struct Load<'s> {
    pub(super) mode: Mode,
    sandbox: &'s Sandbox,
    signals: Sender<About>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    maker: Maker,
    dice: Dice,
    round: i64,
    waiting: VecDeque<Push>,
    on_their_way: usize,
    /// The process that listens, and where.
    listens: Option<(u64, String)>,
    /// Lines that the followed file has, and what of them is not written yet.
    lines: Vec<String>,
    rest: String,
    rotations: usize,
    wants_rotation: bool,
    may_rotate: bool,
    pushing: Pushing,
    /// Pushes that were made before everybody fell silent, and come after that.
    held_back: Vec<Push>,
    course: Course,
    acknowledged: Vec<Push>,
    unanswered: Vec<Push>,
}

/// Whether rounds follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    GoesOn,
    LastRound,
    Over,
}

/// Whether rounds are pushed, while they follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pushing {
    Rounds,
    /// Not after an event of this type.
    Last(&'static str),
    Nothing,
}

/// What has come of the load.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) acknowledged: Vec<Push>,
    pub(super) unanswered: Vec<Push>,
    pub(super) lines: Vec<String>,
    pub(super) rounds: i64,
}

/// Ends a load when it goes out of scope.
pub(super) struct OverAtTheEnd<'l, 's>(&'l Load<'s>);

impl Drop for OverAtTheEnd<'_, '_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            state.course = Course::Over;
        }
        self.0.changed.notify_all();
    }
}

impl<'s> Load<'s> {
    pub(super) fn new(
        mode: Mode,
        dice: Dice,
        sandbox: &'s Sandbox,
        signals: Sender<About>,
    ) -> Self {
        let state = State {
            maker: Maker::new(dice.clone(), mode),
            dice,
            round: 0,
            waiting: VecDeque::new(),
            on_their_way: 0,
            listens: None,
            lines: Vec::new(),
            rest: String::new(),
            rotations: 0,
            wants_rotation: false,
            may_rotate: false,
            pushing: Pushing::Rounds,
            held_back: Vec::new(),
            course: Course::GoesOn,
            acknowledged: Vec::new(),
            unanswered: Vec::new(),
        };
        Self { mode, sandbox, signals, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.changed.wait(state).unwrap()
    }

    pub(super) fn over_at_the_end(&self) -> OverAtTheEnd<'_, 's> {
        OverAtTheEnd(self)
    }

    pub(super) fn tell(&self, life: u64, signal: Signal) {
        // Nobody listens any more when the test has failed.
        drop(self.signals.send((life, signal)));
    }

    /// The next push; absent: there are no more.
    pub(super) fn next(&self) -> Option<Push> {
        let mut state = self.state();
        loop {
            if state.course == Course::Over {
                return None;
            }
            if let Some(push) = state.waiting.pop_front() {
                state.on_their_way += 1;
                return Some(push);
            }
            if state.on_their_way > 0 {
                state = self.wait(state);
                continue;
            }
            match (state.course, state.pushing) {
                (Course::LastRound, _) => state.course = Course::Over,
                (_, Pushing::Rounds) => self.begin_round(&mut state),
                (_, Pushing::Last(kind)) => {
                    let round = state.round;
                    state.held_back = state.maker.pushes(round);
                    let push = state.maker.alone(kind);
                    state.waiting.push_back(push);
                    state.pushing = Pushing::Nothing;
                }
                (_, Pushing::Nothing) => {
                    state = self.wait(state);
                    continue;
                }
            }
            self.changed.notify_all();
        }
    }

    fn begin_round(&self, state: &mut State) {
        state.round += 1;
        let round = state.round;
        state.waiting = state.maker.pushes(round).into();
        if state.may_rotate && std::mem::take(&mut state.wants_rotation) {
            self.rotate(state);
        }
        if self.mode == Mode::Clock {
            return;
        }
        let lines = state.maker.lines(round);
        let mut text = std::mem::take(&mut state.rest);
        text.extend(lines.iter().map(|line| format!("{line}\n")));
        state.lines.extend(lines);
        // A piece ends anywhere; a rotated file ends with a whole line.
        state.rest = text.split_off(text.len() - state.dice.below(text.len().min(200) + 1));
        append(self.sandbox, FOLLOWED, &text);
    }

    fn rotate(&self, state: &mut State) {
        append(self.sandbox, FOLLOWED, &std::mem::take(&mut state.rest));
        state.rotations += 1;
        let folder = &self.sandbox.folder;
        let renamed = format!("{FOLLOWED}.{:04}", state.rotations);
        fs::rename(folder.join(FOLLOWED), folder.join(renamed)).unwrap();
        let life = state.listens.as_ref().map_or(0, |(life, _)| *life);
        self.tell(life, Signal::Rotated);
    }

    /// The followed file is renamed when the next round begins, or as soon as something of it was read: before that, nobody could know
    /// that it belongs to what comes then.
    pub(super) fn rotate_next(&self) {
        self.state().wants_rotation = true;
    }

    pub(super) fn may_rotate(&self) {
        self.state().may_rotate = true;
    }

    /// Behind what has begun comes an event of this type, and then nothing.
    pub(super) fn fall_silent(&self, kind: &'static str) {
        self.state().pushing = Pushing::Last(kind);
    }

    /// Rounds are pushed again, and before them what was held back. The windows of that were closed by silence alone.
    pub(super) fn go_on(&self) {
        let mut state = self.state();
        state.pushing = Pushing::Rounds;
        let held_back = std::mem::take(&mut state.held_back);
        state.waiting.extend(held_back);
        self.changed.notify_all();
    }

    /// A push was answered, or will not be.
    pub(super) fn done(&self, push: Push, is_acknowledged: bool) {
        let mut state = self.state();
        state.on_their_way -= 1;
        if is_acknowledged { &mut state.acknowledged } else { &mut state.unanswered }.push(push);
        self.changed.notify_all();
    }

    /// Where a process listens, of a higher number than this; absent: none will.
    pub(super) fn listens_after(&self, life: u64) -> Option<(u64, String)> {
        let mut state = self.state();
        loop {
            if state.course == Course::Over {
                return None;
            }
            match &state.listens {
                Some(listens) if listens.0 > life => return Some(listens.clone()),
                _ => state = self.wait(state),
            }
        }
    }

    pub(super) fn listens(&self, life: u64, address: String) {
        self.state().listens = Some((life, address));
        self.changed.notify_all();
    }

    /// When what has begun is answered, there is no more.
    pub(super) fn finish(&self) {
        self.state().course = Course::LastRound;
        self.changed.notify_all();
    }

    /// Appends what is left for the followed file, and what it ends with. All pushes are answered, and all of the file comes before its
    /// end: what closes the windows comes last.
    pub(super) fn append_last(&self) {
        let mut state = self.state();
        let round = state.round;
        let ends = [state.maker.last(round), end(round)];
        let text = std::mem::take(&mut state.rest) + &ends.join("\n") + "\n";
        state.lines.extend(ends);
        append(self.sandbox, FOLLOWED, &text);
    }

    pub(super) fn sent(&self) -> Sent {
        let mut state = self.state();
        Sent {
            acknowledged: std::mem::take(&mut state.acknowledged),
            unanswered: std::mem::take(&mut state.unanswered),
            lines: std::mem::take(&mut state.lines),
            rounds: state.round,
        }
    }
}
