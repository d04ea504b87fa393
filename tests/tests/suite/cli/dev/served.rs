//! `dev` over HTTP, as whoever pushes to it and asks it sees it.

use super::*;
use std::net::TcpStream;

/// What the process answers: the status, and the body.
pub(super) fn ask(address: &str, head: &str, body: &str) -> (String, String) {
    let (first, _, answered) = ask_whole(address, head, body);
    (first, answered)
}

/// What the process answers: the status, the head, and the body.
pub(super) fn ask_whole(address: &str, head: &str, body: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "{head}\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (first, rest) = answer.split_once("\r\n").unwrap();
    let (headers, answered) = rest.split_once("\r\n\r\n").unwrap();
    (first.to_owned(), headers.to_lowercase(), answered.to_owned())
}

/// Waits until it has read what its store has.
pub(super) fn until_ready(address: &str) {
    while ask(address, "GET /readyz HTTP/1.1", "").0 != "HTTP/1.1 200 OK" {}
}

/// The lines that it answers to this path.
pub(super) fn lines_at(address: &str, path: &str) -> Vec<String> {
    let (status, body) = ask(address, &format!("GET {path} HTTP/1.1"), "");
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    lines_of(&body)
}

/// The lines of JSON in a body that comes in chunks.
pub(super) fn lines_of(body: &str) -> Vec<String> {
    let mut lines: Vec<_> =
        body.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn what_is_pushed_comes_to_what_a_replay_says() {
    let sandbox = Sandbox::new("dev_pushed");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--clock events --output json");
    let address = dev.address();
    let push = "POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson";
    let mut all = String::new();
    for number in 0..20 {
        let pushed = minute(number);
        let answer = ask(&address, push, &pushed);
        let accepted = pushed.lines().count();
        let expect = format!("{{\"accepted\":{accepted},\"rejected\":[]}}\n");
        assert_eq!(answer, ("HTTP/1.1 202 Accepted".to_owned(), expect));
        all += &pushed;
    }
    let end = order(1_000_000);
    ask(&address, push, &end);
    sandbox.file("events.ndjson", all + &end);
    dev.out(&format!("\"window_start\":\"{}\"", START.plus(19 * 60_000)));
    let (_, summary) = ask(&address, "GET /summary HTTP/1.1", "");
    let (code, rest) = dev.stop();
    assert_eq!(code, Some(0), "{rest}");
    let replayed = sandbox.command("replay --rules rules.yaml --output json events.ndjson");
    let replayed = { replayed }.output().unwrap();
    let replayed = String::from_utf8(replayed.stdout).unwrap();
    let of = |kind: &str| {
        let lines = replayed.lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\"")));
        let mut lines: Vec<_> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // A replay ends the last windows, so it has more lines.
    let without_lines = |line: &str| {
        let (counters, lines) = line.split_once(",\"points\"").unwrap();
        let (_, seen) = lines.split_once(",\"first_event\"").unwrap();
        (counters.to_owned(), seen.trim_end().to_owned())
    };
    assert_eq!(without_lines(&summary), without_lines(&of("summary")[0]));
    // What it has decided it tells after it was started again, too.
    let mut again = Dev::start(&sandbox, "--clock events");
    let after = again.address();
    until_ready(&after);
    assert_eq!(lines_at(&after, "/points"), of("point"));
    assert_eq!(lines_at(&after, "/alerts"), of("alert"));
    let (page, _) = ask(&after, "GET / HTTP/1.1", "");
    assert_eq!(page, "HTTP/1.1 200 OK");
}

#[test]
fn it_stops_cleanly_though_nobody_reads_what_it_writes() {
    const MINUTES: i64 = 1_200;
    let sandbox = Sandbox::new("dev_unread");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--clock events --output json");
    let address = dev.address();
    let push = "POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson";
    // More than a pipe holds.
    let orders = (0..MINUTES).map(|minute| order(minute * 60)).collect::<String>();
    assert_eq!(ask(&address, push, &orders).0, "HTTP/1.1 202 Accepted");
    let last = START.plus((MINUTES - 2) * 60_000).to_string();
    while !ask(&address, "GET /points HTTP/1.1", "").1.contains(&last) {}
    let (code, told) = dev.stop();
    assert_eq!(code, Some(3), "{told}");
    assert!(told.starts_with("error: standard output was not read to its end\n"), "{told}");
    // All of it is there.
    assert!(decided_in(&sandbox).iter().any(|line| line.contains(&last)));
}

/// Orders of a number, and lines that are no events and take room however they are packed.
fn bulky(number: i64) -> String {
    let bad = (0..2_000).map(|place: i64| {
        let digits = hash::stable(&(number * 2_000 + place).to_le_bytes());
        order(1).replace("\"type\"", &format!("\"kind\":{digits},\"was\""))
    });
    minute(number) + &bad.collect::<String>()
}

#[test]
fn a_push_that_finds_no_room_is_told_so_and_counts_once_when_it_comes_again() {
    let sandbox = Sandbox::new("dev_pushed_full");
    let rules = RULES.replace("deduplicate: off", "deduplicate: 1h");
    sandbox.file("rules.yaml", &rules);
    let push = "POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson";
    let mut full = Dev::start_within(&sandbox, 600, "--clock events");
    let before = full.address();
    let (mut number, mut all) = (0, String::new());
    let (head, reason) = loop {
        all += &minute(number);
        let (status, head, body) = ask_whole(&before, push, &bulky(number));
        if status != "HTTP/1.1 202 Accepted" {
            assert_eq!(status, "HTTP/1.1 503 Service Unavailable", "{body}");
            break (head, body);
        }
        number += 1;
    };
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    assert!(reason.contains("found no room for the store `dev.store`"), "{reason}");
    drop(full);
    let mut dev = Dev::start(&sandbox, "--clock events --output json");
    let address = dev.address();
    let (again, _) = ask(&address, push, &bulky(number));
    assert_eq!(again, "HTTP/1.1 202 Accepted");
    let end = order(1_000_000);
    ask(&address, push, &end);
    dev.out(&format!("\"window_start\":\"{}\"", START.plus(number * 60_000)));
    let (code, rest) = dev.stop();
    assert_eq!(code, Some(0), "{rest}");
    sandbox.file("events.ndjson", all + &end);
    let replayed = sandbox.command("replay --rules rules.yaml --output json events.ndjson");
    let replayed = String::from_utf8({ replayed }.output().unwrap().stdout).unwrap();
    let points = |lines: &mut dyn Iterator<Item = &str>| {
        let lines = lines.filter(|line| line.contains("\"orders\"") && line.contains("\"final\""));
        let mut lines: Vec<_> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let decided = decided_in(&sandbox);
    let (own, expect) =
        (points(&mut decided.iter().map(String::as_str)), points(&mut replayed.lines()));
    assert_eq!(own, expect);
}

#[test]
fn a_damaged_store_is_an_error_and_is_left_as_it_is() {
    let sandbox = Sandbox::new("dev_damaged");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--clock events --output json");
    let address = dev.address();
    let push = "POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson";
    ask(&address, push, &(minute(0) + &order(1_000)));
    dev.out("\"orders\"");
    dev.stop();
    let path = sandbox.folder.join("dev.store");
    let mut bytes = std::fs::read(&path).unwrap();
    // Its head says what it is; of all behind that each second page is gone.
    for page in bytes.chunks_mut(4_096).skip(1).step_by(2) {
        page.fill(0xff);
    }
    std::fs::write(&path, &bytes).unwrap();
    let output = { sandbox.command(&typed("--clock events")) }.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("the store `dev.store` is damaged"), "{told}");
    assert!(std::fs::read(&path).unwrap() == bytes, "it was written to");
}
