//! How long a line takes: `cargo bench -p streamgauge-engine --bench json`.
//!
//! Prints nanoseconds per line, the best of several rounds, for guessing and for the strict scanner. Compare within one run only.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark measures time and prints it"
)]
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a benchmark's own data"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;
use streamgauge_engine::field::{FieldTable, FieldValues};
use streamgauge_engine::json::Extractor;

const LINES: usize = 20_000;
const ROUNDS: usize = 30;

/// A small generator of pseudo-random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap();
        choices.get(index).copied().unwrap_or_default()
    }
}

/// Food-delivery orders as CloudEvents; `layouts` different ones, by extra keys.
fn orders(layouts: u64) -> String {
    let mut random = Random(42);
    let mut block = String::new();
    for _ in 0..LINES {
        let (first, second) = (random.next(), random.next());
        let kind = random.of(&[
            "order.created",
            "order.rejected",
            "checkout.started",
            "checkout.completed",
        ]);
        let extra = random.below(layouts);
        let extra = if extra == 0 { String::new() } else { format!(",\"extra{extra}\":true") };
        let amount = match random.below(3) {
            0 => format!("{}", random.below(400)),
            1 => format!("{}.{}", random.below(400), random.below(10)),
            _ => format!("{}.{:02}", random.below(400), random.below(100)),
        };
        writeln!(
            block,
            "{{\"specversion\":\"1.0\",\"id\":\"{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}\",\"source\":\"checkout\",\"type\":\"{kind}\",\
             \"time\":\"2026-01-05T10:{:02}:{:02}.{:03}Z\",\"datacontenttype\":\"application/json\",\"data\":{{\
             \"order_id\":\"o-{:016x}\",\"aggregator\":\"aggregator-{:02}\",\"country\":\"{}\",\"restaurant\":\"restaurant-{:04}\",\
             \"amount\":{amount},\"currency\":\"{}\"{extra}}}}}",
            first >> 32,
            first >> 16 & 0xffff,
            first & 0xfff,
            0x8000 | second >> 48 & 0x3fff,
            second & 0xffff_ffff_ffff,
            random.below(60),
            random.below(60),
            random.below(1000),
            random.next(),
            random.below(40),
            random.of(&["AE", "SA", "KW", "QA", "EG"]),
            random.below(2000),
            random.of(&["AED", "SAR", "KWD", "QAR", "EGP"]),
        )
        .unwrap();
    }
    block
}

fn lines(block: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', block.as_bytes())
        .map(|end| std::mem::replace(&mut start, end + 1)..end)
        .collect()
}

/// Prints the best time of several rounds; `read` takes line by line out of its block.
fn measure<'a>(
    name: &str,
    lines: &[(&'a str, Range<usize>)],
    mut read: impl FnMut(&'a str, Range<usize>) -> bool,
) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for (block, line) in lines {
            assert!(black_box(read(block, line.clone())));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / lines.len() as f64);
    }
    println!("  {name:<36} {best:>7.1} ns per line");
}

fn main() {
    let mut fields = FieldTable::default();
    for path in [
        &["id"][..],
        &["type"],
        &["time"],
        &["data", "aggregator"],
        &["data", "country"],
        &["data", "amount"],
    ] {
        fields.intern(path);
    }
    for layouts in [1, 4, 8, 30] {
        let events = orders(layouts);
        println!(
            "{layouts} layouts, {} bytes per line, {} fields",
            events.len() / LINES,
            fields.len()
        );
        let together: Vec<_> =
            lines(&events).into_iter().map(|line| (events.as_str(), line)).collect();
        let alone: Vec<_> = events.lines().map(|line| (line, 0..line.len())).collect();
        let mut values = FieldValues::new(fields.len());
        for (name, lines) in
            [("guessing", &together), ("guessing, each line in its own block", &alone)]
        {
            let mut extractor = Extractor::new(&fields);
            measure(name, lines, |block, line| extractor.extract(block, line, &mut values).is_ok());
        }
        let mut extractor = Extractor::new(&fields);
        measure("scanner", &together, |block, line| {
            extractor.scan(block, line, &mut values).is_ok()
        });
    }
}
