//! What a scenario expects: points and transitions.

use crate::problem::code::Code;
use crate::read::Reader;
use crate::reference::tables::{EXPECTATION, EXPECTED_POINT, EXPECTED_TRANSITION};
use crate::scenario::json::number;
use crate::scenario::{Expectation, ExpectedNumber, ExpectedPoint, ExpectedTransition, Transition};
use crate::source::{Place, Span};
use crate::yaml::tree::{Node, shown};
use streamgauge_engine::output::Status;
use streamgauge_engine::time::Timestamp;

/// The values of points, by the names that `replay` prints.
const VALUES: [&str; 16] = [
    "sum",
    "count",
    "rate",
    "started",
    "finished",
    "abandoned",
    "open",
    "average",
    "min",
    "max",
    "p50",
    "p90",
    "p95",
    "p99",
    "p99.9",
    "unique",
];

impl Reader<'_> {
    pub(super) fn expectation(
        &mut self,
        node: &Node,
        place: Place,
        start: Timestamp,
    ) -> Option<Expectation> {
        let fields = self.fields(node, &EXPECTATION, place)?;
        let mut expectation = Expectation::default();
        if let Some(listed) = fields.get("points") {
            for item in self.list(listed, "a list of points").unwrap_or_default() {
                expectation.points.extend(self.expected_point(item, start));
            }
        }
        expectation.only =
            fields.get("only").and_then(|value| self.boolean(value)).unwrap_or(false);
        if let Some(listed) = fields.get("alerts") {
            let mut transitions = Vec::new();
            for item in
                self.list(listed, "a list of transitions, `[]` for silence").unwrap_or_default()
            {
                transitions.extend(self.expected_transition(item, start));
            }
            expectation.alerts = Some(transitions);
        }
        fields.finish();
        Some(expectation)
    }

    fn expected_point(&mut self, item: &Node, start: Timestamp) -> Option<ExpectedPoint> {
        let fields = self.fields(item, &EXPECTED_POINT, item.place)?;
        let metric = self.required(&fields, "metric").and_then(|value| self.short_text(value));
        let dimensions = self.names_and_values(fields.get("dimensions"));
        let window_node = self.required(&fields, "window");
        let window = window_node.and_then(|value| self.offset(value));
        let statuses = [Status::Final, Status::Correction, Status::Open];
        let status = match fields.get("status") {
            Some(node) => self
                .choice(node, &statuses.map(Status::as_str))
                .and_then(|place| statuses.get(place))
                .copied(),
            None => Some(Status::Final),
        };
        let mut values = Vec::new();
        for name in VALUES {
            if let Some(value) = fields.get(name).and_then(|value| self.expected_number(value)) {
                values.push((name, value));
            }
        }
        let places = VALUES
            .iter()
            .chain(&["metric", "dimensions"])
            .filter_map(|key| Some(((*key).to_owned(), fields.entry(key)?.value.place)))
            .collect();
        fields.finish();
        Some(ExpectedPoint {
            span: Span::new(item.place, self.sources)?,
            metric: metric?,
            dimensions: dimensions?,
            window: start.plus(window?),
            status: status?,
            values,
            place: item.place,
            window_place: window_node?.place,
            places,
        })
    }

    fn expected_transition(&mut self, item: &Node, start: Timestamp) -> Option<ExpectedTransition> {
        let fields = self.fields(item, &EXPECTED_TRANSITION, item.place)?;
        let at = self.required(&fields, "at").and_then(|value| self.offset(value));
        let alert = self.required(&fields, "alert").and_then(|value| self.short_text(value));
        let step = fields.get("step").and_then(|value| self.short_text(value));
        let group = self.names_and_values(fields.get("group"));
        let transitions = [Transition::Pending, Transition::Firing, Transition::Resolved];
        let transition = self
            .required(&fields, "transition")
            .and_then(|value| self.choice(value, &transitions.map(Transition::as_str)))
            .and_then(|place| transitions.get(place));
        let sent = fields.get("sent").map_or(Some(true), |value| self.boolean(value));
        let value = fields.get("value").and_then(|value| self.expected_number(value));
        let places = ["alert", "step", "group", "sent"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), fields.entry(key)?.value.place)))
            .collect();
        fields.finish();
        Some(ExpectedTransition {
            span: Span::new(item.place, self.sources)?,
            at: start.plus(at?),
            alert: alert?,
            step,
            group: group?,
            transition: *transition?,
            sent: sent?,
            value,
            place: item.place,
            places,
        })
    }

    fn names_and_values(&mut self, node: Option<&Node>) -> Option<Vec<(String, String)>> {
        let Some(node) = node else { return Some(Vec::new()) };
        let entries = self.map(node, "a map of dimensions and values")?;
        let values: Vec<_> = entries
            .iter()
            .map(|entry| Some((entry.key.clone(), self.text(&entry.value)?.to_owned())))
            .collect();
        values.into_iter().collect()
    }

    fn expected_number(&mut self, node: &Node) -> Option<ExpectedNumber> {
        let scalar = self.scalar(node, "a number")?;
        let text = number(&scalar.text).ok().flatten();
        let read = text.and_then(|text| Some(ExpectedNumber { value: text.parse().ok()?, text }));
        if read.is_none() {
            let message = format!("expected a number, found `{}`", shown(&scalar.text));
            self.findings.error(Code::WrongType, node.place, message);
        }
        read
    }
}
