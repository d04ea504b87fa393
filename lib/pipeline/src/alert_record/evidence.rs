//! The stored form of evidence, within other forms.

use crate::stored::{Reader, Writer};
use minicbor::decode::Error;
use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;

/// Writes evidence; times are milliseconds from `at`.
pub(crate) fn write_evidence(writer: &mut Writer, at: Timestamp, evidence: &Evidence) {
    let Evidence { from, until, value, threshold, volume, events, .. } = evidence;
    let from_at = |time: Timestamp| time.minus(at.as_millis()).as_millis();
    writer.put(from_at(*from)).put(from_at(*until));
    write_optional(writer, *value);
    write_optional(writer, *threshold);
    writer.put(*volume).put(*events);
    writer.list(evidence.ids.iter(), |writer, id| _ = writer.put(&**id));
    writer.put(evidence.late).put(evidence.duplicates);
    writer.list(evidence.course.iter(), |writer, sixtieth| write_optional(writer, *sixtieth));
    writer.put(evidence.watermark.map(from_at));
}

/// Reads what was written.
pub(crate) fn read_evidence(reader: &mut Reader<'_>, at: Timestamp) -> Result<Evidence, Error> {
    Ok(Evidence {
        from: at.plus(reader.take()?),
        until: at.plus(reader.take()?),
        value: reader.option(Reader::decimal)?,
        threshold: reader.option(Reader::decimal)?,
        volume: reader.take()?,
        events: reader.take()?,
        ids: reader.list(|reader| Ok(Arc::from(reader.take::<&str>()?)))?,
        late: reader.take()?,
        duplicates: reader.take()?,
        course: reader.list(|reader| reader.option(Reader::decimal))?,
        watermark: reader.take::<Option<i64>>()?.map(|from_at| at.plus(from_at)),
    })
}

fn write_optional(writer: &mut Writer, value: Option<Decimal>) {
    writer.option(value, |writer, value| _ = writer.decimal(value));
}
