//! One call from its head to its answer.

use super::plan::{Forward, Plan};
use super::upstream::Body;
use super::{BODY_BYTES_MAX, Proxy, UPSTREAM_TIME_MAX};
use crate::answer::{Answer, Refusal};
use crate::call::{Call, Protocol, Service, recognise};
use crate::clock::Clock;
use crate::faults::{Harm, Strike};
use crate::s3;
use crate::unit::{Charge, Unit};
use crate::watcher::{Phase, Verdict, Watcher};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// The connection to the caller is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose, or the call broke off")]
pub(super) struct Cut;

/// A call whose body is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) call: Call,
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) strikes: Vec<Strike>,
}

/// Serves a request. The work is a task of its own, so that it is done and counted even if the caller goes.
pub(super) async fn serve<W: Watcher, C: Clock>(
    proxy: Arc<Proxy<W, C>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let Ok(permit) = Arc::clone(&proxy.calls).acquire_owned().await else { return Err(Cut) };
    tokio::spawn(work(proxy, request, permit)).await.unwrap_or(Err(Cut))
}

/// Whether the body must be read to know the call or its cost. Event streams never end, so they pass.
fn is_held(call: &Call) -> bool {
    match (&call.service, call.protocol) {
        (Service::Kinesis, Protocol::Json(_)) => &*call.operation != "SubscribeToShard",
        (Service::CloudWatch | Service::DynamoDb | Service::Sqs, _) | (_, Protocol::Query) => true,
        _ => false,
    }
}

async fn work<W: Watcher, C: Clock>(
    proxy: Arc<Proxy<W, C>>,
    request: Request<Incoming>,
    _permit: OwnedSemaphorePermit,
) -> Result<Response<Body>, Cut> {
    let (head, mut body) = request.into_parts();
    let mut call =
        recognise(head.method.as_str(), head.uri.path(), head.uri.query(), &head.headers);
    if !is_held(&call) {
        let strikes = proxy.strike(&call);
        return proxy.pass_through(&call, head, body, &strikes).await;
    }
    let body = match Limited::new(&mut body, BODY_BYTES_MAX).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            discard(body).await;
            let message =
                format!("the body is larger than the meter holds, {BODY_BYTES_MAX} bytes");
            proxy.count(&call, &[(Unit::Calls, 1), (Unit::Errors, 1), (Unit::Limited, 1)]);
            return Ok(respond(Refusal::new(413, "RequestEntityTooLarge", message).answer(&call)));
        }
        // The caller went away while it spoke: there was no call yet.
        Err(_) => return Err(Cut),
    };
    call.name_by_form(&body);
    let strikes = proxy.strike(&call);
    let held = Held { call, head, body, strikes };
    proxy.exchange(&held).await.map(respond)
}

/// Reads a body to its end and throws it away. Who is answered while still speaking may find the connection broken before
/// having read the answer.
async fn discard(mut body: Incoming) {
    let reading = async { while let Some(Ok(_)) = body.frame().await {} };
    drop(timeout(UPSTREAM_TIME_MAX, reading).await);
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(answer.body)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The refusal by which a fault answers.
fn refusal(call: &Call, strikes: &[Strike]) -> Option<Refusal> {
    strikes.iter().find_map(|strike| match strike.harm {
        Harm::Throttle => Some(Refusal::throttled(&call.service)),
        Harm::ServerError => Some(Refusal::failed(&call.service)),
        _ => None,
    })
}

fn does(strikes: &[Strike], harm: Harm) -> bool {
    strikes.iter().any(|strike| strike.harm == harm)
}

impl<W: Watcher, C: Clock> Proxy<W, C> {
    /// The faults that strike a call. Each is counted where it does its harm.
    fn strike(&self, call: &Call) -> Vec<Strike> {
        self.state().dice.throw(call)
    }

    pub(super) fn count(&self, call: &Call, charges: &[Charge]) {
        self.state().tally.add(call, charges);
    }

    /// Waits and closes and refuses as the faults say. `Ok(None)` goes on.
    async fn before(&self, call: &Call, strikes: &[Strike]) -> Result<Option<Answer>, Cut> {
        self.count(call, &[(Unit::Calls, 1)]);
        for strike in strikes {
            if let Harm::Delay(time) = strike.harm {
                self.count(call, &[(Unit::Faults, 1)]);
                self.clock.sleep(time).await;
            }
        }
        if does(strikes, Harm::CloseBefore) {
            self.count(call, &[(Unit::Faults, 1)]);
            return Err(Cut);
        }
        let refusal = refusal(call, strikes);
        if refusal.is_some() {
            self.count(call, &[(Unit::Errors, 1), (Unit::Faults, 1)]);
        }
        Ok(refusal.map(|refusal| refusal.answer(call)))
    }

    async fn watch(&self, call: &Call, phase: Phase) -> Result<(), Cut> {
        match self.watcher.at(call, phase).await {
            Verdict::GoOn => Ok(()),
            Verdict::Close => Err(Cut),
        }
    }

    /// The answer is lost, if a fault or the watcher says so.
    async fn after(&self, call: &Call, strikes: &[Strike]) -> Result<(), Cut> {
        self.watch(call, Phase::After).await?;
        if does(strikes, Harm::LoseAnswer) {
            self.count(call, &[(Unit::Faults, 1)]);
            return Err(Cut);
        }
        Ok(())
    }

    async fn exchange(&self, held: &Held) -> Result<Answer, Cut> {
        let call = &held.call;
        if let Some(answer) = self.before(call, &held.strikes).await? {
            return Ok(answer);
        }
        let forward = match self.plan(held).await {
            Plan::Forward(forward) => forward,
            Plan::Answer(answer, charges) => {
                self.count(call, &charges);
                return Ok(answer);
            }
            Plan::Refuse(refusal) => {
                self.count(call, &[(Unit::Errors, 1), (Unit::Limited, 1)]);
                return Ok(refusal.answer(call));
            }
        };
        self.watch(call, Phase::Before).await?;
        let Forward { body, settle, mut charges } = *forward;
        let answer = match self.request(call, &held.head, body).await {
            Ok(mut answer) => {
                charges.extend(self.settle(held, settle, &mut answer));
                charges.push((Unit::Errors, u64::from(answer.status.as_u16() >= 400)));
                answer
            }
            Err(refusal) => {
                charges.push((Unit::Errors, 1));
                refusal.answer(call)
            }
        };
        self.count(call, &charges);
        self.after(call, &held.strikes).await?;
        Ok(answer)
    }

    /// Passes a call on whose bodies are not read.
    async fn pass_through(
        &self,
        call: &Call,
        head: Parts,
        body: Incoming,
        strikes: &[Strike],
    ) -> Result<Response<Body>, Cut> {
        if let Some(answer) = self.before(call, strikes).await? {
            discard(body).await;
            return Ok(respond(answer));
        }
        self.watch(call, Phase::Before).await?;
        let mut charges = match call.service {
            Service::S3 => s3::charges(&call.operation),
            // A metered service in a protocol that is not decoded.
            Service::Kinesis => vec![(Unit::Unread, 1)],
            _ => vec![],
        };
        let response = match self.pass(call, head, body).await {
            Ok(response) => {
                charges.push((Unit::Errors, u64::from(response.status().as_u16() >= 400)));
                response.map(Either::Right)
            }
            Err(refusal) => {
                charges = vec![(Unit::Errors, 1)];
                respond(refusal.answer(call))
            }
        };
        self.count(call, &charges);
        self.after(call, strikes).await?;
        Ok(response)
    }
}
