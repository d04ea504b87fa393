//! The finished notifications of one settle entry, as the lanes of channels find them in the settle log.
//!
//! | item | what |
//! | --- | --- |
//! | version | 2 if there is a deploy among them, else 1, which functions of an older version can read |
//! | notifications | per notification: channel, key, id, action, severity, `at`, summary, description, runbook, labels, plan, subject |
//!
//! A subject is 0 and a member, 1 and members and how many more there are, 2 and the name of the pipeline's own alert, or 3 and
//! version, service, author and link of a deploy. A member is alert, step, metric, group, condition, summary and evidence.

use crate::alert_record::{read_evidence, write_evidence};
use crate::stored::{Reader, StoredError, Writer, number, read};
use minicbor::decode::Error;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Deploy, Member, Notification, Subject};
use streamgauge_engine::time::Timestamp;

/// The newest version.
const VERSION: u64 = 2;

const ACTIONS: [Action; 4] = [Action::Trigger, Action::Repeat, Action::Resolve, Action::Change];

/// The stored form of notifications, in their order.
pub fn encode<'n>(
    notifications: impl IntoIterator<Item = &'n Notification, IntoIter: ExactSizeIterator + Clone>,
) -> Vec<u8> {
    let notifications = notifications.into_iter();
    let is_deploy = |one: &Notification| matches!(one.subject, Subject::Deploy(_));
    let mut writer = Writer::new(if notifications.clone().any(is_deploy) { VERSION } else { 1 });
    writer.list(notifications, write_notification);
    writer.finish()
}

/// Reads the stored form.
pub fn decode(bytes: &[u8]) -> Result<Vec<Notification>, StoredError> {
    read("notifications", VERSION, bytes, |reader, _| reader.list(read_notification))
}

fn write_notification(writer: &mut Writer, notification: &Notification) {
    let Notification { channel, key, id, action, severity, at, summary, .. } = notification;
    writer.put(channel.as_str()).put(key.as_str()).put(id.as_str());
    writer.put(number(&ACTIONS, action)).put(number(&Severity::ALL, severity));
    writer.time(*at).put(summary.as_str());
    writer.put(notification.description.as_deref()).put(notification.runbook.as_deref());
    write_pairs(writer, &notification.labels);
    writer.put(notification.plan.as_str());
    match &notification.subject {
        Subject::Alert(member) => write_member(writer.put(0_u8), *at, member),
        Subject::Gathered { members, more } => {
            writer.put(1_u8).list(members.iter(), |writer, member| {
                write_member(writer, *at, member);
            });
            writer.put(*more);
        }
        Subject::Pipeline { alert } => _ = writer.put(2_u8).put(alert.as_str()),
        Subject::Deploy(Deploy { version, service, author, link }) => {
            writer.put(3_u8).put(version.as_str()).put(service.as_deref());
            writer.put(author.as_str()).put(link.as_deref());
        }
    }
}

fn read_notification(reader: &mut Reader<'_>) -> Result<Notification, Error> {
    let (channel, key, id) = (reader.take()?, reader.take()?, reader.take()?);
    let (action, severity) = (reader.place(&ACTIONS)?, reader.place(&Severity::ALL)?);
    let at = reader.time()?;
    Ok(Notification {
        channel,
        key,
        id,
        action,
        severity,
        at,
        summary: reader.take()?,
        description: reader.take()?,
        runbook: reader.take()?,
        labels: read_pairs(reader)?,
        plan: reader.take()?,
        subject: match reader.take::<u8>()? {
            0 => Subject::Alert(Box::new(read_member(reader, at)?)),
            1 => Subject::Gathered {
                members: reader.list(|reader| read_member(reader, at))?,
                more: reader.take()?,
            },
            2 => Subject::Pipeline { alert: reader.take()? },
            3 => Subject::Deploy(Deploy {
                version: reader.take()?,
                service: reader.take()?,
                author: reader.take()?,
                link: reader.take()?,
            }),
            _ => return Err(Error::message("nothing that a notification is about")),
        },
    })
}

fn write_member(writer: &mut Writer, at: Timestamp, member: &Member) {
    writer.put(member.alert.as_str()).put(member.step.as_deref()).put(member.metric.as_str());
    write_pairs(writer, &member.group);
    writer.put(member.condition.as_str()).put(member.summary.as_str());
    write_evidence(writer, at, &member.evidence);
}

fn read_member(reader: &mut Reader<'_>, at: Timestamp) -> Result<Member, Error> {
    Ok(Member {
        alert: reader.take()?,
        step: reader.take()?,
        metric: reader.take()?,
        group: read_pairs(reader)?,
        condition: reader.take()?,
        summary: reader.take()?,
        evidence: read_evidence(reader, at)?,
    })
}

fn write_pairs(writer: &mut Writer, pairs: &[(String, String)]) {
    writer.list(pairs.iter(), |writer, (name, value)| {
        writer.put(name.as_str()).put(value.as_str());
    });
}

fn read_pairs(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, Error> {
    reader.list(|reader| Ok((reader.take()?, reader.take()?)))
}

#[cfg(test)]
mod tests;
