//! Helper of the tests: a server that answers by script, over real connections.

use aws_sdk_cloudwatch::config::{BehaviorVersion, Builder, Credentials, Region};
use minicbor::Encoder;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Takes it, and says so. What it does without a script.
    Taken,
    /// Does not take it, for a reason: status, code, message.
    Refused(u16, &'static str, &'static str),
    /// Answers with this status and body, whatever that means.
    Raw(u16, Vec<u8>),
    /// Takes it, and closes the connection.
    Lost,
    /// Says nothing, and leaves the connection open.
    Silent,
}

/// A request that has come.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its first line and headers, in lower case.
    pub(crate) head: String,
    /// Its body, as it was sent.
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Answer>,
    requests: Vec<Request>,
    taken: usize,
    connections: usize,
    left_open: Vec<TcpStream>,
    ends: bool,
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { script: script.into_iter().collect(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(&listener, &shared));
        Self { address, state, thread: Some(thread) }
    }

    /// How the SDK is configured to call it.
    pub(crate) fn config(&self) -> Builder {
        let key = Credentials::new("id", "secret", None, None, "test");
        self.config_of_nobody().credentials_provider(key)
    }

    /// The same without credentials.
    pub(crate) fn config_of_nobody(&self) -> Builder {
        Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .endpoint_url(format!("http://{}", self.address))
    }

    pub(crate) fn script(&self, answer: Answer) {
        self.state.lock().unwrap().script.push_back(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// How many requests it has taken.
    pub(crate) fn taken(&self) -> usize {
        self.state.lock().unwrap().taken
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.lock().unwrap().ends = true;
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Connection after connection, and on each request after request until the client closes it.
fn serve(listener: &TcpListener, state: &Mutex<State>) {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        {
            let mut state = state.lock().unwrap();
            if state.ends {
                return;
            }
            state.connections += 1;
        }
        while let Some(request) = read(&stream) {
            let closes = request.head.contains("connection: close");
            let answer = {
                let mut state = state.lock().unwrap();
                state.requests.push(request);
                let answer = state.script.pop_front().unwrap_or(Answer::Taken);
                state.taken += usize::from(matches!(answer, Answer::Taken | Answer::Lost));
                answer
            };
            let (status, body) = match answer {
                Answer::Taken => (200, vec![0xa0]),
                Answer::Refused(status, code, message) => (status, error(code, message)),
                Answer::Raw(status, body) => (status, body),
                Answer::Lost => break,
                Answer::Silent => {
                    state.lock().unwrap().left_open.push(stream.try_clone().unwrap());
                    break;
                }
            };
            write(&mut stream, status, &body);
            if closes {
                break;
            }
        }
    }
}

/// A request with its body; none if there is no other.
fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}

/// An answer; a client that has gone does not hear it.
fn write(stream: &mut TcpStream, status: u16, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\nsmithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\ncontent-length: {length}\r\n\r\n"
    );
    drop(stream.write_all(&[head.as_bytes(), body].concat()));
}

/// An error as Smithy RPC v2 CBOR has it.
fn error(code: &str, message: &str) -> Vec<u8> {
    let mut body = Encoder::new(Vec::new());
    let encoder = body.map(2).unwrap();
    encoder.str("__type").unwrap().str(&format!("com.amazonaws.cloudwatch#{code}")).unwrap();
    encoder.str("message").unwrap().str(message).unwrap();
    body.into_writer()
}
