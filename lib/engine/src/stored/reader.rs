//! Reads the items that stored forms are made of, and believes none of them before it has looked.

use super::StoredError;
use crate::calendar::WindowSpan;
use crate::decimal::Decimal;
use crate::time::Timestamp;
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// What is left of one form.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    decoder: Decoder<'b>,
}

/// Moments are within 285,000 years of the epoch, so that arithmetic with them stays far from the ends of 64 bits.
const TIME_MS_MAX: u64 = 1 << 53;

/// Reads a form: its version, which `body` gets, and all that follows, to the last byte.
pub(crate) fn read<'b, T>(
    what: &'static str,
    newest: u64,
    bytes: &'b [u8],
    body: impl FnOnce(&mut Reader<'b>, u64) -> Result<T, Error>,
) -> Result<T, StoredError> {
    let damaged = |source| StoredError::Damaged { what, source };
    let mut reader = Reader { decoder: Decoder::new(bytes) };
    let version = reader.unsigned().map_err(damaged)?;
    if version > newest {
        return Err(StoredError::Newer { what, version, newest });
    }
    if version == 0 {
        return Err(damaged(Error::message("formats are counted from 1")));
    }
    let value = body(&mut reader, version).map_err(damaged)?;
    if reader.decoder.position() < bytes.len() {
        return Err(damaged(reader.wrong("bytes follow its end")));
    }
    Ok(value)
}

impl<'b> Reader<'b> {
    /// The error that something is wrong at this place.
    #[cold]
    pub(crate) fn wrong(&self, what: &'static str) -> Error {
        Error::message(what).at(self.decoder.position())
    }

    /// A number that is never negative.
    #[inline]
    pub(crate) fn unsigned(&mut self) -> Result<u64, Error> {
        self.decoder.u64()
    }

    /// A number that is never negative, and may be absent.
    pub(crate) fn optional_unsigned(&mut self) -> Result<Option<u64>, Error> {
        if self.null()? { Ok(None) } else { self.unsigned().map(Some) }
    }

    /// Any number.
    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, Error> {
        self.decoder.i64()
    }

    /// A place in a list.
    pub(crate) fn place(&mut self) -> Result<usize, Error> {
        let place = self.unsigned()?;
        usize::try_from(place).map_err(|_large| self.wrong("no list is that long"))
    }

    /// One of a list of all that there are, by its place; `none` says that it has no such place.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T], none: &'static str) -> Result<T, Error> {
        let found = all.get(self.place()?).copied();
        found.ok_or_else(|| self.wrong(none))
    }

    /// How many elements follow: no more than there are bytes.
    pub(crate) fn list(&mut self) -> Result<usize, Error> {
        let length = self.place()?;
        self.as_long_as_its_bytes(length)
    }

    /// How many elements of a column follow.
    fn column(&mut self) -> Result<usize, Error> {
        let length = self.decoder.array()?.and_then(|length| usize::try_from(length).ok());
        self.as_long_as_its_bytes(length.unwrap_or(usize::MAX))
    }

    fn as_long_as_its_bytes(&self, length: usize) -> Result<usize, Error> {
        let left = self.decoder.input().len().saturating_sub(self.decoder.position());
        if length > left {
            Err(self.wrong("a list that is longer than its bytes"))
        } else {
            Ok(length)
        }
    }

    /// Whether something is absent; if so, that is read.
    pub(crate) fn null(&mut self) -> Result<bool, Error> {
        let absent = self.decoder.datatype()? == Type::Null;
        if absent {
            self.decoder.null()?;
        }
        Ok(absent)
    }

    /// Whether a text is next.
    #[inline]
    pub(crate) fn is_text(&self) -> Result<bool, Error> {
        Ok(self.decoder.datatype()? == Type::String)
    }

    /// A text.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'b str, Error> {
        self.decoder.str()
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self) -> Result<Option<&'b str>, Error> {
        if self.null()? { Ok(None) } else { self.text().map(Some) }
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Error> {
        self.decoder.bytes()
    }

    /// Hashes, however many there are.
    pub(crate) fn hashes(&mut self) -> Result<Vec<u64>, Error> {
        let (hashes, rest) = self.decoder.bytes()?.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.wrong("a hash has 8 bytes"));
        }
        Ok(hashes.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    /// A moment that was written as its distance to a known one.
    #[inline]
    pub(crate) fn time(&mut self, known: Timestamp) -> Result<Timestamp, Error> {
        let time_ms = known.as_millis().wrapping_add(self.signed()?);
        if time_ms.unsigned_abs() > TIME_MS_MAX {
            return Err(self.wrong("a time far out of range"));
        }
        Ok(Timestamp::from_millis(time_ms))
    }

    /// A moment that may be absent.
    pub(crate) fn optional_time(&mut self, known: Timestamp) -> Result<Option<Timestamp>, Error> {
        if self.null()? { Ok(None) } else { self.time(known).map(Some) }
    }

    /// Moments, however many there are.
    pub(crate) fn times(&mut self) -> Result<Vec<Timestamp>, Error> {
        let least = self.time(Timestamp::EPOCH)?;
        (0..self.column()?).map(|_| self.time(least)).collect()
    }

    /// Numbers, of which there must be so many; the caller has read as many bytes for them already.
    pub(crate) fn numbers(&mut self, length: usize) -> Result<Vec<u64>, Error> {
        if self.decoder.datatype()? != Type::Array {
            return Ok(vec![self.unsigned()?; length]);
        }
        if self.column()? != length {
            return Err(self.wrong("columns of different lengths"));
        }
        (0..length).map(|_| self.unsigned()).collect()
    }

    /// A window.
    pub(crate) fn window(&mut self, known: WindowSpan) -> Result<WindowSpan, Error> {
        let start = self.time(known.end)?;
        let end = self.time(start)?;
        if start < end { Ok(WindowSpan { start, end }) } else { Err(self.wrong("an empty window")) }
    }

    /// A decimal.
    pub(crate) fn decimal(&mut self) -> Result<Decimal, Error> {
        if self.decoder.datatype()? == Type::Bytes {
            let bytes = self.decoder.bytes()?.try_into();
            let bytes = bytes.map_err(|_other| self.wrong("a large decimal has 16 bytes"))?;
            return Ok(Decimal::from_billionths(i128::from_be_bytes(bytes)));
        }
        let packed = self.signed()?;
        let scale = u32::try_from(packed.rem_euclid(10)).map_or(1, |zeros| 10_i128.pow(zeros));
        Ok(Decimal::from_billionths(i128::from(packed.div_euclid(10)) * scale))
    }

    /// A decimal that may be absent.
    pub(crate) fn optional_decimal(&mut self) -> Result<Option<Decimal>, Error> {
        if self.null()? { Ok(None) } else { self.decimal().map(Some) }
    }
}
