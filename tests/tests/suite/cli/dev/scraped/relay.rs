//! A server asks for `OpenMetrics` first, and older ones can be told nothing else. What goes through here has no `Accept`, so
//! it is answered in Prometheus' own format. Each answer is told: it is the clock of who waits for the server.

use super::super::served::ask_whole;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// Begins to relay to an address: where, and the formats of the answers as they are passed on. While somebody holds the address, nobody is
/// asked.
pub(super) fn start(to: Arc<Mutex<String>>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tells, told) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let lines = BufReader::new(&socket).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let head: Vec<String> = head.into_iter().filter(|line| is_passed_on(line)).collect();
            let to = to.lock().unwrap();
            let (first, headers, body) = ask_whole(&to, &head.join("\r\n"), "");
            let format = headers.lines().find_map(|line| line.strip_prefix("content-type: "));
            let format = format.unwrap_or_default().to_owned();
            // Whoever has gone, or waits no longer, is no concern of the next one.
            drop(write!(socket, "{first}\r\n{headers}\r\n\r\n{body}"));
            if tells.send(format).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// Whether a line of the head is passed on: neither what is accepted, nor what `ask_whole` says itself.
fn is_passed_on(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().to_lowercase();
    !["accept", "accept-encoding", "host", "connection"].contains(&name.as_str())
}
