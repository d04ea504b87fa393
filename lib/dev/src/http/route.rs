//! Which request is whose: the table of the interface.

use super::answer::{Answer, Denial, JSON, whole};
use super::listen::HEAD_BYTES_MAX;
use super::{App, deploys, live, page, past, push, scrape};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use std::convert::Infallible;
use std::sync::Arc;
use streamgauge_pipeline::port::clock::Clock;

/// What can be asked.
const PATHS: &str =
    "POST /events, /deploys, GET /, /points, /alerts, /live, /summary, /metrics, /healthz, /readyz";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Events,
    Deploys,
    Points,
    Alerts,
    Live,
    Summary,
    Metrics,
    Health,
    Ready,
    Page,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/events" => Self::Events,
            "/deploys" => Self::Deploys,
            "/points" => Self::Points,
            "/alerts" => Self::Alerts,
            "/live" => Self::Live,
            "/summary" => Self::Summary,
            "/metrics" => Self::Metrics,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/" => Self::Page,
            _ => return None,
        })
    }

    /// Whether it needs no token: the page asks for it, and those who look after a process have none.
    fn is_open(self) -> bool {
        matches!(self, Self::Health | Self::Ready | Self::Page)
    }

    fn takes(self, method: &Method) -> Result<(), Denial> {
        let (is_taken, allow) = match self {
            Self::Events | Self::Deploys => (method == Method::POST, "POST"),
            _ => (method == Method::GET || method == Method::HEAD, "GET, HEAD"),
        };
        if is_taken {
            return Ok(());
        }
        let reason = format!("`{method}` is not done here; use {allow}");
        Err(Denial { allow: Some(allow), ..Denial::new(StatusCode::METHOD_NOT_ALLOWED, reason) })
    }
}

/// Answers a request.
pub(super) async fn answer<C: Clock + Clone + 'static>(
    app: Arc<App<C>>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    Ok(routed(&app, request).await.unwrap_or_else(|denial| denial.answer()))
}

async fn routed<C: Clock + Clone + 'static>(
    app: &Arc<App<C>>,
    request: Request<Incoming>,
) -> Result<Answer, Denial> {
    check_head(&request)?;
    let route = Route::of(request.uri().path());
    app.guard.judge(request.headers(), route.is_some_and(Route::is_open))?;
    let Some(route) = route else {
        let reason = format!("there is nothing here; what can be asked: {PATHS}");
        return Err(Denial::new(StatusCode::NOT_FOUND, reason));
    };
    route.takes(request.method())?;
    let query = request.uri().query().unwrap_or_default();
    match route {
        Route::Events => push::push(app, request).await,
        Route::Deploys => deploys::mark(app, request).await,
        Route::Points => past::points(app, query).await,
        Route::Alerts => past::alerts(app, query).await,
        Route::Live => live::live(app),
        Route::Summary => Ok(app.summary()),
        Route::Metrics => scrape::scrape(app, request.headers()).await,
        Route::Health => Ok(whole(StatusCode::OK, JSON, "{\"alive\":true}\n")),
        Route::Ready => ready(app),
        Route::Page => Ok(page::answer(app)),
    }
}

/// Whether its head is as small as it must be: the connection only bounds what it reads of a head that has not come to its end.
fn check_head(request: &Request<Incoming>) -> Result<(), Denial> {
    let (method, uri) = (request.method().as_str(), request.uri());
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let host = uri.authority().map_or("", |host| host.as_str());
    let line = method.len() + host.len() + path.len() + "  HTTP/1.1\r\n".len();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    let bytes = line + request.headers().iter().map(header).sum::<usize>() + "\r\n".len();
    if bytes <= HEAD_BYTES_MAX {
        return Ok(());
    }
    let reason = format!(
        "the head of the request has {bytes} bytes, and at most {HEAD_BYTES_MAX} bytes are read; send less"
    );
    Err(Denial::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason))
}

/// Whether all that came is decided soon after.
fn ready<C: Clock>(app: &App<C>) -> Result<Answer, Denial> {
    let pulse = *app.pulse.borrow();
    let why_not = if *app.stopped.borrow() {
        Some("the process is ending; ask the next one".to_owned())
    } else if !app.view().is_read {
        Some("the store is being read; ask again soon".to_owned())
    } else if pulse.is_behind() {
        let seconds = pulse.delay_ms / 1_000;
        Some(format!(
            "what came {seconds} s ago is not settled yet; send less, or look at the disk"
        ))
    } else {
        None
    };
    let ok = || whole(StatusCode::OK, JSON, "{\"ready\":true}\n");
    why_not.map_or_else(
        || Ok(ok()),
        |reason| Err(Denial::for_now(StatusCode::SERVICE_UNAVAILABLE, reason)),
    )
}
