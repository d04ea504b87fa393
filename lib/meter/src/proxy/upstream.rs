//! The way to the stand-ins: headers that belong to one connection stay there, and all others go on.

use super::{BODY_BYTES_MAX, Proxy, UPSTREAM_TIME_MAX};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// A body that is held, or one that passes.
pub(super) type Body = Either<Full<Bytes>, Incoming>;
/// What speaks to stand-ins.
pub(super) type Client = HyperClient<HttpConnector, Body>;

/// Headers of one connection only. <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>. `expect` is answered here.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// How long an idle connection is kept: less than the 5 s after which stand-ins on Node close it, since a call that meets
/// the closing fails.
const IDLE_TIME_MAX: Duration = Duration::from_secs(2);

pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut builder = HyperClient::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIME_MAX).build(connector)
}

/// The headers without those of one connection.
fn onward(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut onward = headers.clone();
    for name in HOP_BY_HOP {
        onward.remove(name);
    }
    for name in named {
        onward.remove(name);
    }
    onward
}

/// What a caller is told when its stand-in does not answer.
fn unreachable(call: &Call, address: std::net::SocketAddr, why: &str) -> Refusal {
    let service = &call.service;
    Refusal::unreachable(format!(
        "the stand-in of {service} at {address} does not answer: {why}; is it running?"
    ))
}

impl<W, C> Proxy<W, C> {
    /// Sends a request on. `host` stays what the caller wrote, so that links in answers lead back through the proxy.
    async fn send(
        &self,
        call: &Call,
        mut head: Parts,
        body: Body,
    ) -> Result<Response<Incoming>, Refusal> {
        let address = self.routes.of(&call.service);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("http://{address}{path}").parse::<Uri>();
        head.uri = uri.map_err(|error| unreachable(call, address, &error.to_string()))?;
        head.headers = onward(&head.headers);
        let request = Request::from_parts(head, body);
        match timeout(UPSTREAM_TIME_MAX, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreachable(call, address, &chain(&error))),
            Err(_) => {
                Err(unreachable(call, address, &format!("no answer in {UPSTREAM_TIME_MAX:?}")))
            }
        }
    }

    /// Sends a request whose body passes; the answer's body passes too.
    pub(super) async fn pass(
        &self,
        call: &Call,
        head: Parts,
        body: Incoming,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut response = self.send(call, head, Either::Right(body)).await?;
        *response.headers_mut() = onward(response.headers());
        Ok(response)
    }

    /// Sends a request and takes the whole answer.
    pub(super) async fn request(
        &self,
        call: &Call,
        head: &Parts,
        body: Bytes,
    ) -> Result<Answer, Refusal> {
        let mut head = head.clone();
        head.headers.remove(header::CONTENT_LENGTH);
        // The meter reads the answer, so it must come unpacked.
        head.headers.remove(header::ACCEPT_ENCODING);
        let response = self.send(call, head, Either::Left(Full::new(body))).await?;
        let (answered, incoming) = response.into_parts();
        let whole =
            timeout(UPSTREAM_TIME_MAX, Limited::new(incoming, BODY_BYTES_MAX).collect()).await;
        match whole {
            Ok(Ok(whole)) => {
                let headers = onward(&answered.headers);
                Ok(Answer { status: answered.status, headers, body: whole.to_bytes() })
            }
            Ok(Err(error)) => {
                let address = self.routes.of(&call.service);
                Err(unreachable(
                    call,
                    address,
                    &format!("its answer broke off or is too large: {error}"),
                ))
            }
            Err(_) => {
                Err(unreachable(call, self.routes.of(&call.service), "its answer does not end"))
            }
        }
    }

    /// Asks the stand-in something for the meter itself, in the name of a caller: stand-ins take the caller's key for the
    /// account. The signature is that of the caller's request and so would not hold on AWS. None if it does not say.
    pub(super) async fn ask(
        &self,
        call: &Call,
        head: &Parts,
        operation: &str,
        body: &Value,
    ) -> Option<Value> {
        let mut head = head.clone();
        head.method = Method::POST;
        let target = head.headers.get("x-amz-target")?.to_str().ok()?;
        let target = format!("{}.{operation}", target.rsplit_once('.')?.0);
        head.headers.insert("x-amz-target", HeaderValue::from_str(&target).ok()?);
        head.headers.remove(header::CONTENT_ENCODING);
        let answer = self.request(call, &head, body.to_string().into()).await.ok()?;
        answer.status.is_success().then(|| serde_json::from_slice(&answer.body).ok())?
    }
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_stay_behind() {
        let pairs = [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("host", "here"),
            ("x-amz-target", "A.B"),
        ];
        let headers = pairs
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let left = onward(&headers.into_iter().collect());
        let mut left: Vec<&str> = left.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "x-amz-target"]);
    }
}
