//! Answers, and refusals in the protocol of the caller.
//!
//! AWS's clients find the name of an error in `__type` or the header `x-amzn-errortype` (awsJson), in `__type` of a CBOR
//! map under the header `smithy-protocol: rpc-v2-cbor` (RPC v2), or in the XML element `Code` (query, S3). A client that
//! does not find it sees an unknown error and may decide wrongly whether to retry, so refusals carry all that AWS sends.

use crate::call::{Call, Protocol, Service};
use bytes::Bytes;
use ciborium::Value as Cbor;
use flate2::Crc;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// The checksum that `DynamoDB` sends of its body; clients of some languages check it.
const CRC_HEADER: HeaderName = HeaderName::from_static("x-amz-crc32");

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, hop-by-hop ones aside.
    pub headers: HeaderMap,
    /// The body, as it is sent.
    pub body: Bytes,
}

impl Answer {
    /// An answer with one content type.
    fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::CONTENT_TYPE, content_type);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers, body: body.into() }
    }

    /// A success with a JSON body.
    pub fn json(content_type: &str, body: &Value) -> Self {
        Self::new(200, content_type, body.to_string())
    }

    /// Puts another body in, and makes the headers that speak of it right.
    pub fn replace_body(&mut self, body: Vec<u8>) {
        self.headers.remove(header::CONTENT_LENGTH);
        if self.headers.contains_key(CRC_HEADER) {
            let mut crc = Crc::new();
            crc.update(&body);
            insert(&mut self.headers, CRC_HEADER, &crc.sum().to_string());
        }
        self.body = body.into();
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// An error of a service, not yet in any protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The name of the error's shape (`ProvisionedThroughputExceededException`).
    pub name: &'static str,
    /// The code that the query protocol has for it (`Throttling`).
    pub code: &'static str,
    /// What a reader is told.
    pub message: String,
    /// More members of the error, awsJson only; null if there are none.
    pub members: Value,
}

impl Refusal {
    /// A refusal whose code is its name.
    pub fn new(status: u16, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, code: name, message: message.into(), members: Value::Null }
    }

    /// What the service says to a caller who calls too often.
    pub fn throttled(service: &Service) -> Self {
        let message = "rate exceeded";
        match service {
            Service::DynamoDb | Service::Kinesis => {
                Self::new(400, "ProvisionedThroughputExceededException", message)
            }
            Service::Sqs => {
                Self { code: "RequestThrottled", ..Self::new(400, "RequestThrottled", message) }
            }
            Service::CloudWatch | Service::Other(_) => {
                Self { code: "Throttling", ..Self::new(400, "ThrottlingException", message) }
            }
            Service::S3 => Self::new(503, "SlowDown", "please reduce your request rate"),
        }
    }

    /// What the service says when it fails itself.
    pub fn failed(service: &Service) -> Self {
        let name = match service {
            Service::DynamoDb => "InternalServerError",
            Service::Kinesis => "InternalFailureException",
            Service::CloudWatch => "InternalServiceFault",
            Service::S3 => "InternalError",
            Service::Sqs | Service::Other(_) => "InternalFailure",
        };
        Self::new(500, name, "the service failed on purpose")
    }

    /// What a caller gets whose stand-in cannot be reached.
    pub fn unreachable(message: String) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// The refusal as an answer to this call.
    pub fn answer(&self, call: &Call) -> Answer {
        let mut answer = match call.protocol {
            Protocol::Json(content_type) => {
                Answer::new(self.status, content_type, self.json(call).to_string())
            }
            Protocol::JsonAsCbor => {
                Answer::new(self.status, "application/x-amz-cbor-1.1", self.cbor(""))
            }
            Protocol::RpcCbor => {
                Answer::new(self.status, "application/cbor", self.cbor("com.amazonaws.cloudwatch#"))
            }
            Protocol::Query => Answer::new(self.status, "text/xml", self.xml(true)),
            Protocol::Rest => {
                Answer::new(self.status, "application/xml", self.xml(call.service != Service::S3))
            }
        };
        let headers = &mut answer.headers;
        insert(headers, HeaderName::from_static("x-amzn-requestid"), "streamgauge-meter");
        match call.protocol {
            Protocol::Json(_) | Protocol::JsonAsCbor => {
                insert(headers, HeaderName::from_static("x-amzn-errortype"), self.name);
            }
            Protocol::RpcCbor => {
                insert(headers, HeaderName::from_static("smithy-protocol"), "rpc-v2-cbor");
            }
            Protocol::Query | Protocol::Rest => {}
        }
        if matches!(call.service, Service::Sqs | Service::CloudWatch) {
            let error = format!("{};{}", self.code, self.fault());
            insert(headers, HeaderName::from_static("x-amzn-query-error"), &error);
        }
        answer
    }

    /// Whose fault it is, as the query protocol says.
    fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }

    fn json(&self, call: &Call) -> Value {
        let namespace = match call.service {
            Service::DynamoDb => "com.amazonaws.dynamodb.v20120810#",
            Service::Sqs => "com.amazonaws.sqs#",
            Service::CloudWatch => "com.amazonaws.cloudwatch#",
            Service::Kinesis | Service::S3 | Service::Other(_) => "",
        };
        let mut body =
            json!({"__type": format!("{namespace}{}", self.name), "message": self.message});
        if let (Some(body), Value::Object(members)) = (body.as_object_mut(), &self.members) {
            body.extend(members.clone());
        }
        body
    }

    fn cbor(&self, namespace: &str) -> Vec<u8> {
        let text = |text: &str| Cbor::Text(text.to_owned());
        let map = Cbor::Map(vec![
            (text("__type"), Cbor::Text(format!("{namespace}{}", self.name))),
            (text("message"), text(&self.message)),
        ]);
        let mut body = Vec::new();
        // Writing to memory cannot fail; a body that were cut would still have its status.
        drop(ciborium::into_writer(&map, &mut body));
        body
    }

    fn xml(&self, wrapped: bool) -> String {
        let message = self.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (code, fault) = (self.code, self.fault());
        if wrapped {
            format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>streamgauge-meter</RequestId></ErrorResponse>"
            )
        } else {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message>\
                 <RequestId>streamgauge-meter</RequestId></Error>"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::text;

    fn call(service: Service, protocol: Protocol) -> Call {
        Call { service, operation: "X".into(), protocol, caller: "".into(), account: "".into() }
    }

    #[test]
    fn json_errors_have_their_type_in_body_and_header() {
        let call = call(Service::DynamoDb, Protocol::Json("application/x-amz-json-1.0"));
        let answer = Refusal::throttled(&call.service).answer(&call);
        assert_eq!(answer.status, 400);
        assert_eq!(text(&answer.headers, "content-type"), "application/x-amz-json-1.0");
        assert_eq!(
            text(&answer.headers, "x-amzn-errortype"),
            "ProvisionedThroughputExceededException"
        );
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            body["__type"],
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
        );
        assert_eq!(body["message"], "rate exceeded");
    }

    #[test]
    fn rpc_errors_are_cbor_under_their_header() {
        let call = call(Service::CloudWatch, Protocol::RpcCbor);
        let answer = Refusal::throttled(&call.service).answer(&call);
        assert_eq!(text(&answer.headers, "smithy-protocol"), "rpc-v2-cbor");
        assert_eq!(text(&answer.headers, "content-type"), "application/cbor");
        assert_eq!(text(&answer.headers, "x-amzn-query-error"), "Throttling;Sender");
        let body: Cbor = ciborium::from_reader(&*answer.body).unwrap();
        let members = body.as_map().unwrap();
        assert_eq!(members[0].1.as_text(), Some("com.amazonaws.cloudwatch#ThrottlingException"));
        assert_eq!(members[1].1.as_text(), Some("rate exceeded"));
    }

    #[test]
    fn s3_and_query_errors_are_xml_of_two_shapes() {
        let s3 = Refusal::throttled(&Service::S3).answer(&call(Service::S3, Protocol::Rest));
        let body = String::from_utf8(s3.body.to_vec()).unwrap();
        assert!(body.contains("?><Error><Code>SlowDown</Code>"), "{body}");
        assert_eq!(s3.status, 503);
        let sqs = Refusal::new(400, "A", "a < b & c").answer(&call(Service::Sqs, Protocol::Query));
        let wrapped = String::from_utf8(sqs.body.to_vec()).unwrap();
        assert!(
            wrapped.contains("<ErrorResponse><Error><Type>Sender</Type><Code>A</Code>"),
            "{wrapped}"
        );
        assert!(wrapped.contains("a &lt; b &amp; c"), "{wrapped}");
    }

    #[test]
    fn sqs_sends_the_old_code_in_a_header() {
        let call = call(Service::Sqs, Protocol::Json("application/x-amz-json-1.0"));
        let answer = Refusal::failed(&call.service).answer(&call);
        assert_eq!(answer.status, 500);
        assert_eq!(text(&answer.headers, "x-amzn-query-error"), "InternalFailure;Receiver");
    }

    #[test]
    fn a_replaced_body_has_its_own_checksum() {
        let mut answer = Answer::json("a", &json!({}));
        answer.headers.insert(CRC_HEADER, HeaderValue::from_static("1"));
        answer.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("2"));
        answer.replace_body(b"123456789".to_vec());
        assert_eq!(text(&answer.headers, "x-amz-crc32"), 0xcbf4_3926_u32.to_string());
        assert!(!answer.headers.contains_key(header::CONTENT_LENGTH));
    }
}
