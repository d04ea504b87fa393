//! The parts of a group as bytes.

use super::{Read, Written};
use crate::accumulate::Accumulator;
use crate::evaluate::part::{Exact, FinalPoint, Part, Rare};
use crate::evaluate::rule::{Of, PartKind};
use crate::evaluate::slices::{Slice, Slices};
use crate::evaluate::times::Times;
use crate::plan::{Metric, MetricKind, Plan};
use crate::stored::accumulator;
use crate::stored::reader::Reader;
use crate::stored::settler::{read_accumulator, read_window};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use minicbor::decode::Error;

impl Part {
    pub(super) fn write(&self, writer: &mut Writer, known: Timestamp, ids: &mut Written) {
        match self {
            Self::Exact(Exact { times, newest, rare }) => {
                write_times(writer, known, times);
                ids.newest(writer, known, newest);
                match rare {
                    Some(rare) => {
                        write_times(writer, known, &rare.late);
                        write_times(writer, known, &rare.copies);
                    }
                    None => writer.null(),
                }
            }
            Self::Slices(slices) => {
                writer.list(slices.held.len());
                for Slice { until, accumulator, events, late, newest } in &slices.held {
                    writer.time(known, *until);
                    writer.unsigned(*events);
                    writer.unsigned(*late);
                    accumulator::write(writer, accumulator);
                    ids.newest(writer, known, newest);
                }
                write_times(writer, known, &slices.copies);
            }
            Self::Window(None) => writer.null(),
            Self::Window(Some(point)) => {
                writer.time(known, point.span.start);
                writer.unsigned(point.events);
                accumulator::write(writer, &point.accumulator);
                ids.newest(writer, known, &point.newest);
            }
            Self::Open(open) => {
                writer.list(open.len());
                for start in open {
                    ids.event(writer, known, start);
                }
            }
        }
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        (kind, plan, metric): (PartKind, &Plan, &Metric),
        known: Timestamp,
        ids: &mut Read,
    ) -> Result<Self, Error> {
        Ok(match kind {
            PartKind::Exact { .. } => {
                let times = read_times(reader, known)?;
                let newest = ids.newest(reader, known)?;
                let rare = if reader.null()? {
                    None
                } else {
                    let late = read_times(reader, known)?;
                    Some(Box::new(Rare { late, copies: read_times(reader, known)? }))
                };
                Self::Exact(Exact { times, newest, rare })
            }
            PartKind::Slices { of, .. } => {
                let mut slices = Box::<Slices>::default();
                for _ in 0..reader.list()? {
                    slices.add(Slice {
                        until: reader.time(known)?,
                        events: reader.unsigned()?,
                        late: reader.unsigned()?,
                        accumulator: read_slice(reader, of, &metric.kind)?,
                        newest: ids.newest(reader, known)?,
                    });
                }
                slices.copies = read_times(reader, known)?;
                Self::Slices(slices)
            }
            PartKind::Window if reader.null()? => Self::Window(None),
            PartKind::Window => Self::Window(Some(Box::new(FinalPoint {
                span: read_window(reader, plan, metric, known)?,
                events: reader.unsigned()?,
                accumulator: read_accumulator(reader, &metric.kind)?,
                newest: ids.newest(reader, known)?,
            }))),
            PartKind::Open => {
                let length = reader.list()?;
                Self::Open((0..length).map(|_| ids.event(reader, known)).collect::<Result<_, _>>()?)
            }
        })
    }
}

fn write_times(writer: &mut Writer, known: Timestamp, times: &Times) {
    writer.list(times.iter().len());
    let mut last = known;
    for time in times.iter() {
        writer.time(last, time);
        last = time;
    }
}

fn read_times(reader: &mut Reader<'_>, known: Timestamp) -> Result<Times, Error> {
    let mut last = known;
    let length = reader.list()?;
    let mut time = || {
        last = reader.time(last)?;
        Ok(last)
    };
    (0..length).map(|_| time()).collect()
}

/// Reads what a slice adds up to: journeys are counted there, or parted into abandoned and all.
fn read_slice(reader: &mut Reader<'_>, of: Of, kind: &MetricKind) -> Result<Accumulator, Error> {
    match of {
        Of::Events => read_accumulator(reader, kind),
        Of::Decided => {
            Ok(Accumulator::Ratio { part: reader.unsigned()?, whole: reader.unsigned()? })
        }
        Of::Started | Of::Finished | Of::Abandoned => Ok(Accumulator::Count(reader.unsigned()?)),
    }
}
