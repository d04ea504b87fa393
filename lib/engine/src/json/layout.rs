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
use super::window::{WINDOW_BYTES, Window, window};
use crate::field::Raw;
use wide::u8x16;

/// How many pieces of glue a layout may have. A line with more, 20 times that of the benchmark's, is left to the scanner.
const SEGMENTS_MAX: usize = 256;

/// Glue, and what stands behind it.
#[derive(Clone, Debug)]
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
    Leaf { field: usize, depth: u32, leads_on: bool },
    /// More glue, or the end.
    Glue,
    /// The beginning of an object that is the field at this index.
    Open(usize),
    /// The end of that object.
    Close(usize),
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
        let mut learner = Learner { paths, source, segments: Vec::new(), glue_start: source.start() };
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

    /// Fills in all fields if the line has this layout and every value is valid. Otherwise the values are unspecified.
    #[inline]
    pub(super) fn fill<'a>(&self, source: Source<'a>, values: &mut [Raw<'a>]) -> bool {
        let mut at = source.start();
        for segment in &self.segments {
            if !segment.fits(&window(source.block(), at)) {
                return false;
            }
            at += segment.length;
            match segment.then {
                Then::Leaf { field, depth, leads_on } => {
                    match leaf(source, at, depth, leads_on, values.get_mut(field)) {
                        Some(end) => at = end,
                        None => return false,
                    }
                }
                Then::Glue => {}
                Then::Open(field) => open(source, at, values.get_mut(field)),
                Then::Close(field) => close(source, at, values.get_mut(field)),
            }
        }
        for &(field, value) in &self.unfilled {
            if let Some(slot) = values.get_mut(field) {
                *slot = value;
            }
        }
        // Whatever was read past the line's end has moved `at` past it as well.
        at == source.end()
    }
}

impl Segment {
    #[inline]
    fn fits(&self, seen: &Window) -> bool {
        let [low, high] = seen;
        let different = ((*low ^ self.glue[0]) & self.mask[0]) | ((*high ^ self.glue[1]) & self.mask[1]);
        different.simd_eq(u8x16::ZERO).all()
    }
}

/// The position behind the value at `at`, which goes to `slot`.
#[inline]
fn leaf<'a>(source: Source<'a>, at: usize, depth: u32, leads_on: bool, slot: Option<&mut Raw<'a>>) -> Option<usize> {
    let (value, end) = match source.block().get(at)? {
        b'"' => match plain_text(source, at + 1) {
            Some(end) => {
                if let Some(slot) = slot {
                    *slot = Raw::Text(source.text(at + 1, end));
                }
                return Some(end + 1);
            }
            None => grammar::value(source, at, depth).ok()?,
        },
        b'0'..=b'9' => match short_number(source, at) {
            Some(end) => {
                if let Some(slot) = slot {
                    *slot = Raw::Number(source.text(at, end));
                }
                return Some(end);
            }
            None => grammar::value(source, at, depth).ok()?,
        },
        // Fields are inside: this line has another layout.
        b'{' if leads_on => return None,
        _ => grammar::value(source, at, depth).ok()?,
    };
    if let Some(slot) = slot {
        *slot = value;
    }
    Some(end)
}

/// Notes where an object begins: the text from there to the line's end.
#[cold]
fn open<'a>(source: Source<'a>, at: usize, slot: Option<&mut Raw<'a>>) {
    if let Some(slot) = slot {
        *slot = Raw::Object(source.text(at, source.end()));
    }
}

/// Cuts the text that [`open`] has noted where the object ends.
#[cold]
fn close<'a>(source: Source<'a>, at: usize, slot: Option<&mut Raw<'a>>) {
    if let Some(Raw::Object(text)) = slot {
        let start = source.end() - text.len();
        *text = source.text(start, at);
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
        if let Some(field) = field {
            self.push(at, Then::Open(field))?;
        }
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
            self.push(at + 1, Then::Close(field))?;
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
        Some(end)
    }

    /// Adds the glue up to `end`, in pieces that fit into a window.
    fn push(&mut self, end: usize, then: Then) -> Option<()> {
        let mut rest = self.source.bytes(self.glue_start, end);
        while let Some((piece, behind)) = rest.split_at_checked(WINDOW_BYTES).filter(|(_, behind)| !behind.is_empty()) {
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
        let mask = [u8::MAX; WINDOW_BYTES];
        let mask = window(mask.get(..glue.len()).unwrap_or(&mask), 0);
        Self { glue: window(glue, 0), mask, length: glue.len(), then }
    }
}
