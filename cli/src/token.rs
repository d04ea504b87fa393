//! The token of `dev`: what it asks for, and what is sent to it.

use crate::exit::Failure;
use crate::rules::environment;
use crate::style::printable;
use std::fs::read_to_string;
use std::path::Path;
use streamgauge_dev::http::Token;

/// Where the token is if no file is named.
pub(crate) const VARIABLE: &str = "STREAMGAUGE_TOKEN";

/// A token that can be used. It does not show itself.
pub(crate) struct Given {
    /// As it stands there, with white space around it.
    pub(crate) text: String,
    /// To compare with.
    pub(crate) token: Token,
    /// Where it stands, for messages.
    pub(crate) from: String,
}

/// The token in a file, else that of the environment, if there is one.
pub(crate) fn find(file: Option<&Path>) -> Result<Option<Given>, Failure> {
    let (text, from) = match file {
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
    let Some(text) = text else { return Ok(None) };
    let token = Token::read(&text).map_err(|error| {
        Failure::wrong(format!("the token in {from} cannot be used")).because(&error)
    })?;
    Ok(Some(Given { text, token, from }))
}
