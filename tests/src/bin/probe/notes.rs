//! What the environment says, and the files in which the probe writes down what it met.

use crate::answer::Reporting;
use crate::deeds::Asked;
use crate::event::Item;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One mebibyte.
const MEBIBYTE: usize = 1024 * 1024;

/// The probe's settings and open files.
#[derive(Debug)]
pub(crate) struct Notes {
    journal: Option<File>,
    events: Option<File>,
    counts: Option<PathBuf>,
    memory: Mutex<Vec<Vec<u8>>>,
    /// Deeds by id, for records that ask for nothing.
    pub(crate) deeds: BTreeMap<String, Asked>,
    /// What is done before the first event.
    pub(crate) init: Option<Asked>,
    /// The point at which the simulator is asked for each record.
    pub(crate) point: Option<String>,
    /// How failed records are told.
    pub(crate) reporting: Reporting,
}

/// What names this environment.
pub(crate) fn token() -> String {
    variable("AWS_SESSION_TOKEN").unwrap_or_else(|| "-".to_owned())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{name} is not understood: {error}"))
}

fn appended(path: &Path) -> Result<File, String> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| format!("{} could not be opened: {error}", path.display()))
}

impl Notes {
    pub(crate) fn from_environment() -> Result<Self, String> {
        let file = |name| variable(name).map(|path| appended(Path::new(&path))).transpose();
        let deeds = variable("PROBE_DO").map(|text| json("PROBE_DO", &text)).transpose()?;
        let reporting =
            variable("PROBE_REPORT").map(|name| json("PROBE_REPORT", &format!("{name:?}")));
        Ok(Self {
            journal: file("PROBE_JOURNAL")?,
            events: file("PROBE_EVENTS")?,
            counts: variable("PROBE_COUNTS").map(PathBuf::from),
            memory: Mutex::default(),
            deeds: deeds.unwrap_or_default(),
            init: variable("PROBE_INIT").map(|text| json("PROBE_INIT", &text)).transpose()?,
            point: variable("PROBE_POINT"),
            reporting: reporting.transpose()?.unwrap_or_default(),
        })
    }

    /// Writes the line of a record: one write, so that lines of several processes do not mix.
    pub(crate) fn journal(&self, request: &str, item: &Item) -> Result<(), String> {
        let shard = item.shard.as_deref().unwrap_or("-");
        let sequence = item.identifier.as_deref().unwrap_or("-");
        let line = || format!("{} {request} {shard} {sequence} {}\n", token(), item.id());
        write(self.journal.as_ref(), line)
    }

    /// Writes an event down. A line break in it stands between its parts, where a space says the same.
    pub(crate) fn keep_event(&self, event: &str) -> Result<(), String> {
        write(self.events.as_ref(), || event.replace(['\n', '\r'], " ") + "\n")
    }

    /// Whether a deed is still to be done for an id, which counts as met by this question.
    pub(crate) fn is_due(&self, id: &str, times: Option<u64>) -> Result<bool, String> {
        let Some(times) = times else { return Ok(true) };
        let folder = self.counts.as_ref().ok_or("`times` needs PROBE_COUNTS to name a folder")?;
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut file = appended(&folder.join(id))?;
        let met = file.metadata().map_err(|error| format!("the count of {id}: {error}"))?.len();
        file.write_all(b".").map_err(|error| format!("the count of {id}: {error}"))?;
        Ok(met < times)
    }

    /// Takes memory, touches all of it and keeps it.
    pub(crate) fn keep_memory(&self, mebibytes: usize) {
        let taken = vec![1; mebibytes * MEBIBYTE];
        if let Ok(mut memory) = self.memory.lock() {
            memory.push(taken);
        }
    }
}

fn write(file: Option<&File>, line: impl FnOnce() -> String) -> Result<(), String> {
    match file {
        Some(mut file) => file
            .write_all(line().as_bytes())
            .map_err(|error| format!("a line could not be written down: {error}")),
        None => Ok(()),
    }
}
