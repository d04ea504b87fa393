//! A layout: what is the same on every line of one producer, and what to do between.
//!
//! The line
//!
//! ```text
//! {"type":"order.created","data":{"country":"AE","amount":123.45}}
//! ```
//!
//! has the layout `{"type":` *leaf* `,"data":{"country":` *leaf* `,"amount":` *leaf* `}}`. The constant pieces are its *glue*. Which
//! field a leaf fills is known once the glue is: nothing is parsed to find out, and no key is looked up. A leaf need not be of the
//! learnt kind: its first byte tells what it is, and it is checked like any value.

use super::grammar::{self, Source, behind_space, key};
use super::paths::{NodeId, Paths};
use super::window::{UsualEnd, WINDOW_BYTES, Window, from_bytes, plain_text, short_number, window};
use crate::field::Raw;
use wide::u8x16;

/// How many segments a layout may have: far more than business events have members. A line with more is left to the scanner.
pub(super) const SEGMENTS_MAX: usize = 256;

/// Glue, and what stands behind it.
#[derive(Clone, Debug)]
struct Segment {
    glue: Window,
    /// All ones where `glue` counts.
    mask: Window,
    length: usize,
    then: Then,
    /// Where the string behind the glue ended when the layout was learnt.
    usual_end: UsualEnd,
}

/// What stands behind a piece of glue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A value inside `depth` arrays and objects. Its field, if it has one, is at this index; if it `leads_on`, fields could be inside.
    Leaf { field: usize, depth: u32, leads_on: bool },
    /// More glue, or the end.
    Glue,
    /// The end of an object that is the field at this index; it begins where segment `first` does.
    Close { field: usize, first: usize },
}

/// The index of no field.
const NO_FIELD: usize = usize::MAX;

/// A learnt layout.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    segments: Vec<Segment>,
    /// The fields that no leaf fills: absent or out of reach on every line of this layout.
    unfilled: Vec<(usize, Raw<'static>)>,
}

impl Layout {
    /// The layout of a line that the scanner has accepted, with the values it found. None for a line with too many pieces.
    pub(super) fn learn(paths: &Paths, source: Source<'_>, values: &[Raw<'_>]) -> Option<Self> {
        let mut learner =
            Learner { paths, source, segments: Vec::new(), glue_start: source.start() };
        let start = behind_space(source, source.start());
        learner.container(Some(NodeId::ROOT), start, 0)?;
        learner.push(source.end(), Then::Glue)?;
        let unfilled = values.iter().enumerate().filter_map(|(field, value)| match value {
            Raw::Unreachable => Some((field, Raw::Unreachable)),
            Raw::Absent => Some((field, Raw::Absent)),
            _ => None,
        });
        Some(Self { segments: learner.segments, unfilled: unfilled.collect() })
    }

    /// Fills in all fields if the line has this layout and every value is valid. Otherwise the values are unspecified, and the
    /// answer is the segment where the line differs.
    ///
    /// It begins with segment `from`, at position `at`; the segments before it have been seen to fit. It notes in `positions` where
    /// each segment begins.
    #[inline]
    pub(super) fn fill<'a>(
        &self,
        source: Source<'a>,
        values: &mut [Raw<'a>],
        positions: &mut [usize; SEGMENTS_MAX],
        (from, at): (usize, usize),
    ) -> Result<(), usize> {
        let (mut place, mut at) = (from, at);
        loop {
            (place, at) = self.rush(source.block(), values, positions, (place, at));
            let Some(segment) = self.segments.get(place) else { break };
            at = segment.step(source, at, values, positions).ok_or(place)?;
            place += 1;
        }
        for &(field, value) in &self.unfilled {
            if let Some(slot) = values.get_mut(field) {
                *slot = value;
            }
        }
        // Whatever was read past the line's end has moved `at` past it as well.
        if at == source.end() { Ok(()) } else { Err(self.segments.len() - 1) }
    }

    /// Goes through the segments as long as all is plain: the glue fits, behind it are strings without escapes and short numbers, and
    /// the block goes on. Answers with the first segment that needs a closer look, and where it begins.
    ///
    /// This is where the time goes on most lines. It calls nothing, so that all it needs stays in registers.
    #[inline]
    fn rush<'a>(
        &self,
        block: &'a str,
        values: &mut [Raw<'a>],
        positions: &mut [usize; SEGMENTS_MAX],
        (from, mut at): (usize, usize),
    ) -> (usize, usize) {
        let bytes = block.as_bytes();
        let mut place = from;
        let segments = self.segments.get(from..).unwrap_or_default();
        let positions = positions.get_mut(from..).unwrap_or_default();
        for (segment, position) in segments.iter().zip(positions) {
            *position = at;
            let Some(seen) = window(bytes, at) else { break };
            if !segment.fits(seen) {
                break;
            }
            let start = at + segment.length;
            match segment.then {
                Then::Leaf { field, .. } if bytes.get(start) == Some(&b'"') => {
                    let Some(end) = plain_text(bytes, start + 1, segment.usual_end) else { break };
                    if let Some(slot) = values.get_mut(field) {
                        *slot = Raw::Text(block.get(start + 1..end).unwrap_or_default());
                    }
                    at = end + 1;
                }
                Then::Leaf { field, .. } => {
                    let Some(end) = short_number(bytes, start) else { break };
                    if let Some(slot) = values.get_mut(field) {
                        *slot = Raw::Number(block.get(start..end).unwrap_or_default());
                    }
                    at = end;
                }
                Then::Glue => at = start,
                Then::Close { .. } => break,
            }
            place += 1;
        }
        (place, at)
    }

    /// How many segments two layouts have in common before they part.
    pub(super) fn shared(&self, other: &Self) -> usize {
        self.segments
            .iter()
            .zip(&other.segments)
            .take_while(|(mine, theirs)| mine.is_same(theirs))
            .count()
    }
}

impl Segment {
    fn new(glue: &[u8], then: Then) -> Self {
        let (mut bytes, mut mask) = ([0; WINDOW_BYTES], [0; WINDOW_BYTES]);
        for ((to, counts), from) in bytes.iter_mut().zip(&mut mask).zip(glue) {
            (*to, *counts) = (*from, u8::MAX);
        }
        Self {
            glue: from_bytes(&bytes),
            mask: from_bytes(&mask),
            length: glue.len(),
            then,
            usual_end: UsualEnd::of(0),
        }
    }

    /// Whether both have the same glue and the same behind it.
    fn is_same(&self, other: &Self) -> bool {
        (self.glue, self.length, self.then) == (other.glue, other.length, other.then)
    }

    /// Whether this glue is seen.
    #[inline]
    fn fits(&self, [low, high]: Window) -> bool {
        let different =
            ((low ^ self.glue[0]) & self.mask[0]) | ((high ^ self.glue[1]) & self.mask[1]);
        different.simd_eq(u8x16::ZERO).all()
    }

    /// The position behind this segment, which begins at `at`, and all that may stand behind its glue.
    #[inline(never)]
    fn step<'a>(
        &self,
        source: Source<'a>,
        at: usize,
        values: &mut [Raw<'a>],
        positions: &[usize; SEGMENTS_MAX],
    ) -> Option<usize> {
        let bytes = source.block().as_bytes();
        if !window(bytes, at).map_or_else(|| self.fits_the_end(bytes, at), |seen| self.fits(seen)) {
            return None;
        }
        let start = at + self.length;
        let (field, value, end) = match self.then {
            // Fields are inside: this line has another layout.
            Then::Leaf { leads_on: true, .. } if source.byte(start) == Some(b'{') => return None,
            Then::Leaf { field, depth, .. } => {
                let (value, end) = grammar::value(source, start, depth).ok()?;
                (field, value, end)
            }
            Then::Glue => return Some(start),
            Then::Close { field, first } => {
                (field, Raw::Object(source.text(*positions.get(first)?, start)), start)
            }
        };
        if let Some(slot) = values.get_mut(field) {
            *slot = value;
        }
        Some(end)
    }

    /// Whether this glue stands at `at`, where the block has no window any more.
    fn fits_the_end(&self, bytes: &[u8], at: usize) -> bool {
        let glue = self.glue.iter().flat_map(u8x16::as_array).take(self.length);
        glue.copied().eq(bytes.iter().copied().skip(at).take(self.length))
    }
}

/// Walks over a valid line once more and cuts it into segments.
struct Learner<'s, 'a> {
    paths: &'s Paths,
    source: Source<'a>,
    segments: Vec<Segment>,
    glue_start: usize,
}

impl Learner<'_, '_> {
    /// The position behind the object at `at`, all of whose keys become glue. `node` is none for an object without wanted keys.
    fn container(&mut self, node: Option<NodeId>, at: usize, depth: u32) -> Option<usize> {
        let field = node.and_then(|node| self.paths.field(node));
        if field.is_some() {
            self.push(at, Then::Glue)?;
        }
        let first = self.segments.len();
        let mut at = behind_space(self.source, at + 1);
        while self.source.byte(at) != Some(b'}') {
            let (key, start) = key(self.source, at, "").ok()?;
            let child = node.and_then(|node| self.paths.child(node, key));
            at = behind_space(self.source, self.member(child, start, depth + 1)?);
            if self.source.byte(at) == Some(b',') {
                at = behind_space(self.source, at + 1);
            }
        }
        if let Some(field) = field {
            self.push(at + 1, Then::Close { field, first })?;
        }
        Some(at + 1)
    }

    fn member(&mut self, node: Option<NodeId>, at: usize, depth: u32) -> Option<usize> {
        let leads_on = node.is_some_and(|node| self.paths.leads_on(node));
        let object = self.source.byte(at) == Some(b'{');
        let empty = self.source.byte(behind_space(self.source, at + 1)) == Some(b'}');
        if object && (leads_on || !empty) {
            return self.container(node, at, depth);
        }
        let (_, end) = grammar::value(self.source, at, depth).ok()?;
        let field = node.and_then(|node| self.paths.field(node)).unwrap_or(NO_FIELD);
        self.push(at, Then::Leaf { field, depth, leads_on })?;
        self.glue_start = end;
        if let Some(segment) = self.segments.last_mut() {
            segment.usual_end = UsualEnd::of((end - at).saturating_sub(2));
        }
        Some(end)
    }

    /// Adds the glue up to `end`, in pieces that fit into a window.
    fn push(&mut self, end: usize, then: Then) -> Option<()> {
        let mut rest = self.source.bytes(self.glue_start, end);
        while let Some((piece, behind)) =
            rest.split_at_checked(WINDOW_BYTES).filter(|(_, behind)| !behind.is_empty())
        {
            self.segments.push(Segment::new(piece, Then::Glue));
            rest = behind;
        }
        self.segments.push(Segment::new(rest, then));
        self.glue_start = end;
        (self.segments.len() <= SEGMENTS_MAX).then_some(())
    }
}
