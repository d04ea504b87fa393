//! The text of a scenario file to its types.

mod expect;

use super::json::Json;
use super::{Body, EVENTS_MAX, Event, Scenario, ScenarioFile, ScenarioOutcome};
use crate::problem::code::Code;
use crate::read::Reader;
use crate::read::fields::Fields;
use crate::reference::tables::{SCENARIO, SCENARIO_EVENT, SCENARIO_FILE};
use crate::source::{Place, SourceFile, Span};
use crate::yaml::tree::{Content, Node, shown};
use std::collections::BTreeSet;
use std::sync::Arc;
use streamgauge_engine::time::{Millis, Timestamp};

/// Where offsets count from when a scenario does not say: 2026-01-01T00:00:00Z.
const START_DEFAULT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub(super) fn read(source: &SourceFile) -> ScenarioOutcome {
    let sources = std::slice::from_ref(source);
    let mut reader = Reader::new(sources, &|_| None);
    let file = reader.scenario_file();
    let file = file.filter(|_| !reader.findings.has_errors());
    ScenarioOutcome { file, problems: reader.findings.into_problems(sources) }
}

impl Reader<'_> {
    fn scenario_file(&mut self) -> Option<ScenarioFile> {
        let place = Place { file: 0, start: 0, end: 0 };
        let root = Node { place, content: Content::Mapping(self.merged_files(&SCENARIO_FILE)) };
        let file = self.fields(&root, &SCENARIO_FILE, place)?;
        let mut rules = Vec::new();
        if let Some(node) = self.required(&file, "rules") {
            for item in self.one_or_list(node).unwrap_or_default() {
                rules.extend(self.short_text(item));
            }
        }
        let nothing = Json::Object(Vec::new());
        let defaults = self.defaults(&file, &nothing).unwrap_or(nothing);
        let mut scenarios: Vec<Scenario> = Vec::new();
        let list = self.required(&file, "scenarios");
        let items =
            list.and_then(|value| self.list(value, "a list of scenarios")).unwrap_or_default();
        let mut room = EVENTS_MAX;
        for item in items {
            let Some(scenario) = self.scenario(item, &defaults, &mut room) else { continue };
            if let Some(first) = scenarios.iter().find(|first| first.name == scenario.name) {
                let place_of =
                    |span: &Span| Place { file: 0, start: span.bytes.start, end: span.bytes.end };
                let (here, other) = (place_of(&scenario.span), place_of(&first.span));
                let message = format!("two scenarios are called `{}`", shown(&scenario.name));
                self.findings
                    .error(Code::DuplicateName, here, message)
                    .related(other, "the first")
                    .hint("say in the name how they differ");
            }
            scenarios.push(scenario);
        }
        file.finish();
        let source = self.sources.first()?.clone();
        Some(ScenarioFile { rules, scenarios, source })
    }

    /// The `defaults` of the file or of a scenario, over those above it.
    fn defaults(&mut self, fields: &Fields<'_>, above: &Json) -> Option<Json> {
        let node = fields.get("defaults")?;
        match self.map(node, "a map of an event's fields") {
            Some([]) | None => Some(above.clone()),
            Some(entries) => {
                for entry in entries {
                    if matches!(entry.key.as_str(), "at" | "id" | "every" | "times") {
                        let message = format!("`{}` is of one event and has no default", entry.key);
                        self.findings
                            .error(Code::NotAvailable, entry.key_place, message)
                            .hint("write it into the events");
                    }
                }
                Some(self.json(node)?.over(above))
            }
        }
    }

    fn scenario(
        &mut self,
        item: &Node,
        file_defaults: &Json,
        room: &mut usize,
    ) -> Option<Scenario> {
        let fields = self.fields(item, &SCENARIO, item.beginning())?;
        let name_node = self.required(&fields, "name");
        let name = name_node.and_then(|value| self.short_text(value));
        let start = fields.get("start").map_or(Some(START_DEFAULT), |value| self.time(value));
        let offsets_from = start.unwrap_or(START_DEFAULT);
        let defaults =
            self.defaults(&fields, file_defaults).unwrap_or_else(|| file_defaults.clone());
        let mut ids = Ids::default();
        let mut events = Vec::new();
        let list = fields
            .get("events")
            .and_then(|value| self.list(value, "a list of events"))
            .unwrap_or_default();
        for event in list {
            self.event_of_scenario(event, &defaults, offsets_from, &mut ids, (room, &mut events));
        }
        let until = fields.get("until").and_then(|value| self.offset(value));
        let expect_node = self.required(&fields, "expect");
        let expect = expect_node
            .and_then(|value| self.expectation(value, fields.key_place("expect"), offsets_from));
        fields.finish();
        Some(Scenario {
            name: name?,
            span: Span::new(name_node?.place, self.sources)?,
            start: start?,
            until: until.map(|until| offsets_from.plus(until)),
            expect: expect?,
            events,
        })
    }

    fn event_of_scenario(
        &mut self,
        node: &Node,
        defaults: &Json,
        start: Timestamp,
        ids: &mut Ids,
        (room, events): (&mut usize, &mut Vec<Event>),
    ) {
        let Some(fields) = self.fields(node, &SCENARIO_EVENT, node.place) else { return };
        let at = fields.get("at").map(|value| self.offset(value));
        let id = fields.get("id").and_then(|value| self.text(value));
        let kind = fields.get("type").and_then(|value| self.text(value)).map(str::to_owned);
        let source = fields.get("source").and_then(|value| self.text(value)).map(str::to_owned);
        let every = fields
            .get("every")
            .map(|value| self.duration(value, 1..=crate::duration::DURATION_MAX));
        let times = fields.get("times").map(|value| self.whole(value, 1..=100_000));
        let repeats = every.is_some() || times.is_some();
        if every.is_some() != times.is_some() {
            self.findings
                .error(Code::MissingKey, node.place, "`every` and `times` go together")
                .hint("write `{every: 10s, times: 30, …}`");
        }
        if at.is_none() && !repeats {
            self.findings
                .error(Code::MissingKey, node.place, "an event needs the key `at`")
                .hint("add `at: 10s`");
        }
        let further: Vec<_> = fields
            .further()
            .map(|entry| Some((entry.key.clone(), self.json(&entry.value)?)))
            .collect();
        fields.finish();
        let Some(further) = further.into_iter().collect::<Option<Vec<_>>>() else { return };
        let taken = |key: &str| match defaults {
            Json::Object(entries) => {
                entries.iter().find(|(name, _)| name == key).and_then(|(_, value)| text_of(value))
            }
            _ => None,
        };
        let body = Arc::new(Body {
            kind: kind.or_else(|| taken("type")),
            source: source.or_else(|| taken("source")).unwrap_or_else(|| "scenario".to_owned()),
            fields: without_special_keys(Json::Object(further).over(defaults)),
        });
        let count = times.flatten().unwrap_or(1);
        let every = every.flatten().unwrap_or(0);
        let first = start.plus(at.flatten().unwrap_or(0));
        for repetition in 0..count {
            if *room == 0 {
                let message = format!("the file has more than {EVENTS_MAX} events");
                self.findings.error(Code::LimitExceeded, node.place, message).hint("split it");
                return;
            }
            *room -= 1;
            let when = first
                .plus(every.saturating_mul(Millis::try_from(repetition).unwrap_or(Millis::MAX)));
            let id = match id {
                Some(id) if !repeats => ids.given(id),
                Some(id) => ids.fresh(id),
                None => ids.fresh("event"),
            };
            events.push(Event { at: when, id, body: Arc::clone(&body) });
        }
    }
}

/// The ids of one scenario's events.
#[derive(Default)]
struct Ids {
    used: BTreeSet<Arc<str>>,
    next: usize,
}

impl Ids {
    /// An id that the file gives; given twice, the second event is a copy.
    fn given(&mut self, id: &str) -> Arc<str> {
        let id: Arc<str> = id.into();
        self.used.insert(Arc::clone(&id));
        id
    }

    /// An id that no event before has.
    fn fresh(&mut self, stem: &str) -> Arc<str> {
        loop {
            self.next += 1;
            let id: Arc<str> = format!("{stem}-{}", self.next).into();
            if self.used.insert(Arc::clone(&id)) {
                return id;
            }
        }
    }
}

/// A string or number as text.
fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::Text(text) | Json::Bare(text) => Some(text.clone()),
        Json::Array(_) | Json::Object(_) => None,
    }
}

/// The fields of the event itself: what the table's keys say goes elsewhere.
fn without_special_keys(json: Json) -> Json {
    match json {
        Json::Object(mut entries) => {
            entries.retain(|(key, _)| SCENARIO_EVENT.key(key).is_none());
            Json::Object(entries)
        }
        other => other,
    }
}
