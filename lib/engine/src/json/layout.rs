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

use super::grammar::{self, Source, behind_space, key, plain_text, short_number};
use super::paths::{NodeId, Paths};
use super::window::{WINDOW_BYTES, Window, from_bytes, window};
use crate::field::Raw;
use wide::u8x16;

/// How many pieces of glue a layout may have. A line with more, 20 times that of the benchmark's, is left to the scanner.
pub(super) const SEGMENTS_MAX: usize = 256;

/// Glue, and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    glue: Window,
    /// All ones where `glue` counts.
    mask: Window,
    length: usize,
    then: Then,
}

/// What stands behind a piece of glue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A value. Its field, if it has one, is at this index.
    Leaf { field: usize, rest: LeafRest },
    /// More glue, or the end.
    Glue,
    /// The end of an object that is the field at this index; it begins where segment `first` does.
    Close { field: usize, first: usize },
}

/// What is known of a leaf and seldom needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LeafRest {
    /// How many arrays and objects are around it.
    depth: u32,
    /// Whether fields could be inside, were it an object.
    leads_on: bool,
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
        (from, mut at): (usize, usize),
    ) -> Result<(), usize> {
        for (place, segment) in self.segments.iter().enumerate().skip(from) {
            if let Some(position) = positions.get_mut(place) {
                *position = at;
            }
            if !segment.fits(source.block(), at) {
                return Err(place);
            }
            at += segment.length;
            match segment.then {
                Then::Leaf { field, rest } => {
                    at = leaf(source, at, rest, values.get_mut(field)).ok_or(place)?;
                }
                Then::Glue => {}
                Then::Close { field, first } => {
                    if let (Some(slot), Some(&start)) =
                        (values.get_mut(field), positions.get(first))
                    {
                        *slot = Raw::Object(source.text(start, at));
                    }
                }
            }
        }
        for &(field, value) in &self.unfilled {
            if let Some(slot) = values.get_mut(field) {
                *slot = value;
            }
        }
        // Whatever was read past the line's end has moved `at` past it as well.
        if at == source.end() { Ok(()) } else { Err(self.segments.len() - 1) }
    }

    /// How many segments two layouts have in common before they part.
    pub(super) fn shared(&self, other: &Self) -> usize {
        self.segments
            .iter()
            .zip(&other.segments)
            .take_while(|(mine, theirs)| mine == theirs)
            .count()
    }
}

impl Segment {
    /// Whether this glue stands at `at`.
    #[inline]
    fn fits(&self, bytes: &[u8], at: usize) -> bool {
        let Some([low, high]) = window(bytes, at) else {
            return self.fits_without_window(bytes, at);
        };
        let different =
            ((low ^ self.glue[0]) & self.mask[0]) | ((high ^ self.glue[1]) & self.mask[1]);
        different.simd_eq(u8x16::ZERO).all()
    }

    #[cold]
    #[inline(never)]
    fn fits_without_window(&self, bytes: &[u8], at: usize) -> bool {
        let glue = self.glue.iter().flat_map(u8x16::as_array).take(self.length);
        bytes.get(at..).is_some_and(|rest| {
            rest.len() >= self.length && rest.iter().zip(glue).all(|(byte, glue)| byte == glue)
        })
    }
}

/// The position behind the value at `at`, which goes to `slot`. The common kinds of value are read here, the others by `grammar`.
#[inline]
fn leaf<'a>(
    source: Source<'a>,
    at: usize,
    rest: LeafRest,
    slot: Option<&mut Raw<'a>>,
) -> Option<usize> {
    let first = *source.block().get(at)?;
    if first == b'"' {
        if let Some(end) = plain_text(source, at + 1) {
            if let Some(slot) = slot {
                *slot = Raw::Text(source.text(at + 1, end));
            }
            return Some(end + 1);
        }
    } else if first.is_ascii_digit()
        && let Some(end) = short_number(source, at)
    {
        if let Some(slot) = slot {
            *slot = Raw::Number(source.text(at, end));
        }
        return Some(end);
    }
    any_leaf(source, at, rest, slot)
}

#[inline(never)]
fn any_leaf<'a>(
    source: Source<'a>,
    at: usize,
    rest: LeafRest,
    slot: Option<&mut Raw<'a>>,
) -> Option<usize> {
    if rest.leads_on && source.byte(at) == Some(b'{') {
        // Fields are inside: this line has another layout.
        return None;
    }
    let (value, end) = grammar::value(source, at, rest.depth).ok()?;
    if let Some(slot) = slot {
        *slot = value;
    }
    Some(end)
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
        self.push(at, Then::Leaf { field, rest: LeafRest { depth, leads_on } })?;
        self.glue_start = end;
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

impl Segment {
    fn new(glue: &[u8], then: Then) -> Self {
        let (mut bytes, mut mask) = ([0; WINDOW_BYTES], [0; WINDOW_BYTES]);
        for ((to, counts), from) in bytes.iter_mut().zip(&mut mask).zip(glue) {
            (*to, *counts) = (*from, u8::MAX);
        }
        Self { glue: from_bytes(&bytes), mask: from_bytes(&mask), length: glue.len(), then }
    }
}
