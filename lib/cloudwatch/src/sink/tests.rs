//! Calls over real connections to a server of this process, so that errors are those that the SDK and the network make.

use super::*;
use crate::testing::server::{Answer, Server};
use crate::testing::{TEN, metric, point, receipt};
use aws_sdk_cloudwatch::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_cloudwatch::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudwatch::error::BoxError;
use minicbor::Encoder;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use streamgauge_engine::output::Values;
use streamgauge_pipeline::contract::{SinkBench, SinkFault, sink_contract};
use streamgauge_pipeline::deliver::DeliverSettings;
use tokio::time::Instant;

/// A call with as many points as there are countries.
fn call(countries: &[String]) -> Call {
    let metric = metric("orders", &["country"]);
    let points: Vec<_> =
        countries.iter().map(|country| point(&[country], Values::Count(3))).collect();
    let points: Vec<_> = points.iter().map(|point| Queued { metric: &metric, point }).collect();
    pack::pack(&points, &receipt(), TEN.plus(MINUTE_MS)).call.unwrap()
}

fn small_call() -> Call {
    call(&["AE".to_owned()])
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The outcome of a put that is answered so, in one attempt.
#[track_caller]
fn check(answer: &Answer, expect: &Delivery) {
    let server = Server::start([answer.clone()]);
    let outcome = run(CloudWatch::new(server.config()).put(&small_call()));
    assert_eq!(outcome, *expect, "{answer:?}");
    assert_eq!(server.requests().len(), 1, "{answer:?}");
}

fn rejected(reason: &str) -> Delivery {
    Delivery::Rejected { reason: reason.to_owned() }
}

#[test]
fn each_answer_has_its_outcome() {
    use Answer::{Lost, Raw, Refused, Taken};
    check(&Taken, &Delivery::Delivered);
    check(&Raw(200, vec![]), &Delivery::Delivered);
    let soon = Delivery::Retry { after_ms: 1_000 };
    check(&Refused(400, "ThrottlingException", "Rate exceeded"), &soon);
    check(&Refused(503, "Throttling", "Rate exceeded"), &soon);
    check(&Raw(429, b"slow down".to_vec()), &soon);
    check(
        &Refused(400, "InvalidParameterValueException", "NaN"),
        &rejected("CloudWatch refuses it: InvalidParameterValueException: NaN"),
    );
    check(&Raw(413, b"<html>".to_vec()), &rejected("CloudWatch finds the call too large"));
    let later = Delivery::Retry { after_ms: 60_000 };
    check(&Refused(403, "AccessDeniedException", "no"), &later);
    check(&Raw(404, b"<html>".to_vec()), &later);
    check(&Refused(500, "InternalServiceFault", "sorry"), &Delivery::Unknown);
    check(&Raw(502, b"<html>".to_vec()), &Delivery::Unknown);
    check(&Lost, &Delivery::Unknown);
}

#[test]
fn without_a_connection_nothing_was_sent() {
    let check = |endpoint: &str| {
        let config = Server::start([]).config().endpoint_url(endpoint);
        let outcome = run(CloudWatch::new(config).put(&small_call()));
        assert_eq!(outcome, Delivery::Retry { after_ms: 1_000 }, "{endpoint}");
    };
    // Where nobody listens, and a name that nothing can have, so that nobody is asked for it.
    check("http://127.0.0.1:1");
    check(&format!("http://{}", "x".repeat(64)));
}

#[test]
fn without_credentials_nothing_was_sent() {
    let server = Server::start([]);
    let outcome = run(CloudWatch::new(server.config_of_nobody()).put(&small_call()));
    assert_eq!(outcome, Delivery::Retry { after_ms: 60_000 });
    assert_eq!(server.connections(), 0);
}

/// Time goes on only while nobody has anything else to do.
#[test]
fn without_an_answer_a_call_ends_in_its_time_and_nothing_is_known() {
    let server = Server::start([Answer::Silent]);
    let cloudwatch = CloudWatch::new(server.config());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
        let begun = Instant::now();
        assert_eq!(cloudwatch.put(&small_call()).await, Delivery::Unknown);
        assert!(begun.elapsed() <= CALL_TIME_MAX, "{:?}", begun.elapsed());
    });
}

#[test]
fn lanes_leave_a_call_its_time() {
    let left = u64::try_from(DeliverSettings::default().call_ms).unwrap();
    assert!(CALL_TIME_MAX <= Duration::from_millis(left));
}

#[test]
fn each_put_has_a_connection_of_its_own() {
    let server = Server::start([]);
    let cloudwatch = CloudWatch::new(server.config());
    run(async {
        for _ in 0..3 {
            assert_eq!(cloudwatch.put(&small_call()).await, Delivery::Delivered);
        }
    });
    assert_eq!((server.taken(), server.connections()), (3, 3));
    assert!(server.requests().iter().all(|request| request.head.contains("connection: close")));
}

#[test]
fn a_large_call_is_packed() {
    let server = Server::start([]);
    let countries: Vec<String> = (0..900).map(|number| format!("country {number}")).collect();
    let large = call(&countries);
    run(async {
        let cloudwatch = CloudWatch::new(server.config());
        assert_eq!(cloudwatch.put(&small_call()).await, Delivery::Delivered);
        assert_eq!(cloudwatch.put(&large).await, Delivery::Delivered);
    });
    let requests = server.requests();
    assert!(!requests[0].head.contains("content-encoding"));
    assert!(requests[1].head.contains("content-encoding: gzip"));
    assert!(requests[1].body.len() < 900 * 30, "{}", requests[1].body.len());
}

/// The answer to a question for receipts: values and status.
fn counted(values: &[f64], status: &str) -> Answer {
    let mut body = Encoder::new(Vec::new());
    let encoder = body.map(1).unwrap().str("MetricDataResults").unwrap().array(1).unwrap();
    let encoder = encoder.map(3).unwrap().str("Id").unwrap().str("receipts").unwrap();
    let encoder = encoder.str("StatusCode").unwrap().str(status).unwrap();
    encoder.str("Values").unwrap().array(values.len().try_into().unwrap()).unwrap();
    for value in values {
        body.f64(*value).unwrap();
    }
    Answer::Raw(200, body.into_writer())
}

/// Whether the third call of its minute was taken; `None` if that is not known.
#[track_caller]
fn check_taken(answer: &Answer, expect: Option<bool>) {
    let server = Server::start([answer.clone()]);
    let third = Receipt { number: 3, ..receipt() };
    let outcome = run(CloudWatch::new(server.config()).was_taken(&third));
    assert_eq!(outcome.ok(), expect);
}

#[test]
fn a_call_was_taken_if_its_minute_has_so_many_receipts() {
    check_taken(&counted(&[3.0], "Complete"), Some(true));
    check_taken(&counted(&[4.0], "PartialData"), Some(true));
    check_taken(&counted(&[2.0], "Complete"), Some(false));
    check_taken(&counted(&[], "Complete"), Some(false));
    check_taken(&counted(&[2.0], "PartialData"), None);
    check_taken(&counted(&[], "InternalError"), None);
    check_taken(&Answer::Refused(400, "ThrottlingException", "Rate exceeded"), None);
    check_taken(&Answer::Lost, None);
}

#[test]
fn what_could_not_be_asked_names_the_receipt_and_keeps_its_cause() {
    let server = Server::start([Answer::Refused(403, "AccessDeniedException", "no")]);
    let failed = run(CloudWatch::new(server.config()).was_taken(&receipt())).unwrap_err();
    let expect = "could not count the receipts of partition 0 in namespace `Shop` at 2026-01-05T10:00:00Z; the call may have taken effect and can be repeated";
    assert_eq!(failed.to_string(), expect);
    assert!(std::error::Error::source(&failed).is_some());
}

/// A server, and a way past it to where nobody listens.
#[derive(Debug)]
struct Bench {
    server: Server,
    detour: Detour,
}

/// Leads the next call astray.
#[derive(Clone, Debug, Default)]
struct Detour(Arc<AtomicBool>);

impl Intercept for Detour {
    fn name(&self) -> &'static str {
        "Detour"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.swap(false, Ordering::Relaxed) {
            context.request_mut().set_uri("http://127.0.0.1:1/")?;
        }
        Ok(())
    }
}

impl SinkBench for Bench {
    fn arm(&self, fault: SinkFault) -> bool {
        match fault {
            SinkFault::Unreachable => self.detour.0.store(true, Ordering::Relaxed),
            SinkFault::Busy => self.server.script(Answer::Refused(400, "Throttling", "slow down")),
            SinkFault::Refused => {
                self.server.script(Answer::Refused(400, "InvalidParameterValue", "NaN"));
            }
            SinkFault::AnswerLost => self.server.script(Answer::Lost),
        }
        true
    }

    fn taken(&self) -> usize {
        self.server.taken()
    }
}

#[test]
fn cloudwatch_keeps_the_contract_of_sinks() {
    let bench = Bench { server: Server::start([]), detour: Detour::default() };
    let config = bench.server.config().interceptor(bench.detour.clone());
    run(sink_contract(&CloudWatch::new(config), &small_call(), &bench)).unwrap();
}
