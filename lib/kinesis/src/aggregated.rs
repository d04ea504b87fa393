//! Aggregated records of the Kinesis Producer Library: many records of a producer in one of the stream. Lambda hands them on
//! as they are.
//!
//! The format (<https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>): four bytes of magic, a
//! message of Protocol Buffers, and the 16 bytes of its MD5.
//!
//! ```text
//! F3 89 9A C2 | AggregatedRecord { 1: partition keys, 2: explicit hash keys, 3: records { 3: data, .. } } | MD5
//! ```
//!
//! Only where the data of each record stand is read: nothing is copied. What has the magic but not the right sum is no
//! aggregated record, and is handed on as it is, as AWS's own modules do.

use md5::{Digest, Md5};
use std::ops::Range;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::source::{Record, SequenceNumber};

/// How an aggregated record begins.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
/// How long its sum is.
const SUM_BYTES: usize = 16;
/// The field of `AggregatedRecord` that holds its records.
const RECORDS: u64 = 3;
/// The field of a record that holds its data.
const DATA: u64 = 3;

/// Where the data of each packed record stand in an aggregated record; nothing if it is none.
///
/// ```
/// use streamgauge_kinesis::aggregated::unpack;
///
/// assert_eq!(unpack(br#"{"type":"order.created"}"#), None);
/// ```
pub fn unpack(record: &[u8]) -> Option<Vec<Range<usize>>> {
    let rest = record.strip_prefix(&MAGIC)?;
    let (message, sum) = rest.split_at_checked(rest.len().checked_sub(SUM_BYTES)?)?;
    if Md5::digest(message).as_slice() != sum {
        return None;
    }
    let mut ranges = Vec::new();
    let mut fields = Fields { bytes: message, place: 0 };
    while let Some(field) = fields.next()? {
        if field.number == RECORDS {
            let data = data(message.get(field.range.clone())?)?;
            let start = MAGIC.len() + field.range.start;
            ranges.push(start + data.start..start + data.end);
        }
    }
    Some(ranges)
}

/// A record of a stream as those that are packed in it, or as it is, also one that packs nothing, so that it is not passed over in silence.
pub(crate) fn unpacked(
    text: &[u8],
    range: Range<usize>,
    sequence: &SequenceNumber,
    arrival: Timestamp,
) -> impl Iterator<Item = Record> {
    let packed = text.get(range.clone()).and_then(unpack).filter(|packed| !packed.is_empty());
    let start = range.start;
    let absolute = move |inner: Range<usize>| start + inner.start..start + inner.end;
    let all =
        packed.map_or_else(|| vec![range], |packed| packed.into_iter().map(absolute).collect());
    all.into_iter().zip(0..).map(move |(bytes, sub_sequence)| Record {
        sequence: sequence.clone(),
        sub_sequence,
        arrival: Some(arrival),
        bytes,
    })
}

/// Where the data stand in a packed record; the last one counts if there are several, as in all of Protocol Buffers.
fn data(record: &[u8]) -> Option<Range<usize>> {
    let mut fields = Fields { bytes: record, place: 0 };
    let mut data = None;
    while let Some(field) = fields.next()? {
        if field.number == DATA {
            data = Some(field.range);
        }
    }
    data
}

/// A field of a message: its number, and where its bytes stand; numbers have none.
struct Field {
    number: u64,
    range: Range<usize>,
}

/// The fields of a message, one after another.
struct Fields<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Fields<'_> {
    /// The next field; `Some(None)` at the end, `None` if this is no message.
    #[expect(
        clippy::option_option,
        reason = "the end of a message is something else than a broken one"
    )]
    fn next(&mut self) -> Option<Option<Field>> {
        if self.place == self.bytes.len() {
            return Some(None);
        }
        let key = self.varint()?;
        let length = match key & 7 {
            0 => {
                self.varint()?;
                0
            }
            1 => 8,
            2 => usize::try_from(self.varint()?).ok()?,
            5 => 4,
            _ => return None,
        };
        let start = self.place;
        let end = start.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        self.place = end;
        Some(Some(Field { number: key >> 3, range: start..end }))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.bytes.get(self.place)?;
            self.place += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 128, "one byte of length");
        [&[number << 3 | 2, length], bytes].concat()
    }

    /// An aggregated record with these data, as a producer writes it.
    fn packed(data: &[&[u8]]) -> Vec<u8> {
        let mut message = field(1, b"key");
        for bytes in data {
            let index = [8, 0];
            message.extend(field(3, &[&index[..], &field(3, bytes)].concat()));
        }
        let sum = Md5::digest(&message);
        [&MAGIC[..], &message, sum.as_slice()].concat()
    }

    #[track_caller]
    fn check(record: &[u8], expect: Option<&[&[u8]]>) {
        let found = unpack(record);
        let found = found
            .as_ref()
            .map(|ranges| ranges.iter().map(|range| &record[range.clone()]).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expect);
    }

    #[test]
    fn packed_records_are_found_in_order() {
        check(&packed(&[b"a", b"", b"{\"b\":1}"]), Some(&[b"a", b"", b"{\"b\":1}"]));
        check(&packed(&[]), Some(&[]));
    }

    #[test]
    fn what_is_not_aggregated_is_left_alone() {
        check(b"", None);
        check(b"{}", None);
        check(&MAGIC, None);
        let mut wrong_sum = packed(&[b"a"]);
        *wrong_sum.last_mut().unwrap() ^= 1;
        check(&wrong_sum, None);
        let mut cut = packed(&[b"a"]);
        cut.pop();
        check(&cut, None);
    }

    #[test]
    fn a_record_without_data_is_no_record() {
        let message = field(3, &[8, 0]);
        let sum = Md5::digest(&message);
        check(&[&MAGIC[..], &message, sum.as_slice()].concat(), None);
    }

    #[test]
    fn fields_of_all_kinds_are_passed_over() {
        // 64 bits, 32 bits and a number of two bytes, then a record.
        let numbers = [0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0x4d, 0, 0, 0, 0, 0x50, 0x80, 1];
        let message = [&numbers[..], &field(3, &field(3, b"x"))].concat();
        let sum = Md5::digest(&message);
        check(&[&MAGIC[..], &message, sum.as_slice()].concat(), Some(&[b"x"]));
    }

    proptest! {
        #[test]
        fn no_message_panics(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let sum = Md5::digest(&message);
            let record = [&MAGIC[..], &message, sum.as_slice()].concat();
            for range in unpack(&record).unwrap_or_default() {
                prop_assert!(range.end <= record.len());
            }
        }
    }
}
