//! Alerts.

use super::Reader;
use super::fields::Fields;
use super::ladder::{About, CheckedStep, ranked};
use super::metric::{Kind, Outline};
use super::rollup::looks_at;
use crate::duration;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::read::settings::SETTING_MAX;
use crate::reference::tables::ALERT;
use crate::yaml::tree::{Entry, Node, shown};
use streamgauge_engine::alert::{Alert, Condition, Texts};
use streamgauge_engine::time::{HOUR_MS, Millis};

/// Alerts in one plan.
pub(crate) const ALERTS_MAX: usize = 1_000;
/// Steps of one alert.
pub(crate) const STEPS_MAX: usize = 16;
/// Labels of one alert.
pub(crate) const LABELS_MAX: usize = 32;
/// The default of `max_age`.
pub(crate) const MAX_AGE_DEFAULT: Millis = HOUR_MS;

/// What is known of an alert, whether all of it is right or not.
#[derive(Clone, Debug)]
pub(crate) struct AlertOutline {
    pub(crate) name: String,
    /// The names of its steps; the unnamed one has none.
    pub(crate) steps: Vec<String>,
    /// The dimensions of its groups, if they are known.
    pub(crate) by: Option<Vec<String>>,
    pub(crate) labels: Vec<String>,
    pub(crate) alert: Option<Alert>,
}

/// The keys of an alert, and of `alert_defaults` for what it does not say itself.
pub(super) struct Settings<'f, 'n> {
    /// What the alert or step says itself.
    pub(super) own: &'f Fields<'n>,
    /// What it takes where it says nothing.
    pub(super) defaults: Option<&'f Fields<'n>>,
}

impl<'n> Settings<'_, 'n> {
    /// The value of a key.
    pub(super) fn get(&self, key: &'static str) -> Option<&'n Node> {
        let default = self.defaults.and_then(|defaults| defaults.get(key));
        self.own.get(key).or(default)
    }

    /// Whether the alert says it itself.
    pub(super) fn is_own(&self, key: &str) -> bool {
        self.own.entry(key).is_some()
    }
}

/// What the checks of an alert need to know besides its own keys.
pub(crate) struct Surroundings<'p> {
    pub(crate) metrics: &'p [Outline],
    pub(crate) channels: &'p [String],
    pub(crate) has_routes: bool,
}

fn names_of(places: &[usize], metric: Option<&Outline>) -> Vec<String> {
    let dimensions = metric.and_then(|metric| metric.dimensions.as_deref()).unwrap_or_default();
    places.iter().filter_map(|place| dimensions.get(*place).cloned()).collect()
}

impl Reader<'_> {
    /// The alerts, in the order of the file.
    pub(crate) fn alerts(
        &mut self,
        file: &Fields<'_>,
        around: &Surroundings<'_>,
    ) -> Vec<AlertOutline> {
        let defaults = file
            .get("alert_defaults")
            .and_then(|value| self.fields(value, &ALERT, file.key_place("alert_defaults")));
        let Some(node) = file.get("alerts") else { return Vec::new() };
        let Some(entries) = self.map(node, "a map of alerts") else { return Vec::new() };
        if entries.len() > ALERTS_MAX {
            let message = format!("there are {} alerts; the limit is {ALERTS_MAX}", entries.len());
            self.findings.error(Code::LimitExceeded, node.place, message);
        }
        let entries = entries.iter().take(ALERTS_MAX);
        entries.map(|entry| self.alert(entry, defaults.as_ref(), around)).collect()
    }

    fn alert(
        &mut self,
        entry: &Entry,
        defaults: Option<&Fields<'_>>,
        around: &Surroundings<'_>,
    ) -> AlertOutline {
        let mut outline = AlertOutline {
            name: entry.key.clone(),
            steps: Vec::new(),
            by: None,
            labels: Vec::new(),
            alert: None,
        };
        self.name(entry, "alert");
        let Some(own) = self.fields(&entry.value, &ALERT, entry.key_place) else { return outline };
        let settings = Settings { own: &own, defaults };
        let metric = self.metric_of(&settings, around);
        let outline_of_metric = metric.and_then(|position| around.metrics.get(position));

        let by = self.by(&settings, outline_of_metric);
        outline.by = by.as_ref().map(|places| names_of(places, outline_of_metric));
        let has_groups = by.as_ref().is_some_and(|by| !by.is_empty());
        let about = About { metric: outline_of_metric, has_groups, around };
        let steps = self.steps(&settings, entry.key_place, &about);
        outline.steps = steps.names;
        let resolve = self.resolve(&settings, &about, &steps.list);
        self.check_early_beside(&settings, &steps.list, resolve.as_ref());
        let min_volume = self.min_volume(&settings, outline_of_metric);
        let keep_firing_for = self.setting(&settings, "keep_firing_for").unwrap_or(0);
        let max_age = self.setting(&settings, "max_age").unwrap_or(MAX_AGE_DEFAULT);
        let texts = self.texts(&settings, outline_of_metric, outline.by.as_deref());
        outline.labels = texts.labels.iter().map(|(name, _)| name.clone()).collect();
        own.finish();

        if let (Some(metric), Some(by)) = (metric, by) {
            outline.alert = Some(Alert {
                name: entry.key.clone(),
                definition: String::new(),
                metric,
                by,
                steps: ranked(steps.list),
                resolve,
                min_volume,
                keep_firing_for,
                max_age,
                texts,
            });
        }
        outline
    }

    /// A name of the user's that stands in messages and keys.
    pub(crate) fn name(&mut self, entry: &Entry, what: &str) {
        const LENGTH_MAX: usize = 128;
        let name = &entry.key;
        if name.is_empty()
            || name.len() > LENGTH_MAX
            || name.chars().any(char::is_control)
            || name.trim() != name
        {
            let message = format!(
                "the name of this {what} is empty, longer than {LENGTH_MAX} bytes, or has odd spaces"
            );
            self.findings
                .error(Code::InvalidName, entry.key_place, message)
                .hint("write a name such as `rejections`");
        }
    }

    /// The position of the alert's metric.
    fn metric_of(
        &mut self,
        settings: &Settings<'_, '_>,
        around: &Surroundings<'_>,
    ) -> Option<usize> {
        let node = match settings.get("metric") {
            Some(node) => node,
            None => self.required(settings.own, "metric")?,
        };
        let name = self.text(node)?;
        let position = around.metrics.iter().position(|metric| metric.name == name);
        // A metric may stand in the part of a file that could not be read.
        if position.is_none() && self.broken_files.is_empty() {
            let known: Vec<&str> =
                around.metrics.iter().map(|metric| metric.name.as_str()).collect();
            let message = format!("there is no metric `{}`", shown(name));
            self.findings
                .error(Code::UnknownMetric, node.place, message)
                .maybe_hint(nearest::hint(name, &known));
        }
        position
    }

    /// The dimensions that make a group, as positions in those of the metric.
    fn by(&mut self, settings: &Settings<'_, '_>, metric: Option<&Outline>) -> Option<Vec<usize>> {
        let dimensions = metric.and_then(|metric| metric.dimensions.as_deref());
        let Some(node) = settings.get("by") else {
            return dimensions.map(|dimensions| (0..dimensions.len()).collect());
        };
        let items = self.one_or_list(node)?;
        let mut by = Vec::new();
        for item in items {
            let (Some(name), Some(dimensions)) = (self.text(item), dimensions) else { continue };
            match dimensions.iter().position(|dimension| dimension == name) {
                Some(position) if by.contains(&position) => {
                    self.findings.error(
                        Code::DuplicateName,
                        item.place,
                        format!("`{}` stands twice in `by`", shown(name)),
                    );
                }
                Some(position) => by.push(position),
                None => {
                    let known: Vec<&str> = dimensions.iter().map(String::as_str).collect();
                    let metric = metric.map_or("", |metric| metric.name.as_str());
                    let message = format!(
                        "the metric `{}` has no dimension `{}`",
                        shown(metric),
                        shown(name)
                    );
                    let hint = nearest::hint(name, &known)
                        .unwrap_or_else(|| "it has no dimensions; leave `by` out".to_owned());
                    self.findings.error(Code::UnknownDimension, item.place, message).hint(hint);
                }
            }
        }
        dimensions.map(|_| by)
    }

    fn setting(&mut self, settings: &Settings<'_, '_>, key: &'static str) -> Option<Millis> {
        let node = settings.get(key)?;
        self.duration(node, 1..=SETTING_MAX)
    }

    fn resolve(
        &mut self,
        settings: &Settings<'_, '_>,
        about: &About<'_>,
        steps: &[CheckedStep],
    ) -> Option<Condition> {
        let node = settings.get("resolve")?;
        let parsed = self.condition(node)?;
        self.check_condition(node, &parsed, about);
        let looks =
            |step: &CheckedStep| Some((looks_at(&step.step.when, about.metric)?, step.place));
        let longest = steps.iter().filter_map(looks).max_by_key(|(length, _)| *length);
        if let (Some(own), Some((longest, place))) =
            (looks_at(&parsed.condition, about.metric), longest)
            && own < longest
        {
            let message = format!(
                "`resolve` looks at {} and a step at {}: the alert would resolve and fire again by turns",
                duration::show(own),
                duration::show(longest)
            );
            self.findings
                .warning(Code::ShortResolve, node.place, message)
                .related(place, "the step")
                .hint(format!("let it look at {} or more", duration::show(longest)));
        }
        Some(parsed.condition)
    }

    fn min_volume(&mut self, settings: &Settings<'_, '_>, metric: Option<&Outline>) -> Option<u64> {
        let node = settings.get("min_volume")?;
        let volume = self.whole(node, 1..=1_000_000_000_000)?;
        let kind = metric.and_then(|metric| metric.kind)?;
        if matches!(kind, Kind::Ratio | Kind::Journey) {
            return Some(volume);
        }
        // From the defaults it is for those alerts that can use it.
        if settings.is_own("min_volume") {
            let message =
                format!("{} has no whole that `min_volume` could ask for", kind.with_article());
            self.findings
                .error(Code::NotAvailable, settings.own.key_place("min_volume"), message)
                .hint("`min_volume` is for alerts on ratios and journeys; leave it out");
        }
        None
    }

    fn texts(
        &mut self,
        settings: &Settings<'_, '_>,
        metric: Option<&Outline>,
        group: Option<&[String]>,
    ) -> Texts {
        let others = metric.and_then(|metric| metric.dimensions.clone()).unwrap_or_default();
        let summary =
            settings.get("summary").and_then(|value| self.template(value, group, &others));
        let description =
            settings.get("description").and_then(|value| self.template(value, group, &others));
        let runbook = settings.get("runbook").and_then(|value| self.short_text(value));
        let mut labels = Vec::new();
        if let Some(node) = settings.get("labels") {
            let entries =
                self.map(node, "a map of labels such as `{team: payments}`").unwrap_or_default();
            if entries.len() > LABELS_MAX {
                let message =
                    format!("there are {} labels; the limit is {LABELS_MAX}", entries.len());
                self.findings.error(Code::LimitExceeded, node.place, message);
            }
            for entry in entries {
                self.name(entry, "label");
                if let Some(value) = self.short_text(&entry.value) {
                    labels.push((entry.key.clone(), value));
                }
            }
        }
        Texts { summary, description, runbook, labels }
    }
}
