//! The checkpoint file: what goes in comes out, and what is wrong with it is said.

use super::*;
use crate::stream::{SequenceNumber, Start};
use crate::testing::Folder;
use jiff::Timestamp;
use std::error::Error;

fn file(folder: &Folder) -> PathBuf {
    folder.file("checkpoints.json")
}

fn stream() -> Arn {
    Arn::stream("eu-west-1", "000000000000", "orders")
}

fn created() -> Timestamp {
    "2026-01-02T08:15:00Z".parse().unwrap()
}

/// Takes down what is known of a mapping's shards.
fn note(checkpoints: &Checkpoints, mapping: &str, shards: Known) {
    checkpoints.begin(mapping, &stream(), created());
    checkpoints.note(mapping, shards);
}

fn moment() -> Timestamp {
    "2026-01-05T10:00:00.25Z".parse().unwrap()
}

fn progress(start: Start, position: Option<&str>, ended: bool) -> ShardProgress {
    let position = position.map(SequenceNumber::new);
    ShardProgress { start, learned: moment(), position, ended }
}

fn known() -> Known {
    Known::from([
        ("shardId-0".into(), progress(Start::TrimHorizon, Some("49"), true)),
        ("shardId-1".into(), progress(Start::TrimHorizon, None, false)),
        ("shardId-2".into(), progress(Start::AtTimestamp(moment()), Some("7"), false)),
    ])
}

/// What is in the file, exactly: an old file must stay readable.
const FILE: &str = r#"{
  "version": 1,
  "mappings": {
    "Aggregate/Orders": {
      "stream": "arn:aws:kinesis:eu-west-1:000000000000:stream/orders",
      "created": "2026-01-02T08:15:00Z",
      "shards": {
        "shardId-0": {
          "start": "TRIM_HORIZON",
          "learned": "2026-01-05T10:00:00.25Z",
          "position": "49",
          "ended": true
        },
        "shardId-1": {
          "start": "TRIM_HORIZON",
          "learned": "2026-01-05T10:00:00.25Z"
        },
        "shardId-2": {
          "start": "2026-01-05T10:00:00.25Z",
          "learned": "2026-01-05T10:00:00.25Z",
          "position": "7"
        }
      }
    }
  }
}
"#;

#[tokio::test]
async fn what_is_saved_is_loaded() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::open(&file(&folder)).unwrap();
    note(&checkpoints, "Aggregate/Orders", known());
    checkpoints.save().await.unwrap();
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), FILE);
    let loaded = Checkpoints::open(&file(&folder)).unwrap();
    assert_eq!(loaded.known("Aggregate/Orders", &stream()).unwrap(), known());
    assert_eq!(loaded.known("Other", &stream()).unwrap(), Known::new());
    let names: Vec<_> =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["checkpoints.json"], "nothing is left beside it");
}

#[test]
fn a_stream_that_is_made_anew_is_another_one() {
    let checkpoints = Checkpoints::in_memory();
    let begin = |created| checkpoints.begin("m", &stream(), created);
    let progress = || checkpoints.known("m", &stream()).unwrap();
    assert_eq!(begin(created()), None);
    checkpoints.note("m", known());
    assert_eq!((begin(created()), progress()), (None, known()));
    assert_eq!((begin(moment()), progress()), (Some(created()), Known::new()));
    assert_eq!(begin(moment()), None);
}

#[tokio::test]
async fn latest_is_saved_as_the_moment_of_the_first_listing() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::open(&file(&folder)).unwrap();
    let shards = Known::from([("shardId-0".into(), progress(Start::Latest, None, false))]);
    note(&checkpoints, "m", shards);
    checkpoints.save().await.unwrap();
    let loaded = Checkpoints::open(&file(&folder)).unwrap().known("m", &stream()).unwrap();
    assert_eq!(loaded["shardId-0"].start, Start::AtTimestamp(moment()));
}

#[tokio::test(start_paused = true)]
async fn the_file_is_written_when_something_moved_and_not_too_often() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::open(&file(&folder)).unwrap();
    checkpoints.save_if_due().await.unwrap();
    assert!(!file(&folder).exists(), "nothing moved");
    note(&checkpoints, "m", known());
    checkpoints.save_if_due().await.unwrap();
    fs::remove_file(file(&folder)).unwrap();
    note(&checkpoints, "m", known());
    checkpoints.save_if_due().await.unwrap();
    assert!(!file(&folder).exists(), "it is too soon");
    tokio::time::advance(SAVE_INTERVAL).await;
    checkpoints.save_if_due().await.unwrap();
    assert!(file(&folder).exists());
}

/// Loads a file and tells the error and its cause.
#[track_caller]
fn check_damaged(text: &str, expect: &str, cause: &str) {
    let folder = Folder::new();
    fs::write(file(&folder), text).unwrap();
    let error = Checkpoints::open(&file(&folder)).unwrap_err();
    let said = error.to_string().replace(&file(&folder).display().to_string(), "FILE");
    assert_eq!(said, expect);
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(source.contains(cause), "{source}");
}

const DAMAGED: &str = "the checkpoints in `FILE` are damaged; put a copy back, or remove the file: shards then begin at their mapping's starting position";

#[test]
fn a_damaged_file_is_a_clear_error() {
    check_damaged("", DAMAGED, "EOF");
    check_damaged(FILE.trim_end().trim_end_matches('}'), DAMAGED, "EOF");
    check_damaged(&FILE.replace("position", "positron"), DAMAGED, "unknown field `positron`");
    check_damaged(&FILE.replace("2026-01-05T10", "yesterday"), DAMAGED, "is no time");
    check_damaged(&FILE.replace("\"49\"", "\"4x\""), DAMAGED, "`4x` is no sequence number");
}

#[test]
fn another_version_is_refused() {
    check_damaged(
        "{\"version\": 2, \"more\": []}",
        "the checkpoints in `FILE` have version 2, and this program reads 1; use the program that wrote them, or remove the file",
        "",
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_and_written_later() {
    let folder = Folder::new();
    let inner = folder.0.join("inner");
    let file = inner.join("checkpoints.json");
    let checkpoints = Checkpoints::open(&file).unwrap();
    note(&checkpoints, "m", known());
    let error = checkpoints.save().await.unwrap_err();
    assert!(error.to_string().contains("check that its folder exists"), "{error}");
    fs::create_dir(&inner).unwrap();
    checkpoints.save().await.unwrap();
    assert!(file.exists());
}

#[test]
fn a_full_disk_is_a_clear_error() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let error = write_error(full, write_synced(full, "text").unwrap_err());
    assert!(matches!(error, CheckpointError::Full { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
}
