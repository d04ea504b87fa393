//! Everything that is logged while something is done.

use std::fmt::{Debug, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps all fields of all events and spans, of every level.
#[derive(Clone, Debug, Default)]
struct Keeper(Arc<Mutex<String>>);

impl Visit for Keeper {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        _ = write!(self.0.lock().unwrap(), "{}={value:?} ", field.name());
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Does something, and answers with all that was logged by it.
pub(crate) async fn watched<T>(doing: impl Future<Output = T>) -> (T, String) {
    let keeper = Keeper::default();
    let mut doing = pin!(doing);
    let done = std::future::poll_fn(|context| {
        tracing::subscriber::with_default(keeper.clone(), || match doing.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Pending,
        })
    });
    let done = done.await;
    let logged = keeper.0.lock().unwrap().clone();
    (done, logged)
}
