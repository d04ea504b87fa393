//! What all points of a series come to, for counters: they go on over restarts, however much of the points is gone.
//!
//! A counter must never fall in part: whoever asks by how much it rose takes any fall as a new beginning, and all that is left as
//! new. So a total is not made of the points that are kept. It grows with each of them, in their transaction, and goes only as a whole: of too many
//! series, those with the oldest windows. One that comes again begins anew, with what comes.
//!
//! It is found by what the metric is called: one that is made another kind begins anew, one of another unit goes on.

use super::error::Fault;
use super::tables::{Sealed, TOTALS, TotalKey, open, total_place};
use crate::store::{seal, unseal};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, Table};
use std::sync::Arc;
use streamgauge_engine::series::SeriesKey;
use streamgauge_pipeline::kept::{KeptTotal, Total};
use streamgauge_pipeline::publication::{PointKind, PublishedPoint};

/// Adds a point to the total of its series. An increment is in the final point, which comes.
pub(super) fn add(
    table: &mut Table<'_, TotalKey, Sealed>,
    metric: &str,
    point: &PublishedPoint,
) -> Result<(), Fault> {
    if point.kind == PointKind::Increment {
        return Ok(());
    }
    let series = point.series.packed();
    let place = total_place(metric, series);
    let before = table.get((metric, series))?;
    let before = before.map(|sealed| decode(place, sealed.value())).transpose()?;
    let kept = match before {
        Some(KeptTotal { end, mut total }) => {
            total.add(&point.values);
            KeptTotal { end: end.max(point.window_end), total }
        }
        None => KeptTotal { end: point.window_end, total: Total::of(&point.values) },
    };
    table.insert((metric, series), &*seal(place, &kept.encode()))?;
    Ok(())
}

/// Forgets series if there are more than so many, until half of that is left: how many.
pub(super) fn forget(
    table: &mut Table<'_, TotalKey, Sealed>,
    series_max: u64,
) -> Result<u64, Fault> {
    let all = table.len()?;
    if all <= series_max {
        return Ok(0);
    }
    let mut ends = Vec::new();
    for row in table.iter()? {
        let (key, sealed) = row?;
        let (metric, series) = key.value();
        let KeptTotal { end, .. } = decode(total_place(metric, series), sealed.value())?;
        ends.push((end, metric.to_owned(), Box::from(series)));
    }
    ends.sort_unstable();
    let surplus = usize::try_from(all - series_max / 2).unwrap_or(usize::MAX);
    ends.truncate(surplus);
    for (_, metric, series) in &ends {
        let series: &[u8] = series;
        table.remove((metric.as_str(), series))?;
    }
    Ok(u64::try_from(ends.len()).unwrap_or(u64::MAX))
}

/// Shows all of them: metric by metric, series by series.
pub(super) fn each(
    read: &ReadTransaction,
    mut show: impl FnMut(&str, Arc<SeriesKey>, KeptTotal),
) -> Result<(), Fault> {
    let Some(table) = open(read, TOTALS)? else { return Ok(()) };
    for row in table.iter()? {
        let (key, sealed) = row?;
        let (metric, series) = key.value();
        let kept = decode(total_place(metric, series), sealed.value())?;
        show(metric, Arc::new(SeriesKey::from_packed(series)), kept);
    }
    Ok(())
}

fn decode(place: u64, sealed: &[u8]) -> Result<KeptTotal, Fault> {
    Ok(KeptTotal::decode(unseal(place, sealed)?)?)
}
