//! Sources: records come in, at least once, in the order of their shard.
//!
//! Whoever takes records says so, by number; what was not taken comes again, and perhaps cut differently: batches mean nothing.
//! Beside the records there is what the watermark needs: which shards the stream lists, and that a silent one is empty. A
//! function that Lambda hands its records asks only that of the stream ([`Stream`]); who fetches them itself has a [`Source`], or reads
//! the shards one by one ([`Polled`]).

use super::Retryable;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
pub use streamgauge_engine::settle::ShardId;
use streamgauge_engine::time::Timestamp;

/// How many records a batch has at most (<https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>).
pub const BATCH_RECORDS_MAX: usize = 10_000;
/// How many digits a sequence number has at most
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html>).
pub const SEQUENCE_DIGITS_MAX: usize = 129;

/// The place of a record in its shard. Numbers of different shards do not compare.
///
/// Kinesis' have 56 digits and more, which no machine integer holds; the order is that of the numbers, not of the text:
///
/// ```
/// use streamgauge_pipeline::port::source::SequenceNumber;
///
/// let nine: SequenceNumber = "9".parse()?;
/// assert!(nine < "49590338271490256608559692538361571095921575989136588898".parse()?);
/// # Ok::<(), streamgauge_pipeline::port::source::SequenceNumberError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceNumber(Arc<str>);

/// A text that is no sequence number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no sequence number; it is written in at most {SEQUENCE_DIGITS_MAX} decimal digits without a leading zero"
)]
pub struct SequenceNumberError {
    /// The text.
    pub text: String,
}

impl SequenceNumber {
    /// Its decimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SequenceNumber {
    type Err = SequenceNumberError;

    fn from_str(text: &str) -> Result<Self, SequenceNumberError> {
        let is_number = matches!(text.len(), 1..=SEQUENCE_DIGITS_MAX)
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || (text.starts_with('0') && text != "0") {
            return Err(SequenceNumberError { text: text.to_owned() });
        }
        Ok(Self(text.into()))
    }
}

impl From<u64> for SequenceNumber {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros the longer one is the larger one.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard.
    pub sequence: SequenceNumber,
    /// Its place among records that a producer has packed into one: they share a sequence number, and come in one batch.
    pub sub_sequence: u64,
    /// When the stream took it; files do not know.
    pub arrival: Option<Timestamp>,
    /// Where it stands in the batch's text.
    pub bytes: Range<usize>,
}

/// Records of one shard in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The shard.
    pub shard: ShardId,
    /// The records' bytes.
    pub text: Vec<u8>,
    /// The records: at least one, at most [`BATCH_RECORDS_MAX`].
    pub records: Vec<Record>,
}

/// A stream, as long as it exists: one that is made anew under the name has another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Its name.
    pub name: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A shard among those of all streams, also of one that was made anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardKey {
    /// Its stream.
    pub stream: StreamId,
    /// Its name there.
    pub shard: ShardId,
}

impl fmt::Display for ShardKey {
    /// `STREAM/CREATED/SHARD`: no part holds a slash.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StreamId { name, created_at } = &self.stream;
        write!(formatter, "{name}/{}/{}", created_at.as_millis(), self.shard)
    }
}

/// A shard that the stream lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: ShardId,
    /// The shards that it was split or merged from.
    pub parents: Vec<ShardId>,
    /// It takes no more records. What it has can still be read.
    pub closed: bool,
}

/// What follows a position in a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Records wait after it, or nothing could be proven.
    Waiting,
    /// Nothing followed it.
    Empty {
        /// The clock just before the stream was asked: records that came later are not spoken of.
        asked_at: Timestamp,
    },
    /// Nothing will ever follow it: the shard is closed, or not listed any more.
    Ended,
}

/// Tells which shards there are, and what follows a position.
pub trait Stream: Send + Sync {
    /// Whether the filter reads it: what comes of it is put into the others.
    fn is_upstream(&self) -> bool {
        false
    }

    /// The stream of this name that exists now; absent: there is none.
    fn describe(&self) -> impl Future<Output = Result<Option<StreamId>, Retryable>> + Send;

    /// The shards that the stream lists now; none if there is no stream.
    fn shards(&self) -> impl Future<Output = Result<Vec<Shard>, Retryable>> + Send;

    /// Asks what follows a position in a shard; absent: the beginning that the source was set to.
    fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> impl Future<Output = Result<Progress, Retryable>> + Send;
}

/// Brings records.
pub trait Source: Stream {
    /// The next batch, which begins with the first record of its shard that was not taken; absent if no shard has one now.
    fn next(&self) -> impl Future<Output = Result<Option<Batch>, Retryable>> + Send;

    /// The records of a shard were read up to here, this one included, and need not come again. Never goes back.
    fn taken(
        &self,
        shard: &ShardId,
        up_to: &SequenceNumber,
    ) -> impl Future<Output = Result<(), Retryable>> + Send;
}

/// What one read of a shard has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its records; there may be none, also where more follow.
    pub batch: Batch,
    /// Where to read on; absent: the shard is closed, and this was its end.
    pub next: Option<Place>,
    /// Nothing followed when it was asked.
    pub is_at_tip: bool,
}

/// A place in a shard as the stream knows it. It expires.
pub type Place = String;

/// Why a read has brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// The place has expired, or is not there: the shard is to be opened anew.
    #[error("the place in the shard has expired")]
    Expired,
    /// Others read the shard too, or much of it was read: later.
    #[error("the stream has refused to be read so often")]
    Throttled,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Retryable),
}

/// A stream that brings nothing by itself: its shards are read by asking again and again.
pub trait Polled: Stream {
    /// The place to begin at: with this record, so that what was packed into one with it comes too, or, where it is not there any more, with
    /// the oldest; absent: with the beginning that the source was set to. None: there is no such shard.
    fn open(
        &self,
        shard: &ShardId,
        with: Option<&SequenceNumber>,
    ) -> impl Future<Output = Result<Option<Place>, Retryable>> + Send;

    /// Reads on from a place in a shard.
    fn read(
        &self,
        shard: &ShardId,
        place: Place,
    ) -> impl Future<Output = Result<Page, NotRead>> + Send;
}

#[cfg(test)]
mod tests {
    use super::SequenceNumber;

    #[test]
    fn sequence_numbers_compare_as_numbers() {
        let ascending =
            ["0", "1", "9", "10", "19", "20", &"9".repeat(55), &"1".repeat(56), &"1".repeat(129)]
                .map(|text| text.parse::<SequenceNumber>().unwrap());
        assert!(ascending.is_sorted_by(|one, next| one < next));
        assert!(SequenceNumber::from(u64::MAX) > SequenceNumber::from(9));
    }

    #[test]
    fn what_is_no_sequence_number_is_refused() {
        for text in ["", "01", "-1", "1e9", "٣", &"1".repeat(130)] {
            assert_eq!(text.parse::<SequenceNumber>().unwrap_err().text, text);
        }
    }
}
