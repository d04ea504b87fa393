//! The address of a webhook: whoever knows it may write there, so it is a secret, and so are its parts.

use crate::secret::Secret;

/// The shortest part of an address that is taken for a token, in bytes.
const TOKEN_BYTES_MIN: usize = 8;

/// An address that must not be seen.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    url: Secret,
    /// It, its path, and what may be a token in it, the longest first: what stands in another is gone with that.
    concealed: Vec<Secret>,
}

impl Address {
    /// Keeps an address, without the line break that stores of secrets like to end a value with.
    pub(crate) fn new(url: &Secret) -> Self {
        let text = url.reveal().trim();
        let behind = text.split_once("://").map_or(text, |(_, behind)| behind);
        let path = behind.split_once('/').map_or("", |(_, path)| path);
        let parts = path.split(['/', '?', '&', '=', '#']);
        let long = |part: &&str| part.len() >= TOKEN_BYTES_MIN;
        let mut concealed: Vec<&str> = [text, path].into_iter().chain(parts).filter(long).collect();
        concealed.sort_by_key(|part| std::cmp::Reverse(part.len()));
        Self { url: Secret::new(text), concealed: concealed.into_iter().map(Secret::new).collect() }
    }

    /// The address, for the call.
    pub(crate) fn reveal(&self) -> &str {
        self.url.reveal()
    }

    /// What nobody may read of it.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        self.concealed.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_concealed_wherever_they_are_said_again() {
        let address =
            Address::new(&Secret::new("https://h.example/services/T0/B0/abcdefgh?key=ijklmnop\n"));
        let conceal = |text: &str| {
            address.secrets().iter().fold(text.to_owned(), |text, secret| secret.conceal(&text))
        };
        assert_eq!(address.reveal(), "https://h.example/services/T0/B0/abcdefgh?key=ijklmnop");
        assert_eq!(
            conceal("no https://h.example/services/T0/B0/abcdefgh?key=ijklmnop"),
            "no <secret>"
        );
        assert_eq!(conceal("GET /services/T0/B0/abcdefgh?key=ijklmnop"), "GET /<secret>");
        assert_eq!(conceal("no abcdefgh for T0, ijklmnop"), "no <secret> for T0, <secret>");
        assert_eq!(format!("{address:?}").matches("h.example").count(), 0);
    }
}
