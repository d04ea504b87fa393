//! The bytes of every format that was ever written. They never change; a new format gets files and a test of its own.
//!
//! Where today's writer writes something else than the newest file, either that is a mistake, or the form needs a new number,
//! so that functions of the last release say "newer" and do not read nonsense.

use super::*;
use crate::output::Counters;
use std::fmt::Write as _;

const HEAD_1: &str = include_str!("../fixtures/head-1.hex");
const CHUNK_1: &str = include_str!("../fixtures/chunk-1.hex");
const CHUNK_2: &str = include_str!("../fixtures/chunk-2.hex");
const IDS_1: &str = include_str!("../fixtures/ids-1.hex");
const STATE_1: &str = include_str!("../fixtures/state-1.hex");

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// As the files have it: 32 bytes a line.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(hex, "{byte:02x}").unwrap();
        }
        hex.push('\n');
    }
    hex
}

const BEGINNING_MS: i64 = 1_767_607_200_000;

/// Two batches of all kinds of metrics, with copies, late events, and some that are too old.
fn written(plan: Plan) -> (Delta, Aggregator) {
    let plan = Arc::new(plan);
    let sample = |number: i64| Sample {
        identity: u64::try_from(number).unwrap(),
        time: BEGINNING_MS + number * 97 - if number % 7 == 3 { number * 60 } else { 0 },
        delay: (number % 3 == 0).then_some(5),
        metrics: u8::try_from(number * 13 % 64).unwrap(),
        value: number % 9 - 4,
        group: u8::try_from(number % 5).unwrap(),
    };
    let mut state = Aggregator::collecting(Arc::clone(&plan));
    state.fold(batch(&plan, &(0..20).map(sample).collect::<Vec<_>>()));
    let delta = state.fold(batch(&plan, &(10..70).map(sample).collect::<Vec<_>>()));
    (delta, state)
}

#[track_caller]
fn check(form: &str, written: &[u8], kept: &str) {
    let problem = "the writer of this form changed: give it a new format number and a new file";
    assert_eq!(hex(written), kept, "{form}: {problem}");
}

#[test]
fn todays_writers_write_the_newest_formats() {
    let (delta, state) = written(plan(TIMING));
    check("head", &write_head(&delta), HEAD_1);
    check("chunk that no alert hears of", &write_chunk(&delta, &|_| true), CHUNK_1);
    check("identities", &write_ids(&delta.ids), IDS_1);
    check("state", &state.encode(), STATE_1);
    let (heard, _) = written(watched(TIMING));
    check("chunk", &write_chunk(&heard, &|_| true), CHUNK_2);
}

#[test]
fn deltas_of_format_1_mean_what_they_meant() {
    assert_eq!(meaning(CHUNK_1), include_str!("../fixtures/delta-1.txt"));
}

#[test]
fn deltas_of_format_2_mean_what_they_meant() {
    assert_eq!(meaning(CHUNK_2), include_str!("../fixtures/delta-2.txt"));
}

/// What is in a delta, in words.
fn meaning(chunk: &str) -> String {
    let plan = Arc::new(plan(TIMING));
    let delta = read_delta(&plan, &bytes(HEAD_1), &bytes(chunk)).unwrap();
    let Delta { counters, span, beginnings, leap, furthest, watermark, .. } = &delta;
    let mut meaning =
        format!("{counters:?}\n{span:?}\n{beginnings:?}\n{leap:?}\n{furthest:?}\n{watermark:?}\n");
    for (metric, of_metric) in lines(&plan, &delta).iter().enumerate() {
        for line in of_metric {
            writeln!(meaning, "{metric} {line}").unwrap();
        }
    }
    for (generation, identities) in read_ids(&bytes(IDS_1)).unwrap().generations {
        writeln!(meaning, "{generation} {identities:?}").unwrap();
    }
    meaning
}

#[test]
fn a_state_of_format_1_goes_on_as_it_would_have() {
    let plan = Arc::new(plan(TIMING));
    let mut state = Aggregator::decode(Arc::clone(&plan), &bytes(STATE_1)).unwrap();
    assert_eq!(hex(&state.encode()), STATE_1);
    let next = |number: i64| Sample {
        identity: u64::try_from(number).unwrap(),
        time: BEGINNING_MS + number * 97,
        delay: None,
        metrics: 1,
        value: 1,
        group: 0,
    };
    let delta = state.fold(batch(&plan, &(0..90).map(next).collect::<Vec<_>>()));
    // New ones, those that are remembered, and those that are too old to tell.
    let Counters { counted, duplicate, late, .. } = delta.counters;
    assert_eq!((counted, duplicate, late), (24, 20, 46));
}
