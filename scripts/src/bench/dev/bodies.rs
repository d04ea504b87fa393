//! The events of a file as bodies of pushes: as they stand there, but with the time of now, as if they had just happened.
//!
//! After the last comes the first again, under another id and for another order: so there are always more.

use crate::time::rfc3339;
use anyhow::{Context, ensure};
use bytes::Bytes;
use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const ID: &str = r#""id":""#;
const TIME: &str = r#""time":""#;
const ORDER: &str = r#""order_id":"o-"#;
/// How long a time is in the file.
const TIME_BYTES: usize = "2026-01-05T10:00:00.000Z".len();
/// So many letters of an id, of the random ones, say how often the file was begun.
const PASS_BYTES: usize = 4;

/// Events, in the order in which they are pushed.
#[derive(Debug)]
pub(super) struct Events {
    text: String,
    lines: Vec<Line>,
}

/// Where a line stands, and what is replaced in it.
#[derive(Clone, Debug)]
struct Line {
    all: Range<usize>,
    id: usize,
    time: usize,
    order: usize,
}

impl Events {
    /// Reads a file of the benchmark's events.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).context("reading the events failed")?;
        Self::of(text)
    }

    fn of(text: String) -> anyhow::Result<Self> {
        let (mut lines, mut start) = (Vec::new(), 0);
        for line in text.split_inclusive('\n') {
            let behind = |name: &str| {
                let at = line.find(name).with_context(|| format!("an event has no {name}"))?;
                anyhow::Ok(start + at + name.len())
            };
            let (id, time, order) = (behind(ID)?, behind(TIME)?, behind(ORDER)?);
            ensure!(id < time && time < order, "an event has another order than the others");
            lines.push(Line { all: start..start + line.trim_end().len(), id, time, order });
            start += line.len();
        }
        ensure!(!lines.is_empty(), "there are no events");
        Ok(Self { text, lines })
    }

    /// Some of them as a batch of `CloudEvents`, a single one as itself.
    pub(super) fn body(&self, events: Range<usize>) -> anyhow::Result<Bytes> {
        let now = now()?;
        let is_batch = events.len() > 1;
        let mut body = Vec::new();
        for number in events {
            if is_batch {
                body.push(if body.is_empty() { b'[' } else { b',' });
            }
            let count = self.lines.len();
            let line = self.lines.get(number % count).context("there are no events")?;
            body.reserve(line.all.len() + 1);
            let pass = format!("{:04x}", number / count);
            let text = |part: Range<usize>| self.text.get(part).unwrap_or_default();
            for part in [
                text(line.all.start..line.id),
                &pass,
                text(line.id + PASS_BYTES..line.time),
                &now,
                text(line.time + TIME_BYTES..line.order),
                &pass,
                text(line.order + PASS_BYTES..line.all.end),
            ] {
                body.extend_from_slice(part.as_bytes());
            }
        }
        if is_batch {
            body.push(b']');
        }
        Ok(Bytes::from(body))
    }

    /// How many of the first ones are copies of others before them.
    pub(super) fn copies(&self, first: usize) -> usize {
        let copies = |lines: &[Line]| {
            let ids = lines.iter().map(|line| self.text.get(line.id + PASS_BYTES..line.time));
            lines.len() - ids.collect::<HashSet<_>>().len()
        };
        let (passes, rest) = (first / self.lines.len(), first % self.lines.len());
        let whole = if passes > 0 { passes * copies(&self.lines) } else { 0 };
        whole + copies(self.lines.get(..rest).unwrap_or_default())
    }
}

/// The time of now, as it stands in events.
pub(super) fn now() -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    rfc3339(i64::try_from(now.as_millis())?).context("the clock is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::events::write;
    use serde_json::Value;

    #[test]
    fn bodies_are_the_events_of_now_without_end() {
        let mut text = Vec::new();
        write(2_000, &mut text).unwrap();
        let events = Events::of(String::from_utf8(text).unwrap()).unwrap();
        let before = now().unwrap();
        let all: Vec<Value> = serde_json::from_slice(&events.body(0..5_000).unwrap()).unwrap();
        assert_eq!(all.len(), 5_000);
        assert!(all.iter().all(|event| event["time"].as_str().unwrap() >= before.as_str()));
        for count in [700, 2_000, 5_000] {
            let ids: HashSet<_> = all[..count].iter().map(|event| event["id"].as_str()).collect();
            assert_eq!(events.copies(count), count - ids.len(), "of {count}");
        }
        assert_ne!(all[0]["data"]["order_id"], all[2_000]["data"]["order_id"]);
        let single = events.body(1_999..2_000).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&single).unwrap()["id"], all[1_999]["id"]);
    }

    #[test]
    fn what_is_no_event_of_the_benchmark_is_refused() {
        assert!(Events::of("{}\n".to_owned()).is_err());
        assert!(Events::of(String::new()).is_err());
    }
}
