//! The lane of points in one invocation: takes the steps that the lane decides, and does what they say.

use super::channels::LanesIndex;
use super::lane::{Cursor, Dead, GIVEN_UP, Lane, Sending, Step};
use super::letters;
use super::queue::{Item, Queue};
use super::register::{POINTS_LANE, Register};
use super::{Deliver, DeliverError, DeliverSettings, Delivered};
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Log, LogId, Logged, Version, Wanted};
use crate::port::points::{Points, Queued, Receipt};
use crate::port::sink::Delivery;
use crate::settle_entry::SettleEntry;
use crate::world::World;
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// How many points are looked at for one call. `PutMetricData` takes 1,000 data, and a point is one or more
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>); a few give none.
const LOOK_AHEAD: usize = 1_500;

/// How long a mark may take, in milliseconds, so that its call is over and can be read back when it is asked for.
const MARK_MS_MAX: Millis = MINUTE_MS;

/// The next call with its mark, or points that need none.
struct Next<C> {
    call: Option<C>,
    sending: Sending,
}

/// Who delivers what, until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invocation<'a> {
    pub(super) partition: Partition,
    pub(super) name: &'a str,
    pub(super) deadline: Timestamp,
}

/// An invocation under way.
pub(super) struct Run<'a, W, P> {
    world: &'a W,
    points: &'a P,
    settings: &'a DeliverSettings,
    invocation: Invocation<'a>,
    register: Register<Lane>,
    /// The register's lane was read or written by this invocation.
    is_fresh: bool,
    /// The lane, perhaps further than in the register: the next write says so.
    lane: Lane,
    /// Up to where the lanes of channels are done: each write says so.
    channels: LanesIndex,
    queue: Queue,
    delivered: Delivered,
    /// It has written the register.
    has_written: bool,
    /// It stopped only for its deadline.
    is_cut: bool,
}

/// What the lane has done.
pub(super) struct Done {
    pub(super) register: Register<Lane>,
    pub(super) delivered: Delivered,
    pub(super) has_written: bool,
    /// When something is to be done again.
    pub(super) opens_at: Option<Timestamp>,
    /// It stopped only for the deadline.
    pub(super) is_cut: bool,
}

impl<W: World, P: Points, C> Deliver<W, P, C> {
    /// Begins with the register as this environment has seen it last, else as it is.
    pub(super) async fn begin<'a>(
        &'a self,
        invocation: Invocation<'a>,
        known: Option<Register<Lane>>,
    ) -> Result<Run<'a, W, P>, DeliverError> {
        let is_fresh = known.is_none();
        let register = if let Some(register) = known {
            register
        } else {
            let log = LogId::lane(POINTS_LANE, invocation.partition);
            Register::load(self.world.snapshots(), log).await?
        };
        let lane = register.lane().clone();
        Ok(Run {
            world: &self.world,
            points: &self.points,
            settings: &self.settings,
            invocation,
            register,
            is_fresh,
            queue: Queue::new(invocation.partition, lane.cursor),
            channels: lane.channels.clone(),
            lane,
            delivered: Delivered::default(),
            has_written: false,
            is_cut: false,
        })
    }
}

impl<W: World, P: Points> Run<'_, W, P> {
    /// Up to where the lanes of channels are done, as the register says.
    pub(super) fn channels(&self) -> &LanesIndex {
        &self.channels
    }

    /// The lanes of channels are done up to there: the next write says so. By itself that is no reason to write.
    pub(super) fn set_channels(&mut self, index: LanesIndex) {
        self.channels = index;
    }

    /// After which entry the log is read next, if points are to be sent.
    pub(super) fn reads_after(&self) -> Option<Version> {
        let is_to_send = self.lane.step(self.now(), self.invocation.name) == Step::Send;
        self.queue.reads_after(LOOK_AHEAD).filter(|_| is_to_send)
    }

    /// Takes in the entries that follow; none: there are no more.
    pub(super) fn take(&mut self, page: &[Logged]) -> Result<(), DeliverError> {
        self.queue.take(page)
    }

    /// Takes all steps, and looks what is left.
    pub(super) async fn go(mut self) -> Result<Done, DeliverError> {
        while self.step().await? {}
        if self.lane != *self.register.lane() {
            self.write(self.lane.clone()).await?;
        }
        self.delivered.expired += self.queue.expired();
        self.look_behind().await?;
        let opens_at = self.lane.opens_at();
        let Self { register, delivered, has_written, is_cut, .. } = self;
        Ok(Done { register, delivered, has_written, opens_at, is_cut })
    }

    /// Takes the next step; false: there is none for now.
    async fn step(&mut self) -> Result<bool, DeliverError> {
        let now = self.now();
        let step = self.lane.step(now, self.invocation.name);
        if step != Step::Send && !self.is_fresh {
            // Somebody else may have gone on since this environment looked.
            self.reload().await?;
            return Ok(true);
        }
        match step {
            Step::Leave | Step::Wait(_) => Ok(false),
            Step::Ask(_) | Step::Bury | Step::Send if !self.has_time(now) => {
                self.is_cut = true;
                Ok(false)
            }
            Step::Ask(receipt) => self.ask(&receipt).await,
            Step::Bury => self.bury().await,
            Step::Send => self.send(now).await,
        }
    }

    /// Asks what became of a call that nobody knows the outcome of.
    async fn ask(&mut self, receipt: &Receipt) -> Result<bool, DeliverError> {
        let taken = self.points.was_taken(receipt).await?;
        let Some(sending) = self.lane.sending.clone() else { return Ok(true) };
        let lane = if taken {
            self.delivered.points += sending.points;
            self.lane.delivered(sending)
        } else {
            self.lane.not_taken(sending, self.now())
        };
        self.go_on(lane);
        Ok(true)
    }

    /// Appends the dead letters that the register names, and passes them.
    async fn bury(&mut self) -> Result<bool, DeliverError> {
        if self.lane != *self.register.lane() && !self.write(self.lane.clone()).await? {
            return Ok(true);
        }
        let Some(burial) = self.lane.burying.clone() else { return Ok(true) };
        self.queue.fill_to(self.world.log(), burial.until).await?;
        let passed = self.queue.items().take_while(|item| item.cursor < burial.until);
        let dead = letters::of_points(passed, &burial.dead);
        let count = u64::try_from(dead.len()).unwrap_or(u64::MAX);
        let kept_ms = self.settings.dead_letters_kept_ms;
        let entries = letters::entries(POINTS_LANE, &dead, self.now(), kept_ms)?;
        let Invocation { partition, .. } = self.invocation;
        let known =
            letters::append(self.world.log(), partition, self.lane.letters, &entries).await?;
        self.delivered.dead += count;
        self.go_on(self.lane.clone().buried(&burial, known));
        Ok(true)
    }

    /// Makes the next call, or passes what needs none; false: nothing waits.
    async fn send(&mut self, now: Timestamp) -> Result<bool, DeliverError> {
        self.queue.fill(self.world.log(), LOOK_AHEAD).await?;
        let given_up =
            self.queue.items().take_while(|item| self.lane.gives_up(item.waiting_since, now));
        let given_up = given_up.count();
        if given_up > 0 {
            let rest = Some(GIVEN_UP.to_owned());
            let dead = Dead { rest, ..Dead::default() };
            self.pass(self.queue.cursor_after(given_up), dead);
            return Ok(true);
        }
        let Some(Next { call, sending }) = self.pack(now)? else {
            self.pass(self.queue.cursor_after(0), Dead::default());
            return Ok(false);
        };
        let Some(call) = call else {
            self.pass(sending.until, Dead { refused: sending.refused, rest: None });
            return Ok(true);
        };
        if !self.write(self.lane.marked(sending)).await? {
            return Ok(true);
        }
        self.put(&call, now).await;
        Ok(true)
    }

    /// The next call with its mark, or the points that need none; absent: nothing waits.
    fn pack(&self, now: Timestamp) -> Result<Option<Next<P::Call>>, DeliverError> {
        let suspects = self.lane.suspect.map_or(0, |until| self.queue.points_before(until));
        let points_max = self.lane.points_max(suspects).unwrap_or(LOOK_AHEAD);
        let queued: Vec<Queued<'_>> =
            self.queue.items().take(points_max).filter_map(Item::queued).collect();
        let Some(first) = queued.first() else { return Ok(None) };
        let Invocation { partition, name, deadline } = self.invocation;
        let receipt = self.lane.receipt(&first.metric.namespace, partition, now);
        let packed = self.points.pack(&queued, &receipt, now);
        let covered = queued.get(..packed.points).filter(|covered| !covered.is_empty());
        let Some(covered) = covered else {
            return Err(DeliverError::Packed { packed: packed.points, offered: queued.len() });
        };
        let mut refused: Vec<_> = packed
            .refused
            .into_iter()
            .filter(|(place, _)| *place < packed.points)
            .map(|(place, reason)| (self.queue.cursor_after(place), reason))
            .collect();
        refused.sort_unstable();
        let points = u64::try_from(covered.len() - refused.len().min(covered.len()));
        let oldest = covered.iter().map(|covered| covered.point.stamp()).min();
        let sending = Sending {
            until: self.queue.cursor_after(packed.points),
            points: points.unwrap_or(u64::MAX),
            refused,
            receipt,
            invocation: name.to_owned(),
            deadline,
            sent_at: now,
            oldest: oldest.unwrap_or(now),
        };
        Ok(Some(Next { call: packed.call, sending }))
    }

    /// Makes a call that is marked, and takes up its outcome.
    async fn put(&mut self, call: &P::Call, marked_at: Timestamp) {
        let began_at = self.now();
        let Some(sending) = self.lane.sending.clone() else { return };
        if !self.has_time(began_at) || began_at > marked_at.plus(MARK_MS_MAX) {
            // The mark took too long: the call could outlive what others were told.
            self.lane = self.lane.unmarked();
            return;
        }
        let outcome = self.points.put(call).await;
        self.delivered.calls += 1;
        let now = self.now();
        match outcome {
            Delivery::Delivered => {
                self.delivered.points += sending.points;
                self.go_on(self.lane.delivered(sending));
            }
            Delivery::Retry { after_ms } => {
                self.delivered.retries += 1;
                self.lane = self.lane.retried(after_ms, now);
            }
            Delivery::Rejected { reason } => {
                self.delivered.rejected += 1;
                self.go_on(self.lane.rejected(sending, &reason));
            }
            Delivery::Unknown => {
                self.delivered.unknown += 1;
                self.lane = self.lane.unknown(now);
            }
        }
    }

    /// Passes points that need no call.
    fn pass(&mut self, until: Cursor, dead: Dead) {
        self.go_on(self.lane.clone().passed(until, dead));
    }

    /// Goes on with a lane that has perhaps passed points.
    fn go_on(&mut self, lane: Lane) {
        self.queue.pass(lane.cursor);
        self.lane = lane;
    }

    /// Writes the register; false: somebody else was first, and this goes on from theirs.
    async fn write(&mut self, lane: Lane) -> Result<bool, DeliverError> {
        let channels = self.channels.clone().further(&self.register.lane().channels);
        let lane = Lane { channels, ..lane };
        let is_written = self.register.write(self.world.snapshots(), lane).await?;
        self.has_written |= is_written;
        self.take_up(is_written);
        Ok(is_written)
    }

    /// Reads the register.
    async fn reload(&mut self) -> Result<(), DeliverError> {
        self.register.reload(self.world.snapshots()).await?;
        self.take_up(false);
        Ok(())
    }

    /// Goes on from the register.
    fn take_up(&mut self, is_own: bool) {
        self.is_fresh = true;
        self.lane = self.register.lane().clone();
        if !is_own {
            self.delivered.expired += self.queue.expired();
            self.queue = Queue::new(self.invocation.partition, self.lane.cursor);
        }
    }

    /// Looks what is left.
    async fn look_behind(&mut self) -> Result<(), DeliverError> {
        if self.queue.is_drained() {
            return Ok(());
        }
        let log = LogId::settle(self.invocation.partition);
        let Cursor { version, .. } = self.lane.cursor;
        let after = Version(version.0.saturating_sub(1));
        let left = self.world.log().read(&log, after, Wanted::Only(&[])).await?;
        self.delivered.behind = u64::try_from(left.len()).unwrap_or(u64::MAX);
        if let Some(first) = left.first() {
            let stored = |source| DeliverError::Stored {
                object: format!("{}, version {}", log.as_str(), first.version.0),
                source,
            };
            let entry = SettleEntry::decode(first.entry.header()).map_err(stored)?;
            self.delivered.behind_since = Some(entry.clock);
            self.delivered.behind_ms = (self.now().as_millis() - entry.clock.as_millis()).max(0);
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.world.clock().now()
    }

    /// Whether a call that begins now ends well before the deadline.
    fn has_time(&self, now: Timestamp) -> bool {
        let DeliverSettings { call_ms, margin_ms, .. } = *self.settings;
        now.plus(call_ms).plus(margin_ms) <= self.invocation.deadline
    }
}
