//! What was found, as one JSON object per line. What `replay` prints too has the same name here.

use super::points::{Event, Explained, From};
use super::told::{Message, Origin, Place, Recomputed, Recorded, Told};
use streamgauge_engine::notification::Notification;
use streamgauge_engine::transition::Evidence;
use streamgauge_pipeline::render::{Column, Number, push_json_string};

/// A JSON object that is being written.
struct Object(Vec<u8>);

impl Object {
    fn new() -> Self {
        Self(vec![b'{'])
    }

    fn raw(&mut self, name: &str, value: &[u8]) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        push_json_string(name, &mut self.0);
        self.0.push(b':');
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &string(value));
    }

    fn number(&mut self, name: &str, value: Number) {
        let mut text = Vec::new();
        value.push(&mut text);
        self.raw(name, &text);
    }

    /// A whole number or a truth.
    fn shown(&mut self, name: &str, value: impl std::fmt::Display) {
        self.raw(name, value.to_string().as_bytes());
    }

    fn pairs<'p>(&mut self, name: &str, pairs: impl Iterator<Item = (&'p str, &'p str)>) {
        let mut object = Self::new();
        for (key, value) in pairs {
            object.text(key, value);
        }
        self.raw(name, &object.end());
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut string = Vec::new();
    push_json_string(text, &mut string);
    string
}

fn list(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut list = vec![b'['];
    for item in items {
        if list.len() > 1 {
            list.push(b',');
        }
        list.extend(item);
    }
    list.push(b']');
    list
}

/// A transition.
pub(super) fn transition(told: &Told) -> Vec<u8> {
    let Told { alert, transition, verdict, .. } = told;
    let mut object = Object::new();
    object.text("kind", "alert");
    object.text("alert", &alert.name);
    if let Some(step) = alert.step(transition).and_then(|step| step.name.as_deref()) {
        object.text("step", step);
    }
    object.pairs("group", alert.group(transition));
    object.text("transition", transition.kind.as_str());
    object.text("at", &transition.at.to_string());
    object.shown("sent", verdict.sent);
    if let Some(value) = told.value {
        object.number("value", value);
    }
    object.text("reason", transition.reason.as_str());
    object.raw("evidence", &list(told.events().map(|(id, _)| string(id))));
    object.text("why", verdict.why.as_str());
    let channels = verdict.channels.iter();
    object.pairs("channels", channels.map(|(channel, why)| (channel.as_ref(), why.as_str())));
    object.text("metric", &alert.metric);
    if let Some(severity) = told.severity {
        object.text("severity", severity);
    }
    if let Some(condition) = &told.condition {
        object.text("condition", condition);
    }
    evidence(&mut object, &transition.evidence);
    object.text("episode", &transition.episode.to_string());
    object.text("key", &told.key);
    object.text("plan", &alert.plan);
    match &told.origin {
        Origin::Files(_) => {
            let placed = told.events().filter_map(|(id, place)| Some(event(id, place?)));
            object.raw("events_named", &list(placed));
        }
        Origin::Log(recorded) => record(&mut object, recorded),
    }
    ended(object)
}

fn evidence(object: &mut Object, evidence: &Evidence) {
    let Evidence { from, until, threshold, volume, events, late, duplicates, watermark, .. } =
        evidence;
    if let Some(threshold) = threshold {
        object.number("threshold", Number::Decimal(*threshold));
    }
    object.text("from", &from.to_string());
    object.text("until", &until.to_string());
    object.shown("events", events);
    if let Some(volume) = volume {
        object.shown("volume", volume);
    }
    object.shown("late", late);
    object.shown("duplicates", duplicates);
    if let Some(watermark) = watermark {
        object.text("watermark", &watermark.to_string());
    }
}

fn event(id: &str, place: &Place) -> Vec<u8> {
    let mut object = Object::new();
    object.text("id", id);
    object.text("time", &place.time.to_string());
    object.text("input", &place.input);
    object.shown("line", place.line);
    object.end()
}

fn record(object: &mut Object, recorded: &Recorded) {
    let Recorded { partition, version, clock, messages, recomputed } = recorded;
    object.text("log", &format!("settle/{}", partition.number()));
    object.shown("version", version.0);
    object.text("clock", &clock.to_string());
    object.raw("notifications", &list(messages.iter().map(notification)));
    let (word, why) = match recomputed {
        Recomputed::No => ("no", None),
        Recomputed::Same(_) => ("same", None),
        Recomputed::Differs(differences) => ("different", Some(differences.join("; "))),
        Recomputed::OutOfReach(missing) => {
            let why = format!("{} version {}", missing.log.as_str(), missing.version.0);
            ("out of reach", Some(why))
        }
        Recomputed::Failed(why) => ("failed", Some(why.clone())),
    };
    object.text("recomputed", word);
    if let Some(why) = why {
        object.text("recomputed_why", &why);
    }
}

fn notification(message: &Message) -> Vec<u8> {
    let Message { channel, action, id, clock, gathered } = message;
    let mut object = Object::new();
    object.text("channel", channel);
    object.text("action", action.name());
    object.text("id", id);
    object.text("clock", &clock.to_string());
    object.shown("gathered", gathered);
    object.end()
}

/// What was told of the pipeline itself.
pub(super) fn notice(notice: &Notification) -> Vec<u8> {
    let mut object = Object::new();
    object.text("kind", "notification");
    object.text("channel", &notice.channel);
    object.text("action", notice.action.name());
    object.text("id", &notice.id);
    object.text("at", &notice.at.to_string());
    object.text("summary", &notice.summary);
    ended(object)
}

/// The points of a window and a series, and then the events that came for them.
pub(super) fn points(explained: &Explained) -> Vec<u8> {
    let mut lines = Vec::new();
    let begin = |kind: &str| {
        let mut object = Object::new();
        object.text("kind", kind);
        object.text("metric", &explained.metric);
        object.pairs("dimensions", explained.dimensions());
        object.text("window_start", &explained.window.0.to_string());
        object.text("window_end", &explained.window.1.to_string());
        object
    };
    for point in &explained.points {
        let mut object = begin("point");
        object.text("status", &point.status);
        values(&mut object, &point.numbers);
        match &point.from {
            From::Files { decided_at } => object.text("decided_at", &decided_at.to_string()),
            From::Log(recorded) => record(&mut object, recorded),
        }
        lines.extend(ended(object));
    }
    for (fate, (count, events)) in &explained.events {
        let mut object = begin("events");
        object.text("fate", fate.as_str());
        object.shown("count", count);
        let named = events.iter().map(|Event { id, place }| event(id, place));
        object.raw("events_named", &list(named));
        lines.extend(ended(object));
    }
    lines
}

/// The numbers of a point; those about the time to finish of a journey stand in an object of their own.
fn values(object: &mut Object, numbers: &[(Column, Number)]) {
    let mut times = Object::new();
    for (column, number) in numbers {
        let of = if column.is_time() { &mut times } else { &mut *object };
        of.number(column.name(), *number);
    }
    if numbers.iter().any(|(column, _)| column.is_time()) {
        object.raw("time", &times.end());
    }
}

fn ended(object: Object) -> Vec<u8> {
    let mut line = object.end();
    line.push(b'\n');
    line
}
