//! The file of what was sent, so that a replay of it says what the stream must have led to.

use crate::exit::Failure;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use streamgauge_kinesis::put::record::PutRecord;

/// The file, if one is wanted.
#[derive(Debug, Default)]
pub(super) struct Keep {
    file: Option<(PathBuf, BufWriter<File>)>,
}

impl Keep {
    /// Begins the file.
    pub(super) fn new(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
        Ok(Self { file: Some((path.to_owned(), BufWriter::new(file))) })
    }

    /// Writes records that stand in the stream, in this order.
    pub(super) fn write(&mut self, records: &[PutRecord]) -> Result<(), Failure> {
        let Some((path, writer)) = &mut self.file else { return Ok(()) };
        let mut lines = records.iter();
        lines
            .try_for_each(|record| {
                writer.write_all(record.data())?;
                writer.write_all(b"\n")
            })
            .map_err(|error| Failure::file(path, &error))
    }

    /// Ends the file.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.file {
            None => Ok(()),
            Some((path, writer)) => writer.flush().map_err(|error| Failure::file(path, &error)),
        }
    }
}
