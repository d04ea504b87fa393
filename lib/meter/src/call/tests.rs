//! Each protocol and service, by the head of a request.

use super::*;
use hyper::http::{HeaderName, HeaderValue};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    )
}

#[track_caller]
fn check(
    request: (&str, &str),
    pairs: &[(&str, &str)],
    service: Service,
    operation: &str,
    protocol: Protocol,
) {
    let (path, query) =
        request.1.split_once('?').map_or((request.1, None), |(path, query)| (path, Some(query)));
    let call = recognise(request.0, path, query, &headers(pairs));
    assert_eq!((call.service, &*call.operation, call.protocol), (service, operation, protocol));
}

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");

#[test]
fn dynamodb_is_told_by_its_target() {
    let target = ("x-amz-target", "DynamoDB_20120810.PutItem");
    check(("POST", "/"), &[target, JSON], Service::DynamoDb, "PutItem", Protocol::Json(JSON.1));
}

#[test]
fn streams_of_dynamodb_are_another_service() {
    let (target, scope) =
        (("x-amz-target", "DynamoDBStreams_20120810.GetRecords"), scope("dynamodb"));
    let other = Service::Other("DynamoDBStreams_20120810".into());
    let pairs = [target, JSON, ("authorization", scope.as_str())];
    check(("POST", "/"), &pairs, other, "GetRecords", Protocol::Json(JSON.1));
}

#[test]
fn kinesis_answers_in_the_version_of_the_request() {
    let json = "application/x-amz-json-1.1";
    let pairs = [("x-amz-target", "Kinesis_20131202.PutRecords"), ("content-type", json)];
    check(("POST", "/"), &pairs, Service::Kinesis, "PutRecords", Protocol::Json(json));
    let pairs = [pairs[0], ("content-type", "application/x-amz-cbor-1.1")];
    check(("POST", "/"), &pairs, Service::Kinesis, "PutRecords", Protocol::JsonAsCbor);
}

#[test]
fn cloudwatch_is_told_by_path_target_or_scope() {
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    check(("POST", path), &[], Service::CloudWatch, "PutMetricData", Protocol::RpcCbor);
    let target = ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData");
    check(
        ("POST", "/"),
        &[target, JSON],
        Service::CloudWatch,
        "PutMetricData",
        Protocol::Json(JSON.1),
    );
    let scope = scope("monitoring");
    let form =
        [("content-type", "application/x-www-form-urlencoded"), ("authorization", scope.as_str())];
    check(("POST", "/"), &form, Service::CloudWatch, "", Protocol::Query);
}

#[test]
fn a_form_names_its_operation() {
    let mut call = recognise(
        "POST",
        "/",
        None,
        &headers(&[("content-type", "application/x-www-form-urlencoded")]),
    );
    call.name_by_form(b"Version=1&Action=SendMessage&MessageBody=Action%3Dx");
    assert_eq!(&*call.operation, "SendMessage");
    call.name_by_form(b"");
    assert_eq!(&*call.operation, "unnamed");
}

#[test]
fn s3_is_told_by_the_scope_and_classed_by_method_and_path() {
    let scope = scope("s3");
    let check = |method: &str, path: &str, operation: &str| {
        check((method, path), &[("authorization", &scope)], Service::S3, operation, Protocol::Rest);
    };
    check("PUT", "/bucket/key", "Put");
    check("GET", "/bucket/key", "Get");
    check("GET", "/bucket?list-type=2", "List");
    check("GET", "/bucket/?list-type=2", "List");
    check("GET", "/bucket/key?uploads", "List");
    check("DELETE", "/bucket/key", "Delete");
    check("HEAD", "/bucket/key", "Head");
}

#[test]
fn a_copy_is_told_from_a_put() {
    let scope = scope("s3");
    let pairs = [("authorization", scope.as_str()), ("x-amz-copy-source", "/a/b")];
    check(("PUT", "/bucket/key"), &pairs, Service::S3, "Copy", Protocol::Rest);
}

#[test]
fn a_presigned_request_has_its_scope_in_the_query() {
    let query = "X-Amz-Algorithm=A&X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=1";
    let call = recognise("GET", "/bucket/key", Some(query), &HeaderMap::new());
    assert_eq!((call.service, &*call.account), (Service::S3, "AK"));
}

#[test]
fn other_services_go_by_their_scope() {
    let scope = scope("events");
    let pairs = [("x-amz-target", "AWSEvents.PutEvents"), JSON, ("authorization", scope.as_str())];
    check(
        ("POST", "/"),
        &pairs,
        Service::Other("events".into()),
        "PutEvents",
        Protocol::Json(JSON.1),
    );
    check(("GET", "/x"), &[], Service::Other("unsigned".into()), "GET", Protocol::Rest);
}

#[test]
fn the_caller_is_the_session_token() {
    let call = recognise("POST", "/", None, &headers(&[(CALLER_HEADER, "aggregate/1")]));
    assert_eq!(&*call.caller, "aggregate/1");
}

#[test]
fn long_names_are_cut_at_a_letter() {
    assert_eq!(cut(&"é".repeat(NAME_BYTES_MAX)).len(), NAME_BYTES_MAX);
    assert_eq!(cut(&format!("a{}", "é".repeat(NAME_BYTES_MAX))).len(), NAME_BYTES_MAX - 1);
}
