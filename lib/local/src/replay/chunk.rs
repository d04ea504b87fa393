//! A block on its way through the folds, and its lines as records.

use crate::block::{Block, LINE_BYTES_MAX};
use std::sync::Arc;
use streamgauge_engine::decode::{Batch, Decoder, Record};
use streamgauge_engine::reject::{Reject, RejectCode};

/// One block of an input on its way through the folds.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) block: Block,
    pub(super) input: Arc<str>,
    /// The input's place among the inputs, from 0.
    pub(super) input_place: u64,
    /// Bytes of all inputs, as stored, that were read up to here.
    pub(super) bytes_read: u64,
}

/// Bits of a record's position that hold its line; the rest holds its input.
const LINE_BITS: u32 = 40;

impl Chunk {
    /// Decodes the block's lines. Empty ones are no records.
    pub(super) fn decode(&self, decoder: &mut Decoder) -> Batch {
        let base = (self.input_place << LINE_BITS) + self.block.first_line;
        if let Some(line) = &self.block.oversized {
            let mut batch = Batch { received: 1, ..Batch::default() };
            let detail = format!("{} bytes; the limit is {}", line.length, LINE_BYTES_MAX);
            batch.rejects.push(Reject { position: base, code: RejectCode::TooLarge, detail });
            return batch;
        }
        let lines = Lines { text: &self.block.text, at: 0 }.zip(base..);
        decoder.decode(
            &self.block.text,
            lines.filter(|(bytes, _)| !bytes.is_empty()).map(|(bytes, position)| Record {
                bytes,
                arrival: None,
                position,
            }),
        )
    }

    /// The number of the line at a position, from 1.
    pub(super) fn line(position: u64) -> u64 {
        position & ((1 << LINE_BITS) - 1)
    }

    /// The lines that are not empty, with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let lines = Lines { text: &self.block.text, at: 0 }.zip(self.block.first_line..);
        let lines = lines.filter_map(|(bytes, number)| Some((number, self.block.text.get(bytes)?)));
        lines.filter(|(_, text)| !text.is_empty())
    }

    /// Gives the bytes of the lines with these numbers, which must rise: one walk over the block serves them all.
    pub(super) fn payloads<'c>(&'c self) -> impl FnMut(u64) -> &'c [u8] {
        let mut lines = Lines { text: &self.block.text, at: 0 }.zip(self.block.first_line..);
        move |line| {
            if let Some(oversized) = &self.block.oversized {
                return &oversized.start;
            }
            let found = lines.find(|&(_, number)| number == line);
            found.and_then(|(bytes, _)| self.block.text.get(bytes)).unwrap_or_default()
        }
    }
}

/// The lines of a block, without their ends (`\n` or `\r\n`).
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = std::ops::Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        let carriage_return = rest.get(..length).is_some_and(|line| line.ends_with(b"\r"));
        Some(start..start + length - usize::from(carriage_return))
    }
}
