//! The stored form of a lane's register: the fields in their order, a place in the log as entry and point. Version 2 adds
//! how far the lanes of channels are.

use super::{Burial, Cursor, Dead, Failing, Lane, LanesIndex, Sending};
use crate::deliver::register::Registered;
use crate::port::Partition;
use crate::port::log::Version;
use crate::port::points::Receipt;
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;

/// The version that is written.
const VERSION: u64 = 2;

impl Registered for Lane {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        self.cursor.write(&mut writer);
        writer.option(self.sending.as_ref(), write_sending);
        writer.option(self.burying.as_ref(), |writer, burial| burial.write(writer));
        writer.option(self.suspect, |writer, suspect| suspect.write(writer));
        self.failing.write(&mut writer);
        writer.time(self.minute);
        writer.list(self.receipts.iter(), |writer, (namespace, number)| {
            writer.put(namespace.as_str()).put(*number);
        });
        writer.put(self.letters.0);
        self.channels.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("lane", VERSION, bytes, |reader, version| {
            Ok(Self {
                cursor: Cursor::read(reader)?,
                sending: reader.option(read_sending)?,
                burying: reader.option(Burial::read)?,
                suspect: reader.option(Cursor::read)?,
                failing: Failing::read(reader)?,
                minute: reader.time()?,
                receipts: reader
                    .list(|reader| Ok((reader.take()?, reader.take()?)))?
                    .into_iter()
                    .collect(),
                letters: Version(reader.take()?),
                // Before there were channels: whatever the log holds for them is to be looked for.
                channels: if version < 2 {
                    LanesIndex::default()
                } else {
                    LanesIndex::read(reader)?
                },
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

impl Burial {
    pub(crate) fn write(&self, writer: &mut Writer) {
        self.until.write(writer);
        write_refused(writer, &self.dead.refused);
        writer.put(self.dead.rest.as_deref());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let until = Cursor::read(reader)?;
        let dead = Dead { refused: read_refused(reader)?, rest: reader.take()? };
        Ok(Self { until, dead })
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
