//! Writes the items that stored forms are made of.
//!
//! Times are written as the distance to one that the reader knows already, and decimals without the zeros at their end, so
//! that most items are one to three bytes.

use crate::calendar::WindowSpan;
use crate::decimal::Decimal;
use crate::place::events;
use crate::time::Timestamp;
use minicbor::Encoder;
use minicbor::encode::Error;
use std::convert::Infallible;

/// The bytes of one form, item by item.
#[derive(Debug)]
pub(crate) struct Writer {
    encoder: Encoder<Vec<u8>>,
}

impl Writer {
    /// A form of this version.
    pub(crate) fn new(version: u64) -> Self {
        let mut writer = Self { encoder: Encoder::new(Vec::new()) };
        writer.unsigned(version);
        writer
    }

    /// The bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.encoder.into_writer()
    }

    /// A number that is never negative.
    #[inline]
    pub(crate) fn unsigned(&mut self, number: u64) {
        written(self.encoder.u64(number));
    }

    /// A number that is never negative, and may be absent.
    pub(crate) fn optional_unsigned(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.unsigned(number),
            None => self.null(),
        }
    }

    /// Any number.
    #[inline]
    pub(crate) fn signed(&mut self, number: i64) {
        written(self.encoder.i64(number));
    }

    /// A place in a list.
    pub(crate) fn place(&mut self, place: usize) {
        self.unsigned(events(place));
    }

    /// One of a list of all that there are, by its place.
    pub(crate) fn one_of<T: PartialEq>(&mut self, all: &[T], one: &T) {
        self.place(all.iter().position(|known| known == one).unwrap_or_default());
    }

    /// How many elements follow; each must take at least one byte.
    pub(crate) fn list(&mut self, length: usize) {
        self.place(length);
    }

    /// What stands for something that is absent.
    pub(crate) fn null(&mut self) {
        written(self.encoder.null());
    }

    /// A text.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        written(self.encoder.str(text));
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        written(self.encoder.bytes(bytes));
    }

    /// Hashes, 8 bytes each.
    pub(crate) fn hashes(&mut self, hashes: impl ExactSizeIterator<Item = u64>) {
        written(self.encoder.bytes_len(events(hashes.len()) * 8));
        let bytes = self.encoder.writer_mut();
        for hash in hashes {
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
    }

    /// A moment, as its distance to one that is known.
    #[inline]
    pub(crate) fn time(&mut self, known: Timestamp, time: Timestamp) {
        self.signed(time.as_millis().wrapping_sub(known.as_millis()));
    }

    /// A moment that may be absent.
    pub(crate) fn optional_time(&mut self, known: Timestamp, time: Option<Timestamp>) {
        match time {
            Some(time) => self.time(known, time),
            None => self.null(),
        }
    }

    /// Moments: the smallest, and the distance of each to it.
    pub(crate) fn times(&mut self, times: impl ExactSizeIterator<Item = Timestamp> + Clone) {
        let least = times.clone().min().unwrap_or_default();
        self.time(Timestamp::EPOCH, least);
        written(self.encoder.array(events(times.len())));
        for time in times {
            self.time(least, time);
        }
    }

    /// Numbers: one if all are the same, else each.
    pub(crate) fn numbers(&mut self, numbers: impl ExactSizeIterator<Item = u64> + Clone) {
        let first = numbers.clone().next().unwrap_or_default();
        if numbers.clone().all(|number| number == first) {
            self.unsigned(first);
            return;
        }
        written(self.encoder.array(events(numbers.len())));
        for number in numbers {
            self.unsigned(number);
        }
    }

    /// A window that begins at or after the end of a known one, most often.
    pub(crate) fn window(&mut self, known: WindowSpan, window: WindowSpan) {
        self.time(known.end, window.start);
        self.time(window.start, window.end);
    }

    /// A decimal: the digits before its last zeros, and how many of these (up to 9) there are: 12.5 is 1258.
    pub(crate) fn decimal(&mut self, value: Decimal) {
        match packed(value.billionths()) {
            Some(packed) => self.signed(packed),
            None => self.bytes(&value.billionths().to_be_bytes()),
        }
    }

    /// A decimal that may be absent.
    pub(crate) fn optional_decimal(&mut self, value: Option<Decimal>) {
        match value {
            Some(value) => self.decimal(value),
            None => self.null(),
        }
    }
}

/// The number that a decimal of so many billionths is written as, if it fits.
fn packed(billionths: i128) -> Option<i64> {
    let (mut large, mut zeros) = (billionths, 0);
    // Division of 128 bits is slow, and nearly never needed.
    while i64::try_from(large).is_err() && zeros < 9 && large % 10 == 0 {
        large /= 10;
        zeros += 1;
    }
    let mut digits = i64::try_from(large).ok()?;
    while zeros < 9 && digits % 10 == 0 && digits != 0 {
        digits /= 10;
        zeros += 1;
    }
    digits.checked_mul(10)?.checked_add(zeros)
}

/// A vector takes every byte, so there is no error to hand on.
#[inline]
fn written<T>(_: Result<T, Error<Infallible>>) {}
