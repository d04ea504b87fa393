//! The ledger: a small real function that calls AWS through its SDK, for tests of what lies between functions and services.
//!
//! For each batch of Kinesis records it has two effects on `DynamoDB`, one after the other: it puts the item `begin/SEQUENCE` and
//! then `end/SEQUENCE`, SEQUENCE being the first record's sequence number, into the table of the variable `LEDGER_TABLE`. Both are
//! put on the condition that they are not there. One that is there already was put by an earlier attempt: the function goes on.
//! An item has the attribute `records`, how many records the batch had.
//!
//! All else (endpoint, region, keys, the session token by which a proxy tells environments apart) the SDK takes from the environment.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Kinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    sequence_number: String,
}

/// What lasts for the life of the process.
struct Ledger {
    client: Client,
    table: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let table = std::env::var("LEDGER_TABLE")
        .map_err(|error| format!("LEDGER_TABLE must name a table: {error}"))?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let ledger = Ledger { client: Client::new(&config), table };
    lambda_runtime::run(service_fn(|event| handle(&ledger, event))).await
}

/// One batch.
async fn handle(ledger: &Ledger, event: LambdaEvent<Batch>) -> Result<Value, Diagnostic> {
    let records = event.payload.records;
    let Some(first) = records.first() else { return Ok(json!({"batchItemFailures": []})) };
    for kind in ["begin", "end"] {
        let id = format!("{kind}/{}", first.kinesis.sequence_number);
        claim(ledger, &id, records.len()).await.map_err(|error| Diagnostic {
            error_type: "LedgerFailure".to_owned(),
            error_message: format!("the item `{id}` could not be put: {error}"),
        })?;
    }
    Ok(json!({"batchItemFailures": []}))
}

/// Puts an item if it is not there.
async fn claim(ledger: &Ledger, id: &str, records: usize) -> Result<(), String> {
    let put = ledger.client.put_item().table_name(&ledger.table);
    let put = put.item("id", AttributeValue::S(id.to_owned()));
    let put = put.item("records", AttributeValue::N(records.to_string()));
    match put.condition_expression("attribute_not_exists(id)").send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let shown = DisplayErrorContext(&error).to_string();
            match error.as_service_error() {
                Some(failed) if failed.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(shown),
            }
        }
    }
}
