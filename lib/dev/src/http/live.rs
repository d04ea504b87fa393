//! `GET /live`: what is decided, as server-sent events.
//!
//! Who reads more slowly than things are decided is sent away with a message that says so: all of it is in `/points` and `/alerts`. So is who
//! listens while the store is still read: what was decided meanwhile is not told.

use super::answer::{Answer, Denial, parts};
use super::{App, over, page};
use bytes::Bytes;
use hyper::StatusCode;
use std::sync::Arc;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

/// How many pieces wait for who is slow, for all together.
pub(super) const PIECES_MAX: usize = 256;
/// A piece ends with the message that brings it to so many bytes.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// The last message of who listened while the store was read.
const READ: &str = "data: {\"kind\":\"lagged\",\"reason\":\"the store has been read; connect again, and get what was missed from /points and /alerts\"}\n\n";
/// The last message of who was too slow.
const LAGGED: &str = "data: {\"kind\":\"lagged\",\"reason\":\"read too slowly; connect again, and get what was missed from /points and /alerts\"}\n\n";

/// Where what is decided is told to all who listen. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Hub(broadcast::Sender<Told>);

/// What is told to all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Piece(Bytes),
    /// Something was not told: they are to connect again.
    Missed,
}

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::Sender::new(PIECES_MAX))
    }
}

impl Hub {
    /// Tells messages.
    pub(super) fn tell(&self, messages: Messages) {
        for piece in messages.pieces {
            // Nobody may listen.
            drop(self.0.send(Told::Piece(Bytes::from(piece))));
        }
    }

    /// Sends all away who listen, because they have missed something.
    pub(super) fn tell_missed(&self) {
        drop(self.0.send(Told::Missed));
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Told> {
        self.0.subscribe()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

/// Messages in the form of the stream, in pieces.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pieces: Vec<Vec<u8>>,
}

impl Messages {
    /// Adds a line of JSON, with its end, under the entry of the settle log that decided it.
    pub(super) fn add(&mut self, version: Option<Version>, line: &[u8]) {
        let is_full = self.pieces.last().is_none_or(|piece| piece.len() >= PIECE_BYTES);
        if is_full {
            self.pieces.push(Vec::new());
        }
        let Some(piece) = self.pieces.last_mut() else { return };
        if let Some(version) = version {
            piece.extend_from_slice(format!("id: {}\n", version.0).as_bytes());
        }
        piece.extend_from_slice(b"data: ");
        piece.extend_from_slice(line.trim_ascii_end());
        piece.extend_from_slice(b"\n\n");
    }
}

/// The stream, which begins with the catalog.
pub(super) fn live<C: Clock + 'static>(app: &Arc<App<C>>) -> Result<Answer, Denial> {
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_full| {
        let reason = "too many listen to the live stream; try again later";
        Denial::for_now(StatusCode::SERVICE_UNAVAILABLE, reason)
    })?;
    // Before the catalog: what is decided between the two is then in the stream.
    let mut heard = app.hub.listen();
    let mut first = Messages::default();
    first.add(None, &page::catalog_message(app));
    let (told, body) = mpsc::channel(1);
    let (silence, mut stopped) = (app.times.silence, app.stopped.clone());
    let telling = async move {
        let _permit = permit;
        for piece in first.pieces {
            told.send(Ok(Bytes::from(piece))).await.ok()?;
        }
        loop {
            let (piece, is_last) = match timeout(silence, heard.recv()).await {
                Ok(Ok(Told::Piece(piece))) => (piece, false),
                Ok(Ok(Told::Missed)) => (Bytes::from_static(READ.as_bytes()), true),
                Ok(Err(RecvError::Lagged(_))) => (Bytes::from_static(LAGGED.as_bytes()), true),
                Ok(Err(RecvError::Closed)) => return None,
                Err(_elapsed) => (Bytes::from_static(b":\n\n"), false),
            };
            told.send(Ok(piece)).await.ok().filter(|()| !is_last)?;
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            None::<()> = telling => {}
            () = over(&mut stopped) => {}
        }
    });
    Ok(parts("text/event-stream", body))
}
