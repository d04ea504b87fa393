//! Routes, quiet times and gathering: who hears of what, and when.

use super::Reader;
use super::alert::AlertOutline;
use super::fields::Fields;
use super::metric::Outline;
use super::settings::SETTING_MAX;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::reference::tables::{GATHERING, MAINTENANCE, MATCH, PIPELINE, ROUTE, SILENCE};
use crate::yaml::tree::{Node, shown};
use streamgauge_engine::alert::Severity;
use streamgauge_engine::calendar::{Calendar, Weekday};
use streamgauge_engine::notify::rules::{
    Attribute, Gathering, Maintenance, Match, PipelineAlerts, Route, Silence,
};
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS};

/// Routes, silences or maintenance windows in one plan, each.
pub(crate) const ROUTES_MAX: usize = 1_000;

/// The names that a match may use.
pub(crate) struct Names<'p> {
    pub(crate) metrics: &'p [Outline],
    pub(crate) alerts: &'p [AlertOutline],
    pub(crate) channels: &'p [String],
}

impl Reader<'_> {
    /// The items of a list of maps, with the place that stands for each.
    fn items<'n>(&mut self, file: &Fields<'n>, key: &'static str) -> &'n [Node] {
        let Some(node) = file.get(key) else { return &[] };
        let items = self.list(node, "a list").unwrap_or_default();
        if items.len() > ROUTES_MAX {
            let message = format!("there are {} entries; the limit is {ROUTES_MAX}", items.len());
            self.findings.error(Code::LimitExceeded, node.place, message);
        }
        items.get(..ROUTES_MAX).unwrap_or(items)
    }

    /// `routes`
    pub(crate) fn routes(&mut self, file: &Fields<'_>, names: &Names<'_>) -> Vec<Route> {
        let mut routes = Vec::new();
        for item in self.items(file, "routes") {
            let Some(fields) = self.fields(item, &ROUTE, item.beginning()) else { continue };
            let matches = self
                .required(&fields, "match")
                .and_then(|value| self.matcher(value, &fields, names, false));
            let notify = self
                .required(&fields, "notify")
                .map(|value| self.channels_named(value, names.channels));
            fields.finish();
            if let (Some(matches), Some(notify)) = (matches, notify) {
                routes.push(Route { matches, notify });
            }
        }
        routes
    }

    /// `pipeline`
    pub(crate) fn pipeline(
        &mut self,
        file: &Fields<'_>,
        channels: &[String],
    ) -> Option<PipelineAlerts> {
        let node = file.get("pipeline")?;
        let fields = self.fields(node, &PIPELINE, file.key_place("pipeline"))?;
        let severity = fields
            .get("severity")
            .and_then(|value| self.severity(value))
            .unwrap_or(Severity::Error);
        let notify =
            self.required(&fields, "notify").map(|value| self.channels_named(value, channels));
        fields.finish();
        Some(PipelineAlerts { severity, notify: notify? })
    }

    /// `notify`
    pub(crate) fn gathering(&mut self, file: &Fields<'_>) -> Gathering {
        let mut gathering = Gathering::default();
        if let Some(node) = file.get("notify")
            && let Some(fields) = self.fields(node, &GATHERING, file.key_place("notify"))
        {
            if let Some(length) =
                fields.get("together").and_then(|value| self.duration(value, 1..=HOUR_MS))
            {
                gathering.together = length;
            }
            if let Some(number) =
                fields.get("list_at_most").and_then(|value| self.whole(value, 1..=1_000))
            {
                gathering.list_at_most = usize::try_from(number).unwrap_or(gathering.list_at_most);
            }
            if let Some(length) =
                fields.get("repeat").and_then(|value| self.duration(value, MINUTE_MS..=SETTING_MAX))
            {
                gathering.repeat = length;
            }
            fields.finish();
        }
        gathering
    }

    /// `silences`
    pub(crate) fn silences(&mut self, file: &Fields<'_>, names: &Names<'_>) -> Vec<Silence> {
        let mut silences = Vec::new();
        for item in self.items(file, "silences") {
            let Some(fields) = self.fields(item, &SILENCE, item.beginning()) else { continue };
            let matches = self
                .required(&fields, "match")
                .and_then(|value| self.matcher(value, &fields, names, true));
            let from = self.required(&fields, "from").and_then(|value| self.time(value));
            let until = self.required(&fields, "until").and_then(|value| self.time(value));
            let author = self.required(&fields, "author").and_then(|value| self.short_text(value));
            let reason = self.required(&fields, "reason").and_then(|value| self.short_text(value));
            if let (Some(from), Some(until), Some(entry)) = (from, until, fields.entry("until"))
                && until <= from
            {
                self.findings
                    .error(
                        Code::InvalidTime,
                        entry.value.place,
                        "this silence ends before it begins",
                    )
                    .related(fields.key_place("from"), "it begins here");
            }
            fields.finish();
            if let (Some(matches), Some(from), Some(until), Some(author), Some(reason)) =
                (matches, from, until, author, reason)
            {
                silences.push(Silence { matches, from, until, author, reason });
            }
        }
        silences
    }

    /// `maintenance`
    pub(crate) fn maintenance(
        &mut self,
        file: &Fields<'_>,
        names: &Names<'_>,
        of_file: &Calendar,
    ) -> Vec<Maintenance> {
        let mut windows = Vec::new();
        for item in self.items(file, "maintenance") {
            let Some(fields) = self.fields(item, &MAINTENANCE, item.beginning()) else { continue };
            let matches = self
                .required(&fields, "match")
                .and_then(|value| self.matcher(value, &fields, names, true));
            let weekdays =
                fields.get("weekdays").map_or(Some([true; 7]), |value| self.weekdays(value));
            let from = self.required(&fields, "from").and_then(|value| self.time_of_day(value));
            let to = self.required(&fields, "to").and_then(|value| self.time_of_day(value));
            let calendar = fields.get("time_zone").map_or(Some(of_file.clone()), |value| {
                self.zone_calendar(value, of_file.week_starts())
            });
            let reason = fields.get("reason").and_then(|value| self.short_text(value));
            if let (Some(from), Some(to), Some(entry)) = (from, to, fields.entry("to"))
                && from == to
            {
                self.findings
                    .error(
                        Code::InvalidTime,
                        entry.value.place,
                        "this maintenance window ends when it begins",
                    )
                    .hint("write `from: \"00:00\"` and `to: \"24:00\"` for a whole day");
            }
            fields.finish();
            if let (Some(matches), Some(weekdays), Some(from), Some(to), Some(calendar)) =
                (matches, weekdays, from, to, calendar)
            {
                windows.push(Maintenance {
                    matches,
                    weekdays,
                    from_minutes: from,
                    to_minutes: to,
                    calendar,
                    reason,
                });
            }
        }
        windows
    }

    fn weekdays(&mut self, node: &Node) -> Option<[bool; 7]> {
        let mut weekdays = [false; 7];
        let mut complete = true;
        let items = self.one_or_list(node)?;
        if items.is_empty() {
            self.findings
                .error(Code::InvalidValue, node.place, "no day is left")
                .hint("leave `weekdays` out for all days");
        }
        for item in items {
            let weekday = self.weekday(item);
            for (position, day) in Weekday::ALL.iter().zip(&mut weekdays) {
                *day |= Some(*position) == weekday;
            }
            complete &= weekday.is_some();
        }
        complete.then_some(weekdays)
    }

    /// Minutes since midnight; `24:00` is the end of the day.
    fn time_of_day(&mut self, node: &Node) -> Option<u32> {
        let text = self.text(node)?;
        let minutes = text.split_once(':').and_then(|(hours, minutes)| {
            let is_pair =
                |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
            (is_pair(hours) && is_pair(minutes)).then_some(())?;
            let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
            (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
        });
        if minutes.is_none() {
            let message = format!("`{}` is not a time of day", shown(text));
            self.findings
                .error(Code::InvalidTime, node.place, message)
                .hint("write `\"02:30\"`, with two digits each and in quotes");
        }
        minutes
    }

    /// A match: known subjects, dimensions and labels, each with a value or a list of them.
    fn matcher(
        &mut self,
        node: &Node,
        owner: &Fields<'_>,
        names: &Names<'_>,
        quiet: bool,
    ) -> Option<Match> {
        let fields = self.fields(node, &MATCH, owner.key_place("match"))?;
        let mut matches = Match::default();
        let subjects = [
            ("alert", Attribute::Alert),
            ("metric", Attribute::Metric),
            ("step", Attribute::Step),
            ("severity", Attribute::Severity),
            ("channel", Attribute::Channel),
        ];
        for (key, subject) in subjects {
            let Some(listed) = fields.get(key) else { continue };
            if subject == Attribute::Channel && !quiet {
                self.findings
                    .error(
                        Code::NotAvailable,
                        fields.key_place(key),
                        "a route chooses the channel, it cannot match one",
                    )
                    .hint("match the alert, its severity or its group");
            }
            let mut values = Vec::new();
            for item in self.one_or_list(listed).unwrap_or_default() {
                values.extend(self.matched_value(item, &subject, names));
            }
            matches.conditions.push((subject, values));
        }
        let known = known_names(names);
        for entry in fields.further() {
            if !known.contains(&entry.key.as_str()) && self.broken_files.is_empty() {
                let mut all: Vec<&str> = MATCH.keys.iter().map(|key| key.name).collect();
                all.extend(known.iter().copied());
                let message = format!("no alert has a dimension or label `{}`", shown(&entry.key));
                let hint = nearest::hint(&entry.key, &all);
                self.findings.error(Code::UnknownKey, entry.key_place, message).maybe_hint(hint);
            }
            let items = self.one_or_list(&entry.value).unwrap_or_default();
            let values =
                items.iter().filter_map(|item| self.text(item).map(str::to_owned)).collect();
            matches.conditions.push((Attribute::Named(entry.key.clone()), values));
        }
        fields.finish();
        Some(matches)
    }

    fn matched_value(
        &mut self,
        item: &Node,
        subject: &Attribute,
        names: &Names<'_>,
    ) -> Option<String> {
        let (code, what, known): (_, _, Vec<&str>) = match subject {
            Attribute::Severity => {
                self.severity(item)?;
                return self.text(item).map(str::to_owned);
            }
            Attribute::Channel => {
                let name = self.text(item)?;
                self.check_channel(item, name, names.channels);
                return Some(name.to_owned());
            }
            Attribute::Alert => (
                Code::UnknownAlert,
                "alert",
                names.alerts.iter().map(|alert| alert.name.as_str()).collect(),
            ),
            Attribute::Metric => (
                Code::UnknownMetric,
                "metric",
                names.metrics.iter().map(|metric| metric.name.as_str()).collect(),
            ),
            Attribute::Step | Attribute::Named(_) => {
                let steps =
                    names.alerts.iter().flat_map(|alert| alert.steps.iter().map(String::as_str));
                (Code::UnknownStep, "step", steps.collect())
            }
        };
        let name = self.text(item)?;
        if !known.contains(&name) && self.broken_files.is_empty() {
            let message = format!("there is no {what} `{}`", shown(name));
            self.findings.error(code, item.place, message).maybe_hint(nearest::hint(name, &known));
        }
        Some(name.to_owned())
    }
}

/// The dimensions of groups and the labels of alerts; all dimensions of the metrics where groups are not known.
fn known_names<'p>(names: &Names<'p>) -> Vec<&'p str> {
    let labels = names.alerts.iter().flat_map(|alert| &alert.labels);
    let groups = names.alerts.iter().flat_map(|alert| alert.by.iter().flatten());
    let mut known: Vec<&str> = labels.chain(groups).map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    known
}
