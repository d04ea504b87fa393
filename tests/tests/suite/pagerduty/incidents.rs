//! Incidents as `PagerDuty` keeps them: by routing key and `dedup_key`, one open at a time.
//!
//! A trigger of an open incident adds to it; after the resolve, the same trigger opens a new one. What is about no open
//! incident is dropped without a word. <https://developer.pagerduty.com/docs/send-alert-event#event-deduplication>

use serde_json::Value;

/// All that was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incidents {
    all: Vec<Incident>,
    changes: Vec<Value>,
    dropped: usize,
}

/// One trouble, from its first trigger to its resolve.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    routing_key: String,
    pub(crate) dedup_key: String,
    pub(crate) is_open: bool,
    /// Its triggers, the one that opened it first.
    pub(crate) triggers: Vec<Value>,
}

impl Incidents {
    /// Takes an event; answers with the key of its incident.
    pub(crate) fn take(&mut self, event: &Value) -> String {
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let routing_key = text("routing_key").unwrap_or_default();
        let dedup_key = text("dedup_key").unwrap_or_else(|| format!("made-{}", self.all.len()));
        let open = self.all.iter_mut().find(|incident| {
            incident.is_open
                && incident.routing_key == routing_key
                && incident.dedup_key == dedup_key
        });
        match (event["event_action"].as_str(), open) {
            (Some("trigger"), Some(open)) => open.triggers.push(event.clone()),
            (Some("trigger"), None) => self.all.push(Incident {
                routing_key,
                dedup_key: dedup_key.clone(),
                is_open: true,
                triggers: vec![event.clone()],
            }),
            (Some("resolve"), Some(open)) => open.is_open = false,
            (_, Some(_)) => {}
            (_, None) => self.dropped += 1,
        }
        dedup_key
    }

    /// Takes a change event.
    pub(crate) fn take_change(&mut self, event: &Value) {
        self.changes.push(event.clone());
    }

    /// All incidents, in the order in which they were opened.
    pub(crate) fn all(&self) -> &[Incident] {
        &self.all
    }

    /// All change events.
    pub(crate) fn changes(&self) -> &[Value] {
        &self.changes
    }

    /// How many events were about no open incident.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }
}
