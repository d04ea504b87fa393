//! A store that cannot be read for now, and one that never can.

use super::*;
use std::sync::Mutex;
use streamgauge_local::store::StoreError;
use streamgauge_pipeline::port::log::{Append, Entry, LogId, Logged, Wanted};

/// A log without entries that fails first, and knows after which entries it was asked.
#[derive(Debug, Default)]
struct Failing {
    errors: Mutex<Vec<Retryable>>,
    asked: Mutex<Vec<Version>>,
}

impl Log for Failing {
    async fn append(&self, _: &LogId, _: Version, _: &Entry) -> Result<Append, Retryable> {
        Ok(Append::Conflict)
    }

    async fn read(
        &self,
        _: &LogId,
        after: Version,
        _: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.asked.lock().unwrap().push(after);
        self.errors.lock().unwrap().pop().map_or_else(|| Ok(Vec::new()), Err)
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_from_the_same_place_and_what_does_not_ends_it() {
    let log = Failing::default();
    log.errors.lock().unwrap().push(Retryable::new("the disk is away"));
    let mut lines = Lines::new(DevOutput::Json, true, Version(7));
    let status = Status::new(DevOutput::Json);
    assert!(lines.finish(&log, &status).await.is_ok());
    assert_eq!(*log.asked.lock().unwrap(), [Version(7), Version(7)]);
    let path = "dev.store".into();
    let damage = StoreError::Damaged { path, source: "torn".into() };
    log.errors.lock().unwrap().push(Retryable::new("it").because(damage));
    assert!(matches!(lines.finish(&log, &status).await, Err(Failure::Error { .. })));
    assert_eq!(log.asked.lock().unwrap().len(), 3);
}
