//! Families of series, as both formats know them.

use streamgauge_pipeline::render::Number;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Never falls but to 0.
    Counter,
    /// A value of now.
    Gauge,
    /// A sum, a count, and quantiles.
    Summary,
    /// A total that can fall.
    Unknown,
}

/// Series of one name and type.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// Its name, to which a counter's series add `_total`.
    pub(super) name: String,
    pub(super) kind: Type,
    /// The unit, with which the name ends.
    pub(super) unit: Option<String>,
    pub(super) help: String,
    /// The series; those of one set of labels follow each other.
    pub(super) samples: Vec<Sample>,
}

/// One series and its value.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// What its name has after the family's.
    pub(super) suffix: &'static str,
    /// Names and values of labels.
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: Number,
}

impl Family {
    /// A family without series.
    pub(super) fn new(name: impl Into<String>, kind: Type, help: impl Into<String>) -> Self {
        let (name, help) = (name.into(), help.into());
        Self { name, kind, unit: None, help, samples: Vec::new() }
    }

    /// The same with its unit, where its name ends with it: the formats ask for that.
    pub(super) fn with_unit(mut self, unit: Option<&str>) -> Self {
        let unit = unit.map(str::to_ascii_lowercase);
        self.unit = unit.filter(|unit| {
            let before = self.name.strip_suffix(unit.as_str());
            !unit.is_empty() && before.is_some_and(|before| before.ends_with('_'))
        });
        self
    }

    /// Adds a series that has the family's own name, or that with `_total`.
    pub(super) fn push(&mut self, labels: Vec<(String, String)>, value: Number) {
        let suffix = if self.kind == Type::Counter { "_total" } else { "" };
        self.push_as(suffix, labels, value);
    }

    /// Adds a series whose name goes on after the family's.
    pub(super) fn push_as(
        &mut self,
        suffix: &'static str,
        labels: Vec<(String, String)>,
        value: Number,
    ) {
        self.samples.push(Sample { suffix, labels, value });
    }
}
