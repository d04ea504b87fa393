//! Metrics.

use crate::read::metric::SERIES_MAX;
use crate::reference::{Form, Key, Need, Object};

/// A metric.
pub static METRIC: Object = Object {
    name: "metric",
    about: "What is counted. Exactly one of `count`, `sum`, `distribution`, `unique`, `ratio` and `journey` says what kind of metric it is.",
    keys: &[
        Key {
            name: "count",
            form: Form::Predicate,
            need: Need::Optional,
            about: "Counts the events for which the expression is true. `true` counts all.",
        },
        Key {
            name: "sum",
            form: Form::Expression,
            need: Need::Optional,
            about: "Adds up a value. Events without it are skipped; one that is no number is a reject.",
        },
        Key {
            name: "distribution",
            form: Form::Expression,
            need: Need::Optional,
            about: "Sum, count, smallest, largest, average and percentiles of a value.",
        },
        Key {
            name: "unique",
            form: Form::Expression,
            need: Need::Optional,
            about: "How many different values there are: exact up to 256, above that with a standard error of at most 0.8 %.",
        },
        Key {
            name: "ratio",
            form: Form::Object(&RATIO),
            need: Need::Optional,
            about: "A part of a whole, counted independently.",
        },
        Key {
            name: "journey",
            form: Form::Object(&JOURNEY),
            need: Need::Optional,
            about: "Starts that are finished in time, or abandoned.",
        },
        Key {
            name: "where",
            form: Form::Predicate,
            need: Need::Optional,
            about: "Only events for which this is true are looked at.",
        },
        Key {
            name: "dimensions",
            form: Form::Map("dimension", &Form::Expression),
            need: Need::Optional,
            about: "What the metric is split by: names and expressions, most often a path. At most 30. A missing value is `__missing__`. Of a journey they are taken from the start event.",
        },
        Key {
            name: "window",
            form: Form::Duration,
            need: Need::Required,
            about: "The length of the tumbling windows: at least `1s`; from `24h` on a whole number of days in `time_zone`; multiples of `7d` are weeks that begin with `week_starts`.",
        },
        Key {
            name: "unit",
            form: Form::Choice(UNITS),
            need: Need::Optional,
            about: "The CloudWatch unit.",
        },
        Key {
            name: "emit",
            form: Form::Choice(&["close", "live"]),
            need: Need::Default("close"),
            about: "`close` publishes a window once, when it is final. `live` publishes increments as they come; for `count`, `sum` and `distribution`.",
        },
        Key {
            name: "zero",
            form: Form::Choice(&["skip", "publish"]),
            need: Need::Default("skip"),
            about: "`publish` publishes 0 for series that had events in the last 7 days and have none in the window; for `count`, `sum` and `unique`.",
        },
        Key {
            name: "max_series",
            form: Form::Whole(1, SERIES_MAX),
            need: Need::Default("1000"),
            about: "How many combinations of dimension values are named per day. What is over it folds into one series, `__other__`, so that totals stay exact.",
        },
    ],
    further: None,
    allows_anything: false,
    example: r#"order_value:
  distribution: data.amount
  where: type == "order.created" && data.currency == "AED"
  dimensions: {country: data.country}
  unit: None
  window: 5m
"#,
};

/// The units that CloudWatch knows.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
pub(crate) static UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A ratio.
pub static RATIO: Object = Object {
    name: "ratio",
    about: "A part of a whole. A point exists when either is at least 1.",
    keys: &[
        Key {
            name: "part",
            form: Form::Predicate,
            need: Need::Required,
            about: "Matches the events of the part.",
        },
        Key {
            name: "whole",
            form: Form::Predicate,
            need: Need::Required,
            about: "Matches the events of the whole.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "ratio:\n  part: type == \"order.rejected\"\n  whole: type in [\"order.created\", \"order.rejected\"]\n",
};

/// A journey.
pub static JOURNEY: Object = Object {
    name: "journey",
    about: "A start event and its finish event, joined by a key, within a time. A start without a finish in time is abandoned. Everything is counted in the window of the start.",
    keys: &[
        Key {
            name: "start",
            form: Form::Predicate,
            need: Need::Required,
            about: "Matches the event that opens a journey.",
        },
        Key {
            name: "finish",
            form: Form::Predicate,
            need: Need::Required,
            about: "Matches the event that finishes it.",
        },
        Key {
            name: "key",
            form: Form::Expression,
            need: Need::Required,
            about: "Joins the two. Events without it are not taken.",
        },
        Key {
            name: "within",
            form: Form::Duration,
            need: Need::Required,
            about: "The time from start to finish, at most.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "journey:\n  start: type == \"checkout.started\"\n  finish: type == \"order.created\"\n  key: data.order_id\n  within: 30m\n",
};
