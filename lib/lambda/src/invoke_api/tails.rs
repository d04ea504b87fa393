//! The last lines of functions' logs, for callers who want them with the answer (`X-Amz-Log-Type: Tail`). An observer between the
//! runtime and the one that is really meant.

use crate::happening::{Happening, Observer};
use crate::lock::lock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// How much of a log a caller gets: 4 KB, <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
pub const TAIL_BYTES_MAX: usize = 4 * 1024;
/// Invocations whose logs are kept: those that began last.
const INVOCATIONS_MAX: usize = 256;

/// Keeps the tails and tells the observer behind it. Clones are the same.
#[derive(Clone, Debug)]
pub struct Tails {
    behind: Arc<dyn Observer>,
    kept: Arc<Mutex<VecDeque<Tail>>>,
}

#[derive(Debug)]
struct Tail {
    request_id: Arc<str>,
    text: String,
}

impl Tails {
    /// In front of an observer.
    pub fn before(behind: Arc<dyn Observer>) -> Self {
        Self { behind, kept: Arc::default() }
    }

    /// The end of an invocation's log, which is then forgotten.
    pub(super) fn take(&self, request_id: &str) -> String {
        let mut kept = lock(&self.kept);
        let place = kept.iter().position(|tail| *tail.request_id == *request_id);
        place.and_then(|place| kept.remove(place)).map(|tail| tail.text).unwrap_or_default()
    }

    fn keep(&self, request_id: &Arc<str>, line: &str) {
        let mut kept = lock(&self.kept);
        if !kept.iter().any(|tail| tail.request_id == *request_id) {
            if kept.len() >= INVOCATIONS_MAX {
                kept.pop_front();
            }
            kept.push_back(Tail { request_id: Arc::clone(request_id), text: String::new() });
        }
        if let Some(tail) = kept.iter_mut().rev().find(|tail| tail.request_id == *request_id) {
            tail.text.push_str(line);
            tail.text.push('\n');
            if tail.text.len() > TAIL_BYTES_MAX {
                tail.text = end(&tail.text).to_owned();
            }
        }
    }
}

/// The last [`TAIL_BYTES_MAX`] bytes, less what would begin within a character.
fn end(text: &str) -> &str {
    let first = text.len().saturating_sub(TAIL_BYTES_MAX);
    (first..=text.len()).find_map(|first| text.get(first..)).unwrap_or_default()
}

/// The header's value.
pub(super) fn encoded(tail: &str) -> String {
    STANDARD.encode(tail)
}

impl Observer for Tails {
    fn see(&self, happening: Happening) {
        if let Happening::Log { request_id: Some(request_id), line, .. } = &happening {
            self.keep(request_id, line);
        }
        self.behind.see(happening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::happening::Nobody;

    fn log(tails: &Tails, request_id: &str, line: &str) {
        tails.see(Happening::Log {
            function: "f".into(),
            environment: 1,
            request_id: Some(request_id.into()),
            line: line.to_owned(),
        });
    }

    #[test]
    fn each_invocation_has_its_own_lines_once() {
        let tails = Tails::before(Arc::new(Nobody));
        log(&tails, "a", "1");
        log(&tails, "b", "2");
        log(&tails, "a", "3");
        assert_eq!(tails.take("a"), "1\n3\n");
        assert_eq!(tails.take("a"), "");
        assert_eq!(tails.take("b"), "2\n");
    }

    #[test]
    fn only_the_end_is_kept() {
        let tails = Tails::before(Arc::new(Nobody));
        log(&tails, "a", &"é".repeat(TAIL_BYTES_MAX));
        log(&tails, "a", "end");
        let tail = tails.take("a");
        assert!(tail.len() <= TAIL_BYTES_MAX && tail.len() > TAIL_BYTES_MAX - 2, "{}", tail.len());
        assert!(tail.ends_with("é\nend\n"));
    }

    #[test]
    fn only_the_last_invocations_are_kept() {
        let tails = Tails::before(Arc::new(Nobody));
        for id in 0..=INVOCATIONS_MAX {
            log(&tails, &id.to_string(), "x");
        }
        assert_eq!(tails.take("0"), "");
        assert_eq!(tails.take("1"), "x\n");
    }
}
