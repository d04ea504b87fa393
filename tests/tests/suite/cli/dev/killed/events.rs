//! The events of a round: one minute of event time.

use super::START;
use crate::suite::simulation::dice::Dice;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};

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
    has_copies: bool,
}

impl Maker {
    pub(super) fn new(dice: Dice, has_copies: bool) -> Self {
        Self { dice, ids: 0, pushes: 0, made: Vec::new(), has_copies }
    }

    /// The pushes of a round.
    pub(super) fn pushes(&mut self, round: i64) -> Vec<Push> {
        // Some minutes are busy, so that alerts fire and resolve.
        let pushes = if round % 7 < 2 { 14 } else { 6 };
        (0..pushes).map(|_| self.push(round)).collect()
    }

    fn push(&mut self, round: i64) -> Push {
        let id = self.pushes;
        self.pushes += 1;
        let count = match self.dice.below(4) {
            0 => 1,
            1 => 2 + self.dice.below(60),
            _ => 2 + self.dice.below(10),
        };
        let mut push = Push { id, events: Vec::new(), orders: 0 };
        for _ in 0..count {
            let event = match self.dice.below(20) {
                0 => self.straggler(round),
                1..6 => self.in_order(round, "started", id),
                6 if self.has_copies && !self.made.is_empty() => {
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

    /// One that is not overdue: less than two minutes before any that can have come by then.
    fn in_order(&mut self, round: i64, kind: &str, push: usize) -> String {
        let time = round * MINUTE_MS - self.dice.millis(30 * SECOND_MS) + self.dice.millis(89_000);
        let customer = self.dice.below(300);
        let country = self.dice.one_of(&["AE", "EG", "KW"]);
        let data =
            format!("\"country\":\"{country}\",\"customer\":\"c{customer}\",\"push\":\"p{push}\"");
        self.event(kind, time, &data)
    }

    /// One that is late whenever it comes.
    fn straggler(&mut self, round: i64) -> String {
        let behind = 20 * MINUTE_MS + self.dice.millis(40 * MINUTE_MS);
        self.event("straggler", round * MINUTE_MS - behind, "\"is\":\"late\"")
    }

    /// The lines of a round for the followed file.
    pub(super) fn lines(&mut self, round: i64) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..self.dice.below(30) {
            let time = round * MINUTE_MS + self.dice.millis(MINUTE_MS);
            lines.push(self.event("line", time, "\"in\":\"file\""));
        }
        lines
    }

    /// What the followed file ends with.
    pub(super) fn last(&mut self, round: i64) -> String {
        self.event("last", round * MINUTE_MS, "\"in\":\"file\"")
    }

    fn event(&mut self, kind: &str, after_start: i64, data: &str) -> String {
        let (id, time) = (self.ids, START.plus(after_start));
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
