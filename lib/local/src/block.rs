//! Text in blocks of whole lines.
//!
//! A file is read in large pieces, each straight into a [`Block`] that the caller lends and gets back full. A block
//! ends at the last line end that was read; what stands after it (a part of a line) begins the next block. So no line
//! is ever copied but the one that a block's end cuts, and workers can take blocks in any order: each knows
//! the number of its first line.
//!
//! | the file | the block |
//! | --- | --- |
//! | `{"a":1}⏎{"b":2}⏎` | both lines, `first_line` 1 |
//! | `{"a":1}⏎{"b":2}` | the same: the last line gets its missing end |
//! | a line of 11 MiB | no text, [`Oversized`] with its number and its first KiB |
//!
//! Memory is bounded: a block grows beyond [`BLOCK_BYTES`] only for a line that needs it, up to [`LINE_BYTES_MAX`].

use memchr::{memchr, memchr_iter, memrchr};
use std::io::{self, Read};
use streamgauge_engine::decode::RECORD_BYTES_MAX;

/// The size that a block aims at, in bytes: it fits into a core's second-level cache, and a system call per so many bytes costs nothing.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;

/// The longest line that is an event, in bytes without its line end: a file holds what a stream can.
pub(crate) const LINE_BYTES_MAX: usize = RECORD_BYTES_MAX;

/// How much of a longer line is kept to show, in bytes.
pub(crate) const OVERSIZED_KEPT_BYTES: usize = 1024;

// A block may hold several lines, so it must not be able to hold one that is too long among them.
const _: () = assert!(BLOCK_BYTES <= LINE_BYTES_MAX);

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole lines of one input, or one line that is too long.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// The lines, each ended by `\n`. Empty lines and `\r` before `\n` are still there.
    pub(crate) text: Vec<u8>,
    /// The number of the first line, from 1.
    pub(crate) first_line: u64,
    /// A line over [`LINE_BYTES_MAX`], numbered `first_line`; the block has no text then.
    pub(crate) oversized: Option<Oversized>,
}

/// A line that is too long to be an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oversized {
    /// Its length in bytes, without its line end.
    pub(crate) length: u64,
    /// Its first [`OVERSIZED_KEPT_BYTES`].
    pub(crate) start: Vec<u8>,
}

/// The sizes that cutting goes by; smaller ones only in tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) block: usize,
    pub(crate) line_max: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { block: BLOCK_BYTES, line_max: LINE_BYTES_MAX }
    }
}

/// Cuts a stream of bytes into blocks.
#[derive(Debug)]
pub(crate) struct Cutter {
    sizes: Sizes,
    /// What was read after the last block's end.
    carry: Vec<u8>,
    next_line: u64,
    started: bool,
    ended: bool,
    bytes_read: u64,
    /// Why reading ended early; told when the lines before it are out.
    failure: Option<io::Error>,
}

impl Cutter {
    /// A cutter for a stream of which `head` has been read already.
    pub(crate) fn new(sizes: Sizes, head: Vec<u8>) -> Self {
        Self {
            sizes,
            carry: head,
            next_line: 1,
            started: false,
            ended: false,
            bytes_read: 0,
            failure: None,
        }
    }

    /// Bytes read so far, `head` aside.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The number of the line that the next block begins with.
    pub(crate) fn next_line(&self) -> u64 {
        self.next_line
    }

    /// Fills `block` with the next lines; false at the end, where the block is left empty.
    ///
    /// An error comes after every whole line before it, and only once.
    pub(crate) fn next_block(
        &mut self,
        source: &mut impl Read,
        block: &mut Block,
    ) -> io::Result<bool> {
        self.begin(block);
        let text = &mut block.text;
        let mut searched = 0;
        loop {
            // A line that does not fit doubles the block, so that a long one is not searched again and again.
            let goal =
                text.len().saturating_mul(2).clamp(self.sizes.block, self.sizes.line_max + 1);
            self.fill(source, text, goal);
            if !self.started {
                self.started = true;
                if text.starts_with(BYTE_ORDER_MARK) {
                    text.drain(..BYTE_ORDER_MARK.len());
                }
            }
            let unsearched = text.get(searched..).unwrap_or_default();
            if let Some(line_end) = memrchr(b'\n', unsearched) {
                let end = searched + line_end + 1;
                self.carry.extend_from_slice(text.get(end..).unwrap_or_default());
                text.truncate(end);
                break;
            }
            if text.len() > self.sizes.line_max {
                block.oversized = Some(self.skip_line(source, text));
                self.next_line += 1;
                return Ok(true);
            }
            if self.ended {
                return self.finish(text);
            }
            searched = text.len();
        }
        self.count_lines(text);
        Ok(true)
    }

    /// Empties the block and puts what the last one left at its start.
    fn begin(&self, block: &mut Block) {
        block.text.clear();
        if block.text.capacity() > 2 * self.sizes.block {
            block.text = Vec::new(); // a long line passed; its memory is not kept
        }
        block.oversized = None;
        block.first_line = self.next_line;
        block.text.extend_from_slice(&self.carry);
    }

    /// Reads until the text has `goal` bytes or the input ends.
    fn fill(&mut self, source: &mut impl Read, text: &mut Vec<u8>, goal: usize) {
        self.carry.clear();
        if self.carry.capacity() > 2 * self.sizes.block {
            self.carry = Vec::new();
        }
        let missing = goal.saturating_sub(text.len());
        if self.ended || missing == 0 {
            return;
        }
        text.reserve_exact(missing + 1); // room for a missing last line end
        let before = text.len();
        // `read_to_end` of a `take` reads into the spare room without clearing it first.
        match source.take(widen(missing)).read_to_end(text) {
            Ok(count) => self.ended = count < missing,
            Err(error) => {
                self.ended = true;
                self.failure = Some(error);
            }
        }
        self.bytes_read += widen(text.len() - before);
    }

    /// The end of the input: the last line may lack its end; after a failure it is a part of a line and no event.
    fn finish(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        if let Some(failure) = self.failure.take() {
            text.clear();
            return Err(failure);
        }
        if text.is_empty() {
            return Ok(false);
        }
        text.push(b'\n');
        self.count_lines(text);
        Ok(true)
    }

    /// Reads on to the end of a line that is too long, keeping only its beginning.
    fn skip_line(&mut self, source: &mut impl Read, text: &mut Vec<u8>) -> Oversized {
        let start = text.get(..OVERSIZED_KEPT_BYTES).unwrap_or(text).to_vec();
        let mut length = widen(text.len());
        *text = Vec::new();
        while !self.ended {
            text.clear();
            self.fill(source, text, self.sizes.block);
            if let Some(line_end) = memchr(b'\n', text) {
                length += widen(line_end);
                self.carry.extend_from_slice(text.get(line_end + 1..).unwrap_or_default());
                break;
            }
            length += widen(text.len());
        }
        text.clear();
        Oversized { length, start }
    }

    fn count_lines(&mut self, text: &[u8]) {
        self.next_line += widen(memchr_iter(b'\n', text).count());
    }
}

pub(crate) fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
