//! The steps and the open journeys of a metric as bytes.
//!
//! | part | items |
//! | --- | --- |
//! | taken until | the moment, or null |
//! | steps that wait | time, rank, identity, key; of a start the number of its series, or null |
//! | open journeys | start, key, the number of the series |
//!
//! Since format 2 of the settler, the id (or null) follows on each, and before that of an open journey the identity of its start.
//!
//! Windows are those of the times, and the open journeys in the order of their starts are the deadlines.

use super::{Journeys, OpenJourney, Rank, Waiting, bucket_of};
use crate::plan::{Metric, Plan};
use crate::series::SeriesKey;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use minicbor::decode::Error;
use std::sync::Arc;

impl Rank {
    const ALL: [Self; 3] = [Self::Start, Self::Both, Self::Finish];

    const fn number(self) -> u64 {
        match self {
            Self::Start => 0,
            Self::Both => 1,
            Self::Finish => 2,
        }
    }
}

impl Journeys {
    /// The keys of all series that are named anywhere in here.
    pub(in crate::settle) fn keys(&self) -> impl Iterator<Item = &Arc<SeriesKey>> {
        let starts = self.waiting.values().flatten().filter_map(|step| step.start.as_ref());
        let waiting = starts.map(|(series, _)| series);
        waiting.chain(self.open.values().map(|journey| &journey.series))
    }

    pub(in crate::settle) fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        writer.optional_time(Timestamp::EPOCH, self.taken_until);
        let mut last = self.taken_until.unwrap_or_default();
        writer.list(self.waiting.values().map(Vec::len).sum());
        for bucket in self.waiting.values() {
            let mut steps: Vec<_> = bucket.iter().collect();
            steps.sort_unstable_by(|one, other| one.in_turn(other));
            for step in steps {
                writer.time(last, step.time);
                writer.unsigned(step.rank.number());
                writer.unsigned(step.identity);
                writer.unsigned(step.key);
                match &step.start {
                    Some((series, _)) => writer.place(keys.number(series)),
                    None => writer.null(),
                }
                writer.optional_text(step.id.as_deref());
                last = step.time;
            }
        }
        let mut open: Vec<_> =
            self.open.iter().map(|(&key, journey)| (journey.start, key, journey)).collect();
        open.sort_unstable_by_key(|&(start, key, _)| (start, key));
        writer.list(open.len());
        for (start, key, journey) in open {
            writer.time(last, start);
            writer.unsigned(key);
            writer.place(keys.number(&journey.series));
            writer.unsigned(journey.identity);
            writer.optional_text(journey.id.as_deref());
            last = start;
        }
    }

    /// Reads what belongs into these journeys, which are new.
    pub(in crate::settle) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        (plan, metric): (&Plan, &Metric),
        keys: &Keys,
        has_ids: bool,
    ) -> Result<(), Error> {
        self.taken_until = reader.optional_time(Timestamp::EPOCH)?;
        let mut last = self.taken_until.unwrap_or_default();
        for _ in 0..reader.list()? {
            let time = reader.time(last)?;
            let rank = Rank::ALL.get(reader.place()?).copied();
            let rank = rank.ok_or_else(|| reader.wrong("no rank of a step"))?;
            let (identity, key) = (reader.unsigned()?, reader.unsigned()?);
            let start = if reader.null()? {
                None
            } else {
                Some((keys.one(reader)?, plan.calendar.window(metric.window, time)))
            };
            let id = if has_ids { reader.optional_text()?.map(Arc::from) } else { None };
            let step = Waiting { time, rank, identity, key, id, start };
            self.waiting.entry(bucket_of(time)).or_default().push(step);
            last = time;
        }
        for _ in 0..reader.list()? {
            let start = reader.time(last)?;
            let key = reader.unsigned()?;
            let span = plan.calendar.window(metric.window, start);
            self.deadlines.push_back((start, key));
            let series = keys.one(reader)?;
            let (identity, id) = if has_ids {
                (reader.unsigned()?, reader.optional_text()?.map(Arc::from))
            } else {
                (0, None)
            };
            self.open.insert(key, OpenJourney { start, identity, id, series, span });
            last = start;
        }
        self.find_earliest();
        Ok(())
    }
}
