//! The sample events: an afternoon of a food-delivery shop, from a seed.
//!
//! A customer starts a checkout; most place the order minutes later; then the money is taken or the partner rejects the
//! order. The afternoon has what the rules in `events/streamgauge.yaml` are there to see:
//!
//! * one partner rejects most orders for an hour, everybody else a few all day;
//! * 8 in 100 checkouts are never completed;
//! * events overtake each other by up to 25 s, about 2 in 100 come twice, a few come minutes late and one after an hour;
//! * one broken line of each kind that [`broken`] knows.
//!
//! The same options give the same bytes on every platform: see [`crate::random`].

mod broken;
mod catalog;
mod event;

use crate::arrivals::{Arrivals, lag_ms};
use crate::random::Random;
use crate::time::{MINUTE_MS, START_MS};
use broken::Fault;
use catalog::{AGGREGATORS, REASONS, RESTAURANTS, TROUBLED};
use event::{Kind, Order};
use std::io::{self, Write};

/// How many events, over which time.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many lines to write, copies and broken ones included
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// The hours that they are spread over, from 2026-01-05T10:00:00Z
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=24 * 365))]
    hours: u32,
}

/// The largest lag of an ordinary event; the sample rules allow for 30 s.
const DISORDER_MS: i64 = 25_000;
/// One event in so many comes minutes late.
const LATE_EVERY: u64 = 200;
/// One event in so many comes more than an hour late.
const VERY_LATE_EVERY: u64 = 1_302;
/// Lines that a hundred checkouts give, copies included: 100 starts, 92 orders, 92 endings, 2 in 100 of them again, and a
/// little more, so that the last hour is complete.
const LINES_PER_HUNDRED_CHECKOUTS: i64 = 294;

/// Writes the events, in the order of their arrival.
pub(crate) fn write(options: &Options, out: &mut impl Write) -> io::Result<()> {
    let lines = i64::from(options.events);
    let mut shop = Shop::new(options);
    let mut faults = Fault::ALL.into_iter().zip(1..);
    let mut next_fault = faults.next();
    let kinds = i64::try_from(Fault::ALL.len()).map_err(io::Error::other)?;
    for place in 0..lines {
        let line = shop.next_line()?;
        match next_fault {
            // The broken lines stand at even distances; each is an order's event that was sound when it was sent.
            Some((fault, nth))
                if place >= nth * lines / (kinds + 1) && line.contains("order.created") =>
            {
                writeln!(out, "{}", fault.apply(&line))?;
                next_fault = faults.next();
            }
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The shop on its afternoon.
struct Shop {
    random: Random,
    arrivals: Arrivals<String>,
    /// When the next checkout starts.
    now_ms: i64,
    /// Checkouts that have started, the next one included.
    slots: i64,
    /// The mean time between two checkouts.
    gap_ms: i64,
    /// When the troubled partner's bad hour begins.
    bad_hour_ms: i64,
    customers: i64,
    orders: u64,
    events: u64,
}

impl Shop {
    fn new(options: &Options) -> Self {
        let length_ms = i64::from(options.hours) * 60 * MINUTE_MS;
        let events = i64::from(options.events);
        let checkouts = (events * 100 / LINES_PER_HUNDRED_CHECKOUTS).max(1);
        Self {
            random: Random::new(options.seed),
            arrivals: Arrivals::new(),
            now_ms: START_MS,
            slots: 0,
            gap_ms: (length_ms / checkouts).max(1),
            bad_hour_ms: START_MS + length_ms / 3,
            customers: events / 8 + 10,
            orders: 0,
            events: 0,
        }
    }

    /// The next line that arrives: time goes on until no checkout to come could overtake it.
    fn next_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(line) = self.arrivals.pop_before(self.now_ms) {
                return Ok(line);
            }
            self.checkout()?;
            // Each checkout has a slot of its own, so that the events fill the hours whatever the seed.
            self.slots += 1;
            self.now_ms = START_MS + self.slots * self.gap_ms + self.random.below(self.gap_ms);
        }
    }

    /// One customer's checkout, with all that follows from it.
    fn checkout(&mut self) -> io::Result<()> {
        let order =
            self.order().ok_or_else(|| io::Error::other("a list of the catalog is empty"))?;
        self.send(&order, Kind::CheckoutStarted, self.now_ms)?;
        if self.random.per_mille(80) {
            return Ok(());
        }
        // Most take minutes, one in a hundred nearly all of the half hour that the sample rules grant.
        let thinking_ms = match self.random.below(100) {
            0 => self.random.between(15 * MINUTE_MS, 29 * MINUTE_MS),
            _ => self.random.between(MINUTE_MS / 2, 5 * MINUTE_MS),
        };
        let created_ms = self.now_ms + thinking_ms;
        self.send(&order, Kind::OrderCreated, created_ms)?;
        let in_bad_hour =
            (self.bad_hour_ms..self.bad_hour_ms + 60 * MINUTE_MS).contains(&created_ms);
        let rejected_per_mille =
            if in_bad_hour && order.aggregator.name == TROUBLED { 600 } else { 9 };
        if self.random.per_mille(rejected_per_mille) {
            let reason = self.random.one_of(&REASONS).copied().unwrap_or_default();
            let rejected_ms = created_ms + self.random.between(5_000, 90_000);
            return self.send(&order, Kind::OrderRejected(reason), rejected_ms);
        }
        let taken_ms = created_ms + self.random.between(800, 4_000);
        self.send(&order, Kind::PaymentTaken, taken_ms)
    }

    /// A new order: who, where, what.
    fn order(&mut self) -> Option<Order> {
        self.orders += 1;
        let random = &mut self.random;
        let aggregator = random.weighted(&AGGREGATORS, |aggregator| aggregator.weight)?;
        let (country, _) = *random.weighted(aggregator.countries, |(_, weight)| *weight)?;
        Some(Order {
            number: self.orders,
            aggregator,
            country,
            customer: random.below(self.customers),
            restaurant: random.one_of(&RESTAURANTS)?,
            amount: random.between(country.cheapest, country.dearest),
        })
    }

    /// Puts an event on its way, and two in a hundred a second time.
    fn send(&mut self, order: &Order, kind: Kind, time_ms: i64) -> io::Result<()> {
        self.events += 1;
        let line = order.line(kind, self.random.bits(), time_ms)?;
        let lag_ms = lag_ms(&mut self.random, DISORDER_MS);
        let late_ms = if self.events.is_multiple_of(VERY_LATE_EVERY) {
            70 * MINUTE_MS
        } else if self.events.is_multiple_of(LATE_EVERY) {
            self.random.between(8 * MINUTE_MS, 15 * MINUTE_MS)
        } else {
            0
        };
        if self.random.per_mille(20) {
            let again_ms = self.random.between(lag_ms, DISORDER_MS);
            self.arrivals.push(time_ms + again_ms + late_ms, line.clone());
        }
        self.arrivals.push(time_ms + lag_ms + late_ms, line);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
