//! The table: the few calls that logs and snapshots are made of, each with its outcome typed by what to do next.
//!
//! A write under a condition has three outcomes: done, refused with the item that is in the way, or [`Retryable`]. The SDK retries
//! by itself, and a retry can meet what its own first attempt has done, if only that answer was lost. Therefore each write
//! carries an *attempt*, which no other write ever has, and whoever is refused looks whether the item in the way is its own.

use crate::consumed::{Consumed, Counter};
use crate::failure::Call;
use crate::item::{Item, item_bytes};
use crate::layout::keys::Key;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;

/// How often the SDK makes a call at most, unless the client's settings say less.
pub const ATTEMPTS_MAX: u32 = 4;
/// How long an attempt may take, unless the client's settings say otherwise. A page of a query is 1 MB.
pub const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long connecting may take, unless the client's settings say otherwise.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);

/// A table that holds logs and snapshots. [`crate::DynamoLog`] and [`crate::DynamoSnapshots`] of one process share it.
#[derive(Debug)]
pub struct Table<C> {
    client: Client,
    name: Arc<str>,
    writer: Box<str>,
    /// When this process began to write, in epoch milliseconds: one that begins anew under the same name writes other attempts.
    began_at_ms: i64,
    attempts: AtomicU64,
    clock: C,
    counter: Counter,
}

/// An expression with what its placeholders stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expression {
    pub(crate) text: String,
    /// `#x` and the attribute's name: some names are reserved words.
    pub(crate) names: Vec<(&'static str, &'static str)>,
    /// `:x` and a value.
    pub(crate) values: Vec<(&'static str, AttributeValue)>,
}

/// Why a write under a condition has no effect that is known.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The condition failed, on this item or on none.
    Condition(Option<Item>),
    /// The effect is not known.
    Failed(Retryable),
}

/// A part of what a query finds.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Where the next page begins.
    pub(crate) next: Option<Item>,
}

impl<C: Clock> Table<C> {
    /// The table of this name. `writer` is the name of this process among all that ever write there at the same time, for
    /// instance its log stream in Lambda; entries expire by `clock`.
    pub fn new(client: &Client, name: &str, writer: &str, clock: C) -> Self {
        Self {
            client: bounded(client),
            name: name.into(),
            writer: writer.into(),
            began_at_ms: clock.now().as_millis(),
            attempts: AtomicU64::new(0),
            clock,
            counter: Counter::default(),
        }
    }

    /// What calls have consumed since this was last asked.
    pub fn take_consumed(&self) -> Consumed {
        self.counter.take()
    }

    /// The name of the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The name of a write that no other write has.
    pub(crate) fn attempt(&self) -> String {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed);
        format!("{}.{:x}.{number:x}", self.writer, self.began_at_ms)
    }

    fn call<'a>(&'a self, what: &'a str, action: &'static str) -> Call<'a> {
        Call { what, action, table: &self.name }
    }

    /// Puts an item, if a condition on the one in its place holds.
    pub(crate) async fn put(
        &self,
        what: &str,
        item: Item,
        condition: Option<Expression>,
    ) -> Result<(), Refused> {
        let new_bytes = item_bytes(&item);
        let mut put = self.client.put_item().table_name(&*self.name).set_item(Some(item));
        put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        if let Some(Expression { text, names, values }) = condition {
            let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
            put = put.condition_expression(text).return_values_on_condition_check_failure(all_old);
            for (placeholder, name) in names {
                put = put.expression_attribute_names(placeholder, name);
            }
            for (placeholder, value) in values {
                put = put.expression_attribute_values(placeholder, value);
            }
        }
        match put.send().await {
            Ok(output) => {
                self.counter.wrote(output.consumed_capacity());
                Ok(())
            }
            Err(SdkError::ServiceError(service))
                if service.err().is_conditional_check_failed_exception() =>
            {
                let PutItemError::ConditionalCheckFailedException(failed) = service.into_err()
                else {
                    return Err(Refused::Condition(None));
                };
                Err(self.refused(failed, new_bytes))
            }
            Err(error) => Err(Refused::Failed(self.call(what, "dynamodb:PutItem").failed(error))),
        }
    }

    /// Updates an item, if a condition on it holds: what it was before, if that is asked for.
    pub(crate) async fn update(
        &self,
        what: &str,
        key: Key,
        update: &str,
        condition: Expression,
        returned: ReturnValue,
    ) -> Result<Option<Item>, Refused> {
        let call = self.client.update_item().table_name(&*self.name).set_key(Some(key.item()));
        let mut call = call
            .update_expression(update)
            .condition_expression(condition.text)
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (placeholder, name) in condition.names {
            call = call.expression_attribute_names(placeholder, name);
        }
        for (placeholder, value) in condition.values {
            call = call.expression_attribute_values(placeholder, value);
        }
        match call.send().await {
            Ok(output) => {
                self.counter.wrote(output.consumed_capacity());
                Ok(output.attributes)
            }
            Err(SdkError::ServiceError(service))
                if service.err().is_conditional_check_failed_exception() =>
            {
                let UpdateItemError::ConditionalCheckFailedException(failed) = service.into_err()
                else {
                    return Err(Refused::Condition(None));
                };
                Err(self.refused(failed, 0))
            }
            Err(error) => {
                Err(Refused::Failed(self.call(what, "dynamodb:UpdateItem").failed(error)))
            }
        }
    }

    fn refused(&self, failed: ConditionalCheckFailedException, new_bytes: usize) -> Refused {
        let there = failed.item.filter(|item| !item.is_empty());
        self.counter.refused(there.as_ref(), new_bytes);
        Refused::Condition(there)
    }

    /// The item under a key, if there is one. An eventual read costs half and may miss what was just put.
    pub(crate) async fn get(
        &self,
        what: &str,
        key: Key,
        is_strong: bool,
    ) -> Result<Option<Item>, Retryable> {
        let get = self.client.get_item().table_name(&*self.name).set_key(Some(key.item()));
        let get = get.consistent_read(is_strong);
        let got = get.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let got = got.map_err(|error| self.call(what, "dynamodb:GetItem").failed(error))?;
        self.counter.read(got.consumed_capacity());
        Ok(got.item)
    }

    /// A query of this table, strongly consistent, to be completed and given to [`Table::page`].
    pub(crate) fn query(&self) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&*self.name).consistent_read(true);
        query.return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// A page of a query.
    pub(crate) async fn page(
        &self,
        what: &str,
        query: QueryFluentBuilder,
    ) -> Result<Page, Retryable> {
        let found = query.send().await;
        let found = found.map_err(|error| self.call(what, "dynamodb:Query").failed(error))?;
        self.counter.read(found.consumed_capacity());
        Ok(Page { items: found.items.unwrap_or_default(), next: found.last_evaluated_key })
    }
}

/// The same client with bounds on its patience where its settings have none.
fn bounded(client: &Client) -> Client {
    let config = client.config();
    let retry = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
    let attempts = retry.max_attempts().min(ATTEMPTS_MAX);
    let mut timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .operation_attempt_timeout(ATTEMPT_TIME_MAX);
    if let Some(given) = config.timeout_config() {
        timeouts.set_connect_timeout(given.connect_timeout().or(Some(CONNECT_TIME_MAX)));
        timeouts.set_read_timeout(given.read_timeout());
        timeouts.set_operation_timeout(given.operation_timeout());
        let attempt = given.operation_attempt_timeout().or(Some(ATTEMPT_TIME_MAX));
        timeouts.set_operation_attempt_timeout(attempt);
    }
    let config = config.to_builder().retry_config(retry.with_max_attempts(attempts));
    Client::from_conf(config.timeout_config(timeouts.build()).build())
}
