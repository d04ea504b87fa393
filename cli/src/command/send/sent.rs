//! What became of the lines, for people.

use super::event::Event;
use crate::exit::Exit;
use crate::style;
use crate::words::{counted, plural, widen};
use std::path::Path;
use std::time::Duration;
use streamgauge_kinesis::put::planner::Tally;

/// Being behind the pace by less than this is how computers are.
const BEHIND_TOLD: Duration = Duration::from_secs(1);

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// What the stream has accepted, and in how many calls.
    pub(super) tally: Tally,
    /// Lines that were due and are not accepted.
    pub(super) held: usize,
    /// Lines that the stream would not take.
    pub(super) left_out: u64,
    /// Lines that are no events, which were sent all the same.
    pub(super) no_events: u64,
    /// Lines without the field that was to be the key.
    pub(super) without_key: u64,
    /// How far behind its pace an event was sent at most.
    pub(super) behind: Duration,
    /// How long it took.
    pub(super) time: Duration,
    /// Somebody did not want to wait.
    pub(super) interrupted: bool,
}

impl Sent {
    /// An event is on its way, so long after it was due.
    pub(super) fn offered(&mut self, event: &Event, behind: Duration) {
        self.no_events += u64::from(event.happened.is_none());
        self.without_key += u64::from(event.lacks_key);
        self.behind = self.behind.max(behind);
    }

    /// The answer of the command.
    pub(super) fn exit(&self) -> Exit {
        if self.left_out > 0 { Exit::No } else { Exit::Fine }
    }

    /// All that is to be told, a line each.
    pub(super) fn lines(&self, stream: &str, keep: Option<&Path>, is_paced: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if self.interrupted {
            lines.push("interrupted".to_owned());
        }
        lines.push(self.total(stream));
        let warning = style::warning("warning");
        let Tally { sent_again, copies, .. } = self.tally;
        if sent_again > 0 {
            let copies = match copies {
                0 => String::new(),
                _ => format!(
                    "; {copies} of these may stand in it twice, as copies that deduplication finds"
                ),
            };
            lines.push(format!("{}{copies}", again(sent_again)));
        }
        if self.held > 0 {
            let held = counted(widen(self.held), "event");
            lines.push(format!("{warning}: {held} may not have been sent"));
        }
        if self.left_out > 0 {
            lines.push(format!("{}: {}", style::error("left out"), counted(self.left_out, "line")));
        }
        if self.no_events > 0 {
            let lines_of = counted(self.no_events, "line");
            lines.push(format!("{warning}: {lines_of} cannot be read as events; sent as written"));
        }
        if self.without_key > 0 {
            let lines_of = counted(self.without_key, "line");
            lines.push(format!("{warning}: {lines_of} without the field of --key, or with none that can be a key; the hash of their identity is the key"));
        }
        if is_paced && self.behind >= BEHIND_TOLD {
            let behind = seconds(self.behind);
            lines.push(format!("{warning}: up to {behind} behind the pace that was asked for"));
        }
        if let Some(keep) = keep {
            lines.push(format!(
                "  all that was sent is in {}",
                style::printable(&keep.display().to_string())
            ));
        }
        lines
    }

    /// `10000 events sent to the stream `orders` in 12.3 s, 812 a second`
    fn total(&self, stream: &str) -> String {
        let Tally { accepted, calls, .. } = self.tally;
        let noun = plural(accepted, "event");
        let milliseconds = self.time.as_millis().max(1);
        let rate = u128::from(accepted) * 1_000 / milliseconds;
        let (count, stream) = (style::bold(accepted), style::printable(stream));
        let (time, calls) = (seconds(self.time), counted(calls, "call"));
        format!(
            "{count} {noun} sent to the stream `{stream}` in {time}, {rate} a second, in {calls}"
        )
    }
}

fn again(count: u64) -> String {
    match count {
        1 => "1 record was sent again".to_owned(),
        count => format!("records were sent again {count} times"),
    }
}

/// `12.3 s`
fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sent: &Sent, expect: &[&str]) {
        let lines = sent.lines("orders", Some(Path::new("sent.ndjson")), true);
        let lines = lines.iter().map(|line| anstream::adapter::strip_str(line).to_string());
        assert_eq!(lines.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_run_without_trouble_is_two_lines() {
        let tally = Tally { accepted: 10_000, calls: 20, ..Tally::default() };
        let sent = Sent { tally, time: Duration::from_millis(12_345), ..Sent::default() };
        check(
            &sent,
            &[
                "10000 events sent to the stream `orders` in 12.3 s, 810 a second, in 20 calls",
                "  all that was sent is in sent.ndjson",
            ],
        );
        assert_eq!(sent.exit(), Exit::Fine);
    }

    #[test]
    fn all_troubles_are_told() {
        let sent = Sent {
            tally: Tally { accepted: 1, calls: 1, sent_again: 7, copies: 3 },
            held: 2,
            left_out: 1,
            no_events: 1,
            without_key: 4,
            behind: Duration::from_secs(2),
            time: Duration::ZERO,
            interrupted: true,
        };
        check(
            &sent,
            &[
                "interrupted",
                "1 event sent to the stream `orders` in 0.0 s, 1000 a second, in 1 call",
                "records were sent again 7 times; 3 of these may stand in it twice, as copies that deduplication finds",
                "warning: 2 events may not have been sent",
                "left out: 1 line",
                "warning: 1 line cannot be read as events; sent as written",
                "warning: 4 lines without the field of --key, or with none that can be a key; the hash of their identity is the key",
                "warning: up to 2.0 s behind the pace that was asked for",
                "  all that was sent is in sent.ndjson",
            ],
        );
        assert_eq!(sent.exit(), Exit::No);
    }
}
