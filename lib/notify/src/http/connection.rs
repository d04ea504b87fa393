//! Connections: a name to addresses within reach, to a socket, to TLS.

use super::reach::Reach;
use super::{HttpError, port};
use hyper::http::uri::Uri;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpStream, lookup_host};

#[cfg(not(feature = "tls"))]
use clear as protocol;
#[cfg(feature = "tls")]
use tls as protocol;

pub(super) use protocol::Stream;

/// Makes connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    reach: Reach,
    protocol: protocol::Protocol,
}

impl Connector {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, protocol: protocol::Protocol::new() }
    }

    /// The same, with the certificates that were read, where connections may go elsewhere.
    pub(super) fn within(&self, reach: Reach) -> Self {
        Self { reach, protocol: self.protocol.clone() }
    }

    /// Whether there can be a connection, as far as that shows without one.
    pub(super) fn check(&self, uri: &Uri) -> Result<(), HttpError> {
        port(uri)?;
        self.protocol.check(uri, host(uri)?)
    }

    /// A connection on which nothing was said yet but for TLS's own words.
    pub(super) async fn connect(&self, uri: &Uri) -> Result<Stream, HttpError> {
        let host = host(uri)?;
        let socket = self.socket(host, port(uri)?).await?;
        self.protocol.begin(uri, host, socket).await
    }

    /// A socket to the first address of a host that answers, of those within reach.
    async fn socket(&self, host: &str, port: u16) -> Result<TcpStream, HttpError> {
        let mut failed = None;
        for address in addresses(host, port).await? {
            if !self.reach.allows(address.ip()) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.map_or(HttpError::Forbidden, |error| HttpError::NotSent(error.into())))
    }
}

/// The host of an address, without the brackets of IPv6.
fn host(uri: &Uri) -> Result<&str, HttpError> {
    let host = uri.host().ok_or(HttpError::Address("it names no host"))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}

async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, HttpError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = lookup_host((host, port)).await;
    let found: Vec<_> = found.map_err(|error| HttpError::NotSent(error.into()))?.collect();
    if found.is_empty() {
        Err(HttpError::NotSent("the name has no address".into()))
    } else {
        Ok(found)
    }
}

/// Without TLS, for tests: `http://` only.
#[cfg(not(feature = "tls"))]
mod clear {
    use super::HttpError;
    use hyper::http::uri::{Scheme, Uri};
    use tokio::net::TcpStream;

    pub(in super::super) type Stream = TcpStream;

    #[derive(Clone, Debug)]
    pub(super) struct Protocol;

    impl Protocol {
        pub(super) const fn new() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "with TLS it has certificates")]
        pub(super) fn check(&self, uri: &Uri, _host: &str) -> Result<(), HttpError> {
            if uri.scheme() == Some(&Scheme::HTTPS) { Err(HttpError::NoTls) } else { Ok(()) }
        }

        #[expect(clippy::unused_async, reason = "with TLS it waits")]
        pub(super) async fn begin(
            &self,
            uri: &Uri,
            host: &str,
            socket: TcpStream,
        ) -> Result<Stream, HttpError> {
            self.check(uri, host)?;
            Ok(socket)
        }
    }
}

/// TLS by the system's certificates, as the AWS SDK has it.
#[cfg(feature = "tls")]
mod tls {
    use super::HttpError;
    use hyper::http::uri::{Scheme, Uri};
    use std::fmt;
    use std::sync::{Arc, OnceLock};
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    type BoxError = Box<dyn std::error::Error + Send + Sync>;

    /// What bytes pass through.
    pub(in super::super) type Stream = std::pin::Pin<Box<dyn Duplex>>;

    pub(in super::super) trait Duplex: AsyncRead + AsyncWrite + Send {}

    impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

    /// What TLS begins with: made for the first call that needs it, since reading all certificates takes its time.
    #[derive(Clone)]
    pub(super) struct Protocol(Arc<OnceLock<TlsConnector>>);

    impl fmt::Debug for Protocol {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Protocol")
        }
    }

    impl Protocol {
        pub(super) fn new() -> Self {
            Self(Arc::default())
        }

        fn connector(&self) -> Result<&TlsConnector, BoxError> {
            if let Some(made) = self.0.get() {
                return Ok(made);
            }
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                let first = found.errors.into_iter().next().map(Into::into);
                return Err(first.unwrap_or_else(|| "the system has no certificates".into()));
            }
            let provider = Arc::new(aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok(self.0.get_or_init(|| TlsConnector::from(Arc::new(config))))
        }

        pub(super) fn check(&self, uri: &Uri, host: &str) -> Result<(), HttpError> {
            if uri.scheme() == Some(&Scheme::HTTPS) { self.begins(host).map(drop) } else { Ok(()) }
        }

        /// What TLS with a host begins with.
        fn begins(&self, host: &str) -> Result<(&TlsConnector, ServerName<'static>), HttpError> {
            let name = ServerName::try_from(host.to_owned())
                .map_err(|_invalid| HttpError::Address("no certificate can be for this host"))?;
            Ok((self.connector().map_err(HttpError::NotSent)?, name))
        }

        pub(super) async fn begin(
            &self,
            uri: &Uri,
            host: &str,
            socket: TcpStream,
        ) -> Result<Stream, HttpError> {
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return Ok(Box::pin(socket));
            }
            let (connector, server) = self.begins(host)?;
            let stream = connector.connect(server, socket).await;
            Ok(Box::pin(stream.map_err(|error| HttpError::NotSent(error.into()))?))
        }
    }
}
