//! `silence`: quiet times that people add to a stack, and end.
//!
//! 1. [`matching`]: what is silenced, and what of it the rules in force do not know.
//! 2. [`list`]: silences as a table and as JSON.

mod list;
mod matching;

use crate::arguments::{AddSilence, SilenceArguments, SilenceCommand, SilenceOutput};
use crate::exit::{Exit, Failure};
use crate::sdk;
use crate::style::{self, tell};
use crate::{control_log, moment, rules};
use anstream::stdout;
use std::io::Write;
use streamgauge_engine::notify::rules::Silence;
use streamgauge_engine::time::{Length, Timestamp};
use streamgauge_pipeline::control::{SilenceId, add_silence, end_silence, silences};
use streamgauge_pipeline::port::log::Log;

/// Does what is asked.
pub(super) fn run(arguments: &SilenceArguments) -> Result<Exit, Failure> {
    sdk::check("`silence`")?;
    let table = match &arguments.command {
        SilenceCommand::Add(add) => &add.table,
        SilenceCommand::List { table, .. } | SilenceCommand::End { table, .. } => table,
    };
    sdk::runtime()?.block_on(async {
        let (log, now) = control_log::open(table, "silence").await?;
        let said = answer(&log, &arguments.command, now).await?;
        for line in said.told {
            tell(line);
        }
        let written = stdout().lock().write_all(said.printed.as_bytes());
        written.map_err(|error| Failure::output(&error))?;
        Ok(Exit::Fine)
    })
}

/// What a command answers.
#[derive(Debug, Default)]
struct Answer {
    /// On standard output.
    printed: String,
    /// On standard error.
    told: Vec<String>,
}

async fn answer(
    log: &impl Log,
    command: &SilenceCommand,
    now: Timestamp,
) -> Result<Answer, Failure> {
    match command {
        SilenceCommand::Add(arguments) => add(log, arguments, now).await,
        SilenceCommand::List { all, output, .. } => {
            control_log::control(log).await?;
            let silences = silences(log).await.map_err(|error| control_log::unreadable(&error))?;
            let shown: Vec<_> =
                if *all { silences.all().collect() } else { silences.active(now).collect() };
            let printed = match output {
                SilenceOutput::Table => list::table(&shown, now, *all),
                SilenceOutput::Json => list::json(&shown, now),
            };
            Ok(Answer { printed, ..Answer::default() })
        }
        SilenceCommand::End { author, id, .. } => {
            let wrong = |error| Failure::wrong(format!("`{id}` names no silence")).because(&error);
            let id: SilenceId = id.parse().map_err(wrong)?;
            let author = control_log::author(author.as_deref(), rules::environment)?;
            control_log::control(log).await?;
            let ended = end_silence(log, id, &author, now).await;
            ended.map_err(|error| control_log::refused(&error))?;
            let told =
                format!("`{id}` is over; what it kept back and still fires goes out in a minute");
            Ok(Answer { told: vec![told], ..Answer::default() })
        }
    }
}

async fn add(log: &impl Log, arguments: &AddSilence, now: Timestamp) -> Result<Answer, Failure> {
    let AddSilence { alert, matches, lasts, until, from, reason, author, .. } = arguments;
    let matches = matching::read(alert, matches)?;
    let from = from.as_deref().map_or(Ok(now), |text| moment::parse(text, "--from"))?;
    let until = match (until, lasts) {
        (Some(text), _) => moment::parse(text, "--until")?,
        (None, lasts) => from.plus(lasts.unwrap_or_default()),
    };
    let silence = Silence {
        matches,
        from,
        until,
        author: control_log::author(author.as_deref(), rules::environment)?,
        reason: reason.clone(),
    };
    let control = control_log::control(log).await?;
    let unknown = matching::unknown(log, &control, &silence.matches).await?;
    let id = add_silence(log, &silence, now).await.map_err(|error| control_log::refused(&error))?;
    let warning = style::warning("warning");
    let mut told: Vec<_> = unknown.iter().map(|text| format!("{warning}: {text}")).collect();
    let length = Length(until.as_millis() - from.as_millis());
    let shown = matching::show(&silence.matches);
    let shown = style::printable(&shown);
    told.push(format!("{shown} is silent from {from} until {until} ({length})"));
    Ok(Answer { printed: format!("{id}\n"), told })
}

#[cfg(test)]
pub(super) mod tests;
