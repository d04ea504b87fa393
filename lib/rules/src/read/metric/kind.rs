//! What a metric computes.

use super::{Outline, WITHIN_MAX};
use crate::cel::Expected;
use crate::hash::Canonical;
use crate::problem::code::Code;
use crate::read::Reader;
use crate::read::expression::Compiled;
use crate::read::fields::Fields;
use crate::reference::tables::{JOURNEY, RATIO};
use crate::source::Place;
use crate::yaml::tree::Node;
use streamgauge_engine::plan::MetricKind;

/// The kind of a metric, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Count,
    Sum,
    Distribution,
    Unique,
    Ratio,
    Journey,
}

impl Kind {
    const ALL: [(&'static str, Self); 6] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("distribution", Self::Distribution),
        ("unique", Self::Unique),
        ("ratio", Self::Ratio),
        ("journey", Self::Journey),
    ];

    /// As messages say it: `a count`.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Count => "a count",
            Self::Sum => "a sum",
            Self::Distribution => "a distribution",
            Self::Unique => "a unique",
            Self::Ratio => "a ratio",
            Self::Journey => "a journey",
        }
    }
}

impl Reader<'_> {
    /// The one key that says what the metric computes.
    pub(super) fn kind(
        &mut self,
        fields: &Fields<'_>,
        outline: &mut Outline,
        canonical: &mut Canonical,
    ) -> Option<MetricKind> {
        let mut found: Option<(&'static str, Kind, &Node)> = None;
        for (key, kind) in Kind::ALL {
            let Some(node) = fields.get(key) else { continue };
            if let Some((first, ..)) = found {
                self.findings
                    .error(
                        Code::ConflictingKeys,
                        fields.key_place(key),
                        format!("a metric has either `{first}` or `{key}`"),
                    )
                    .related(fields.key_place(first), "and here is the other")
                    .hint("make two metrics of it");
            } else {
                found = Some((key, kind, node));
            }
        }
        let Some((key, kind, node)) = found else {
            if !self.broken_files.contains(&fields.place.file) {
                self.findings
                    .error(
                        Code::MissingKey,
                        fields.place,
                        "a metric needs a key that says what it computes",
                    )
                    .hint(
                        "add one of `count`, `sum`, `distribution`, `unique`, `ratio`, `journey`",
                    );
            }
            return None;
        };
        outline.kind = Some(kind);
        canonical.text("kind", key);
        let mut one = |reader: &mut Self, expected| {
            let compiled = reader.expression(node, expected)?;
            canonical.expression(key, &compiled.source);
            Some(compiled.program)
        };
        match kind {
            Kind::Count => one(self, Expected::Bool).map(MetricKind::Count),
            Kind::Sum => one(self, Expected::Number).map(MetricKind::Sum),
            Kind::Distribution => one(self, Expected::Number).map(MetricKind::Distribution),
            Kind::Unique => one(self, Expected::Any).map(MetricKind::Unique),
            Kind::Ratio => self.ratio(node, fields.key_place(key), canonical),
            Kind::Journey => self.journey(node, fields.key_place(key), outline, canonical),
        }
    }

    fn part_of(
        &mut self,
        fields: &Fields<'_>,
        key: &'static str,
        expected: Expected,
    ) -> Option<Compiled> {
        let node = self.required(fields, key)?;
        self.expression(node, expected)
    }

    fn ratio(
        &mut self,
        node: &Node,
        place: Place,
        canonical: &mut Canonical,
    ) -> Option<MetricKind> {
        let fields = self.fields(node, &RATIO, place)?;
        let part = self.part_of(&fields, "part", Expected::Bool);
        let whole = self.part_of(&fields, "whole", Expected::Bool);
        fields.finish();
        let (part, whole) = (part?, whole?);
        canonical.expression("part", &part.source).expression("whole", &whole.source);
        Some(MetricKind::Ratio { part: part.program, whole: whole.program })
    }

    fn journey(
        &mut self,
        node: &Node,
        place: Place,
        outline: &mut Outline,
        canonical: &mut Canonical,
    ) -> Option<MetricKind> {
        let fields = self.fields(node, &JOURNEY, place)?;
        let start = self.part_of(&fields, "start", Expected::Bool);
        let finish = self.part_of(&fields, "finish", Expected::Bool);
        let key = self.part_of(&fields, "key", Expected::Any);
        let within =
            self.required(&fields, "within").and_then(|value| self.duration(value, 1..=WITHIN_MAX));
        fields.finish();
        outline.within = within.unwrap_or_default();
        let (start, finish, key, within) = (start?, finish?, key?, within?);
        canonical.expression("start", &start.source).expression("finish", &finish.source);
        canonical.expression("key", &key.source).number("within", within);
        Some(MetricKind::Journey {
            start: start.program,
            finish: finish.program,
            key: key.program,
            within,
        })
    }
}
