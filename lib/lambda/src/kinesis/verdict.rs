//! What an answer says about a batch: which records are done, and what becomes of the others.
//!
//! Without `ReportBatchItemFailures` any answer is a success. With it, [`item_failures`] says which answers name records: all
//! before the one with the lowest number is done. An answer that is malformed, or names a record that is not of the batch, is a
//! failure of the whole batch, be there good ones beside it (a choice of ours).

use crate::happening::Ending;
use crate::invoke::Outcome;
use crate::item_failures;
use crate::stream::SequenceNumber;

/// What an answer says about its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
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
    pub(super) fn of(
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
        let ending = match &verdict {
            Self::FailedFrom(first) => {
                Ending::Partial { failed: numbers.len().saturating_sub(*first) }
            }
            Self::Done | Self::Failed { .. } | Self::NotRun => Ending::of(outcome),
        };
        (verdict, ending)
    }
}

fn judge(body: &[u8], numbers: &[&SequenceNumber]) -> Verdict {
    let index = |identifier: String| {
        let wanted = SequenceNumber::new(&identifier);
        numbers.binary_search_by(|number| (*number).cmp(&wanted)).ok()
    };
    let Ok(identifiers) = item_failures::read(body) else { return Verdict::FailedFrom(0) };
    let indices: Option<Vec<usize>> = identifiers.into_iter().map(index).collect();
    match indices {
        Some(indices) => indices.into_iter().min().map_or(Verdict::Done, Verdict::FailedFrom),
        None => Verdict::FailedFrom(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::failed;
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
        assert_eq!(
            judged(failed()),
            (
                Verdict::Failed { handled: false },
                Ending::Error { text: "Broken: it broke".to_owned() }
            )
        );
    }
}
