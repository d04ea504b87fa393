//! Why announce was invoked, and what `CloudFormation` is answered.
//!
//! The template's custom resource has the rules layer among its properties, so a deploy with other rules updates it, and so does
//! a rollback. `CloudFormation` waits for an answer at a pre-signed URL, up to an hour, whatever became of the function: each
//! request is answered, also one that failed.
//!
//! | payload | what is done |
//! | --- | --- |
//! | a request of the kind `Create` or `Update` | the deployed rules are announced |
//! | `Delete` | nothing: logs outlive the stack, and the table is retained |
//! | `{"announce":true}` | the deployed rules are announced, and nobody is answered |

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How long an answer may be, in bytes
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>).
pub const ANSWER_BYTES_MAX: usize = 4_096;
/// How much of a reason is kept, in bytes: with it and the longest ids an answer stays below that.
const REASON_BYTES_MAX: usize = 1_024;
/// The resource that a stack's announcements are, for the stack's life.
const RESOURCE: &str = "streamgauge-plan";

/// A payload that asks for nothing.
#[derive(Debug, thiserror::Error)]
pub enum AnnouncementError {
    /// It is none of these.
    #[error("the payload is neither a request of CloudFormation nor `{{\"announce\":true}}`")]
    Shape(#[from] serde_json::Error),
    /// Somebody invoked it without asking.
    #[error("the payload does not ask to announce; invoke with `{{\"announce\":true}}`")]
    NotAsked,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether the deployed rules are to be announced.
    pub announces: bool,
    /// Whom to answer; absent: who invoked it.
    pub request: Option<Request>,
}

/// What of a request goes into its answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// Where the answer is put.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    #[serde(rename = "RequestType")]
    kind: RequestType,
    #[serde(rename = "RequestId")]
    id: String,
    stack_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

#[derive(Deserialize)]
struct ByHand {
    #[serde(default)]
    announce: bool,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "RequestType")]
    request_type: Option<Cow<'a, str>>,
}

/// Reads a payload.
pub fn read(payload: &str) -> Result<Announcement, AnnouncementError> {
    let kind: Kind<'_> = serde_json::from_str(payload)?;
    if kind.request_type.is_some() {
        let request: Request = serde_json::from_str(payload)?;
        let announces = request.kind != RequestType::Delete;
        return Ok(Announcement { announces, request: Some(request) });
    }
    match serde_json::from_str(payload)? {
        ByHand { announce: true } => Ok(Announcement { announces: true, request: None }),
        ByHand { announce: false } => Err(AnnouncementError::NotAsked),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

impl Request {
    /// The body of the answer: success, or why not.
    pub fn answer(&self, outcome: Result<(), &str>) -> String {
        let answer = Answer {
            status: if outcome.is_ok() { "SUCCESS" } else { "FAILED" },
            reason: outcome.err().map(beginning),
            // Another id would make it another resource, and `CloudFormation` delete the one before.
            physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(RESOURCE),
            stack_id: &self.stack_id,
            request_id: &self.id,
            logical_resource_id: &self.logical_resource_id,
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

/// The beginning of a reason; the rest stands in the function's log.
fn beginning(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>.
    fn request(kind: &str, physical: &str) -> String {
        format!(
            r#"{{"RequestType":"{kind}","RequestId":"r-1","ResponseURL":"https://bucket/answer?X-Amz-Signature=1",
            "ResourceType":"Custom::StreamGaugePlan","LogicalResourceId":"Announce","StackId":"arn:aws:cloudformation:eu-west-1:1:stack/shop/1",
            {physical}"ResourceProperties":{{"ServiceToken":"arn:aws:lambda:eu-west-1:1:function:announce","Rules":"layer:7"}}}}"#
        )
    }

    #[track_caller]
    fn check(payload: &str, announces: bool, has_request: bool) {
        let found = read(payload).unwrap();
        assert_eq!((found.announces, found.request.is_some()), (announces, has_request));
    }

    #[test]
    fn each_kind_of_request_is_read() {
        check(&request("Create", ""), true, true);
        check(&request("Update", r#""PhysicalResourceId":"x","#), true, true);
        check(&request("Delete", r#""PhysicalResourceId":"x","#), false, true);
        check(r#"{"announce":true}"#, true, false);
    }

    #[test]
    fn who_asks_for_nothing_is_refused() {
        for payload in ["{}", r#"{"announce":false}"#] {
            assert!(matches!(read(payload), Err(AnnouncementError::NotAsked)));
        }
        for payload in ["", "[]", r#"{"RequestType":"Create"}"#, r#"{"RequestType":"Other"}"#] {
            assert!(matches!(read(payload), Err(AnnouncementError::Shape(_))), "{payload}");
        }
    }

    #[test]
    fn answers_carry_the_ids_of_their_request() {
        let first = read(&request("Create", "")).unwrap().request.unwrap();
        assert_eq!(
            first.answer(Ok(())),
            r#"{"Status":"SUCCESS","PhysicalResourceId":"streamgauge-plan","StackId":"arn:aws:cloudformation:eu-west-1:1:stack/shop/1","RequestId":"r-1","LogicalResourceId":"Announce"}"#
        );
        let next = read(&request("Update", r#""PhysicalResourceId":"older","#)).unwrap();
        let answer = next.request.unwrap().answer(Err("no \"plan\""));
        let start = r#"{"Status":"FAILED","Reason":"no \"plan\"","PhysicalResourceId":"older","#;
        assert!(answer.starts_with(start), "{answer}");
    }

    #[test]
    fn a_long_reason_leaves_the_answer_within_the_limit() {
        let request = read(&request("Create", "")).unwrap().request.unwrap();
        for reason in ["é".repeat(9_000), "\"".repeat(9_000)] {
            assert!(request.answer(Err(&reason)).len() <= ANSWER_BYTES_MAX);
        }
    }
}
