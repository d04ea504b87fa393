//! Alerts.

use crate::reference::{Form, Key, Need, Object};

/// An alert.
pub static ALERT: Object = Object {
    name: "alert",
    about: "A rule over a metric, evaluated per group of dimension values as events come in. It has one step, whose keys stand directly on the alert, or several under `steps`, which then take from the alert what they do not say themselves.",
    keys: &[
        Key { name: "metric", form: Form::Text, need: Need::Required, about: "The metric's name." },
        Key {
            name: "by",
            form: Form::OneOrList(&Form::Text),
            need: Need::Default("all dimensions of the metric"),
            about: "The dimensions that make a group. Fewer than the metric's: merged over the rest. `[]`: one group.",
        },
        Key {
            name: "when",
            form: Form::Condition,
            need: Need::Optional,
            about: "When it fires. Either `when` or `steps` is required.",
        },
        Key {
            name: "for",
            form: Form::Duration,
            need: Need::Optional,
            about: "How long the condition must have held without a break.",
        },
        Key {
            name: "severity",
            form: Form::Choice(&["critical", "error", "warning", "info"]),
            need: Need::Default("error"),
            about: "How bad it is, in PagerDuty's words.",
        },
        Key {
            name: "notify",
            form: Form::OneOrList(&Form::Text),
            need: Need::Optional,
            about: "The channels to tell, unless a route decides.",
        },
        Key {
            name: "early",
            form: Form::Boolean,
            need: Need::Default("false"),
            about: "Also test ahead of the watermark, seconds earlier. Only for `>` and `>=` on a count, which can only become truer.",
        },
        Key {
            name: "steps",
            form: Form::Map("step", &Form::Object(&STEP)),
            need: Need::Optional,
            about: "The steps of a ladder, ranked by severity, then by their order. While a higher step fires, a lower one is recorded and not sent.",
        },
        Key {
            name: "resolve",
            form: Form::Condition,
            need: Need::Default("no step's condition holds"),
            about: "What ends an episode.",
        },
        Key {
            name: "min_volume",
            form: Form::Whole(1, 1_000_000_000_000),
            need: Need::Optional,
            about: "The smallest whole of a ratio, or number of decided journeys, for which a condition can hold.",
        },
        Key {
            name: "keep_firing_for",
            form: Form::Duration,
            need: Need::Optional,
            about: "How long what ends the episode must hold without a break.",
        },
        Key {
            name: "max_age",
            form: Form::Duration,
            need: Need::Default("1h"),
            about: "A firing on older events (a backlog) is recorded, and sent once evaluation has caught up, if it still fires.",
        },
        Key {
            name: "labels",
            form: Form::Map("label", &Form::Text),
            need: Need::Optional,
            about: "Fixed names and values for routing.",
        },
        Key {
            name: "summary",
            form: Form::Template,
            need: Need::Optional,
            about: "What it says in one line.",
        },
        Key {
            name: "description",
            form: Form::Template,
            need: Need::Optional,
            about: "What it says at length.",
        },
        Key {
            name: "runbook",
            form: Form::Text,
            need: Need::Optional,
            about: "A link to what to do about it.",
        },
    ],
    further: None,
    allows_anything: false,
    example: r#"rejections:
  metric: order_rejections
  by: [aggregator]
  steps:
    reactive:  {when: sum over 10m >= 3, severity: critical, notify: [oncall]}
    proactive: {when: sum over 20m >= 3, severity: warning, notify: [operations]}
  resolve: sum over 20m < 1
  summary: "{{ aggregator }} rejected {{ value }} orders in {{ over }}"
"#,
};

/// A step of an alert.
pub static STEP: Object = Object {
    name: "step",
    about: "One step of an alert's ladder.",
    keys: &[
        Key { name: "when", form: Form::Condition, need: Need::Required, about: "When it fires." },
        Key {
            name: "for",
            form: Form::Duration,
            need: Need::Optional,
            about: "How long the condition must have held without a break.",
        },
        Key {
            name: "severity",
            form: Form::Choice(&["critical", "error", "warning", "info"]),
            need: Need::Default("the alert's"),
            about: "How bad it is.",
        },
        Key {
            name: "notify",
            form: Form::OneOrList(&Form::Text),
            need: Need::Default("the alert's"),
            about: "The channels to tell, unless a route decides.",
        },
        Key {
            name: "early",
            form: Form::Boolean,
            need: Need::Default("the alert's"),
            about: "Also test ahead of the watermark.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "reactive:\n  when: sum over 10m >= 3\n  severity: critical\n  notify: [oncall]\n",
};
