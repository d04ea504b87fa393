//! How far the lane of a channel is, and what is to be done next: pure decisions, and the register that they are made from.
//!
//! ```text
//!            mark: sending 3/0                        done: cursor 3/1
//!  nothing ───────────────────► sending ─┬─ Delivered ──────────────────► nothing (the next mark says it too)
//!                                        ├─ Retry ──────────────────────► backs off until `retry_at`
//!                                        ├─ Rejected ───────────────────► a dead letter, and on
//!                                        └─ no answer ─┬─ knows repeats ► backs off, and sends it again
//!                                                      └─ does not ─────► a dead letter, and on
//! ```
//!
//! Notifications go one by one in the order of the log, so a resolve never comes before its trigger. A crash after the mark is a
//! call without an answer. As with points, nobody but the invocation that the register names touches a lane that is *sending*
//! before the deadline, which no call outlives.

use super::super::failing::Failing;
use super::super::lane::{Burial, Cursor, Dead, REJECTED};
use super::super::register::Registered;
use super::index::Known;
use crate::port::log::Version;
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};

/// How long a notification is retried, in milliseconds: after a day nobody acts on a page any more.
pub const TELL_GIVE_UP_MS: Millis = DAY_MS;
/// The reason of a dead letter that was retried for so long.
pub const TELL_GIVEN_UP: &str = "it was retried for 24 hours and not taken";
/// The reason of a dead letter whose call had no answer.
pub const TELL_UNANSWERED: &str =
    "no answer came, and this channel would tell it again if it was taken";
/// The version that is written.
const VERSION: u64 = 1;

/// The register of a channel's lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelLane {
    /// What of this lane is before it is done: taken, or in the dead letters.
    pub(crate) cursor: Cursor,
    /// The call that is being made, or of which no answer has come.
    pub(crate) sending: Option<Telling>,
    /// What is done but for the dead letters among it.
    pub(crate) burying: Option<Burial>,
    /// Calls in a row that were not taken.
    pub(crate) failing: Failing,
    /// The last entry of the dead letters that the lane knows.
    pub(crate) letters: Version,
    /// What waited when this was written.
    pub(crate) known: Known,
}

/// A call between its mark and its outcome: one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    /// Its place in the settle log.
    pub(crate) place: Cursor,
    /// The other end knows it if it has had it: without an answer it is sent again.
    pub(crate) knows_repeats: bool,
    /// Who makes it.
    pub(crate) invocation: String,
    /// It has ended by then, with an answer or without.
    pub(crate) deadline: Timestamp,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Another invocation sends.
    Leave,
    /// Nothing before this moment.
    Wait(Timestamp),
    /// A call has ended without an answer.
    Unanswered,
    /// To append dead letters, once the register says which.
    Bury,
    /// To send what waits.
    Send,
}

impl Default for ChannelLane {
    fn default() -> Self {
        Self {
            cursor: Cursor::before(Version::START.next()),
            sending: None,
            burying: None,
            failing: Failing::default(),
            letters: Version::START,
            known: Known::default(),
        }
    }
}

impl ChannelLane {
    /// What is to be done next.
    pub(crate) fn step(&self, now: Timestamp, invocation: &str) -> Step {
        match (&self.sending, &self.burying, self.failing.retry_at) {
            (Some(telling), ..) if telling.invocation != invocation && now < telling.deadline => {
                Step::Leave
            }
            (Some(_), ..) => Step::Unanswered,
            (None, Some(_), _) => Step::Bury,
            (None, None, Some(retry_at)) if now < retry_at => Step::Wait(retry_at),
            (None, None, _) => Step::Send,
        }
    }

    /// The mark before a call.
    #[must_use]
    pub(crate) fn marked(&self, telling: Telling) -> Self {
        let failing = Failing { retry_at: None, ..self.failing };
        Self { sending: Some(telling), failing, ..self.clone() }
    }

    /// Without the mark: the call was not made, or not taken.
    #[must_use]
    pub(crate) fn unmarked(&self) -> Self {
        Self { sending: None, ..self.clone() }
    }

    /// The call was taken.
    #[must_use]
    pub(crate) fn told(&self, place: Cursor) -> Self {
        Self { cursor: place.next(), failing: Failing::default(), ..self.unmarked() }
    }

    /// The call was not taken and is to be made again, after a pause.
    #[must_use]
    pub(crate) fn retried(&self, after_ms: Millis, now: Timestamp) -> Self {
        Self { failing: self.failing.again(after_ms, now), ..self.unmarked() }
    }

    /// The other end will never take what stands there. It has answered, so the lane is well.
    #[must_use]
    pub(crate) fn rejected(&self, place: Cursor, reason: &str) -> Self {
        let lane = Self { failing: Failing::default(), ..self.unmarked() };
        lane.buries(place.next(), format!("{REJECTED}{reason}"))
    }

    /// The call has ended, and nobody knows whether it was taken.
    #[must_use]
    pub(crate) fn unanswered(&self, now: Timestamp) -> Self {
        match &self.sending {
            Some(telling) if telling.knows_repeats => self.retried(0, now),
            Some(telling) => {
                self.unmarked().buries(telling.place.next(), TELL_UNANSWERED.to_owned())
            }
            None => self.clone(),
        }
    }

    /// Whether what waits since then has failed for too long.
    pub(crate) fn gives_up(&self, waiting_since: Timestamp, now: Timestamp) -> bool {
        self.failing.lasts(waiting_since, TELL_GIVE_UP_MS, now)
    }

    /// All that waits before a place is to be dead letters.
    #[must_use]
    pub(crate) fn buries(&self, until: Cursor, reason: String) -> Self {
        let dead = Dead { refused: Vec::new(), rest: Some(reason) };
        Self { burying: Some(Burial { until, dead }), ..self.clone() }
    }

    /// The dead letters are there, up to this version of their log.
    #[must_use]
    pub(crate) fn buried(&self, until: Cursor, letters: Version) -> Self {
        Self { cursor: until, burying: None, letters, ..self.clone() }
    }

    /// When something is to be done again, if something waits.
    pub(crate) fn opens_at(&self) -> Option<Timestamp> {
        self.sending.as_ref().map(|telling| telling.deadline).or(self.failing.retry_at)
    }
}

impl Registered for ChannelLane {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        self.cursor.write(&mut writer);
        writer.option(self.sending.as_ref(), |writer, telling| {
            telling.place.write(writer);
            writer.put(telling.knows_repeats).put(telling.invocation.as_str());
            writer.time(telling.deadline);
        });
        writer.option(self.burying.as_ref(), |writer, burial| burial.write(writer));
        self.failing.write(&mut writer);
        writer.put(self.letters.0);
        self.known.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("lane of a channel", VERSION, bytes, |reader, _| {
            Ok(Self {
                cursor: Cursor::read(reader)?,
                sending: reader.option(read_telling)?,
                burying: reader.option(Burial::read)?,
                failing: Failing::read(reader)?,
                letters: Version(reader.take()?),
                known: Known::read(reader)?,
            })
        })
    }
}

fn read_telling(reader: &mut Reader<'_>) -> Result<Telling, Error> {
    Ok(Telling {
        place: Cursor::read(reader)?,
        knows_repeats: reader.take()?,
        invocation: reader.take()?,
        deadline: reader.time()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::check::check_form;

    const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

    fn place(version: u64, point: u32) -> Cursor {
        Cursor { version: Version(version), point }
    }

    fn telling(knows_repeats: bool) -> Telling {
        let invocation = "own".to_owned();
        Telling { place: place(3, 1), knows_repeats, invocation, deadline: NOW.plus(60_000) }
    }

    #[test]
    fn a_call_is_left_to_its_maker_until_its_deadline() {
        let marked = ChannelLane::default().marked(telling(true));
        assert_eq!(marked.step(NOW.plus(59_999), "other"), Step::Leave);
        assert_eq!(marked.step(NOW.plus(60_000), "other"), Step::Unanswered);
        assert_eq!(marked.step(NOW, "own"), Step::Unanswered);
        assert_eq!(marked.opens_at(), Some(NOW.plus(60_000)));
        assert_eq!(marked.unmarked().step(NOW, "other"), Step::Send);
    }

    #[test]
    fn without_an_answer_only_who_knows_repeats_is_told_again() {
        let again = ChannelLane::default().marked(telling(true)).unanswered(NOW);
        assert_eq!(again.step(NOW, "own"), Step::Wait(NOW.plus(1_000)));
        assert_eq!(again.failing.since, Some(NOW), "no answer for a day is given up too");
        let dead = ChannelLane::default().marked(telling(false)).unanswered(NOW);
        assert_eq!(dead.step(NOW, "own"), Step::Bury);
        let burial = dead.burying.clone().unwrap();
        assert_eq!(
            (burial.until, burial.dead.rest.as_deref()),
            (place(3, 2), Some(TELL_UNANSWERED))
        );
        assert_eq!(dead.cursor, place(1, 0), "it is not past it before the letter is there");
        let buried = dead.buried(burial.until, Version(7));
        assert_eq!((buried.cursor, buried.letters), (place(3, 2), Version(7)));
        assert_eq!(buried.step(NOW, "own"), Step::Send);
    }

    #[test]
    fn what_has_waited_and_failed_for_a_day_is_given_up() {
        let failing = ChannelLane::default().retried(1, NOW);
        let gives_up = |since, after_ms| failing.gives_up(since, NOW.plus(after_ms));
        assert!(!gives_up(NOW.minus(DAY_MS), DAY_MS - 1));
        assert!(gives_up(NOW.minus(DAY_MS), DAY_MS));
        assert!(!gives_up(NOW.plus(1), DAY_MS));
        assert!(!failing.told(place(3, 1)).gives_up(NOW, NOW.plus(9 * DAY_MS)));
        let rejected = failing.rejected(place(3, 1), "no");
        assert_eq!(rejected.failing, Failing::default(), "it has answered");
    }

    #[test]
    fn lanes_are_stored_as_ever() {
        let lane = ChannelLane {
            cursor: place(3, 1),
            sending: Some(telling(true)),
            burying: Some(Burial {
                until: place(4, 0),
                dead: Dead { refused: Vec::new(), rest: Some("all".to_owned()) },
            }),
            failing: Failing { retry_at: Some(NOW.plus(1)), attempts: 2, since: Some(NOW) },
            letters: Version(70),
            known: Known { read_to: Version(9), places: vec![place(3, 1), place(8, 0)] },
        };
        let fixture = "01 0301 81 0301 f5 636f776e 1b0000019b8d9a5360 \
            81 0400 80 63616c6c 811b0000019b8d996901 02 811b0000019b8d996900 1846 09 82 0301 0500";
        check_form(&lane, ChannelLane::encode, ChannelLane::decode, fixture);
        let never = "01 0100 80 80 80 00 80 00 00 80";
        check_form(&ChannelLane::default(), ChannelLane::encode, ChannelLane::decode, never);
    }
}
