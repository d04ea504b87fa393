//! Which items of a batch a function says that failed, where its mapping has `ReportBatchItemFailures`:
//! `{"batchItemFailures":[{"itemIdentifier":"…"}]}`. The same for
//! Kinesis (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>) and
//! SQS (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>):
//!
//! | the answer | means |
//! | --- | --- |
//! | `null`, `{}`, `batchItemFailures` empty or `null` | all are done |
//! | `""`, `[]` | the same: AWS does not say so, and was seen to take them so for Kinesis |
//! | nothing, an object without `batchItemFailures` | the same: our choice |
//! | an `itemIdentifier` that is missing, empty or no text; no JSON | malformed: all failed |
//! | anything else | malformed: our choice |
//!
//! An identifier that is not of the batch is malformed too; who knows the batch sees that.

use serde_json::Value;

/// The identifiers that an answer names, or what is wrong with it.
pub(crate) fn read(answer: &[u8]) -> Result<Vec<String>, String> {
    if answer.trim_ascii().is_empty() {
        return Ok(vec![]);
    }
    let answer = serde_json::from_slice::<Value>(answer)
        .map_err(|error| format!("the answer is no JSON: {error}"))?;
    let items = match &answer {
        Value::Null => return Ok(vec![]),
        Value::String(text) if text.is_empty() => return Ok(vec![]),
        Value::Array(items) if items.is_empty() => return Ok(vec![]),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Ok(vec![]),
            Some(Value::Array(items)) => items,
            Some(_) => return Err("`batchItemFailures` is no list".to_owned()),
        },
        _ => return Err("the answer is neither an object nor null".to_owned()),
    };
    let identifier = |item: &Value| match item.get("itemIdentifier") {
        None => Err("an item of `batchItemFailures` has no `itemIdentifier`".to_owned()),
        Some(Value::String(id)) if id.is_empty() => Err("an `itemIdentifier` is empty".to_owned()),
        Some(Value::String(id)) => Ok(id.clone()),
        Some(_) => Err("an `itemIdentifier` is no text".to_owned()),
    };
    items.iter().map(identifier).collect()
}
