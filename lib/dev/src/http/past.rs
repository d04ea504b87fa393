//! `GET /points` and `GET /alerts`: what was decided, page by page, all of one moment.
//!
//! A thread reads a page when the one before is on its way, so nothing is read faster than it is taken. Its transaction keeps the file from
//! using space again; so an answer has a time to be read in, and there are only so many at once.

use super::App;
use super::answer::{Answer, Denial, LINES, parts};
use super::query::Query;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use streamgauge_engine::plan::Plan;
use streamgauge_local::history::{AlertsWanted, HistoryError, Moment, PointsWanted};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;
use streamgauge_rules::problem::nearest;
use tokio::sync::{mpsc, oneshot};

/// How many pages are on their way.
const PAGES_MAX: usize = 2;
/// Up to which message of the live stream an answer has everything.
const POSITION: HeaderName = HeaderName::from_static("position");

/// Points.
pub(super) async fn points<C: Clock + 'static>(
    app: &App<C>,
    query: &str,
) -> Result<Answer, Denial> {
    let Query { name, from, to } = Query::read(query, Some("metric"))?;
    if let Some(name) = &name {
        known(app, name).await?;
    }
    let wanted = PointsWanted { metric: name, from, to, ..PointsWanted::default() };
    // Before the moment is chosen: what is final by this is in it.
    let finals = app.view().finals();
    let mut cursor = None;
    answer(app, move |moment, out| {
        let mut page = moment.points(&wanted, cursor.as_ref())?;
        page.open_beyond(&finals);
        page.json(out);
        cursor = page.next;
        Ok(cursor.is_some())
    })
    .await
}

/// Transitions.
pub(super) async fn alerts<C: Clock + 'static>(
    app: &App<C>,
    query: &str,
) -> Result<Answer, Denial> {
    let Query { from, to, .. } = Query::read(query, None)?;
    let wanted = AlertsWanted { alert: None, from, to };
    let mut cursor = None;
    answer(app, move |moment, out| {
        let page = moment.alerts(&wanted, cursor.as_ref())?;
        page.json(out);
        cursor = page.next;
        Ok(cursor.is_some())
    })
    .await
}

/// That there is such a metric: in the rules that are in force, or in what is kept of those before.
async fn known<C: Clock + 'static>(app: &App<C>, name: &str) -> Result<(), Denial> {
    let of_rules = |plan: &Arc<Plan>| {
        plan.metrics.iter().map(|metric| metric.name.clone()).collect::<BTreeSet<_>>()
    };
    let mut names = app.view().plan.as_ref().map(of_rules).unwrap_or_default();
    if names.contains(name) {
        return Ok(());
    }
    let history = Arc::clone(&app.history);
    let kept = tokio::task::spawn_blocking(move || history.metrics()).await;
    let kept = kept.map_err(|_gone| Denial::ending())?.map_err(|error| unreadable(&error))?;
    names.extend(kept.into_iter().map(|kept| kept.metric.name));
    if names.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = nearest::hint(name, &names);
    let hint = hint.unwrap_or_else(|| "`GET /summary` names those of the rules".to_owned());
    let reason = format!("there is no metric `{name}`; {hint}");
    Err(Denial::new(StatusCode::NOT_FOUND, reason))
}

fn unreadable(error: &HistoryError) -> Denial {
    let reason = format!("what was decided cannot be read: {error}");
    Denial::for_now(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// An answer of pages: `page` appends the next one, and says whether there are more.
async fn answer<C: Clock + 'static>(
    app: &App<C>,
    mut page: impl FnMut(&Moment<C>, &mut Vec<u8>) -> Result<bool, HistoryError> + Send + 'static,
) -> Result<Answer, Denial> {
    let busy = "too many long answers are being read; try again later";
    let permit = Arc::clone(&app.readings).try_acquire_owned();
    let permit = permit.map_err(|_full| Denial::for_now(StatusCode::SERVICE_UNAVAILABLE, busy))?;
    let history = Arc::clone(&app.history);
    let (pages, body) = mpsc::channel(PAGES_MAX);
    let (begins, began) = oneshot::channel();
    let until = Instant::now() + app.times.reading;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let begun = history.moment().and_then(|moment| {
            let (position, mut first) = (moment.state()?.version, Vec::new());
            let has_more = page(&moment, &mut first)?;
            Ok((moment, position, first, has_more))
        });
        let (moment, first, mut has_more) = match begun {
            Ok((moment, position, first, has_more)) => {
                drop(begins.send(Ok(position)));
                (moment, first, has_more)
            }
            Err(error) => return drop(begins.send(Err(error))),
        };
        let mut is_read = send(&pages, first);
        while is_read && has_more {
            let mut text = Vec::new();
            let next = page(&moment, &mut text);
            // An answer that is cut says so: it has no end.
            let late = || io::Error::new(io::ErrorKind::TimedOut, "the answer was read too slowly");
            let next = next.map_err(io::Error::other);
            match next.and_then(|more| if Instant::now() < until { Ok(more) } else { Err(late()) })
            {
                Ok(more) => (has_more, is_read) = (more, send(&pages, text)),
                Err(error) => return drop(pages.blocking_send(Err(error))),
            }
        }
    });
    let position: Version =
        began.await.map_err(|_gone| Denial::ending())?.map_err(|error| unreadable(&error))?;
    let mut answer = parts(LINES, body);
    answer.headers_mut().insert(POSITION, HeaderValue::from(position.0));
    Ok(answer)
}

/// Sends a page, and waits until there is room; false: nobody reads any more.
fn send(pages: &mpsc::Sender<io::Result<Bytes>>, page: Vec<u8>) -> bool {
    page.is_empty() || pages.blocking_send(Ok(Bytes::from(page))).is_ok()
}
