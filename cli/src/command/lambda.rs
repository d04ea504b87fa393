//! `lambda`: a template's functions on this machine, driven by streams, queues and schedules.
//!
//! The modules, in the order in which a call meets them:
//!
//! 1. [`plan`], [`pairs`], [`problems`]: what was typed, the template, and what is wrong with either.
//! 2. [`start`], [`supply`]: where the simulator begins, and how records get to it.
//! 3. `endpoints`: services outside of this process, and the meter in front of them; with the feature `aws` only.
//! 4. [`session`]: what goes in, and when it ends.
//! 5. [`printer`], [`live`], [`json`], [`billing`], [`report`]: what is seen while it runs, and at the end.

mod billing;
#[cfg(feature = "aws")]
mod endpoints;
mod json;
mod live;
mod pairs;
mod plan;
mod printer;
mod problems;
mod report;
mod session;
mod start;
mod supply;

use crate::arguments::{LambdaArguments, LambdaOutput};
use crate::exit::{Exit, Failure};
use crate::signals;
use crate::style::{self, tell};
use crate::words::{counted, widen};
use plan::Plan;
use printer::{Printer, Watcher};
use session::{Ended, Remains, Running, STOP_MAX, Work};
use std::io::{self, Write};
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda::summary::Summary;
use streamgauge_meter::bill::Bill;

/// Runs a template, or shows what would run.
pub(super) fn run(arguments: &LambdaArguments) -> Result<Exit, Failure> {
    let plan = plan::read(arguments)?;
    if arguments.check {
        return check(&plan.stack, arguments.output);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::outside("could not start threads").because(&error))?;
    let (watcher, printer) = Printer::start(arguments.output, io::stdout());
    let driven = runtime.block_on(drive(plan, &watcher, &printer));
    // What still runs ends here.
    runtime.shutdown_timeout(STOP_MAX);
    let (driven, bill) = match driven {
        Ok((ended, bill)) => (Ok(ended), bill),
        Err(failure) => (Err(failure), None),
    };
    let (summary, bill, printed) = printer.finish(bill);
    printed.map_err(|error| Failure::output(&error))?;
    if arguments.output == LambdaOutput::Text {
        print(&report::summary(&summary, &bill))?;
    }
    Ok(verdict(&summary, driven?))
}

/// Shows what would run.
fn check(stack: &Stack, output: LambdaOutput) -> Result<Exit, Failure> {
    streamgauge_lambda::runtime::check(&stack.functions)
        .map_err(|error| Failure::wrong(error.to_string()).because_of_source(&error))?;
    match output {
        LambdaOutput::Text => print(&report::stack(stack))?,
        LambdaOutput::Json => print(&json::stack(stack))?,
    }
    let parts = [
        counted(widen(stack.functions.len()), "function"),
        counted(widen(stack.kinesis.len() + stack.sqs.len()), "mapping"),
        counted(widen(stack.schedules.len()), "schedule"),
    ];
    tell(format_args!("{}: {}", style::good("the template is fine"), parts.join(", ")));
    Ok(Exit::Fine)
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}

/// Starts the simulator on the services that are wanted.
async fn drive(
    mut plan: Plan,
    watcher: &Watcher,
    printer: &Printer,
) -> Result<(Ended, Option<Bill>), Failure> {
    let stack = std::mem::take(&mut plan.stack);
    #[cfg(feature = "aws")]
    if !plan.run.endpoints.is_empty() {
        let running = endpoints::start(stack, &plan.run, watcher.clone()).await?;
        return through(running, plan, watcher, printer).await;
    }
    let running = start::embedded(stack, &plan.run, watcher.clone()).await?;
    through(running, plan, watcher, printer).await
}

/// Does the work, and stops the simulator.
async fn through<R: Running>(
    running: R,
    plan: Plan,
    watcher: &Watcher,
    printer: &Printer,
) -> Result<(Ended, Option<Bill>), Failure> {
    let Plan { feeds, invocations, asynchronous, run, .. } = plan;
    let interrupted = async {
        tokio::select! {
            () = signals::interrupted() => {}
            () = printer.failed() => {}
        }
    };
    let work = Work { feeds, invocations, asynchronous, end: run.end };
    let answered = |function: &str, outcome: &_| watcher.answered(function, outcome);
    let ended = session::run(&running, work, interrupted, answered).await;
    let stopped = tokio::time::timeout(STOP_MAX, running.stop()).await;
    let by_force = || {
        tell(format_args!(
            "{}: not all invocations ended within {} s; they were ended by force; with --checkpoints their records come again",
            style::warning("warning"),
            start::GRACE.as_secs()
        ));
    };
    let bill = match stopped {
        Err(_) => {
            by_force();
            None
        }
        Ok(Remains { saved, bill }) => {
            if !saved.map_err(Failure::outside)? {
                by_force();
            }
            bill
        }
    };
    Ok((ended?, bill))
}

/// Whether the answer is "no", with a word about why.
fn verdict(summary: &Summary, ended: Ended) -> Exit {
    if ended.interrupted {
        tell("interrupted");
    }
    let discarded = summary.discarded();
    if discarded > 0 {
        tell(format_args!("{}: {}", style::error("discarded"), counted(discarded, "record")));
    }
    if ended.failed > 0 {
        tell(format_args!("{}: {}", style::error("failed"), counted(ended.failed, "invocation")));
    }
    if discarded > 0 || ended.failed > 0 { Exit::No } else { Exit::Fine }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_lambda::happening::Happening;

    #[test]
    fn what_was_discarded_or_failed_is_a_no() {
        let fine = Summary::default();
        let mut lost = Summary::default();
        lost.see(&Happening::Discarded {
            mapping: "count/Orders".into(),
            shard: None,
            records: 1,
            condition: "RecordAgeExceeded",
            destination: None,
        });
        let failed = Ended { failed: 1, interrupted: false };
        assert_eq!(verdict(&fine, Ended::default()), Exit::Fine);
        assert_eq!(verdict(&fine, Ended { failed: 0, interrupted: true }), Exit::Fine);
        assert_eq!(verdict(&fine, failed), Exit::No);
        assert_eq!(verdict(&lost, Ended::default()), Exit::No);
    }
}
