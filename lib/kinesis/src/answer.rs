//! What a function answers to a batch.
//!
//! For streams only the first failed record is told: Lambda goes on there, and everything behind it comes again, whatever else
//! stands in the answer. An empty or missing number would be a failure of the whole batch
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>), and so there is always one.

use serde::Serialize;
use streamgauge_pipeline::port::source::SequenceNumber;

/// The answer, for a mapping with `ReportBatchItemFailures`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    sequence: String,
}

impl Answer {
    /// All of the batch is done.
    pub fn done() -> Self {
        Self::default()
    }

    /// Everything before this record is done; it and all behind it shall come again.
    pub fn failed_from(first: &SequenceNumber) -> Self {
        Self { failures: vec![Failure { sequence: first.as_str().to_owned() }] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_lambda_reads_them() {
        let text = |answer: &Answer| serde_json::to_string(answer).unwrap();
        assert_eq!(text(&Answer::done()), r#"{"batchItemFailures":[]}"#);
        assert_eq!(
            text(&Answer::failed_from(&"49".parse().unwrap())),
            r#"{"batchItemFailures":[{"itemIdentifier":"49"}]}"#
        );
    }
}
