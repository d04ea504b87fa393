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

/// A verdict, and what to tell with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// How reports count it.
    pub(super) ending: Ending,
    /// Why the answer says nothing about single records although it should.
    pub(super) malformed: Option<String>,
}

impl Judgement {
    /// Judges an answer to a batch of records with these numbers, which increase.
    pub(super) fn of(
        outcome: &Outcome,
        numbers: &[&SequenceNumber],
        report_item_failures: bool,
    ) -> Self {
        let mut malformed = None;
        let verdict = match outcome {
            Outcome::Answered(body) if report_item_failures => {
                read(body, numbers).unwrap_or_else(|reason| {
                    malformed = Some(reason);
                    Verdict::FailedFrom(0)
                })
            }
            Outcome::Answered(_) => Verdict::Done,
            Outcome::Failed(error) => Verdict::Failed { handled: error.handled },
            Outcome::Throttled | Outcome::Unreachable(_) => Verdict::NotRun,
        };
        let ending = match &verdict {
            Verdict::FailedFrom(first) => {
                Ending::Partial { failed: numbers.len().saturating_sub(*first) }
            }
            Verdict::Done | Verdict::Failed { .. } | Verdict::NotRun => Ending::of(outcome),
        };
        Self { verdict, ending, malformed }
    }
}

/// What an answer says about records with these numbers, or what is wrong with it.
fn read(body: &[u8], numbers: &[&SequenceNumber]) -> Result<Verdict, String> {
    let index = |identifier: String| {
        let wanted = SequenceNumber::new(&identifier);
        let found = numbers.binary_search_by(|number| (*number).cmp(&wanted)).ok();
        found
            .ok_or_else(|| format!("the `itemIdentifier` `{identifier}` is no record of the batch"))
    };
    let identifiers = item_failures::read(body)?.into_iter();
    let failed: Vec<usize> = identifiers.map(index).collect::<Result<_, _>>()?;
    Ok(failed.into_iter().min().map_or(Verdict::Done, Verdict::FailedFrom))
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
        let judged = |asked| Judgement::of(&outcome, &numbers, asked);
        assert_eq!(&judged(true).verdict, expect, "{body}");
        assert_eq!(judged(false).verdict, Verdict::Done, "not asked: {body}");
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
        let judged = |outcome: Outcome| {
            let judged = Judgement::of(&outcome, &[&number], true);
            assert_eq!(judged.malformed, None);
            (judged.verdict, judged.ending)
        };
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
