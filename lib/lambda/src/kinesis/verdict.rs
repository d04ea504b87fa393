//! What an answer says about a batch: which records are done, and what becomes of the others.
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>. Without
//! `ReportBatchItemFailures` any answer is a success. With it:
//!
//! | answer | verdict |
//! | --- | --- |
//! | nothing, `null`, `""`, `[]`, `{}`, an object without `batchItemFailures` | success |
//! | `batchItemFailures` is empty or `null` | success |
//! | identifiers of the batch | all before the one with the lowest number is done |
//! | an identifier that is missing, empty, no text, or not of the batch | failure of the whole batch |
//! | anything else, and what is no JSON | failure of the whole batch |
//!
//! `""` and `[]` are not in the text of the documentation; AWS was seen to take them as a success. The last line, an object
//! without the field, and one strange identifier among good ones (a failure of the whole batch) are choices of ours.

use crate::happening::Ending;
use crate::invoke::Outcome;
use crate::stream::SequenceNumber;
use serde_json::Value;

/// What an answer says about its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All records are done.
    Done,
    /// The records before this index are done, those from it on failed. It may be 0: the whole batch failed, and the
    /// function said so.
    FailedFrom(usize),
    /// The function failed; `handled` says whether its runtime told so.
    Failed {
        /// Whether AWS would say `Handled`.
        handled: bool,
    },
    /// The function did not run, or nobody knows whether it did: this uses up no attempt.
    NotRun,
}

impl Verdict {
    /// Judges an answer to a batch of records with these numbers, which increase.
    pub fn of(
        outcome: &Outcome,
        numbers: &[&SequenceNumber],
        report_item_failures: bool,
    ) -> (Self, Ending) {
        let verdict = match outcome {
            Outcome::Answered(body) if report_item_failures => judge(body, numbers),
            Outcome::Answered(_) => Self::Done,
            Outcome::Failed(error) => Self::Failed { handled: error.handled },
            Outcome::Throttled | Outcome::Unreachable(_) => Self::NotRun,
        };
        let ending = match (&verdict, outcome) {
            (_, Outcome::Throttled) => Ending::Throttled,
            (_, Outcome::Unreachable(text)) => Ending::Unreachable { text: text.clone() },
            (_, Outcome::Failed(error)) => {
                Ending::Error { text: format!("{}: {}", error.error_type, error.message) }
            }
            (Self::FailedFrom(first), Outcome::Answered(_)) => {
                Ending::Partial { failed: numbers.len().saturating_sub(*first) }
            }
            (_, Outcome::Answered(_)) => Ending::Success,
        };
        (verdict, ending)
    }
}

fn judge(body: &[u8], numbers: &[&SequenceNumber]) -> Verdict {
    const WHOLE: Verdict = Verdict::FailedFrom(0);
    if body.trim_ascii().is_empty() {
        return Verdict::Done;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return WHOLE };
    let failures = match &answer {
        Value::Null => return Verdict::Done,
        Value::String(text) if text.is_empty() => return Verdict::Done,
        Value::Array(items) if items.is_empty() => return Verdict::Done,
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Verdict::Done,
            Some(Value::Array(failures)) => failures,
            Some(_) => return WHOLE,
        },
        _ => return WHOLE,
    };
    let mut first = None;
    for failure in failures {
        let identifier = failure.get("itemIdentifier").and_then(Value::as_str).unwrap_or_default();
        let wanted = SequenceNumber::new(identifier);
        let Ok(index) = numbers.binary_search_by(|number| (*number).cmp(&wanted)) else {
            return WHOLE;
        };
        first = Some(first.map_or(index, |first: usize| first.min(index)));
    }
    first.map_or(Verdict::Done, Verdict::FailedFrom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoke::FunctionError;
    use bytes::Bytes;

    /// Judges an answer to the batch of the records 8, 9, 10 and 11.
    #[track_caller]
    fn check(body: &str, expect: &Verdict) {
        let numbers = ["8", "9", "10", "11"].map(SequenceNumber::new);
        let outcome = Outcome::Answered(Bytes::from(body.to_owned()));
        let numbers: Vec<&SequenceNumber> = numbers.iter().collect();
        assert_eq!(&Verdict::of(&outcome, &numbers, true).0, expect, "{body}");
        assert_eq!(Verdict::of(&outcome, &numbers, false).0, Verdict::Done, "not asked: {body}");
    }

    fn check_failures(failures: &str, expect: &Verdict) {
        check(&format!("{{\"batchItemFailures\":{failures}}}"), expect);
    }

    #[test]
    fn nothing_reported_is_a_success() {
        for body in ["", " ", "null", "\"\"", "[]", "{}", "{\"statusCode\":200}"] {
            check(body, &Verdict::Done);
        }
        check_failures("[]", &Verdict::Done);
        check_failures("null", &Verdict::Done);
    }

    #[test]
    fn the_lowest_number_is_where_to_go_on() {
        check_failures("[{\"itemIdentifier\":\"9\"}]", &Verdict::FailedFrom(1));
        check_failures(
            "[{\"itemIdentifier\":\"11\"},{\"itemIdentifier\":\"10\"}]",
            &Verdict::FailedFrom(2),
        );
        check_failures("[{\"itemIdentifier\":\"8\"}]", &Verdict::FailedFrom(0));
    }

    #[test]
    fn an_identifier_that_is_none_fails_the_batch() {
        for item in [
            "{\"itemIdentifier\":\"\"}",
            "{\"itemIdentifier\":null}",
            "{\"itemIdentifier\":9}",
            "{\"itemIdentifier\":\"7\"}",
            "{\"foo\":\"9\"}",
            "\"9\"",
            "null",
        ] {
            check_failures(&format!("[{item}]"), &Verdict::FailedFrom(0));
            check_failures(
                &format!("[{{\"itemIdentifier\":\"10\"}},{item}]"),
                &Verdict::FailedFrom(0),
            );
        }
    }

    #[test]
    fn an_answer_of_another_shape_fails_the_batch() {
        for body in ["\"ok\"", "7", "true", "[1]", "{\"batchItemFailures\":{}}", "{", "ok"] {
            check(body, &Verdict::FailedFrom(0));
        }
    }

    #[test]
    fn what_did_not_run_is_no_failure_of_the_function() {
        let number = SequenceNumber::new("8");
        let judged = |outcome: Outcome| Verdict::of(&outcome, &[&number], true);
        assert_eq!(judged(Outcome::Throttled), (Verdict::NotRun, Ending::Throttled));
        assert_eq!(
            judged(Outcome::Unreachable("lost".to_owned())),
            (Verdict::NotRun, Ending::Unreachable { text: "lost".to_owned() })
        );
        let error = FunctionError {
            handled: false,
            error_type: "Sandbox.Timedout".to_owned(),
            message: "too slow".to_owned(),
            payload: Bytes::new(),
        };
        assert_eq!(
            judged(Outcome::Failed(error)),
            (
                Verdict::Failed { handled: false },
                Ending::Error { text: "Sandbox.Timedout: too slow".to_owned() }
            )
        );
    }
}
