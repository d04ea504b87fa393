//! The checkpoint file, as it is stored. A change of this form needs a new version and a fixture of the old one.

use super::super::lineage::{Known, ShardProgress};
use super::{CheckpointError, MappingProgress};
use crate::arn::Arn;
use crate::stream::{SequenceNumber, Start};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The version that is written and read.
pub(super) const VERSION: u64 = 1;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileV1 {
    version: u64,
    mappings: BTreeMap<String, MappingV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingV1 {
    stream: String,
    /// When the stream was made.
    created: String,
    shards: BTreeMap<String, ShardV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShardV1 {
    /// `TRIM_HORIZON`, or the time of the first record.
    start: String,
    learned: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
}

const TRIM_HORIZON: &str = "TRIM_HORIZON";

pub(super) fn write(mappings: &BTreeMap<String, MappingProgress>) -> String {
    let mapping = |(name, mapping): (&String, &MappingProgress)| {
        let shards = mapping.shards.iter().map(|(id, shard)| (id.to_string(), stored(shard)));
        let stream = mapping.stream.as_str().to_owned();
        let created = mapping.created.to_string();
        (name.clone(), MappingV1 { stream, created, shards: shards.collect() })
    };
    let file = FileV1 { version: VERSION, mappings: mappings.iter().map(mapping).collect() };
    // Maps with texts as keys can always be written.
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

pub(super) fn read(
    bytes: &[u8],
    path: &Path,
) -> Result<BTreeMap<String, MappingProgress>, CheckpointError> {
    let damaged = |source| CheckpointError::Damaged { path: path.to_owned(), source };
    let AnyVersion { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    if version != VERSION {
        return Err(CheckpointError::Version { path: path.to_owned(), found: version });
    }
    let file: FileV1 = serde_json::from_slice(bytes).map_err(damaged)?;
    let mut mappings = BTreeMap::new();
    for (name, mapping) in file.mappings {
        let mut shards = Known::new();
        for (id, shard) in mapping.shards {
            shards.insert(id.into(), loaded(&shard).map_err(damaged)?);
        }
        let stream = Arn::new(&mapping.stream);
        let created = time(&mapping.created).map_err(damaged)?;
        mappings.insert(name, MappingProgress { stream, created, shards });
    }
    Ok(mappings)
}

fn stored(shard: &ShardProgress) -> ShardV1 {
    let start = match &shard.start {
        Start::AtTimestamp(moment) => moment.to_string(),
        // A number is never a mapping's start; were it one, no record would be lost from the oldest on.
        Start::TrimHorizon | Start::At(_) | Start::After(_) => TRIM_HORIZON.to_owned(),
        Start::Latest => shard.learned.to_string(),
    };
    ShardV1 {
        start,
        learned: shard.learned.to_string(),
        position: shard.position.as_ref().map(|number| number.as_str().to_owned()),
        ended: shard.ended,
    }
}

fn loaded(shard: &ShardV1) -> Result<ShardProgress, serde_json::Error> {
    let start = match shard.start.as_str() {
        TRIM_HORIZON => Start::TrimHorizon,
        moment => Start::AtTimestamp(time(moment)?),
    };
    let position = shard.position.as_deref().map(number).transpose()?;
    Ok(ShardProgress { start, learned: time(&shard.learned)?, position, ended: shard.ended })
}

fn time(text: &str) -> Result<Timestamp, serde_json::Error> {
    let error = |error| {
        serde::de::Error::custom(format!(
            "`{text}` is no time such as 2026-01-05T10:00:00Z: {error}"
        ))
    };
    text.parse().map_err(error)
}

fn number(text: &str) -> Result<SequenceNumber, serde_json::Error> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        Ok(SequenceNumber::new(text))
    } else {
        Err(serde::de::Error::custom(format!("`{text}` is no sequence number")))
    }
}
