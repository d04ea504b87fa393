//! The events of a scenario as lines of JSON.

use super::Scenario;
use super::json::Json;
use streamgauge_engine::field::FieldId;
use streamgauge_engine::plan::{Plan, TimeUnit};
use streamgauge_engine::time::Timestamp;

impl Scenario {
    /// The events in the order of their arrival, each as one line without its break.
    ///
    /// Time, id and type are written where the plan's rules look for them, unless the event says itself what is there:
    /// so an event with a broken time is rejected as it would be from a file.
    pub fn lines(&self, plan: &Plan) -> Vec<String> {
        let paths: Vec<&[Box<str>]> = plan.fields.paths().collect();
        let path = |field: FieldId| paths.get(field.index()).copied().unwrap_or_default();
        let fields = &plan.event;
        let mut lines = Vec::with_capacity(self.events.len());
        for event in &self.events {
            let mut json = event.body.fields.clone();
            let id = || Json::Text(event.id.to_string());
            json.fill(path(fields.id), id());
            if let Some(last) = fields.identity.last() {
                json.fill(path(*last), id());
            }
            json.fill(&["source"], Json::Text(event.body.source.clone()));
            if let Some(kind) = &event.body.kind {
                json.fill(path(fields.kind), Json::Text(kind.clone()));
            }
            json.fill(path(fields.time), time(event.at, fields.time_unit));
            let mut line = String::new();
            json.write(&mut line);
            lines.push(line);
        }
        lines
    }
}

/// A time in the form that the rules read.
fn time(at: Timestamp, unit: TimeUnit) -> Json {
    match unit {
        TimeUnit::Rfc3339 => Json::Text(at.to_rfc3339()),
        TimeUnit::Milliseconds => Json::Bare(at.as_millis().to_string()),
        TimeUnit::Seconds => {
            let milliseconds = at.as_millis().unsigned_abs();
            let sign = if at.as_millis() < 0 { "-" } else { "" };
            let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
            let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
            Json::Bare(format!("{sign}{seconds}{fraction}"))
        }
    }
}
