//! The state of the alerts as bytes, in the state of their settler.
//!
//! | part | items |
//! | --- | --- |
//! | origin | since when alerts without groups count, or null; from format 3 on whether that was said |
//! | alerts | of each null, or: its definition; its beginning and its end, or null; the keys of its groups; each group |
//! | group | known since, latest, seen, when it is looked at; its ladder; its parts in the order of the rule |
//! | what waits | the series of each track; then moment, track, entries |
//!
//! The id of an event is a text where it stands first, and after that the number of that text.

mod entry;
mod part;
mod transition;

pub(crate) use transition::{read_transition, write_transition};

use super::group::Group;
use super::ladder::{Ladder, StepState};
use super::part::Part;
use super::{AlertState, Evaluator};
use crate::hash::Map;
use crate::newest::{NamedEvent, Newest};
use crate::plan::{Metric, Plan};
use crate::series::SeriesKey;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use crate::transition::{EVIDENCE_IDS_MAX, Reason};
use minicbor::decode::Error;
use std::sync::Arc;

/// The ids that were written, with their numbers.
#[derive(Default)]
pub(super) struct Written(Map<Arc<str>, usize>);

impl Written {
    pub(super) fn event(&mut self, writer: &mut Writer, known: Timestamp, event: &NamedEvent) {
        writer.time(known, event.time);
        writer.unsigned(event.identity);
        let next = self.0.len();
        match self.0.entry_ref(&event.id) {
            hashbrown::hash_map::EntryRef::Occupied(held) => writer.place(*held.get()),
            hashbrown::hash_map::EntryRef::Vacant(new) => {
                new.insert(next);
                writer.text(&event.id);
            }
        }
    }

    pub(super) fn newest(&mut self, writer: &mut Writer, known: Timestamp, newest: &Newest) {
        writer.list(newest.events().len());
        newest.events().iter().for_each(|event| self.event(writer, known, event));
    }
}

/// The ids that were read, by their numbers.
#[derive(Default)]
pub(super) struct Read(Vec<Arc<str>>);

impl Read {
    pub(super) fn event(
        &mut self,
        reader: &mut Reader<'_>,
        known: Timestamp,
    ) -> Result<NamedEvent, Error> {
        let (time, identity) = (reader.time(known)?, reader.unsigned()?);
        if reader.is_text()? {
            self.0.push(reader.text()?.into());
            let id = self.0.last().cloned().unwrap_or_default();
            return Ok(NamedEvent { time, identity, id });
        }
        let id = self.0.get(reader.place()?).cloned();
        let id = id.ok_or_else(|| reader.wrong("an id that no text came before"))?;
        Ok(NamedEvent { time, identity, id })
    }

    pub(super) fn newest(
        &mut self,
        reader: &mut Reader<'_>,
        known: Timestamp,
    ) -> Result<Newest, Error> {
        let mut newest = Newest::default();
        let length = reader.list()?;
        if length > EVIDENCE_IDS_MAX {
            return Err(reader.wrong("more ids than evidence names"));
        }
        for _ in 0..length {
            newest.add(self.event(reader, known)?);
        }
        Ok(newest)
    }
}

impl Evaluator {
    /// Writes the state.
    pub(crate) fn write(&self, writer: &mut Writer, plan: &Plan) {
        let mut ids = Written::default();
        writer.optional_time(Timestamp::EPOCH, self.origin);
        writer.unsigned(u64::from(self.is_origin_said));
        writer.list(self.alerts.len());
        for (alert, state) in plan.alerts.iter().zip(&self.alerts) {
            let Some(state) = state else {
                writer.null();
                continue;
            };
            writer.text(&alert.definition);
            state.write(writer, &mut ids);
        }
        self.write_waiting(writer, &mut ids);
    }

    /// Reads what belongs into these alerts, which are new.
    pub(crate) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        plan: &Plan,
        has_said_origin: bool,
    ) -> Result<(), Error> {
        let mut ids = Read::default();
        self.origin = reader.optional_time(Timestamp::EPOCH)?;
        self.is_origin_said = has_said_origin && reader.unsigned()? > 0;
        if reader.list()? != plan.alerts.len() {
            return Err(reader.wrong("another number of alerts than the plan has"));
        }
        for (place, alert) in plan.alerts.iter().enumerate() {
            if reader.null()? {
                self.take_off(place);
                continue;
            }
            let definition = reader.text()?;
            let state = self.alerts.get_mut(place).and_then(Option::as_mut);
            let state = state.filter(|_| definition == alert.definition);
            let (Some(state), Some(metric)) = (state, plan.metrics.get(alert.metric)) else {
                return Err(reader
                    .wrong("an alert that the plan defines otherwise or another partition owns"));
            };
            state.read(reader, plan, (metric, alert.by.len()), &mut ids)?;
            let lag_ms = state.rule.lag_ms;
            if let Some((at, _)) = state.ends {
                self.endings.insert((at.plus(lag_ms), place));
            }
            let wakes = state.groups.iter().filter_map(|(slot, group)| Some((group.wake?, slot)));
            self.agenda.extend(wakes.map(|(wake, slot)| (wake.plus(lag_ms), place, slot)));
            state.forget_later(place, &mut self.forgetting);
        }
        self.read_waiting(reader, plan, &mut ids)
    }
}

impl AlertState {
    fn write(&self, writer: &mut Writer, ids: &mut Written) {
        writer.optional_time(Timestamp::EPOCH, self.begins);
        match self.ends {
            Some((at, reason)) => {
                writer.time(Timestamp::EPOCH, at);
                writer.one_of(&Reason::ALL, &reason);
            }
            None => writer.null(),
        }
        let keys = KeyNumbers::write(writer, self.groups.iter().map(|(_, group)| &group.key));
        let groups = self.groups.iter().map(|(_, group)| (&group.key, group));
        keys.write_set(writer, groups, |to, group| group.write(to, ids));
    }

    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        plan: &Plan,
        (metric, dimensions): (&Metric, usize),
        ids: &mut Read,
    ) -> Result<(), Error> {
        self.begins = reader.optional_time(Timestamp::EPOCH)?;
        if !reader.null()? {
            let at = reader.time(Timestamp::EPOCH)?;
            self.ends = Some((at, read_reason(reader)?));
        }
        let keys = Keys::read(reader, dimensions)?;
        let rule = &self.rule;
        let read = |from: &mut Reader<'_>| Group::read(from, (rule, plan, metric), ids);
        let groups = keys.set(reader, read)?;
        if groups.len() > rule.groups_max {
            return Err(reader.wrong("more groups than the metric's cap"));
        }
        for (key, group) in groups {
            self.groups.insert(Group { key, ..group });
        }
        Ok(())
    }
}

fn read_reason(reader: &mut Reader<'_>) -> Result<Reason, Error> {
    reader.one_of(&Reason::ALL, "no reason")
}

impl Group {
    fn write(&self, writer: &mut Writer, ids: &mut Written) {
        writer.time(Timestamp::EPOCH, self.known_since);
        writer.time(self.known_since, self.latest);
        writer.time(self.latest, self.seen);
        writer.optional_time(self.latest, self.wake);
        let Ladder { episode, ends_since, ahead, steps } = self.ladder();
        writer.list(steps.len());
        if !steps.is_empty() {
            writer.optional_time(self.latest, *episode);
            writer.optional_time(self.latest, *ends_since);
            writer.optional_time(self.latest, *ahead);
        }
        for StepState { since, is_pending, fires } in steps {
            writer.optional_time(self.latest, *since);
            writer.unsigned(u64::from(*is_pending) + 2 * u64::from(*fires));
        }
        for part in self.parts.iter() {
            part.write(writer, self.latest, ids);
        }
    }

    /// Reads a group, without its key.
    fn read(
        reader: &mut Reader<'_>,
        (rule, plan, metric): (&super::rule::Rule, &Plan, &Metric),
        ids: &mut Read,
    ) -> Result<Self, Error> {
        let known_since = reader.time(Timestamp::EPOCH)?;
        let latest = reader.time(known_since)?;
        let seen = reader.time(latest)?;
        let wake = reader.optional_time(latest)?;
        let mut ladder = Ladder::default();
        let steps = reader.list()?;
        if steps > 0 {
            ladder.episode = reader.optional_time(latest)?;
            ladder.ends_since = reader.optional_time(latest)?;
            ladder.ahead = reader.optional_time(latest)?;
        }
        for _ in 0..steps {
            let since = reader.optional_time(latest)?;
            let flags = reader.unsigned()?;
            let (is_pending, fires) = (flags & 1 > 0, flags & 2 > 0);
            ladder.steps.push(StepState { since, is_pending, fires });
        }
        let read =
            rule.parts.iter().map(|&kind| Part::read(reader, (kind, plan, metric), latest, ids));
        let parts = read.collect::<Result<_, _>>()?;
        let mut group = Self {
            key: Arc::<SeriesKey>::default(),
            known_since,
            latest,
            seen,
            wake,
            parts,
            ladder: None,
        };
        group.set_ladder(ladder);
        Ok(group)
    }
}
