//! The contracts of logs and snapshots. Writes are broken by an interceptor of the SDK: it knows the call that makes a write
//! visible by its condition.

use super::{Stand, TABLE};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use std::sync::{Arc, Mutex};
use streamgauge_dynamodb::{DynamoLog, DynamoSnapshots, Table};
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::contract::{Broken, Fault, StoreBench, log_contract, snapshots_contract};
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::clock::Clock;

/// A place where a write breaks.
type Armed = Arc<Mutex<Option<Break>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    /// The call that makes a write visible is never made.
    Before,
    /// Its answer is lost.
    After,
    /// It was just made.
    Now,
}

/// Breaks the call that makes a write visible.
#[derive(Debug)]
struct Breaker {
    armed: Armed,
    /// How many writes of a root come before the one that makes a snapshot visible: its claim.
    claims: bool,
}

impl Breaker {
    /// Whether this call makes a write visible: it has a condition and does not only claim.
    fn is_visible(&self, put: &PutItemInput) -> bool {
        let claims = self.claims && put.item().is_some_and(|item| item.contains_key("w"));
        put.condition_expression().is_some() && !claims
    }
}

impl Intercept for Breaker {
    fn name(&self) -> &'static str {
        "Breaker"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let put = context.input().downcast_ref::<PutItemInput>();
        if !put.is_some_and(|put| self.is_visible(put)) {
            return Ok(());
        }
        let mut armed = self.armed.lock().unwrap();
        match *armed {
            Some(Break::Before) => {
                *armed = None;
                Err("crashed midway".into())
            }
            Some(Break::After) => {
                *armed = Some(Break::Now);
                Ok(())
            }
            Some(Break::Now) | None => Ok(()),
        }
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut armed = self.armed.lock().unwrap();
        if *armed == Some(Break::Now) {
            *armed = None;
            return Err("lost the answer".into());
        }
        Ok(())
    }
}

/// The clock of a table, and its breaker.
struct Bench {
    clock: VirtualClock,
    armed: Armed,
}

impl Clock for Bench {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl StoreBench for Bench {
    fn advance(&self, by: Millis) {
        self.clock.advance(by);
    }

    fn arm(&self, fault: Fault) {
        let fault = match fault {
            Fault::CrashMidway => Break::Before,
            Fault::AnswerLost => Break::After,
        };
        *self.armed.lock().unwrap() = Some(fault);
    }
}

/// A table whose writes can be broken.
async fn breakable(stand: &Stand, claims: bool) -> (Arc<Table<VirtualClock>>, Bench) {
    let armed = Armed::default();
    let breaker = Breaker { armed: Arc::clone(&armed), claims };
    let client = stand.client(RetryConfig::standard()).await;
    let client = Client::from_conf(client.config().to_builder().interceptor(breaker).build());
    let table = Arc::new(Table::new(&client, TABLE, "contract", stand.clock.clone()));
    (table, Bench { clock: stand.clock.clone(), armed })
}

/// Says which rule was broken and how.
#[track_caller]
fn check(kept: Result<(), Broken>) {
    if let Err(Broken { rule, source }) = kept {
        panic!("broken: {rule}: {source:?}");
    }
}

#[tokio::test]
async fn logs_keep_the_contract() {
    let stand = Stand::start().await;
    let (table, bench) = breakable(&stand, false).await;
    check(log_contract(&DynamoLog::new(table), &bench).await);
}

#[tokio::test]
async fn snapshots_keep_the_contract() {
    let stand = Stand::start().await;
    let (table, bench) = breakable(&stand, true).await;
    check(snapshots_contract(&DynamoSnapshots::new(table), &bench).await);
}
