//! `GET /`: the page, and the catalog that it begins with.

use super::App;
use super::answer::{Answer, set, whole};
use super::view::View;
use crate::page::{self, Catalog, Mark, Source};
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;

/// The page. Where a token is needed it says nothing of the rules: whoever has the token learns them from `/live`.
pub(super) fn answer<C: Clock>(app: &App<C>) -> Answer {
    let now = app.world.clock.now();
    let catalog = if app.guard.token.is_some() {
        format!(r#"{{"live":true,"title":"","now":"{now}","metrics":[],"alerts":[]}}"#).into_bytes()
    } else {
        catalog(app, "")
    };
    let mut document = Vec::new();
    // Memory takes all that is written.
    drop(page::write::<&[u8]>(&mut document, Source::Server, &catalog, []));
    let mut answer = whole(StatusCode::OK, "text/html; charset=utf-8", document);
    let policy = page::policy(Source::Server);
    let header = HeaderValue::try_from(format!("{policy}; frame-ancestors 'none'"));
    if let Ok(header) = header {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, header);
    }
    set(&mut answer, REFERRER_POLICY, "no-referrer");
    answer
}

/// The catalog as a message of the live stream.
pub(super) fn catalog_message<C: Clock>(app: &App<C>) -> Vec<u8> {
    catalog(app, r#""kind":"catalog","#)
}

fn catalog<C: Clock>(app: &App<C>, first: &str) -> Vec<u8> {
    let (now, is_by_events) = (app.world.clock.now(), (app.arrival)().is_none());
    write_catalog(first, now, (is_by_events, app.outbox.tells()), &app.view())
}

/// The catalog of the newest rules, with what is active and what was deployed.
pub(super) fn write_catalog(
    first: &str,
    now: Timestamp,
    (is_by_events, tells): (bool, bool),
    view: &View,
) -> Vec<u8> {
    let (source, plan) = (Source::Server, view.plan.as_deref());
    let now = view.watermark.filter(|_| is_by_events).unwrap_or(now);
    let catalog = Catalog {
        source,
        now,
        is_by_events,
        tells,
        plan,
        left_out: &[],
        transitions_left_out: 0,
        oldest: view.oldest,
        rejected: view.rejected.as_ref(),
    };
    catalog.json(first, view.active(), view.deploys().iter())
}

/// A deploy as a message of the live stream.
pub(super) fn deploy_message(mark: &Mark) -> Vec<u8> {
    let mut text = br#"{"kind":"deploy","#.to_vec();
    mark.write(&mut text);
    text
}
