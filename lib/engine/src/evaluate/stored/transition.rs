//! Transitions as bytes, as they wait to be handed out.

use super::read_reason;
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::stored::reader::Reader;
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use crate::transition::{Evidence, Reason, Transition, TransitionKind};
use minicbor::decode::Error;
use std::sync::Arc;

/// Writes a transition.
pub(crate) fn write_transition(writer: &mut Writer, told: &Transition) {
    let Transition { alert, step, group, kind, at, episode, reason, evidence } = told;
    writer.place(*alert);
    writer.place(*step);
    group.values().for_each(|value| writer.text(value));
    writer.one_of(&TransitionKind::ALL, kind);
    writer.time(Timestamp::EPOCH, *at);
    writer.time(*at, *episode);
    writer.one_of(&Reason::ALL, reason);
    let Evidence { from, until, value, threshold, volume, events, .. } = evidence;
    writer.time(*at, *from);
    writer.time(*at, *until);
    writer.optional_decimal(*value);
    writer.optional_decimal(*threshold);
    writer.optional_unsigned(*volume);
    writer.unsigned(*events);
    writer.list(evidence.ids.len());
    evidence.ids.iter().for_each(|id| writer.text(id));
    writer.unsigned(evidence.late);
    writer.unsigned(evidence.duplicates);
    writer.list(evidence.course.len());
    evidence.course.iter().for_each(|&sixtieth| writer.optional_decimal(sixtieth));
    writer.optional_time(*at, evidence.watermark);
}

/// Reads a transition of a plan.
pub(crate) fn read_transition(reader: &mut Reader<'_>, plan: &Plan) -> Result<Transition, Error> {
    let alert = reader.place()?;
    let definition = plan.alerts.get(alert);
    let definition = definition.ok_or_else(|| reader.wrong("no alert of the plan"))?;
    let step = reader.place()?;
    if step >= definition.steps.len() {
        return Err(reader.wrong("no step of the alert"));
    }
    let values: Vec<_> = definition.by.iter().map(|_| reader.text()).collect::<Result<_, _>>()?;
    let kind = reader.one_of(&TransitionKind::ALL, "no kind of a transition")?;
    let at = reader.time(Timestamp::EPOCH)?;
    let episode = reader.time(at)?;
    let reason = read_reason(reader)?;
    let evidence = read_evidence(reader, at)?;
    let group = Arc::new(SeriesKey::new(values));
    Ok(Transition { alert, step, group, kind, at, episode, reason, evidence })
}

fn read_evidence(reader: &mut Reader<'_>, at: Timestamp) -> Result<Evidence, Error> {
    Ok(Evidence {
        from: reader.time(at)?,
        until: reader.time(at)?,
        value: reader.optional_decimal()?,
        threshold: reader.optional_decimal()?,
        volume: reader.optional_unsigned()?,
        events: reader.unsigned()?,
        ids: {
            let length = reader.list()?;
            (0..length).map(|_| Ok(reader.text()?.into())).collect::<Result<_, Error>>()?
        },
        late: reader.unsigned()?,
        duplicates: reader.unsigned()?,
        course: {
            let length = reader.list()?;
            (0..length).map(|_| reader.optional_decimal()).collect::<Result<_, _>>()?
        },
        watermark: reader.optional_time(at)?,
    })
}
