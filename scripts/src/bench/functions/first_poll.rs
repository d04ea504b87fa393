//! From the start of a function's process to its first poll of the Runtime API: what a cold start costs beside what Lambda adds.
//!
//! The API is a socket of this process. Each function starts as the template would start it, with rules to read and its
//! settings, and is killed as soon as it asks for work.

use anyhow::{Context, bail};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a function may take; then something is wrong with it.
const FIRST_POLL_TIME_MAX: Duration = Duration::from_secs(10);
/// What the first poll begins with (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
const POLL: &[u8] = b"GET /2018-06-01/runtime/invocation/next ";

/// What Lambda and the template set for a function.
const VARIABLES: [(&str, &str); 15] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "bench"),
    ("AWS_SECRET_ACCESS_KEY", "bench"),
    ("AWS_SESSION_TOKEN", "bench"),
    ("STREAMGAUGE_TABLE", "bench"),
    ("STREAMGAUGE_STREAMS", "orders"),
    ("STREAMGAUGE_UPSTREAMS", "all"),
    ("STREAMGAUGE_STREAM", "orders"),
    ("STREAMGAUGE_SETTLE_QUEUE", "http://127.0.0.1:9/000000000000/settle"),
    ("STREAMGAUGE_DELIVER_QUEUE", "http://127.0.0.1:9/000000000000/deliver"),
];

/// Starts a function with these rules: the microseconds until its first poll.
pub(super) fn first_poll_micros(function: &Path, rules: &Path) -> anyhow::Result<i64> {
    let name = function.display();
    let api = TcpListener::bind("127.0.0.1:0").context("listening on a port failed")?;
    let address = api.local_addr().context("asking for the port failed")?;
    let mut command = Command::new(function);
    command.env_clear().envs(VARIABLES).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    command.env("STREAMGAUGE_RULES", rules);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    api.set_nonblocking(true).context("listening on a port failed")?;
    let start = Instant::now();
    let mut process = command.spawn().with_context(|| format!("starting {name} failed"))?;
    let polled = poll(&api, start);
    process.kill().with_context(|| format!("stopping {name} failed"))?;
    process.wait().with_context(|| format!("stopping {name} failed"))?;
    polled.with_context(|| format!("{name} does not ask for work"))
}

fn poll(api: &TcpListener, start: Instant) -> anyhow::Result<i64> {
    loop {
        match api.accept() {
            Ok((connection, _)) => {
                read_poll(connection)?;
                return Ok(i64::try_from(start.elapsed().as_micros())?);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if start.elapsed() > FIRST_POLL_TIME_MAX {
                    bail!("it did not within {} s", FIRST_POLL_TIME_MAX.as_secs());
                }
                std::thread::yield_now();
            }
            Err(error) => return Err(error).context("accepting its connection failed"),
        }
    }
}

fn read_poll(mut connection: TcpStream) -> anyhow::Result<()> {
    connection.set_nonblocking(false).context("reading its call failed")?;
    connection.set_read_timeout(Some(FIRST_POLL_TIME_MAX)).context("reading its call failed")?;
    let mut call = [0; POLL.len()];
    connection.read_exact(&mut call).context("reading its call failed")?;
    if call != POLL {
        bail!("its first call is `{}`", String::from_utf8_lossy(&call));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Calls the API with this: what is made of it.
    fn called(call: &[u8]) -> anyhow::Result<i64> {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        api.set_nonblocking(true).unwrap();
        let mut connection = TcpStream::connect(api.local_addr().unwrap()).unwrap();
        connection.write_all(call).unwrap();
        poll(&api, Instant::now())
    }

    #[test]
    fn a_poll_is_waited_for() {
        let call = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n";
        assert!(called(call.as_bytes()).is_ok());
    }

    #[test]
    fn another_call_is_an_error() {
        let call = "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n\r\n";
        let error = called(call.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("its first call is `POST /2018-06-01/runtime/init"), "{error}");
    }
}
