//! Pushes in all forms: what becomes of each, as it stands.

use super::*;

/// A request: headers, one a line, an empty line, the body.
fn request(text: &str) -> (Vec<(&str, &[u8])>, &[u8]) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let headers = head.lines().map(|line| line.split_once(": ").unwrap());
    (headers.map(|(name, value)| (name, value.as_bytes())).collect(), body.as_bytes())
}

fn records(text: &str, limits: Limits) -> Result<Vec<String>, Refusal> {
    let (headers, body) = request(text);
    let records = read(&headers, body, limits)?;
    let spans = records.spans.into_iter();
    Ok(spans.map(|span| String::from_utf8_lossy(&records.text[span]).into_owned()).collect())
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(records(text, Limits::default()).unwrap(), expect, "{text}");
}

/// Shows a request that is refused: the status and the reason.
#[track_caller]
fn refused(text: &str, status: u16, reason: &str) {
    let refusal = records(text, Limits::default()).unwrap_err();
    assert_eq!((refusal.status(), refusal.to_string().as_str()), (status, reason), "{text}");
}

const STRUCTURED: &str = "Content-Type: application/cloudevents+json\n\n";
const BATCH: &str = "Content-Type: application/cloudevents-batch+json\n\n";
const LINES: &str = "Content-Type: application/x-ndjson\n\n";
const JSON: &str = "Content-Type: application/json\n\n";
const BINARY: &str = "ce-specversion: 1.0\nce-type: t\nce-id: a\nce-source: /s\nContent-Type: ";

#[test]
fn one_event_is_the_body_as_it_stands() {
    let event = "{\n  \"id\": \"a\", \"data\": {\"amount\": 1.50, \"note\": \"}\\\"]\"}\n}";
    check(&format!("{STRUCTURED} \r\n{event}\n"), &[event]);
    check(&format!("{JSON}{event}"), &[event]);
    check(&format!("{STRUCTURED}\u{feff}{event}"), &[event]);
}

#[test]
fn parameters_of_the_type_change_nothing() {
    for charset in ["utf-8", "UTF8", "\"utf-8\"", "us-ascii"] {
        let head = format!("content-type: Application/CloudEvents+JSON; charset={charset}; a=b");
        check(&format!("{head}\n\n{{}}"), &["{}"]);
    }
}

#[test]
fn a_batch_is_cut_into_its_elements() {
    check(&format!("{BATCH}[]"), &[]);
    check(&format!("{BATCH} [ ] "), &[]);
    check(
        &format!("{BATCH}[{{\"a\":[1,2]}} ,\n{{\"b\":\"],\"}}\n]\n"),
        &["{\"a\":[1,2]}", "{\"b\":\"],\"}"],
    );
    check(&format!("{JSON}[{{}},{{}}]"), &["{}", "{}"]);
}

#[test]
fn numbers_keep_their_digits() {
    let element = r#"{"a":1.10,"b":1e400,"c":-0,"d":12345678901234567890123}"#;
    check(&format!("{BATCH}[{element}]"), &[element]);
}

/// The decoder says why, under the same index.
#[test]
fn what_is_no_event_keeps_its_place_in_the_batch() {
    let elements = ["{\"a\":tru}", "1", "null", "\"x\"", "[{}]", "{\"a\" 1}", "{}"];
    check(&format!("{BATCH}[{}]", elements.join(", ")), &elements);
}

#[test]
fn lines_are_those_that_are_not_empty() {
    check(
        &format!("{LINES}{{\"a\":1}}\n\r\n\n{{\"b\":2}}\r\n no json"),
        &["{\"a\":1}", "{\"b\":2}", " no json"],
    );
    check(&format!("{LINES}\u{feff}{{}}\n"), &["{}"]);
    check("Content-Type: application/jsonl\n\n{}\n{}\n", &["{}", "{}"]);
}

#[test]
fn headers_and_json_make_an_event() {
    check(
        &format!("{BINARY}application/json; charset=utf-8\nHost: x\n\n {{\"amount\": 1.50}}\n"),
        &[concat!(
            r#"{"id":"a","source":"/s","specversion":"1.0","type":"t","#,
            r#""datacontenttype":"application/json; charset=utf-8","data":{"amount": 1.50}}"#
        )],
    );
}

/// What the body becomes, after the attributes.
#[track_caller]
fn data(content_type: &str, body: &str, expect: &str) {
    let made = records(&format!("{BINARY}{content_type}\n\n{body}"), Limits::default()).unwrap();
    let start = r#"{"id":"a","source":"/s","specversion":"1.0","type":"t","datacontenttype":"#;
    assert_eq!(made, [format!("{start}\"{content_type}\"{expect}}}")]);
}

#[test]
fn data_go_by_their_type() {
    data("application/vnd.x+json", "[1,\n2]", ",\"data\":[1,\n2]");
    data("application/json", "\"text\"", ",\"data\":\"text\"");
    data("application/json", "", "");
    data("text/plain", "Hello, \"🌎\"\n", r#","data":"Hello, \"🌎\"\n""#);
    data("application/xml", "<a/>", r#","data":"<a/>""#);
    data("image/svg+xml", "<a/>", r#","data":"<a/>""#);
    data("application/x; charset=utf-8", "x", r#","data":"x""#);
    data("application/octet-stream", "{}", r#","data_base64":"e30=""#);
    data("application/x-ndjson", "{}\n", r#","data_base64":"e30K""#);
}

#[test]
fn without_a_type_data_are_json() {
    let head = "ce-specversion: 1.0\nce-id: a";
    check(&format!("{head}\n\n{{}}"), &[r#"{"id":"a","specversion":"1.0","data":{}}"#]);
    check(head, &[r#"{"id":"a","specversion":"1.0"}"#]);
}

/// Nothing that the body holds gets out of `data`.
#[test]
fn data_cannot_add_members() {
    refused(
        &format!("{BINARY}application/json\n\n1,\"id\":\"b\""),
        400,
        "the body cannot be read: expected the end of the body at byte 2; check how it is put together, and send it whole",
    );
    refused(
        &format!("{BINARY}application/json\n\n{{}}}},{{\"id\":\"b\""),
        400,
        "the body cannot be read: expected the end of the body at byte 3; check how it is put together, and send it whole",
    );
}

/// The value of the attribute `subject`, as an event has it.
#[track_caller]
fn subject(written: &str, expect: &str) {
    let made = format!(r#"{{"specversion":"1.0","subject":{expect}}}"#);
    check(&format!("CE-SpecVersion: 1.0\nCE-Subject: {written}"), &[&made]);
}

#[test]
fn values_of_headers_are_unquoted_and_percent_decoded_once() {
    subject("Euro%20%E2%82%AC%20%F0%9F%98%80", r#""Euro € 😀""#);
    subject("%e2%82%ac %41", r#""€ A""#);
    subject("100%2525", r#""100%25""#);
    subject("50% off, 5%", r#""50% off, 5%""#);
    subject(r#""a \"b\" %22c%22""#, r#""a \"b\" \"c\"""#);
    subject("say%22hi%22%0A", r#""say\"hi\"\n""#);
    subject("€ as it is", r#""€ as it is""#);
    subject("5", r#""5""#);
}

#[test]
fn headers_that_no_event_can_have_are_refused() {
    let with = |header: &str| format!("ce-specversion: 1.0\n{header}\n\n{{}}");
    refused(&with("ce-id: a\nCe-Id: b"), 400, "the header `ce-id` stands twice; send it once");
    refused(
        &with("ce-datacontenttype: a/b"),
        400,
        "the header `ce-datacontenttype` is not allowed; Content-Type says it",
    );
    refused(&with("ce-data: {}"), 400, "the header `ce-data` is not allowed; the body is the data");
    refused(
        &with("ce-data_base64: e30="),
        400,
        "the header `ce-data_base64` names no attribute; use letters and digits",
    );
    refused(
        &with("ce-subject: %C0%A0"),
        400,
        "the header `ce-subject` is not UTF-8 when its percent-encoding is decoded",
    );
    refused(
        &with("content-type: a/b\nContent-Type: a/b"),
        400,
        "the header `content-type` stands twice; send it once",
    );
    let latin1: &[(&str, &[u8])] = &[("ce-specversion", b"1.0"), ("ce-subject", b"caf\xe9")];
    assert_eq!(
        read(latin1, b"", Limits::default()).unwrap_err().to_string(),
        "the header `ce-subject` is not UTF-8; percent-encode what is not ASCII"
    );
}

#[test]
fn the_binary_form_needs_its_version() {
    refused(
        "ce-id: a\nContent-Type: application/json\n\n{}",
        400,
        "the request has `ce-` headers and no `ce-specversion`; add `ce-specversion: 1.0`",
    );
    refused(
        "ce-specversion: 0.1\n\n{}",
        400,
        "the specversion `0.1` of CloudEvents is not read; send 1.0",
    );
    check("ce-specversion: 0.3\nce-id: a", &[r#"{"id":"a","specversion":"0.3"}"#]);
}

/// They repeat what the body says, and only the body counts.
#[test]
fn headers_beside_a_whole_event_are_passed_over() {
    check(&format!("ce-id: %C0\nce-id: b\n{STRUCTURED}{{}}"), &["{}"]);
}

#[test]
fn other_types_are_refused_with_a_remedy() {
    let send = "send application/cloudevents+json, application/cloudevents-batch+json, application/json, application/x-ndjson, \
                or `ce-` headers with the data as body";
    refused("Host: x\n\n{}", 400, &format!("the request has no Content-Type; {send}"));
    for other in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let reason = format!("events do not come as `{other}`; {send}");
        refused(&format!("Content-Type: {other}; charset=utf-8\n\n{{}}"), 400, &reason);
    }
    refused("Content-Type: json\n\n{}", 400, &format!("events do not come as `json`; {send}"));
    refused(
        "Content-Type: application/cloudevents+avro\n\nx",
        400,
        "events are not read in the format `application/cloudevents+avro`; send application/cloudevents+json or \
         application/cloudevents-batch+json",
    );
}

#[test]
fn other_encodings_are_refused_with_a_remedy() {
    for form in ["application/cloudevents+json", "application/x-ndjson", "application/json"] {
        let text = format!("Content-Type: {form}; charset=utf-16\n\n{{}}");
        refused(&text, 400, "the charset `utf-16` is not read; send UTF-8");
    }
    for form in ["text/plain", "application/json"] {
        let text = format!("{BINARY}{form}; charset=latin1\n\n{{}}");
        refused(&text, 400, "the charset `latin1` is not read; send UTF-8");
    }
    refused(
        &format!("Content-Encoding: gzip\n{JSON}x"),
        400,
        "the Content-Encoding `gzip` is not read; send the body as it is",
    );
    check(&format!("Content-Encoding: identity\n{JSON}{{}}"), &["{}"]);
    let headers: &[(&str, &[u8])] = &[("ce-specversion", b"1.0"), ("content-type", b"text/plain")];
    assert_eq!(
        read(headers, b"\xff", Limits::default()).unwrap_err().to_string(),
        "the body is declared as `text/plain` and is not UTF-8; send UTF-8, or application/octet-stream"
    );
}

/// What was expected at which byte of a body that cannot be cut.
#[track_caller]
fn uncut(text: &str, expected: &str, at: usize) {
    let reason = format!(
        "the body cannot be read: expected {expected} at byte {at}; check how it is put together, and send it whole"
    );
    refused(text, 400, &reason);
}

#[test]
fn what_cannot_be_cut_is_refused_as_a_whole() {
    uncut(&format!("{BATCH}[{{}} {{}}]"), "a comma or the end of the array", 5);
    uncut(&format!("{BATCH}[{{}},]"), "a value", 5);
    uncut(&format!("{BATCH}[,{{}}]"), "a value", 2);
    uncut(&format!("{BATCH}[{{}}"), "a comma or the end of the array", 4);
    uncut(&format!("{BATCH}[{{}}]]"), "the end of the body", 5);
    uncut(&format!("{BATCH}[{{\"a\":[}}]"), "the other bracket", 8);
    uncut(&format!("{BATCH}[{{\"a\":1]"), "the other bracket", 8);
    uncut(&format!("{BATCH}[{{\"a\":\"\\\"}}]"), "a closing quote", 12);
    uncut(&format!("{BATCH}[{{\"a\":1"), "a closing bracket", 8);
    uncut(&format!("{BATCH}{{}}"), "an array of events", 1);
    uncut(&format!("{STRUCTURED}{{}}{{}}"), "the end of the body", 3);
    uncut(&format!("{STRUCTURED}\"a\""), "an object", 1);
    uncut(&format!("{JSON}12"), "an object", 1);
}

#[test]
fn a_body_without_an_event_is_refused() {
    for head in [STRUCTURED, BATCH, LINES, JSON] {
        refused(&format!("{head} \r\n\n"), 400, "the body is empty; send one event at least");
    }
    refused(
        &format!("{STRUCTURED}[{{}}]"),
        400,
        "the body is an array, and application/cloudevents+json is one event; send application/cloudevents-batch+json",
    );
}

#[test]
fn there_are_limits_to_bytes_and_records() {
    let limits = Limits { body_bytes: 9, records: 2 };
    let told = |text: &str| {
        let refusal = records(text, limits).unwrap_err();
        format!("{} {refusal}", refusal.status())
    };
    assert_eq!(records(&format!("{BATCH}[{{}},{{}}]"), limits).unwrap().len(), 2);
    assert_eq!(records(&format!("{LINES}{{}}\n\n{{}}\n"), limits).unwrap().len(), 2);
    let many = "413 the body has more than 2 events; send them in several requests";
    assert_eq!(told(&format!("{BATCH}[1,2,3]")), many);
    assert_eq!(told(&format!("{LINES}1\n2\n3\n")), many);
    assert_eq!(
        told(&format!("{LINES}1234567890")),
        "413 the body has 10 bytes, at most 9 are taken; send the events in several requests"
    );
}

#[test]
fn nesting_is_the_decoders_business() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    check(&format!("{BATCH}[{{}},{deep}]"), &["{}", &deep]);
}

#[test]
fn bytes_that_are_not_utf8_are_the_decoders_business() {
    let headers: &[(&str, &[u8])] = &[("content-type", b"application/cloudevents-batch+json")];
    let records = read(headers, b"[{},{\"a\":\"\xff\"}]", Limits::default()).unwrap();
    assert_eq!(records.spans, [1..3, 4..13]);
}
