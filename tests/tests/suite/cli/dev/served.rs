//! `dev` over HTTP, as whoever pushes to it and asks it sees it.

use super::*;
use std::net::TcpStream;

/// What the process answers: the status, and the body.
pub(super) fn ask(address: &str, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "{head}\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (first, rest) = answer.split_once("\r\n").unwrap();
    let (_, answered) = rest.split_once("\r\n\r\n").unwrap();
    (first.to_owned(), answered.to_owned())
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
    // What it has decided it tells after it was started again, too.
    let mut again = Dev::start(&sandbox, "--clock events");
    let after = again.address();
    let is_ready = || ask(&after, "GET /readyz HTTP/1.1", "").0 == "HTTP/1.1 200 OK";
    while !is_ready() {}
    let (_, points) = ask(&after, "GET /points HTTP/1.1", "");
    assert_eq!(lines_of(&points), of("point"));
    let (_, alerts) = ask(&after, "GET /alerts HTTP/1.1", "");
    assert_eq!(lines_of(&alerts), of("alert"));
    let (page, _) = ask(&after, "GET / HTTP/1.1", "");
    assert_eq!(page, "HTTP/1.1 200 OK");
}
