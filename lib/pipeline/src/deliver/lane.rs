//! How far a lane is, and what is to be done next: pure decisions, and the register that they are made from.
//!
//! ```text
//!            mark: cursor 3/0, sending until 3/9        done: cursor 3/9
//!  nothing ───────────────► sending ─┬─ Delivered ───► nothing (the next mark says it too)
//!                                    ├─ Retry ───────► backs off until `retry_at`
//!                                    ├─ Rejected ────► suspects the points, and sends half of them
//!                                    └─ no answer ───► asks after 5 minutes ─┬─ taken ─────► as delivered
//!                                                                            └─ not taken ─► nothing, or dead letters
//! ```
//!
//! While a lane is *sending*, nobody but the invocation that the register names touches it before its deadline, which no call
//! outlives. All that is known of the call is in the register, so whoever comes after a crash decides as its maker would have.

mod codec;

use super::channels::LanesIndex;
use super::failing::Failing;
use crate::port::Partition;
use crate::port::log::Version;
use crate::port::points::{READ_BACK_MS, Receipt};
use std::collections::BTreeMap;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, Timestamp};

/// The oldest point that is sent again after nobody knows whether it was taken, in milliseconds. Older ones are read back late
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>).
pub const RESEND_AGE_MS_MAX: Millis = 3 * HOUR_MS;
/// How long points are retried, in milliseconds; after two weeks `CloudWatch` refuses them.
pub const GIVE_UP_MS: Millis = 13 * DAY_MS;
/// The reason of a dead letter that was retried for so long.
pub const GIVEN_UP: &str = "it was retried for 13 days and not taken";
/// The reason of a dead letter whose call had no answer.
pub const UNANSWERED: &str = "no answer came, and it is too old to be sent again";
/// How the reason of a dead letter that the other end rejects begins.
pub const REJECTED: &str = "the other end rejects it: ";

/// A place in a settle log: before the point with this number of the entry with this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The entry.
    pub version: Version,
    /// The point's place in its publication.
    pub point: u32,
}

impl Cursor {
    /// Before all points of an entry.
    pub const fn before(version: Version) -> Self {
        Self { version, point: 0 }
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { version: self.version, point: self.point.saturating_add(1) }
    }
}

/// The register of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Everything before it is done: delivered, or in the dead letters.
    pub cursor: Cursor,
    /// The call that is being made, or of which no answer has come.
    pub sending: Option<Sending>,
    /// Points from the cursor on that are done but for the dead letters among them.
    pub burying: Option<Burial>,
    /// Of the points between the cursor and here one or more were rejected.
    pub suspect: Option<Cursor>,
    /// Calls in a row that were not taken.
    pub failing: Failing,
    /// The minute of the receipts; it never goes back, whatever clocks do.
    pub minute: Timestamp,
    /// How many calls were taken in that minute, per namespace.
    pub receipts: BTreeMap<String, u32>,
    /// The last entry of the dead letters that the lane knows.
    pub letters: Version,
    /// Up to where the lanes of channels are done: it stands here since this register is written anyway.
    pub channels: LanesIndex,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            cursor: Cursor::before(Version::START.next()),
            sending: None,
            burying: None,
            suspect: None,
            failing: Failing::default(),
            minute: Timestamp::EPOCH,
            receipts: BTreeMap::new(),
            letters: Version::START,
            channels: LanesIndex::default(),
        }
    }
}

/// A call between its mark and its outcome. It holds the points from the lane's cursor on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The first point that it does not hold.
    pub until: Cursor,
    /// How many points it puts.
    pub points: u64,
    /// Points among them that can never be sent, and why: dead letters once the call is done.
    pub refused: Vec<(Cursor, String)>,
    /// How it can be found again.
    pub receipt: Receipt,
    /// Who makes it.
    pub invocation: String,
    /// It has ended by then, with an answer or without.
    pub deadline: Timestamp,
    /// The clock just before the mark.
    pub sent_at: Timestamp,
    /// The stamp of its oldest point.
    pub oldest: Timestamp,
}

impl Sending {
    /// When it can be asked whether it was taken.
    pub fn ask_at(&self) -> Timestamp {
        self.sent_at.plus(READ_BACK_MS)
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another invocation sends.
    Leave,
    /// Nothing before this moment.
    Wait(Timestamp),
    /// To ask whether the call with this receipt was taken.
    Ask(Receipt),
    /// To append dead letters, once the register says which.
    Bury,
    /// To send what waits.
    Send,
}

/// Points whose fate is decided: what is to be a dead letter will not be sent again, whoever comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burial {
    /// The first point after them.
    pub until: Cursor,
    /// Which of them are dead letters.
    pub dead: Dead,
}

/// What of the points that the lane passes goes to the dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dead {
    /// These, and why.
    pub refused: Vec<(Cursor, String)>,
    /// All others too, for this reason.
    pub rest: Option<String>,
}

impl Lane {
    /// What is to be done next.
    pub fn step(&self, now: Timestamp, invocation: &str) -> Step {
        let Some(sending) = &self.sending else {
            return match self.failing.retry_at {
                _ if self.burying.is_some() => Step::Bury,
                Some(retry_at) if now < retry_at => Step::Wait(retry_at),
                _ => Step::Send,
            };
        };
        if sending.invocation != invocation && now < sending.deadline {
            Step::Leave
        } else if now < sending.ask_at() {
            Step::Wait(sending.ask_at())
        } else {
            Step::Ask(sending.receipt.clone())
        }
    }

    /// The receipt of the next call in a namespace.
    pub fn receipt(&self, namespace: &str, partition: Partition, now: Timestamp) -> Receipt {
        let whole = now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS;
        let minute = self.minute.max(Timestamp::from_millis(whole));
        let taken = self.receipts.get(namespace).filter(|_| minute == self.minute);
        let number = taken.copied().unwrap_or(0).saturating_add(1);
        Receipt { namespace: namespace.to_owned(), partition, minute, number }
    }

    /// How many of the points that wait go into the next call at most, if so many of them are suspect: one that is rejected is
    /// found by halving.
    pub fn points_max(&self, suspects: usize) -> Option<usize> {
        self.suspect.filter(|_| suspects > 0).map(|_| suspects.div_ceil(2))
    }

    /// Whether points that wait since then have failed for too long.
    pub fn gives_up(&self, waiting_since: Timestamp, now: Timestamp) -> bool {
        self.failing.lasts(waiting_since, GIVE_UP_MS, now)
    }

    /// The mark before a call.
    #[must_use]
    pub fn marked(&self, sending: Sending) -> Self {
        let minute = sending.receipt.minute;
        let receipts = if minute == self.minute { self.receipts.clone() } else { BTreeMap::new() };
        let failing = Failing { retry_at: None, ..self.failing };
        Self { sending: Some(sending), failing, minute, receipts, ..self.clone() }
    }

    /// Without the mark: the call was not taken.
    #[must_use]
    pub fn unmarked(&self) -> Self {
        Self { sending: None, ..self.clone() }
    }

    /// Past points that are done, or at burying those of them that are dead.
    #[must_use]
    pub fn passed(self, until: Cursor, dead: Dead) -> Self {
        if dead != Dead::default() {
            return Self { burying: Some(Burial { until, dead }), ..self };
        }
        let suspect = self.suspect.filter(|suspect| *suspect > until);
        Self { cursor: until, suspect, ..self }
    }

    /// The dead letters are there, up to this version of their log.
    #[must_use]
    pub fn buried(self, burial: &Burial, letters: Version) -> Self {
        Self { burying: None, letters, ..self }.passed(burial.until, Dead::default())
    }

    /// The call was taken.
    #[must_use]
    pub fn delivered(&self, sending: Sending) -> Self {
        let mut lane = self.unmarked().answered();
        lane.receipts.insert(sending.receipt.namespace, sending.receipt.number);
        lane.passed(sending.until, Dead { refused: sending.refused, rest: None })
    }

    /// The call was not taken and is to be made again, after a pause.
    #[must_use]
    pub fn retried(&self, after_ms: Millis, now: Timestamp) -> Self {
        Self { failing: self.failing.again(after_ms, now), ..self.unmarked() }
    }

    /// The other end will never take the call: one point is a dead letter, of more the one is looked for.
    #[must_use]
    pub fn rejected(&self, sending: Sending, reason: &str) -> Self {
        let lane = self.unmarked().answered();
        if sending.points > 1 {
            return Self { suspect: Some(sending.until), ..lane };
        }
        let rest = Some(format!("{REJECTED}{reason}"));
        let dead = Dead { refused: sending.refused, rest };
        Self { suspect: None, ..lane }.passed(sending.until, dead)
    }

    /// No answer came, and the call has ended: who comes next need not wait for its deadline.
    #[must_use]
    pub fn unknown(&self, now: Timestamp) -> Self {
        let sending = self.sending.clone();
        let sending =
            sending.map(|sending| Sending { deadline: now.min(sending.deadline), ..sending });
        Self { sending, ..self.clone() }
    }

    /// The other end was asked, and has not taken the call: it is made again, unless a point of it is too old for that.
    #[must_use]
    pub fn not_taken(&self, sending: Sending, now: Timestamp) -> Self {
        if sending.oldest.plus(RESEND_AGE_MS_MAX) >= now {
            return self.unmarked();
        }
        let dead = Dead { refused: sending.refused, rest: Some(UNANSWERED.to_owned()) };
        self.unmarked().passed(sending.until, dead)
    }

    /// When something is to be done again, if anything is left open.
    pub fn opens_at(&self) -> Option<Timestamp> {
        self.sending.as_ref().map(Sending::ask_at).or(self.failing.retry_at)
    }

    /// The other end has answered.
    fn answered(self) -> Self {
        Self { failing: Failing::default(), ..self }
    }
}

#[cfg(test)]
mod tests;
