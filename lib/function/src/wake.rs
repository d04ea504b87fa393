//! Wake-ups over SQS: one queue for each function, and in a message a partition and nothing else.

use crate::wakeups::Body;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use streamgauge_engine::time::{SECOND_MS, Timestamp};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::wake::{Function, WAKE_DELAY_MS_MAX, Wake, WakeUp, When};
use streamgauge_pipeline::system_clock::SystemClock;

/// Wakes functions through their queues.
#[derive(Clone, Debug)]
pub struct SqsWake {
    client: Client,
    settle_queue: Option<String>,
    deliver_queue: Option<String>,
}

impl SqsWake {
    /// With the URLs of the queues. A function without one cannot be woken from here.
    pub fn new(
        client: Client,
        settle_queue: Option<String>,
        deliver_queue: Option<String>,
    ) -> Self {
        Self { client, settle_queue, deliver_queue }
    }
}

impl Wake for SqsWake {
    async fn wake(&self, wake_up: WakeUp, when: When) -> Result<(), Retryable> {
        let (name, url) = match wake_up.function {
            Function::Settle => ("settle", &self.settle_queue),
            Function::Deliver => ("deliver", &self.deliver_queue),
        };
        let Some(url) = url else {
            let message = format!("could not wake {name}: no setting names its queue");
            return Err(Retryable::new(message));
        };
        let body = serde_json::to_string(&Body { partition: wake_up.partition.number() });
        let send = self
            .client
            .send_message()
            .queue_url(url)
            .message_body(body.unwrap_or_default())
            .delay_seconds(delay_seconds(when, SystemClock.now()));
        match send.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let cause = DisplayErrorContext(&error).to_string();
                Err(Retryable::new(format!("could not wake {name} through `{url}`")).because(cause))
            }
        }
    }
}

/// The delay of a message, rounded up to whole seconds: a wake-up never comes early.
fn delay_seconds(when: When, now: Timestamp) -> i32 {
    let When::At(at) = when else { return 0 };
    let delay_ms = (at.as_millis().saturating_sub(now.as_millis())).clamp(0, WAKE_DELAY_MS_MAX);
    i32::try_from((delay_ms + SECOND_MS - 1) / SECOND_MS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(at_ms: i64, expect: i32) {
        let when = When::At(Timestamp::from_millis(at_ms));
        assert_eq!(delay_seconds(when, Timestamp::from_millis(10_000)), expect);
    }

    #[test]
    fn delays_are_rounded_up_and_at_most_fifteen_minutes() {
        assert_eq!(delay_seconds(When::Now, Timestamp::EPOCH), 0);
        check(9_000, 0);
        check(10_000, 0);
        check(10_001, 1);
        check(11_000, 1);
        check(11_001, 2);
        check(910_000, 900);
        check(911_000, 900);
        check(i64::MAX, 900);
    }
}
