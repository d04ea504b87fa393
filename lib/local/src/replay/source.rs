//! The inputs, one after another, as one run of chunks.

use super::chunk::Chunk;
use crate::input::{Input, InputError, LineReader};
use std::sync::Arc;

/// The inputs, one after another.
pub(super) struct Source {
    waiting: std::vec::IntoIter<Input>,
    current: Option<LineReader>,
    name: Arc<str>,
    opened: u64,
    /// Bytes of the inputs before the current one.
    bytes_before: u64,
}

impl Source {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self {
            waiting: inputs.into_iter(),
            current: None,
            name: Arc::from(""),
            opened: 0,
            bytes_before: 0,
        }
    }

    /// Reads the next block; false when the last input has ended.
    pub(super) fn next(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        loop {
            if let Some(reader) = &mut self.current {
                let found = reader.next_block(&mut chunk.block)?;
                chunk.bytes_read = self.bytes_before + reader.bytes_read();
                if found {
                    chunk.input = Arc::clone(&self.name);
                    chunk.input_place = self.opened - 1;
                    return Ok(true);
                }
                self.bytes_before = chunk.bytes_read;
                self.current = None;
            }
            let Some(input) = self.waiting.next() else { return Ok(false) };
            self.name = Arc::from(input.name());
            self.opened += 1;
            self.current = Some(input.open()?);
        }
    }
}
