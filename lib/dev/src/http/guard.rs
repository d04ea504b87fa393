//! Who may ask: a page of another site may not, and where a token is set only who has it.
//!
//! A browser sends requests to this machine for any page that it shows. Three things keep these out:
//!
//! - **`Host`** must name this machine, as long as there is no token. A page whose name was made to point to 127.0.0.1 after it was loaded
//!   (DNS rebinding) is of the same origin as what it asks, but it asks for its own name.
//! - **`Origin`**, which browsers send with what a page of another origin asks, must be that of `Host`.
//! - **A token** is in a header that no other page can know or set.

use super::answer::Denial;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// What a token must have at least: shorter ones can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// A token that requests must bring. It does not show itself.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token")
    }
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It could be guessed.
    #[error(
        "the token has less than {TOKEN_BYTES_MIN} characters; make one with `openssl rand -hex 32`"
    )]
    Short,
    /// It could not be sent.
    #[error("the token has characters that no header can have; use letters, digits and -._~+/=")]
    Letters,
}

impl Token {
    /// Reads one, with white space around it.
    pub fn read(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() < TOKEN_BYTES_MIN {
            return Err(TokenError::Short);
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !text.bytes().all(is_letter) {
            return Err(TokenError::Letters);
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether this is it. The time that it takes says nothing of where the two differ: hashes are compared, to their end.
    fn is(&self, offered: &[u8]) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered).into();
        let differ =
            self.0.iter().zip(offered).fold(0, |differ, (own, other)| differ | (own ^ other));
        differ == 0
    }
}

/// Judges requests by their headers.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) token: Option<Token>,
}

impl Guard {
    /// Whether a request may be answered; `is_open` is what needs no token.
    pub(super) fn judge(&self, headers: &HeaderMap, is_open: bool) -> Result<(), Denial> {
        let host = only(headers, &HOST).ok_or_else(|| {
            bad("the request needs one header `Host`, with the name that it was sent to")
        })?;
        if self.token.is_none() && !is_local(host) {
            return Err(Denial::new(
                StatusCode::FORBIDDEN,
                format!(
                    "`{host}` is not this machine; ask for localhost or 127.0.0.1, or set a token (--token-file) to use other names"
                ),
            ));
        }
        if headers.contains_key(ORIGIN) {
            let origin = only(headers, &ORIGIN).unwrap_or_default();
            let authority =
                origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host)) {
                return Err(Denial::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "a page of `{origin}` may not ask `{host}`; send events from a program instead"
                    ),
                ));
            }
        }
        match &self.token {
            Some(token) if !is_open && !bearer(headers).is_some_and(|sent| token.is(sent)) => {
                Err(Denial::new(
                    StatusCode::UNAUTHORIZED,
                    "the token is missing or wrong; send it as `Authorization: Bearer TOKEN`",
                ))
            }
            _ => Ok(()),
        }
    }
}

fn bad(reason: &str) -> Denial {
    Denial::new(StatusCode::BAD_REQUEST, reason)
}

/// A header that stands there once, and is text.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok()).flatten()
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
}

/// Whether a `Host`, with or without its port, is a name that always means this machine.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(token: Option<&str>, pairs: &[(HeaderName, &str)], expect: u16) {
        let guard = Guard { token: token.map(|token| Token::read(token).unwrap()) };
        let judged = guard.judge(&headers(pairs), false);
        let status = judged.map_or_else(|denial| denial.status.as_u16(), |()| 200);
        assert_eq!(status, expect, "{pairs:?}");
    }

    #[test]
    fn without_a_token_only_names_of_this_machine_are_answered() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.1.2.3", "[::1]:9", "[::1]"]
        {
            check(None, &[(HOST, host)], 200);
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "10.0.0.1:8080",
            "[::2]",
            "",
            "127.0.0.1:x",
        ] {
            check(None, &[(HOST, host)], 403);
        }
        check(None, &[], 400);
        check(None, &[(HOST, "localhost"), (HOST, "evil.example")], 400);
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let host = (HOST, "localhost:8080");
        check(None, &[host.clone(), (ORIGIN, "http://localhost:8080")], 200);
        check(None, &[host.clone(), (ORIGIN, "https://localhost:8080")], 200);
        for origin in ["null", "", "http://localhost:81", "http://evil.example", "file://"] {
            check(None, &[host.clone(), (ORIGIN, origin)], 403);
        }
        check(None, &[host.clone(), (ORIGIN, "http://localhost:8080"), (ORIGIN, "http://a")], 403);
    }

    #[test]
    fn with_a_token_any_name_is_answered_and_nobody_without_it() {
        let host = (HOST, "metrics.example");
        for sent in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef "] {
            check(Some(TOKEN), &[host.clone(), (AUTHORIZATION, sent)], 200);
        }
        for sent in
            ["Bearer", "Bearer ", "Bearer 0123456789abcdeg", "Basic 0123456789abcdef", TOKEN]
        {
            check(Some(TOKEN), &[host.clone(), (AUTHORIZATION, sent)], 401);
        }
        check(Some(TOKEN), std::slice::from_ref(&host), 401);
        let guard = Guard { token: Some(Token::read(TOKEN).unwrap()) };
        assert_eq!(guard.judge(&headers(&[host]), true), Ok(()));
    }

    #[test]
    fn tokens_that_can_be_guessed_or_not_be_sent_are_refused() {
        assert!(Token::read(" 0123456789abcdef\n").is_ok());
        assert_eq!(Token::read("0123456789abcde").unwrap_err(), TokenError::Short);
        assert_eq!(Token::read("0123456789 abcdef").unwrap_err(), TokenError::Letters);
        assert_eq!(format!("{:?}", Token::read(TOKEN).unwrap()), "Token");
    }
}
