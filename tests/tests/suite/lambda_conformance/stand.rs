//! A stack that runs, and what its function was given.

use super::watch::Watch;
use super::world::{World, id};
use crate::suite::lambda_runtime::Folder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::Arc;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::simulator::Simulator;
use streamgauge_lambda::stream::SequenceNumber;

/// A stack that runs.
pub(super) struct Stand {
    pub(super) simulator: Simulator<World>,
    pub(super) watch: Arc<Watch>,
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) folder: Folder,
}

/// A line of the journal.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) request: String,
    pub(super) shard: String,
    pub(super) number: SequenceNumber,
    pub(super) id: usize,
}

impl Stand {
    /// The events that the function got, as they came.
    pub(super) fn events(&self) -> Vec<String> {
        let events = std::fs::read_to_string(self.folder.text("events")).unwrap_or_default();
        events.lines().map(str::to_owned).collect()
    }

    /// The events as JSON.
    pub(super) fn documents(&self) -> Vec<Value> {
        self.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    /// The ids of each event's records.
    pub(super) fn batches(&self) -> Vec<String> {
        self.documents().iter().map(|event| words(event, |_| true)).collect()
    }

    /// The ids of the events of one shard.
    pub(super) fn batches_of(&self, shard: &str) -> Vec<String> {
        let is_of = |record: &Value| record["eventID"].as_str().unwrap().starts_with(shard);
        let all = self.documents();
        all.iter().map(|event| words(event, is_of)).filter(|words| !words.is_empty()).collect()
    }

    pub(super) fn journal(&self) -> Vec<Line> {
        let journal = std::fs::read_to_string(self.folder.text("journal")).unwrap_or_default();
        let line = |line: &str| {
            let [_, request, shard, number, id] =
                <[&str; 5]>::try_from(line.split(' ').collect::<Vec<_>>()).unwrap();
            Line {
                request: request.to_owned(),
                shard: shard.to_owned(),
                number: SequenceNumber::new(number),
                id: id.parse().unwrap(),
            }
        };
        journal.lines().map(line).collect()
    }

    /// The ids in the journal.
    pub(super) fn met(&self) -> Vec<usize> {
        self.journal().into_iter().map(|line| line.id).collect()
    }

    /// The documents that came to the queue `lost`, as they came.
    pub(super) async fn lost(&self) -> Vec<String> {
        self.world.bodies("lost").await
    }
}

/// The ids of those records of an event that are meant.
fn words(event: &Value, is_meant: impl Fn(&Value) -> bool) -> String {
    let records = event["Records"].as_array().unwrap().iter().filter(|record| is_meant(record));
    let ids = records.map(|record| match record["kinesis"]["data"].as_str() {
        Some(data) => id(&STANDARD.decode(data).unwrap()).to_string(),
        None => id(record["body"].as_str().unwrap().as_bytes()).to_string(),
    });
    ids.collect::<Vec<_>>().join(" ")
}
