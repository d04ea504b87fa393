//! Runs into a stream in memory, on a clock that passes by itself.

use super::*;
use bytes::Bytes;
use std::fs;
use std::future::pending;
use std::path::PathBuf;
use streamgauge_kinesis::put::memory::{MemoryStream, Script};

/// 2026-01-05T10:00:00Z
const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// An event that happened so many seconds after the first of 2020.
fn event(id: u32, second: u32) -> String {
    let time = format!("2020-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
    format!(r#"{{"id":"{id}","source":"s","type":"t","time":"{time}"}}"#)
}

/// A run and what comes of it.
struct Bench {
    stream: MemoryStream,
    keep: PathBuf,
}

impl Bench {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("streamgauge-send-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { stream: MemoryStream::default(), keep: folder.join(test) }
    }

    async fn run(
        &self,
        pace: Pace,
        lines: &[String],
        interrupted: impl Future<Output = ()>,
    ) -> (Sent, Result<(), Failure>) {
        let (sender, batches) = mpsc::channel(100);
        for (place, pair) in (0..).zip(lines.chunks(2)) {
            let texts = pair.iter().map(|line| Text::Whole(Bytes::from(line.clone())));
            let numbered = (place * 2 + 1..).zip(texts).collect();
            let batch = Batch { input: "x".into(), lines: numbered, bytes_read: 0 };
            sender.send(Ok(batch)).await.unwrap();
        }
        drop(sender);
        let plan = Plan {
            lines: Lines::new(None, None).unwrap(),
            pace,
            keep: Keep::new(Some(&self.keep)).unwrap(),
            progress: Progress::new(None),
            record_bytes_max: 200,
            started_at: NOW,
        };
        Session::new(&self.stream, plan).run(batches, interrupted).await
    }

    /// What stands in the stream.
    fn texts(&self) -> Vec<String> {
        let records = self.stream.records();
        records.iter().map(|record| String::from_utf8(record.data().to_vec()).unwrap()).collect()
    }

    /// The lines of the file that was kept, which goes with this.
    fn kept(self) -> Vec<String> {
        let text = fs::read_to_string(&self.keep).unwrap();
        fs::remove_file(&self.keep).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn lines_are_sent_as_they_stand_and_kept() {
    let lines = vec![event(1, 0), "no json".to_owned(), event(2, 9)];
    let bench = Bench::new("as_they_stand");
    let (sent, result) = bench.run(Pace::Unbounded, &lines, pending()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!((sent.tally.accepted, sent.no_events, sent.held), (3, 1, 0));
    assert_eq!(bench.texts(), lines);
    assert_eq!(bench.kept(), lines);
}

#[tokio::test(start_paused = true)]
async fn at_a_speed_events_come_at_their_time_with_the_moment_as_theirs() {
    let lines = [event(1, 0), event(2, 10), event(2, 10), event(3, 60)];
    let bench = Bench::new("speed");
    let (sent, result) = bench.run(Pace::Speed(4), &lines, pending()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent.time, Duration::from_secs(15));
    assert_eq!(sent.behind, Duration::ZERO);
    let expect = ["10:00:00Z", "10:00:02.500Z", "10:00:02.500Z", "10:00:15Z"];
    let expect = [1, 2, 2, 3].iter().zip(expect).map(|(id, time)| {
        format!(r#"{{"id":"{id}","source":"s","type":"t","time":"2026-01-05T{time}"}}"#)
    });
    let expect: Vec<_> = expect.collect();
    assert_eq!(bench.texts(), expect);
    assert_eq!(bench.kept(), expect);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept() {
    let lines: Vec<_> = (0..11).map(|id| event(id, 0)).collect();
    let bench = Bench::new("rate");
    let (sent, _) = bench.run(Pace::Rate(5), &lines, pending()).await;
    assert_eq!((sent.time, sent.tally.calls), (Duration::from_secs(2), 11));
    assert_eq!(bench.kept(), lines);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_accepted_is_kept_and_each_line_once() {
    let lines: Vec<_> = (0..4).map(|id| event(id, 0)).collect();
    let bench = Bench::new("accepted");
    for script in [Script::Fail(vec![0, 2]), Script::LoseAnswer, Script::Throttle] {
        bench.stream.script(Some(script));
    }
    let (sent, result) = bench.run(Pace::Unbounded, &lines, pending()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent.tally.accepted, 4);
    assert!(bench.stream.records().len() > 4);
    let mut kept = bench.kept();
    kept.sort_unstable();
    assert_eq!(kept, lines);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_it_between_calls() {
    let lines: Vec<_> = (0..100).map(|id| event(id, 0)).collect();
    let bench = Bench::new("interrupted");
    let later = tokio::time::sleep(Duration::from_millis(2_100));
    let (sent, result) = bench.run(Pace::Rate(1), &lines, later).await;
    assert!(result.is_ok(), "{result:?}");
    assert!(sent.interrupted);
    assert_eq!((sent.tally.accepted, sent.held), (3, 0));
    assert_eq!(bench.kept(), lines[..3]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_large_is_left_out_and_the_rest_is_sent() {
    let lines = vec![event(1, 0), "x".repeat(201), event(2, 0)];
    let bench = Bench::new("too_large");
    let (sent, result) = bench.run(Pace::Unbounded, &lines, pending()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!((sent.left_out, sent.exit()), (1, crate::exit::Exit::No));
    assert_eq!(bench.kept(), [event(1, 0), event(2, 0)]);
}

fn message(result: Result<(), Failure>) -> String {
    match result {
        Err(Failure::Error { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_refuses_ends_it_and_what_was_sent_is_kept() {
    let lines: Vec<_> = (0..2).map(|id| event(id, 0)).collect();
    let bench = Bench::new("refused");
    bench.stream.script(None);
    bench.stream.script(Some(Script::Refuse));
    let (sent, result) = bench.run(Pace::Rate(1), &lines, pending()).await;
    assert_eq!(message(result), "the stream refuses what is put: as it was told");
    assert_eq!((sent.tally.accepted, sent.held), (1, 1));
    assert_eq!(bench.kept(), lines[..1]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_nothing_is_given_up() {
    let bench = Bench::new("nothing");
    for _ in 0..1_000 {
        bench.stream.script(Some(Script::Throttle));
    }
    let (sent, result) = bench.run(Pace::Unbounded, &[event(1, 0)], pending()).await;
    assert_eq!(message(result), "the stream has taken nothing for 5 minutes: as it was told");
    assert_eq!((sent.tally.accepted, sent.held), (0, 1));
    assert!(bench.kept().is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_than_is_held_is_sent_in_full_calls() {
    let lines: Vec<_> = (0..5_000).map(|id| event(id, 0)).collect();
    let (sender, batches) = mpsc::channel(100);
    let texts = lines.iter().map(|line| Text::Whole(Bytes::from(line.clone())));
    let batch = Batch { input: "x".into(), lines: (1..).zip(texts).collect(), bytes_read: 0 };
    sender.send(Ok(batch)).await.unwrap();
    drop(sender);
    let stream = MemoryStream::default();
    let plan = Plan {
        lines: Lines::new(None, None).unwrap(),
        pace: Pace::Unbounded,
        keep: Keep::default(),
        progress: Progress::new(None),
        record_bytes_max: 1 << 20,
        started_at: NOW,
    };
    let (sent, _) = Session::new(&stream, plan).run(batches, pending()).await;
    assert_eq!((sent.tally.accepted, sent.tally.calls), (5_000, 10));
}
