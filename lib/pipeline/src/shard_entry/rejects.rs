//! The rejects of a batch as a chunk of its entry: with their payloads, so that they can be sent again after a fix.

use super::RecordId;
use crate::deflate::{read_deflated, write_deflated};
use crate::port::TooLarge;
use crate::stored::{Reader, Writer, read};
use minicbor::bytes::ByteSlice;
use minicbor::decode::Error;
use streamgauge_engine::reject::RejectCode;
use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

/// The largest chunk of rejects before it is deflated, in bytes: more than Lambda hands over at once, and more than the
/// largest record.
pub const REJECTS_BYTES_MAX: usize = 64 << 20;
/// The newest format of the chunk.
const FORMAT: u64 = 1;
const WHAT: &str = "chunk of rejects";

/// A record that is no event, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which record.
    pub record: RecordId,
    /// When the stream took it.
    pub arrival: Option<Timestamp>,
    /// Why it is no event.
    pub code: RejectCode,
    /// A sentence that names the field and shows the value.
    pub detail: String,
    /// The record's bytes.
    pub payload: Vec<u8>,
}

/// The chunk of these rejects.
pub fn write_rejects(rejects: &[Rejected]) -> Result<Vec<u8>, TooLarge> {
    let list = write_list(rejects);
    let remedy = "cut the batch into more entries";
    TooLarge::check("the bytes of a batch's rejects", list.len(), REJECTS_BYTES_MAX, remedy)?;
    Ok(write_deflated(FORMAT, &list))
}

/// Reads the chunk.
pub fn read_rejects(chunk: &[u8]) -> Result<Vec<Rejected>, StoredError> {
    read_list(&read_deflated(WHAT, FORMAT, chunk, REJECTS_BYTES_MAX)?)
}

pub(super) fn write_list(rejects: &[Rejected]) -> Vec<u8> {
    let mut list = Writer::new(FORMAT);
    list.list(rejects.iter(), |writer, reject| {
        reject.record.write(writer);
        writer.option(reject.arrival, |writer, arrival| {
            writer.time(arrival);
        });
        let payload = <&ByteSlice>::from(&reject.payload[..]);
        writer.put(reject.code.as_str()).put(reject.detail.as_str()).put(payload);
    });
    list.finish()
}

pub(super) fn read_list(list: &[u8]) -> Result<Vec<Rejected>, StoredError> {
    read(WHAT, FORMAT, list, |reader, _only| reader.list(read_reject))
}

fn read_reject(reader: &mut Reader<'_>) -> Result<Rejected, Error> {
    Ok(Rejected {
        record: RecordId::read(reader)?,
        arrival: reader.option(Reader::time)?,
        code: read_code(reader)?,
        detail: reader.take()?,
        payload: reader.take::<&ByteSlice>()?.to_vec(),
    })
}

fn read_code(reader: &mut Reader<'_>) -> Result<RejectCode, Error> {
    let text: &str = reader.take()?;
    let known = RejectCode::ALL.into_iter().find(|code| code.as_str() == text);
    known.ok_or_else(|| Error::message(format!("`{text}` is no code of a reject")))
}
