//! Signed links: acknowledge an incident from a phone, without logging in and without JavaScript.
//!
//! A token names one incident, one person and an expiry, and is authenticated with the server's key. Opening it only
//! shows; only a POST of the form on that page acts.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha2::Sha256;

/// How long a link in a page works.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What a link allows: to acknowledge this incident in the name of `recipient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The incident's id as text.
    pub incident: String,
    /// Who was paged: the receiver's name.
    pub recipient: String,
    pub expires_at: Timestamp,
}

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error(
        "this link is damaged or was not made by this server; open the incident in the app instead"
    )]
    Forged,
    #[error("this link has expired; open the incident in the app instead")]
    Expired,
}

/// Makes and checks tokens with the server's own key.
#[derive(Clone)]
pub struct LinkSigner(Box<[u8]>);

impl LinkSigner {
    pub fn new(key: &[u8]) -> Self {
        Self(key.into())
    }

    /// The token to put into a URL's path: letters, digits, `-`, `_` and `.`.
    pub fn token(&self, grant: &Grant) -> String {
        let claims = URL_SAFE_NO_PAD.encode(format!(
            "ack\n{}\n{}\n{}",
            grant.incident,
            grant.recipient,
            grant.expires_at.as_secs()
        ));
        let tag = URL_SAFE_NO_PAD.encode(self.mac(&claims).finalize().into_bytes());
        format!("{claims}.{tag}")
    }

    /// # Errors
    /// When the token is not ours, or `now` is past its expiry.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Grant, LinkError> {
        let grant = self.authentic(token).ok_or(LinkError::Forged)?;
        if now < grant.expires_at { Ok(grant) } else { Err(LinkError::Expired) }
    }

    fn authentic(&self, token: &str) -> Option<Grant> {
        let (claims, tag) = token.split_once('.')?;
        self.mac(claims).verify_slice(&URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let mut parts = text.split('\n');
        let ("ack", incident, recipient, expires) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?)
        else {
            return None;
        };
        Some(Grant {
            incident: incident.to_owned(),
            recipient: recipient.to_owned(),
            expires_at: Timestamp::from_secs(expires.parse().ok()?),
        })
    }

    fn mac(&self, claims: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"evenkeel link v1\n");
        mac.update(claims.as_bytes());
        mac
    }
}

impl std::fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSigner(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            incident: "inc_01".to_owned(),
            recipient: "oncall".to_owned(),
            expires_at: Timestamp::from_secs(100),
        }
    }

    #[test]
    fn gives_back_what_was_granted_until_it_expires() {
        let signer = LinkSigner::new(b"key");
        let token = signer.token(&grant());
        assert_eq!(signer.check(&token, Timestamp::from_secs(99)), Ok(grant()));
        assert_eq!(signer.check(&token, Timestamp::from_secs(100)), Err(LinkError::Expired));
    }

    #[test]
    fn refuses_any_change_to_a_token() {
        let token = LinkSigner::new(b"key").token(&grant());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character of unpadded base 64 holds spare bits, which the decoder refuses when set.
            assert_eq!(
                LinkSigner::new(b"key").check(&changed, Timestamp::EPOCH),
                Err(LinkError::Forged),
                "{changed}"
            );
        }
        assert_eq!(
            LinkSigner::new(b"other").check(&token, Timestamp::EPOCH),
            Err(LinkError::Forged)
        );
    }
}
