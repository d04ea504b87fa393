//! The stored form of a lane's register: the fields in their order, a place in the log as entry and point.

use super::{Burial, Cursor, Dead, Lane, Sending};
use crate::port::Partition;
use crate::port::log::Version;
use crate::port::points::Receipt;
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;

/// The version that is written.
const VERSION: u64 = 1;

impl Lane {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        self.cursor.write(&mut writer);
        writer.option(self.sending.as_ref(), write_sending);
        writer.option(self.burying.as_ref(), |writer, Burial { until, dead }| {
            until.write(writer);
            write_refused(writer, &dead.refused);
            writer.put(dead.rest.as_deref());
        });
        writer.option(self.suspect, |writer, suspect| suspect.write(writer));
        writer.option(self.retry_at, |writer, retry_at| _ = writer.time(retry_at));
        writer.put(self.attempts);
        writer.option(self.failing_since, |writer, since| _ = writer.time(since));
        writer.time(self.minute);
        writer.list(self.receipts.iter(), |writer, (namespace, number)| {
            writer.put(namespace.as_str()).put(*number);
        });
        writer.put(self.letters.0);
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("lane", VERSION, bytes, |reader, _| {
            Ok(Self {
                cursor: Cursor::read(reader)?,
                sending: reader.option(read_sending)?,
                burying: reader.option(|reader| {
                    let until = Cursor::read(reader)?;
                    let dead = Dead { refused: read_refused(reader)?, rest: reader.take()? };
                    Ok(Burial { until, dead })
                })?,
                suspect: reader.option(Cursor::read)?,
                retry_at: reader.option(Reader::time)?,
                attempts: reader.take()?,
                failing_since: reader.option(Reader::time)?,
                minute: reader.time()?,
                receipts: reader
                    .list(|reader| Ok((reader.take()?, reader.take()?)))?
                    .into_iter()
                    .collect(),
                letters: Version(reader.take()?),
            })
        })
    }
}

impl Cursor {
    pub(crate) fn write(self, writer: &mut Writer) {
        writer.put(self.version.0).put(self.point);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { version: Version(reader.take()?), point: reader.take()? })
    }
}

fn write_refused(writer: &mut Writer, refused: &[(Cursor, String)]) {
    writer.list(refused.iter(), |writer, (cursor, reason)| {
        cursor.write(writer);
        writer.put(reason.as_str());
    });
}

fn read_refused(reader: &mut Reader<'_>) -> Result<Vec<(Cursor, String)>, Error> {
    reader.list(|reader| Ok((Cursor::read(reader)?, reader.take()?)))
}

fn write_sending(writer: &mut Writer, sending: &Sending) {
    sending.until.write(writer);
    writer.put(sending.points);
    write_refused(writer, &sending.refused);
    let Receipt { namespace, partition, minute, number } = &sending.receipt;
    writer.put(namespace.as_str()).put(partition.number()).time(*minute).put(*number);
    writer.put(sending.invocation.as_str());
    writer.time(sending.deadline).time(sending.sent_at).time(sending.oldest);
}

fn read_sending(reader: &mut Reader<'_>) -> Result<Sending, Error> {
    Ok(Sending {
        until: Cursor::read(reader)?,
        points: reader.take()?,
        refused: read_refused(reader)?,
        receipt: Receipt {
            namespace: reader.take()?,
            partition: Partition::new(reader.take()?)
                .ok_or_else(|| Error::message("no partition"))?,
            minute: reader.time()?,
            number: reader.take()?,
        },
        invocation: reader.take()?,
        deadline: reader.time()?,
        sent_at: reader.time()?,
        oldest: reader.time()?,
    })
}
