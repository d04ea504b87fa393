//! The plans of services without state: SQS and `CloudWatch`.

use super::exchange::Held;
use super::plan::{Plan, Settle};
use crate::answer::Answer;
use crate::call::{Protocol, text};
use crate::cloudwatch::data::{self, unpack};
use crate::cloudwatch::{check, neutral::Neutral};
use crate::limits::{Limit, Limits};
use crate::sqs;
use crate::unit::{Charge, Unit};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn plan_sqs(held: &Held) -> Plan {
    let request = match held.call.protocol {
        Protocol::Query => sqs::of_form(&held.body),
        _ => serde_json::from_slice(&held.body).unwrap_or(Value::Null),
    };
    Plan::unchanged(held, Settle::Sqs(request))
}

pub(super) fn settle_sqs(held: &Held, request: &Value, answer: &Answer) -> Vec<Charge> {
    let operation = &*held.call.operation;
    let is_form = held.call.protocol == Protocol::Query;
    // Answers to forms are XML, which is not read: what a receive got is unknown then.
    let read = match answer.status.is_success() {
        true if is_form => json!({}),
        true => serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({})),
        false => Value::Null,
    };
    let mut charges = sqs::charges(operation, request, &read);
    let unread = request.is_null() || is_form && operation == "ReceiveMessage";
    charges.push((Unit::Unread, u64::from(unread)));
    charges
}

pub(super) fn plan_cloudwatch(held: &Held, limits: &Limits, now: Timestamp) -> Plan {
    let encoding = text(&held.head.headers, "content-encoding");
    let unpacked = unpack(held.call.protocol, encoding, &held.body);
    if &*held.call.operation == "PutMetricData"
        && limits.keep(Limit::MetricData)
        && let Some(refusal) = check::refusal(&unpacked, now)
    {
        return Plan::Refuse(refusal);
    }
    Plan::unchanged(held, Settle::CloudWatch(unpacked.request))
}

/// What a call cost, and the metrics that it wrote. Calls that fail cost nothing.
pub(super) fn settle_cloudwatch(
    held: &Held,
    request: Option<&Neutral>,
    answer: &Answer,
) -> (Vec<Charge>, Vec<String>) {
    if !answer.status.is_success() {
        return (vec![], vec![]);
    }
    let written = request.filter(|_| &*held.call.operation == "PutMetricData");
    (data::charges(&held.call.operation, request), written.map(data::metrics).unwrap_or_default())
}
