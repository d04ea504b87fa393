//! The keys of series. A dimension value is written as a text the first time, and after that as the number of that text.
//!
//! So a value that many series share (a country) costs its bytes once, and one that is alone (an order) nothing extra.

use super::reader::Reader;
use super::writer::Writer;
use crate::hash::Map;
use crate::place::events;
use crate::series::{SeriesKey, push_value};
use hashbrown::hash_map::Entry;
use minicbor::decode::Error;

/// Longer values are written in full each time: few bytes must never become many.
const SHARED_BYTES_MAX: usize = 64;

/// Writes keys.
#[derive(Debug, Default)]
pub(super) struct KeyWriter<'d> {
    known: Map<&'d str, u64>,
}

impl<'d> KeyWriter<'d> {
    /// Writes a key: the value of each dimension, or null if it has none.
    pub(super) fn write(&mut self, writer: &mut Writer, key: &'d SeriesKey) {
        if key.packed().is_empty() {
            writer.null();
            return;
        }
        for value in key.values() {
            let next = events(self.known.len());
            if value.len() > SHARED_BYTES_MAX {
                writer.text(value);
                continue;
            }
            match self.known.entry(value) {
                Entry::Occupied(known) => writer.unsigned(*known.get()),
                Entry::Vacant(new) => {
                    new.insert(next);
                    writer.text(value);
                }
            }
        }
    }
}

/// Reads keys.
#[derive(Debug, Default)]
pub(super) struct KeyReader<'b> {
    known: Vec<&'b str>,
    packed: Vec<u8>,
}

impl<'b> KeyReader<'b> {
    /// Reads the key of a metric with so many dimensions.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'b>,
        dimensions: usize,
    ) -> Result<SeriesKey, Error> {
        self.packed.clear();
        if reader.null()? {
            return Ok(SeriesKey::default());
        }
        if dimensions == 0 {
            return Err(reader.wrong("a value without a dimension"));
        }
        for _ in 0..dimensions {
            let value = if reader.is_text()? {
                let text = reader.text()?;
                if text.len() <= SHARED_BYTES_MAX {
                    self.known.push(text);
                }
                text
            } else {
                let known = reader.place()?;
                let text = self.known.get(known).copied();
                text.ok_or_else(|| reader.wrong("a value that no text came before"))?
            };
            push_value(&mut self.packed, value);
        }
        Ok(SeriesKey::from_packed(&self.packed))
    }
}
