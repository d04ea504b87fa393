//! Transitions of alerts as a table for people: the latest, one row each.

use super::{push_line, rounded};
use crate::style;
use crate::table::{self, Align};
use crate::words::{counted, widen};
use std::collections::VecDeque;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::render::alert_value;

/// What is kept of the transitions.
#[derive(Clone, Debug, Default)]
pub(super) struct Alerts {
    count: u64,
    latest: VecDeque<[String; COLUMNS.len()]>,
}

const COLUMNS: [&str; 8] =
    ["at", "alert", "step", "group", "transition", "value", "reason", "sent"];

impl Alerts {
    /// The next transition; the latest `limit` are kept.
    pub(super) fn add(
        &mut self,
        plan: &Plan,
        (transition, verdict): (&Transition, &Verdict),
        limit: usize,
    ) {
        self.count += 1;
        let Some(alert) = plan.alerts.get(transition.alert) else { return };
        let step = alert.steps.get(transition.step).and_then(|step| step.name.clone());
        let value = alert_value(alert, transition);
        let sent = if verdict.sent { "sent" } else { verdict.why.as_str() };
        let row = [
            transition.at.to_string(),
            alert.name.clone(),
            step.unwrap_or_default(),
            transition.group.values().collect::<Vec<_>>().join(" "),
            transition.kind.as_str().to_owned(),
            value.map(rounded).unwrap_or_default(),
            transition.reason.as_str().to_owned(),
            sent.to_owned(),
        ];
        if self.latest.len() >= limit {
            self.latest.pop_front();
        }
        self.latest.push_back(row);
    }

    /// Appends the table, if there was any transition.
    pub(super) fn push(&self, text: &mut String) {
        if self.count == 0 {
            return;
        }
        push_line(
            text,
            format_args!("{}  {}", style::bold("alerts"), counted(self.count, "transition")),
        );
        let align = |name| if name == "value" { Align::Right } else { Align::Left };
        let columns = COLUMNS.map(|name| (name.to_owned(), align(name)));
        let rows = self.latest.iter().map(|row| row.to_vec());
        text.push_str(&table::lines(&columns, rows.collect(), 2));
        let hidden = self.count.saturating_sub(widen(self.latest.len()));
        if hidden > 0 {
            let more = format!(
                "  {} not shown: --limit 0 shows all, --output json or csv prints them as data",
                counted(hidden, "earlier transition")
            );
            push_line(text, style::dim(more));
        }
    }
}
