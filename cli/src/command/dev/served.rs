//! Where it listens, and which token it asks for.

use crate::arguments::DevArguments;
use crate::exit::Failure;
use crate::token;
use std::net::SocketAddr;
use streamgauge_dev::http::{self, HttpError, Token};
use tokio::net::TcpListener;

/// The token, which there must be where others than this machine can ask.
pub(super) fn token(arguments: &DevArguments) -> Result<Option<Token>, Failure> {
    let given = token::find(arguments.token_file.as_deref())?;
    if given.is_none() && !arguments.listen.ip().is_loopback() {
        let failure = Failure::wrong(format!(
            "whoever reaches `{}` could read and push events",
            arguments.listen
        ));
        return Err(failure.hint(format!(
            "give --token-file FILE or set {}, or listen on 127.0.0.1",
            token::VARIABLE
        )));
    }
    Ok(given.map(|given| given.token))
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
