//! Telling a `dev` that runs, over HTTP.

use super::{named, read};
use crate::arguments::DeployedArguments;
use crate::exit::{Exit, Failure};
use crate::sdk;
use crate::style::{printable, tell};
use crate::token;
use streamgauge_dev::remote::{Remote, RemoteError};

/// Says so.
pub(super) fn run(arguments: &DeployedArguments) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let address = target.dev.as_deref().unwrap_or_default();
    let deploy = read(arguments)?;
    let token = token::find(target.token_file.as_deref())?;
    let sent = token.as_ref().map(|token| token.text.trim());
    let failed = |error| {
        let from = token.as_ref().map(|token| token.from.as_str());
        failed(address, &error, from)
    };
    let remote = Remote::new(address, sent).map_err(failed)?;
    let at = sdk::runtime()?.block_on(remote.mark(&deploy)).map_err(failed)?;
    let what = format!("{} was deployed at {at}; `{address}` marks it", named(&deploy));
    tell(printable(&what));
    Ok(Exit::Fine)
}

/// Why it is not marked, or may not be, and what to do; `token` is where the token was from.
fn failed(address: &str, error: &RemoteError, token: Option<&str>) -> Failure {
    let is_wrong = match error {
        RemoteError::Address(_) | RemoteError::NoTls(_) => true,
        RemoteError::NotReached(_) | RemoteError::NoAnswer(_) => false,
        RemoteError::Refused { status, .. } | RemoteError::Foreign { status } => {
            *status < 500 && *status != 429
        }
    };
    let message = format!("could not mark the deploy at `{address}`");
    let failure = if is_wrong { Failure::wrong(message) } else { Failure::outside(message) };
    failure.because(error).maybe_hint(hint(address, error, token))
}

fn hint(address: &str, error: &RemoteError, token: Option<&str>) -> Option<String> {
    let hint = match error {
        RemoteError::Address(_) => "write it as http://127.0.0.1:8080",
        RemoteError::NoTls(_) => {
            "build it with TLS: cargo install --locked --path cli --features tls"
        }
        RemoteError::NotReached(_) if address.starts_with("https://") => {
            "`dev` itself speaks `http://`; for `https://` something in front of it speaks TLS, with a certificate that is trusted here or stands in the file SSL_CERT_FILE"
        }
        RemoteError::NotReached(_) => {
            "does `streamgauge dev` run there? It says where it listens when it starts; nothing was marked"
        }
        RemoteError::NoAnswer(_) => {
            "it may be marked all the same: look at its page before you say it again"
        }
        RemoteError::Refused { status: 401, .. } => {
            return Some(token.map_or_else(
                || "give the token with --token-file FILE, or in STREAMGAUGE_TOKEN".to_owned(),
                |from| format!("the token in {from} is not the one that it was started with"),
            ));
        }
        // The reason says what to do.
        RemoteError::Refused { .. } => return None,
        RemoteError::Foreign { .. } => {
            "is it the address that `streamgauge dev` says when it starts, behind `listening on`?"
        }
    };
    Some(hint.to_owned())
}
