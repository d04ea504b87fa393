//! `POST /events`: read, offered, and answered when all of it is durable.

use super::App;
use super::answer::{Answer, Denial, JSON, whole};
use super::body;
use crate::cloud_events;
use crate::intake::{Accepted, Offered, Refused};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use std::borrow::Cow;
use streamgauge_engine::time::SECOND_MS;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::push_json_string;

/// Takes what was pushed.
pub(super) async fn push<C: Clock>(
    app: &App<C>,
    request: Request<Incoming>,
) -> Result<Answer, Denial> {
    let (head, body) = request.into_parts();
    let held = body::read(body, app.limits.body_bytes, &app.room, app.times.body).await?;
    let headers: Vec<_> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let offered = read(&headers, &held.bytes, app.limits)?;
    let pending = app.intake.submit(offered, &app.arrival).map_err(|why| denied(&why))?;
    // From here on the queue counts it.
    drop(held.room);
    let accepted = pending.answered().await.map_err(|why| denied(&why))?;
    Ok(whole(StatusCode::ACCEPTED, JSON, told(&accepted)))
}

fn read(
    headers: &[(&str, &[u8])],
    body: &Bytes,
    limits: cloud_events::Limits,
) -> Result<Offered, Denial> {
    let records = cloud_events::read(headers, body, limits).map_err(|refusal| {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Denial::new(status, refusal.to_string())
    })?;
    let text = match records.text {
        Cow::Borrowed(_) => body.clone(),
        Cow::Owned(line) => Bytes::from(line),
    };
    Ok(Offered { text, records: records.spans, ..Offered::default() })
}

/// Why it was not taken, to whoever pushed it.
pub(super) fn denied(why: &Refused) -> Denial {
    let (status, seconds) = match why {
        Refused::Full { retry_after_ms } => {
            let seconds = retry_after_ms.saturating_add(SECOND_MS - 1) / SECOND_MS;
            (StatusCode::TOO_MANY_REQUESTS, u32::try_from(seconds).unwrap_or(1))
        }
        Refused::Store { .. } | Refused::Stopping => (StatusCode::SERVICE_UNAVAILABLE, 1),
    };
    Denial { retry_after: Some(seconds), ..Denial::new(status, why.to_string()) }
}

fn told(accepted: &Accepted) -> Vec<u8> {
    let mut body = format!(r#"{{"accepted":{},"rejected":["#, accepted.accepted).into_bytes();
    for (place, reject) in accepted.rejected.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let (index, code) = (reject.index, reject.code.as_str());
        let first = format!(r#"{comma}{{"index":{index},"code":"{code}","reason":"#);
        body.extend_from_slice(first.as_bytes());
        push_json_string(&reject.reason, &mut body);
        body.push(b'}');
    }
    body.extend_from_slice(b"]}\n");
    body
}
