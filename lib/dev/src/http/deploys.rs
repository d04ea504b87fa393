//! `POST /deploys`: that something was deployed, as `streamgauge deployed` says it to a stack.

use super::App;
use super::answer::{Answer, Denial, JSON, whole};
use super::body;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use streamgauge_engine::notification::Deploy;
use streamgauge_engine::time::{HOUR_MS, SECOND_MS, Timestamp};
use streamgauge_pipeline::control::{SaidError, mark_deploy};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::push_json_string;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 16 << 10;
/// The log that they stand in is kept for good, so there are only so many within an hour.
const HOURLY_MAX: usize = 100;
const EXAMPLE: &str =
    r#"send {"version":"v7"}, with `at`, `source`, `service` and `link` if need be"#;

/// What is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    version: String,
    /// When; absent: now.
    at: Option<String>,
    /// Who says so.
    source: Option<String>,
    service: Option<String>,
    link: Option<String>,
}

/// What was marked within the last hour. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked(Arc<Mutex<Hour>>);

#[derive(Debug, Default)]
pub(super) struct Hour {
    marked: VecDeque<Timestamp>,
    /// How many are being marked.
    going: usize,
}

/// A place for one that is being marked, free again unless it is.
struct Place(Marked);

impl Marked {
    fn hour(&self) -> MutexGuard<'_, Hour> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, or says when the next one is free.
    fn begin(&self, now: Timestamp) -> Result<Place, Timestamp> {
        let mut hour = self.hour();
        while hour.marked.front().is_some_and(|first| first.plus(HOUR_MS) <= now) {
            hour.marked.pop_front();
        }
        if hour.marked.len() + hour.going >= HOURLY_MAX {
            // Of those that are being marked one may be refused.
            let oldest = hour.marked.front().filter(|_| hour.going == 0);
            return Err(oldest.map_or(now, |first| first.plus(HOUR_MS)));
        }
        hour.going += 1;
        Ok(Place(self.clone()))
    }
}

impl Place {
    fn marked(&self, at: Timestamp) {
        self.0.hour().marked.push_back(at);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.hour().going -= 1;
    }
}

/// Marks a deploy; it is durable when this is answered.
pub(super) async fn mark<C: Clock + Clone + 'static>(
    app: &App<C>,
    request: Request<Incoming>,
) -> Result<Answer, Denial> {
    let (head, body) = request.into_parts();
    // A page in a browser could send any other type without asking first.
    let is_json = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = is_json.and_then(|value| value.split(';').next());
    if !is_json.is_some_and(|value| value.trim().eq_ignore_ascii_case(JSON)) {
        return Err(bad(format!("a deploy comes with `Content-Type: {JSON}`; {EXAMPLE}")));
    }
    let held = body::read(body, BODY_BYTES_MAX, &app.room, app.times.body).await?;
    let said: Said = serde_json::from_slice(&held.bytes)
        .map_err(|error| bad(format!("the body is no deploy: {error}; {EXAMPLE}")))?;
    let now = app.world.clock.now();
    let at = said.at.as_deref().map_or(Ok(now), Timestamp::parse_rfc3339);
    let at = at.map_err(|error| {
        bad(format!("`at` is no time: {error}; write it as 2026-01-05T10:00:00Z"))
    })?;
    let is_page = |link: &String| link.starts_with("https://") || link.starts_with("http://");
    if let Some(link) = said.link.as_ref().filter(|&link| !is_page(link)) {
        return Err(bad(format!("`{link}` is no address for `link`; write it with `https://`")));
    }
    let place = app.marked.begin(now).map_err(|free| too_many(free, now))?;
    let Said { version, source, service, link, .. } = said;
    let author = source.unwrap_or_else(|| "http".to_owned());
    let deploy = Deploy { version, service, author, link };
    let mut told = br#"{"version":"#.to_vec();
    push_json_string(&deploy.version, &mut told);
    told.extend_from_slice(format!(",\"at\":\"{at}\"}}\n").as_bytes());
    let world = app.world.clone();
    // The disk is waited for.
    let marking = move || {
        let marked = block_on(mark_deploy(&*world.store, &deploy, at, now));
        if marked.is_ok() {
            place.marked(now);
        }
        marked
    };
    let marked = tokio::task::spawn_blocking(marking).await;
    let marked = marked.map_err(|_ended| Denial::ending())?;
    marked.map_err(|error| denied(&error))?;
    app.world.alarms.settle.ring();
    Ok(whole(StatusCode::ACCEPTED, JSON, told))
}

fn too_many(free: Timestamp, now: Timestamp) -> Denial {
    let ms = free.as_millis().saturating_sub(now.as_millis()).max(1);
    let seconds = u32::try_from((ms + SECOND_MS - 1) / SECOND_MS).unwrap_or(u32::MAX);
    let reason =
        format!("there are {HOURLY_MAX} deploys within an hour; the next can be marked at {free}");
    let denial = Denial::new(StatusCode::TOO_MANY_REQUESTS, reason);
    Denial { retry_after: Some(seconds), ..denial }
}

fn bad(reason: String) -> Denial {
    Denial::new(StatusCode::BAD_REQUEST, reason)
}

fn denied(error: &SaidError) -> Denial {
    match error {
        SaidError::Control(error) => {
            let reason = format!("the deploy could not be stored: {error}; try again later");
            Denial::for_now(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
        SaidError::Ahead { .. } => {
            bad(format!("{error}; say it when it is done, and check the offset from UTC"))
        }
        SaidError::TooOld { .. } => bad(format!("{error}; leave it out")),
        _ => bad(format!("{error}; say it in a few words")),
    }
}
