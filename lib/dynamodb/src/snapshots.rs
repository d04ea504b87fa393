//! Snapshots on the table.
//!
//! A small state is one update of the root. Where that does not do, because the state is large or something is to be cleaned up,
//! the root is read, changed ([`Root::claimed`], [`Root::swung`]) and put back under the condition that nobody else has changed it.

use crate::item::{Item, Unreadable, number};
use crate::layout::keys::{PieceSet, root_key};
use crate::layout::names::{
    FORMAT as FORMAT_NAME, LEFT_AT, LEFTOVERS, NEWEST, PIECES, PREVIOUS, REVISION, VERSION, WRITING,
};
use crate::layout::root::{Body, INLINE_STATE_BYTES_MAX, Kept, Root};
use crate::layout::{FORMAT, PARTITION_KEY, TTL, ttl_seconds};
use crate::pieces::{self, Run};
use crate::table::{Expression, Refused, Table};
use aws_sdk_dynamodb::types::ReturnValue;
use std::sync::Arc;
use streamgauge_engine::time::{HOUR_MS, Millis, Timestamp};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{LogId, Version};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots, replaced};
use streamgauge_pipeline::port::{PIECE_BYTES_MAX, Retryable};

/// How long the pieces of a snapshot that was replaced are kept at least, in milliseconds: no function runs longer than a quarter
/// of that (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), so who reads them can finish.
const READERS_FINISH_MS: Millis = HOUR_MS;
/// How often a root that others change is tried at most.
const TRIES_MAX: usize = 16;

/// Keeps snapshots on a table.
#[derive(Debug)]
pub struct DynamoSnapshots<C> {
    table: Arc<Table<C>>,
}

impl<C> Clone for DynamoSnapshots<C> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table) }
    }
}

/// How a write of the root ended: done, or somebody has changed it, and this is what it is now.
type Written = Option<Root>;

/// One put on its way.
struct Putting<'a> {
    log: &'a LogId,
    expected: Option<Version>,
    kept: Kept,
    what: &'a str,
}

impl<C: Clock> DynamoSnapshots<C> {
    /// The snapshots of a table.
    pub fn new(table: Arc<Table<C>>) -> Self {
        Self { table }
    }

    /// The root as it is.
    async fn root(&self, what: &str, log: &LogId) -> Result<Root, Retryable> {
        let item = self.table.get(what, root_key(log), true).await?;
        read(what, item)
    }

    /// The snapshot of a version, if the root names it.
    async fn find(
        &self,
        what: &str,
        log: &LogId,
        version: Version,
    ) -> Result<Option<Kept>, Retryable> {
        let root = self.root(what, log).await?.at(self.table.now());
        Ok(root.snapshots().find(|kept| kept.version == version))
    }

    /// The newest snapshot, if the root names any.
    async fn find_newest(&self, what: &str, log: &LogId) -> Result<Option<Kept>, Retryable> {
        Ok(self.root(what, log).await?.at(self.table.now()).snapshots().next())
    }

    /// The state that a root names; not readable: its pieces were deleted meanwhile, or they are damaged.
    async fn state(
        &self,
        what: &str,
        log: &LogId,
        kept: Kept,
    ) -> Result<Result<Snapshot, Unreadable>, Retryable> {
        let state = match kept.body {
            Body::Inline(state) => state,
            Body::Cut { bytes, pieces } => {
                let set = PieceSet::of_state(log, kept.version, &kept.attempt);
                let run = Run { set, pieces: 0..pieces, bytes };
                let fetched = pieces::fetch(&self.table, what, &[run]).await?.pop();
                match fetched.unwrap_or(Ok(Vec::new())) {
                    Ok(state) => state,
                    Err(error) => return Ok(Err(error)),
                }
            }
        };
        let snapshot = Snapshot::new(kept.version, state);
        snapshot.map(Ok).map_err(|error| Retryable::new(format!("could not {what}: {error}")))
    }

    /// The update that is all there is to do for a small state if nothing is to be cleaned up.
    async fn update(&self, put: &Putting<'_>) -> Result<Written, Retryable> {
        let now = self.table.now();
        let lives = "(attribute_not_exists(#x) OR #x > :now)";
        let clean = "attribute_not_exists(#w) AND attribute_not_exists(#g)";
        let mut condition = Expression {
            text: String::new(),
            names: vec![
                ("#f", FORMAT_NAME),
                ("#n", NEWEST),
                ("#r", REVISION),
                ("#w", WRITING),
                ("#g", LEFTOVERS),
                ("#x", LEFT_AT),
            ],
            values: vec![
                (":f", number(FORMAT)),
                (":n", put.kept.attribute()),
                (":one", number(1)),
                (":now", number(now.as_millis())),
            ],
        };
        let update = if let Some(expected) = put.expected {
            condition.text = format!(
                "#f = :f AND #n.#v = :e AND attribute_not_exists(#o.#k) AND {clean} AND {lives}"
            );
            condition.names.extend([("#v", VERSION), ("#o", PREVIOUS), ("#k", PIECES)]);
            condition.values.push((":e", number(expected.0)));
            "SET #o = #n, #n = :n, #r = #r + :one"
        } else {
            condition.text = format!(
                "(attribute_not_exists(#f) OR #f = :f) AND attribute_not_exists(#n) AND {clean} AND {lives}"
            );
            condition.values.push((":zero", number(0)));
            "SET #n = :n, #f = :f, #r = if_not_exists(#r, :zero) + :one"
        };
        let key = root_key(put.log);
        let updated = self.table.update(put.what, key, update, condition, ReturnValue::None).await;
        written(put.what, updated.map(drop))
    }

    /// Puts a root in the place of the one before it.
    async fn replace(&self, put: &Putting<'_>, root: &Root) -> Result<Written, Retryable> {
        let before = root.revision - 1;
        let unchanged = if before == 0 {
            Expression {
                text: "attribute_not_exists(#p)".to_owned(),
                names: vec![("#p", PARTITION_KEY)],
                values: vec![],
            }
        } else {
            Expression {
                text: "#r = :r".to_owned(),
                names: vec![("#r", REVISION)],
                values: vec![(":r", number(before))],
            }
        };
        written(put.what, self.table.put(put.what, root.item(put.log), Some(unchanged)).await)
    }

    /// Names the pieces to be put in the root, so that they can be cleaned up whatever happens; absent: another snapshot is
    /// the newest.
    async fn claim(&self, put: &Putting<'_>) -> Result<Option<Root>, Retryable> {
        let mut root = self.root(put.what, put.log).await?;
        for _ in 0..TRIES_MAX {
            if root.is_claimed_by(&put.kept.attempt) {
                return Ok(Some(root));
            }
            let current = root.at(self.table.now());
            if current.newest_version() != put.expected {
                return Ok(None);
            }
            self.clean_up(put.what, put.log, &current.leftovers).await?;
            let claimed = current.claimed(put.kept.clone());
            root = match self.replace(put, &claimed).await? {
                None => return Ok(Some(claimed)),
                Some(changed) => changed,
            };
        }
        Err(contended(put.what))
    }

    /// Makes a snapshot the newest of a root that is expected to have room for it.
    async fn swing(&self, put: &Putting<'_>, mut root: Root) -> Result<Put, Retryable> {
        let is_cut = matches!(put.kept.body, Body::Cut { .. });
        for _ in 0..TRIES_MAX {
            if root.holds(&put.kept.attempt) {
                return Ok(Put::Swung);
            }
            let current = root.at(self.table.now());
            let is_claimed = !is_cut || current.is_claimed_by(&put.kept.attempt);
            if !is_claimed || current.newest_version() != put.expected {
                return Ok(Put::Conflict);
            }
            self.clean_up(put.what, put.log, &current.leftovers).await?;
            let swung = current.swung(put.kept.clone());
            root = match self.replace(put, &swung).await? {
                None => return Ok(Put::Swung),
                Some(changed) => changed,
            };
        }
        Err(contended(put.what))
    }

    /// Puts a state's pieces and swings the root to them.
    async fn put_cut(&self, put: &Putting<'_>, state: &[u8]) -> Result<Put, Retryable> {
        let Some(claimed) = self.claim(put).await? else { return Ok(Put::Conflict) };
        let set = PieceSet::of_state(put.log, put.kept.version, &put.kept.attempt);
        let content: Vec<_> = state.chunks(PIECE_BYTES_MAX).collect();
        pieces::put(&self.table, put.what, &set, &content, claimed.left_at).await?;
        let outcome = self.swing(put, claimed).await?;
        if outcome == Put::Conflict {
            // Whoever was faster may have looked for these pieces before they were there.
            self.clean_up(put.what, put.log, std::slice::from_ref(&put.kept)).await?;
        }
        Ok(outcome)
    }

    /// Gives the pieces of snapshots that nothing will name any more a TTL.
    async fn clean_up(&self, what: &str, log: &LogId, kept: &[Kept]) -> Result<(), Retryable> {
        self.expire_pieces(what, log, kept, self.table.now().plus(READERS_FINISH_MS)).await
    }

    async fn expire_pieces(
        &self,
        what: &str,
        log: &LogId,
        all: &[Kept],
        ttl_at: Timestamp,
    ) -> Result<(), Retryable> {
        for kept in all {
            if let Body::Cut { pieces, .. } = kept.body {
                let set = PieceSet::of_state(log, kept.version, &kept.attempt);
                pieces::expire(&self.table, what, &set, pieces, ttl_at).await?;
            }
        }
        Ok(())
    }
}

/// Reads a root, if there is one.
fn read(what: &str, item: Option<Item>) -> Result<Root, Retryable> {
    let root = item.map(Root::read).transpose().map_err(|error| unreadable(what, &error))?;
    Ok(root.unwrap_or_default())
}

fn unreadable(what: &str, error: &Unreadable) -> Retryable {
    Retryable::new(format!("could not {what}: {error}"))
}

fn contended(what: &str) -> Retryable {
    Retryable::new(format!("could not {what}: others changed the root {TRIES_MAX} times meanwhile"))
}

/// The outcome of a write under a condition: where it failed, what the root is.
fn written(what: &str, outcome: Result<(), Refused>) -> Result<Written, Retryable> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Refused::Condition(there)) => read(what, there).map(Some),
        Err(Refused::Failed(failed)) => Err(failed),
    }
}

impl<C: Clock> Snapshots for DynamoSnapshots<C> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        let what = format!("read the versions of the snapshots of \"{}\"", log.as_str());
        let root = self.root(&what, log).await?.at(self.table.now());
        Ok(root.snapshots().map(|kept| kept.version).collect())
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        let what = format!("load snapshot {} of \"{}\"", version.0, log.as_str());
        let Some(kept) = self.find(&what, log, version).await? else { return Ok(None) };
        match self.state(&what, log, kept).await? {
            Ok(snapshot) => Ok(Some(snapshot)),
            // Replaced and deleted while it was read, or damaged.
            Err(error) => match self.find(&what, log, version).await? {
                None => Ok(None),
                Some(_) => Err(unreadable(&what, &error)),
            },
        }
    }

    /// With one look at the root.
    async fn newest(&self, log: &LogId) -> Result<Option<Snapshot>, Retryable> {
        let what = format!("load the newest snapshot of \"{}\"", log.as_str());
        let mut found = self.find_newest(&what, log).await?;
        for _ in 0..TRIES_MAX {
            let Some(kept) = found else { return Ok(None) };
            let version = kept.version;
            match self.state(&what, log, kept).await? {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(error) => {
                    found = self.find_newest(&what, log).await?;
                    if found.as_ref().is_some_and(|newest| newest.version == version) {
                        return Err(unreadable(&what, &error));
                    }
                }
            }
        }
        Err(replaced(log))
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        if expected >= Some(snapshot.version()) {
            return Ok(Put::Conflict);
        }
        let what = format!("put snapshot {} of \"{}\"", snapshot.version().0, log.as_str());
        let state = snapshot.state();
        let is_small = state.len() <= INLINE_STATE_BYTES_MAX;
        let body = if is_small {
            Body::Inline(state.to_vec())
        } else {
            let pieces = u32::try_from(state.len().div_ceil(PIECE_BYTES_MAX)).unwrap_or(u32::MAX);
            Body::Cut { bytes: state.len(), pieces }
        };
        let kept = Kept { version: snapshot.version(), attempt: self.table.attempt(), body };
        let put = Putting { log, expected, kept, what: &what };
        if !is_small {
            return self.put_cut(&put, state).await;
        }
        match self.update(&put).await? {
            None => Ok(Put::Swung),
            Some(root) => self.swing(&put, root).await,
        }
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        let what = format!("let the snapshots of \"{}\" expire", log.as_str());
        let is_known = Expression {
            text: "attribute_not_exists(#f) OR #f = :f".to_owned(),
            names: vec![
                ("#f", FORMAT_NAME),
                ("#r", REVISION),
                ("#w", WRITING),
                ("#x", LEFT_AT),
                ("#t", TTL),
            ],
            values: vec![
                (":f", number(FORMAT)),
                (":zero", number(0)),
                (":one", number(1)),
                (":x", number(at.as_millis())),
                (":t", number(ttl_seconds(at))),
            ],
        };
        // Whoever is putting pieces does not know that they need a TTL, so it loses its claim, and gives them one.
        let update =
            "SET #f = :f, #x = :x, #t = :t, #r = if_not_exists(#r, :zero) + :one REMOVE #w";
        let key = root_key(log);
        let before =
            match self.table.update(&what, key, update, is_known, ReturnValue::AllOld).await {
                Ok(before) | Err(Refused::Condition(before)) => read(&what, before)?,
                Err(Refused::Failed(failed)) => return Err(failed),
            };
        let Root { newest, previous, writing, leftovers, .. } = before;
        let all: Vec<_> =
            newest.into_iter().chain(previous).chain(writing).chain(leftovers).collect();
        self.expire_pieces(&what, log, &all, at.plus(READERS_FINISH_MS)).await
    }
}
