//! What a request asks for, told by its head: the service, the operation, the protocol in which errors must be answered,
//! and the caller.
//!
//! AWS's protocols name their operation in different places: awsJson in the header `X-Amz-Target`, Smithy RPC v2 in the
//! path, the query protocol in the form's `Action`, S3 in method and path. The service of everything else is in the
//! signature's scope (`.../us-east-1/s3/aws4_request`). The caller is the session token: whoever starts functions gives
//! each environment a token of its own.

use hyper::http::HeaderMap;
use std::fmt;

/// The header whose value names the caller.
pub const CALLER_HEADER: &str = "x-amz-security-token";
/// The longest name of a caller, operation or foreign service that is kept, in bytes; the rest is cut off.
pub const NAME_BYTES_MAX: usize = 256;
/// The prefix of a path of Smithy RPC v2.
const RPC_PREFIX: &str = "/service/";

/// A service that is metered, or another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `CloudWatch` metrics.
    CloudWatch,
    /// `DynamoDB`.
    DynamoDb,
    /// Kinesis data streams.
    Kinesis,
    /// S3.
    S3,
    /// SQS.
    Sqs,
    /// Any other, by the name in the signature's scope; its calls are counted and forwarded.
    Other(Box<str>),
}

impl Service {
    /// The service with this signing name.
    pub fn from_signing_name(name: &str) -> Self {
        match name {
            "monitoring" => Self::CloudWatch,
            "dynamodb" => Self::DynamoDb,
            "kinesis" => Self::Kinesis,
            "s3" => Self::S3,
            "sqs" => Self::Sqs,
            other => Self::Other(cut(other)),
        }
    }

    /// A short name, in lowercase.
    pub fn name(&self) -> &str {
        match self {
            Self::CloudWatch => "cloudwatch",
            Self::DynamoDb => "dynamodb",
            Self::Kinesis => "kinesis",
            Self::S3 => "s3",
            Self::Sqs => "sqs",
            Self::Other(name) => name,
        }
    }

    /// The name as AWS writes it.
    pub fn title(&self) -> &str {
        match self {
            Self::CloudWatch => "CloudWatch",
            Self::DynamoDb => "DynamoDB",
            Self::Kinesis => "Kinesis",
            Self::S3 => "S3",
            Self::Sqs => "SQS",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a request is written, and so its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.0 or 1.1, by the content type of the answer.
    Json(&'static str),
    /// awsJson with bodies in CBOR (`application/x-amz-cbor-1.1`), which Java's Kinesis clients speak. Not decoded.
    JsonAsCbor,
    /// Smithy RPC v2 with CBOR.
    RpcCbor,
    /// The query protocol: a form in, XML out.
    Query,
    /// S3's REST: XML errors.
    Rest,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The operation, as AWS writes it (`PutItem`); of services that are only forwarded maybe just the method.
    pub operation: Box<str>,
    /// The protocol.
    pub protocol: Protocol,
    /// The session token of the caller; empty if the request has none.
    pub caller: Box<str>,
    /// The access key of the caller: stand-ins take it for the account.
    pub account: Box<str>,
}

/// Recognises a request by its head. The operation of the query protocol is empty until [`Call::name_by_form`].
pub fn recognise(method: &str, path: &str, query: Option<&str>, headers: &HeaderMap) -> Call {
    let (account, scope) = signature(headers, query);
    let caller = cut(text(headers, CALLER_HEADER));
    let call = |service, operation: &str, protocol| Call {
        service,
        operation: cut(operation),
        protocol,
        caller,
        account,
    };
    let content_type = text(headers, "content-type");
    if let Some((prefix, operation)) = text(headers, "x-amz-target").rsplit_once('.') {
        return call(service_of_target(prefix, scope), operation, json_protocol(content_type));
    }
    if let Some((service, operation)) = rpc(path) {
        return call(service, operation, Protocol::RpcCbor);
    }
    if scope == "s3" {
        return call(Service::S3, &s3_operation(method, path, query, headers), Protocol::Rest);
    }
    let service = if scope.is_empty() { "unsigned" } else { scope };
    let service = Service::from_signing_name(service);
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return call(service, "", Protocol::Query);
    }
    call(service, method, Protocol::Rest)
}

impl Call {
    /// Takes the operation of a query-protocol request from its form.
    pub fn name_by_form(&mut self, body: &[u8]) {
        if self.protocol == Protocol::Query {
            let action = form_urlencoded::parse(body).find(|(key, _)| key == "Action");
            self.operation = action.map_or_else(|| "unnamed".into(), |(_, action)| cut(&action));
        }
    }
}

/// At most [`NAME_BYTES_MAX`] bytes of a name.
fn cut(name: &str) -> Box<str> {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().into()
}

/// A header as text; empty if it is missing or no text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The access key and the service of the signature, in the header or, presigned, in the query.
fn signature<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> (Box<str>, &'a str) {
    let header = text(headers, "authorization").split_once("Credential=").map(|(_, rest)| rest);
    let presigned = || query?.split_once("X-Amz-Credential=").map(|(_, rest)| rest);
    let scope = header.or_else(presigned).unwrap_or_default();
    let scope = scope.split([',', '&', ' ']).next().unwrap_or_default();
    let mut parts = scope.split('/').flat_map(|part| part.split("%2F"));
    let account = parts.next().unwrap_or_default();
    (cut(account), parts.nth(2).unwrap_or_default())
}

fn service_of_target(prefix: &str, scope: &str) -> Service {
    match prefix {
        "DynamoDB_20120810" => Service::DynamoDb,
        "Kinesis_20131202" => Service::Kinesis,
        "AmazonSQS" => Service::Sqs,
        "GraniteServiceVersion20100801" => Service::CloudWatch,
        other if scope.is_empty() || scope == "dynamodb" => Service::Other(cut(other)),
        _ => Service::from_signing_name(scope),
    }
}

fn json_protocol(content_type: &str) -> Protocol {
    match content_type {
        "application/x-amz-json-1.1" => Protocol::Json("application/x-amz-json-1.1"),
        "application/x-amz-cbor-1.1" => Protocol::JsonAsCbor,
        _ => Protocol::Json("application/x-amz-json-1.0"),
    }
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`.
fn rpc(path: &str) -> Option<(Service, &str)> {
    let (service, operation) = path.strip_prefix(RPC_PREFIX)?.split_once("/operation/")?;
    let service = match service {
        "GraniteServiceVersion20100801" => Service::CloudWatch,
        other => Service::Other(cut(other)),
    };
    Some((service, operation))
}

/// The request class by which S3 bills: `List` and `Copy` cost as much as `Put`, `Delete` nothing.
fn s3_operation(method: &str, path: &str, query: Option<&str>, headers: &HeaderMap) -> String {
    let in_bucket =
        path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let listing =
        !in_bucket || query.is_some_and(|query| query.split('&').any(|part| part == "uploads"));
    let operation = match method {
        "PUT" if headers.contains_key("x-amz-copy-source") => "Copy",
        "PUT" => "Put",
        "POST" => "Post",
        "GET" if listing => "List",
        "GET" => "Get",
        "HEAD" => "Head",
        "DELETE" => "Delete",
        other => other,
    };
    operation.to_owned()
}

#[cfg(test)]
mod tests;
