//! `dead-letters`: what could not be counted or delivered, why, and what can be done about it.
//!
//! The modules, in the order in which a letter meets them:
//!
//! 1. [`stack`]: the table, the bucket and the streams. Without the feature `aws` there are none.
//! 2. [`find`]: the logs and documents that hold letters; [`given_up`] reads what Lambda writes.
//! 3. [`letter`]: a letter, its name, and which are wanted.
//! 4. [`list`]: letters as tables and as JSON.
//! 5. [`judge`]: what becomes of each if it is replayed; [`replay`] does it.

mod find;
mod given_up;
mod judge;
mod letter;
mod list;
mod replay;
mod stack;

use crate::arguments::{DeadLettersArguments, DeadLettersCommand, ListOutput, Wanted};
use crate::exit::{Exit, Failure};
use crate::sdk;
use crate::style::tell;
use anstream::stdout;
use letter::Filter;
use stack::Stack;
use std::io::Write;

/// Does what is asked.
pub(super) fn run(arguments: &DeadLettersArguments) -> Result<Exit, Failure> {
    sdk::check("`dead-letters`")?;
    let runtime = sdk::runtime()?;
    let wanted = match &arguments.command {
        DeadLettersCommand::List { wanted, .. } | DeadLettersCommand::Show { wanted, .. } => wanted,
        DeadLettersCommand::Replay(replay) => &replay.wanted,
    };
    runtime.block_on(async {
        let stack = stack::open(wanted).await?;
        answer(&stack, wanted, &arguments.command).await
    })
}

async fn answer<S: Stack>(
    stack: &S,
    wanted: &Wanted,
    command: &DeadLettersCommand,
) -> Result<Exit, Failure> {
    let mut filter = Filter::new(wanted, stack.now());
    match command {
        DeadLettersCommand::List { limit, output, .. } => {
            let found = find::letters(stack, &filter).await?;
            print(&match output {
                ListOutput::Text => list::text(&found, *limit),
                ListOutput::Json => list::json(&found),
            })?;
            Ok(Exit::Fine)
        }
        DeadLettersCommand::Show { id, .. } => {
            filter.ids = vec![id.clone()];
            let found = find::letters(stack, &filter).await?;
            let Some(letter) = found.first() else {
                tell(format_args!(
                    "there is no dead letter `{id}`; look further back with --since, or name the --bucket"
                ));
                return Ok(Exit::No);
            };
            print(&list::whole(letter))?;
            Ok(Exit::Fine)
        }
        DeadLettersCommand::Replay(arguments) => {
            filter.ids.clone_from(&arguments.ids);
            let (text, exit) = replay::run(stack, &filter, arguments).await?;
            print(&text)?;
            Ok(exit)
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}

#[cfg(test)]
mod tests;
