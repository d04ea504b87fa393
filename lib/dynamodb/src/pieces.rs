//! Pieces: what is too large for one item, under keys that are written once.

use crate::item::{self, Unreadable};
use crate::layout::keys::{PieceSet, read_piece};
use crate::layout::{PARTITION_KEY, TTL, ttl_seconds};
use crate::parallel;
use crate::table::{Expression, Refused, Table};
use aws_sdk_dynamodb::types::ReturnValue;
use std::ops::Range;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;

/// Puts pieces, from number 0 on, a few at a time.
pub(crate) async fn put<C: Clock>(
    table: &Table<C>,
    what: &str,
    set: &PieceSet,
    pieces: &[&[u8]],
    ttl_at: Option<Timestamp>,
) -> Result<(), Retryable> {
    let put = |place: usize| async move {
        let (Ok(number), Some(content)) = (u32::try_from(place), pieces.get(place)) else {
            return Ok(());
        };
        match table.put(what, set.item(number, content, ttl_at), None).await {
            Ok(()) | Err(Refused::Condition(_)) => Ok(()),
            Err(Refused::Failed(failed)) => Err(failed),
        }
    };
    parallel::all(pieces.len(), put).await.map(drop)
}

/// A run of pieces to fetch, and what they make together.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) set: PieceSet,
    pub(crate) pieces: Range<u32>,
    pub(crate) bytes: usize,
}

/// What fetching a run gave: its bytes, or why they cannot be read.
pub(crate) type Fetched = Result<Vec<u8>, Unreadable>;

/// Fetches runs of pieces, a few pieces at a time.
pub(crate) async fn fetch<C: Clock>(
    table: &Table<C>,
    what: &str,
    runs: &[Run],
) -> Result<Vec<Fetched>, Retryable> {
    let all = runs.iter().enumerate();
    let all: Vec<(usize, &PieceSet, u32)> = all
        .flat_map(|(place, run)| run.pieces.clone().map(move |number| (place, &run.set, number)))
        .collect();
    let all = &all;
    let got = parallel::all(all.len(), |number| async move {
        match all.get(number) {
            Some(&(_, set, number)) => get(table, what, set, number).await,
            None => Ok(Ok(Vec::new())),
        }
    });
    let got = got.await?;
    let mut fetched: Vec<Fetched> =
        runs.iter().map(|run| Ok(Vec::with_capacity(run.bytes))).collect();
    for (&(place, ..), piece) in all.iter().zip(got) {
        let Some(chunk) = fetched.get_mut(place) else { continue };
        match (chunk.as_mut(), piece) {
            (Ok(whole), Ok(piece)) => whole.extend(piece),
            (Ok(_), Err(unreadable)) => *chunk = Err(unreadable),
            (Err(_), _) => {}
        }
    }
    for (chunk, run) in fetched.iter_mut().zip(runs) {
        if let Ok(whole) = &*chunk
            && whole.len() != run.bytes
        {
            *chunk = Err(Unreadable::Bytes { found: whole.len(), expected: run.bytes });
        }
    }
    Ok(fetched)
}

/// One piece. It never changes, so a read that may be behind is right whenever it finds it, and costs half.
async fn get<C: Clock>(
    table: &Table<C>,
    what: &str,
    set: &PieceSet,
    number: u32,
) -> Result<Fetched, Retryable> {
    for is_strong in [false, true] {
        if let Some(item) = table.get(what, set.key(number), is_strong).await? {
            return Ok(read_piece(item));
        }
    }
    Ok(Err(Unreadable::Piece { key: set.key(number).partition }))
}

/// Gives pieces a TTL. One that is not there needs none.
pub(crate) async fn expire<C: Clock>(
    table: &Table<C>,
    what: &str,
    set: &PieceSet,
    count: u32,
    ttl_at: Timestamp,
) -> Result<(), Retryable> {
    let update = |place: usize| async move {
        let Ok(number) = u32::try_from(place) else { return Ok(()) };
        let is_there = Expression {
            text: "attribute_exists(#p)".to_owned(),
            names: vec![("#p", PARTITION_KEY), ("#t", TTL)],
            values: vec![(":t", item::number(ttl_seconds(ttl_at)))],
        };
        let update = "SET #t = :t";
        match table.update(what, set.key(number), update, is_there, ReturnValue::None).await {
            Ok(_) | Err(Refused::Condition(_)) => Ok(()),
            Err(Refused::Failed(failed)) => Err(failed),
        }
    };
    parallel::all(usize::try_from(count).unwrap_or(usize::MAX), update).await.map(drop)
}
