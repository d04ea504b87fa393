//! A server that does the same with every call, over real connections, and keeps what it was sent.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What the server does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers with this status, and says again all that it was sent.
    Echo(u16),
    /// Answers so, whatever it means.
    Raw(&'static str),
    /// Reads it and says nothing.
    Silent,
    /// Reads it and closes the connection.
    Closing,
    /// Closes the connection before it has read anything.
    Slamming,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    calls: Vec<String>,
    taken: usize,
}

impl State {
    /// Keeps a call. It is taken where the server says so or closes the connection instead.
    fn take(&mut self, manner: Manner, call: &str) {
        self.calls.push(call.to_owned());
        let is_taken = matches!(manner, Manner::Echo(200..=299) | Manner::Closing);
        self.taken += usize::from(is_taken);
    }
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { manner, calls: Vec::new(), taken: 0 }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                calls.spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { port, state, task }
    }

    /// An address of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// From now on it does this.
    pub(crate) fn set(&self, manner: Manner) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).manner = manner;
    }

    /// What it was sent: heads in lower case as they came, and bodies.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }
}

impl Server {
    /// How many calls it has taken.
    pub(crate) fn taken(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).taken
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let manner = state.lock().unwrap_or_else(PoisonError::into_inner).manner;
    if manner == Manner::Slamming {
        return Ok(());
    }
    let call = read(&mut socket).await?;
    state.lock().unwrap_or_else(PoisonError::into_inner).take(manner, &call);
    match manner {
        Manner::Echo(status) => {
            let length = if matches!(status, 204 | 304) { 0 } else { call.len() };
            let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {length}\r\n\r\n");
            socket.write_all(head.as_bytes()).await?;
            let body = call.as_bytes().get(..length).unwrap_or_default();
            socket.write_all(body).await
        }
        Manner::Raw(answer) => socket.write_all(answer.as_bytes()).await,
        Manner::Silent => std::future::pending().await,
        Manner::Closing | Manner::Slamming => Ok(()),
    }
}

/// Reads a head and the body that it promises.
async fn read(socket: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A port of this machine on which nobody listens, for as long as the socket lives.
pub(crate) fn closed_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}
