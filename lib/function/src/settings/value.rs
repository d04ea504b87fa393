//! The values of variables: each a function from text to what it means, or to the remedy.

use std::path::PathBuf;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};
use streamgauge_pipeline::port::PARTITIONS_MAX;

/// How old a mapping can let records become, in seconds
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>).
const RECORD_AGE_SECONDS_MAX: i64 = 604_800;
/// A shorter limit would give records up that nobody was late for.
const RECORD_AGE_SECONDS_MIN: i64 = 60;

/// Where a mapping begins in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    #[default]
    TrimHorizon,
    /// With what arrived then or later.
    At(Timestamp),
}

/// Where rules are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesPlace {
    /// A file, or a folder of files.
    Path(PathBuf),
    /// An object in a bucket.
    Object {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl Default for RulesPlace {
    fn default() -> Self {
        Self::Path(PathBuf::new())
    }
}

/// The name of a table
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>).
pub(super) fn table(text: &str) -> Result<String, &'static str> {
    if (3..=255).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write the name of a DynamoDB table")
    }
}

/// What stands in the names of tables and streams.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

pub(super) fn partitions(text: &str) -> Result<u8, &'static str> {
    let number = text.parse().ok().filter(|number| (1..=PARTITIONS_MAX).contains(number));
    number.ok_or("write a number from 1 to 64")
}

/// The name of a stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>).
pub(super) fn stack(text: &str) -> Result<String, &'static str> {
    if (1..=128).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write the name of the stack")
    }
}

/// The name of a stream: it stands in its ARN behind the slash.
pub(super) fn stream(text: &str) -> Result<String, &'static str> {
    let name = match text.strip_prefix("arn:") {
        Some(arn) => arn.split_once(":stream/").map(|(_, name)| name),
        None => Some(text),
    };
    let name = name.filter(|name| (1..=128).contains(&name.len()) && name.bytes().all(is_plain));
    name.map(str::to_owned).ok_or("write the name or the ARN of a Kinesis stream")
}

/// Names with commas between them; each once.
pub(super) fn streams(text: &str) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let name = stream(part)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

pub(super) fn start(text: &str) -> Result<Start, &'static str> {
    if text == "TRIM_HORIZON" {
        return Ok(Start::TrimHorizon);
    }
    let time = Timestamp::from_epoch_text(text, true).or_else(|_| Timestamp::parse_rfc3339(text));
    time.map(Start::At).map_err(|_neither| {
        "write `TRIM_HORIZON`, or a time in seconds since 1970 or as 2026-01-05T10:00:00Z; a mapping that begins with LATEST loses records"
    })
}

pub(super) fn age(text: &str) -> Result<Option<Millis>, &'static str> {
    match text.parse() {
        Ok(-1) => Ok(None),
        Ok(seconds @ RECORD_AGE_SECONDS_MIN..=RECORD_AGE_SECONDS_MAX) => {
            Ok(Some(seconds * SECOND_MS))
        }
        _ => Err("write seconds, 60 to 604800, or -1"),
    }
}

pub(super) fn url(text: &str) -> Result<Option<String>, &'static str> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(Some(text.to_owned()))
    } else {
        Err("write the queue's URL, which begins with https://")
    }
}

pub(super) fn yes(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write `yes` or `no`"),
    }
}

pub(super) fn rules(text: &str) -> Result<RulesPlace, &'static str> {
    let Some(object) = text.strip_prefix("s3://") else {
        return Ok(RulesPlace::Path(text.into()));
    };
    match object.split_once('/') {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(RulesPlace::Object { bucket: bucket.to_owned(), key: key.to_owned() })
        }
        _ => Err("write s3://BUCKET/KEY"),
    }
}
