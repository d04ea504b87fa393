//! Records and messages into services behind endpoints, by the AWS SDK.

use crate::command::lambda::session::NewRecord;
use crate::command::lambda::supply::Supply;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::queue::Queue;
use streamgauge_lambda::services::Services;
use streamgauge_lambda_aws::kinesis::error::ProvideErrorMetadata;
use streamgauge_lambda_aws::kinesis::operation::put_records::PutRecordsError;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use streamgauge_lambda_aws::{AwsServices, reason};

/// Bytes of one `PutRecords`: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>.
const PUT_BYTES_MAX: usize = 5 * 1024 * 1024;

/// Pauses between attempts at records that a stream refuses: a tenth of a second, doubled up to some seconds.
fn pauses() -> impl Iterator<Item = Duration> {
    (0..12).map(|attempt: u32| Duration::from_millis(100) * 2_u32.pow(attempt.min(5)))
}

impl Supply for AwsServices {
    /// Those that the stream refuses are put again, in order, before anything else is.
    async fn put(&self, stream: &Arn, records: Vec<NewRecord>) -> Result<(), String> {
        for batch in batches(records) {
            let mut left = batch;
            let mut pauses = pauses();
            while !left.is_empty() {
                let why = put_once(self, stream, &mut left).await?;
                if let Some(why) = why {
                    tokio::time::sleep(pauses.next().ok_or(why)?).await;
                }
            }
        }
        Ok(())
    }

    async fn send(&self, queue: &Arn, bodies: Vec<String>) -> Result<(), String> {
        let queue = self.queue(queue);
        for body in bodies {
            let sent = queue.send(&body, Duration::ZERO).await;
            sent.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Puts records, and leaves those that are to be put again, in order; answers why, if there are any. A call whose answer was lost
/// is made again, as producers do: its records may then stand twice in the stream.
async fn put_once(
    services: &AwsServices,
    stream: &Arn,
    left: &mut Vec<PutRecordsRequestEntry>,
) -> Result<Option<String>, String> {
    let call = services.kinesis().put_records().stream_name(stream.name());
    let put = match call.set_records(Some(left.clone())).send().await {
        Ok(put) => put,
        Err(error) if error.as_service_error().is_none_or(is_passing) => {
            return Ok(Some(reason(&error)));
        }
        Err(error) => return Err(reason(&error)),
    };
    if put.records().len() != left.len() {
        return Err(format!("{} of {} records were answered", put.records().len(), left.len()));
    }
    let mut told = put.records().iter().map(PutRecordsResultEntry::error_code);
    left.retain(|_| told.next().flatten().is_some());
    Ok((!left.is_empty()).then(|| format!("{} records were refused each time", left.len())))
}

/// Whether a call that failed so may succeed later.
fn is_passing(error: &PutRecordsError) -> bool {
    error.is_provisioned_throughput_exceeded_exception()
        || error.is_internal_failure_exception()
        || error.is_kms_throttling_exception()
        || error.code().is_none_or(|code| code == "InternalFailure" || code == "ServiceUnavailable")
}

/// Records in calls that a stream takes.
fn batches(records: Vec<NewRecord>) -> Vec<Vec<PutRecordsRequestEntry>> {
    let mut batches: Vec<Vec<PutRecordsRequestEntry>> = Vec::new();
    let mut bytes = usize::MAX;
    for record in records {
        let more = record.data.len() + record.partition_key.len();
        let entry = PutRecordsRequestEntry::builder()
            .data(Blob::new(record.data))
            .partition_key(record.partition_key)
            .build();
        // Both members that must be there are.
        let Ok(entry) = entry else { continue };
        match batches.last_mut() {
            Some(batch) if bytes.saturating_add(more) <= PUT_BYTES_MAX => batch.push(entry),
            _ => {
                bytes = 0;
                batches.push(vec![entry]);
            }
        }
        bytes += more;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_holds_at_most_five_megabytes() {
        let record = |bytes: usize| NewRecord {
            partition_key: "k".to_owned(),
            data: bytes::Bytes::from(vec![0; bytes]),
        };
        let mega = 1024 * 1024;
        let sizes =
            |records: Vec<NewRecord>| batches(records).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![]), [0_usize; 0]);
        assert_eq!(sizes((0..500).map(|_| record(10)).collect()), [500]);
        assert_eq!(sizes((0..11).map(|_| record(mega - 1)).collect()), [5, 5, 1]);
        assert_eq!(sizes(vec![record(10 * mega), record(1)]), [1, 1]);
    }
}
