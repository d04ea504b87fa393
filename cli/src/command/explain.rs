//! `explain`: why an alert fired, resolved or was not sent, and what a point is made of.
//!
//! The modules, in the order in which a question meets them:
//!
//! 1. [`wanted`]: which transitions are wanted; [`points`]: which points.
//! 2. [`files`]: event files through the engine. [`log`]: what the logs of a stack recorded, folded
//!    again by [`again`]; [`stack`] opens them. Without the feature `aws` there are none.
//! 3. [`told`]: a transition with all that is known of it.
//! 4. [`text`], [`json`]: the answer for people and for programs.

mod again;
mod files;
mod json;
mod log;
mod points;
mod stack;
mod text;
mod told;
mod wanted;

use crate::arguments::{ExplainArguments, ExplainOutput};
use crate::exit::{Exit, Failure};
use crate::sdk;
use crate::style::tell;
use crate::words::{counted, widen};
use anstream::stdout;
use log::Table;
use points::{FoundPoints, Point, WantedPoints};
use stack::Stack;
use std::io::Write;
use told::{Recomputed, Recorded, Told};
use wanted::{Found, Wanted};

/// Explains what is asked for.
pub(super) fn run(arguments: &ExplainArguments) -> Result<Exit, Failure> {
    let wanted = Wanted::new(arguments)?;
    let points = WantedPoints::new(&arguments.which)?;
    if arguments.table.is_some() {
        sdk::check("`explain --table`")?;
        let runtime = sdk::runtime()?;
        return runtime.block_on(async {
            let stack = stack::open(arguments).await?;
            from_log(&stack, arguments, wanted, points).await
        });
    }
    match points {
        Some(points) => tell_points(arguments, &points, &files::points(arguments, &points)?),
        None => tell_transitions(arguments, &files::transitions(arguments, &wanted)?),
    }
}

/// What the logs of a stack say.
async fn from_log<S: Stack>(
    stack: &S,
    arguments: &ExplainArguments,
    wanted: Wanted,
    points: Option<WantedPoints>,
) -> Result<Exit, Failure> {
    let mut table = Table::read(stack).await?;
    let partitions = table.partitions;
    if let Some(points) = points {
        let mut found_points = log::points(stack, &mut table, &points).await?;
        if !arguments.no_recompute {
            again::points(stack, partitions, &mut found_points.explained).await;
        }
        return tell_points(arguments, &points, &found_points);
    }
    let log::Transitions { mut found, notices, unnamed } =
        log::transitions(stack, &mut table, wanted, arguments.limit).await?;
    if !arguments.no_recompute {
        again::transitions(stack, partitions, &mut found).await;
    }
    if found.told.is_empty() && !notices.is_empty() {
        // The pipeline's own alerts have no transitions: their notifications say all there is.
        for notice in &notices {
            match arguments.output {
                ExplainOutput::Text => print(text::notice(notice).as_bytes())?,
                ExplainOutput::Json => print(&json::notice(notice))?,
            }
        }
        return Ok(Exit::Fine);
    }
    if unnamed > 0 {
        let others = counted(widen(unnamed), "transition");
        tell(format_args!("the notification tells of {others} more, which it does not name"));
    }
    tell_transitions(arguments, &found)
}

fn tell_transitions(arguments: &ExplainArguments, found: &Found) -> Result<Exit, Failure> {
    if found.told.is_empty() {
        tell(format_args!("no such transition was found; {}", found.instead()));
        return Ok(Exit::No);
    }
    for (number, told) in found.told.iter().enumerate() {
        match arguments.output {
            ExplainOutput::Text => print_block(number, &text::transition(told))?,
            ExplainOutput::Json => print(&json::transition(told))?,
        }
    }
    if let Some(note) = text::not_shown(found.told.len(), found.total, "earlier transition") {
        tell(note);
    }
    Ok(exit(found.told.iter().filter_map(Told::recorded)))
}

fn tell_points(
    arguments: &ExplainArguments,
    wanted: &WantedPoints,
    found: &FoundPoints,
) -> Result<Exit, Failure> {
    let explained = &found.explained;
    if explained.is_empty() {
        let (metric, window) = (&wanted.metric, wanted.window);
        tell(format_args!(
            "nothing of that came for `{metric}` in the window that begins at {window}; {}",
            found.instead()
        ));
        return Ok(Exit::No);
    }
    let limit = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    for (number, one) in explained.iter().take(limit).enumerate() {
        match arguments.output {
            ExplainOutput::Text => print_block(number, &text::points(one))?,
            ExplainOutput::Json => print(&json::points(one))?,
        }
    }
    let shown = explained.len().min(limit);
    let total = widen(explained.len());
    if let Some(note) = text::not_shown(shown, total, "further series") {
        tell(note);
    }
    let recorded = explained.iter().flat_map(|one| &one.points).filter_map(Point::recorded);
    if arguments.table.is_some() {
        tell("the logs keep what batches add up to, and no event by itself: --events shows each");
    }
    Ok(exit(recorded))
}

/// Whether all that could be folded again is the same.
fn exit<'r>(recorded: impl Iterator<Item = &'r Recorded>) -> Exit {
    let mut exit = Exit::Fine;
    for one in recorded {
        match one.recomputed {
            Recomputed::Differs(_) => return Exit::No,
            Recomputed::Failed(_) => exit = Exit::Outside,
            Recomputed::No | Recomputed::Same(_) | Recomputed::OutOfReach(_) => {}
        }
    }
    exit
}

/// Prints a block, with an empty line before all but the first.
fn print_block(number: usize, block: &str) -> Result<(), Failure> {
    let before = if number > 0 { "\n" } else { "" };
    print(format!("{before}{block}").as_bytes())
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    stdout().lock().write_all(bytes).map_err(|error| Failure::output(&error))
}

#[cfg(test)]
mod tests;
