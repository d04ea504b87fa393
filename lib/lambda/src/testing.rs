//! What tests of several modules use: an observer that remembers, faults from a closure, answers, and a folder.

use crate::happening::{Happening, Observer};
use crate::interfere::{Interfere, Interference, Place};
use crate::invoke::{FunctionError, Outcome};
use bytes::Bytes;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// An answer that says nothing: the batch is done.
pub(crate) fn done() -> Outcome {
    Outcome::Answered(Bytes::from_static(b"null"))
}

/// How a function failed.
pub(crate) fn error() -> FunctionError {
    FunctionError {
        handled: false,
        error_type: "Broken".to_owned(),
        message: "it broke".to_owned(),
        payload: Bytes::new(),
    }
}

/// The failure of a function.
pub(crate) fn failed() -> Outcome {
    Outcome::Failed(error())
}

/// Remembers everything, and lets a test wait until something is there.
#[derive(Debug)]
pub(crate) struct Watcher {
    seen: Mutex<Vec<Happening>>,
    count: watch::Sender<usize>,
}

impl Default for Watcher {
    fn default() -> Self {
        Self { seen: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Watcher {
    pub(crate) fn observer(self: &Arc<Self>) -> Arc<dyn Observer> {
        Arc::<Self>::clone(self)
    }

    /// Waits until something was seen.
    pub(crate) async fn until(&self, is_it: impl Fn(&Happening) -> bool) {
        let mut count = self.count.subscribe();
        while !self.seen.lock().unwrap().iter().any(&is_it) {
            count.changed().await.unwrap();
        }
    }

    pub(crate) fn all(&self) -> Vec<Happening> {
        self.seen.lock().unwrap().clone()
    }

    /// What was seen, picked out.
    pub(crate) fn pick<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> Vec<T> {
        self.seen.lock().unwrap().iter().filter_map(pick).collect()
    }

    /// What was done on purpose.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.pick(|happening| match happening {
            Happening::Fault { what } => Some(what.clone()),
            _ => None,
        })
    }

    /// What went wrong outside.
    pub(crate) fn troubles(&self) -> Vec<String> {
        self.pick(|happening| match happening {
            Happening::Trouble { error, .. } => Some(error.clone()),
            _ => None,
        })
    }
}

impl Observer for Watcher {
    fn see(&self, happening: Happening) {
        self.seen.lock().unwrap().push(happening);
        self.count.send_modify(|count| *count += 1);
    }
}

/// Lets go wrong what a closure says.
pub(crate) struct Wrong<F>(pub(crate) F);

impl<F> fmt::Debug for Wrong<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wrong")
    }
}

impl<F: Fn(&Place<'_>) -> Interference + Send + Sync> Interfere for Wrong<F> {
    fn at(&self, place: &Place<'_>) -> Interference {
        self.0(place)
    }
}

/// A folder of its own for a test, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("streamgauge-lambda-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays is the system's to clean up.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
