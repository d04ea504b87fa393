//! What is said of a firing, as bytes: evidence, members and messages.

use crate::alert::Severity;
use crate::notification::{Member, Subject};
use crate::notify::text::Message;
use crate::stored::reader::Reader;
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use crate::transition::Evidence;
use minicbor::decode::Error;
use std::sync::Arc;

pub(super) fn write_evidence(writer: &mut Writer, at: Timestamp, evidence: &Evidence) {
    let Evidence { from, until, watermark, value, threshold, volume, .. } = evidence;
    writer.time(at, *from);
    writer.time(at, *until);
    writer.optional_time(at, *watermark);
    writer.optional_decimal(*value);
    writer.optional_decimal(*threshold);
    writer.optional_unsigned(*volume);
    for count in [evidence.events, evidence.late, evidence.duplicates] {
        writer.unsigned(count);
    }
    writer.list(evidence.ids.len());
    for id in &evidence.ids {
        writer.text(id);
    }
    writer.list(evidence.course.len());
    for step in &evidence.course {
        writer.optional_decimal(*step);
    }
}

pub(super) fn read_evidence(reader: &mut Reader<'_>, at: Timestamp) -> Result<Evidence, Error> {
    Ok(Evidence {
        from: reader.time(at)?,
        until: reader.time(at)?,
        watermark: reader.optional_time(at)?,
        value: reader.optional_decimal()?,
        threshold: reader.optional_decimal()?,
        volume: reader.optional_unsigned()?,
        events: reader.unsigned()?,
        late: reader.unsigned()?,
        duplicates: reader.unsigned()?,
        ids: list(reader, |reader| reader.text().map(Arc::from))?,
        course: list(reader, Reader::optional_decimal)?,
    })
}

pub(super) fn write_member(writer: &mut Writer, clock: Timestamp, member: &Member) {
    writer.text(&member.alert);
    writer.optional_text(member.step.as_deref());
    writer.text(&member.metric);
    pairs(writer, &member.group);
    writer.text(&member.condition);
    writer.text(&member.summary);
    write_evidence(writer, clock, &member.evidence);
}

pub(super) fn read_member(reader: &mut Reader<'_>, clock: Timestamp) -> Result<Member, Error> {
    Ok(Member {
        alert: reader.text()?.to_owned(),
        step: reader.optional_text()?.map(str::to_owned),
        metric: reader.text()?.to_owned(),
        group: read_pairs(reader)?,
        condition: reader.text()?.to_owned(),
        summary: reader.text()?.to_owned(),
        evidence: read_evidence(reader, clock)?,
    })
}

/// Writes what a message about one alert has beside its member.
pub(super) fn write_message(writer: &mut Writer, clock: Timestamp, message: &Message) {
    writer.text(&message.key);
    writer.one_of(&Severity::ALL, &message.severity);
    writer.time(clock, message.at);
    writer.text(&message.summary);
    writer.optional_text(message.description.as_deref());
    writer.optional_text(message.runbook.as_deref());
    pairs(writer, &message.labels);
}

/// Reads the message about a member.
pub(super) fn read_message(
    reader: &mut Reader<'_>,
    clock: Timestamp,
    member: Member,
) -> Result<Message, Error> {
    let key = reader.text()?.to_owned();
    Ok(Message {
        key,
        severity: reader.one_of(&Severity::ALL, "no severity")?,
        at: reader.time(clock)?,
        summary: reader.text()?.to_owned(),
        description: reader.optional_text()?.map(str::to_owned),
        runbook: reader.optional_text()?.map(str::to_owned),
        labels: read_pairs(reader)?,
        subject: Subject::Alert(Box::new(member)),
    })
}

fn pairs(writer: &mut Writer, pairs: &[(String, String)]) {
    writer.list(pairs.len());
    for (name, value) in pairs {
        writer.text(name);
        writer.text(value);
    }
}

fn read_pairs(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, Error> {
    list(reader, |reader| Ok((reader.text()?.to_owned(), reader.text()?.to_owned())))
}

fn list<'b, T>(
    reader: &mut Reader<'b>,
    mut read: impl FnMut(&mut Reader<'b>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    (0..reader.list()?).map(|_| read(reader)).collect()
}
