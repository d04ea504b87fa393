//! The strict scanner: one pass over a line, along the trie of the wanted paths.
//!
//! Objects that a path leads through are read member by member; everything else is stepped over, but checked as well.

use super::grammar::{DEPTH_MAX, Fault, Key, Source, behind_space, key, value};
use super::paths::{NodeId, Paths};
use crate::field::Raw;

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is not JSON, or nests too deep.
    Fault(Fault),
    /// It is JSON, but no object.
    NotAnObject { at: usize, found: &'static str },
    /// A wanted key stands twice; `at` is where the second is.
    DuplicateKey { at: usize, node: NodeId },
}

/// The scanner's memory: which keys it has seen on this line.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    /// For each node of the trie the number of the last line that had its key.
    seen: Vec<u64>,
    lines: u64,
}

impl Scanner {
    pub(super) fn new(paths: &Paths) -> Self {
        Self { seen: vec![0; paths.len()], lines: 0 }
    }

    /// Checks the line and fills in all fields. After a problem the values are unspecified.
    ///
    /// What is no JSON wins over what is no event: duplicates and other values than objects are told at the end.
    pub(super) fn scan<'a>(
        &mut self,
        paths: &Paths,
        source: Source<'a>,
        values: &mut [Raw<'a>],
    ) -> Result<(), Problem> {
        values.fill(Raw::Unreachable);
        self.lines += 1;
        let mut walk =
            Walk { paths, source, values, seen: &mut self.seen, line: self.lines, duplicate: None };
        let start = behind_space(source, source.start());
        let (found, end) = walk.event(start).map_err(Problem::Fault)?;
        let duplicate = walk.duplicate;
        let rest = behind_space(source, end);
        if rest != source.end() {
            return Err(Problem::Fault(Fault::Syntax {
                at: rest,
                expected: "the end of the line",
            }));
        }
        if let Some(found) = found {
            return Err(Problem::NotAnObject { at: start, found });
        }
        duplicate.map_or(Ok(()), |(at, node)| Err(Problem::DuplicateKey { at, node }))
    }
}

/// One line on its way through the scanner.
struct Walk<'s, 'a> {
    paths: &'s Paths,
    source: Source<'a>,
    values: &'s mut [Raw<'a>],
    seen: &'s mut [u64],
    line: u64,
    duplicate: Option<(usize, NodeId)>,
}

impl<'a> Walk<'_, 'a> {
    /// The position behind the event, and what it is instead of an object.
    fn event(&mut self, at: usize) -> Result<(Option<&'static str>, usize), Fault> {
        if self.source.byte(at) == Some(b'{') {
            let end = self.object(NodeId::ROOT, at, 0)?;
            self.note(NodeId::ROOT, Raw::Object(self.source.text(at, end)));
            return Ok((None, end));
        }
        let (found, end) = value(self.source, at, 0)?;
        Ok((Some(kind(found)), end))
    }

    /// The position behind the object at `at`, whose members are fields or lead to them. `depth` counts what is around it.
    fn object(&mut self, node: NodeId, at: usize, depth: u32) -> Result<usize, Fault> {
        if depth >= DEPTH_MAX {
            return Err(Fault::TooDeep { at });
        }
        for child in self.paths.children(node) {
            self.note(child, Raw::Absent);
        }
        let mut at = behind_space(self.source, at + 1);
        if self.source.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        let mut expected = "a key in quotes or the end of the object";
        loop {
            let (key, start) = key(self.source, at, expected)?;
            at = behind_space(self.source, self.member(node, key, (at, start), depth + 1)?);
            match self.source.byte(at) {
                Some(b',') => at = behind_space(self.source, at + 1),
                Some(b'}') => return Ok(at + 1),
                _ => {
                    return Err(Fault::Syntax { at, expected: "a comma or the end of the object" });
                }
            }
            expected = "a key in quotes";
        }
    }

    /// The position behind the value at `at`, which belongs to `key`, written at `key_at`, in the object at `parent`.
    #[inline]
    fn member(
        &mut self,
        parent: NodeId,
        key: Key<'a>,
        (key_at, at): (usize, usize),
        depth: u32,
    ) -> Result<usize, Fault> {
        let child = self.paths.child(parent, key).filter(|&child| self.is_first(child, key_at));
        let Some(child) = child else { return value(self.source, at, depth).map(|(_, end)| end) };
        if self.source.byte(at) == Some(b'{') && self.paths.leads_on(child) {
            let end = self.object(child, at, depth)?;
            self.note(child, Raw::Object(self.source.text(at, end)));
            return Ok(end);
        }
        let (found, end) = value(self.source, at, depth)?;
        self.note(child, found);
        Ok(end)
    }

    /// Whether the key of `node` has not been on this line yet. A second one is kept for the end.
    #[inline]
    fn is_first(&mut self, node: NodeId, at: usize) -> bool {
        let before = self.seen.get_mut(node.index()).map(|seen| std::mem::replace(seen, self.line));
        let first = before != Some(self.line);
        if !first {
            self.duplicate.get_or_insert((at, node));
        }
        first
    }

    #[inline]
    fn note(&mut self, node: NodeId, found: Raw<'a>) {
        if let Some(value) = self.paths.field(node).and_then(|field| self.values.get_mut(field)) {
            *value = found;
        }
    }
}

/// What messages call a value that is no object.
fn kind(value: Raw<'_>) -> &'static str {
    match value {
        Raw::Unreachable | Raw::Absent => "nothing",
        Raw::Null => "null",
        Raw::Bool(_) => "a boolean",
        Raw::Number(_) => "a number",
        Raw::Text(_) | Raw::Escaped(_) => "a string",
        Raw::Array(_) => "an array",
        Raw::Object(_) => "an object",
    }
}
