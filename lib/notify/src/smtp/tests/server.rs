//! A mail server in this process, on a free port: the protocol is that of the `mailin` crate, and a script says where it refuses,
//! hangs up or falls silent.

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What a mail came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) was_encrypted: bool,
    pub(super) bytes: Vec<u8>,
}

/// What the server does, in one session, to a line that begins so; `.` is the end of a message.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// This reply in place of its own.
    Reply(&'static str, u16),
    /// It closes the connection, and has done nothing.
    HangUp(&'static str),
    /// It does what it is asked, and closes the connection without an answer.
    LoseAnswer(&'static str),
    /// It does not answer any more.
    Silence(&'static str),
}

/// How a connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    None,
    /// None, and a password is asked for.
    Login,
    #[cfg(feature = "tls")]
    StartTls,
    #[cfg(feature = "tls")]
    Tls,
}

/// A server that runs as long as the test.
#[derive(Debug)]
pub(super) struct MailServer {
    pub(super) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    /// Those of the next session.
    faults: Arc<Mutex<Vec<Fault>>>,
    /// Told when it falls silent.
    pub(super) silent: Arc<Notify>,
}

impl MailServer {
    pub(super) async fn start(protection: Protection, faults: Vec<Fault>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let inbox = Arc::clone(&received);
        let faults = Arc::new(Mutex::new(faults));
        let next_faults = Arc::clone(&faults);
        let silent = Arc::new(Notify::new());
        let falls_silent = Arc::clone(&silent);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let desk = Desk { inbox: Arc::clone(&inbox), open: Received::default() };
                let armed = std::mem::take(&mut *next_faults.lock().unwrap());
                // A client that gives up ends its session and not the server.
                drop(serve(stream, protection, &armed, desk, &falls_silent).await);
            }
        });
        Self { port, received, faults, silent }
    }

    /// Has this go wrong in the next session.
    pub(super) fn arm(&self, fault: Fault) {
        self.faults.lock().unwrap().push(fault);
    }

    /// What has been taken so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Takes mails for `example.com`, from whoever logs in as `ops` with `hunter2` or does not.
struct Desk {
    inbox: Arc<Mutex<Vec<Received>>>,
    open: Received,
}

impl Handler for Desk {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        from.clone_into(&mut self.open.from);
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        match to.split('@').next() {
            Some("gone") => return response::NO_MAILBOX,
            Some("full") => return response::OUT_OF_SPACE,
            _ => self.open.to.push(to.to_owned()),
        }
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.open.bytes.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let Received { user, was_encrypted, .. } = self.open.clone();
        let next = Received { user, was_encrypted, ..Received::default() };
        self.inbox.lock().unwrap().push(std::mem::replace(&mut self.open, next));
        response::OK
    }

    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        if password == "hunter2" {
            self.open.user = Some(user.to_owned());
            return response::AUTH_OK;
        }
        Response::custom(535, format!("not with {password}"))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn serve(
    stream: TcpStream,
    protection: Protection,
    faults: &[Fault],
    desk: Desk,
    silent: &Notify,
) -> io::Result<()> {
    let mut builder = SessionBuilder::new("mail.example.com");
    if protection != Protection::None {
        builder.enable_auth(AuthMechanism::Plain);
    }
    let stream: Box<dyn Stream> = Box::new(stream);
    let desk = Arc::new(Mutex::new(desk));
    match protection {
        Protection::None => {}
        Protection::Login => drop(builder.insecure_enable_plaintext_auth()),
        #[cfg(feature = "tls")]
        Protection::StartTls => drop(builder.enable_start_tls()),
        #[cfg(feature = "tls")]
        Protection::Tls => {
            desk.lock().unwrap().open.was_encrypted = true;
            builder.insecure_enable_plaintext_auth();
        }
    }
    #[cfg(feature = "tls")]
    let stream = if protection == Protection::Tls { tls::accept(stream).await? } else { stream };
    let mut session = builder.build(Ipv4Addr::LOCALHOST.into(), Shared(Arc::clone(&desk)));
    let mut stream = BufReader::new(stream);
    let mut reply = session.greeting();
    let mut line = b"greeting".to_vec();
    loop {
        match faults.iter().find_map(|fault| fault.at(&line)) {
            Some(Fault::Reply(_, code)) => {
                reply = Response::custom(*code, "as the script says".to_owned());
            }
            Some(Fault::LoseAnswer(_) | Fault::HangUp(_)) => return Ok(()),
            Some(Fault::Silence(_)) => {
                silent.notify_one();
                std::future::pending::<()>().await;
            }
            None => {}
        }
        if reply.action != Action::NoReply {
            stream.get_mut().write_all(&reply.buffer()?).await?;
            stream.get_mut().flush().await?;
        }
        match reply.action {
            Action::Close => return Ok(()),
            #[cfg(feature = "tls")]
            Action::UpgradeTls => {
                stream = BufReader::new(tls::accept(stream.into_inner()).await?);
                desk.lock().unwrap().open.was_encrypted = true;
                session.tls_active();
            }
            _ => {}
        }
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let is_kept =
            |fault: &Fault| matches!(fault.at(&line), Some(Fault::HangUp(_) | Fault::Reply(..)));
        // What is hung up on or answered by the script does not happen.
        reply = if faults.iter().any(is_kept) { response::OK } else { session.process(&line) };
    }
}

impl Fault {
    /// This fault, if it is one of this line.
    fn at(&self, line: &[u8]) -> Option<&Self> {
        let (Self::Reply(place, _)
        | Self::HangUp(place)
        | Self::LoseAnswer(place)
        | Self::Silence(place)) = self;
        let is_end = *place == "." && line == b".\r\n";
        (is_end || *place != "." && line.starts_with(place.as_bytes())).then_some(self)
    }
}

/// A desk that both the session and its connection see.
struct Shared(Arc<Mutex<Desk>>);

impl Handler for Shared {
    fn mail(&mut self, ip: IpAddr, domain: &str, from: &str) -> Response {
        self.0.lock().unwrap().mail(ip, domain, from)
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.0.lock().unwrap().rcpt(to)
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().data(line)
    }

    fn data_end(&mut self) -> Response {
        self.0.lock().unwrap().data_end()
    }

    fn auth_plain(&mut self, authorized: &str, user: &str, password: &str) -> Response {
        self.0.lock().unwrap().auth_plain(authorized, user, password)
    }
}

#[cfg(feature = "tls")]
mod tls {
    use super::Stream;
    use std::io;
    use std::sync::Arc;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    /// A certificate for `localhost` that nobody else trusts, valid for a hundred years, and its key.
    pub(in crate::smtp::tests) const CERTIFICATE: &str = include_str!("localhost.pem");
    const KEY: &str = include_str!("localhost.key");

    pub(super) async fn accept(stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Ok(Box::new(TlsAcceptor::from(Arc::new(config)).accept(stream).await?))
    }
}

#[cfg(feature = "tls")]
pub(super) use tls::CERTIFICATE;
