//! Signatures of webhooks, as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Source: <https://www.standardwebhooks.com>, "Signature scheme"; keys print as `whsec_` + base 64.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha2::Sha256;

/// How old or new a signed message may be.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A symmetric key; it never prints itself.
#[derive(Clone)]
pub struct SigningKey(Box<[u8]>);

/// Why a text is not a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signing key is `whsec_` and the base 64 of 24 to 64 bytes; make one with `openssl rand -base64 32`"
)]
pub struct KeyError;

impl SigningKey {
    /// From `whsec_<base 64>`; the prefix may be left out.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(KeyError) }
    }

    /// A new key, and the text that [`Self::parse`] reads it from.
    ///
    /// # Panics
    /// When the operating system gives no randomness, which it does not do after boot.
    pub fn generate() -> (Self, String) {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .expect("the operating system gives random bytes once it has booted");
        (Self(bytes.into()), format!("whsec_{}", STANDARD.encode(bytes)))
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The value of the header `webhook-signature`: `v1,<base 64>`.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, at.as_secs(), body).finalize().into_bytes()))
    }

    /// Whether one of the space-separated signatures in `header` is ours for this message, and the message is fresh.
    pub fn verify(
        &self,
        id: &str,
        at: Timestamp,
        body: &[u8],
        header: &str,
        now: Timestamp,
    ) -> bool {
        let fresh = now.since(at) <= TOLERANCE && at.since(now) <= TOLERANCE;
        fresh
            && header.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|encoded| {
                STANDARD
                    .decode(encoded)
                    .is_ok_and(|tag| self.mac(id, at.as_secs(), body).verify_slice(&tag).is_ok())
            })
    }

    fn mac(&self, id: &str, at_secs: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{at_secs}.").as_bytes());
        mac.update(body);
        mac
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn signs_the_example_of_the_specification() {
        let at = Timestamp::from_secs(1_614_265_330);
        let signature = key().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn verifies_only_the_same_fresh_message() {
        let at = Timestamp::from_secs(1000);
        let header = format!("v1,AAAA {}", key().sign("a", at, b"body"));
        assert!(key().verify("a", at, b"body", &header, at));
        assert!(!key().verify("b", at, b"body", &header, at));
        assert!(!key().verify("a", at, b"body!", &header, at));
        assert!(!key().verify("a", at, b"body", &header, at + Duration::from_secs(301)));
        assert!(!key().verify("a", at, b"body", "v1,%%%", at));
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in ["", "whsec_", "whsec_AAAA", "whsec_!!!"] {
            assert!(SigningKey::parse(text).is_err(), "{text}");
        }
    }
}
