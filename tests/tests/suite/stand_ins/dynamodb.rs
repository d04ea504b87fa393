//! Logs and snapshots on a table of ministack: the contracts, and what a table costs and survives, through the meter.
//!
//! Each test has an account of its own, and so a table of its own. The clock that entries expire by is turned by hand.

mod contracts;
mod costs;
mod overtaken;
mod storm;

use super::metered::{Frozen, account, config, routes};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use jiff::Timestamp as Now;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_dynamodb::{DynamoLog, DynamoSnapshots, PARTITION_KEY, SORT_KEY, Table};
use streamgauge_engine::time::Timestamp;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Fault, Faults};
use streamgauge_meter::limits::{Limit, Limits};
use streamgauge_meter::proxy::{Meter, Running};
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::{Unwatched, Watcher};
use streamgauge_pipeline::memory::VirtualClock;

/// The table of each test.
const TABLE: &str = "gauge";

/// A table behind a meter that keeps `DynamoDB`'s limit of 400 KB.
struct Stand {
    running: Running,
    account: String,
    clock: VirtualClock,
    /// Past the meter.
    direct: Client,
}

impl Stand {
    async fn start() -> Self {
        Self::with(0, vec![]).await
    }

    async fn with(seed: u64, faults: Vec<Fault>) -> Self {
        Self::watched(seed, faults, |_, _| Unwatched).await
    }

    /// With a watcher that can write past the meter.
    async fn watched<W: Watcher>(
        seed: u64,
        faults: Vec<Fault>,
        watcher: impl FnOnce(&Client, &VirtualClock) -> W,
    ) -> Self {
        let account = account();
        let limits = Limits::from_iter([Limit::ItemSize]);
        let faults = Faults { seed, faults };
        let direct = Client::new(&config(&account, "", None, RetryConfig::disabled()).await);
        create(&direct, TABLE).await;
        let clock = VirtualClock::new(Timestamp::from_millis(Now::now().as_millisecond()));
        let watcher = watcher(&direct, &clock);
        let meter = Meter::start(routes(), limits, faults, watcher, Frozen::new());
        Self { running: meter.await.unwrap(), account, clock, direct }
    }

    /// A client through the meter.
    async fn client(&self, retry: RetryConfig) -> Client {
        let endpoint = self.running.endpoint();
        Client::new(&config(&self.account, "", Some(&endpoint), retry).await)
    }

    /// A writer who retries, and hardly waits.
    async fn table(&self, writer: &str) -> Arc<Table<VirtualClock>> {
        let hasty = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        Arc::new(Table::new(&self.client(hasty).await, TABLE, writer, self.clock.clone()))
    }

    async fn log(&self, writer: &str) -> DynamoLog<VirtualClock> {
        DynamoLog::new(self.table(writer).await)
    }

    async fn snapshots(&self, writer: &str) -> DynamoSnapshots<VirtualClock> {
        DynamoSnapshots::new(self.table(writer).await)
    }

    fn amount(&self, operation: &str, unit: Unit) -> u64 {
        self.running.calls().amount(&Service::DynamoDb, operation, unit)
    }
}

/// Makes a table as the template has it.
pub(super) async fn create(direct: &Client, name: &str) {
    let mut create = direct.create_table().table_name(name);
    for (key_name, kind) in [(PARTITION_KEY, KeyType::Hash), (SORT_KEY, KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(key_name);
        let key = KeySchemaElement::builder().attribute_name(key_name).key_type(kind);
        create = create.key_schema(key.build().unwrap()).attribute_definitions(
            attribute.attribute_type(ScalarAttributeType::S).build().unwrap(),
        );
    }
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
}
