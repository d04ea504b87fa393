//! Where dead letters are: in the logs of all shards that the streams or the settle logs name, in the dead letters of the lanes,
//! and in the bucket.
//!
//! A stream that was made anew has logs of its own, and the old ones are still there: the settle logs name them.

use super::given_up;
use super::letter::{Filter, Held, Letter};
use super::stack::Stack;
use crate::exit::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::Control;
use streamgauge_pipeline::deliver::DeadLetters;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::port::source::ShardKey;
use streamgauge_pipeline::settle_entry::SettleEntry;
use streamgauge_pipeline::shard_entry::{REJECTS, RecordId, ShardEntry, read_rejects};

/// How many letters are looked at at most: they are all held in memory.
const LETTERS_MAX: usize = 100_000;

/// All letters that are wanted, the newest first.
pub(super) async fn letters<S: Stack>(stack: &S, filter: &Filter) -> Result<Vec<Letter>, Failure> {
    let mut found = Found { filter, letters: Vec::new() };
    let partitions = partitions(stack.log()).await?;
    let shards = shards(stack, filter, &partitions).await?;
    for shard in shards.iter().filter(|shard| filter.wants_stream(&shard.stream.name)) {
        rejects(stack.log(), shard, &mut found).await?;
    }
    if filter.wants_lanes() {
        for &partition in &partitions {
            let mut letters = DeadLetters::new(partition);
            let next = |error| unreadable(&LogId::dead_letters(partition), &error);
            while let Some(dead) = letters.next(stack.log()).await.map_err(next)? {
                found.add(dead.into_iter().map(|letter| Letter::of_lane(partition, letter)))?;
            }
        }
    }
    for (key, document) in stack.documents(filter.since).await? {
        let letters = given_up::letters(&key, &document).unwrap_or_default();
        found.add(letters.into_iter().filter(|letter| filter.wants_stream(&letter.origin)))?;
    }
    let mut letters = found.letters;
    mark_known(stack.log(), &shards, &mut letters).await?;
    letters.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
    letters.dedup_by(|one, other| one.id == other.id);
    Ok(letters)
}

/// What was found so far.
struct Found<'f> {
    filter: &'f Filter,
    letters: Vec<Letter>,
}

impl Found<'_> {
    fn add(&mut self, letters: impl IntoIterator<Item = Letter>) -> Result<(), Failure> {
        self.letters.extend(letters.into_iter().filter(|letter| self.filter.wants(letter)));
        if self.letters.len() > LETTERS_MAX {
            return Err(Failure::wrong(format!("there are more than {LETTERS_MAX} dead letters"))
                .hint("look at fewer with --since, --code or --stream"));
        }
        Ok(())
    }
}

/// The settle partitions of the table.
async fn partitions(log: &impl Log) -> Result<Vec<Partition>, Failure> {
    let mut control = Control::default();
    control.follow(log).await.map_err(|error| unreadable(&LogId::control(), &error))?;
    let count = control.partitions().ok_or_else(|| {
        Failure::wrong("the table holds no stack")
            .hint("is it the right one? No function has worked on it")
    })?;
    Ok((0..count).filter_map(Partition::new).collect())
}

/// All shards that have or had a log.
async fn shards<S: Stack>(
    stack: &S,
    filter: &Filter,
    partitions: &[Partition],
) -> Result<BTreeSet<ShardKey>, Failure> {
    let mut shards = BTreeSet::new();
    // Every partition takes all shards.
    let log = partitions.first().map(|&partition| LogId::settle(partition));
    let mut after = log.as_ref().map(|_| Version::START);
    while let (Some(log), Some(version)) = (&log, after) {
        let entries = read(stack.log(), log, version, Wanted::Only(&[])).await?;
        after = entries.last().map(|last| last.version);
        for logged in &entries {
            let entry = SettleEntry::decode(logged.entry.header())
                .map_err(|error| unreadable(log, &error))?;
            shards.extend(entry.taken.into_iter().map(|(shard, _)| shard));
            shards.extend(entry.listing.into_iter().flatten().map(|listed| listed.key));
        }
    }
    let known: BTreeSet<String> =
        shards.iter().map(|shard: &ShardKey| shard.stream.name.to_string()).collect();
    for stream in known.iter().chain(&filter.streams) {
        shards.extend(stack.shards(stream).await?);
    }
    Ok(shards)
}

async fn read(
    log: &impl Log,
    id: &LogId,
    after: Version,
    wanted: Wanted<'_>,
) -> Result<Vec<Logged>, Failure> {
    log.read(id, after, wanted).await.map_err(|error| unreadable(id, &error))
}

fn unreadable(log: &LogId, error: &dyn Error) -> Failure {
    Failure::outside(format!("could not read the log \"{}\"", log.as_str())).because(error)
}

/// Adds the rejects in a shard's log.
async fn rejects(log: &impl Log, shard: &ShardKey, found: &mut Found<'_>) -> Result<(), Failure> {
    let id = LogId::shard(shard);
    let mut after = Version::START;
    loop {
        let entries = read(log, &id, after, Wanted::Only(&[REJECTS])).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = last.version;
        for logged in &entries {
            let Some(chunk) = logged.entry.chunks().get(&REJECTS) else { continue };
            let failed = |error| unreadable(&id, &error);
            let ShardEntry { at, .. } =
                ShardEntry::decode(logged.entry.header()).map_err(failed)?;
            if at >= found.filter.since {
                let rejects = read_rejects(chunk).map_err(failed)?;
                found.add(rejects.into_iter().map(|reject| Letter::reject(shard, at, reject)))?;
            }
        }
    }
}

/// Looks which of the records that Lambda gave up are in a log all the same: their invocation was right and its answer lost.
async fn mark_known(
    log: &impl Log,
    shards: &BTreeSet<ShardKey>,
    letters: &mut [Letter],
) -> Result<(), Failure> {
    let mut covered: BTreeMap<ShardKey, Vec<(RecordId, RecordId)>> = BTreeMap::new();
    for letter in letters {
        let Held::Record(held) = &mut letter.held else { continue };
        if !held.is_given_up {
            continue;
        }
        let arrival = held.arrival.unwrap_or(Timestamp::EPOCH);
        let of_name = shards.iter().filter(|key| {
            *key.stream.name == *letter.origin
                && key.shard == held.shard
                && key.stream.created_at <= arrival
        });
        // The stream of that name that was there when the record came.
        let Some(key) = of_name.max_by_key(|key| key.stream.created_at) else { continue };
        if !covered.contains_key(key) {
            covered.insert(key.clone(), ranges(log, key).await?);
        }
        let ranges = covered.get(key).map(Vec::as_slice).unwrap_or_default();
        held.is_in_log =
            ranges.iter().any(|(first, last)| *first <= held.record && held.record <= *last);
    }
    Ok(())
}

/// The first and last record of each entry of a shard's log.
async fn ranges(log: &impl Log, shard: &ShardKey) -> Result<Vec<(RecordId, RecordId)>, Failure> {
    let id = LogId::shard(shard);
    let (mut ranges, mut after) = (Vec::new(), Version::START);
    loop {
        let entries = read(log, &id, after, Wanted::Only(&[])).await?;
        let Some(last) = entries.last() else { return Ok(ranges) };
        after = last.version;
        for logged in &entries {
            let entry = ShardEntry::decode(logged.entry.header());
            let entry = entry.map_err(|error| unreadable(&id, &error))?;
            ranges.push((entry.first, entry.last));
        }
    }
}
