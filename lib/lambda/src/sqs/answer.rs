//! What an answer means for the messages of its batch: which to delete, and which come again.
//!
//! With `ReportBatchItemFailures` the function may name the messages that failed, as [`item_failures`] reads it. When the answer
//! is malformed, or names a message that is not of the batch, all failed.

use crate::happening::Ending;
use crate::invoke::Outcome;
use crate::item_failures;
use crate::queue::Message;
use std::collections::BTreeSet;

/// What an outcome means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// The receipts of messages that are done.
    pub(super) delete: Vec<String>,
    /// How many messages come again.
    pub(super) failed: usize,
    /// How reports count it.
    pub(super) ending: Ending,
    /// Why the answer says nothing about single messages although it should.
    pub(super) malformed: Option<String>,
}

/// Decides about a batch. `reports` is whether the mapping has `ReportBatchItemFailures`.
pub(super) fn settle(outcome: &Outcome, batch: &[&Message], reports: bool) -> Settled {
    let none = |ending| Settled { delete: vec![], failed: batch.len(), ending, malformed: None };
    match outcome {
        Outcome::Answered(answer) => {
            let ids = batch.iter().map(|message| message.id.as_str()).collect();
            let failures = if reports { failures(answer, &ids) } else { Ok(BTreeSet::new()) };
            match failures {
                Ok(failures) => answered(batch, &failures),
                Err(reason) => Settled {
                    malformed: Some(reason),
                    ..none(Ending::Partial { failed: batch.len() })
                },
            }
        }
        Outcome::Failed(_) | Outcome::Throttled | Outcome::Unreachable(_) => {
            none(Ending::of(outcome))
        }
    }
}

fn answered(batch: &[&Message], failures: &BTreeSet<String>) -> Settled {
    let done = batch.iter().filter(|message| !failures.contains(&message.id));
    let delete: Vec<String> = done.map(|message| message.receipt.clone()).collect();
    let failed = batch.len() - delete.len();
    let ending = if failed == 0 { Ending::Success } else { Ending::Partial { failed } };
    Settled { delete, failed, ending, malformed: None }
}

/// The messages that an answer names, or why it names none of the batch.
fn failures(answer: &[u8], batch: &BTreeSet<&str>) -> Result<BTreeSet<String>, String> {
    let failures: BTreeSet<String> = item_failures::read(answer)?.into_iter().collect();
    match failures.iter().find(|id| !batch.contains(id.as_str())) {
        Some(id) => Err(format!("the `itemIdentifier` `{id}` is no message of the batch")),
        None => Ok(failures),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::failed;
    use bytes::Bytes;
    use std::collections::BTreeMap;

    fn message(name: &str) -> Message {
        Message {
            id: name.to_owned(),
            receipt: format!("receipt-{name}"),
            body: String::new(),
            md5_of_body: String::new(),
            attributes: BTreeMap::new(),
            message_attributes: BTreeMap::new(),
        }
    }

    fn settled(outcome: &Outcome, reports: bool) -> Settled {
        let messages = ["a", "b", "c"].map(message);
        settle(outcome, &messages.each_ref(), reports)
    }

    fn answer(text: &str) -> Outcome {
        Outcome::Answered(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// What an answer deletes of the messages a, b and c.
    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let settled = settled(&answer(text), true);
        let expect: Vec<String> = expect.iter().map(|name| format!("receipt-{name}")).collect();
        assert_eq!((settled.delete.len(), settled.failed), (expect.len(), 3 - expect.len()));
        assert_eq!(settled.delete, expect, "{text}");
        assert_eq!(settled.malformed, None);
    }

    #[track_caller]
    fn check_malformed(text: &str, expect: &str) {
        let settled = settled(&answer(text), true);
        assert_eq!((settled.delete, settled.failed), (vec![], 3), "{text}");
        assert_eq!(settled.ending, Ending::Partial { failed: 3 });
        assert!(settled.malformed.as_ref().unwrap().contains(expect), "{:?}", settled.malformed);
    }

    #[test]
    fn complete_successes() {
        for text in [
            "null",
            "",
            "\"\"",
            "[]",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
        ] {
            check(text, &["a", "b", "c"]);
        }
        check(r#"{"statusCode":200}"#, &["a", "b", "c"]);
    }

    #[test]
    fn named_messages_are_kept_and_the_others_deleted() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, &["a", "c"]);
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#,
            &["b"],
        );
        let all = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#;
        check(all, &[]);
        assert_eq!(settled(&answer(all), true).ending, Ending::Partial { failed: 3 });
    }

    #[test]
    fn complete_failures() {
        check_malformed("done", "the answer is no JSON");
        check_malformed(r#""done""#, "neither an object nor null");
        check_malformed("[1]", "neither an object nor null");
        check_malformed(r#"{"batchItemFailures":"b"}"#, "is no list");
        check_malformed(r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, "is empty");
        check_malformed(r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, "is no text");
        check_malformed(r#"{"batchItemFailures":[{"messageId":"b"}]}"#, "has no `itemIdentifier`");
        check_malformed(r#"{"batchItemFailures":["b"]}"#, "has no `itemIdentifier`");
        check_malformed(
            r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"x"}]}"#,
            "`x` is no message of the batch",
        );
    }

    #[test]
    fn without_reports_any_answer_is_a_success() {
        for text in ["", "done", r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#] {
            let settled = settled(&answer(text), false);
            assert_eq!((settled.delete.len(), settled.ending), (3, Ending::Success), "{text}");
        }
    }

    #[test]
    fn failures_of_the_function_keep_all() {
        for (outcome, ending) in [
            (failed(), Ending::Error { text: "Broken: it broke".to_owned() }),
            (Outcome::Throttled, Ending::Throttled),
            (
                Outcome::Unreachable("lost".to_owned()),
                Ending::Unreachable { text: "lost".to_owned() },
            ),
        ] {
            let expect = Settled { delete: vec![], failed: 3, ending, malformed: None };
            assert_eq!(settled(&outcome, true), expect);
        }
    }
}
