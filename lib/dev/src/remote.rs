//! A `dev` that runs in another process, as whoever tells it something sees it: the other end of [`http`](crate::http).

use std::fmt;
use streamgauge_engine::time::Timestamp;
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::http::{Call, Client, HttpError, Limits, Method, Response};
use streamgauge_notify::secret::Secret;
use streamgauge_pipeline::render::push_json_string;

/// The status of a deploy that is marked.
const MARKED: u16 = 202;

/// Where it is, and what it asks for.
pub struct Remote {
    deploys: String,
    token: Option<Secret>,
    client: Client,
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Remote({})", self.deploys)
    }
}

/// A deploy to tell. What is absent is not sent, and `dev` has it its own way.
#[derive(Debug)]
pub struct Told {
    /// What was deployed.
    pub version: String,
    /// When; absent: now, by the clock of `dev`.
    pub at: Option<Timestamp>,
    /// Who says so.
    pub author: Option<String>,
    /// Of which service.
    pub service: Option<String>,
    /// The address of a page about it.
    pub link: Option<String>,
}

/// Why it was not told, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error(transparent)]
    Address(HttpError),
    /// The address begins with `https://`, and this program has no TLS.
    #[error(transparent)]
    NoTls(HttpError),
    /// Nothing was sent.
    #[error(transparent)]
    NotReached(HttpError),
    /// It was sent, and no answer came.
    #[error(transparent)]
    NoAnswer(HttpError),
    /// It says no.
    #[error("it answered {status}: {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Somebody else answers there.
    #[error("it answered {status}, and not as `streamgauge dev` does")]
    Foreign {
        /// The status.
        status: u16,
    },
}

impl From<HttpError> for RemoteError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Address(_) => Self::Address(error),
            HttpError::NoTls => Self::NoTls(error),
            HttpError::NotSent(_) | HttpError::Forbidden => Self::NotReached(error),
            HttpError::NoAnswer(_) => Self::NoAnswer(error),
        }
    }
}

impl Remote {
    /// The one at an address, `http://HOST:PORT`, perhaps with a path; with the token that it asks for.
    pub fn new(address: &str, token: Option<&str>) -> Result<Self, RemoteError> {
        let client = Client::new(Reach::Anywhere, Limits::default());
        let deploys = format!("{}/deploys", address.trim_end_matches('/'));
        if !address.starts_with("http://") && !address.starts_with("https://") {
            let what = "it begins with neither https:// nor http://";
            return Err(HttpError::Address(what).into());
        }
        if address.contains(['?', '#']) {
            return Err(HttpError::Address("it has more than a host, a port and a path").into());
        }
        client.check(&deploys)?;
        Ok(Self { deploys, token: token.map(Secret::new), client })
    }

    /// Marks a deploy; the time under which it stands.
    pub async fn mark(&self, deploy: &Told) -> Result<Timestamp, RemoteError> {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {}", token.reveal())));
        }
        let (url, body) = (self.deploys.as_str(), written(deploy));
        let call = Call { method: Method::POST, url, headers, body };
        let mut response = self.client.call(call).await?;
        // Whoever listens there may say again what he was sent.
        if let Some(token) = &self.token {
            response.body = token.conceal(&response.body);
        }
        judge(&response, &deploy.version)
    }
}

/// The body that tells a deploy.
fn written(deploy: &Told) -> Vec<u8> {
    let Told { version, at, author, service, link } = deploy;
    let at = at.map(|at| at.to_string());
    let members = [
        ("version", Some(version)),
        ("at", at.as_ref()),
        ("source", author.as_ref()),
        ("service", service.as_ref()),
        ("link", link.as_ref()),
    ];
    let mut body = Vec::new();
    for (name, value) in members {
        let Some(value) = value else { continue };
        body.push(if body.is_empty() { b'{' } else { b',' });
        push_json_string(name, &mut body);
        body.push(b':');
        push_json_string(value, &mut body);
    }
    body.push(b'}');
    body
}

/// What an answer means. Whoever else listens there may take anything, so only the very version counts as marked.
fn judge(response: &Response, version: &str) -> Result<Timestamp, RemoteError> {
    let status = response.status;
    let answer: serde_json::Value = serde_json::from_str(&response.body).unwrap_or_default();
    let member = |name: &str| answer.get(name).and_then(serde_json::Value::as_str);
    if let Some(reason) = member("reason").filter(|_| status >= 400) {
        return Err(RemoteError::Refused { status, reason: reason.to_owned() });
    }
    let is_ours = status == MARKED && member("version") == Some(version);
    let at = member("at").filter(|_| is_ours);
    let at = at.and_then(|at| Timestamp::parse_rfc3339(at).ok());
    at.ok_or(RemoteError::Foreign { status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_http_and_has_no_query() {
        let check = |address: &str, expect: &str| {
            let error = Remote::new(address, None).unwrap_err();
            assert!(matches!(error, RemoteError::Address(_)), "{address}: {error:?}");
            let prefix = "the address is none that can be called: ";
            assert_eq!(error.to_string(), format!("{prefix}{expect}"), "{address}");
        };
        let scheme = "it begins with neither https:// nor http://";
        for address in ["", "127.0.0.1:8080", "localhost:8080", "ftp://127.0.0.1:21"] {
            check(address, scheme);
        }
        check("http://", "it is no URL");
        check("http://ops:secret@127.0.0.1", "it holds a user's name");
        check("http://127.0.0.1/?token=1", "it has more than a host, a port and a path");
        let deploys = |address| Remote::new(address, None).unwrap().deploys;
        assert_eq!(deploys("http://[::1]:8080/"), "http://[::1]:8080/deploys");
        assert_eq!(deploys("http://gate/shop"), "http://gate/shop/deploys");
    }

    #[test]
    fn a_token_is_never_shown() {
        let remote = Remote::new("http://127.0.0.1", Some("0123456789abcdef")).unwrap();
        assert_eq!(format!("{remote:?}"), "Remote(http://127.0.0.1/deploys)");
    }

    #[test]
    fn only_what_dev_answers_counts() {
        let marked = r#"{"version":"v7","at":"2026-01-05T10:00:00Z"}"#;
        let check = |status: u16, body: &str, expect: &str| {
            let response = Response { status, body: body.to_owned(), ..Response::default() };
            let judged = judge(&response, "v7").map_err(|error| error.to_string());
            assert_eq!(judged.map_or_else(|error| error, |at| at.to_string()), expect, "{body}");
        };
        check(202, marked, "2026-01-05T10:00:00Z");
        check(429, r#"{"reason":"too many"}"#, "it answered 429: too many");
        let foreign = |status| format!("it answered {status}, and not as `streamgauge dev` does");
        check(200, marked, &foreign(200));
        check(202, "", &foreign(202));
        check(202, r#"{"version":"v8","at":"2026-01-05T10:00:00Z"}"#, &foreign(202));
        check(202, r#"{"version":"v7","at":"now"}"#, &foreign(202));
        check(200, r#"{"reason":"OK"}"#, &foreign(200));
        check(502, "<html>", &foreign(502));
    }
}
