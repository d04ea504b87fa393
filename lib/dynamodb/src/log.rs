//! Logs on the table.

use crate::item::{Item, number, text};
use crate::layout::entry::{self, Found, Layout, lay_out};
use crate::layout::keys::{PieceSet, version_key};
use crate::layout::names::EXPIRES_AT;
use crate::layout::{PARTITION_KEY, SORT_KEY};
use crate::pieces::{self, Run};
use crate::table::{Expression, Refused, Table};
use std::sync::Arc;
use streamgauge_engine::time::{HOUR_MS, Millis, Timestamp};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{
    Append, Entry, Label, Log, LogId, Logged, READ_BYTES_MAX, Version, Wanted,
};

/// How much later than its entry a piece is deleted, in milliseconds: whoever has read the header can still read the pieces.
const PIECES_OUTLIVE_MS: Millis = HOUR_MS;
/// How often a read looks again at most when its scan was overtaken: once is enough unless entries expire meanwhile.
const LOOKS_MAX: usize = 3;
/// Sorts after all versions, which have 20 digits.
const VERSIONS_END: &str = "99999999999999999999";

/// Keeps logs on a table.
#[derive(Debug)]
pub struct DynamoLog<C> {
    table: Arc<Table<C>>,
}

impl<C> Clone for DynamoLog<C> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table) }
    }
}

/// What stands between a version and the first entry that was found after it.
#[derive(Debug, PartialEq, Eq)]
enum Between {
    /// Nothing that counts: it has expired.
    Nothing,
    /// The version itself lives: what was found stands behind a gap.
    Gap,
    /// An entry that the scan has missed.
    Missed,
}

impl<C: Clock> DynamoLog<C> {
    /// The logs of a table.
    pub fn new(table: Arc<Table<C>>) -> Self {
        Self { table }
    }

    /// A page of a log's items, from one version to another.
    async fn page(
        &self,
        what: &str,
        log: &LogId,
        range: (Version, &str),
        projected: Option<&[String]>,
        start: Option<Item>,
    ) -> Result<crate::table::Page, Retryable> {
        let mut query = self.table.query().set_exclusive_start_key(start);
        query = query
            .key_condition_expression("#p = :p AND #s BETWEEN :from AND :to")
            .expression_attribute_names("#p", PARTITION_KEY)
            .expression_attribute_names("#s", SORT_KEY)
            .expression_attribute_values(":p", text(log.as_str()))
            .expression_attribute_values(":from", text(version_key(range.0)))
            .expression_attribute_values(":to", text(range.1));
        if let Some(names) = projected {
            let placeholder = |place| format!("#a{place}");
            for (place, name) in names.iter().enumerate() {
                query = query.expression_attribute_names(placeholder(place), name);
            }
            let all: Vec<_> = (0..names.len()).map(placeholder).collect();
            query = query.projection_expression(all.join(","));
        }
        self.table.page(what, query).await
    }

    /// The living entries after a version, without gaps, up to the limit of a read.
    async fn scan(
        &self,
        what: &str,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<Vec<Found>, Retryable> {
        let projected = entry::projected(wanted);
        let mut found: Vec<Found> = Vec::new();
        let (mut bytes, mut start) = (0, None);
        loop {
            let range = (after.next(), VERSIONS_END);
            let page = self.page(what, log, range, projected.as_deref(), start).await?;
            for mut item in page.items {
                let expires_at = entry::expires_at(&mut item);
                let expires_at = expires_at.map_err(|error| unreadable(what, error))?;
                if expires_at <= now {
                    continue;
                }
                let next = entry::read(item, expires_at, wanted);
                let next = next.map_err(|error| unreadable(what, error))?;
                let follows = found.last().is_none_or(|last| last.version.next() == next.version);
                if !follows || bytes >= READ_BYTES_MAX {
                    return Ok(found);
                }
                bytes += next.bytes();
                found.push(next);
            }
            start = page.next;
            if start.is_none() || bytes >= READ_BYTES_MAX {
                return Ok(found);
            }
        }
    }

    /// Looks at what stands from a version on, before the first entry that was found.
    async fn between(
        &self,
        what: &str,
        log: &LogId,
        after: Version,
        first: Version,
        now: Timestamp,
    ) -> Result<Between, Retryable> {
        let projected = entry::projected(Wanted::Only(&[]));
        let last = version_key(Version(first.0.saturating_sub(1)));
        let mut start = None;
        loop {
            let range = (after, last.as_str());
            let page = self.page(what, log, range, projected.as_deref(), start).await?;
            for mut item in page.items {
                let expires_at = entry::expires_at(&mut item);
                let expires_at = expires_at.map_err(|error| unreadable(what, error))?;
                if expires_at > now {
                    let found = entry::read(item, expires_at, Wanted::Only(&[]));
                    let found = found.map_err(|error| unreadable(what, error))?;
                    let is_after = found.version == after;
                    return Ok(if is_after { Between::Gap } else { Between::Missed });
                }
            }
            start = page.next;
            if start.is_none() {
                return Ok(Between::Nothing);
            }
        }
    }

    /// Fetches what of the entries is in pieces.
    async fn complete(
        &self,
        what: &str,
        log: &LogId,
        mut found: Vec<Found>,
    ) -> Result<Vec<Logged>, Retryable> {
        let mut places: Vec<(usize, Label)> = Vec::new();
        let mut runs = Vec::new();
        for (place, entry) in found.iter().enumerate() {
            for cut in &entry.cuts {
                places.push((place, cut.label));
                let (pieces, bytes) = (cut.pieces.clone(), cut.bytes);
                runs.push(Run { set: entry.pieces(log), pieces, bytes });
            }
        }
        let fetched = pieces::fetch(&self.table, what, &runs).await?;
        for ((place, label), chunk) in places.into_iter().zip(fetched) {
            let chunk = chunk.map_err(|error| unreadable(what, error))?;
            if let Some(found) = found.get_mut(place) {
                found.chunks.insert(label, chunk);
            }
        }
        let logged = found.into_iter().map(|found| {
            let entry = Entry::new(found.header, found.chunks, found.expires_at);
            let entry = entry.map_err(|error| unreadable(what, error))?;
            Ok(Logged { version: found.version, entry })
        });
        logged.collect()
    }
}

/// A read that found what it cannot read.
fn unreadable(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Retryable {
    Retryable::new(format!("could not {what}: {error}"))
}

impl<C: Clock> Log for DynamoLog<C> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        if version == Version::START {
            return Ok(Append::Conflict);
        }
        let what = format!("append version {} to \"{}\"", version.0, log.as_str());
        let attempt = self.table.attempt();
        let Layout { item, pieces } = lay_out(log, version, &attempt, entry);
        if !pieces.is_empty() {
            let set = PieceSet::of_entry(log, version, &attempt);
            let ttl_at = entry.expires_at().plus(PIECES_OUTLIVE_MS);
            pieces::put(&self.table, &what, &set, &pieces, Some(ttl_at)).await?;
        }
        let is_free = Expression {
            text: "attribute_not_exists(#p) OR #e <= :now".to_owned(),
            names: vec![("#p", PARTITION_KEY), ("#e", EXPIRES_AT)],
            values: vec![(":now", number(self.table.now().as_millis()))],
        };
        match self.table.put(&what, item, Some(is_free)).await {
            Ok(()) => Ok(Append::Appended),
            // The SDK made the call again, and met what its first attempt had done.
            Err(Refused::Condition(Some(there))) if entry::is_of(&there, &attempt) => {
                Ok(Append::Appended)
            }
            Err(Refused::Condition(_)) => Ok(Append::Conflict),
            Err(Refused::Failed(failed)) => Err(failed),
        }
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        let what = format!("read \"{}\" after version {}", log.as_str(), after.0);
        let now = self.table.now();
        for _ in 0..LOOKS_MAX {
            let found = self.scan(&what, log, after, wanted, now).await?;
            let Some(first) = found.first().map(|first| first.version) else {
                return Ok(Vec::new());
            };
            if first == after.next() {
                return self.complete(&what, log, found).await;
            }
            match self.between(&what, log, after, first, now).await? {
                Between::Nothing => return self.complete(&what, log, found).await,
                Between::Gap => return Ok(Vec::new()),
                Between::Missed => {}
            }
        }
        Err(Retryable::new(format!("could not {what}: writers were faster than {LOOKS_MAX} looks")))
    }
}
