//! Signatures: HMAC-SHA256 over id, moment and body, with a key that is written `whsec_` and base64.

use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// How a key is written begins with this.
const PREFIX: &str = "whsec_";
/// The shortest and the longest key, in bytes, as the specification has them.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What signs the calls of one webhook.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

/// A secret that signs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It is not base64 behind `whsec_`.
    #[error("the secret of a webhook is `whsec_` and base64 behind it, and this is not")]
    Form,
    /// It is too short to be safe, or too long.
    #[error("the secret of a webhook has 24 to 64 bytes, and this has {0}")]
    Length(usize),
}

impl SigningKey {
    /// Reads a secret.
    pub fn read(secret: &Secret) -> Result<Self, SigningKeyError> {
        let text = secret.reveal().trim();
        let text = text.strip_prefix(PREFIX).ok_or(SigningKeyError::Form)?;
        let key = STANDARD.decode(text).map_err(|_invalid| SigningKeyError::Form)?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(SigningKeyError::Length(key.len()));
        }
        Ok(Self(Zeroizing::new(key)))
    }

    /// The header `webhook-signature` of a call.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(crate::secret::CONCEALED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_read(secret: &str, expected: Result<(), SigningKeyError>) {
        assert_eq!(SigningKey::read(&Secret::new(secret)).map(|_| ()), expected);
    }

    /// The example of the reference implementations' own tests:
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/rust/src/lib.rs>
    #[test]
    fn a_call_is_signed_as_by_the_reference_implementation() {
        let key = SigningKey::read(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(format!("{key:?}"), "<secret>");
    }

    #[test]
    fn a_secret_is_read_as_the_specification_writes_it() {
        check_read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", Ok(()));
        check_read("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Err(SigningKeyError::Form));
        check_read("whsec_not base64", Err(SigningKeyError::Form));
        check_read("whsec_", Err(SigningKeyError::Length(0)));
        check_read(
            &format!("whsec_{}", STANDARD.encode([7; 23])),
            Err(SigningKeyError::Length(23)),
        );
        check_read(&format!("whsec_{}", STANDARD.encode([7; 64])), Ok(()));
        check_read(
            &format!("whsec_{}", STANDARD.encode([7; 65])),
            Err(SigningKeyError::Length(65)),
        );
    }
}
