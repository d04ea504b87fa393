//! What documents show of a terminal is what happens: their `console` blocks are typed again, and must answer the same.
//!
//! A document is one session in one folder, from top to bottom. A block is a file if `<!-- file: NAME -->` stands before it. In a `console` block `$ ` begins a
//! command, `^C` stops the `dev` that runs, and what stands under either is its answer; lines before the first are what `dev` says next. A line `...` stands
//! for lines that are left out, a time for any time, and the address of `dev` for the one it listens on here.

mod script;
mod session;
mod shell;

use super::super::source::read;
use super::Sandbox;
use script::{Step, steps};
use session::Session;

/// Types what a document shows.
fn walk(document: &str) {
    let name = document.replace(['/', '.'], "_");
    let steps = steps(&read(document));
    let commands = steps.iter().filter(|step| matches!(step, Step::Command { .. })).count();
    assert!(commands > 3, "{document} has too few commands: {commands}");
    let mut session = Session::new(Sandbox::new(&name));
    for step in steps {
        let place = format!("{document}:{}", step.line());
        session.take(step).unwrap_or_else(|problem| panic!("{place}: {problem}"));
    }
}

#[test]
fn the_first_run_is_as_shown() {
    walk("docs/first-run.md");
}

#[test]
fn the_tutorial_is_as_shown() {
    walk("docs/tutorial.md");
}
