//! What a metric adds up, as bytes.
//!
//! | kind | number | items |
//! | --- | --- | --- |
//! | count | 0 | events |
//! | sum | 1 | values; of any: their sum; of two and more: the smallest, the largest |
//! | distribution | 2 | buckets (values, sum); of two values and more: the smallest, the largest |
//! | unique | 3 | form; its bytes |
//! | ratio | 4 | part, whole |
//! | journey | 5 | started, finished, abandoned, the distribution of times |

use super::reader::Reader;
use super::writer::Writer;
use crate::accumulate::{Accumulator, Cohort};
use crate::output::SumValues;
use crate::plan::MetricKind;
use crate::sketch::{Bucket, Distribution, Unique};
use minicbor::decode::Error;

/// The forms of a unique.
mod form {
    /// All hashes, 8 bytes each.
    pub(super) const HASHES: u64 = 0;
    /// The registers that are not zero: two bytes that name it, one for its rank.
    pub(super) const REGISTERS: u64 = 1;
    /// The rank of every register, a byte each.
    pub(super) const ALL_REGISTERS: u64 = 2;
}

/// How many registers a unique has.
const REGISTERS: usize = 1 << 15;
/// The bytes of a register by itself.
const REGISTER_BYTES: usize = 3;

/// The number of the kind of a metric's accumulators.
pub(crate) const fn kind_of(metric: &MetricKind) -> u64 {
    match metric {
        MetricKind::Count(_) => 0,
        MetricKind::Sum(_) => 1,
        MetricKind::Distribution(_) => 2,
        MetricKind::Unique(_) => 3,
        MetricKind::Ratio { .. } => 4,
        MetricKind::Journey { .. } => 5,
    }
}

/// The number of an accumulator's kind.
pub(crate) const fn kind(accumulator: &Accumulator) -> u64 {
    match accumulator {
        Accumulator::Count(_) => 0,
        Accumulator::Sum(_) => 1,
        Accumulator::Distribution(_) => 2,
        Accumulator::Unique(_) => 3,
        Accumulator::Ratio { .. } => 4,
        Accumulator::Journey(_) => 5,
    }
}

/// Writes an accumulator, without its kind.
pub(crate) fn write(writer: &mut Writer, accumulator: &Accumulator) {
    match accumulator {
        Accumulator::Count(events) => writer.unsigned(*events),
        Accumulator::Sum(values) => write_sum(writer, values),
        Accumulator::Distribution(sketch) => write_distribution(writer, sketch),
        Accumulator::Unique(sketch) => write_unique(writer, sketch),
        Accumulator::Ratio { part, whole } => {
            writer.unsigned(*part);
            writer.unsigned(*whole);
        }
        Accumulator::Journey(cohort) => {
            writer.unsigned(cohort.started);
            writer.unsigned(cohort.finished);
            writer.unsigned(cohort.abandoned);
            write_distribution(writer, &cohort.time);
        }
    }
}

/// Reads the accumulator of a metric of this kind.
pub(crate) fn read(reader: &mut Reader<'_>, kind: &MetricKind) -> Result<Accumulator, Error> {
    Ok(match kind {
        MetricKind::Count(_) => Accumulator::Count(reader.unsigned()?),
        MetricKind::Sum(_) => Accumulator::Sum(read_sum(reader)?),
        MetricKind::Distribution(_) => {
            Accumulator::Distribution(Box::new(read_distribution(reader)?))
        }
        MetricKind::Unique(_) => Accumulator::Unique(Box::new(read_unique(reader)?)),
        MetricKind::Ratio { .. } => {
            Accumulator::Ratio { part: reader.unsigned()?, whole: reader.unsigned()? }
        }
        MetricKind::Journey { .. } => Accumulator::Journey(Box::new(Cohort {
            started: reader.unsigned()?,
            finished: reader.unsigned()?,
            abandoned: reader.unsigned()?,
            time: read_distribution(reader)?,
        })),
    })
}

fn write_sum(writer: &mut Writer, values: &SumValues) {
    writer.unsigned(values.count);
    if values.count > 0 {
        writer.decimal(values.sum);
    }
    if values.count > 1 {
        writer.decimal(values.min.unwrap_or_default());
        writer.decimal(values.max.unwrap_or_default());
    }
}

fn read_sum(reader: &mut Reader<'_>) -> Result<SumValues, Error> {
    let count = reader.unsigned()?;
    if count == 0 {
        return Ok(SumValues::default());
    }
    let sum = reader.decimal()?;
    let (min, max) = if count > 1 { (reader.decimal()?, reader.decimal()?) } else { (sum, sum) };
    Ok(SumValues { sum, count, min: Some(min), max: Some(max) })
}

fn write_distribution(writer: &mut Writer, sketch: &Distribution) {
    let buckets = sketch.buckets();
    writer.list(buckets.len());
    for Bucket { count, sum } in buckets {
        writer.unsigned(count);
        writer.decimal(sum);
    }
    if sketch.count() > 1 {
        writer.decimal(sketch.min().unwrap_or_default());
        writer.decimal(sketch.max().unwrap_or_default());
    }
}

fn read_distribution(reader: &mut Reader<'_>) -> Result<Distribution, Error> {
    let mut buckets = Vec::new();
    for _ in 0..reader.list()? {
        buckets.push(Bucket { count: reader.unsigned()?, sum: reader.decimal()? });
    }
    let (min, max) = match *buckets.as_slice() {
        [] => return Ok(Distribution::default()),
        [Bucket { count: 1, sum }] => (sum, sum),
        _ => (reader.decimal()?, reader.decimal()?),
    };
    Distribution::from_buckets(min, max, buckets)
        .ok_or_else(|| reader.wrong("no buckets of a distribution"))
}

fn write_unique(writer: &mut Writer, sketch: &Unique) {
    if let Some(hashes) = sketch.hashes() {
        writer.unsigned(form::HASHES);
        writer.hashes(hashes.iter().copied());
        return;
    }
    let mut registers = Vec::new();
    for (index, rank) in sketch.registers() {
        let [high, low] = index.to_be_bytes();
        registers.extend_from_slice(&[high, low, rank]);
    }
    if registers.len() < REGISTERS {
        writer.unsigned(form::REGISTERS);
    } else {
        let mut ranks = vec![0; REGISTERS];
        for (index, rank) in sketch.registers() {
            if let Some(place) = ranks.get_mut(usize::from(index)) {
                *place = rank;
            }
        }
        registers = ranks;
        writer.unsigned(form::ALL_REGISTERS);
    }
    writer.bytes(&registers);
}

fn read_unique(reader: &mut Reader<'_>) -> Result<Unique, Error> {
    let restored = match reader.unsigned()? {
        form::HASHES => {
            let mut sketch = Unique::default();
            reader.hashes()?.into_iter().for_each(|hash| sketch.add_hash(hash));
            Some(sketch)
        }
        form::REGISTERS => {
            let (registers, rest) = reader.bytes()?.as_chunks::<REGISTER_BYTES>();
            let pairs =
                registers.iter().map(|&[high, low, rank]| (u16::from_be_bytes([high, low]), rank));
            rest.is_empty().then(|| Unique::from_registers(pairs)).flatten()
        }
        form::ALL_REGISTERS => {
            let ranks = (0_u16..).zip(reader.bytes()?.iter().copied());
            Unique::from_registers(ranks.filter(|&(_, rank)| rank > 0))
        }
        _ => None,
    };
    restored.ok_or_else(|| reader.wrong("no form of a unique count"))
}
