//! What is to be done with a call, by service.

use super::Proxy;
use super::dynamodb::AfterDynamoDb;
use super::exchange::Held;
use super::kinesis::AfterKinesis;
use crate::answer::{Answer, Refusal};
use crate::call::Service;
use crate::clock::Clock;
use crate::cloudwatch::neutral::Neutral;
use crate::unit::{Charge, Unit};
use crate::watcher::Watcher;
use bytes::Bytes;
use serde_json::Value;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Plan {
    /// The stand-in does it.
    Forward(Box<Forward>),
    /// The meter answers itself.
    Answer(Answer, Vec<Charge>),
    /// A limit refuses it.
    Refuse(Refusal),
}

/// A call that goes on.
#[derive(Debug)]
pub(super) struct Forward {
    /// The body that is sent.
    pub(super) body: Bytes,
    /// What is to be done with the answer.
    pub(super) settle: Settle,
    /// What is known to be counted already.
    pub(super) charges: Vec<Charge>,
}

/// What is to be done with an answer.
#[derive(Debug)]
pub(super) enum Settle {
    /// Nothing.
    Nothing,
    /// See [`super::dynamodb`].
    DynamoDb(AfterDynamoDb),
    /// See [`super::kinesis`].
    Kinesis(AfterKinesis),
    /// A call of SQS, its request.
    Sqs(Value),
    /// A call of `CloudWatch`, its request if it could be read.
    CloudWatch(Option<Neutral>),
}

impl Plan {
    /// The call goes on as it came.
    pub(super) fn unchanged(held: &Held, settle: Settle) -> Self {
        Self::Forward(Box::new(Forward { body: held.body.clone(), settle, charges: vec![] }))
    }

    /// The call goes on as it came, although its cost cannot be read.
    pub(super) fn unread(held: &Held) -> Self {
        let (body, charges) = (held.body.clone(), vec![(Unit::Unread, 1)]);
        Self::Forward(Box::new(Forward { body, settle: Settle::Nothing, charges }))
    }
}

impl<W: Watcher, C: Clock> Proxy<W, C> {
    pub(super) async fn plan(&self, held: &Held) -> Plan {
        match held.call.service {
            Service::DynamoDb => self.plan_dynamodb(held).await,
            Service::Kinesis => self.plan_kinesis(held).await,
            Service::Sqs => super::others::plan_sqs(held),
            Service::CloudWatch => {
                super::others::plan_cloudwatch(held, &self.limits, self.clock.now())
            }
            Service::S3 | Service::Other(_) => Plan::unchanged(held, Settle::Nothing),
        }
    }

    /// Makes of the stand-in's answer the caller's, and says what the call cost.
    pub(super) fn settle(&self, held: &Held, settle: Settle, answer: &mut Answer) -> Vec<Charge> {
        match settle {
            Settle::Nothing => vec![],
            Settle::DynamoDb(after) => self.settle_dynamodb(held, &after, answer),
            Settle::Kinesis(after) => self.settle_kinesis(held, after, answer),
            Settle::Sqs(request) => super::others::settle_sqs(held, &request, answer),
            Settle::CloudWatch(request) => {
                let (mut charges, metrics) =
                    super::others::settle_cloudwatch(held, request.as_ref(), answer);
                if !metrics.is_empty() {
                    let new = self.state().tally.metric_hours(&metrics, self.clock.now());
                    charges.push((Unit::MetricHours, new));
                }
                charges
            }
        }
    }
}
