//! What the pipeline keeps in logs and registers, as bytes that later versions can still read.
//!
//! Each form begins with its own version and is written and read by hand, so that the types stay free to change. What follows
//! the version is a sequence of CBOR items (RFC 8742), lists with their length before them; nothing may follow the last.
//! Whatever the bytes are, reading ends in a value or a [`StoredError`], and takes memory in proportion to them.

use crate::port::source::{ShardKey, StreamId};
use minicbor::decode::Error;
use minicbor::encode::Encode;
use minicbor::{Decode, Decoder, Encoder};
use streamgauge_engine::decimal::Decimal;
pub use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

/// How many zeros at the end of a decimal's billionths are counted instead of written.
const ZEROS_MAX: u8 = 18;

/// Writes a form.
pub(crate) struct Writer(Encoder<Vec<u8>>);

impl Writer {
    /// Begins a form of this version.
    pub(crate) fn new(version: u64) -> Self {
        let mut writer = Self(Encoder::new(Vec::new()));
        writer.put(version);
        writer
    }

    /// Writes an item.
    pub(crate) fn put(&mut self, item: impl Encode<()>) -> &mut Self {
        let is_written = self.0.encode(item).is_ok();
        debug_assert!(is_written, "memory takes everything");
        self
    }

    /// Writes a moment.
    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Self {
        self.put(time.as_millis())
    }

    /// Writes a decimal: the power of ten, and what is left, which is short for most numbers that people deal with.
    pub(crate) fn decimal(&mut self, decimal: Decimal) -> &mut Self {
        let mut rest = decimal.billionths();
        let mut zeros = 0_u8;
        while zeros < ZEROS_MAX && rest != 0 && rest % 10 == 0 {
            rest /= 10;
            zeros += 1;
        }
        self.put(zeros).put(rest)
    }

    /// Writes a list, each of its members by `write`.
    pub(crate) fn list<T>(
        &mut self,
        members: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let length = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let is_written = self.0.array(length).is_ok();
        debug_assert!(is_written, "memory takes everything");
        for member in members {
            write(self, member);
        }
        self
    }

    /// Writes a value that may be absent, as a list of none or one.
    pub(crate) fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.list(value.into_iter(), write)
    }

    /// The bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// Reads what a [`Writer`] wrote.
pub(crate) struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    /// Reads an item.
    pub(crate) fn take<T: Decode<'b, ()>>(&mut self) -> Result<T, Error> {
        self.0.decode()
    }

    /// Reads a moment.
    pub(crate) fn time(&mut self) -> Result<Timestamp, Error> {
        self.take().map(Timestamp::from_millis)
    }

    /// Reads a decimal.
    pub(crate) fn decimal(&mut self) -> Result<Decimal, Error> {
        let (zeros, rest): (u8, i128) = (self.take()?, self.take()?);
        let power = if zeros <= ZEROS_MAX { 10_i128.checked_pow(zeros.into()) } else { None };
        let billionths = power.and_then(|power| rest.checked_mul(power));
        billionths
            .map(Decimal::from_billionths)
            .ok_or_else(|| Error::message("a decimal that is too large"))
    }

    /// Reads a list, each of its members by `read`, which takes at least one item.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let length = self.0.array()?.ok_or_else(|| Error::message("a list without its length"))?;
        // No room is made for members that the length only promises: the input ends where it ends.
        (0..length).map(|_| read(self)).collect()
    }

    /// Reads a value that may be absent.
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut values = self.list(read)?;
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(Error::message("more than one value")) }
    }

    /// Reads the place of something in a list that was read before.
    pub(crate) fn place<T: Clone>(&mut self, of: &[T]) -> Result<T, Error> {
        let place: usize = self.take()?;
        of.get(place).cloned().ok_or_else(|| Error::message("a place outside of its list"))
    }
}

/// Reads a form whose newest version is `newest`, by its version; `what` says what it is.
pub(crate) fn read<'b, T>(
    what: &'static str,
    newest: u64,
    bytes: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>, u64) -> Result<T, Error>,
) -> Result<T, StoredError> {
    let damaged = |source| StoredError::Damaged { what, source };
    let mut reader = Reader(Decoder::new(bytes));
    let version = reader.take().map_err(damaged)?;
    if version > newest {
        return Err(StoredError::Newer { what, version, newest });
    }
    if version == 0 {
        return Err(damaged(Error::message("no format has version 0")));
    }
    let value = read(&mut reader, version).map_err(damaged)?;
    if reader.0.position() < bytes.len() {
        return Err(damaged(Error::message("bytes after the end")));
    }
    Ok(value)
}

/// The number of a member of a list that has them all.
pub(crate) fn number<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|known| known == one).unwrap_or_default()
}

/// Writes the key of a shard.
pub(crate) fn write_shard(writer: &mut Writer, key: &ShardKey) {
    writer.put(&*key.stream.name).time(key.stream.created_at).put(&*key.shard);
}

/// Reads the key of a shard.
pub(crate) fn read_shard(reader: &mut Reader<'_>) -> Result<ShardKey, Error> {
    let name: &str = reader.take()?;
    let stream = StreamId { name: name.into(), created_at: reader.time()? };
    let shard: &str = reader.take()?;
    Ok(ShardKey { stream, shard: shard.into() })
}

#[cfg(test)]
pub(crate) mod check;
