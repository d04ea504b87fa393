//! The Runtime API, with the test in the place of the runtime.

use super::{Bench, Stand, http};
use serde_json::{Value, json};
use streamgauge_lambda::invoke::{Invoked, Outcome};
use tokio::task::JoinHandle;

const RUNTIME: &str = "/2018-06-01/runtime";

/// A function whose process does nothing: the address of its Runtime API, and the invocation that waits.
async fn asked(stand: &Stand) -> (String, JoinHandle<Invoked>) {
    let invoked = stand.invoke_meanwhile(r#"{"a": 1}"#);
    let line = stand.seen.line("api ").await;
    (line.strip_prefix("api ").unwrap().to_owned(), invoked)
}

/// Asks for the next event: the request's id, the head of the answer, and the event.
async fn next(api: &str) -> (String, String, String) {
    let (status, head, body) =
        http(api, &format!("GET {RUNTIME}/invocation/next"), "", b"").await.unwrap();
    assert_eq!(status, 200);
    let header = "lambda-runtime-aws-request-id: ";
    let id = head.lines().find_map(|line| line.strip_prefix(header)).unwrap().to_owned();
    (id, head, body)
}

/// Posts and checks the status and the type of the error, if it is one.
async fn post(api: &str, path: &str, headers: &str, body: &[u8], expect: (u16, Value)) {
    let (status, _, body) = http(api, &format!("POST {path}"), headers, body).await.unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body["errorType"].clone()), expect, "{path}: {body}");
}

fn outcome(invoked: Invoked) -> Result<String, (String, String)> {
    match invoked.outcome {
        Outcome::Answered(body) => Ok(String::from_utf8(body.to_vec()).unwrap()),
        Outcome::Failed(error) => Err((error.error_type, error.message)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_event_comes_as_it_is_with_its_headers() {
    let stand = Bench::silent().start();
    let (api, invoked) = asked(&stand).await;
    let before = jiff::Timestamp::now().as_millisecond();
    let (id, head, event) = next(&api).await;
    assert_eq!(event, r#"{"a": 1}"#);
    let header = |name: &str| {
        let name = format!("lambda-runtime-{name}: ");
        head.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap().to_owned()
    };
    assert_eq!(
        header("invoked-function-arn"),
        "arn:aws:lambda:eu-west-1:000000000000:function:probe"
    );
    assert!(header("trace-id").starts_with("Root=1-"));
    let deadline: i64 = header("deadline-ms").parse().unwrap();
    assert!(deadline >= before + 29_000, "{deadline} is thirty seconds after {before}");
    let expect = (202, Value::Null);
    post(&api, &format!("{RUNTIME}/invocation/{id}/response"), "", b"\"yes\"", expect).await;
    let invoked = invoked.await.unwrap();
    assert_eq!(*invoked.request_id, *id);
    assert_eq!(outcome(invoked), Ok("\"yes\"".to_owned()));
}

#[tokio::test]
async fn wrong_ids_and_second_answers_are_refused() {
    let stand = Bench::silent().start();
    let (api, invoked) = asked(&stand).await;
    let (id, ..) = next(&api).await;
    let wrong = format!("{RUNTIME}/invocation/nonsense/response");
    let right = format!("{RUNTIME}/invocation/{id}/response");
    post(&api, &wrong, "", b"1", (400, json!("InvalidRequestID"))).await;
    post(&api, &right, "", b"2", (202, Value::Null)).await;
    post(&api, &right, "", b"3", (403, json!("InvalidStateTransition"))).await;
    let error = format!("{RUNTIME}/invocation/{id}/error");
    post(&api, &error, "", b"{}", (403, json!("InvalidStateTransition"))).await;
    post(&api, &wrong, "", b"4", (400, json!("InvalidRequestID"))).await;
    assert_eq!(outcome(invoked.await.unwrap()), Ok("2".to_owned()));
}

#[tokio::test]
async fn a_second_event_is_not_given_before_the_first_is_answered() {
    let stand = Bench::silent().start();
    let (api, _invoked) = asked(&stand).await;
    next(&api).await;
    let request = format!("GET {RUNTIME}/invocation/next");
    let (status, ..) = http(&api, &request, "", b"").await.unwrap();
    assert_eq!(status, 403);
}

#[tokio::test]
async fn an_answer_may_come_in_chunks_and_end_in_an_error() {
    let stand = Bench::silent().start();
    for (trailers, expect) in [
        ("", Ok("\"abc\"".to_owned())),
        (
            "Lambda-Runtime-Function-Error-Type: Runtime.Broke\r\nLambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJtIn0=\r\n",
            Err(("Runtime.Broke".to_owned(), "m".to_owned())),
        ),
    ] {
        let invoked = stand.invoke_meanwhile("{}");
        let line = stand.seen.line("api ").await;
        let api = line.strip_prefix("api ").unwrap();
        let (id, ..) = next(api).await;
        chunked(api, &format!("{RUNTIME}/invocation/{id}/response"), trailers).await;
        assert_eq!(outcome(invoked.await.unwrap()), expect);
    }
}

/// Posts `"abc"` in two chunks with trailers behind them.
async fn chunked(api: &str, path: &str, trailers: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n2\r\n\"a\r\n3\r\nbc\"\r\n0\r\n{trailers}\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(api).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_in_awss_words() {
    let stand = Bench::silent().start();
    let (api, invoked) = asked(&stand).await;
    let (id, ..) = next(&api).await;
    let large = vec![b'1'; 6_291_557];
    let expect = (413, json!("RequestEntityTooLarge"));
    post(&api, &format!("{RUNTIME}/invocation/{id}/response"), "", &large, expect).await;
    assert_eq!(outcome(invoked.await.unwrap()).unwrap_err().0, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn a_mode_that_there_is_not_is_refused() {
    let stand = Bench::silent().start();
    let (api, invoked) = asked(&stand).await;
    let (id, ..) = next(&api).await;
    let headers = "Lambda-Runtime-Function-Response-Mode: sung\r\n";
    let expect = (400, json!("InvalidFunctionResponseMode"));
    post(&api, &format!("{RUNTIME}/invocation/{id}/response"), headers, b"1", expect).await;
    assert_eq!(outcome(invoked.await.unwrap()).unwrap_err().0, "Runtime.InvalidResponseModeHeader");
}

#[tokio::test]
async fn an_error_without_a_type_takes_that_of_the_header() {
    let stand = Bench::silent().start();
    let (api, invoked) = asked(&stand).await;
    let (id, ..) = next(&api).await;
    let headers = "Lambda-Runtime-Function-Error-Type: Function.Odd\r\n";
    let body = br#"{"errorMessage":"m"}"#;
    let path = format!("{RUNTIME}/invocation/{id}/error");
    post(&api, &path, headers, body, (202, Value::Null)).await;
    let expect = ("Function.Odd".to_owned(), "m".to_owned());
    assert_eq!(outcome(invoked.await.unwrap()), Err(expect));
}

#[tokio::test]
async fn there_is_no_extensions_api() {
    let stand = Bench::silent().start();
    let (api, _invoked) = asked(&stand).await;
    let expect = (404, json!("Extension.NotSupported"));
    post(&api, "/2020-01-01/extension/register", "", b"{}", expect).await;
    post(&api, "/2018-06-01/nonsense", "", b"", (404, json!("NotFound"))).await;
}
