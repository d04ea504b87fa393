//! Entries into rows, portion by portion.

use super::book::Book;
use super::entry::{Outputs, Portion};
use super::error::Fault;
use super::prune::prune;
use super::tables::{PointPlace, alert_place};
use super::{Level, Stepped, Tier, WRITE_PORTIONS_MAX, totals};
use crate::store::{damaged, seal};
use redb::ReadableTable;
use std::collections::BTreeMap;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::Status;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::kept::{KeptPoint, ValueKind};
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

/// What a transaction took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// So many entries are done with.
    pub(super) done: usize,
    pub(super) stepped: Stepped,
}

/// Takes portions of entries that follow the position, until they have so many points and transitions.
pub(super) fn fold(
    book: &mut Book<'_>,
    outputs: &[Outputs],
    items_max: usize,
) -> Result<Written, Fault> {
    let mut written = Written::default();
    let (mut items, mut portions) = (0, 0);
    for entry in outputs {
        if entry.version > book.state.version {
            let taken = portions_taken(book, entry.version);
            for portion in entry.portions().skip(taken) {
                if items >= items_max || portions >= WRITE_PORTIONS_MAX {
                    return Ok(written);
                }
                take(book, entry, portion, &mut written.stepped)?;
                items += portion.len();
                portions += 1;
            }
            (book.state.version, book.state.portions) = (entry.version, 0);
            written.stepped.entries += 1;
        }
        written.done += 1;
    }
    Ok(written)
}

/// How many portions of the entry are taken. What is left of one that expired meanwhile is gone.
fn portions_taken(book: &mut Book<'_>, version: Version) -> usize {
    if version != book.state.version.next() {
        book.state.version = Version(version.0.saturating_sub(1));
        book.state.portions = 0;
    }
    usize::try_from(book.state.portions).unwrap_or(usize::MAX)
}

/// Takes a portion, and lets go what is too old or too much.
fn take(
    book: &mut Book<'_>,
    entry: &Outputs,
    portion: Portion<'_>,
    stepped: &mut Stepped,
) -> Result<(), Fault> {
    book.state.clock = book.state.clock.max(entry.clock);
    match portion {
        Portion::Points(points) => {
            take_points(book, &entry.publication.metrics, points)?;
            stepped.points += u64::try_from(points.len()).unwrap_or(u64::MAX);
        }
        Portion::Transitions(transitions, first) => {
            for (place, decided) in (first..).zip(transitions) {
                take_transition(book, entry, place, decided)?;
            }
            stepped.transitions += u64::try_from(transitions.len()).unwrap_or(u64::MAX);
        }
    }
    prune(book, portion.len())?;
    stepped.forgotten += totals::forget(&mut book.totals, book.limits.totals_max)?;
    book.names.forget();
    book.state.portions += 1;
    Ok(())
}

fn take_points(
    book: &mut Book<'_>,
    metrics: &[PublishedMetric],
    points: &[PublishedPoint],
) -> Result<(), Fault> {
    let mut numbers = BTreeMap::new();
    for point in points {
        let kind = ValueKind::of(&point.values);
        let told = usize::try_from(point.metric).ok().and_then(|place| metrics.get(place));
        let Some(told) = told else { continue };
        totals::add(&mut book.totals, &told.name, point)?;
        let number = *numbers.entry((point.metric, kind)).or_insert_with(|| {
            let (next, metrics_max) = (&mut book.state.next_metric, book.limits.metrics_max);
            book.names.number(told, kind, next, metrics_max)
        });
        match number {
            Some(metric) => {
                book.names.saw(metric, point.window_end);
                take_decided(book, metric, point)?;
                for tier in [Tier::Minutes, Tier::Hours] {
                    roll_up(book, tier, metric, point)?;
                }
            }
            None => book.state.refused += 1,
        }
    }
    Ok(())
}

/// Puts a point as it was decided.
fn take_decided(book: &mut Book<'_>, metric: u32, point: &PublishedPoint) -> Result<(), Fault> {
    let level = Tier::Decided.level();
    if is_too_old(book, level, point.window_end) {
        return Ok(());
    }
    let mut place = PointPlace::new(level, point.window_end, metric, point.series.packed());
    let mut kept = KeptPoint {
        length_ms: length_ms(point),
        status: Status::Final,
        windows: 1,
        values: point.values.clone(),
    };
    match point.kind {
        PointKind::Final | PointKind::Recorded => {}
        PointKind::Correction => {
            (place.number, kept.status) = (next_number(book, &place)?, Status::Correction);
        }
        PointKind::Increment => {
            kept.status = Status::Open;
            match book.get(&place)? {
                Some(before) if before.status == Status::Open => add(&mut kept, &before)?,
                // The final point has all increments in it.
                Some(_) => return Ok(()),
                None => {}
            }
        }
    }
    book.put(&place, &kept)
}

/// The number of a window's next correction.
fn next_number(book: &Book<'_>, window: &PointPlace) -> Result<u32, Fault> {
    let last = PointPlace { number: u32::MAX, ..window.clone() };
    let newest = book.points.range(window.key()..=last.key())?.next_back().transpose()?;
    Ok(newest.map_or(0, |(key, _)| key.value().4).saturating_add(1))
}

/// Adds a point to what the time around its end comes to. An increment is in the final point, which comes.
fn roll_up(
    book: &mut Book<'_>,
    tier: Tier,
    metric: u32,
    point: &PublishedPoint,
) -> Result<(), Fault> {
    let (end, length_ms) = bin(tier, point);
    if point.kind == PointKind::Increment || is_too_old(book, tier.level(), end) {
        return Ok(());
    }
    let place = PointPlace::new(tier.level(), end, metric, point.series.packed());
    let windows = u64::from(point.kind != PointKind::Correction);
    let values = point.values.clone();
    let mut kept = KeptPoint { length_ms, status: Status::Final, windows, values };
    if let Some(before) = book.get(&place)? {
        add(&mut kept, &before)?;
        kept.windows += before.windows;
    }
    book.put(&place, &kept)
}

/// Where what a point is added to ends, and how long it is.
fn bin(tier: Tier, point: &PublishedPoint) -> (Timestamp, Millis) {
    let length = length_ms(point);
    match tier.length_ms() {
        Some(bin) if length <= bin => {
            let end = point.window_end.as_millis();
            (Timestamp::from_millis(end + (-end).rem_euclid(bin)), bin)
        }
        _ => (point.window_end, length),
    }
}

fn add(kept: &mut KeptPoint, before: &KeptPoint) -> Result<(), Fault> {
    if kept.values.merge(&before.values) {
        return Ok(());
    }
    Err(damaged("points of one metric that do not merge").into())
}

fn length_ms(point: &PublishedPoint) -> Millis {
    point.window_end.as_millis().saturating_sub(point.window_start.as_millis())
}

fn is_too_old(book: &Book<'_>, level: Level, at: Timestamp) -> bool {
    at <= book.limits.oldest(level, book.state.clock)
}

fn take_transition(
    book: &mut Book<'_>,
    entry: &Outputs,
    place: u32,
    (transition, verdict): &(Transition, Verdict),
) -> Result<(), Fault> {
    let alert = entry.record.alerts.get(transition.alert);
    let Some(alert) = alert.filter(|_| !is_too_old(book, Level::ALERTS, transition.at)) else {
        return Ok(());
    };
    let key = (transition.at.as_millis(), entry.version.0, place);
    let transition = Transition { alert: 0, ..transition.clone() };
    let transitions = vec![(transition, verdict.clone())];
    let record = AlertRecord { alerts: vec![alert.clone()], transitions };
    book.put_alert(key, &seal(alert_place(key), &record.encode()))
}
