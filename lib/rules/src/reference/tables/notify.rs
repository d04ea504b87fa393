//! Channels, routes and quiet times.

use crate::reference::{Form, Key, Need, Object};

/// A channel.
pub static CHANNEL: Object = Object {
    name: "channel",
    about: "A way to reach people: exactly one of these keys. `${NAME}` and `${NAME:default}` are replaced from the environment in all values.",
    keys: &[
        Key {
            name: "pagerduty",
            form: Form::Object(&PAGERDUTY),
            need: Need::Optional,
            about: "Pages through PagerDuty's Events API.",
        },
        Key { name: "email", form: Form::Object(&EMAIL), need: Need::Optional, about: "Mail." },
        Key {
            name: "webhook",
            form: Form::Object(&WEBHOOK),
            need: Need::Optional,
            about: "An HTTP request: signed, or in Slack's form.",
        },
        Key {
            name: "sms",
            form: Form::Object(&SMS),
            need: Need::Optional,
            about: "Text messages.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "channels:\n  oncall: {pagerduty: {routing_key: secret:streamgauge/pagerduty}}\n  operations: {email: {to: [ops@example.com], from: streamgauge@example.com}}\n",
};

/// PagerDuty.
pub static PAGERDUTY: Object = Object {
    name: "pagerduty",
    about: "A PagerDuty service.",
    keys: &[Key {
        name: "routing_key",
        form: Form::Secret,
        need: Need::Required,
        about: "The integration's routing key.",
    }],
    further: None,
    allows_anything: false,
    example: "",
};

/// Mail.
pub static EMAIL: Object = Object {
    name: "email",
    about: "A list of mail addresses.",
    keys: &[
        Key {
            name: "to",
            form: Form::OneOrList(&Form::Substituted),
            need: Need::Required,
            about: "Who gets it.",
        },
        Key { name: "from", form: Form::Substituted, need: Need::Required, about: "Who sends it." },
    ],
    further: None,
    allows_anything: false,
    example: "",
};

/// What a webhook can be told in.
pub(crate) const WEBHOOK_FORMATS: [&str; 2] = ["standard", "slack"];

/// A webhook.
pub static WEBHOOK: Object = Object {
    name: "webhook",
    about: "An HTTP endpoint, called in the form of Standard Webhooks or of Slack.",
    keys: &[
        Key {
            name: "url",
            form: Form::Substituted,
            need: Need::Required,
            about: "Where to; `https://`, or `http://` inside a network that you trust. An address that is a secret itself, such as Slack's, as a reference: `secret:NAME`, `ssm:NAME` or `env:NAME`.",
        },
        Key {
            name: "secret",
            form: Form::Secret,
            need: Need::Optional,
            about: "What requests are signed with: `whsec_` and 24 to 64 bytes in base64. Left out, they are not signed.",
        },
        Key {
            name: "format",
            form: Form::Choice(&WEBHOOK_FORMATS),
            need: Need::Default("standard"),
            about: "`standard`: Standard Webhooks 1.0. `slack`: a message as Slack's incoming webhooks take it, and Mattermost's and others'; these are not signed.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "channels:\n  hook: {webhook: {url: https://hooks.example/x, secret: secret:streamgauge/hook}}\n  chat: {webhook: {url: secret:streamgauge/slack, format: slack}}\n",
};

/// Text messages.
pub static SMS: Object = Object {
    name: "sms",
    about: "A list of phone numbers.",
    keys: &[Key {
        name: "to",
        form: Form::OneOrList(&Form::Substituted),
        need: Need::Required,
        about: "Phone numbers with country code, in quotes: `\"+971500000000\"`.",
    }],
    further: None,
    allows_anything: false,
    example: "",
};

/// A route.
pub static ROUTE: Object = Object {
    name: "route",
    about: "Who is told of what.",
    keys: &[
        Key {
            name: "match",
            form: Form::Object(&MATCH),
            need: Need::Required,
            about: "What it is about. `{}` is everything.",
        },
        Key {
            name: "notify",
            form: Form::OneOrList(&Form::Text),
            need: Need::Required,
            about: "The channels to tell. `[]`: nobody.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "routes:\n  - {match: {severity: critical, aggregator: noon}, notify: [oncall]}\n",
};

/// A matcher.
pub static MATCH: Object = Object {
    name: "match",
    about: "What a route or a quiet time is about: all that is named must be equal. A list means one of its values.",
    keys: &[
        Key {
            name: "alert",
            form: Form::OneOrList(&Form::Text),
            need: Need::Optional,
            about: "The alert's name.",
        },
        Key {
            name: "metric",
            form: Form::OneOrList(&Form::Text),
            need: Need::Optional,
            about: "The name of its metric.",
        },
        Key {
            name: "step",
            form: Form::OneOrList(&Form::Text),
            need: Need::Optional,
            about: "The step's name.",
        },
        Key {
            name: "severity",
            form: Form::OneOrList(&Form::Choice(&["critical", "error", "warning", "info"])),
            need: Need::Optional,
            about: "The step's severity.",
        },
        Key {
            name: "channel",
            form: Form::OneOrList(&Form::Text),
            need: Need::Optional,
            about: "The channel; only in quiet times.",
        },
    ],
    allows_anything: true,
    further: Some(
        "Further keys are dimensions of the group, or `labels` of the alert, with their value.",
    ),
    example: "match: {alert: rejections, aggregator: [noon, talabat]}\n",
};

/// The pipeline's own alerts.
pub static PIPELINE: Object = Object {
    name: "pipeline",
    about: "Whom the pipeline tells of its own troubles.",
    keys: &[
        Key {
            name: "severity",
            form: Form::Choice(&["critical", "error", "warning", "info"]),
            need: Need::Default("error"),
            about: "How bad they are.",
        },
        Key {
            name: "notify",
            form: Form::OneOrList(&Form::Text),
            need: Need::Required,
            about: "The channels to tell.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "pipeline: {severity: error, notify: [oncall]}\n",
};

/// How notifications are gathered.
pub static GATHERING: Object = Object {
    name: "notify",
    about: "Storm control: however many groups fire, a channel gets its first notification at once, and then at most one in each time `together`.",
    keys: &[
        Key {
            name: "together",
            form: Form::Duration,
            need: Need::Default("30s"),
            about: "What follows on the same channel within this time is gathered into one.",
        },
        Key {
            name: "list_at_most",
            form: Form::Whole(1, 1_000),
            need: Need::Default("20"),
            about: "Groups that are named in it; the rest is a number.",
        },
        Key {
            name: "repeat",
            form: Form::Duration,
            need: Need::Default("4h"),
            about: "How often mail is repeated while an alert fires. Pages do not repeat.",
        },
    ],
    further: None,
    allows_anything: false,
    example: "notify:\n  together: 30s\n  list_at_most: 20\n  repeat: 4h\n",
};

/// A silence.
pub static SILENCE: Object = Object {
    name: "silence",
    about: "A quiet time with a beginning and an end.",
    keys: &[
        Key {
            name: "match",
            form: Form::Object(&MATCH),
            need: Need::Required,
            about: "What is silenced.",
        },
        Key { name: "from", form: Form::Time, need: Need::Required, about: "When it begins." },
        Key { name: "until", form: Form::Time, need: Need::Required, about: "When it ends." },
        Key {
            name: "author",
            form: Form::Text,
            need: Need::Required,
            about: "Who answers for it.",
        },
        Key { name: "reason", form: Form::Text, need: Need::Required, about: "Why." },
    ],
    further: None,
    allows_anything: false,
    example: "silences:\n  - match: {alert: rejections, aggregator: noon}\n    from: 2026-01-05T10:00:00Z\n    until: 2026-01-05T14:00:00Z\n    author: ops@example.com\n    reason: partner moves its data centre\n",
};

/// A maintenance window.
pub static MAINTENANCE: Object = Object {
    name: "maintenance window",
    about: "A quiet time that comes back every week.",
    keys: &[
        Key {
            name: "match",
            form: Form::Object(&MATCH),
            need: Need::Required,
            about: "What is silenced.",
        },
        Key {
            name: "weekdays",
            form: Form::OneOrList(&Form::Weekday),
            need: Need::Default("all days"),
            about: "The days on which it begins.",
        },
        Key {
            name: "from",
            form: Form::TimeOfDay,
            need: Need::Required,
            about: "When it begins, on the clock of `time_zone`; in quotes.",
        },
        Key {
            name: "to",
            form: Form::TimeOfDay,
            need: Need::Required,
            about: "When it ends. Before `from`, it ends on the next day.",
        },
        Key {
            name: "time_zone",
            form: Form::TimeZone,
            need: Need::Default("the file's"),
            about: "Whose clock.",
        },
        Key { name: "reason", form: Form::Text, need: Need::Optional, about: "Why." },
    ],
    further: None,
    allows_anything: false,
    example: "maintenance:\n  - {match: {channel: operations}, weekdays: [fri], from: \"02:00\", to: \"04:00\", time_zone: Asia/Dubai, reason: weekly restart}\n",
};
