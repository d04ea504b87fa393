//! The stored form of what alerts decided.
//!
//! | item | what |
//! | --- | --- |
//! | version | 2 |
//! | alerts | per alert: hash of the plan, name, metric, names of dimensions, steps: name, condition, severity or none; `resolve` or none |
//! | channels | the names of the channels, in the order in which transitions first have them |
//! | transitions | per transition: alert, step, group, kind, `at`, milliseconds from it to the episode, reason, evidence, whether it is sent, why, per channel: its place, why |
//!
//! Version 1 has no severities and no `resolve`.

use super::{AlertRecord, RecordedAlert, RecordedStep, read_evidence, write_evidence};
use crate::stored::{Reader, StoredError, Writer, number, read};
use minicbor::decode::Error;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notify::{Verdict, Why};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::transition::{Reason, Transition, TransitionKind};

/// The version that is written.
const VERSION: u64 = 2;
/// The one before.
const WITHOUT_SEVERITIES: u64 = 1;

/// Why a channel is told or not, by number.
const WHYS: [Why; 10] = [
    Why::AtOnce,
    Why::Gathered,
    Why::FiringSent,
    Why::Pending,
    Why::Inhibited,
    Why::TooOld,
    Why::Silenced,
    Why::Maintenance,
    Why::NoChannel,
    Why::FiringNotSent,
];

impl AlertRecord {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        writer.list(self.alerts.iter(), write_alert);
        let (channels, places) = self.channels();
        writer.list(channels.into_iter(), |writer, channel| _ = writer.put(channel));
        writer.list(self.transitions.iter(), |writer, (transition, verdict)| {
            write_transition(writer, transition);
            writer.put(verdict.sent).put(number(&WHYS, &verdict.why));
            writer.list(verdict.channels.iter(), |writer, (channel, why)| {
                let place = places.get(&**channel).copied().unwrap_or_default();
                writer.put(place).put(number(&WHYS, why));
            });
        });
        writer.finish()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("record of alerts", VERSION, bytes, |reader, version| {
            let alerts = reader.list(|reader| read_alert(reader, version))?;
            let channels = reader.list(|reader| Ok(Arc::<str>::from(reader.take::<&str>()?)))?;
            let transitions = reader.list(|reader| {
                let transition = read_transition(reader, &alerts)?;
                let (sent, why) = (reader.take()?, reader.place(&WHYS)?);
                let channels =
                    reader.list(|reader| Ok((reader.place(&channels)?, reader.place(&WHYS)?)))?;
                Ok((transition, Verdict { sent, why, channels }))
            })?;
            Ok(Self { alerts, transitions })
        })
    }

    /// The channels of all verdicts, and their places.
    fn channels(&self) -> (Vec<&str>, BTreeMap<&str, usize>) {
        let (mut names, mut places) = (Vec::new(), BTreeMap::new());
        for (channel, _) in self.transitions.iter().flat_map(|(_, verdict)| &verdict.channels) {
            places.entry(&**channel).or_insert_with(|| {
                names.push(&**channel);
                names.len() - 1
            });
        }
        (names, places)
    }
}

fn write_alert(writer: &mut Writer, alert: &RecordedAlert) {
    writer.put(alert.plan.as_str()).put(alert.name.as_str()).put(alert.metric.as_str());
    writer.list(alert.by.iter(), |writer, name| _ = writer.put(name.as_str()));
    writer.list(alert.steps.iter(), |writer, step| {
        writer.put(step.name.as_deref()).put(step.condition.as_str());
        writer.put(step.severity.map(|severity| number(&Severity::ALL, &severity)));
    });
    writer.put(alert.resolve.as_deref());
}

fn read_alert(reader: &mut Reader<'_>, version: u64) -> Result<RecordedAlert, Error> {
    let is_whole = version > WITHOUT_SEVERITIES;
    Ok(RecordedAlert {
        plan: reader.take()?,
        name: reader.take()?,
        metric: reader.take()?,
        by: reader.list(Reader::take)?,
        steps: reader.list(|reader| {
            Ok(RecordedStep {
                name: reader.take()?,
                condition: reader.take()?,
                severity: if is_whole { read_severity(reader)? } else { None },
            })
        })?,
        resolve: if is_whole { reader.take()? } else { None },
    })
}

fn read_severity(reader: &mut Reader<'_>) -> Result<Option<Severity>, Error> {
    let Some(place) = reader.take::<Option<usize>>()? else { return Ok(None) };
    let severity = Severity::ALL.get(place).copied();
    severity.map(Some).ok_or_else(|| Error::message("no severity"))
}

fn write_transition(writer: &mut Writer, transition: &Transition) {
    let Transition { alert, step, group, kind, at, episode, reason, evidence } = transition;
    writer.put(*alert).put(*step);
    let values: Vec<_> = group.values().collect();
    writer.list(values.into_iter(), |writer, value| _ = writer.put(value));
    writer.put(number(&TransitionKind::ALL, kind)).time(*at);
    writer.put(episode.minus(at.as_millis()).as_millis()).put(number(&Reason::ALL, reason));
    write_evidence(writer, *at, evidence);
}

fn read_transition(reader: &mut Reader<'_>, alerts: &[RecordedAlert]) -> Result<Transition, Error> {
    let (alert, step): (usize, usize) = (reader.take()?, reader.take()?);
    if alerts.get(alert).is_none_or(|alert| step >= alert.steps.len()) {
        return Err(Error::message("a transition of no step"));
    }
    let values: Vec<&str> = reader.list(Reader::take)?;
    let group = Arc::new(SeriesKey::new(values));
    let (kind, at) = (reader.place(&TransitionKind::ALL)?, reader.time()?);
    Ok(Transition {
        alert,
        step,
        group,
        kind,
        at,
        episode: at.plus(reader.take()?),
        reason: reader.place(&Reason::ALL)?,
        evidence: read_evidence(reader, at)?,
    })
}

#[cfg(test)]
mod tests;
