//! The top of a rules file.

use super::{ALERT, CHANNEL, GATHERING, MAINTENANCE, METRIC, PIPELINE, ROUTE, SILENCE};
use crate::reference::{Form, Key, Need, Object};

/// The rules file.
pub static FILE: Object = Object {
    name: "rules file",
    about: "The top of a rules file. Several files make one set of rules: their `metrics`, `alerts`, `channels`, `routes`, `silences` and `maintenance` are put together, and each other key stands in one of them.",
    keys: &[
        Key {
            name: "version",
            form: Form::Choice(&["1"]),
            need: Need::Default("1"),
            about: "The version of this format. May stand in every file.",
        },
        Key {
            name: "namespace",
            form: Form::Substituted,
            need: Need::Default("StreamGauge"),
            about: "The CloudWatch namespace that points are put into: 1 to 255 ASCII characters, not beginning with `AWS/`.",
        },
        Key {
            name: "event",
            form: Form::Object(&EVENT),
            need: Need::Optional,
            about: "Where the standard fields of an event are. Left out, events are CloudEvents 1.0.",
        },
        Key {
            name: "out_of_order",
            form: Form::DurationOrZero,
            need: Need::Default("30s"),
            about: "The bound by which events may overtake each other, and the longest time an event may take to reach the stream.",
        },
        Key {
            name: "allowed_lateness",
            form: Form::DurationOrZero,
            need: Need::Default("2m"),
            about: "How long after that a window still takes events. Not above `deduplicate`.",
        },
        Key {
            name: "late",
            form: Form::Choice(&["correct", "drop"]),
            need: Need::Required,
            about: "What becomes of events that come after their window is final. `correct` publishes a correction: a point of the late events alone, which CloudWatch adds to the first. `drop` refuses them and counts them. There is no good default, so choose.",
        },
        Key {
            name: "deduplicate",
            form: Form::DurationOrOff,
            need: Need::Default("1h"),
            about: "How long an event's identity is remembered, so that a copy of it does not count. `off` (or `false`) switches it off.",
        },
        Key {
            name: "max_ahead",
            form: Form::Duration,
            need: Need::Default("10m"),
            about: "An event whose time is further ahead of its arrival is a reject: one phone clock in 2099 must not close every window. Events from files have no arrival.",
        },
        Key {
            name: "hold",
            form: Form::Duration,
            need: Need::Default("1h"),
            about: "How long a shard that is behind may hold everything back.",
        },
        Key {
            name: "time_zone",
            form: Form::TimeZone,
            need: Need::Default("UTC"),
            about: "The time zone of windows of whole days.",
        },
        Key {
            name: "week_starts",
            form: Form::Weekday,
            need: Need::Default("monday"),
            about: "The first day of windows of whole weeks.",
        },
        Key {
            name: "metrics",
            form: Form::Map("metric", &Form::Object(&METRIC)),
            need: Need::Optional,
            about: "The metrics by name. In CloudWatch and Prometheus they are named after it.",
        },
        Key {
            name: "alert_defaults",
            form: Form::Object(&ALERT),
            need: Need::Optional,
            about: "Keys that every alert has that does not have them itself. What does not fit an alert, such as `min_volume` for one on a count, is left out there.",
        },
        Key {
            name: "alerts",
            form: Form::Map("alert", &Form::Object(&ALERT)),
            need: Need::Optional,
            about: "The alerts by name.",
        },
        Key {
            name: "channels",
            form: Form::Map("channel", &Form::Object(&CHANNEL)),
            need: Need::Optional,
            about: "The ways to reach people, by name.",
        },
        Key {
            name: "routes",
            form: Form::List(&Form::Object(&ROUTE)),
            need: Need::Optional,
            about: "Who is told of what. The first that matches decides; without one the step's own `notify` does.",
        },
        Key {
            name: "pipeline",
            form: Form::Object(&PIPELINE),
            need: Need::Optional,
            about: "The pipeline's own alerts: it is behind, there are dead letters, a lane is stuck.",
        },
        Key {
            name: "notify",
            form: Form::Object(&GATHERING),
            need: Need::Optional,
            about: "How notifications are gathered and repeated.",
        },
        Key {
            name: "silences",
            form: Form::List(&Form::Object(&SILENCE)),
            need: Need::Optional,
            about: "Planned quiet times. What fires in one is sent when it ends, if it still fires. Ad-hoc ones are added with `streamgauge silence`.",
        },
        Key {
            name: "maintenance",
            form: Form::List(&Form::Object(&MAINTENANCE)),
            need: Need::Optional,
            about: "Quiet times that come back every week.",
        },
    ],
    further: Some("Keys that begin with `x-` are ignored: a place for YAML anchors."),
    allows_anything: false,
    example: r#"version: 1
namespace: Shop/Orders
late: correct
metrics:
  orders_created:
    count: type == "order.created"
    dimensions: {country: data.country}
    window: 5m
alerts:
  silence_of_orders:
    metric: orders_created
    by: []
    when: absent for 15m
    severity: critical
    notify: [oncall]
channels:
  oncall: {pagerduty: {routing_key: secret:streamgauge/pagerduty}}
"#,
};

/// Where the standard fields are.
pub static EVENT: Object = Object {
    name: "event",
    about: "Where the standard fields of an event are: paths with dots, such as `detail.id`.",
    keys: &[
        Key {
            name: "identity",
            form: Form::OneOrList(&Form::Path),
            need: Need::Default("[source, id]"),
            about: "What makes two records copies of one event: strings, and paths only. The last field is required, the others may be missing. Where the id is a number, name another field that is a string, have the producer write a string, or set `deduplicate: off`: then no identity is read, and copies count.",
        },
        Key {
            name: "id",
            form: Form::Path,
            need: Need::Default("id"),
            about: "What evidence shows: a string or a number; of a long one its first 256 bytes, to the last whole character.",
        },
        Key {
            name: "type",
            form: Form::Path,
            need: Need::Default("type"),
            about: "The event's type, a string. Expressions call it by this path too: with `type: kind` it is `kind`, and `type` another field.",
        },
        Key {
            name: "time",
            form: Form::Path,
            need: Need::Default("time"),
            about: "The event's time, which decides its window.",
        },
        Key {
            name: "time_unit",
            form: Form::Choice(&["rfc3339", "seconds", "milliseconds", "s", "ms"]),
            need: Need::Default("rfc3339"),
            about: "The form of the time: a string such as `2026-01-05T10:00:00Z`, or a number of seconds or milliseconds since 1970.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "event:\n  identity: [detail.tenant, detail.id]\n  id: detail.id\n  type: detail-type\n  time: detail.at\n  time_unit: milliseconds\n",
};
