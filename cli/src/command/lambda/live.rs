//! Live lines on a terminal: one per shard and one per function, and nothing in a pipe.

use crate::style::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use streamgauge_lambda::summary::{FunctionSummary, ShardSummary, Summary};

/// How often lines change: faster than this nobody reads.
const EVERY: Duration = Duration::from_millis(150);
/// Shards that have a line; those that are furthest behind come first.
const SHARDS_SHOWN_MAX: usize = 16;
/// Characters of an error that are shown.
const ERROR_CHARACTERS_MAX: usize = 60;

/// The live lines.
#[derive(Debug)]
pub(super) struct Live {
    /// Where they are of use.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    lines: MultiProgress,
    bars: Vec<ProgressBar>,
    changed: Option<Instant>,
}

impl Live {
    /// Lines on standard error, if it is a terminal and they are `wanted`.
    pub(super) fn new(wanted: bool) -> Self {
        let shown = wanted && std::io::stderr().is_terminal();
        let state = || State { lines: MultiProgress::new(), bars: Vec::new(), changed: None };
        Self { state: shown.then(state) }
    }

    /// Shows how it stands, unless that was done just now.
    pub(super) fn show(&mut self, summary: &Summary) {
        let Some(state) = &mut self.state else { return };
        if state.changed.is_some_and(|changed| changed.elapsed() < EVERY) {
            return;
        }
        state.changed = Some(Instant::now());
        let texts = texts(summary);
        while state.bars.len() < texts.len() {
            let bar = ProgressBar::no_length();
            let bar = match ProgressStyle::with_template("{wide_msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            state.bars.push(state.lines.add(bar));
        }
        while state.bars.len() > texts.len() {
            if let Some(bar) = state.bars.pop() {
                state.lines.remove(&bar);
            }
        }
        for (bar, text) in state.bars.iter().zip(texts) {
            bar.set_message(text);
            bar.tick();
        }
    }

    /// Prints with the lines out of the way.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match &self.state {
            Some(state) => state.lines.suspend(print),
            None => print(),
        }
    }

    /// Takes the lines away.
    pub(super) fn finish(&mut self) {
        if let Some(state) = self.state.take() {
            for bar in &state.bars {
                bar.finish_and_clear();
            }
        }
    }
}

/// The lines for a summary.
fn texts(summary: &Summary) -> Vec<String> {
    let mut shards: Vec<&ShardSummary> =
        summary.shards.values().filter(|shard| !shard.standing.ended).collect();
    // The sort keeps the order of names among equals.
    shards.sort_by_key(|shard| std::cmp::Reverse(shard.standing.behind_ms));
    let more = shards.len().saturating_sub(SHARDS_SHOWN_MAX);
    let mut texts: Vec<String> = shards.into_iter().take(SHARDS_SHOWN_MAX).map(shard).collect();
    if more > 0 {
        texts.push(format!("and {more} shards that are less behind"));
    }
    texts.extend(summary.functions.iter().map(|(name, numbers)| function(name, numbers)));
    texts
}

fn shard(shard: &ShardSummary) -> String {
    let standing = &shard.standing;
    let position = standing.position.as_ref().map_or("-", |position| position.as_str());
    // The first digits are the same for all records of a shard.
    let tail = position.char_indices().rev().nth(11).and_then(|(at, _)| position.get(at..));
    format!(
        "{} {}  at {}  {}.{} s behind  {} waiting  {} in flight  {} retries{}",
        standing.mapping,
        standing.shard,
        tail.unwrap_or(position),
        standing.behind_ms / 1000,
        standing.behind_ms % 1000 / 100,
        standing.waiting,
        standing.in_flight,
        shard.retries,
        error(standing.last_error.as_deref()),
    )
}

fn function(name: &str, numbers: &FunctionSummary) -> String {
    format!(
        "{name}  {} environments  {} invocations  {} errors  {} throttles{}",
        numbers.environments,
        numbers.invocations,
        numbers.errors,
        numbers.throttles,
        error(numbers.last_error.as_deref()),
    )
}

fn error(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| {
        let short: String = printable(text).chars().take(ERROR_CHARACTERS_MAX).collect();
        format!("  last: {short}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_lambda::happening::{Happening, ShardStanding};
    use streamgauge_lambda::stream::SequenceNumber;

    #[test]
    fn shards_that_are_far_behind_come_first_and_the_rest_is_counted() {
        let mut summary = Summary::default();
        for number in 0..18_u64 {
            summary.see(&Happening::Shard(ShardStanding {
                mapping: "count/Orders".into(),
                shard: format!("shardId-{number:02}").into(),
                position: Some(SequenceNumber::new("49568167373333333333")),
                behind_ms: number * 100,
                waiting: 5,
                in_flight: 1,
                ended: number == 17,
                last_error: Some("Boom: \u{1b}x".to_owned()),
            }));
        }
        let texts = texts(&summary);
        assert_eq!(texts.len(), 17);
        assert_eq!(
            texts[0],
            "count/Orders shardId-16  at 373333333333  1.6 s behind  5 waiting  1 in flight  0 retries  last: Boom: \\u{1b}x"
        );
        assert_eq!(texts[16], "and 1 shards that are less behind");
    }
}
