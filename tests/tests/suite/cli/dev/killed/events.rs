//! The events of a round: one minute of event time.

use super::load::Mode;
use super::{CLIENTS, START};
use crate::suite::simulation::dice::Dice;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};
use streamgauge_pipeline::port::clock::Clock as _;
use streamgauge_pipeline::system_clock::SystemClock;

/// What a client pushes in one request.
#[derive(Clone, Debug)]
pub(super) struct Push {
    pub(super) id: usize,
    /// One event each, without ends of lines.
    pub(super) events: Vec<String>,
    /// How many of them are orders.
    pub(super) orders: usize,
}

/// Makes the events of rounds.
#[derive(Debug)]
pub(super) struct Maker {
    dice: Dice,
    ids: usize,
    pushes: usize,
    /// Some that were made before, to come again.
    made: Vec<String>,
    mode: Mode,
}

impl Maker {
    pub(super) fn new(dice: Dice, mode: Mode) -> Self {
        Self { dice, ids: 0, pushes: 0, made: Vec::new(), mode }
    }

    /// The pushes of a round.
    pub(super) fn pushes(&mut self, round: i64) -> Vec<Push> {
        let pushes = match (self.mode, round % 7) {
            // They are of now, so none waits for another.
            (Mode::Clock, _) => CLIENTS,
            // Some minutes are busy, so that alerts fire and resolve.
            (_, 0..2) => 14,
            _ => 6,
        };
        (0..pushes).map(|_| self.push(round)).collect()
    }

    fn push(&mut self, round: i64) -> Push {
        let id = self.pushes;
        self.pushes += 1;
        let count = match self.dice.below(4) {
            0 => 1,
            1 if self.mode != Mode::Clock => 2 + self.dice.below(60),
            _ => 2 + self.dice.below(10),
        };
        let mut push = Push { id, events: Vec::new(), orders: 0 };
        for _ in 0..count {
            let event = match self.dice.below(20) {
                0 => self.straggler(round),
                1..6 => self.in_order(round, "started", id),
                6 if self.mode != Mode::Once && !self.made.is_empty() => {
                    self.dice.one_of(&self.made).clone()
                }
                _ => {
                    push.orders += 1;
                    self.in_order(round, "order", id)
                }
            };
            push.events.push(event);
        }
        if self.dice.below(2) == 0 {
            let kept = self.dice.below(count);
            self.made.push(push.events[kept].clone());
        }
        push
    }

    /// One that is not overdue: less than two minutes before any that can have come by then. One of now may be a bit older.
    fn in_order(&mut self, round: i64, kind: &str, push: usize) -> String {
        let begin = self.begin(round);
        let time = match self.mode {
            Mode::Clock if self.dice.below(4) == 0 => begin.minus(self.dice.millis(2 * SECOND_MS)),
            Mode::Clock => begin,
            _ => begin.minus(self.dice.millis(30 * SECOND_MS)).plus(self.dice.millis(89_000)),
        };
        let customer = self.dice.below(300);
        let country = self.dice.one_of(&["AE", "EG", "KW"]);
        let data =
            format!("\"country\":\"{country}\",\"customer\":\"c{customer}\",\"push\":\"p{push}\"");
        self.event(kind, time, &data)
    }

    /// One that is late whenever it comes.
    fn straggler(&mut self, round: i64) -> String {
        let behind = 20 * MINUTE_MS + self.dice.millis(40 * MINUTE_MS);
        self.event("straggler", self.begin(round).minus(behind), "\"is\":\"late\"")
    }

    /// A push of one event of now.
    pub(super) fn alone(&mut self, kind: &str) -> Push {
        let id = self.pushes;
        self.pushes += 1;
        let event = self.event(kind, SystemClock.now(), "\"is\":\"alone\"");
        Push { id, events: vec![event], orders: 0 }
    }

    /// The lines of a round for the followed file.
    pub(super) fn lines(&mut self, round: i64) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..self.dice.below(30) {
            let time = self.begin(round).plus(self.dice.millis(MINUTE_MS));
            lines.push(self.event("line", time, "\"in\":\"file\""));
        }
        lines
    }

    /// What the followed file ends with.
    pub(super) fn last(&mut self, round: i64) -> String {
        self.event("last", self.begin(round), "\"in\":\"file\"")
    }

    /// When a round begins.
    fn begin(&self, round: i64) -> Timestamp {
        if self.mode == Mode::Clock { SystemClock.now() } else { START.plus(round * MINUTE_MS) }
    }

    fn event(&mut self, kind: &str, time: Timestamp, data: &str) -> String {
        let id = self.ids;
        self.ids += 1;
        let amount = self.dice.below(100);
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"e{id}\",\"source\":\"s\",\"type\":\"{kind}\",\"time\":\"{time}\",\"data\":{{{data},\"amount\":{amount}}}}}"
        )
    }
}

/// An event that closes all windows; no metric takes it. Identities are remembered, and late events are taken, for longer than until then.
pub(super) fn end(round: i64) -> String {
    let time = START.plus((round + 2 * 24 * 60) * MINUTE_MS);
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"end\",\"source\":\"s\",\"type\":\"end\",\"time\":\"{time}\"}}"
    )
}
