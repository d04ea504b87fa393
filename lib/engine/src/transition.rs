//! What alerts decide: transitions, each with its reason and the evidence for it.
//!
//! The evaluation says what is true. Who is told of it, and whether anybody is, comes after it.

use crate::decimal::Decimal;
use crate::series::SeriesKey;
use crate::time::Timestamp;
use std::sync::Arc;

/// How many ids of contributing events evidence holds, the newest.
pub const EVIDENCE_IDS_MAX: usize = 20;

/// A change of one step of one alert for one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The alert's place in [`crate::plan::Plan::alerts`].
    pub alert: usize,
    /// The step's place in [`crate::alert::Alert::steps`].
    pub step: usize,
    /// The values of the dimensions that make the group, in the order of [`crate::alert::Alert::by`].
    pub group: Arc<SeriesKey>,
    /// What changed.
    pub kind: TransitionKind,
    /// The event time at which it changed.
    pub at: Timestamp,
    /// When the episode began: with alert, group and step it names the incident. For `pending`, `at`.
    pub episode: Timestamp,
    /// What decided.
    pub reason: Reason,
    /// What it was decided by.
    pub evidence: Evidence,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransitionKind {
    /// The condition has begun to hold, and must go on for a while. Recorded, never sent.
    Pending,
    /// The step fires.
    Firing,
    /// The episode has ended.
    Resolved,
}

impl TransitionKind {
    /// All of them, in the order of their numbers in stored forms.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Firing, Self::Resolved];

    /// As users see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a transition happened, as a name that users can look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Pending: the condition begins to hold, and `for` is not over.
    ConditionBegan,
    /// Firing: the condition holds.
    ConditionHolds,
    /// Firing: the condition has held for as long as `for` says.
    ConditionHeld,
    /// Firing, ahead of the watermark: the condition can only become truer (`early`).
    ConditionCannotFail,
    /// Firing: no event came for as long as `absent for` says.
    NoEvent,
    /// Resolved: `resolve` holds (and has for `keep_firing_for`).
    ResolveHolds,
    /// Resolved: no step's condition holds any more (and none has for `keep_firing_for`).
    NothingHolds,
    /// Resolved: the group has not been seen for 7 days.
    GroupForgotten,
    /// Resolved: the alert's definition has changed.
    AlertChanged,
    /// Resolved: the alert is gone from the rules.
    AlertRemoved,
}

impl Reason {
    /// All of them, in the order of their numbers in stored forms.
    pub const ALL: [Self; 10] = [
        Self::ConditionBegan,
        Self::ConditionHolds,
        Self::ConditionHeld,
        Self::ConditionCannotFail,
        Self::NoEvent,
        Self::ResolveHolds,
        Self::NothingHolds,
        Self::GroupForgotten,
        Self::AlertChanged,
        Self::AlertRemoved,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConditionBegan => "condition began",
            Self::ConditionHolds => "condition holds",
            Self::ConditionHeld => "condition held",
            Self::ConditionCannotFail => "condition cannot fail",
            Self::NoEvent => "no event",
            Self::ResolveHolds => "resolve holds",
            Self::NothingHolds => "nothing holds",
            Self::GroupForgotten => "group forgotten",
            Self::AlertChanged => "alert changed",
            Self::AlertRemoved => "alert removed",
        }
    }
}

/// What a transition was decided by.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Evidence {
    /// The first moment that the rollup covers, exclusive; for `over window` the window's start, inclusive.
    pub from: Timestamp,
    /// The last moment that it covers, inclusive; for `over window` the window's end, exclusive.
    pub until: Timestamp,
    /// The aggregate's value; absent where there is none (`rate` of nothing, `absent for`).
    pub value: Option<Decimal>,
    /// The threshold that it was compared with; absent for `absent for`.
    pub threshold: Option<Decimal>,
    /// The ratio's whole, where there is one.
    pub volume: Option<u64>,
    /// How many events the value is made of.
    pub events: u64,
    /// The ids of the newest of them, [`EVIDENCE_IDS_MAX`] at most, in event order.
    pub ids: Vec<Arc<str>>,
    /// How many of the rollup's events came behind the watermark.
    pub late: u64,
    /// Copies that were ignored in the batches that brought the rollup's events.
    pub duplicates: u64,
    /// The aggregate's value in each sixtieth of that time, in order, for a small chart; absent where nothing came. Empty for
    /// `over window` and `absent for`.
    pub course: Vec<Option<Decimal>>,
    /// The watermark that the moment was decided at.
    pub watermark: Option<Timestamp>,
}
