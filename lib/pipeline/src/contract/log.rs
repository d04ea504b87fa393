//! The contract of logs.

use super::{Broken, Deviation, Fault, Kept, StoreBench, ensure, log_id, rule, same};
use crate::port::PIECE_BYTES_MAX;
use crate::port::log::{
    Append, Chunks, ENTRY_BYTES_MAX, Entry, HEADER_BYTES_MAX, Label, Log, LogId, Logged,
    READ_BYTES_MAX, Version, Wanted,
};
use crate::together::together;
use streamgauge_engine::time::{DAY_MS, Millis};

/// How long the suite's entries are kept, in milliseconds.
const KEPT_MS: Millis = 8 * DAY_MS;
/// A chunk that stores have to cut, in bytes.
const LARGE_BYTES: usize = 2 * PIECE_BYTES_MAX + 1;

/// Appends, conflicts, large entries, reads without gaps, crashes, lost answers and expiry.
pub async fn log_contract(log: &impl Log, bench: &impl StoreBench) -> Result<(), Broken> {
    let suite = Suite { log, bench };
    rule("an append is a put if absent, per log", suite.put_if_absent().await)?;
    rule("of many writers of one version one wins, whole", suite.many_writers().await)?;
    rule("a read sees an entry whole or not at all", suite.reads_beside_a_writer().await)?;
    rule("a read ends before a gap", suite.gap().await)?;
    rule("a long log of the largest entries is read in parts, completely", suite.long().await)?;
    rule("a reader gets the header and the chunks it wants", suite.wanted().await)?;
    rule("an append that crashed midway leaves nothing visible", suite.crash().await)?;
    rule("an append whose answer was lost is there, once", suite.lost_answer().await)?;
    rule("what has expired is ignored", suite.expiry().await)?;
    rule("an empty log goes on after what its reader has consumed", suite.emptied().await)
}

struct Suite<'a, L, B> {
    log: &'a L,
    bench: &'a B,
}

impl<L: Log, B: StoreBench> Suite<'_, L, B> {
    /// An entry that is recognized by `mark` in its header and in each byte of its chunks, of these sizes.
    fn entry(&self, mark: u8, chunk_bytes: &[usize]) -> Result<Entry, Deviation> {
        let chunks = (0..).map(Label).zip(chunk_bytes.iter().map(|&bytes| vec![mark; bytes]));
        self.made(vec![mark], chunks.collect())
    }

    fn made(&self, header: Vec<u8>, chunks: Chunks) -> Result<Entry, Deviation> {
        let entry = Entry::new(header, chunks, self.bench.now().plus(KEPT_MS));
        entry.map_err(|error| Deviation::Saw(error.to_string()))
    }

    async fn appended(&self, log: &LogId, version: u64, entry: &Entry) -> Kept {
        same(self.log.append(log, Version(version), entry).await?, Append::Appended)
    }

    async fn conflict(&self, log: &LogId, version: u64, entry: &Entry) -> Kept {
        same(self.log.append(log, Version(version), entry).await?, Append::Conflict)
    }

    /// Reads after a version, in as many parts as it takes, and finds these entries from version `first` on.
    async fn holds(&self, log: &LogId, after: u64, first: u64, entries: &[&Entry]) -> Kept {
        let mut read: Vec<Logged> = Vec::new();
        loop {
            let last = read.last().map_or(Version(after), |last| last.version);
            let part = self.log.read(log, last, Wanted::All).await?;
            if part.is_empty() {
                break;
            }
            let goes_on = part.iter().all(|logged| logged.version > last);
            ensure(goes_on, "a version that was read before")?;
            let before_last = part.iter().rev().skip(1).map(|logged| logged.entry.bytes());
            let before_last: usize = before_last.sum();
            ensure(before_last < READ_BYTES_MAX, "a read over its limit")?;
            read.extend(part);
        }
        let seen = read.iter().map(|logged| (logged.version.0, outline(&logged.entry)));
        let expected = entries.iter().map(|entry| outline(entry));
        same(seen.collect::<Vec<_>>(), (first..).zip(expected).collect())?;
        let is_same = read.iter().zip(entries).all(|(logged, entry)| logged.entry == **entry);
        ensure(is_same, "other bytes, of the right sizes")
    }

    async fn put_if_absent(&self) -> Kept {
        let [log, other] = ["put", "put1"].map(log_id);
        let [first, second] = [self.entry(1, &[10, 0, 20])?, self.entry(2, &[30])?];
        self.holds(&log, 0, 1, &[]).await?;
        self.conflict(&log, 0, &first).await?;
        self.appended(&log, 1, &first).await?;
        self.conflict(&log, 1, &second).await?;
        self.holds(&log, 0, 1, &[&first]).await?;
        self.appended(&log, 2, &second).await?;
        self.holds(&log, 0, 1, &[&first, &second]).await?;
        self.holds(&log, 1, 2, &[&second]).await?;
        self.holds(&log, 2, 3, &[]).await?;
        self.holds(&other, 0, 1, &[]).await
    }

    async fn many_writers(&self) -> Kept {
        let log = log_id("writers");
        let entries = (1..=5)
            .map(|mark| self.entry(mark, &[LARGE_BYTES, 1]))
            .collect::<Result<Vec<_>, _>>()?;
        let appends = entries.iter().map(|entry| self.log.append(&log, Version(1), entry));
        let outcomes = together(appends).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let outcomes = entries.iter().zip(outcomes);
        let winners = outcomes.filter(|&(_, outcome)| outcome == Append::Appended);
        let winners: Vec<_> = winners.map(|(entry, _)| entry).collect();
        same(winners.len(), 1)?;
        self.holds(&log, 0, 1, &winners).await
    }

    async fn reads_beside_a_writer(&self) -> Kept {
        let log = log_id("beside");
        let entry = &self.entry(1, &[LARGE_BYTES, 1, LARGE_BYTES])?;
        let append = async || self.appended(&log, 1, entry).await;
        let read = async || {
            let read = self.log.read(&log, Version::START, Wanted::All).await?;
            ensure(read.iter().all(|logged| logged.entry == *entry), "a part of an entry")
        };
        // Each reads one time later than the one before, while the first writes.
        let work = async |place: usize| {
            for _ in 0..place {
                read().await?;
            }
            if place == 0 { append().await } else { Ok(()) }
        };
        together((0..5).map(work)).await.into_iter().collect()
    }

    async fn gap(&self) -> Kept {
        let log = log_id("gap");
        let [first, second, third] =
            [self.entry(1, &[1])?, self.entry(2, &[1])?, self.entry(3, &[1])?];
        self.appended(&log, 1, &first).await?;
        self.appended(&log, 3, &third).await?;
        self.holds(&log, 0, 1, &[&first]).await?;
        self.appended(&log, 2, &second).await?;
        self.holds(&log, 0, 1, &[&first, &second, &third]).await
    }

    async fn long(&self) -> Kept {
        let log = log_id("long");
        let largest = vec![0; ENTRY_BYTES_MAX - HEADER_BYTES_MAX];
        let largest =
            self.made(vec![1; HEADER_BYTES_MAX], Chunks::from([(Label(u16::MAX), largest)]))?;
        let [half, tiny] = [self.entry(2, &[READ_BYTES_MAX / 2])?, self.entry(3, &[1])?];
        let entries = [&largest, &half, &half, &tiny];
        for (version, entry) in (1..).zip(entries) {
            self.appended(&log, version, entry).await?;
        }
        self.holds(&log, 0, 1, &entries).await
    }

    async fn wanted(&self) -> Kept {
        let log = log_id("wanted");
        for (version, chunk_bytes) in [(1, [5, 6, 7]), (2, [LARGE_BYTES, LARGE_BYTES, 1])] {
            let entry = self.entry(7, &chunk_bytes)?;
            self.appended(&log, version, &entry).await?;
            for labels in [&[][..], &[Label(1)], &[Label(0), Label(2)], &[Label(9)]] {
                let wanted = Wanted::Only(labels);
                let read = self.log.read(&log, Version(version - 1), wanted).await?;
                let read: Vec<_> = read.iter().map(|logged| outline(&logged.entry)).collect();
                same(read, vec![outline(&entry.with_only(wanted))])?;
            }
        }
        Ok(())
    }

    async fn crash(&self) -> Kept {
        let log = log_id("crash");
        let [crashed, entry] =
            [self.entry(1, &[LARGE_BYTES, 9])?, self.entry(2, &[5, LARGE_BYTES])?];
        self.bench.arm(Fault::CrashMidway);
        let outcome = self.log.append(&log, Version(1), &crashed).await;
        ensure(outcome.is_err(), outcome)?;
        self.holds(&log, 0, 1, &[]).await?;
        self.appended(&log, 1, &entry).await?;
        self.holds(&log, 0, 1, &[&entry]).await
    }

    async fn lost_answer(&self) -> Kept {
        let log = log_id("answer");
        let entry = self.entry(1, &[LARGE_BYTES])?;
        self.bench.arm(Fault::AnswerLost);
        let outcome = self.log.append(&log, Version(1), &entry).await;
        ensure(outcome.is_err(), outcome)?;
        self.holds(&log, 0, 1, &[&entry]).await?;
        self.conflict(&log, 1, &entry).await?;
        self.holds(&log, 0, 1, &[&entry]).await
    }

    async fn expiry(&self) -> Kept {
        let log = log_id("expiry");
        let first = self.entry(1, &[LARGE_BYTES])?;
        self.appended(&log, 1, &first).await?;
        self.bench.advance(KEPT_MS - 1);
        let second = self.entry(2, &[LARGE_BYTES])?;
        self.appended(&log, 2, &second).await?;
        self.holds(&log, 0, 1, &[&first, &second]).await?;
        self.bench.advance(1);
        self.holds(&log, 0, 2, &[&second]).await?;
        self.bench.advance(KEPT_MS);
        self.holds(&log, 0, 1, &[]).await
    }

    async fn emptied(&self) -> Kept {
        let log = log_id("emptied");
        for version in 1..=3 {
            self.appended(&log, version, &self.entry(1, &[1])?).await?;
        }
        self.bench.advance(KEPT_MS);
        // The reader had consumed two: the third, which nobody has read, does not hold its version.
        let [third, fourth] = [self.entry(3, &[LARGE_BYTES])?, self.entry(4, &[1])?];
        self.appended(&log, 3, &third).await?;
        self.appended(&log, 4, &fourth).await?;
        self.holds(&log, 2, 3, &[&third, &fourth]).await?;
        self.holds(&log, 0, 3, &[&third, &fourth]).await
    }
}

/// An entry without the bytes of its chunks, which are large: the length and first byte of its header, and the chunks' sizes.
fn outline(entry: &Entry) -> (usize, Option<u8>, Vec<(Label, usize)>) {
    let header = entry.header();
    let chunks = entry.chunks().iter().map(|(&label, bytes)| (label, bytes.len()));
    (header.len(), header.first().copied(), chunks.collect())
}
