//! Answers: their bodies, and those that say no.

use bytes::Bytes;
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use streamgauge_pipeline::render::push_json_string;
use tokio::sync::mpsc;

pub(super) const JSON: &str = "application/json";
pub(super) const LINES: &str = "application/x-ndjson";

/// An answer.
pub(super) type Answer = Response<Body>;

/// The body of an answer: all of it, or what somebody sends through a bounded queue, and no faster than it is read.
#[derive(Debug)]
pub(super) enum Body {
    Whole(Option<Bytes>),
    Parts(mpsc::Receiver<io::Result<Bytes>>),
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(whole) => Poll::Ready(whole.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Parts(parts) => {
                parts.poll_recv(context).map(|part| part.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(
                u64::try_from(whole.as_ref().map_or(0, Bytes::len)).unwrap_or(u64::MAX),
            ),
            Self::Parts(_) => SizeHint::default(),
        }
    }
}

/// An answer with all of its body.
pub(super) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Answer {
    let body: Bytes = body.into();
    with_body(status, content_type, Body::Whole((!body.is_empty()).then_some(body)))
}

/// An answer that goes on.
pub(super) fn parts(
    content_type: &'static str,
    parts: mpsc::Receiver<io::Result<Bytes>>,
) -> Answer {
    with_body(StatusCode::OK, content_type, Body::Parts(parts))
}

fn with_body(status: StatusCode, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, content_type);
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// Sets a header to a text that is known when the program is compiled.
pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) status: StatusCode,
    /// What is wrong, and what to do.
    pub(super) reason: String,
    /// After how many seconds to come again.
    pub(super) retry_after: Option<u32>,
    /// What could be asked instead.
    pub(super) allow: Option<&'static str>,
}

impl Denial {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), retry_after: None, allow: None }
    }

    /// One that passes.
    pub(super) fn for_now(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(status, reason) }
    }

    /// Nobody works on it any more.
    pub(super) fn ending() -> Self {
        Self::for_now(StatusCode::SERVICE_UNAVAILABLE, "the process is ending")
    }

    /// The answer that says so. Whoever was refused before all of the body was read begins a connection anew.
    pub(super) fn answer(&self) -> Answer {
        let mut body = br#"{"reason":"#.to_vec();
        push_json_string(&self.reason, &mut body);
        body.extend_from_slice(b"}\n");
        let mut answer = whole(self.status, JSON, body);
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allow {
            set(&mut answer, ALLOW, methods);
        }
        match self.status {
            StatusCode::UNAUTHORIZED => set(&mut answer, WWW_AUTHENTICATE, "Bearer"),
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE => {
                set(&mut answer, CONNECTION, "close");
            }
            _ => {}
        }
        answer
    }
}
