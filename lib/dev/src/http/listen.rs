//! Connections: accepted up to a limit, with a time for each head, body and write, and ended so that what has begun is answered.

use super::patience::Impatient;
use super::{App, over, route};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use streamgauge_pipeline::port::clock::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The most connections at once; more wait.
const CONNECTIONS_MAX: usize = 1_024;
/// The largest head of a request, in bytes; what is larger is answered with 431. A part of what is larger is read, up to as much again.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;
/// The pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections until it is to stop, then waits for those that there are.
pub(super) async fn accept<C: Clock + Clone + 'static>(
    listener: TcpListener,
    app: Arc<App<C>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&app), stopped.clone()));
                }
                // The process may have no file descriptor left: others have to end first.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = over(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection.
async fn converse<C: Clock + Clone + 'static>(
    stream: TcpStream,
    app: Arc<App<C>>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it small answers wait for the other side's acknowledgement, 40 ms each.
    drop(stream.set_nodelay(true));
    let times = app.times;
    let service = service_fn(move |request| route::answer(Arc::clone(&app), request));
    let stream = Impatient::new(stream, times.write);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // Whoever has gone, or is not heard of in time, gets no answer, and nobody is to know.
    tokio::select! {
        ended = connection.as_mut() => drop(ended),
        () = over(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}
