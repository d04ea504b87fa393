//! The benchmark's events: a busy food-delivery shop, a hundred events a second.
//!
//! Each checkout is started; 92 in 100 are completed, and at once followed by an order that is created or (1 in 200)
//! rejected. 40 aggregators and 2,000 restaurants follow Zipf's law, 9 countries have fixed shares. Events arrive up to
//! 90 s late, 3 in 100 come twice. One checkout in 2,000 takes 30 minutes to the millisecond and one a millisecond more:
//! the two sides of the limit of work C. Lines are 331 bytes long on average.

use crate::arrivals::{Arrivals, lag_ms};
use crate::random::{Random, Weights};
use crate::time::{MINUTE_MS, START_MS, rfc3339};
use anyhow::Context;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// How many events, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many lines to write
    #[arg(long)]
    events: u64,
    /// The file, which appears only when it is complete
    file: PathBuf,
}

/// Countries with their currency, and their share in 1,000.
const COUNTRIES: [(&str, &str, i64); 9] = [
    ("AE", "AED", 300),
    ("SA", "SAR", 220),
    ("KW", "KWD", 140),
    ("QA", "QAR", 100),
    ("EG", "EGP", 80),
    ("BH", "BHD", 60),
    ("OM", "OMR", 50),
    ("JO", "JOD", 30),
    ("IQ", "IQD", 20),
];

/// The time from start to completion, as (share of checkouts in 1,000, milliseconds): a log-normal distribution with a
/// median of 4 minutes, drawn as straight lines between these points.
const COMPLETION_MS: [(i64, i64); 14] = [
    (0, 20_000),
    (50, 64_377),
    (100, 86_090),
    (200, 122_406),
    (300, 157_767),
    (400, 195_970),
    (500, 240_000),
    (600, 293_923),
    (700, 365_096),
    (800, 470_566),
    (900, 669_064),
    (950, 894_730),
    (990, 1_543_360),
    (1_000, 2_700_000),
];

/// The largest lag of an event, excluded.
pub(crate) const DISORDER_MS: i64 = 90_000;
/// The mean time between two checkouts: 100 events a second at 2.84 events a checkout and 3 copies in 100.
const GAP_MICROS: i64 = 29_250;

/// Writes the file.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let unfinished = options.file.with_extension("part");
    let file = File::create(&unfinished)
        .with_context(|| format!("creating {} failed", unfinished.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    write(options.events, &mut out)
        .with_context(|| format!("writing {} failed", unfinished.display()))?;
    out.flush().with_context(|| format!("writing {} failed", unfinished.display()))?;
    fs::rename(&unfinished, &options.file)
        .with_context(|| format!("naming {} failed", options.file.display()))
}

/// Writes so many lines, in the order of their arrival.
pub(crate) fn write(events: u64, out: &mut impl Write) -> io::Result<()> {
    Shop::new().write(events, out)
}

/// One event, as small as the millions on their way want it.
#[derive(Clone, Copy, Debug)]
struct Event {
    id: (u64, u64),
    kind: &'static str,
    time_ms: i64,
    order: Order,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    number: u64,
    aggregator: usize,
    country: (&'static str, &'static str),
    restaurant: usize,
    cents: i64,
}

impl Event {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Order { number, aggregator, country: (country, currency), restaurant, cents } =
            self.order;
        let (high, low) = self.id;
        writeln!(
            out,
            concat!(
                r#"{{"specversion":"1.0","id":"{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}","source":"checkout","type":"{}","#,
                r#""time":"{}","datacontenttype":"application/json","data":{{"order_id":"o-{:016x}","#,
                r#""aggregator":"aggregator-{:02}","country":"{}","restaurant":"restaurant-{:04}","#,
                r#""amount":{},"currency":"{}"}}}}"#
            ),
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff,
            self.kind,
            rfc3339(self.time_ms)?,
            number,
            aggregator,
            country,
            restaurant,
            amount(cents),
            currency,
        )
    }
}

/// Cents as the shortest decimal: `12`, `12.5`, `12.34`.
pub(crate) fn amount(cents: i64) -> String {
    match (cents / 100, cents % 100) {
        (whole, 0) => format!("{whole}"),
        (whole, rest) if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        (whole, rest) => format!("{whole}.{rest:02}"),
    }
}

/// The shop, from which events come without end.
pub(super) struct Shop {
    random: Random,
    aggregators: Weights,
    restaurants: Weights,
    arrivals: Arrivals<Event>,
    /// When the next checkout starts, in microseconds after the start.
    now_micros: i64,
    /// The mean time between two checkouts.
    gap_micros: i64,
}

impl Shop {
    fn new() -> Self {
        Self::busy(1)
    }

    /// A shop that has so many times the events.
    pub(super) fn busy(times: i64) -> Self {
        Self {
            gap_micros: GAP_MICROS / times,
            random: Random::new(42),
            aggregators: Weights::zipf(40),
            restaurants: Weights::zipf(2_000),
            arrivals: Arrivals::new(),
            now_micros: 0,
        }
    }

    /// Writes so many lines more.
    pub(super) fn write(&mut self, events: u64, out: &mut impl Write) -> io::Result<()> {
        for _ in 0..events {
            self.next_event().write(out)?;
        }
        Ok(())
    }

    fn next_event(&mut self) -> Event {
        loop {
            let now_ms = START_MS + self.now_micros / 1_000;
            if let Some(event) = self.arrivals.pop_before(now_ms) {
                return event;
            }
            self.checkout(now_ms);
            self.now_micros += self.random.between(1, 2 * self.gap_micros);
        }
    }

    fn checkout(&mut self, start_ms: i64) {
        let random = &mut self.random;
        let (country, currency, _) =
            random.weighted(&COUNTRIES, |country| country.2).copied().unwrap_or(COUNTRIES[0]);
        let order = Order {
            number: random.bits(),
            aggregator: self.aggregators.draw(random),
            country: (country, currency),
            restaurant: self.restaurants.draw(random),
            cents: random.between(500, 20_000),
        };
        self.send("checkout.started", start_ms, order);
        if self.random.per_mille(80) {
            return;
        }
        let completed_ms = start_ms + completion_ms(&mut self.random);
        self.send("checkout.completed", completed_ms, order);
        let placed_ms = completed_ms + self.random.between(50, 2_000);
        let kind = if self.random.per_mille(5) { "order.rejected" } else { "order.created" };
        self.send(kind, placed_ms, order);
    }

    fn send(&mut self, kind: &'static str, time_ms: i64, order: Order) {
        let event = Event { id: (self.random.bits(), self.random.bits()), kind, time_ms, order };
        let lag_ms = lag_ms(&mut self.random, DISORDER_MS);
        self.arrivals.push(time_ms + lag_ms, event);
        if self.random.per_mille(30) {
            let again_ms = self.random.between(lag_ms, DISORDER_MS);
            self.arrivals.push(time_ms + again_ms, event);
        }
    }
}

/// How long a checkout takes.
fn completion_ms(random: &mut Random) -> i64 {
    match random.below(2_000) {
        0 => return 30 * MINUTE_MS,
        1 => return 30 * MINUTE_MS + 1,
        _ => {}
    }
    let share = random.below(1_000);
    let (mut from, mut from_ms) = (0, 0);
    for (to, to_ms) in COMPLETION_MS {
        if share < to {
            return random
                .between(from_ms + (to_ms - from_ms) * (share - from) / (to - from), to_ms);
        }
        (from, from_ms) = (to, to_ms);
    }
    from_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::{HashMap, HashSet};

    fn events(count: u64) -> Vec<Value> {
        let mut out = Vec::new();
        write(count, &mut out).unwrap();
        out.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn time_ms(event: &Value) -> i64 {
        event["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn lines_are_331_bytes_long_on_average() {
        let mut out = Vec::new();
        write(10_000, &mut out).unwrap();
        let mean = out.len() / 10_000;
        assert!((326..=336).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn disorder_stays_below_its_bound() {
        let mut latest = START_MS;
        for event in events(20_000) {
            let time = time_ms(&event);
            assert!(latest - time < DISORDER_MS);
            latest = latest.max(time);
        }
    }

    #[test]
    fn three_in_a_hundred_come_twice() {
        let mut seen = HashSet::new();
        let copies =
            events(20_000).iter().filter(|event| !seen.insert(event["id"].to_string())).count();
        assert!((450..750).contains(&copies), "{copies} copies");
    }

    #[test]
    fn completions_stand_on_both_sides_of_the_limit() {
        let mut random = Random::new(1);
        let mut counts: HashMap<i64, u32> = HashMap::new();
        let mut sum = 0;
        for _ in 0..100_000 {
            let length = completion_ms(&mut random);
            sum += i64::from(length < 240_000);
            *counts.entry(length).or_default() += 1;
        }
        assert!(counts[&(30 * MINUTE_MS)] >= 25 && counts[&(30 * MINUTE_MS + 1)] >= 25);
        assert!(
            (47_000..53_000).contains(&sum),
            "half take less than 4 minutes, not {sum} in 100,000"
        );
    }

    #[test]
    fn a_hundred_events_a_second() {
        let events = events(30_000);
        let length_ms = time_ms(&events[29_999]) - time_ms(&events[0]);
        // The first minutes have only starts: the orders of the checkouts before are missing.
        assert!((300_000..480_000).contains(&length_ms), "{length_ms} ms");
    }

    #[test]
    fn amounts_are_the_shortest() {
        assert_eq!([1_200, 1_250, 1_234, 1_205].map(amount), ["12", "12.5", "12.34", "12.05"]);
    }
}
