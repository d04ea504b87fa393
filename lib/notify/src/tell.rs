//! One call to a channel over HTTP, what came of it, and a line in the log if it was not taken.

use crate::http::{Call, Client, HttpError, Response};
use crate::mail::line;
use crate::retry::{Answer, Channel, Outcome, delivery};
use crate::secret::Secret;
use std::error::Error;
use streamgauge_pipeline::port::sink::Delivery;
use tracing::warn;

/// How much is kept of why a call was not taken, in characters.
const WHY_CHARS_MAX: usize = 300;

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Ended {
    /// For whoever decides.
    pub(crate) delivery: Delivery,
    /// For people: why it was not taken, on one line and without secrets.
    pub(crate) why: String,
}

/// What is told, and by whom.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// The channel.
    pub(crate) channel: Channel,
    /// The notification's id.
    pub(crate) id: &'a str,
    /// What must not be seen of what the other end says.
    pub(crate) secrets: &'a [&'a Secret],
}

impl Told<'_> {
    /// Makes the call. `words` finds in an answer's body what the other end says.
    pub(crate) async fn call(
        &self,
        client: &Client,
        call: Call<'_>,
        words: impl Fn(&str) -> String,
    ) -> Ended {
        let answered = client.call(call).await;
        let said = self.conceal(&match &answered {
            Ok(response) => words(&response.body),
            Err(error) => chain(error),
        });
        self.end(&said, outcome(&answered, &said))
    }

    /// What cannot even be called.
    pub(crate) fn impossible(&self, why: &str) -> Ended {
        self.end(why, Outcome::Impossible(why))
    }

    fn end(&self, said: &str, outcome: Outcome<'_>) -> Ended {
        let status = match outcome {
            Outcome::Answer(Answer { status, .. }) => Some(status),
            _ => None,
        };
        let delivery = delivery(self.channel, outcome);
        if delivery != Delivery::Delivered {
            warn!(channel = ?self.channel, id = self.id, status, said, outcome = ?delivery, "not delivered");
        }
        let why = match status {
            Some(status) if said.trim().is_empty() => format!("it answered {status}"),
            Some(status) => format!("it answered {status}: {said}"),
            None => said.to_owned(),
        };
        Ended { delivery, why: line(&why, WHY_CHARS_MAX) }
    }

    fn conceal(&self, said: &str) -> String {
        self.secrets.iter().fold(said.to_owned(), |said, secret| secret.conceal(&said))
    }
}

fn outcome<'a>(answered: &Result<Response, HttpError>, said: &'a str) -> Outcome<'a> {
    match answered {
        Ok(Response { status, retry_after_ms, .. }) => Outcome::Answer(Answer {
            status: *status,
            code: "",
            retry_after_ms: *retry_after_ms,
            said,
        }),
        Err(HttpError::Address(_) | HttpError::Forbidden | HttpError::NoTls) => {
            Outcome::Impossible(said)
        }
        Err(HttpError::NotSent(_)) => Outcome::NotSent,
        Err(HttpError::NoAnswer(_)) => Outcome::NoAnswer,
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        line.push_str(": ");
        line.push_str(&below.to_string());
        cause = below.source();
    }
    line
}

#[cfg(test)]
mod tests;
