//! Everything put together: files to rules, or to problems.
//!
//! The order matters only where one section needs another: settings before metrics, metrics and channels before
//! alerts, alerts before what matches them. Nothing stops at a problem; the plan is made at the end if there was none.

use crate::problem::Problem;
use crate::problem::code::Code;
use crate::read::Reader;
use crate::read::alert::{AlertOutline, Surroundings};
use crate::read::metric::Outline;
use crate::read::quiet::Names;
use crate::read::settings::EventPaths;
use crate::reference::tables::FILE;
use crate::rules::{Channel, Rules};
use crate::source::{Place, SourceFile, boundary};
use crate::yaml::tree::{Content, Node};
use streamgauge_engine::calendar::Calendar;
use streamgauge_engine::notify::rules::Notifying;
use streamgauge_engine::plan::{EventFields, Metric, Plan, Timing};

mod describe;
mod secret;

/// What became of the files.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rules; none if there is at least one error.
    pub rules: Option<Rules>,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
    /// The files as they may be shown: secrets that should not be in them are replaced by asterisks.
    pub sources: Vec<SourceFile>,
}

/// Reads rules files; `environment` gives the values of `${NAME}`.
///
/// It is a pure function: whatever is in the files, it returns.
pub fn compile(sources: &[SourceFile], environment: &dyn Fn(&str) -> Option<String>) -> Outcome {
    let mut reader = Reader::new(sources, environment);
    let rules = read_all(&mut reader);
    let rules = rules.filter(|_| !reader.findings.has_errors());
    debug_assert!(
        rules.is_some() || reader.findings.has_errors(),
        "there are no rules, and nobody says why"
    );
    for &file in &reader.broken_files {
        reader.concealed.extend(secret::literal_places(sources, file));
    }
    let sources_shown = concealed(sources, &reader.concealed);
    Outcome { rules, problems: reader.findings.into_problems(sources), sources: sources_shown }
}

fn read_all(reader: &mut Reader<'_>) -> Option<Rules> {
    if reader.sources.is_empty() {
        reader
            .findings
            .error_nowhere(Code::InvalidYaml, "there is no rules file")
            .hint("name a file or a folder");
        return None;
    }
    let beginning = Place { file: 0, start: 0, end: 0 };
    let root = Node { place: beginning, content: Content::Mapping(reader.merged_files(&FILE)) };
    let file = reader.fields(&root, &FILE, beginning)?;

    reader.version(&file);
    let namespace = reader.namespace(&file);
    let event = reader.event(&file);
    let calendar = reader.calendar(&file);
    let timing = reader.timing(&file);
    let metrics = reader.metrics(&file, calendar.as_ref(), &describe::event(&event));
    if metrics.is_empty() && !reader.findings.has_errors() {
        reader
            .findings
            .warning(
                Code::NoMetrics,
                file.key_place("metrics"),
                "there are no metrics, and so nothing happens",
            )
            .hint("add `metrics:`");
    }
    reader.reach(&metrics, &timing);
    let (channel_names, channels) = reader.channels(&file);
    let has_routes = file.entry("routes").is_some();
    let around = Surroundings { metrics: &metrics, channels: &channel_names, has_routes };
    let alerts = reader.alerts(&file, &around);
    let names = Names { metrics: &metrics, alerts: &alerts, channels: &channel_names };
    let zone = calendar.clone().unwrap_or_else(Calendar::utc);
    let notifying = Notifying {
        channels: channels.iter().map(Channel::deciding).collect(),
        routes: reader.routes(&file, &names),
        pipeline: reader.pipeline(&file, &channel_names),
        gathering: reader.gathering(&file),
        silences: reader.silences(&file, &names),
        maintenance: reader.maintenance(&file, &names, &zone),
    };
    file.finish();

    let plan = plan(reader, namespace, &event, calendar?, timing, metrics, alerts)?;
    let mut rules = Rules { plan: Plan { notifying, ..plan }, channels };
    rules.plan.hash = describe::rules(&rules);
    Some(rules)
}

/// The plan without its hash and who is told, if all metrics and alerts are right.
#[expect(clippy::too_many_arguments, reason = "the parts of a plan, each read on its own")]
fn plan(
    reader: &mut Reader<'_>,
    namespace: String,
    event: &EventPaths,
    calendar: Calendar,
    timing: Timing,
    metrics: Vec<Outline>,
    alerts: Vec<AlertOutline>,
) -> Option<Plan> {
    let metrics: Vec<Metric> =
        metrics.into_iter().map(|outline| outline.metric).collect::<Option<_>>()?;
    let mut alerts: Vec<_> =
        alerts.into_iter().map(|outline| outline.alert).collect::<Option<_>>()?;
    for alert in &mut alerts {
        alert.definition = describe::alert(alert, &metrics);
    }
    let mut intern = |path: &[String]| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        reader.fields.intern(&names)
    };
    let event = EventFields {
        identity: event.identity.iter().map(|path| intern(path)).collect(),
        id: intern(&event.id),
        kind: intern(&event.kind),
        time: intern(&event.time),
        time_unit: event.time_unit,
    };
    Some(Plan {
        // Computed when all else is there.
        hash: String::new(),
        namespace,
        fields: std::mem::take(&mut reader.fields),
        event,
        timing,
        calendar,
        metrics,
        alerts,
        notifying: Notifying::default(),
    })
}

/// The files with these places replaced by asterisks, byte by byte so that all other places stay right.
fn concealed(sources: &[SourceFile], places: &[Place]) -> Vec<SourceFile> {
    let mut shown = sources.to_vec();
    for place in places {
        let Some(source) = shown.get_mut(place.file) else { continue };
        // Places of values begin and end between characters.
        let start = boundary(&source.text, place.start);
        let end = boundary(&source.text, place.end).max(start);
        if let Some(secret) = source.text.get(start..end) {
            let hidden: String =
                secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
            source.text.replace_range(start..end, &hidden);
        }
    }
    shown
}
