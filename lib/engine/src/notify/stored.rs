//! Who was told of what, as bytes.
//!
//! Format 1 of a [`Notifier`]: the clock, how far event time has passed, the name of the quiet times; the definitions of the
//! alerts that fire; the incidents in their order, each with what its channels were told; the channels with what waits for them
//! and what was gathered before. What follows from these (what is held, what is due when) is not in it.
//!
//! Format 1 of [`OwnAlerts`]: the dead letters that were seen, when they rose last, and what fires.

mod member;

use super::gather::{ChannelState, Gathered};
use super::incident::{Incident, IncidentKey, Repeats, Told};
use super::judge::Hold;
use super::own::{Open, OwnAlerts, Trouble};
use super::quiet::Quiet;
use super::why::Why;
use super::{Due, Notifier};
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::stored::StoredError;
use crate::stored::reader::{Reader, read};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use member::{
    read_evidence, read_member, read_message, write_evidence, write_member, write_message,
};
use minicbor::decode::Error;
use std::sync::Arc;

const WHAT: &str = "state of notifications";
const WHAT_OWN: &str = "state of the pipeline's own alerts";
const FORMAT: u64 = 1;

/// What a channel was told, by number.
mod told {
    pub(super) const CATCH_UP: u64 = 0;
    pub(super) const SILENCED: u64 = 1;
    pub(super) const MAINTENANCE: u64 = 2;
    pub(super) const ALONE: u64 = 3;
    pub(super) const GATHERED: u64 = 4;
}

impl Notifier {
    /// The state as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.time(Timestamp::EPOCH, self.clock);
        writer.optional_time(self.clock, self.passed);
        writer.unsigned(self.quiet_times);
        let waiting = self.channels.values().filter_map(|state| state.waiting.as_ref());
        let sent = self.channels.values().flat_map(|state| state.sent.values());
        let of_gathered = waiting.chain(sent).map(|gathered| &gathered.incident.alert);
        let mut alerts: Vec<_> = self.incidents.keys().map(|key| &key.alert).collect();
        alerts.extend(of_gathered);
        alerts.sort_unstable();
        alerts.dedup();
        writer.list(alerts.len());
        for alert in &alerts {
            writer.text(alert);
        }
        writer.list(self.incidents.len());
        for (key, incident) in &self.incidents {
            write_key(&mut writer, &alerts, key);
            writer.time(self.clock, incident.at);
            writer.time(incident.at, incident.episode);
            write_evidence(&mut writer, incident.at, &incident.evidence);
            writer.list(incident.told.len());
            for (channel, told) in &incident.told {
                writer.text(channel);
                write_told(&mut writer, self.clock, told);
            }
        }
        writer.list(self.channels.len());
        for (channel, state) in &self.channels {
            writer.text(channel);
            writer.optional_time(self.clock, state.open_until);
            writer.list(usize::from(state.waiting.is_some()));
            writer.list(state.sent.len());
            for gathered in state.waiting.iter().chain(state.sent.values()) {
                write_gathered(&mut writer, self.clock, &alerts, gathered);
            }
        }
        writer.finish()
    }

    /// The state that [`encode`](Self::encode) wrote, under the plan that is in force.
    pub fn decode(plan: Arc<Plan>, bytes: &[u8]) -> Result<Self, StoredError> {
        read(WHAT, FORMAT, bytes, |reader, _| {
            let mut state = Self::new(plan);
            state.clock = reader.time(Timestamp::EPOCH)?;
            state.passed = reader.optional_time(state.clock)?;
            state.quiet_times = reader.unsigned()?;
            let alerts = (0..reader.list()?).map(|_| reader.text().map(Arc::from));
            let alerts: Vec<Arc<str>> = alerts.collect::<Result<_, _>>()?;
            for _ in 0..reader.list()? {
                state.read_incident(reader, &alerts)?;
            }
            for _ in 0..reader.list()? {
                state.read_channel(reader, &alerts)?;
            }
            Ok(state)
        })
    }

    fn read_incident(&mut self, reader: &mut Reader<'_>, alerts: &[Arc<str>]) -> Result<(), Error> {
        let key = read_key(reader, alerts)?;
        let at = reader.time(self.clock)?;
        let episode = reader.time(at)?;
        let evidence = read_evidence(reader, at)?;
        let mut all_told = Vec::new();
        for _ in 0..reader.list()? {
            let channel: Arc<str> = reader.text()?.into();
            let told = read_told(reader, self.clock)?;
            if let Told::Alone(Repeats { next: Some(next), .. }) = told {
                self.due.insert((next, Due::Alone(Arc::clone(&channel), key.clone())));
            }
            all_told.push((channel, told));
        }
        self.insert(key, Incident { at, episode, evidence, told: all_told });
        Ok(())
    }

    fn read_channel(&mut self, reader: &mut Reader<'_>, alerts: &[Arc<str>]) -> Result<(), Error> {
        let channel: Arc<str> = reader.text()?.into();
        let mut state =
            ChannelState { open_until: reader.optional_time(self.clock)?, ..Default::default() };
        let waiting = reader.list()?;
        let sent = reader.list()?;
        if waiting > 1 {
            return Err(reader.wrong("a channel gathers one notification at a time"));
        }
        if waiting > 0 {
            state.waiting = Some(read_gathered(reader, self.clock, alerts)?);
        }
        for _ in 0..sent {
            let gathered = read_gathered(reader, self.clock, alerts)?;
            if let Some(next) = gathered.repeats.next {
                let due = Due::Gathered(Arc::clone(&channel), Arc::clone(&gathered.key));
                self.due.insert((next, due));
            }
            state.sent.insert(Arc::clone(&gathered.key), gathered);
        }
        if let Some(until) = state.open_until {
            self.due.insert((until, Due::Flush(Arc::clone(&channel))));
        }
        self.channels.insert(channel, state);
        Ok(())
    }
}

fn write_key(writer: &mut Writer, alerts: &[&Arc<str>], key: &IncidentKey) {
    writer.place(alerts.binary_search(&&key.alert).unwrap_or(usize::MAX));
    writer.list(key.group.values().count());
    for value in key.group.values() {
        writer.text(value);
    }
    writer.place(key.step);
}

fn read_key(reader: &mut Reader<'_>, alerts: &[Arc<str>]) -> Result<IncidentKey, Error> {
    let alert = alerts.get(reader.place()?).cloned();
    let alert = alert.ok_or_else(|| reader.wrong("an alert that was not named"))?;
    let values = (0..reader.list()?).map(|_| reader.text());
    let values: Vec<&str> = values.collect::<Result<_, _>>()?;
    Ok(IncidentKey { alert, group: Arc::new(SeriesKey::new(values)), step: reader.place()? })
}

fn write_told(writer: &mut Writer, clock: Timestamp, told: &Told) {
    match told {
        Told::Held(Hold::CatchUp) => writer.unsigned(told::CATCH_UP),
        Told::Held(Hold::Quiet(quiet)) => {
            let is_silence = quiet.why == Why::Silenced;
            writer.unsigned(if is_silence { told::SILENCED } else { told::MAINTENANCE });
            writer.time(clock, quiet.until);
        }
        Told::Alone(repeats) => {
            writer.unsigned(told::ALONE);
            write_repeats(writer, clock, *repeats);
        }
        Told::Gathered(key) => {
            writer.unsigned(told::GATHERED);
            writer.text(key);
        }
    }
}

fn read_told(reader: &mut Reader<'_>, clock: Timestamp) -> Result<Told, Error> {
    let quiet = |why, until| Told::Held(Hold::Quiet(Quiet { why, until }));
    match reader.unsigned()? {
        told::CATCH_UP => Ok(Told::Held(Hold::CatchUp)),
        told::SILENCED => Ok(quiet(Why::Silenced, reader.time(clock)?)),
        told::MAINTENANCE => Ok(quiet(Why::Maintenance, reader.time(clock)?)),
        told::ALONE => read_repeats(reader, clock).map(Told::Alone),
        told::GATHERED => Ok(Told::Gathered(reader.text()?.into())),
        _ => Err(reader.wrong("nothing that a channel can be told")),
    }
}

fn write_repeats(writer: &mut Writer, clock: Timestamp, repeats: Repeats) {
    writer.optional_time(clock, repeats.next);
    writer.unsigned(repeats.count);
}

fn read_repeats(reader: &mut Reader<'_>, clock: Timestamp) -> Result<Repeats, Error> {
    Ok(Repeats { next: reader.optional_time(clock)?, count: reader.unsigned()? })
}

fn write_gathered(
    writer: &mut Writer,
    clock: Timestamp,
    alerts: &[&Arc<str>],
    gathered: &Gathered,
) {
    writer.text(&gathered.key);
    write_key(writer, alerts, &gathered.incident);
    writer.unsigned(u64::from(gathered.is_one_alert));
    writer.place(gathered.total);
    writer.place(gathered.firing);
    write_repeats(writer, clock, gathered.repeats);
    writer.list(gathered.members.len());
    for member in &gathered.members {
        write_member(writer, clock, member);
    }
    write_message(writer, clock, &gathered.first);
}

fn read_gathered(
    reader: &mut Reader<'_>,
    clock: Timestamp,
    alerts: &[Arc<str>],
) -> Result<Gathered, Error> {
    let key = reader.text()?.into();
    let incident = read_key(reader, alerts)?;
    let is_one_alert = reader.unsigned()? > 0;
    let (total, firing) = (reader.place()?, reader.place()?);
    let repeats = read_repeats(reader, clock)?;
    let members = (0..reader.list()?).map(|_| read_member(reader, clock));
    let members: Vec<_> = members.collect::<Result<_, _>>()?;
    let named =
        members.first().cloned().ok_or_else(|| reader.wrong("several of whom none is named"))?;
    let first = read_message(reader, clock, named)?;
    Ok(Gathered { key, first, incident, is_one_alert, members, total, firing, repeats })
}

impl OwnAlerts {
    /// The state as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.unsigned(self.dead_letters);
        writer.optional_time(Timestamp::EPOCH, self.risen_at);
        for trouble in Trouble::ALL {
            let Some(open) = self.open.get(&trouble) else {
                writer.null();
                continue;
            };
            writer.time(Timestamp::EPOCH, open.since);
            writer.text(&open.summary);
            writer.list(open.told.len());
            for (channel, repeats) in &open.told {
                writer.text(channel);
                write_repeats(&mut writer, open.since, *repeats);
            }
        }
        writer.finish()
    }

    /// The state that [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read(WHAT_OWN, FORMAT, bytes, |reader, _| {
            let mut state = Self {
                dead_letters: reader.unsigned()?,
                risen_at: reader.optional_time(Timestamp::EPOCH)?,
                ..Self::default()
            };
            for trouble in Trouble::ALL {
                if reader.null()? {
                    continue;
                }
                let since = reader.time(Timestamp::EPOCH)?;
                let summary = reader.text()?.to_owned();
                let told = (0..reader.list()?)
                    .map(|_| Ok((reader.text()?.to_owned(), read_repeats(reader, since)?)));
                let told = told.collect::<Result<_, Error>>()?;
                state.open.insert(trouble, Open { since, summary, told });
            }
            Ok(state)
        })
    }
}

#[cfg(test)]
mod tests;
