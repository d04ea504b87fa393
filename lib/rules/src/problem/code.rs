//! The closed list of problem codes. A code never changes its meaning: people search for it and machines filter by it.

macro_rules! codes {
    ($($name:ident $text:literal $explanation:literal)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $explanation] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as users see it: `unknown-key`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means, in one or two sentences of Markdown.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation),* }
            }
        }
    };
}

codes! {
    InvalidYaml "invalid-yaml"
        "The file is not YAML, or uses a part of YAML that rules have no use for (tags, several documents, keys that are no text)."
    MisreadExpression "misread-expression"
        "YAML read an expression as something else. The hint shows the line with the expression in quotes."
    DuplicateKey "duplicate-key"
        "The same key stands twice in one place. Both are shown; neither silently wins."
    DuplicateName "duplicate-name"
        "The same name or setting is defined twice, perhaps in two files. Both places are shown."
    UnknownKey "unknown-key"
        "A key that has no meaning here. The hint names the nearest one that has."
    MissingKey "missing-key"
        "A required key is not there."
    ConflictingKeys "conflicting-keys"
        "Keys that exclude each other, such as `count` and `sum` in one metric."
    WrongType "wrong-type"
        "A list, a map, a text or a number was expected, and something else stands there."
    InvalidValue "invalid-value"
        "The value is none of those that are allowed, or out of its range."
    InvalidName "invalid-name"
        "A name that CloudWatch would refuse."
    InvalidDuration "invalid-duration"
        "Not a length of time such as `30s` or `1h30m`, or one that is not allowed here."
    InvalidWindow "invalid-window"
        "A window under one second, or one of a day or more that is no whole number of days."
    InvalidTime "invalid-time"
        "Not a time such as `2026-01-05T10:00:00Z` or `02:30`, or an end that is not after its beginning."
    InvalidTimeZone "invalid-time-zone"
        "Not a time zone of the IANA database that is compiled in."
    InvalidExpression "invalid-expression"
        "An expression that is not CEL, or uses a part of CEL that is not supported."
    ProbableSlip "probable-slip"
        "An expression that can be used and was surely not meant so: a text without quotes (`type == order.created`), a misspelt standard field, `type` in a condition where `event` says that the type is elsewhere."
    InvalidCondition "invalid-condition"
        "A condition that is none of the four forms that `when` and `resolve` take."
    InvalidTemplate "invalid-template"
        "A text that is no valid template, or one that uses a name or filter that templates do not know."
    UnknownMetric "unknown-metric"
        "No metric has this name."
    UnknownDimension "unknown-dimension"
        "The metric has no dimension of this name."
    UnknownAlert "unknown-alert"
        "No alert has this name."
    UnknownStep "unknown-step"
        "The alert has no step of this name."
    UnknownChannel "unknown-channel"
        "No channel has this name."
    AggregateNotAvailable "aggregate-not-available"
        "The metric's kind has no such aggregate: a count has no `p99`."
    NotAvailable "not-available"
        "A setting that this kind of metric, alert or condition cannot have, such as `zero: publish` on a ratio."
    LatenessAboveDeduplicate "lateness-above-deduplicate"
        "`allowed_lateness` is above `deduplicate`: a copy that comes in between would count twice."
    PointTooOld "point-too-old"
        "A point would be more than 14 days old when it is put, and CloudWatch refuses it."
    PointOld "point-old"
        "A point would be more than 3 hours old when it is put: CloudWatch shows it only hours later, and it is not put again after a crash."
    LiteralSecret "literal-secret"
        "A secret stands in the file. Only a reference may (`secret:`, `ssm:`, `env:`). The value is never printed."
    MissingVariable "missing-variable"
        "`${NAME}` stands for a variable that is not set, and no default is given."
    LimitExceeded "limit-exceeded"
        "More metrics, steps, dimensions, nodes and so on than the limit allows."
    ShortResolve "short-resolve"
        "`resolve` looks at less time than a step does: the alert would resolve and fire again by turns."
    ConstantCondition "constant-condition"
        "A condition that is always or never true, such as a count below 0 or a rate above 1."
    NobodyNotified "nobody-notified"
        "A step has no `notify` and there are no `routes`: nobody would hear of it."
    NameCollision "name-collision"
        "Two metrics have the same name in Prometheus, where letters that are not allowed become `_`."
    NoMetrics "no-metrics"
        "The rules have no metric, and so nothing happens."
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
