//! `replay`: event files through the rules, points and transitions of alerts to standard output.

mod compare;
mod lines;
mod report;
mod tables;

use crate::arguments::ReplayArguments;
use crate::exit::{Exit, Failure};
use crate::rejects::Rejects;
use crate::style::tell;
use crate::watched::Told;
use crate::words::{counted, plural};
use crate::{inputs, moment, rules, summary, watched};
use lines::Lines;
use report::Report;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::Status;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::transition::TransitionKind;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{Options, ReplayError, Summary};

/// Runs the events through the rules.
pub(super) fn run(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let options = options(arguments)?;
    if let Some(path) = &arguments.rejects {
        inputs::keep(path, "--rejects", arguments.events.iter().chain(&arguments.rules))?;
    }
    let plan = rules::plan(&arguments.rules)?;
    if !arguments.compare.is_empty() {
        if arguments.report.is_some() {
            let failure = Failure::wrong("--report shows the results of one set of rules");
            return Err(
                failure.hint("leave --compare out; run it once per set, each with a report")
            );
        }
        return compare::run(arguments, plan, &options);
    }
    let inputs = inputs::open(&arguments.events)?;
    let rejects = Rejects::new(arguments.rejects.as_deref())?;
    let mut run = Run {
        report: Report::begin(arguments, &plan)?,
        lines: Lines::new(arguments.output, arguments.limit, &plan),
        statuses: Statuses::default(),
        transitions: Transitions::default(),
        rejects,
    };
    let summary = run.replay(&plan, inputs, &options)?;
    let printed = run.lines.finish(&plan, &summary);
    run.printed(printed)?;
    run.tell(&plan, &summary);
    summary::note_until(options.until, &summary);
    if let Some(report) = run.report {
        report.finish(&plan, &summary, options.until)?;
    }
    Ok(Exit::Fine)
}

/// How the run is to be done.
fn options(arguments: &ReplayArguments) -> Result<Options, Failure> {
    let until = arguments.until.as_deref().map(|text| moment::parse(text, "--until"));
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let threads = arguments.threads.map_or_else(cores, usize::from);
    Ok(Options { threads, until: until.transpose()?, open: arguments.open, ..Options::default() })
}

/// What comes out of a run.
struct Run {
    report: Option<Report>,
    lines: Lines,
    statuses: Statuses,
    transitions: Transitions,
    rejects: Rejects,
}

/// How many points there were of each status.
#[derive(Clone, Copy, Default)]
struct Statuses {
    finals: u64,
    corrections: u64,
    open: u64,
}

impl Run {
    /// Replays to the end or to a failure; in both cases all that was decided is written.
    fn replay(
        &mut self,
        plan: &Arc<Plan>,
        inputs: Vec<Input>,
        options: &Options,
    ) -> Result<Summary, Failure> {
        let Self { report, lines, statuses, transitions, rejects } = self;
        let result = watched::replay(plan, inputs, options, rejects, |told| {
            match told {
                Told::Point(point) => statuses.add(point.status),
                Told::Transition(transition, verdict) => transitions.add(transition.kind, verdict),
            }
            let Some(report) = report else { return lines.add(told) };
            report.add(told);
            lines.add(told).or_else(|error| lines.go_on(error))
        });
        let written = self.lines.flush();
        let rejects_written = self.rejects.finish();
        let summary = result.map_err(|error| match error {
            ReplayError::Input(error) => error.into(),
            ReplayError::Output(error) => self.rejects.failure(&error),
        })?;
        self.printed(written)?;
        rejects_written?;
        Ok(summary)
    }

    /// What printing gave. A reader who has gone ends the run, unless a report is still to be made.
    fn printed(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        let result = match result {
            Err(error) if self.report.is_some() => self.lines.go_on(error),
            other => other,
        };
        result.map_err(|error| Failure::output(&error))
    }

    /// Tells people what has happened.
    fn tell(&self, plan: &Plan, summary: &Summary) {
        summary::tell_counters(summary);
        self.rejects.tell();
        tell(self.statuses.sentence());
        if !plan.alerts.is_empty() {
            tell(self.transitions.sentence());
        }
        if summary.counters.received > 0 {
            tell(summary::metrics(plan, summary, &[]).trim_end());
        }
        summary::warn_of_metrics(plan, summary);
        if summary.points == 0 && summary.counters.counted > 0 {
            tell(
                "no window was decided before the events ended: --open shows the open ones, --until TIME moves the clock on",
            );
        }
    }
}

/// How many transitions of alerts there were.
#[derive(Clone, Copy, Default)]
struct Transitions {
    pending: u64,
    firing: u64,
    resolved: u64,
    /// How many of them anybody is told of.
    sent: u64,
}

impl Transitions {
    fn add(&mut self, kind: TransitionKind, verdict: &Verdict) {
        match kind {
            TransitionKind::Pending => self.pending += 1,
            TransitionKind::Firing => self.firing += 1,
            TransitionKind::Resolved => self.resolved += 1,
        }
        self.sent += u64::from(verdict.sent);
    }

    /// `3 transitions of alerts: 2 firing, 1 resolved; 2 are sent`
    fn sentence(self) -> String {
        let Self { pending, firing, resolved, sent } = self;
        let all = pending + firing + resolved;
        if all == 0 {
            return "no alert fired".to_owned();
        }
        let kinds = [(pending, "pending"), (firing, "firing"), (resolved, "resolved")];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds = kinds.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>();
        let are = if sent == 1 { "is" } else { "are" };
        let (transitions, kinds) = (counted(all, "transition"), kinds.join(", "));
        format!("{transitions} of alerts: {kinds}; {sent} {are} sent")
    }
}

impl Statuses {
    fn add(&mut self, status: Status) {
        match status {
            Status::Final => self.finals += 1,
            Status::Correction => self.corrections += 1,
            Status::Open => self.open += 1,
        }
    }

    /// `3 points: 2 final, 1 correction`
    fn sentence(self) -> String {
        let Self { finals, corrections, open } = self;
        let kinds = [
            (finals, "final".to_owned()),
            (corrections, plural(corrections, "correction")),
            (open, "open".to_owned()),
        ];
        let kinds = kinds.iter().filter(|(count, _)| *count > 0);
        let kinds = kinds.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>();
        let colon = if kinds.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", counted(finals + corrections + open, "point"), kinds.join(", "))
    }
}
