//! The steps of an alert: one whose keys stand on the alert itself, or a ladder of several.

use super::Reader;
use super::alert::{STEPS_MAX, Settings, Surroundings};
use super::metric::Outline;
use super::settings::SETTING_MAX;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::reference::tables::STEP;
use crate::source::Place;
use crate::yaml::tree::{Node, shown};
use streamgauge_engine::alert::{Severity, Step};

/// What the steps of one alert are about.
pub(super) struct About<'p> {
    /// The metric, if it is known.
    pub(super) metric: Option<&'p Outline>,
    /// Whether there are groups, or one for all.
    pub(super) has_groups: bool,
    /// Metrics, channels and routes.
    pub(super) around: &'p Surroundings<'p>,
}

/// The steps that could be read, and the names of all.
#[derive(Default)]
pub(super) struct Steps {
    /// The names of the named ones.
    pub(super) names: Vec<String>,
    /// Those that are right.
    pub(super) list: Vec<CheckedStep>,
}

/// A step and where its condition stands.
pub(super) struct CheckedStep {
    /// The step.
    pub(super) step: Step,
    /// The place of its condition.
    pub(super) place: Place,
}

/// The steps, highest first: by severity, then by their order in the file.
pub(super) fn ranked(steps: Vec<CheckedStep>) -> Vec<Step> {
    let mut steps: Vec<Step> = steps.into_iter().map(|checked| checked.step).collect();
    steps.sort_by_key(|step| step.severity);
    steps
}

impl Reader<'_> {
    /// The steps of an alert: one of its own, or a ladder.
    pub(super) fn steps(
        &mut self,
        settings: &Settings<'_, '_>,
        place: Place,
        about: &About<'_>,
    ) -> Steps {
        let mut steps = Steps::default();
        // An alert's own `when` or `steps` displaces what stands in the defaults.
        let (when, ladder) = (settings.get("when"), settings.get("steps"));
        let (when, ladder) = match (settings.is_own("when"), settings.is_own("steps")) {
            (true, false) => (when, None),
            (false, true) => (None, ladder),
            _ => (when, ladder),
        };
        match (when, ladder) {
            (Some(_), Some(_)) => {
                self.findings
                    .error(
                        Code::ConflictingKeys,
                        settings.own.key_place("when"),
                        "an alert has either `when` or `steps`",
                    )
                    .related(settings.own.key_place("steps"), "and here is the other")
                    .hint("move `when` into a step");
            }
            (Some(when), None) => {
                let step = self.step(None, when, &[settings], settings.own.place, about);
                steps.list.extend(step);
            }
            (None, Some(ladder)) => self.ladder(settings, ladder, &mut steps, about),
            (None, None) => {
                if !self.broken_files.contains(&place.file) {
                    self.findings
                        .error(Code::MissingKey, place, "an alert needs `when` or `steps`")
                        .hint("add `when: sum over 10m >= 3`");
                }
            }
        }
        // The keys of a step are read by the steps; an alert whose `when` is missing has none that would.
        for key in ["for", "severity", "notify", "early"] {
            settings.get(key);
        }
        steps
    }

    fn ladder(
        &mut self,
        settings: &Settings<'_, '_>,
        ladder: &Node,
        steps: &mut Steps,
        about: &About<'_>,
    ) {
        let Some(entries) = self.map(ladder, "a map of steps") else { return };
        if entries.is_empty() || entries.len() > STEPS_MAX {
            let message =
                format!("a ladder has 1 to {STEPS_MAX} steps, this one has {}", entries.len());
            self.findings.error(Code::LimitExceeded, settings.own.key_place("steps"), message);
        }
        for entry in entries.iter().take(STEPS_MAX) {
            self.name(entry, "step");
            steps.names.push(entry.key.clone());
            let Some(fields) = self.fields(&entry.value, &STEP, entry.key_place) else { continue };
            let own = Settings { own: &fields, defaults: None };
            if let Some(when) = self.required(&fields, "when") {
                let step =
                    self.step(Some(&entry.key), when, &[&own, settings], entry.key_place, about);
                steps.list.extend(step);
            } else {
                for key in ["for", "severity", "notify", "early"] {
                    fields.get(key);
                }
            }
            fields.finish();
        }
    }

    /// One step; `levels` are the step, if it is one of a ladder, and its alert.
    fn step(
        &mut self,
        name: Option<&str>,
        when: &Node,
        levels: &[&Settings<'_, '_>],
        place: Place,
        about: &About<'_>,
    ) -> Option<CheckedStep> {
        let find = |key: &'static str| {
            let found: Vec<_> = levels.iter().map(|level| level.get(key)).collect();
            found.into_iter().flatten().next()
        };
        let (hold, severity, notify, early) =
            (find("for"), find("severity"), find("notify"), find("early"));
        let parsed = self.condition(when);
        let hold = hold.and_then(|value| self.duration(value, 1..=SETTING_MAX)).unwrap_or(0);
        let severity = severity.and_then(|value| self.severity(value)).unwrap_or(Severity::Error);
        let notify = match notify {
            Some(node) => self.channels_named(node, about.around.channels),
            None => Vec::new(),
        };
        if notify.is_empty() && !about.around.has_routes && self.broken_files.is_empty() {
            self.findings
                .warning(Code::NobodyNotified, place, "nobody is told when this fires")
                .hint("add `notify: [CHANNEL]`, or `routes`");
        }
        let parsed = parsed?;
        self.check_condition(when, &parsed, about);
        let early = match early {
            Some(node) => {
                let wanted = self.boolean(node).unwrap_or(false);
                wanted && self.check_early(node, (&parsed.condition, hold), about.metric)
            }
            None => false,
        };
        let step = Step {
            name: name.map(str::to_owned),
            when: parsed.condition,
            hold,
            severity,
            notify,
            early,
        };
        Some(CheckedStep { step, place: when.place })
    }

    /// A severity.
    pub(crate) fn severity(&mut self, node: &Node) -> Option<Severity> {
        let place = self.choice(node, &Severity::ALL.map(Severity::as_str))?;
        Severity::ALL.get(place).copied()
    }

    /// The channels in a list of names; each must exist.
    pub(crate) fn channels_named(&mut self, node: &Node, channels: &[String]) -> Vec<String> {
        let mut names = Vec::new();
        for item in self.one_or_list(node).unwrap_or_default() {
            let Some(name) = self.text(item) else { continue };
            self.check_channel(item, name, channels);
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Reports a channel that does not exist.
    pub(crate) fn check_channel(&mut self, item: &Node, name: &str, channels: &[String]) {
        if !channels.iter().any(|channel| channel == name) && self.broken_files.is_empty() {
            let known: Vec<&str> = channels.iter().map(String::as_str).collect();
            let hint = nearest::hint(name, &known).unwrap_or_else(|| {
                format!("define it: `channels: {{{}: {{email: …}}}}`", shown(name))
            });
            let message = format!("there is no channel `{}`", shown(name));
            self.findings.error(Code::UnknownChannel, item.place, message).hint(hint);
        }
    }
}
