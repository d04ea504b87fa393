//! The meter in front of the stand-ins, called through the AWS SDK as functions call it: what a run costs, what is refused, what
//! goes wrong on purpose, and whether anything else changes.
//!
//! Each test has an account of its own, so that names, items and metrics are its alone. What a test needs beforehand it makes
//! past the meter, so that the bill is the run's.

mod asked;
mod dynamodb;
mod faults;
mod killed;
mod kinesis;
mod limits;
mod others;
mod passing;
mod points;
mod sent;
mod speed;
mod streams;
mod tables;

use super::ENDPOINTS;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudwatch as cloudwatch;
use aws_sdk_dynamodb as dynamodb_sdk;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use streamgauge_lambda_aws::{kinesis as kinesis_sdk, s3, sqs};
use streamgauge_meter::bill::{Bill, Terms};
use streamgauge_meter::call::Service;
use streamgauge_meter::clock::Clock;
use streamgauge_meter::faults::{Fault, Faults, Harm, Selector, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{Meter, Routes, Running};
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::{Unwatched, Watcher};

/// The region of all tests.
pub(super) const REGION: &str = "eu-west-1";

/// Where a stand-in listens, by the variable that leads to it.
fn address(variable: &str) -> SocketAddr {
    let endpoint = env::var(variable).unwrap_or_default();
    let address = endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.unwrap_or_else(|| {
        panic!("{variable} leads to no stand-in (`{endpoint}`); run these tests with `cargo x aws-tests`")
    })
}

/// The way to both stand-ins.
pub(super) fn routes() -> Routes {
    let [rest, kinesis] = ENDPOINTS.map(address);
    Routes { by_service: BTreeMap::from([(Service::Kinesis, kinesis)]), rest }
}

/// Twelve digits that no other test has, and no other run has had.
pub(super) fn account() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() % 1_000_000_000;
    format!("{now:09}{:03}", COUNT.fetch_add(1, Ordering::Relaxed) % 1_000)
}

/// A clock that goes on only when it is told: rates are what they are, however slow the machine is.
#[derive(Clone, Debug)]
pub(super) struct Frozen(Arc<Mutex<Timestamp>>);

impl Frozen {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Timestamp::now())))
    }

    fn advance_ms(&self, millis: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_millis(millis);
    }
}

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

/// The clients of one caller.
#[derive(Debug)]
struct Clients {
    cloudwatch: cloudwatch::Client,
    dynamodb: dynamodb_sdk::Client,
    kinesis: kinesis_sdk::Client,
    s3: s3::Client,
    sqs: sqs::Client,
}

impl Clients {
    fn new(config: &SdkConfig) -> Self {
        let s3 = s3::config::Builder::from(config).force_path_style(true);
        Self {
            cloudwatch: cloudwatch::Client::new(config),
            dynamodb: dynamodb_sdk::Client::new(config),
            kinesis: kinesis_sdk::Client::new(config),
            s3: s3::Client::from_conf(s3.build()),
            sqs: sqs::Client::new(config),
        }
    }
}

/// How the SDK is set: an account, as a caller, to the stand-ins or to an endpoint.
pub(super) async fn config(
    account: &str,
    caller: &str,
    endpoint: Option<&str>,
    retry: RetryConfig,
) -> SdkConfig {
    let token = Some(caller.to_owned()).filter(|caller| !caller.is_empty());
    let key = s3::config::Credentials::new(account, "stand-ins", token, None, "test");
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(key)
        .retry_config(retry);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// A meter under test.
#[derive(Debug)]
struct Metered<C = Frozen> {
    running: Running,
    account: String,
    /// Past the meter.
    direct: Clients,
    clock: C,
}

impl Metered {
    /// With nothing but the bill.
    async fn start() -> Self {
        Self::with(Limits::none(), vec![]).await
    }

    async fn with(limits: Limits, faults: Vec<Fault>) -> Self {
        Self::watched(limits, faults, Frozen::new(), |_| Unwatched).await
    }
}

impl<C: Clock + Clone> Metered<C> {
    /// By this clock, with a watcher that can look past the meter.
    async fn watched<W: Watcher>(
        limits: Limits,
        faults: Vec<Fault>,
        clock: C,
        watcher: impl FnOnce(&Clients) -> W,
    ) -> Self {
        let account = account();
        let direct = Clients::new(&config(&account, "", None, RetryConfig::disabled()).await);
        let (faults, watcher) = (Faults { seed: 7, faults }, watcher(&direct));
        let meter = Meter::start(routes(), limits, faults, watcher, clock.clone());
        Self { running: meter.await.unwrap(), direct, account, clock }
    }

    /// A caller who does not retry.
    async fn caller(&self, token: &str) -> Clients {
        self.caller_with(token, RetryConfig::disabled()).await
    }

    /// A caller who retries as the SDK does if nobody says otherwise, except that it hardly waits.
    async fn retrying(&self, token: &str) -> Clients {
        let hasty = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        self.caller_with(token, hasty).await
    }

    async fn caller_with(&self, token: &str, retry: RetryConfig) -> Clients {
        let endpoint = self.running.endpoint();
        Clients::new(&config(&self.account, token, Some(&endpoint), retry).await)
    }

    /// Each row of the bill is one of these, and the total is their sum.
    #[track_caller]
    fn check_bill(&self, terms: Terms, expect: &[Row<'_>]) {
        check_bill(&self.running.bill(terms), expect);
    }

    fn amount(&self, service: &Service, operation: &str, unit: Unit) -> u64 {
        self.running.calls().amount(service, operation, unit)
    }
}

/// An operation, a unit, how many, and pico-dollars.
type Row<'a> = (&'a str, Unit, u64, Option<u128>);

#[track_caller]
fn check_bill(bill: &Bill, expect: &[Row<'_>]) {
    let rows: Vec<Row<'_>> = bill
        .rows
        .iter()
        .map(|row| (&*row.operation, row.unit, row.amount, row.cost.map(|(_, dollars)| dollars.0)))
        .collect();
    assert_eq!(rows, expect);
    assert_eq!(bill.total().0, expect.iter().filter_map(|row| row.3).sum());
}

/// A fault that looks at one operation.
fn fault(service: Service, operation: &str, when: When, harm: Harm) -> Fault {
    let selector =
        Selector { service: Some(service), operation: Some(operation.into()), caller_prefix: None };
    Fault { selector, when, harm, at_most: 1_000 }
}
