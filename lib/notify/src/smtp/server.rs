//! Which server, and how it is talked to: from a URL, as it stands in the environment.
//!
//! | URL | what it means |
//! | --- | --- |
//! | `smtps://user@mail.example` | TLS from the first byte, port 465 |
//! | `smtp://user@mail.example` | STARTTLS, without which nothing is sent, port 587 |
//! | `smtp://localhost:25` | in the clear: it does not leave the machine |
//!
//! The password stands apart, as a reference to a secret.

use crate::secret::{Reference, Secret, SecretError, Secrets};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The variable with the server's URL.
pub const URL_VARIABLE: &str = "STREAMGAUGE_SMTP_URL";
/// The variable with the reference to the password: `env:NAME`, `secret:NAME`, `ssm:NAME`.
pub const PASSWORD_VARIABLE: &str = "STREAMGAUGE_SMTP_PASSWORD";

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything but greetings is said.
    StartTls,
    /// None: on this machine only.
    Loopback,
}

/// A server that takes mails.
#[derive(Clone, Debug)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Login>,
    /// A certificate in PEM that is trusted besides the system's.
    #[cfg(feature = "tls")]
    pub(super) trusted: Option<String>,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Not a URL of a server. What it is does not show: it may hold a password.
    #[error("{URL_VARIABLE} is not the URL of a mail server; write smtps://user@host:465")]
    Url,
    /// The URL holds a password.
    #[error(
        "{URL_VARIABLE} holds a password; put a reference to it, env:NAME, into {PASSWORD_VARIABLE}"
    )]
    Password,
    /// A user without a password, or a password without a user.
    #[error("a user in {URL_VARIABLE} and {PASSWORD_VARIABLE} go together; set both or none")]
    Login,
    /// The password is not a reference. What it is does not show.
    #[error(
        "{PASSWORD_VARIABLE} is not a reference to a secret; write env:NAME, secret:NAME or ssm:NAME"
    )]
    Reference,
    /// There is no password.
    #[error("there is no password for the mail server")]
    Secret(#[from] SecretError),
    /// This build has no TLS.
    #[error("this build sends mail on this machine only; build it with the feature `tls`")]
    NoTls,
}

impl Server {
    /// The server that the environment names; absent where it names none.
    pub async fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
        secrets: &impl Secrets,
    ) -> Result<Option<Self>, ServerError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(url) = set(URL_VARIABLE) else { return Ok(None) };
        let password = match set(PASSWORD_VARIABLE) {
            None => None,
            Some(text) => {
                let reference = Reference::of(&text).ok_or(ServerError::Reference)?;
                Some(secrets.resolve(&reference).await?)
            }
        };
        Self::of_url(&url, password).map(Some)
    }

    /// The server of a URL, with the password of its user.
    pub fn of_url(url: &str, password: Option<Secret>) -> Result<Self, ServerError> {
        // The cause would show the URL.
        let url = Url::parse(url).ok().ok_or(ServerError::Url)?;
        if url.password().is_some() {
            return Err(ServerError::Password);
        }
        let bare =
            ["", "/"].contains(&url.path()) && url.query().is_none() && url.fragment().is_none();
        let host =
            url.host_str().filter(|host| bare && !host.is_empty()).ok_or(ServerError::Url)?;
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Tls, 465),
            "smtp" if is_loopback(host) => (Security::Loopback, 25),
            "smtp" => (Security::StartTls, 587),
            _ => return Err(ServerError::Url),
        };
        if cfg!(not(feature = "tls")) && security != Security::Loopback {
            return Err(ServerError::NoTls);
        }
        let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
        let login = match (user.is_empty(), password) {
            (true, None) => None,
            (false, Some(password)) => Some(Login { user, password }),
            _ => return Err(ServerError::Login),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(port);
        Ok(Self {
            host,
            port,
            security,
            login,
            #[cfg(feature = "tls")]
            trusted: None,
        })
    }

    /// The same, protected in another way.
    #[must_use]
    pub fn with_security(self, security: Security) -> Self {
        Self { security, ..self }
    }

    /// The same, trusting a certificate in PEM besides the system's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trusting(self, pem: impl Into<String>) -> Self {
        Self { trusted: Some(pem.into()), ..self }
    }

    /// A text without the password.
    pub(super) fn conceal(&self, said: &str) -> String {
        let login = self.login.as_ref();
        login.map_or_else(|| said.to_owned(), |login| login.password.conceal(said))
    }
}

/// Whether what is sent there stays on this machine.
fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Environment;

    fn server(url: &str) -> Result<Server, ServerError> {
        let password = url.contains('@').then(|| Secret::new("hunter2"));
        Server::of_url(url, password)
    }

    fn shown(url: &str) -> String {
        match server(url) {
            Ok(server) => {
                let user = server.login.map_or_else(|| "nobody".to_owned(), |login| login.user);
                format!("{user} at {} {} {:?}", server.host, server.port, server.security)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_stays_on_the_machine_needs_no_tls() {
        assert_eq!(shown("smtp://localhost"), "nobody at localhost 25 Loopback");
        assert_eq!(shown("smtp://127.0.0.1:2525/"), "nobody at 127.0.0.1 2525 Loopback");
        assert_eq!(shown("smtp://a@[::1]:2525"), "a at ::1 2525 Loopback");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn what_leaves_the_machine_is_protected() {
        assert_eq!(
            shown("smtps://a%40b.example@mail.example"),
            "a@b.example at mail.example 465 Tls"
        );
        assert_eq!(shown("smtp://ops@mail.example"), "ops at mail.example 587 StartTls");
        assert_eq!(shown("smtp://10.0.0.1:25"), "nobody at 10.0.0.1 25 StartTls");
        assert_eq!(shown("smtp://localhost.example"), "nobody at localhost.example 587 StartTls");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn without_tls_nothing_leaves_the_machine() {
        let refused = "this build sends mail on this machine only; build it with the feature `tls`";
        assert_eq!(shown("smtps://localhost"), refused);
        assert_eq!(shown("smtp://mail.example"), refused);
    }

    #[test]
    fn urls_that_mean_nothing_are_refused_and_not_shown() {
        for url in [
            "mail.example:25",
            "http://localhost",
            "smtp://",
            "smtp://localhost/x",
            "smtp://localhost?x=hunter2",
        ] {
            let refused = shown(url);
            assert!(refused.starts_with("STREAMGAUGE_SMTP_URL is not the URL"), "{url}: {refused}");
            assert!(!refused.contains("hunter2"));
        }
        assert!(
            shown("smtp://a:hunter2@localhost")
                .starts_with("STREAMGAUGE_SMTP_URL holds a password")
        );
    }

    #[test]
    fn the_variables_are_documented() {
        let page = include_str!("../../../../docs/mail.md");
        for name in [URL_VARIABLE, PASSWORD_VARIABLE] {
            assert!(page.contains(&format!("\n| `{name}` | ")), "{name}");
        }
    }

    #[test]
    fn user_and_password_go_together() {
        let error = Server::of_url("smtp://ops@localhost", None).unwrap_err();
        assert!(matches!(error, ServerError::Login));
        let nobody = Server::of_url("smtp://localhost", Some(Secret::new("hunter2"))).unwrap_err();
        assert!(matches!(nobody, ServerError::Login));
    }

    #[tokio::test]
    async fn the_environment_names_server_and_password() {
        let environment = |password: &'static str| {
            move |name: &str| match name {
                URL_VARIABLE => Some("smtp://ops@localhost".to_owned()),
                PASSWORD_VARIABLE => Some(password.to_owned()),
                "WORD" => Some("hunter2".to_owned()),
                _ => None,
            }
        };
        let of = async |password| {
            let variable = environment(password);
            Server::of_environment(variable, &Environment::new(variable)).await
        };
        let server = of("env:WORD").await.unwrap().unwrap();
        assert_eq!(server.conceal("no hunter2"), "no <secret>");
        assert!(!format!("{server:?}").contains("hunter2"));
        let error = of("hunter2").await.unwrap_err().to_string();
        assert!(error.contains("is not a reference") && !error.contains("hunter2"), "{error}");
        assert!(matches!(of("env:NONE").await, Err(ServerError::Secret(_))));
        let none = Server::of_environment(|_| None, &Environment::new(|_: &str| None)).await;
        assert!(none.unwrap().is_none());
    }
}
