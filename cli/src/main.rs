//! `streamgauge`: business events in, metrics out, from a rules file and without a server.
//!
//! This crate is the edge: it reads arguments and files, calls the libraries, and is the only one that prints. What a
//! program may want to read (points, problems, results of tests) goes to standard output, all else to standard error.
//!
//! The modules, in the order in which a call meets them:
//!
//! 1. [`arguments`]: what was typed.
//! 2. [`command`]: one file per command.
//! 3. [`moment`]: times as they are typed; [`rules`], [`inputs`], [`reading`]: the rules file, or all that is wrong with it; the
//!    events.
//! 4. [`sdk`]: what commands that call AWS begin with; `stack_table`, with the feature `aws`: the table of a stack; [`control_log`]:
//!    by which people speak to it; [`token`]: what `dev` asks for.
//! 5. [`watched`], [`rejects`], [`summary`]: the events on their way, and what became of them.
//! 6. [`style`], [`words`], [`table`], [`progress`]: what people see.
//! 7. [`exit`]: how a call ends: its code, and its error message if it has one; [`signals`]: somebody wants it to end early.

mod arguments;
mod command;
mod control_log;
mod exit;
mod inputs;
mod moment;
mod progress;
mod reading;
mod rejects;
mod rules;
mod sdk;
mod signals;
#[cfg(feature = "aws")]
mod stack_table;
mod style;
mod summary;
mod table;
mod token;
mod watched;
mod words;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::end(command::run(arguments::Arguments::parse()))
}
