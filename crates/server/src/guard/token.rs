//! Bearer tokens, kept as their SHA-256 and compared in constant time.

use std::{fmt, sync::Arc};

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Token;

/// The tokens of one setting.
pub(crate) struct Tokens(Vec<(Arc<str>, [u8; 32])>);

impl Tokens {
    pub(crate) fn new(tokens: &[Token]) -> Self {
        Self(tokens.iter().map(|token| (token.name.as_str().into(), token.sha256())).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the token; all are compared, so that time tells nothing.
    pub(crate) fn find(&self, secret: &str) -> Option<Arc<str>> {
        let wanted = hash(secret);
        self.0.iter().fold(None, |found, (name, hash)| {
            if bool::from(hash.ct_eq(&wanted)) { Some(Arc::clone(name)) } else { found }
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What stands after `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_holder_and_never_prints_the_token() {
        let given = [Token::new("ci", "s3cret"), Token::new("ana", "other")];
        let tokens = Tokens::new(&given);
        assert_eq!(tokens.find("s3cret").as_deref(), Some("ci"));
        assert_eq!(tokens.find("s3cre"), None);
        assert_eq!(tokens.find(""), None);
        assert!(!format!("{tokens:?} {given:?}").contains("s3cret"));
    }
}
