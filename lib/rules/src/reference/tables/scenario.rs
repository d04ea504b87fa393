//! Scenario files.

use crate::reference::{Form, Key, Need, Object};

/// A scenario file.
pub static SCENARIO_FILE: Object = Object {
    name: "scenario file",
    about: "Tests of rules: events in, points and transitions out, on a virtual clock. `streamgauge test FILE` runs them.",
    keys: &[
        Key {
            name: "rules",
            form: Form::OneOrList(&Form::Text),
            need: Need::Required,
            about: "The rules file, or files or folders, relative to this file.",
        },
        Key {
            name: "defaults",
            form: Form::Object(&SCENARIO_EVENT),
            need: Need::Optional,
            about: "Merged into every event of the file; what an event says itself wins.",
        },
        Key {
            name: "scenarios",
            form: Form::List(&Form::Object(&SCENARIO)),
            need: Need::Required,
            about: "The scenarios.",
        },
    ],
    further: Some("Keys that begin with `x-` are ignored."),
    allows_anything: false,
    example: r"rules: ../streamgauge.yaml
scenarios:
  - name: three rejections in ten minutes page once
    start: 2026-01-05T10:00:00Z
    events:
      - {at: 10s, type: order.rejected, id: a, data: {aggregator: noon, country: AE}}
      - {at: 4m, type: order.rejected, id: b, data: {aggregator: noon, country: AE}}
      - {at: 9m50s, type: order.rejected, id: c, data: {aggregator: noon, country: AE}}
    expect:
      alerts:
        - {at: 9m50s, alert: rejections, step: reactive, group: {aggregator: noon}, transition: firing}
      points:
        - {metric: order_rejections, dimensions: {aggregator: noon, country: AE}, window: 0s, sum: 1}
",
};

/// One scenario.
pub static SCENARIO: Object = Object {
    name: "scenario",
    about: "One run of the rules. Times are offsets from its start.",
    keys: &[
        Key {
            name: "name",
            form: Form::Text,
            need: Need::Required,
            about: "What it shows. Unique in the file.",
        },
        Key {
            name: "start",
            form: Form::Time,
            need: Need::Default("2026-01-01T00:00:00Z"),
            about: "Where offsets count from.",
        },
        Key {
            name: "defaults",
            form: Form::Object(&SCENARIO_EVENT),
            need: Need::Optional,
            about: "Merged into every event of the scenario.",
        },
        Key {
            name: "events",
            form: Form::List(&Form::Object(&SCENARIO_EVENT)),
            need: Need::Default("[]"),
            about: "The events, in the order of their arrival. One that is rejected fails the scenario.",
        },
        Key {
            name: "until",
            form: Form::Offset,
            need: Need::Default("the last event"),
            about: "Where the clock stops.",
        },
        Key {
            name: "expect",
            form: Form::Object(&EXPECTATION),
            need: Need::Required,
            about: "What must come out.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "",
};

/// An event of a scenario.
pub static SCENARIO_EVENT: Object = Object {
    name: "scenario event",
    about: "One event, or many with `every` and `times`.",
    keys: &[
        Key {
            name: "at",
            form: Form::Offset,
            need: Need::Default("0s, with `every`"),
            about: "Its time, written into the field that `event.time` of the rules names.",
        },
        Key {
            name: "id",
            form: Form::Text,
            need: Need::Default("a fresh one"),
            about: "Its id, written into the field that `event.id` names, and into the last of `event.identity` unless the event has that. A repeated identity is a duplicate.",
        },
        Key {
            name: "type",
            form: Form::Text,
            need: Need::Optional,
            about: "Its type, written into the field that `event.type` names.",
        },
        Key {
            name: "source",
            form: Form::Text,
            need: Need::Default("scenario"),
            about: "Its source.",
        },
        Key {
            name: "every",
            form: Form::Duration,
            need: Need::Optional,
            about: "The time between repetitions; with `times`.",
        },
        Key {
            name: "times",
            form: Form::Whole(1, 100_000),
            need: Need::Optional,
            about: "How often the event comes, with fresh ids; with `every`.",
        },
    ],
    further: Some("Further keys are fields of the event, as they stand in its JSON."),
    allows_anything: true,
    example: "- {at: 1m, every: 10s, times: 30, type: order.created, data: {country: AE, amount: 12.5}}\n",
};

/// What a scenario expects.
pub static EXPECTATION: Object = Object {
    name: "expectation",
    about: "What must come out of a scenario. Only what is named is compared.",
    keys: &[
        Key {
            name: "points",
            form: Form::List(&Form::Object(&EXPECTED_POINT)),
            need: Need::Optional,
            about: "Points that must be among those that are published.",
        },
        Key {
            name: "only",
            form: Form::Boolean,
            need: Need::Default("false"),
            about: "Whether there may be no further points.",
        },
        Key {
            name: "alerts",
            form: Form::List(&Form::Object(&EXPECTED_TRANSITION)),
            need: Need::Optional,
            about: "Every transition that is sent, in order. `[]` asserts silence; without the key alerts are not checked.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "",
};

/// A point that a scenario expects.
pub static EXPECTED_POINT: Object = Object {
    name: "expected point",
    about: "One point: the metric, its dimensions and window, and any of the values that `replay` prints for its kind.",
    keys: &[
        Key { name: "metric", form: Form::Text, need: Need::Required, about: "The metric's name." },
        Key {
            name: "dimensions",
            form: Form::Map("dimension", &Form::Text),
            need: Need::Default("{}"),
            about: "The values of its dimensions.",
        },
        Key {
            name: "window",
            form: Form::Offset,
            need: Need::Required,
            about: "The window's start, perhaps before the scenario's.",
        },
        Key {
            name: "status",
            form: Form::Choice(&["final", "correction", "open"]),
            need: Need::Default("final"),
            about: "What kind of point it is.",
        },
        Key {
            name: "sum",
            form: Form::Number,
            need: Need::Optional,
            about: "The sum; of a ratio its part.",
        },
        Key {
            name: "count",
            form: Form::Number,
            need: Need::Optional,
            about: "The number of events; of a ratio its whole.",
        },
        Key {
            name: "rate",
            form: Form::Number,
            need: Need::Optional,
            about: "The rate of a ratio or journey.",
        },
        Key {
            name: "started",
            form: Form::Number,
            need: Need::Optional,
            about: "Journeys that started.",
        },
        Key {
            name: "finished",
            form: Form::Number,
            need: Need::Optional,
            about: "Of these, how many finished.",
        },
        Key {
            name: "abandoned",
            form: Form::Number,
            need: Need::Optional,
            about: "Of these, how many did not.",
        },
        Key {
            name: "open",
            form: Form::Number,
            need: Need::Optional,
            about: "Of these, how many are still open.",
        },
        Key { name: "average", form: Form::Number, need: Need::Optional, about: "The average." },
        Key { name: "min", form: Form::Number, need: Need::Optional, about: "The smallest value." },
        Key { name: "max", form: Form::Number, need: Need::Optional, about: "The largest value." },
        Key { name: "p50", form: Form::Number, need: Need::Optional, about: "The median." },
        Key { name: "p90", form: Form::Number, need: Need::Optional, about: "A percentile." },
        Key { name: "p95", form: Form::Number, need: Need::Optional, about: "A percentile." },
        Key { name: "p99", form: Form::Number, need: Need::Optional, about: "A percentile." },
        Key { name: "p99.9", form: Form::Number, need: Need::Optional, about: "A percentile." },
        Key {
            name: "unique",
            form: Form::Number,
            need: Need::Optional,
            about: "The number of different values.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "- {metric: orders_created, dimensions: {country: AE}, window: -5m, sum: 30}\n",
};

/// A transition that a scenario expects.
pub static EXPECTED_TRANSITION: Object = Object {
    name: "expected transition",
    about: "One transition of an alert.",
    keys: &[
        Key { name: "at", form: Form::Offset, need: Need::Required, about: "When." },
        Key { name: "alert", form: Form::Text, need: Need::Required, about: "The alert's name." },
        Key {
            name: "step",
            form: Form::Text,
            need: Need::Optional,
            about: "The step's name, if it has one.",
        },
        Key {
            name: "group",
            form: Form::Map("dimension", &Form::Text),
            need: Need::Default("{}"),
            about: "The values of the dimensions in `by`.",
        },
        Key {
            name: "transition",
            form: Form::Choice(&["pending", "firing", "resolved"]),
            need: Need::Required,
            about: "What happens.",
        },
        Key {
            name: "sent",
            form: Form::Boolean,
            need: Need::Default("true"),
            about: "`false` for one that is recorded only; such a one may be left out.",
        },
        Key {
            name: "value",
            form: Form::Number,
            need: Need::Optional,
            about: "The value of the rollup.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "- {at: 9m50s, alert: rejections, step: reactive, group: {aggregator: noon}, transition: firing}\n",
};
