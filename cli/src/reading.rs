//! Lines of event files on their way to somewhere else: read by a thread of their own, in batches within a limit, so that a slow
//! stream slows reading down and nothing piles up in memory.

use bytes::Bytes;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use streamgauge_local::input::{Input, InputError};
use streamgauge_local::lines::{self, Line};
use tokio::sync::mpsc;

/// Lines of a batch: as many as `PutRecords` takes.
const LINES_AT_ONCE: usize = 500;
/// Bytes after which a batch is not filled further.
const BYTES_AT_ONCE: usize = 1 << 20;
/// Batches that wait.
const BATCHES_MAX: usize = 4;

/// Lines of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// What messages call the input.
    pub(crate) input: Arc<str>,
    /// The lines with their numbers from 1.
    pub(crate) lines: Vec<(u64, Text)>,
    /// Bytes of all inputs, as stored, that were read up to here.
    pub(crate) bytes_read: u64,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// The line without its end.
    Whole(Bytes),
    /// A line that is longer than events may be: its length in bytes.
    TooLong(u64),
}

/// Reads the inputs, one after another, until nobody wants more. After an error nothing comes.
pub(crate) fn start(inputs: Vec<Input>) -> mpsc::Receiver<Result<Batch, InputError>> {
    let (sender, batches) = mpsc::channel(BATCHES_MAX);
    thread::spawn(move || {
        let mut reader = Reader { sender, batch: Vec::new(), bytes: 0, bytes_read: 0 };
        let mut before = 0;
        for input in inputs {
            match reader.read(input, before) {
                Ok(ControlFlow::Continue(())) => before = reader.bytes_read,
                Ok(ControlFlow::Break(())) => return,
                // Who no longer listens has ended the run.
                Err(error) => return drop(reader.sender.blocking_send(Err(error))),
            }
        }
    });
    batches
}

struct Reader {
    sender: mpsc::Sender<Result<Batch, InputError>>,
    batch: Vec<(u64, Text)>,
    bytes: usize,
    bytes_read: u64,
}

impl Reader {
    /// Reads an input; breaks off when nobody wants more. `before` were read of the inputs before it.
    fn read(&mut self, input: Input, before: u64) -> Result<ControlFlow<()>, InputError> {
        let name: Arc<str> = input.name().into();
        let read = lines::each(input, |place, line| {
            self.bytes_read = before + place.bytes_read;
            let text = match line {
                Line::Whole(text) => {
                    self.bytes += text.len();
                    Text::Whole(Bytes::copy_from_slice(text))
                }
                Line::TooLong(length) => Text::TooLong(length),
            };
            self.batch.push((place.number, text));
            if self.batch.len() < LINES_AT_ONCE && self.bytes < BYTES_AT_ONCE {
                return ControlFlow::Continue(());
            }
            self.hand_over(&name)
        });
        // What was read before an error is good.
        let rest =
            if self.batch.is_empty() { ControlFlow::Continue(()) } else { self.hand_over(&name) };
        read.map(|()| if self.sender.is_closed() { ControlFlow::Break(()) } else { rest })
    }

    fn hand_over(&mut self, input: &Arc<str>) -> ControlFlow<()> {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.batch);
        let batch = Batch { input: Arc::clone(input), lines, bytes_read: self.bytes_read };
        match self.sender.blocking_send(Ok(batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs in batches, `input: number=line ...`, and whether it ended with an error.
    async fn check(inputs: Vec<Input>, expect: &[&str], fails: bool) {
        let mut batches = start(inputs);
        let (mut told, mut failed) = (Vec::new(), false);
        while let Some(batch) = batches.recv().await {
            let Ok(batch) = batch else {
                failed = true;
                continue;
            };
            let lines = batch.lines.iter().map(|(number, text)| match text {
                Text::Whole(text) => format!(" {number}={}", String::from_utf8_lossy(text)),
                Text::TooLong(length) => format!(" {number} has {length}"),
            });
            told.push(format!(
                "{}:{} at {}",
                batch.input,
                lines.collect::<String>(),
                batch.bytes_read
            ));
        }
        assert_eq!(
            (told.iter().map(String::as_str).collect::<Vec<_>>(), failed),
            (expect.to_vec(), fails)
        );
    }

    fn input(name: &str, text: &str) -> Input {
        Input::bytes(name, text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn inputs_come_one_after_another_and_their_bytes_add_up() {
        let inputs = vec![input("a", "1\n\n2\n"), input("b", ""), input("c", "3")];
        check(inputs, &["a: 1=1 3=2 at 5", "c: 1=3 at 6"], false).await;
    }

    #[tokio::test]
    async fn a_long_line_is_told_and_what_stands_behind_it_comes() {
        let text = format!("1\n{}\n3\n", "x".repeat(11 << 20));
        let mut batches = start(vec![input("a", &text)]);
        let batch = batches.recv().await.unwrap().unwrap();
        assert_eq!(batch.lines.get(1), Some(&(2, Text::TooLong(11 << 20))));
        assert_eq!(batch.lines.len(), 3);
    }

    #[tokio::test]
    async fn batches_are_bounded_in_lines_and_in_bytes() {
        let mut batches = start(vec![input("a", &"x\n".repeat(501))]);
        let mut lengths = Vec::new();
        while let Some(batch) = batches.recv().await {
            lengths.push(batch.unwrap().lines.len());
        }
        assert_eq!(lengths, [500, 1]);
        let line = format!("{}\n", "x".repeat(600 << 10));
        let first = start(vec![input("a", &line.repeat(3))]).recv().await;
        assert_eq!(first.unwrap().unwrap().lines.len(), 2);
    }

    #[tokio::test]
    async fn what_was_read_before_an_error_comes_before_it() {
        let mut packed = Vec::new();
        packed.extend_from_slice(b"\x1f\x8b damaged");
        let inputs = vec![input("a", "1\n"), Input::bytes("b.gz", packed), input("c", "3\n")];
        check(inputs, &["a: 1=1 at 2"], true).await;
    }
}
