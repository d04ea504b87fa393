//! The stored form of a publication.
//!
//! | item | what |
//! | --- | --- |
//! | version | 1 |
//! | metrics | per metric: namespace, name, names of dimensions, unit |
//! | series | the different series, in the order in which points first have them: their values |
//! | points | per point: places of metric and series, milliseconds from the window before, length, kind, kind of values, values |
//!
//! Points of one moment share windows and series, so most of a point is its values.

use super::{PointKind, Publication, PublishedMetric, PublishedPoint};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::{DistributionValues, JourneyValues, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::sketch::Bucket;
use streamgauge_engine::time::Timestamp;

/// The version that is written.
const VERSION: u64 = 1;

impl Publication {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("publication", VERSION, bytes, |reader, _| Self::read(reader))
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.metrics.iter(), write_metric);
        let (series, places) = series_of(&self.points);
        writer.list(series.into_iter(), |writer, series| {
            let values: Vec<_> = series.values().collect();
            writer.list(values.into_iter(), |writer, value| _ = writer.put(value));
        });
        let mut window = Timestamp::EPOCH;
        writer.list(self.points.iter().zip(places), |writer, (point, place)| {
            writer.put(point.metric).put(place);
            writer.put(point.window_start.minus(window.as_millis()).as_millis());
            writer.put(point.window_end.minus(point.window_start.as_millis()).as_millis());
            writer.put(kind_number(point.kind));
            write_values(writer, &point.values);
            window = point.window_start;
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let metrics = reader.list(read_metric)?;
        let series = reader.list(|reader| {
            let values: Vec<&str> = reader.list(Reader::take)?;
            Ok(Arc::new(SeriesKey::new(values)))
        })?;
        let mut window = Timestamp::EPOCH;
        let points = reader.list(|reader| {
            let metric: u32 = reader.take()?;
            if !usize::try_from(metric).is_ok_and(|metric| metric < metrics.len()) {
                return Err(Error::message("a point of no metric"));
            }
            let series = reader.place(&series)?;
            let window_start = window.plus(reader.take()?);
            window = window_start;
            let window_end = window_start.plus(reader.take()?);
            let kind = read_kind(reader)?;
            let values = read_values(reader)?;
            Ok(PublishedPoint { metric, series, window_start, window_end, kind, values })
        })?;
        Ok(Self { metrics, points })
    }
}

/// The different series of points, and for each point the place of its own.
fn series_of(points: &[PublishedPoint]) -> (Vec<&SeriesKey>, Vec<usize>) {
    let mut series = Vec::new();
    let mut known = BTreeMap::new();
    let places = points.iter().map(|point| {
        *known.entry(point.series.packed()).or_insert_with(|| {
            series.push(&*point.series);
            series.len() - 1
        })
    });
    let places = places.collect();
    (series, places)
}

/// Writes a metric.
pub(crate) fn write_metric(writer: &mut Writer, metric: &PublishedMetric) {
    writer.put(metric.namespace.as_str()).put(metric.name.as_str());
    writer.list(metric.dimensions.iter(), |writer, name| _ = writer.put(name.as_str()));
    writer.put(metric.unit.as_deref());
}

/// Reads a metric.
pub(crate) fn read_metric(reader: &mut Reader<'_>) -> Result<PublishedMetric, Error> {
    Ok(PublishedMetric {
        namespace: reader.take()?,
        name: reader.take()?,
        dimensions: reader.list(Reader::take)?,
        unit: reader.take()?,
    })
}

const fn kind_number(kind: PointKind) -> u8 {
    match kind {
        PointKind::Final => 0,
        PointKind::Correction => 1,
        PointKind::Increment => 2,
        PointKind::Recorded => 3,
    }
}

fn read_kind(reader: &mut Reader<'_>) -> Result<PointKind, Error> {
    let kinds =
        [PointKind::Final, PointKind::Correction, PointKind::Increment, PointKind::Recorded];
    reader.place(&kinds)
}

/// Writes values of any kind.
pub(crate) fn write_values(writer: &mut Writer, values: &Values) {
    match values {
        Values::Count(count) => _ = writer.put(0_u8).put(*count),
        Values::Sum(sum) => write_sum(writer.put(1_u8), sum),
        Values::Distribution(distribution) => write_distribution(writer.put(2_u8), distribution),
        Values::Unique(count) => _ = writer.put(3_u8).put(*count),
        Values::Ratio { part, whole } => _ = writer.put(4_u8).put(*part).put(*whole),
        Values::Journey(journey) => {
            writer.put(5_u8).put(journey.started).put(journey.finished);
            writer.put(journey.abandoned).put(journey.open);
            write_distribution(writer, &journey.time);
        }
    }
}

/// Reads values of any kind.
pub(crate) fn read_values(reader: &mut Reader<'_>) -> Result<Values, Error> {
    Ok(match reader.take::<u8>()? {
        0 => Values::Count(reader.take()?),
        1 => Values::Sum(read_sum(reader)?),
        2 => Values::Distribution(Box::new(read_distribution(reader)?)),
        3 => Values::Unique(reader.take()?),
        4 => Values::Ratio { part: reader.take()?, whole: reader.take()? },
        5 => Values::Journey(Box::new(JourneyValues {
            started: reader.take()?,
            finished: reader.take()?,
            abandoned: reader.take()?,
            open: reader.take()?,
            time: read_distribution(reader)?,
        })),
        _ => return Err(Error::message("no kind of values")),
    })
}

/// Writes a sum.
pub(crate) fn write_sum(writer: &mut Writer, sum: &SumValues) {
    writer.decimal(sum.sum).put(sum.count);
    for extreme in [sum.min, sum.max] {
        writer.option(extreme, |writer, extreme| _ = writer.decimal(extreme));
    }
}

/// Reads a sum.
pub(crate) fn read_sum(reader: &mut Reader<'_>) -> Result<SumValues, Error> {
    Ok(SumValues {
        sum: reader.decimal()?,
        count: reader.take()?,
        min: reader.option(Reader::decimal)?,
        max: reader.option(Reader::decimal)?,
    })
}

fn write_distribution(writer: &mut Writer, distribution: &DistributionValues) {
    write_sum(writer, &distribution.exact);
    for percentile in distribution.percentiles {
        writer.decimal(percentile);
    }
    writer.list(distribution.buckets.iter(), |writer, bucket| {
        writer.put(bucket.count).decimal(bucket.sum);
    });
}

fn read_distribution(reader: &mut Reader<'_>) -> Result<DistributionValues, Error> {
    let exact = read_sum(reader)?;
    let mut percentiles = <[_; 5]>::default();
    for percentile in &mut percentiles {
        *percentile = reader.decimal()?;
    }
    let buckets = reader.list(|reader| {
        let bucket = Bucket { count: reader.take()?, sum: reader.decimal()? };
        if bucket.count == 0 { Err(Error::message("an empty bucket")) } else { Ok(bucket) }
    })?;
    Ok(DistributionValues { exact, percentiles, buckets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::check::check_form;
    use streamgauge_engine::decimal::Decimal;

    fn metric(name: &str, dimensions: &[&str], unit: Option<&str>) -> PublishedMetric {
        PublishedMetric {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(|&dimension| dimension.to_owned()).collect(),
            unit: unit.map(str::to_owned),
        }
    }

    fn point(place: u32, series: &[&str], minute: i64, values: Values) -> PublishedPoint {
        let window_start = Timestamp::from_millis(1_767_607_200_000 + minute * 60_000);
        PublishedPoint {
            metric: place,
            series: Arc::new(SeriesKey::new(series.iter().copied())),
            window_start,
            window_end: window_start.plus(60_000),
            kind: if minute < 0 { PointKind::Correction } else { PointKind::Final },
            values,
        }
    }

    /// Metrics and points of every kind.
    fn publication() -> Publication {
        let value = |text| Decimal::parse(text).unwrap();
        let exact = SumValues {
            sum: value("-12.5"),
            count: 2,
            min: Some(value("-20")),
            max: Some(value("7.5")),
        };
        let distribution = DistributionValues {
            exact,
            percentiles: ["-20", "7.5", "7.5", "7.5", "7.5"].map(value),
            buckets: ["-20", "7.5"].map(|sum| Bucket { count: 1, sum: value(sum) }).to_vec(),
        };
        let journey = JourneyValues {
            started: 300,
            finished: 200,
            abandoned: 99,
            open: 1,
            time: DistributionValues::default(),
        };
        let metrics = vec![
            metric("orders", &["partner", "country"], Some("Count")),
            metric("größe", &[], None),
        ];
        let large = SumValues { sum: Decimal::from_billionths(i128::MAX), ..SumValues::default() };
        let values = [
            (0, Values::Count(7)),
            (0, Values::Unique(u64::MAX)),
            (0, Values::Ratio { part: 3, whole: 0 }),
            (-5, Values::Sum(large)),
            (1, Values::Distribution(Box::new(distribution))),
            (1, Values::Journey(Box::new(journey))),
        ];
        let mut points: Vec<_> = (0..)
            .zip(values)
            .map(|(place, (minute, values))| {
                let series = [["noon", "AE"], ["café", "__other__"]][place % 2];
                point(0, &series, minute, values)
            })
            .collect();
        points[0].kind = PointKind::Increment;
        points.push(PublishedPoint {
            kind: PointKind::Recorded,
            ..point(1, &[], 2, Values::Count(0))
        });
        Publication { metrics, points }
    }

    #[test]
    fn publications_are_stored_as_ever() {
        let fixture = include_str!("v1.hex");
        check_form(&publication(), Publication::encode, Publication::decode, fixture);
        check_form(&Publication::default(), Publication::encode, Publication::decode, "01808080");
    }

    #[test]
    fn a_point_of_a_series_that_was_seen_takes_a_dozen_bytes() {
        let one = Publication { points: publication().points[..1].to_vec(), ..publication() };
        let many = Publication { points: vec![one.points[0].clone(); 1_001], ..one.clone() };
        let more = many.encode().len() - one.encode().len();
        assert!(more <= 12 * 1_000 + 2, "{more}");
    }

    #[test]
    fn a_point_of_no_metric_is_refused() {
        let mut publication = publication();
        publication.metrics.pop();
        assert!(matches!(
            Publication::decode(&publication.encode()),
            Err(StoredError::Damaged { .. })
        ));
    }
}
