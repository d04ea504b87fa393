//! When the process is killed.

use super::load::Mode;
use crate::suite::simulation::dice::Dice;

/// The moment of a kill, from the start of the process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// It has acknowledged so many pushes.
    Acknowledged(usize),
    /// So many bytes of requests were written to it, the last ones perhaps in the middle of a request.
    Written(usize),
    /// It has printed so many lines of what it has decided.
    Decided(usize),
    /// It has said what it found in the store, and does not listen yet.
    Recovered,
    /// The followed file was renamed, and is not there or just made anew.
    Rotated,
    /// It has said that the rules have changed.
    Reloaded,
    /// It has closed a window behind which nothing came.
    Silent,
}

/// What has happened to a process since its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Happened {
    pub(super) acknowledged: usize,
    pub(super) written: usize,
    pub(super) decided: usize,
    pub(super) has_recovered: bool,
    pub(super) has_rotated: bool,
    pub(super) has_reloaded: bool,
    pub(super) closed: usize,
}

impl Moment {
    /// The next one. Where no file is followed, nothing comes instead of a rotation.
    pub(super) fn draw(dice: &Dice, mode: Mode) -> Self {
        match dice.below(100) {
            0..35 => Self::Acknowledged(1 + dice.below(40)),
            35..65 => Self::Written(1 + dice.below(60_000)),
            65..85 => Self::Decided(1 + dice.below(60)),
            85..91 => Self::Recovered,
            91..98 if mode == Mode::Clock => Self::Silent,
            91..98 => Self::Rotated,
            _ => Self::Reloaded,
        }
    }

    /// Whether it has come.
    pub(super) fn is_there(self, happened: &Happened) -> bool {
        match self {
            Self::Acknowledged(count) => happened.acknowledged >= count,
            Self::Written(bytes) => happened.written >= bytes,
            Self::Decided(lines) => happened.decided >= lines,
            Self::Recovered => happened.has_recovered,
            Self::Rotated => happened.has_rotated,
            Self::Reloaded => happened.has_reloaded,
            Self::Silent => happened.closed > 0,
        }
    }
}
