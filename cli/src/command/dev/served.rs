//! Where it listens, and which token it asks for.

use crate::arguments::DevArguments;
use crate::exit::Failure;
use crate::rules::environment;
use crate::style::printable;
use std::fs::read_to_string;
use std::net::SocketAddr;
use streamgauge_dev::http::{self, HttpError, Token};
use tokio::net::TcpListener;

/// Where the token is if no file is named.
const VARIABLE: &str = "STREAMGAUGE_TOKEN";

/// The token, which there must be where others than this machine can ask.
pub(super) fn token(arguments: &DevArguments) -> Result<Option<Token>, Failure> {
    let (text, from) = match &arguments.token_file {
        Some(path) => {
            let name = path.display().to_string();
            let name = printable(&name).to_string();
            let text = read_to_string(path).map_err(|error| {
                Failure::wrong(format!("could not read the token in `{name}`")).because(&error)
            })?;
            (Some(text), format!("`{name}`"))
        }
        None => (environment(VARIABLE), format!("`{VARIABLE}`")),
    };
    let Some(text) = text else {
        if arguments.listen.ip().is_loopback() {
            return Ok(None);
        }
        let failure = Failure::wrong(format!(
            "whoever reaches `{}` could read and push events",
            arguments.listen
        ));
        return Err(failure
            .hint(format!("give --token-file FILE or set {VARIABLE}, or listen on 127.0.0.1")));
    };
    let token = Token::read(&text);
    token.map(Some).map_err(|error| {
        Failure::wrong(format!("the token in {from} cannot be used")).because(&error)
    })
}

/// Listens.
pub(super) async fn listen(arguments: &DevArguments) -> Result<(TcpListener, SocketAddr), Failure> {
    http::listen(arguments.listen).await.map_err(|error| {
        failed(&error)
            .hint("name another one with --listen, or a free port with --listen 127.0.0.1:0")
    })
}

/// What cannot be served.
pub(super) fn failed(error: &HttpError) -> Failure {
    Failure::outside(error.to_string()).because_of_source(error)
}
