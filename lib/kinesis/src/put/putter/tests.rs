//! The driver against a stream in memory, on a clock that passes by itself.

use super::*;
use crate::put::memory::{MemoryStream, Script};

fn records(count: usize) -> Vec<PutRecord> {
    let record = |number: usize| PutRecord::new("k", number.to_string().into_bytes()).unwrap();
    (0..count).map(record).collect()
}

const MINUTE: Duration = Duration::from_mins(1);

/// Puts so many records of one key into a stream that does this call by call: the numbers of the records of each call.
async fn check(count: usize, scripts: &[Option<Script>], expect: &[usize]) -> MemoryStream {
    let stream = MemoryStream::default();
    for script in scripts {
        stream.script(script.clone());
    }
    let tally = put_all(&stream, records(count), Limits::default(), MINUTE).await.unwrap();
    assert_eq!(tally.accepted, u64::try_from(count).unwrap());
    assert_eq!(stream.calls().iter().map(Vec::len).collect::<Vec<_>>(), expect);
    stream
}

#[tokio::test(start_paused = true)]
async fn records_go_in_full_calls_and_memory_is_bounded() {
    check(5_000, &[], &[500; 10]).await;
    check(0, &[], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_is_put_again() {
    let scripts = [
        Some(Script::Fail(vec![1])),
        Some(Script::Throttle),
        Some(Script::LoseCall),
        Some(Script::LoseAnswer),
    ];
    let stream = check(3, &scripts, &[3, 2, 2, 2, 2]).await;
    let stands = stream.records().iter().map(|record| record.data().to_vec()).collect::<Vec<_>>();
    assert_eq!(stands, ["0", "2", "1", "2", "1", "2"].map(|number| number.as_bytes().to_vec()));
}

/// Puts five records, two in a call: which are not put when it gives up, whether they may stand in the stream, and why.
async fn check_gave_up(scripts: &[Script], expect: &[(&str, bool)], why: &str) {
    let stream = MemoryStream::default();
    for script in scripts {
        stream.script(Some(script.clone()));
    }
    let limits = Limits { call_records: 2, held_records: 3, ..Limits::default() };
    let gave_up = put_all(&stream, records(5), limits, MINUTE).await.unwrap_err();
    let unsent = gave_up.unsent.iter();
    let unsent = unsent.map(|unsent| (unsent.record.data(), unsent.may_stand));
    let expect = expect.iter().map(|(data, may_stand)| (data.as_bytes(), *may_stand));
    assert_eq!(unsent.collect::<Vec<_>>(), expect.collect::<Vec<_>>());
    assert_eq!(gave_up.to_string(), why);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_in_time_with_what_is_not_put() {
    check_gave_up(
        &[Script::Fail(vec![]), Script::Hang],
        &[("2", true), ("3", true), ("4", false)],
        "3 of the records were not put: the time of 60000 ms is over; last: no call was answered",
    )
    .await;
    let throttled = vec![Script::Throttle; 100];
    check_gave_up(
        &throttled,
        &[("0", false), ("1", false), ("2", false), ("3", false), ("4", false)],
        "5 of the records were not put: the time of 60000 ms is over; last: as it was told",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_at_once_when_the_stream_refuses() {
    check_gave_up(
        &[Script::Fail(vec![]), Script::Refuse],
        &[("2", false), ("3", false), ("4", false)],
        "3 of the records were not put: the stream refuses what is put: as it was told",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_too_large_stops_what_comes_behind_it() {
    let stream = MemoryStream::default();
    let large = PutRecord::new("k", vec![0; 2]).unwrap();
    let limits = Limits { record_bytes: 2, ..Limits::default() };
    let records = records(1).into_iter().chain([large.clone()]);
    let gave_up = put_all(&stream, records, limits, MINUTE).await.unwrap_err();
    assert_eq!(gave_up.unsent.last().map(|unsent| &unsent.record), Some(&large));
    assert!(gave_up.reason.starts_with("a record of 3 bytes"), "{}", gave_up.reason);
}
