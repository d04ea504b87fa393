//! `replay --compare`: the same events through two sets of rules, and what differs.
//!
//! A point is the same point in both if metric, dimensions, window and status are the same (and of corrections their
//! number, since one window can have several). It is *changed* if its values differ, *gone* if only the first rules
//! have it, *new* if only the second have it. Points that are equal are forgotten at once. Transitions of alerts are compared by
//! their times (`alerts`).

mod alerts;
mod differences;

use crate::arguments::{ReplayArguments, ReplayOutput};
use crate::exit::{Exit, Failure};
use crate::rejects::Rejects;
use crate::style::{self, tell};
use crate::watched::Told;
use crate::{inputs, rules, summary, watched};
use differences::{Differences, Side, TooMany};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_local::replay::{Options, ReplayError};

/// Runs both and prints what differs.
pub(super) fn run(
    arguments: &ReplayArguments,
    plan: Arc<Plan>,
    options: &Options,
) -> Result<Exit, Failure> {
    if arguments.output == ReplayOutput::Csv {
        return Err(
            Failure::wrong("--compare has no CSV form").hint("use --output json or leave it out")
        );
    }
    if let Some(path) = arguments.events.iter().find(|path| !inputs::is_repeatable(path)) {
        let stdin = inputs::is_stdin(path);
        let name =
            if stdin { "standard input".to_owned() } else { format!("`{}`", path.display()) };
        let message = format!("{name} can be read once, and --compare reads the events twice");
        return Err(Failure::wrong(message).hint("save the events to a file first"));
    }
    let other = rules::plan(&arguments.compare)?;
    let mut differences = Differences::new(plan, other);
    for (side, names) in [(Side::Before, &arguments.rules), (Side::After, &arguments.compare)] {
        observe(&mut differences, side, names, &arguments.events, options)?;
    }
    let text = match arguments.output {
        ReplayOutput::Json => differences.json(),
        ReplayOutput::Table | ReplayOutput::Csv => differences.table(arguments.limit).into_bytes(),
    };
    anstream::stdout().lock().write_all(&text).map_err(|error| Failure::output(&error))?;
    let counts = differences.counts();
    tell(format_args!(
        "{} new, {} gone, {} changed, {} the same",
        counts.new, counts.gone, counts.changed, counts.same
    ));
    let alerts = differences.alert_counts();
    if let Some(alerts) = alerts {
        tell(format_args!("transitions of alerts: {}", alerts.sentence()));
    }
    let differ = counts.differ() || alerts.is_some_and(|alerts| alerts.differ());
    Ok(if differ { Exit::No } else { Exit::Fine })
}

/// One of the two runs.
fn observe(
    differences: &mut Differences,
    side: Side,
    names: &[PathBuf],
    events: &[PathBuf],
    options: &Options,
) -> Result<(), Failure> {
    let inputs = inputs::open(events)?;
    let plan = differences.plan(side);
    let mut rejects = Rejects::counted();
    let result = watched::replay(&plan, inputs, options, &mut rejects, |told| {
        let added = match told {
            Told::Point(point) => differences.add(side, point),
            Told::Transition(transition, verdict) => {
                differences.add_transition(side, transition, verdict)
            }
        };
        added.map_err(|TooMany(text)| io::Error::other(text))
    });
    let summary = result.map_err(|error| match error {
        ReplayError::Input(error) => error.into(),
        ReplayError::Output(error) => Failure::wrong("there is too much to compare")
            .because(&error)
            .hint("compare fewer events, or print both with --output json and compare the files"),
    })?;
    let names = names.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    tell(style::bold(style::printable(&names)));
    summary::tell_counters(&summary);
    summary::note_until(options.until, &summary);
    rejects.tell();
    summary::warn_of_metrics(&plan, &summary);
    Ok(())
}
