//! The commands, one file each.

mod check;
mod completions;
mod dead_letters;
mod deployed;
mod dev;
mod explain;
mod init;
mod lambda;
mod man;
mod replay;
mod send;
mod silence;
mod test;

use crate::arguments::{Arguments, Command};
use crate::exit::{Exit, Failure};

/// Does what was typed.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Send(arguments) => send::run(&arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments),
        Command::Silence(arguments) => silence::run(&arguments),
        Command::Deployed(arguments) => deployed::run(&arguments),
        Command::Lambda(arguments) => lambda::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { dir } => man::run(dir.as_deref()),
    }
}
