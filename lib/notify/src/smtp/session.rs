//! One session: connect, log in, name sender and receivers, hand over the message.
//!
//! The commands go out one by one rather than by lettre's own `send`, because what a failure means depends on the command.

#[cfg(feature = "tls")]
use super::server::Security;
use super::server::{Login, Server};
use crate::mail::{Mail, line};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::{debug, warn};

/// The longest that making a connection takes.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest that saying goodbye takes.
const QUIT_TIME_MAX: Duration = Duration::from_secs(1);
/// How much of what a server says of a receiver is logged, in characters.
const SAID_CHARS_MAX: usize = 200;

/// How a session has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The message was taken.
    Taken,
    /// It cannot be sent over this server.
    Impossible(String),
    /// The server does not want us, or we do not trust it.
    TurnedAway(String),
    /// Nothing was sent.
    NotSent(String),
    /// A reply that was no success.
    Reply {
        /// Its code.
        code: u16,
        /// Its text.
        said: String,
    },
    /// The message was sent, wholly or in part, and no answer came.
    NoAnswer(String),
}

/// Sends a mail. `is_sent` is true from the moment on at which the server may have it.
pub(super) async fn send(server: &Server, mail: &Mail, is_sent: &AtomicBool) -> Ended {
    let mut connection = match enter(server).await {
        Ok(connection) => connection,
        Err(ended) => return ended,
    };
    if let Err(ended) = address(&mut connection, mail).await {
        leave(connection).await;
        return ended;
    }
    is_sent.store(true, Ordering::Relaxed);
    let ended = match connection.message(&mail.bytes).await {
        Ok(_) => Ended::Taken,
        Err(error) => replied(&error).unwrap_or_else(|| Ended::NoAnswer(chain(&error))),
    };
    leave(connection).await;
    ended
}

/// Says goodbye. What became of the mail is decided; a server that does not answer changes nothing.
async fn leave(mut connection: AsyncSmtpConnection) {
    let quit = tokio::time::timeout(QUIT_TIME_MAX, connection.quit()).await;
    if !matches!(quit, Ok(Ok(_))) {
        debug!("the server did not say goodbye");
    }
}

/// Connects and logs in. A reply here is about us and not about the mail.
async fn enter(server: &Server) -> Result<AsyncSmtpConnection, Ended> {
    let turned_away = |error: Error| match error.status() {
        _ if error.is_client() || is_untrusted(&error) => Ended::TurnedAway(chain(&error)),
        Some(code) if u16::from(code) >= 500 => Ended::TurnedAway(chain(&error)),
        _ => before_data(&error),
    };
    debug!(host = server.host, port = server.port, security = ?server.security, "connecting");
    let us = ClientId::default();
    let mut connection = connect(server, &us).await.map_err(turned_away)?;
    if let Some(Login { user, password }) = &server.login {
        let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if let Err(error) = connection.auth(&mechanisms, &credentials).await {
            leave(connection).await;
            return Err(turned_away(error));
        }
    }
    Ok(connection)
}

#[cfg(feature = "tls")]
async fn connect(server: &Server, us: &ClientId) -> Result<AsyncSmtpConnection, Error> {
    use lettre::transport::smtp::client::{Certificate, TlsParameters};

    let Server { host, port, security, .. } = server;
    let parameters = || {
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(pem) = &server.trusted {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
        }
        parameters.build_rustls()
    };
    let tls = if *security == Security::Tls { Some(parameters()?) } else { None };
    let place = (host.as_str(), *port);
    let connect = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT_TIME_MAX), us, tls, None);
    let mut connection = connect.await?;
    if *security == Security::StartTls {
        // A server that does not offer it is an error of the client: nothing goes out in the clear.
        connection.starttls(parameters()?, us).await?;
    }
    Ok(connection)
}

/// Without the feature `tls` a server has none: [`Server::of_url`] refuses the others.
#[cfg(not(feature = "tls"))]
async fn connect(server: &Server, us: &ClientId) -> Result<AsyncSmtpConnection, Error> {
    let place = (server.host.as_str(), server.port);
    AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT_TIME_MAX), us, None, None).await
}

/// Names sender and receivers, up to the moment when the message can go out.
async fn address(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Ended> {
    let mut parameters = Vec::new();
    if mail.to.iter().chain([&mail.from]).any(|one| !one.user().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let said = "the server takes no addresses beyond ASCII (SMTPUTF8)";
            return Err(Ended::Impossible(said.to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = MailFrom::new(Some(mail.from.clone()), parameters);
    connection.command(from).await.map_err(|error| before_data(&error))?;
    receivers(connection, mail).await?;
    connection.command(Data).await.map_err(|error| before_data(&error))?;
    Ok(())
}

/// Names the receivers. One who is taken is enough.
async fn receivers(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Ended> {
    let mut refused = Vec::new();
    for to in &mail.to {
        if let Err(error) = connection.command(Rcpt::new(to.clone(), Vec::new())).await {
            let Some(reply) = replied(&error) else { return Err(before_data(&error)) };
            refused.push((to, reply));
        }
    }
    if refused.len() < mail.to.len() {
        for (to, reply) in &refused {
            let said = line(&format!("{reply:?}"), SAID_CHARS_MAX);
            warn!(to = to.to_string(), said, "a receiver was refused; the others get the mail");
        }
        return Ok(());
    }
    // Who may be taken later is worth another attempt.
    let later = |reply: &Ended| matches!(reply, Ended::Reply { code: 400..=499, .. });
    let place = refused.iter().position(|(_, reply)| later(reply)).unwrap_or(0);
    let none = || Ended::Impossible("the mail goes to nobody".to_owned());
    Err(refused.into_iter().nth(place).map_or_else(none, |(_, reply)| reply))
}

/// What an error is as long as the message has not been sent.
fn before_data(error: &Error) -> Ended {
    replied(error).unwrap_or_else(|| Ended::NotSent(chain(error)))
}

/// The reply that an error was made of.
fn replied(error: &Error) -> Option<Ended> {
    // The reply's text is the cause.
    let said = || std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    error.status().map(|code| Ended::Reply { code: code.into(), said: said() })
}

/// Whether a certificate or what comes instead of TLS is the matter: rustls tells of it as data that are not valid.
fn is_untrusted(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(below) = cause {
        let io = below.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        cause = below.source();
    }
    false
}

/// An error with its causes, in one line. One of lettre's says its cause too, and may stand in another of the same words: the inner one says it all.
fn chain(error: &Error) -> String {
    let mut inner = error;
    while let Some(below) = std::error::Error::source(inner).and_then(|it| it.downcast_ref()) {
        inner = below;
    }
    let mut said = inner.to_string();
    let mut cause = std::error::Error::source(inner);
    while let Some(below) = cause {
        let text = below.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = below.source();
    }
    said
}
