//! A client: pushes one after another over HTTP, and comes again where that is wanted.

use super::events::Push;
use super::load::{Load, Mode, Signal};
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// So much of a request is written at a time.
const PIECE_BYTES: usize = 1_500;

/// Pushes until there is no more.
pub(super) fn run(load: &Load<'_>) {
    let mut broken = 0;
    while let Some(push) = load.next() {
        let mut attempt = 0;
        let is_acknowledged = loop {
            let Some((life, address)) = load.listens_after(broken) else { return };
            let pushed = push_all(load, life, &address, &push, attempt);
            match pushed {
                Ok(true) => {
                    load.tell(life, Signal::Acknowledged);
                    break true;
                }
                Ok(false) => {}
                Err(error) => {
                    load.tell(life, Signal::Broken(error.to_string()));
                    broken = life;
                }
            }
            if load.mode == Mode::Once {
                break false;
            }
            attempt += 1;
        };
        load.done(push, is_acknowledged);
    }
    load.tell(broken, Signal::Ended);
}

/// Pushes all events, the first time in one request, then in two of which the second half comes first; false: it was turned away.
fn push_all(
    load: &Load<'_>,
    life: u64,
    address: &str,
    push: &Push,
    attempt: usize,
) -> io::Result<bool> {
    let (first, second) =
        push.events.split_at(if attempt == 0 { 0 } else { push.events.len() / 2 });
    for events in [second, first].into_iter().filter(|events| !events.is_empty()) {
        let (media, body) = match (events, push.id % 2) {
            ([event], _) => ("application/cloudevents+json", event.clone()),
            (_, 0) => ("application/cloudevents-batch+json", format!("[{}]", events.join(","))),
            _ => ("application/x-ndjson", events.join("\n")),
        };
        let (status, told) = post(load, (life, address), media, &body)?;
        match status.as_str() {
            "202" => {
                let expect = format!("{{\"accepted\":{},\"rejected\":[]}}\n", events.len());
                // The status says that all is durable, also if the rest of the answer does not come.
                if !told.is_empty() && told != expect {
                    load.tell(life, Signal::Wrong(told));
                }
            }
            "429" | "503" => return Ok(false),
            _ => load.tell(life, Signal::Wrong(format!("{status} {told}"))),
        }
    }
    Ok(true)
}

/// Sends a request in pieces: the status of the answer, and its body if all of it came.
fn post(
    load: &Load<'_>,
    (life, address): (u64, &str),
    media: &str,
    body: &str,
) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let request = format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    for piece in request.as_bytes().chunks(PIECE_BYTES) {
        stream.write_all(piece)?;
        load.tell(life, Signal::Written(piece.len()));
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_once("\r\n").and_then(|(first, _)| first.split(' ').nth(1));
    let Some(status) = status else {
        read?;
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let told = answer.split_once("\r\n\r\n").map_or("", |(_, told)| told);
    Ok((status.to_owned(), if told.ends_with('\n') { told } else { "" }.to_owned()))
}
