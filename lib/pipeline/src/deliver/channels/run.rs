//! One lane in one invocation: takes the steps that its register decides, and does what they say.

use super::super::letters::{self, Letter};
use super::super::register::Register;
use super::super::run::Invocation;
use super::super::{DeliverError, DeliverSettings, LaneDelivered};
use super::index::{Known, LaneName};
use super::lane::{ChannelLane, Step, TELL_GIVEN_UP, Telling};
use super::mailbox::{Posted, Waiting, hold};
use super::texts::Texts;
use crate::control::ControlError;
use crate::deliver::lane::Cursor;
use crate::port::channels::{Channels, NotOpen};
use crate::port::clock::Clock;
use crate::port::log::Version;
use crate::port::rules::RulesText;
use crate::port::sink::{Delivery, Sink};
use crate::world::World;
use std::sync::Arc;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::Timestamp;

/// The reason of what is to go to a channel of rules that are nowhere any more.
const NO_TEXT: &str = "the rules that decided it are gone, and those in force have no such channel";

/// What all lanes of an invocation share.
pub(super) struct Shared<'a, W, C> {
    pub(super) world: &'a W,
    pub(super) channels: &'a C,
    pub(super) settings: &'a DeliverSettings,
    pub(super) invocation: Invocation<'a>,
    /// The last entry of the settle log that was read.
    pub(super) read_to: Version,
    /// The text of the plan in force.
    pub(super) in_force: Option<Arc<RulesText>>,
    pub(super) texts: &'a Texts,
}

/// A lane under way.
pub(super) struct LaneRun<'a, W, C: Channels> {
    shared: &'a Shared<'a, W, C>,
    name: LaneName,
    register: Register<ChannelLane>,
    /// The lane, perhaps further than in the register: the next write says so.
    lane: ChannelLane,
    waiting: Waiting,
    open: Option<Open<C::End>>,
    delivered: LaneDelivered,
    has_written: bool,
    is_cut: bool,
}

/// The other end, as one of the plans defines it.
struct Open<E> {
    /// The plan that decided; absent: the one in force.
    plan: Option<String>,
    /// Why it can never be sent to, if it cannot.
    end: Result<E, String>,
}

/// What became of a lane.
pub(super) struct LaneDone {
    pub(super) register: Register<ChannelLane>,
    pub(super) waiting: Waiting,
    pub(super) delivered: LaneDelivered,
    pub(super) has_written: bool,
    pub(super) is_cut: bool,
}

/// Takes out what is done, and takes in what the register knows besides.
pub(super) fn pass(lane: &ChannelLane, waiting: &mut Waiting) {
    for place in &lane.known.places {
        waiting.entry(*place).or_default();
    }
    waiting.retain(|place, _| *place >= lane.cursor);
}

impl<'a, W: World, C: Channels> LaneRun<'a, W, C> {
    pub(super) fn new(
        shared: &'a Shared<'a, W, C>,
        name: LaneName,
        register: Register<ChannelLane>,
        waiting: Waiting,
    ) -> Self {
        let lane = register.lane().clone();
        let delivered = LaneDelivered { name: name.clone(), ..LaneDelivered::default() };
        Self {
            shared,
            name,
            register,
            lane,
            waiting,
            open: None,
            delivered,
            has_written: false,
            is_cut: false,
        }
    }

    /// Takes all steps.
    pub(super) async fn go(mut self) -> Result<LaneDone, DeliverError> {
        self.pass();
        while self.step().await? {}
        if self.lane != *self.register.lane() {
            self.write(self.lane.clone()).await?;
        }
        let waits = self.waiting.len();
        self.delivered.waiting = u64::try_from(waits).unwrap_or(u64::MAX);
        let first = self.waiting.values().flatten().next();
        self.delivered.waiting_since = first.map(|posted| posted.waiting_since);
        let failing_since = self.register.lane().failing.since;
        self.delivered.failing_since = failing_since.filter(|_| waits > 0);
        let Self { register, waiting, delivered, has_written, is_cut, .. } = self;
        Ok(LaneDone { register, waiting, delivered, has_written, is_cut })
    }

    /// Takes the next step; false: there is none for now.
    async fn step(&mut self) -> Result<bool, DeliverError> {
        if self.waiting.is_empty() {
            return Ok(false);
        }
        let now = self.now();
        match self.lane.step(now, self.shared.invocation.name) {
            Step::Leave | Step::Wait(_) => Ok(false),
            Step::Unanswered | Step::Bury | Step::Send if !self.has_time(now) => {
                self.is_cut = true;
                Ok(false)
            }
            Step::Unanswered => {
                self.lane = self.lane.unanswered(now);
                Ok(true)
            }
            Step::Bury => self.bury().await,
            Step::Send => self.send(now).await,
        }
    }

    /// Tells what waits first, or gives up what has waited for too long.
    async fn send(&mut self, now: Timestamp) -> Result<bool, DeliverError> {
        let Some((place, posted)) = self.first().await? else { return Ok(true) };
        if self.lane.gives_up(posted.waiting_since, now) {
            let given_up = self.waiting.iter().take_while(|(_, later)| {
                later.as_ref().is_some_and(|later| self.lane.gives_up(later.waiting_since, now))
            });
            let last = given_up.last().map_or(place, |(&last, _)| last);
            self.lane = self.lane.buries(last.next(), TELL_GIVEN_UP.to_owned());
            return Ok(true);
        }
        let Some(notification) = posted.at(place) else {
            // It was sorted by what stands there, so there is something.
            self.lane = self.lane.told(place);
            self.pass();
            return Ok(true);
        };
        match self.open(notification).await? {
            Ok(()) => self.tell(place, notification).await,
            Err(NotOpen::Retry { after_ms }) => {
                self.delivered.retries += 1;
                self.lane = self.lane.retried(after_ms, self.now());
                Ok(true)
            }
            Err(NotOpen::Rejected { reason }) => {
                self.delivered.rejected += 1;
                self.lane = self.lane.rejected(place, &reason);
                Ok(true)
            }
        }
    }

    /// What waits first; absent: it has expired.
    async fn first(&mut self) -> Result<Option<(Cursor, Arc<Posted>)>, DeliverError> {
        if let Some((&place, Some(posted))) = self.waiting.first_key_value() {
            return Ok(Some((place, Arc::clone(posted))));
        }
        self.hold().await?;
        let first = self.waiting.first_key_value();
        Ok(first.and_then(|(&place, posted)| Some((place, Arc::clone(posted.as_ref()?)))))
    }

    async fn hold(&mut self) -> Result<(), DeliverError> {
        let Shared { world, invocation, .. } = self.shared;
        let expired = hold(world.log(), invocation.partition, &mut self.waiting).await?;
        self.delivered.expired += u64::try_from(expired).unwrap_or(u64::MAX);
        let Self { lane, waiting, .. } = self;
        lane.known.places.retain(|place| waiting.contains_key(place));
        Ok(())
    }

    /// Opens the other end, if it is not open yet.
    async fn open(
        &mut self,
        notification: &Notification,
    ) -> Result<Result<(), NotOpen>, DeliverError> {
        let Shared { world, channels, in_force, texts, .. } = self.shared;
        let LaneName { channel, receiver } = &self.name;
        let has_receiver = |text: &RulesText| {
            channels.receivers(text, channel).is_some_and(|all| all.contains(receiver))
        };
        let in_force = in_force.as_ref().filter(|text| has_receiver(text));
        let plan = in_force.is_none().then(|| notification.plan.clone());
        if self.open.as_ref().is_none_or(|open| open.plan != plan) {
            let text = match in_force {
                Some(text) => Some(Arc::clone(text)),
                None => match texts.find(*world, &notification.plan).await {
                    Ok(text) => Some(text),
                    Err(ControlError::NoText { .. }) => None,
                    Err(error) => return Err(error.into()),
                },
            };
            let end = match text {
                Some(text) => channels.open(&text, channel, receiver).await,
                None => Err(NotOpen::Rejected { reason: NO_TEXT.to_owned() }),
            };
            let end = match end {
                Ok(end) => Ok(end),
                Err(NotOpen::Rejected { reason }) => Err(reason),
                Err(retry @ NotOpen::Retry { .. }) => return Ok(Err(retry)),
            };
            self.open = Some(Open { plan, end });
        }
        let failed = self.open.as_ref().and_then(|open| open.end.as_ref().err());
        Ok(failed.map_or(Ok(()), |reason| Err(NotOpen::Rejected { reason: reason.clone() })))
    }

    /// Marks a call, makes it, and takes up its outcome.
    async fn tell(
        &mut self,
        place: Cursor,
        notification: &Notification,
    ) -> Result<bool, DeliverError> {
        let Some(Open { plan, end: Ok(end) }) = self.open.take() else { return Ok(false) };
        let Invocation { name, deadline, .. } = self.shared.invocation;
        let knows_repeats = C::knows_repeats(&end);
        let telling = Telling { place, knows_repeats, invocation: name.to_owned(), deadline };
        if !self.write(self.lane.marked(telling)).await? {
            return Ok(true);
        }
        if !self.has_time(self.now()) {
            // The mark took too long: the call could outlive what others were told.
            self.lane = self.lane.unmarked();
            return Ok(true);
        }
        let outcome = end.deliver(notification).await;
        self.open = Some(Open { plan, end: Ok(end) });
        self.delivered.calls += 1;
        let now = self.now();
        self.lane = match outcome {
            Delivery::Delivered => {
                self.delivered.told += 1;
                self.lane.told(place)
            }
            Delivery::Retry { after_ms } => {
                self.delivered.retries += 1;
                self.lane.retried(after_ms, now)
            }
            Delivery::Rejected { reason } => {
                self.delivered.rejected += 1;
                self.lane.rejected(place, &reason)
            }
            Delivery::Unknown => {
                self.delivered.unknown += 1;
                self.lane.unanswered(now)
            }
        };
        self.pass();
        Ok(true)
    }

    /// Appends the dead letters that the register names, and passes them.
    async fn bury(&mut self) -> Result<bool, DeliverError> {
        if self.lane != *self.register.lane() && !self.write(self.lane.clone()).await? {
            return Ok(true);
        }
        let Some(burial) = self.lane.burying.clone() else { return Ok(true) };
        while self.waiting.range(..burial.until).any(|(_, posted)| posted.is_none()) {
            self.hold().await?;
        }
        let reason = burial.dead.rest.unwrap_or_default();
        let dead = self.waiting.range(..burial.until).filter_map(|(&place, posted)| {
            Some(Letter::notification(place, &reason, posted.as_ref()?.at(place)?))
        });
        let dead: Vec<Letter<'_>> = dead.collect();
        let Shared { world, settings, invocation, .. } = self.shared;
        let lane = self.name.to_string();
        let kept_ms = settings.dead_letters_kept_ms;
        let entries = letters::entries(&lane, &dead, self.now(), kept_ms)?;
        let known = self.lane.letters;
        let known = letters::append(world.log(), invocation.partition, known, &entries).await?;
        self.delivered.dead += u64::try_from(dead.len()).unwrap_or(u64::MAX);
        self.lane = self.lane.buried(burial.until, known);
        self.pass();
        Ok(true)
    }

    /// Writes the register; false: somebody else was first, and this goes on from theirs.
    async fn write(&mut self, lane: ChannelLane) -> Result<bool, DeliverError> {
        let waiting = self.waiting.range(lane.cursor..).map(|(&place, _)| place);
        let read_to = self.shared.read_to.max(self.register.lane().known.read_to);
        let lane = ChannelLane { known: Known::of(read_to, waiting), ..lane };
        let is_written = self.register.write(self.shared.world.snapshots(), lane).await?;
        self.has_written |= is_written;
        self.take_up();
        Ok(is_written)
    }

    /// Goes on from the register.
    fn take_up(&mut self) {
        self.lane = self.register.lane().clone();
        self.pass();
    }

    fn pass(&mut self) {
        pass(&self.lane, &mut self.waiting);
    }

    fn now(&self) -> Timestamp {
        self.shared.world.clock().now()
    }

    /// Whether a call that begins now ends well before the deadline.
    fn has_time(&self, now: Timestamp) -> bool {
        let DeliverSettings { channel_call_ms, margin_ms, .. } = *self.shared.settings;
        now.plus(channel_call_ms).plus(margin_ms) <= self.shared.invocation.deadline
    }
}
