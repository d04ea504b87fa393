//! Which layouts are kept, when they are tried and when another is learnt.
//!
//! Trying a layout in vain and learning one cost time, so both are paid for from a credit that lines with a known layout earn. A
//! stream that repeats a few layouts always has credit; one that never repeats a layout uses it up, and then rests, longer and
//! longer, before it gets another chance. Then it costs what the scanner costs.

use super::grammar::Source;
use super::layout::{Layout, SEGMENTS_MAX};
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

/// The layouts, and what is known about them.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    layouts: Vec<Layout>,
    /// The places of the layouts, the most recently used first.
    order: Vec<usize>,
    /// How many segments each two of them have in common.
    shared: [[usize; LAYOUTS_MAX]; LAYOUTS_MAX],
    /// Where the segments of the layout tried last begin in the line.
    positions: Box<[usize; SEGMENTS_MAX]>,
    credit: u32,
    /// The lines that still go to the scanner without a try.
    resting: u32,
    /// How long the next rest is.
    rest: u32,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            layouts: Vec::new(),
            order: Vec::new(),
            shared: Default::default(),
            positions: Box::new([0; SEGMENTS_MAX]),
            credit: CREDIT_MAX,
            resting: 0,
            rest: REST_MIN,
        }
    }
}

impl Guess {
    /// Fills in all fields if the line has a known layout. Otherwise the values are unspecified.
    #[inline]
    pub(super) fn fill<'a>(&mut self, source: Source<'a>, values: &mut [Raw<'a>]) -> bool {
        if self.resting > 0 {
            return false;
        }
        let Some(&newest) = self.order.first() else { return false };
        let Some(layout) = self.layouts.get(newest) else { return false };
        if let Err(segment) = layout.fill(source, values, &mut self.positions, (0, source.start()))
            && !self.fill_with_others(source, values, newest, segment)
        {
            return false;
        }
        self.credit = CREDIT_MAX.min(self.credit + 1);
        self.rest = REST_MIN;
        true
    }

    /// Goes on with the other layouts, after the newest has failed at `segment`.
    ///
    /// A layout that has the failed segment as well would fail there again. One that parts from it before is resumed where it parts:
    /// no segment is looked at twice.
    #[inline(never)]
    fn fill_with_others<'a>(
        &mut self,
        source: Source<'a>,
        values: &mut [Raw<'a>],
        mut failed: usize,
        mut segment: usize,
    ) -> bool {
        for place in 1..self.order.len() {
            let Some(&candidate) = self.order.get(place) else { return false };
            let shared = self
                .shared
                .get(candidate)
                .and_then(|row| row.get(failed))
                .copied()
                .unwrap_or_default();
            let Some(layout) = self.layouts.get(candidate).filter(|_| shared <= segment) else {
                continue;
            };
            let at = self.positions.get(shared).copied().unwrap_or_default();
            match layout.fill(source, values, &mut self.positions, (shared, at)) {
                Ok(()) => {
                    if let Some(used) = self.order.get_mut(..=place) {
                        used.rotate_right(1);
                    }
                    return true;
                }
                Err(differs) => (failed, segment) = (candidate, differs),
            }
        }
        false
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
        let place = if self.layouts.len() < LAYOUTS_MAX {
            self.layouts.len()
        } else {
            self.order.pop().unwrap_or_default()
        };
        self.order.insert(0, place);
        for (other, known) in self.layouts.iter().enumerate() {
            let shared = known.shared(&layout);
            for (row, column) in [(place, other), (other, place)] {
                if let Some(entry) = self.shared.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *entry = shared;
                }
            }
        }
        match self.layouts.get_mut(place) {
            Some(oldest) => *oldest = layout,
            None => self.layouts.push(layout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{FieldTable, FieldValues};
    use crate::json::Extractor;

    #[test]
    fn what_layouts_share_is_known_after_others_have_gone() {
        let written = |number: usize| {
            let middle = ["\"b\":1,", "\"b\":1,\"c\":1,", "\"d\":1,"][number % 3];
            format!("{{\"a\":1,{middle}\"key{number}\":1}}")
        };
        let mut extractor = Extractor::new(&FieldTable::default());
        for number in 0..20 {
            let line = written(number);
            extractor.extract(&line, 0..line.len(), &mut FieldValues::new(0)).unwrap();
        }
        let guess = extractor.guess;
        assert_eq!(guess.layouts.len(), LAYOUTS_MAX);
        for (row, one) in guess.layouts.iter().enumerate() {
            for (column, other) in
                guess.layouts.iter().enumerate().filter(|&(column, _)| column != row)
            {
                assert_eq!(
                    guess.shared[row][column],
                    one.shared(other),
                    "layouts {row} and {column}"
                );
            }
        }
        assert!(guess.shared.iter().flatten().any(|&shared| shared > 1));
    }
}
