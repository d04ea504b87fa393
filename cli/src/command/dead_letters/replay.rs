//! Replaying letters: says what would be done, or does it.

use super::judge::{Fate, Judge};
use super::letter::{Filter, Held, HeldPoint, Letter};
use super::stack::Stack;
use super::{find, list};
use crate::arguments::ReplayLetters;
use crate::exit::{Exit, Failure};
use crate::rules;
use crate::style::{self, tell};
use crate::words::{counted, widen};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_engine::plan::Plan;
use streamgauge_kinesis::put::planner::Limits;
use streamgauge_kinesis::put::putter::put_all;
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_pipeline::control::{Control, give_back, letters_given_back};
use streamgauge_pipeline::deliver::DeadPoint;
use streamgauge_pipeline::deliver::lane::Cursor;
use streamgauge_pipeline::port::Partition;

/// How long records may take to be put.
const PUT_TIME_MAX: Duration = Duration::from_mins(5);

/// What is to be done, and how many letters are left for which reason.
#[derive(Debug, Default)]
struct Work {
    records: BTreeMap<String, Vec<PutRecord>>,
    points: BTreeMap<Partition, Vec<(Cursor, DeadPoint)>>,
    left: BTreeMap<String, Vec<String>>,
    /// Some that are left would be done with `--anyway`.
    anyway_helps: bool,
}

/// Replays the letters that are wanted; the text that tells of it.
pub(super) async fn run<S: Stack>(
    stack: &S,
    filter: &Filter,
    arguments: &ReplayLetters,
) -> Result<(String, Exit), Failure> {
    let plan = match arguments.rules.as_slice() {
        [] => None,
        paths => Some(rules::plan(paths)?),
    };
    if let Some(plan) = &plan {
        compare_with_stack(stack, plan).await?;
    }
    let letters = find::letters(stack, filter).await?;
    let mut judge = Judge::new(plan, arguments.to.clone(), arguments.anyway, stack.now());
    for letter in &letters {
        if let Held::Point(HeldPoint { partition, .. }) = letter.held {
            let known = letters_given_back(stack.log(), partition).await;
            judge.know_given_back(partition, known.map_err(|error| control_failed(&error))?);
        }
    }
    let mut work = Work::default();
    // In the order in which they came: the newest letter stands first.
    for letter in letters.iter().rev() {
        work.add(letter, judge.judge(letter));
    }
    let mut text = String::new();
    work.describe(&mut text, arguments.execute);
    if arguments.execute {
        work.execute(stack).await?;
    }
    Ok((text, if work.left.is_empty() { Exit::Fine } else { Exit::No }))
}

/// Tells if the rules are not those that the stack goes by.
async fn compare_with_stack<S: Stack>(stack: &S, plan: &Arc<Plan>) -> Result<(), Failure> {
    let mut control = Control::default();
    control.follow(stack.log()).await.map_err(|error| control_failed(&error))?;
    if control.in_force().last().is_none_or(|in_force| in_force.plan != plan.hash) {
        tell(format_args!(
            "{}: these rules are not those that are in force; what is said of records goes by these",
            style::warning("warning")
        ));
    }
    Ok(())
}

fn control_failed(error: &dyn std::error::Error) -> Failure {
    Failure::outside("could not read or write the log \"control\"").because(error)
}

impl Work {
    fn add(&mut self, letter: &Letter, fate: Fate) {
        let why = match fate {
            Fate::Put { stream, record } => {
                return self.records.entry(stream).or_default().push(record);
            }
            Fate::GiveBack(partition, place, dead) => {
                return self.points.entry(partition).or_default().push((place, *dead));
            }
            Fate::Leave(why) => why,
            Fate::LeaveUnlessAnyway(why) => {
                self.anyway_helps = true;
                why
            }
        };
        self.left.entry(why).or_default().push(letter.id.clone());
    }

    /// What is done, or would be.
    fn describe(&self, text: &mut String, executes: bool) {
        let mut line = |told: String| style::push(text, format_args!("{told}\n"));
        let would = if executes { "" } else { "would be " };
        for (stream, records) in &self.records {
            let records = counted(widen(records.len()), "record");
            line(format!("{records} {would}put on the stream `{}`", style::printable(stream)));
        }
        for (partition, letters) in &self.points {
            let points = counted(widen(letters.len()), "point");
            line(format!(
                "{points} {would}given back to the lane of partition {}",
                partition.number()
            ));
        }
        for (why, ids) in &self.left {
            let shown = list::some(ids);
            line(format!("{} left: {}: {shown}", ids.len(), style::printable(why)));
        }
        let is_idle = self.records.is_empty() && self.points.is_empty();
        if is_idle && self.left.is_empty() {
            line("no dead letter was found".to_owned());
        } else if !is_idle && !executes {
            line("nothing was done; add --execute to do it".to_owned());
        }
        if self.anyway_helps {
            line("--anyway also replays what may count twice or will not count".to_owned());
        }
    }

    async fn execute<S: Stack>(&mut self, stack: &S) -> Result<(), Failure> {
        for (stream, records) in std::mem::take(&mut self.records) {
            let (port, record_bytes) = stack.stream(&stream).await?;
            let limits = Limits { record_bytes, ..Limits::default() };
            put_all(port, records, limits, PUT_TIME_MAX).await.map_err(|gave_up| {
                Failure::outside(format!("could not put all on the stream `{stream}`"))
                    .because(&gave_up)
                    .hint("run it again: what was put before is found as a copy while it is within `deduplicate`")
            })?;
        }
        for (partition, letters) in std::mem::take(&mut self.points) {
            let given = give_back(stack.log(), partition, &letters).await;
            let given = given.map_err(|error| control_failed(&error))?;
            if given.repeats > 0 {
                let repeats = counted(widen(given.repeats), "point");
                tell(format_args!("somebody else has given back {repeats} of these meanwhile"));
            }
        }
        Ok(())
    }
}
