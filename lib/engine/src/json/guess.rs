//! Which layouts are kept, when they are tried and when another is learnt.
//!
//! Trying a layout in vain and learning one cost time, so both are paid for from a credit that lines with a known layout earn. A
//! stream that repeats a few layouts always has credit; one that never repeats a layout uses it up, and then rests, longer and
//! longer, before it gets another chance. Then it costs what the scanner costs.

use super::grammar::Source;
use super::layout::Layout;
use crate::field::Raw;

/// How many layouts are kept: some event types of some producers.
const LAYOUTS_MAX: usize = 8;

/// The credit at the beginning, and the most that can be saved: learning all layouts several times.
const CREDIT_MAX: u32 = 256;

/// What a line costs that has none of the layouts. A line that has one earns 1.
const MISS_COST: u32 = 2;

/// What learning a layout costs.
const LEARN_COST: u32 = 8;

/// The credit after a rest: enough to learn one layout and see whether it comes again.
const CHANCE: u32 = 16;

/// The first rest and the longest, in lines.
const REST_MIN: u32 = 16;
const REST_MAX: u32 = 1024;

/// The layouts, the most recently used first.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    layouts: Vec<Layout>,
    credit: u32,
    /// The lines that still go to the scanner without a try.
    resting: u32,
    /// How long the next rest is.
    rest: u32,
}

impl Default for Guess {
    fn default() -> Self {
        Self { layouts: Vec::new(), credit: CREDIT_MAX, resting: 0, rest: REST_MIN }
    }
}

impl Guess {
    /// Fills in all fields if the line has a known layout. Otherwise the values are unspecified.
    #[inline]
    pub(super) fn fill<'a>(&mut self, source: Source<'a>, values: &mut [Raw<'a>]) -> bool {
        if self.resting > 0 {
            return false;
        }
        let Some(place) = self.layouts.iter().position(|layout| layout.fill(source, values)) else { return false };
        if place > 0
            && let Some(used) = self.layouts.get_mut(..=place)
        {
            used.rotate_right(1);
        }
        self.credit = CREDIT_MAX.min(self.credit + 1);
        self.rest = REST_MIN;
        true
    }

    /// Takes note of a line that [`Guess::fill`] did not know, and tells whether its layout is worth learning.
    pub(super) fn missed(&mut self) -> bool {
        if self.resting > 0 {
            self.resting -= 1;
            return false;
        }
        self.credit = self.credit.saturating_sub(MISS_COST);
        let learn = self.credit >= LEARN_COST;
        if learn {
            self.credit -= LEARN_COST;
        }
        if self.credit < MISS_COST {
            self.credit = CHANCE;
            self.resting = self.rest;
            self.rest = REST_MAX.min(self.rest * 2);
        }
        learn
    }

    /// Keeps a new layout in the place of the one used longest ago.
    pub(super) fn keep(&mut self, layout: Layout) {
        self.layouts.truncate(LAYOUTS_MAX - 1);
        self.layouts.insert(0, layout);
    }
}
