//! Silences as a table for people, and as JSON with all that is known of them.

use super::matching;
use crate::style;
use crate::table::{self, Align};
use serde_json::{Map, Value};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::{Added, SilenceId};

type Listed<'l> = (SilenceId, &'l Added);

/// One line each; `all` says that those that are over were asked for too.
pub(super) fn table(silences: &[Listed<'_>], now: Timestamp, all: bool) -> String {
    if silences.is_empty() {
        let none = if all {
            "no silence was ever added\n"
        } else {
            "no silence is active or to come; --all shows those that are over\n"
        };
        return none.to_owned();
    }
    let columns = ["id", "state", "match", "from", "until", "author", "reason"];
    let columns = columns.map(|name| (name.to_owned(), Align::Left));
    let rows = silences.iter().map(|(id, added)| {
        let silence = &added.silence;
        vec![
            id.to_string(),
            state(added, now).to_owned(),
            matching::show(&silence.matches),
            silence.from.to_rfc3339(),
            added.ended.as_ref().map_or(silence.until, |ended| ended.at).to_rfc3339(),
            silence.author.clone(),
            silence.reason.clone(),
        ]
    });
    table::lines(&columns, rows.collect(), 0)
}

/// One JSON object per line.
pub(super) fn json(silences: &[Listed<'_>], now: Timestamp) -> String {
    let mut lines = String::new();
    for silence in silences {
        style::push(&mut lines, format_args!("{}\n", object(*silence, now)));
    }
    lines
}

fn object((id, added): Listed<'_>, now: Timestamp) -> Value {
    let silence = &added.silence;
    let conditions = silence.matches.conditions.iter();
    let matches: Map<_, _> = conditions
        .map(|(attribute, values)| (matching::name(attribute).to_owned(), values.clone().into()))
        .collect();
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    put("id", id.to_string().into());
    put("state", state(added, now).into());
    put("match", matches.into());
    put("from", silence.from.to_rfc3339().into());
    put("until", silence.until.to_rfc3339().into());
    put("author", silence.author.as_str().into());
    put("reason", silence.reason.as_str().into());
    put("added_at", added.at.to_rfc3339().into());
    if let Some(ended) = &added.ended {
        put("ended_at", ended.at.to_rfc3339().into());
        put("ended_by", ended.author.as_str().into());
    }
    object.into()
}

fn state(added: &Added, now: Timestamp) -> &'static str {
    if added.ended.is_some() {
        "ended"
    } else if added.silence.until <= now {
        "over"
    } else if added.silence.from > now {
        "to come"
    } else {
        "active"
    }
}
