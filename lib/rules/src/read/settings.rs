//! The settings at the top of the file: where an event's fields are, how time is handled.

use super::Reader;
use super::fields::Fields;
use super::metric::{has_odd_edges, is_printable_ascii};
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::reference::tables::EVENT;
use crate::yaml::tree::{Content, Node, shown};
use streamgauge_engine::calendar::{Calendar, CalendarError, Weekday};
use streamgauge_engine::plan::{LatePolicy, TimeUnit, Timing};
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, SECOND_MS};

/// How long events may be late or out of order: what must be held in memory grows with it.
pub(crate) const LATENESS_MAX: Millis = 7 * DAY_MS;
/// The longest horizon of deduplication.
pub(crate) const DEDUPLICATE_MAX: Millis = 30 * DAY_MS;
/// The longest of the other settings.
pub(crate) const SETTING_MAX: Millis = 7 * DAY_MS;

/// Where the standard fields are, as paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventPaths {
    pub(crate) identity: Vec<Vec<String>>,
    pub(crate) id: Vec<String>,
    pub(crate) kind: Vec<String>,
    pub(crate) time: Vec<String>,
    pub(crate) time_unit: TimeUnit,
}

impl Default for EventPaths {
    /// The places of CloudEvents 1.0.
    fn default() -> Self {
        let path = |name: &str| vec![name.to_owned()];
        Self {
            identity: vec![path("source"), path("id")],
            id: path("id"),
            kind: path("type"),
            time: path("time"),
            time_unit: TimeUnit::Rfc3339,
        }
    }
}

impl Reader<'_> {
    /// The CloudWatch namespace.
    pub(crate) fn namespace(&mut self, file: &Fields<'_>) -> String {
        const DEFAULT: &str = "StreamGauge";
        let Some(node) = file.get("namespace") else { return DEFAULT.to_owned() };
        let Some(name) = self.substituted(node) else { return DEFAULT.to_owned() };
        let problem = if name.is_empty() || name.len() > 255 {
            Some("a namespace has 1 to 255 characters")
        } else if !is_printable_ascii(&name) {
            Some("a namespace is ASCII")
        } else if name.starts_with("AWS/") {
            Some("namespaces that begin with `AWS/` belong to AWS")
        } else if has_odd_edges(&name) {
            Some("a namespace does not begin with a colon, nor begin or end with a space")
        } else {
            None
        };
        if let Some(problem) = problem {
            self.findings
                .error(Code::InvalidName, node.place, problem)
                .hint("write a name such as `Shop/Orders`");
        }
        name
    }

    /// `version: 1`
    pub(crate) fn version(&mut self, file: &Fields<'_>) {
        if let Some(node) = file.get("version")
            && let Some(scalar) = self.scalar(node, "`1`")
            && scalar.text != "1"
        {
            let message = format!(
                "version `{}` of the format is not known to this program",
                shown(&scalar.text)
            );
            self.findings.error(Code::InvalidValue, node.place, message).hint("write `version: 1`");
        }
    }

    /// Where an event's standard fields are; identity and type are declared as strings.
    pub(crate) fn event(&mut self, file: &Fields<'_>) -> EventPaths {
        let mut paths = EventPaths::default();
        if let Some(node) = file.get("event")
            && let Some(fields) = self.fields(node, &EVENT, file.key_place("event"))
        {
            self.event_paths(&fields, &mut paths);
            fields.finish();
        }
        self.declarations.strings = paths.identity.clone();
        self.declarations.strings.push(paths.kind.clone());
        self.declarations.standard = vec![paths.kind.clone(), paths.id.clone(), paths.time.clone()];
        self.declarations.standard.extend(paths.identity.iter().cloned());
        paths
    }

    fn event_paths(&mut self, fields: &Fields<'_>, paths: &mut EventPaths) {
        if let Some(node) = fields.get("identity")
            && let Some(items) = self.one_or_list(node)
        {
            let identity: Vec<_> = items.iter().filter_map(|item| self.path(item)).collect();
            if items.is_empty() || items.len() > 8 {
                self.findings
                    .error(Code::InvalidValue, node.place, "an identity has 1 to 8 fields")
                    .hint("write `identity: [source, id]`");
            } else {
                paths.identity = identity;
            }
        }
        for (key, path) in
            [("id", &mut paths.id), ("type", &mut paths.kind), ("time", &mut paths.time)]
        {
            if let Some(node) = fields.get(key)
                && let Some(read) = self.path(node)
            {
                *path = read;
            }
        }
        if let Some(node) = fields.get("time_unit") {
            let words = ["rfc3339", "seconds", "milliseconds", "s", "ms"];
            paths.time_unit = match self.choice(node, &words) {
                Some(1 | 3) => TimeUnit::Seconds,
                Some(2 | 4) => TimeUnit::Milliseconds,
                _ => TimeUnit::Rfc3339,
            };
        }
    }

    /// How events are timed, deduplicated and taken late.
    pub(crate) fn timing(&mut self, file: &Fields<'_>) -> Timing {
        let mut setting = |key, range, default| {
            file.get(key).and_then(|value| self.duration(value, range)).unwrap_or(default)
        };
        let out_of_order = setting("out_of_order", 0..=LATENESS_MAX, 30 * SECOND_MS);
        let allowed_lateness = setting("allowed_lateness", 0..=LATENESS_MAX, 2 * MINUTE_MS);
        let max_ahead = setting("max_ahead", 1..=SETTING_MAX, 10 * MINUTE_MS);
        let hold = setting("hold", 1..=SETTING_MAX, HOUR_MS);
        let late = match self
            .required(file, "late")
            .and_then(|value| self.choice(value, &["correct", "drop"]))
        {
            Some(1) => LatePolicy::Drop,
            _ => LatePolicy::Correct,
        };
        let deduplicate =
            file.get("deduplicate").map_or(Some(HOUR_MS), |value| self.deduplicate(value));
        if let Some(horizon) = deduplicate
            && allowed_lateness > horizon
        {
            let place = file.entry("allowed_lateness").or_else(|| file.entry("deduplicate"));
            let place = place.map_or(file.place, |entry| entry.value.place);
            let message = format!(
                "`allowed_lateness` ({}) is above `deduplicate` ({}): a copy that comes in between would count twice",
                crate::duration::show(allowed_lateness),
                crate::duration::show(horizon)
            );
            self.findings
                .error(Code::LatenessAboveDeduplicate, place, message)
                .hint("raise `deduplicate` or lower `allowed_lateness`");
        }
        Timing { out_of_order, allowed_lateness, late, deduplicate, max_ahead, hold }
    }

    /// A horizon, or `off`: `None`.
    fn deduplicate(&mut self, node: &Node) -> Option<Millis> {
        if let Content::Scalar(scalar) = &node.content
            && (scalar.as_boolean() == Some(false)
                || matches!(scalar.text.as_str(), "off" | "Off" | "OFF" | "false"))
        {
            return None;
        }
        if let Content::Scalar(scalar) = &node.content
            && !scalar.is_null()
            && let Err(message) = crate::duration::parse(&scalar.text)
        {
            self.findings
                .error(Code::InvalidDuration, node.place, message)
                .hint("write a length of time such as `1h`, or `off`");
            return Some(DEDUPLICATE_MAX);
        }
        // With a wrong horizon nothing follows from it: the longest quarrels with no other setting.
        self.duration(node, 1..=DEDUPLICATE_MAX).or(Some(DEDUPLICATE_MAX))
    }

    /// The calendar of windows of whole days and weeks.
    pub(crate) fn calendar(&mut self, file: &Fields<'_>) -> Option<Calendar> {
        // Both are read, whatever is wrong with the other.
        let monday = Weekday::Monday;
        let week_starts = file.get("week_starts").map_or(Some(monday), |value| self.weekday(value));
        let calendar = match file.get("time_zone") {
            Some(node) => self.zone_calendar(node, week_starts.unwrap_or(monday)),
            None => Calendar::new("UTC", week_starts.unwrap_or(monday)).ok(),
        };
        week_starts.and(calendar)
    }

    /// A day of the week, in full or by its first three letters.
    pub(crate) fn weekday(&mut self, node: &Node) -> Option<Weekday> {
        let text = self.text(node)?;
        let weekday = Weekday::from_name(text);
        if weekday.is_none() {
            let message = format!("`{}` is not a day of the week", shown(text));
            let names = Weekday::ALL.map(Weekday::as_str);
            let near = nearest::nearest(
                text,
                names.into_iter().chain(names.iter().filter_map(|name| name.get(..3))),
            );
            let hint = near.map_or_else(
                || "write `monday` or `mon`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.findings.error(Code::InvalidValue, node.place, message).hint(hint);
        }
        weekday
    }

    /// The name of a time zone in the compiled-in database.
    pub(crate) fn zone_calendar(&mut self, node: &Node, week_starts: Weekday) -> Option<Calendar> {
        let text = self.text(node)?;
        match Calendar::new(text, week_starts) {
            Ok(calendar) => Some(calendar),
            Err(CalendarError::UnknownZone { nearest, .. }) => {
                let hint = match (fixed_offset(text), nearest) {
                    (Some(zone), _) => format!(
                        "write an IANA name such as `Asia/Dubai`; this fixed offset is called `{zone}`, with the sign reversed"
                    ),
                    (None, Some(near)) => format!("did you mean `{near}`?"),
                    (None, None) => "write an IANA name such as `Asia/Dubai`".to_owned(),
                };
                let message = format!("`{}` is not a time zone", shown(text));
                self.findings.error(Code::InvalidTimeZone, node.place, message).hint(hint);
                None
            }
        }
    }
}

/// The IANA name of `GMT+4`, `UTC+04:00` or `+4`: `Etc/GMT-4`, for those names count hours west of Greenwich.
fn fixed_offset(text: &str) -> Option<String> {
    let text = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC")).unwrap_or(text);
    let (reversed, rest) = match text.strip_prefix('+') {
        Some(rest) => ('-', rest),
        None => ('+', text.strip_prefix('-')?),
    };
    let hours = rest.strip_suffix(":00").unwrap_or(rest).parse::<u8>().ok()?;
    // From UTC-12 to UTC+14.
    let hours_max = if reversed == '-' { 14 } else { 12 };
    (1..=hours_max).contains(&hours).then(|| format!("Etc/GMT{reversed}{hours}"))
}
