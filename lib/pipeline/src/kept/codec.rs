//! The stored forms of what a history keeps.
//!
//! | form | items |
//! | --- | --- |
//! | point | version 1, milliseconds of its length, status, windows, kind of values, values |
//! | total | version 1, end of the newest window, kind of values; count: events; sum and distribution: sum, count, smallest, largest; ratio: part, whole; journey: started, finished, abandoned, sum of the times |
//! | metric | version 1, namespace, name, names of dimensions, unit, kind, rows, end of the newest window |
//! | state | version 1, version of the log, portions, clock, next metric, refused, per level: rows, bytes, dropped, up to when or none |

use super::{KeptLevel, KeptMetric, KeptPoint, KeptState, KeptTotal, Total, ValueKind};
use crate::port::log::Version;
use crate::publication::{
    read_metric, read_sum, read_values, write_metric, write_sum, write_values,
};
use crate::stored::{Reader, StoredError, Writer, number, read};
use streamgauge_engine::output::Status;

/// The version that is written of each form.
const VERSION: u64 = 1;

/// The kinds of points, by number.
const STATUSES: [Status; 3] = [Status::Final, Status::Correction, Status::Open];

impl KeptPoint {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.put(self.length_ms).put(number(&STATUSES, &self.status)).put(self.windows);
        write_values(&mut writer, &self.values);
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("kept point", VERSION, bytes, |reader, _| {
            Ok(Self {
                length_ms: reader.take()?,
                status: reader.place(&STATUSES)?,
                windows: reader.take()?,
                values: read_values(reader)?,
            })
        })
    }
}

impl KeptTotal {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.time(self.end).put(number(&ValueKind::ALL, &self.total.kind()));
        match &self.total {
            Total::Count(count) => _ = writer.put(*count),
            Total::Sum(sum) | Total::Distribution(sum) => write_sum(&mut writer, sum),
            Total::Unique => {}
            Total::Ratio { part, whole } => _ = writer.put(*part).put(*whole),
            Total::Journey { started, finished, abandoned, time } => {
                writer.put(*started).put(*finished).put(*abandoned);
                write_sum(&mut writer, time);
            }
        }
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("kept total", VERSION, bytes, |reader, _| {
            let end = reader.time()?;
            let total = match reader.place(&ValueKind::ALL)? {
                ValueKind::Count => Total::Count(reader.take()?),
                ValueKind::Sum => Total::Sum(read_sum(reader)?),
                ValueKind::Distribution => Total::Distribution(read_sum(reader)?),
                ValueKind::Unique => Total::Unique,
                ValueKind::Ratio => Total::Ratio { part: reader.take()?, whole: reader.take()? },
                ValueKind::Journey => Total::Journey {
                    started: reader.take()?,
                    finished: reader.take()?,
                    abandoned: reader.take()?,
                    time: read_sum(reader)?,
                },
            };
            Ok(Self { end, total })
        })
    }
}

impl KeptMetric {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        write_metric(&mut writer, &self.metric);
        writer.put(number(&ValueKind::ALL, &self.kind)).put(self.rows).time(self.last);
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("kept metric", VERSION, bytes, |reader, _| {
            Ok(Self {
                metric: read_metric(reader)?,
                kind: reader.place(&ValueKind::ALL)?,
                rows: reader.take()?,
                last: reader.time()?,
            })
        })
    }
}

impl KeptState {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.put(self.version.0).put(self.portions).time(self.clock);
        writer.put(self.next_metric).put(self.refused);
        writer.list(self.levels.iter(), |writer, level| {
            writer.put(level.rows).put(level.bytes).put(level.dropped);
            writer.option(level.dropped_to, |writer, to| _ = writer.time(to));
        });
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("state of a history", VERSION, bytes, |reader, _| {
            Ok(Self {
                version: Version(reader.take()?),
                portions: reader.take()?,
                clock: reader.time()?,
                next_metric: reader.take()?,
                refused: reader.take()?,
                levels: reader.list(|reader| {
                    Ok(KeptLevel {
                        rows: reader.take()?,
                        bytes: reader.take()?,
                        dropped: reader.take()?,
                        dropped_to: reader.option(Reader::time)?,
                    })
                })?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::PublishedMetric;
    use crate::stored::check::check_form;
    use streamgauge_engine::decimal::Decimal;
    use streamgauge_engine::output::{SumValues, Values};
    use streamgauge_engine::time::Timestamp;

    const AT: Timestamp = Timestamp::from_millis(1_767_607_200_000);

    #[test]
    fn points_are_stored_as_ever() {
        let point = KeptPoint {
            length_ms: 3_600_000,
            status: Status::Correction,
            windows: 60,
            values: Values::Ratio { part: 7, whole: 300 },
        };
        let fixture = "01 1a0036ee80 01 183c 04 07 19012c";
        check_form(&point, KeptPoint::encode, KeptPoint::decode, fixture);
    }

    #[test]
    fn totals_are_stored_as_ever() {
        let time: SumValues =
            [2_500_000_000, -1].map(Decimal::from_billionths).into_iter().collect();
        let check = |total: Total, fixture: &str| {
            let kept = KeptTotal { end: AT, total };
            check_form(&kept, KeptTotal::encode, KeptTotal::decode, fixture);
        };
        check(Total::Count(300), "01 1b0000019b8d996900 00 19012c");
        check(Total::Sum(time), "01 1b0000019b8d996900 01 001a9502f8ff 02 810020 81081819");
        check(Total::Distribution(SumValues::default()), "01 1b0000019b8d996900 02 0000 00 80 80");
        check(Total::Unique, "01 1b0000019b8d996900 03");
        check(Total::Ratio { part: 7, whole: 300 }, "01 1b0000019b8d996900 04 07 19012c");
        check(
            Total::Journey { started: 3, finished: 2, abandoned: 1, time },
            "01 1b0000019b8d996900 05 03 02 01 001a9502f8ff 02 810020 81081819",
        );
    }

    #[test]
    fn metrics_are_stored_as_ever() {
        let metric = PublishedMetric {
            namespace: "Shop".to_owned(),
            name: "orders".to_owned(),
            dimensions: vec!["country".to_owned()],
            unit: Some("Count".to_owned()),
        };
        let metric = KeptMetric { metric, kind: ValueKind::Journey, rows: 500, last: AT };
        let fixture = "01 6453686f70 666f7264657273 8167636f756e747279 65436f756e74 05 1901f4 1b0000019b8d996900";
        check_form(&metric, KeptMetric::encode, KeptMetric::decode, fixture);
    }

    #[test]
    fn states_are_stored_as_ever() {
        let whole = KeptLevel { rows: 500, bytes: 70_000, dropped: 1, dropped_to: Some(AT) };
        let state = KeptState {
            version: Version(9),
            portions: 2,
            clock: AT,
            next_metric: 3,
            refused: 4,
            levels: vec![whole, KeptLevel::default()],
        };
        let fixture = "01 09 02 1b0000019b8d996900 03 04 82 1901f4 1a00011170 01 811b0000019b8d996900 00 00 00 80";
        check_form(&state, KeptState::encode, KeptState::decode, fixture);
    }
}
