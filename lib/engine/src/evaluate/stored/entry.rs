//! What waits, as bytes.

use super::{Read, Written};
use crate::evaluate::Evaluator;
use crate::evaluate::entry::{Entry, SliceEntry, What, WindowEntry};
use crate::evaluate::waiting::Waits;
use crate::plan::{Metric, Plan};
use crate::series::SeriesKey;
use crate::stored::accumulator;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys, read_accumulator, read_window};
use crate::stored::writer::Writer;
use crate::time::{Millis, Timestamp};
use minicbor::decode::Error;
use std::sync::Arc;

/// Slices are no longer than the longest time that a reader takes.
const SLICE_MS_MAX: Millis = 1 << 53;

impl Evaluator {
    pub(super) fn write_waiting(&self, writer: &mut Writer, ids: &mut Written) {
        let all = self.waiting.sorted();
        let mut of_track: Vec<Vec<&Arc<SeriesKey>>> = vec![Vec::new(); self.tracks.len()];
        for waits in &all {
            if let Some(series) = of_track.get_mut(waits.track) {
                series.push(&waits.entry.series);
            }
        }
        let keys: Vec<_> = of_track
            .into_iter()
            .map(|series| KeyNumbers::write(writer, series.into_iter()))
            .collect();
        let at_one_moment =
            |one: &&Waits, next: &&Waits| (one.moment, one.track) == (next.moment, next.track);
        writer.list(all.chunk_by(at_one_moment).count());
        for waiting in all.chunk_by(at_one_moment) {
            let Some(&&Waits { moment, track, .. }) = waiting.first() else { continue };
            writer.time(Timestamp::EPOCH, moment);
            writer.place(track);
            writer.list(waiting.len());
            for Waits { entry, .. } in waiting {
                writer.place(keys.get(track).map_or(usize::MAX, |keys| keys.number(&entry.series)));
                entry.what.write(writer, moment, ids);
            }
        }
    }

    pub(super) fn read_waiting(
        &mut self,
        reader: &mut Reader<'_>,
        plan: &Plan,
        ids: &mut Read,
    ) -> Result<(), Error> {
        let mut all_keys = Vec::new();
        for track in &self.tracks {
            let metric = plan.metrics.get(track.metric);
            let metric = metric.ok_or_else(|| reader.wrong("no metric of the plan"))?;
            all_keys.push((Keys::read(reader, metric.dimensions.len())?, metric));
        }
        for _ in 0..reader.list()? {
            let moment = reader.time(Timestamp::EPOCH)?;
            let track = reader.place()?;
            let (keys, metric) =
                all_keys.get(track).ok_or_else(|| reader.wrong("no track of the alerts"))?;
            for _ in 0..reader.list()? {
                let series = keys.one(reader)?;
                let what = What::read(reader, (plan, metric), moment, ids)?;
                self.waiting.push(Waits { moment, track, entry: Entry { series, what } });
            }
        }
        Ok(())
    }
}

impl What {
    fn write(&self, writer: &mut Writer, known: Timestamp, ids: &mut Written) {
        match self {
            Self::Event { event, late } => {
                writer.unsigned(u64::from(*late));
                ids.event(writer, known, event);
            }
            Self::Step { time, finish } => {
                writer.unsigned(2 + u64::from(*finish));
                writer.time(known, *time);
            }
            Self::Copy(time) => {
                writer.unsigned(4);
                writer.time(known, *time);
            }
            Self::Slice(slice) => {
                writer.unsigned(5 + u64::from(slice.late));
                writer.signed(slice.slice_ms);
                writer.time(known, slice.until);
                writer.unsigned(slice.events);
                accumulator::write(writer, &slice.accumulator);
                ids.newest(writer, known, &slice.newest);
            }
            Self::Started(start) => {
                writer.unsigned(7);
                ids.event(writer, known, start);
            }
            Self::Finished { start, event } => {
                writer.unsigned(8);
                ids.event(writer, known, start);
                ids.event(writer, known, event);
            }
            Self::Decided { start, abandoned } => {
                writer.unsigned(9 + u64::from(*abandoned));
                ids.event(writer, known, start);
            }
            Self::Window(window) => {
                writer.unsigned(11);
                writer.time(known, window.span.start);
                writer.unsigned(window.events);
                accumulator::write(writer, &window.accumulator);
                ids.newest(writer, known, &window.newest);
                writer.optional_time(known, window.latest);
            }
        }
    }

    fn read(
        reader: &mut Reader<'_>,
        (plan, metric): (&Plan, &Metric),
        known: Timestamp,
        ids: &mut Read,
    ) -> Result<Self, Error> {
        Ok(match reader.unsigned()? {
            late @ (0 | 1) => Self::Event { event: ids.event(reader, known)?, late: late == 1 },
            finish @ (2 | 3) => Self::Step { time: reader.time(known)?, finish: finish == 3 },
            4 => Self::Copy(reader.time(known)?),
            late @ (5 | 6) => {
                let slice_ms = reader.signed()?;
                if !(1..=SLICE_MS_MAX).contains(&slice_ms) {
                    return Err(reader.wrong("no length of a slice"));
                }
                Self::Slice(Box::new(SliceEntry {
                    slice_ms,
                    until: reader.time(known)?,
                    events: reader.unsigned()?,
                    accumulator: read_accumulator(reader, &metric.kind)?,
                    newest: ids.newest(reader, known)?,
                    late: late == 6,
                }))
            }
            7 => Self::Started(ids.event(reader, known)?),
            8 => Self::Finished {
                start: ids.event(reader, known)?,
                event: ids.event(reader, known)?,
            },
            abandoned @ (9 | 10) => {
                Self::Decided { start: ids.event(reader, known)?, abandoned: abandoned == 10 }
            }
            11 => Self::Window(Box::new(WindowEntry {
                span: read_window(reader, plan, metric, known)?,
                events: reader.unsigned()?,
                accumulator: read_accumulator(reader, &metric.kind)?,
                newest: ids.newest(reader, known)?,
                latest: reader.optional_time(known)?,
            })),
            _ => return Err(reader.wrong("nothing that waits")),
        })
    }
}
