//! The driver of the planner: it waits, makes the calls, and knows what time it is.
//!
//! Whoever has all records in hand uses [`put_all`]. Whoever makes them as they come offers them one by one to a [`Putter`] and
//! calls when a call is due.

use super::PutRecords;
use super::planner::{Limits, Next, NotHeld, Planner, Refused, Tally, Unsent};
use super::record::PutRecord;
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// Puts records.
#[derive(Debug)]
pub struct Putter<P> {
    port: P,
    planner: Planner,
    started: Instant,
}

/// Not all records could be put.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} of the records were not put: {reason}", unsent.len())]
pub struct GaveUp {
    /// Those that were not, in the order in which they were offered.
    pub unsent: Vec<Unsent>,
    /// Why.
    pub reason: String,
}

impl<P: PutRecords> Putter<P> {
    /// A driver that holds nothing.
    pub fn new(port: P, limits: Limits) -> Self {
        Self { port, planner: Planner::new(limits), started: Instant::now() }
    }

    /// Takes a record, to be put after all that were offered before it under its key.
    pub fn offer(&mut self, record: PutRecord) -> Result<(), NotHeld> {
        self.planner.offer(record)
    }

    /// When the next call is due; absent if nothing is held. It waits for no room in a call: a call is due as soon as there is
    /// something to put.
    pub fn due(&self) -> Option<Instant> {
        let due = self.planner.ready_at(self.started.elapsed());
        due.and_then(|due| self.started.checked_add(due))
    }

    /// Makes a call, if one is due. Answers the records that are accepted by it: they stand in the stream, in this order.
    ///
    /// Who stops waiting for it loses its answer: what was in the call is sent again.
    pub async fn call(&mut self) -> Result<Vec<PutRecord>, Refused> {
        let outcome = match self.planner.next(self.started.elapsed()) {
            Next::Call(records) => self.port.put(records).await,
            Next::Wait(_) | Next::Nothing => return Ok(Vec::new()),
        };
        self.planner.answered(outcome, self.started.elapsed())
    }

    /// Calls until nothing is held; `accepted` gets the records as they are accepted. After an error the rest is still held.
    pub async fn drain(&mut self, mut accepted: impl FnMut(Vec<PutRecord>)) -> Result<(), Refused> {
        while let Some(due) = self.due() {
            tokio::time::sleep_until(due).await;
            accepted(self.call().await?);
        }
        Ok(())
    }

    /// Gives up what is held.
    pub fn give_up(&mut self) -> Vec<Unsent> {
        self.planner.give_up()
    }

    /// How many records are held.
    pub fn held(&self) -> usize {
        self.planner.held()
    }

    /// What has been done.
    pub fn tally(&self) -> Tally {
        self.planner.tally()
    }

    /// Why something last had to be sent again.
    pub fn last_failure(&self) -> Option<&str> {
        self.planner.last_failure()
    }
}

/// Puts all records within a time, or gives up with those that are not put then.
pub async fn put_all<P: PutRecords>(
    port: P,
    records: impl IntoIterator<Item = PutRecord>,
    limits: Limits,
    within: Duration,
) -> Result<Tally, GaveUp> {
    let mut putter = Putter::new(port, limits);
    let mut records = records.into_iter();
    let mut left = None;
    let put = tokio::time::timeout(within, offer_all(&mut putter, &mut records, &mut left)).await;
    let reason = match put {
        Ok(Ok(())) => return Ok(putter.tally()),
        Ok(Err(reason)) => reason,
        Err(_) => {
            let last = putter.last_failure().unwrap_or("no call was answered");
            format!("the time of {} ms is over; last: {last}", within.as_millis())
        }
    };
    let mut unsent = putter.give_up();
    let never_offered = left.into_iter().chain(records);
    unsent.extend(never_offered.map(|record| Unsent { record, may_stand: false }));
    Err(GaveUp { unsent, reason })
}

/// Offers and calls by turns. A record that is not held is `left`.
async fn offer_all<P: PutRecords>(
    putter: &mut Putter<P>,
    records: &mut impl Iterator<Item = PutRecord>,
    left: &mut Option<PutRecord>,
) -> Result<(), String> {
    loop {
        let Some(record) = left.take().or_else(|| records.next()) else {
            let drained = putter.drain(drop).await;
            return drained.map_err(|refused| refused.to_string());
        };
        match putter.offer(record) {
            Ok(()) => {}
            Err(NotHeld::Full(record)) => {
                *left = Some(record);
                if let Some(due) = putter.due() {
                    tokio::time::sleep_until(due).await;
                }
                putter.call().await.map_err(|refused| refused.to_string())?;
            }
            Err(too_large) => {
                let told = too_large.to_string();
                *left = Some(too_large.into_record());
                return Err(told);
            }
        }
    }
}

#[cfg(test)]
mod tests;
