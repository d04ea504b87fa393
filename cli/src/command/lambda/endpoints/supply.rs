//! Records and messages into services behind endpoints, by the AWS SDK.

use crate::command::lambda::session::NewRecord;
use crate::command::lambda::supply::Supply;
use std::time::Duration;
use streamgauge_engine::decode::RECORD_BYTES_MAX;
use streamgauge_kinesis::put::aws::AwsStream;
use streamgauge_kinesis::put::planner::Limits;
use streamgauge_kinesis::put::putter::put_all;
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::queue::Queue;
use streamgauge_lambda::services::Services;
use streamgauge_lambda_aws::AwsServices;

/// How long records may be refused: the meter gives a shard room again within a second.
const PUT_TIME_MAX: Duration = Duration::from_mins(1);

impl Supply for AwsServices {
    async fn put(&self, stream: &Arn, records: Vec<NewRecord>) -> Result<(), String> {
        let records: Result<Vec<_>, _> = records
            .into_iter()
            .map(|record| PutRecord::new(record.partition_key, record.data.into()))
            .collect();
        let records = records.map_err(|error| error.to_string())?;
        let port = AwsStream::named(self.kinesis().clone(), stream.name());
        // How large a record may be is the stand-in's to say.
        let limits = Limits { record_bytes: RECORD_BYTES_MAX, ..Limits::default() };
        let put = put_all(port, records, limits, PUT_TIME_MAX).await;
        put.map(drop).map_err(|gave_up| gave_up.to_string())
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
