//! Pushes, and who is refused.

use super::*;
use crate::intake::{Offered, Refused};
use bytes::Bytes;

const CONTINUE: &[u8; 25] = b"HTTP/1.1 100 Continue\r\n\r\n";
const ONE: &str = "Content-Type: application/cloudevents+json\r\n";

#[test]
fn a_push_is_answered_with_what_became_of_each_record() {
    let bench = Bench::new("pushed");
    let told = bench.push(&[order(1), "7".to_owned(), order(2), "{".to_owned()]);
    assert_eq!((told.status, told.header("content-type")), (202, Some("application/json")));
    let expect = r#"{"accepted":2,"rejected":[{"index":1,"code":"not_an_object","reason":""#;
    assert!(told.body.starts_with(expect), "{}", told.body);
    assert!(
        told.body.contains(r#"},{"index":3,"code":"invalid_json","reason":""#),
        "{}",
        told.body
    );
    let one = bench.ask("POST /events", ONE, &order(3));
    assert_eq!((one.status, one.body.as_str()), (202, "{\"accepted\":1,\"rejected\":[]}\n"));
    let binary =
        "ce-specversion: 1.0\r\nce-id: 9\r\nce-type: click\r\nContent-Type: text/plain\r\n";
    let time = format!("{binary}ce-time: {START}\r\nce-source: s\r\n");
    assert_eq!(bench.ask("POST /events", &time, "x").status, 202);
    // What was answered is in the log, and counted.
    let counters = bench.dev().totals().counters();
    assert_eq!((counters.received, counters.counted, counters.rejected), (6, 3, 2));
}

#[test]
fn what_cannot_be_read_is_refused_with_a_remedy() {
    let bench = Bench::new("unread");
    let text = bench.ask("POST /events", "Content-Type: text/plain\r\n", "{}");
    assert_eq!(text.status, 400);
    assert!(text.body.starts_with(r#"{"reason":"events do not come as `text/plain`; send "#));
    assert_eq!(bench.ask("POST /events", ONE, "").status, 400);
    let large = "x".repeat(Limits::default().body_bytes + 1);
    let refused = bench.ask("POST /events", ONE, &large);
    assert_eq!(refused.status, 413);
    assert!(refused.body.contains("send the events in several requests"));
    let many = "{}\n".repeat(Limits::default().records + 1);
    let lines = bench.ask("POST /events", "Content-Type: application/x-ndjson\r\n", &many);
    assert_eq!(lines.status, 413);
    assert_eq!(bench.dev().totals().counters().received, 0);
}

#[test]
fn a_head_of_64_kibibytes_is_read_and_one_byte_more_is_refused() {
    let bench = Bench::new("heads");
    let line = "GET /points HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ";
    let of = |bytes: usize| {
        let filling = "x".repeat(bytes - line.len() - 4);
        let told = bench.runtime.block_on(async {
            let mut stream = TcpStream::connect(bench.address).await.unwrap();
            // Of one that is far larger, not all is read.
            drop(stream.write_all(format!("{line}{filling}\r\n\r\n").as_bytes()).await);
            let mut told = Vec::new();
            drop(stream.read_to_end(&mut told).await);
            told
        });
        Told::read(&told)
    };
    assert_eq!(of(64 << 10).status, 200);
    let refused = of((64 << 10) + 1);
    assert_eq!(refused.status, 431);
    assert!(refused.body.contains("at most 65536 bytes"), "{}", refused.body);
    assert_eq!(of(70_000).status, 431);
    assert_eq!(of(140_000).status, 431);
}

#[test]
fn chunks_are_counted_as_they_come() {
    let bench = Bench::new("chunks");
    let status = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\n{ONE}Transfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
        for _ in 0..12 {
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
        }
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        String::from_utf8(begin.to_vec()).unwrap()
    });
    assert_eq!(status, "HTTP/1.1 413");
}

#[test]
fn paths_and_methods_that_are_not_there_say_what_is() {
    let bench = Bench::new("paths");
    let gone = bench.get("/event");
    assert_eq!(gone.status, 404);
    assert!(gone.body.contains("POST /events"), "{}", gone.body);
    let events = bench.get("/events");
    assert_eq!((events.status, events.header("allow")), (405, Some("post")));
    let points = bench.ask("DELETE /points", "", "");
    assert_eq!((points.status, points.header("allow")), (405, Some("get, head")));
    assert_eq!(bench.ask("HEAD /healthz", "", "").status, 200);
}

#[test]
fn pages_of_others_and_names_of_others_are_refused() {
    let bench = Bench::new("origins");
    let rebound = bench.ask("GET /points", "Host: evil.example\r\n", "");
    assert_eq!(rebound.status, 403);
    let foreign = format!("{ONE}Origin: http://evil.example\r\n");
    let foreign = bench.ask("POST /events", &foreign, &order(1));
    assert_eq!(foreign.status, 403);
    let own = format!("{ONE}Host: localhost:1\r\nOrigin: http://localhost:1\r\n");
    assert_eq!(bench.ask("POST /events", &own, &order(1)).status, 202);
    assert_eq!(bench.dev().totals().counters().received, 1);
}

#[test]
fn a_token_is_needed_for_all_but_the_page_and_health() {
    let bench = Bench::with("token", Some(TOKEN), Times::default());
    let deploy = "Content-Type: application/json\r\n";
    assert_eq!(bench.ask("POST /deploys", deploy, "{\"version\":\"v7\"}").status, 401);
    let none = bench.ask("POST /events", ONE, &order(1));
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("bearer")));
    for path in ["/points", "/alerts", "/live", "/summary", "/metrics", "/none"] {
        assert_eq!(bench.get(path).status, 401, "{path}");
    }
    let page = bench.get("/");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("Shop") && !page.body.contains("\"orders\""));
    assert_eq!(bench.get("/healthz").status, 200);
    let with = format!("{ONE}Authorization: Bearer {TOKEN}\r\nHost: any.example\r\n");
    assert_eq!(bench.ask("POST /events", &with, &order(1)).status, 202);
}

#[test]
fn a_store_that_does_not_take_it_is_a_503_and_a_full_queue_a_429() {
    let bench = Bench::new("failing");
    let denied = |why: &Refused| push::denied(why);
    let full = denied(&Refused::Full { retry_after_ms: 1_500 });
    assert_eq!((full.status.as_u16(), full.retry_after), (429, Some(2)));
    bench.dev().intake().fail("the disk is full");
    let told = bench.push(&[order(1)]);
    assert_eq!((told.status, told.header("retry-after")), (503, Some("1")));
    assert!(told.body.contains("try again later: the disk is full"), "{}", told.body);
}

#[test]
fn who_has_begun_is_answered_when_it_stops() {
    let mut bench = Bench::new("stops");
    let mut stream = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let length = order(1).len();
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: localhost\r\n{ONE}Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Nobody says so before the head was read, and the body is wanted.
        let mut told = [0; CONTINUE.len()];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, CONTINUE);
        stream
    });
    let (dev, serving) = bench.running.take().unwrap();
    let answer = bench.runtime.block_on(async {
        let stopping = tokio::spawn(serving.stop());
        stream.write_all(order(1).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        stopping.await.unwrap();
        Told::read(&answer)
    });
    assert_eq!(answer.status, 202);
    let offered = Offered { text: Bytes::new(), ..Offered::default() };
    assert!(bench.runtime.block_on(dev.intake().offer(offered, || None)).is_ok());
    dev.stop().unwrap();
}
