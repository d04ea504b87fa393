//! Bodies of requests: bounded, each and all together.
//!
//! What counts is what has come, not what was announced: who announces much and sends slowly takes no room from others.

use super::answer::Denial;
use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A body, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    /// What gives the room back.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Reads a body of so many bytes at most, within a time.
pub(super) async fn read(
    body: Incoming,
    bytes_max: usize,
    room: &Arc<Semaphore>,
    time: Duration,
) -> Result<Held, Denial> {
    let announced = body.size_hint().lower();
    if announced > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large(bytes_max));
    }
    let read = timeout(time, collect(body, bytes_max, room)).await;
    read.unwrap_or_else(|_elapsed| {
        let seconds = time.as_secs();
        Err(Denial::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body did not come within {seconds} s; send it faster, or in several requests"
            ),
        ))
    })
}

async fn collect(
    mut body: Incoming,
    bytes_max: usize,
    room: &Arc<Semaphore>,
) -> Result<Held, Denial> {
    let (mut bytes, mut held) = (BytesMut::new(), None::<OwnedSemaphorePermit>);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| {
            let reason = format!("the body could not be read: {error}; send it whole");
            Denial::new(StatusCode::BAD_REQUEST, reason)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        let permits = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let more = Arc::clone(room).try_acquire_many_owned(permits).map_err(|_full| {
            Denial::for_now(
                StatusCode::TOO_MANY_REQUESTS,
                "too much is being sent at once; try again later",
            )
        })?;
        match &mut held {
            Some(held) => held.merge(more),
            None => held = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Held { bytes: bytes.freeze(), room: held })
}

fn too_large(bytes_max: usize) -> Denial {
    Denial::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is over {bytes_max} bytes; send the events in several requests"),
    )
}
