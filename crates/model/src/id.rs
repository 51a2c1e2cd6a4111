//! Typed ids: a ULID with a prefix, so that an incident's id cannot stand where an alert's is asked for.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use ulid::Ulid;

/// What an id identifies; implemented by an empty type per kind.
pub trait IdKind {
    /// Three or so lowercase letters, such as `inc`.
    const PREFIX: &'static str;
}

/// An id of a `K`, printed as `prefix_01j…` (Crockford base 32, lowercase).
///
/// Ids are minted by `app` and carried in commands: a decider has no randomness.
pub struct Id<K> {
    ulid: Ulid,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of this kind; it looks like `{prefix}_01j9zq3v5n8h2k4m6p7r9s0t1v`")]
pub struct ParseIdError {
    text: String,
    prefix: &'static str,
}

impl<K> Id<K> {
    pub const fn from_u128(bits: u128) -> Self {
        Self { ulid: Ulid(bits), kind: PhantomData }
    }

    /// An id whose order is that of `unix_ms`, then `random` (80 bits are used).
    pub const fn from_parts(unix_ms: u64, random: u128) -> Self {
        Self { ulid: Ulid::from_parts(unix_ms, random), kind: PhantomData }
    }

    pub const fn as_u128(self) -> u128 {
        self.ulid.0
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.ulid.to_string().to_ascii_lowercase())
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(|ulid| Ulid::from_string(&ulid.to_ascii_uppercase()).ok())
            .map(|ulid| Self { ulid, kind: PhantomData })
            .ok_or_else(|| ParseIdError { text: text.to_owned(), prefix: K::PREFIX })
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.ulid == other.ulid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.ulid.cmp(&other.ulid)
    }
}

impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.ulid.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Incident;
    impl IdKind for Incident {
        const PREFIX: &'static str = "inc";
    }

    #[test]
    fn round_trips_as_text() {
        let id: Id<Incident> = Id::from_parts(1_795_000_000_000, 7);
        let text = id.to_string();
        assert!(text.starts_with("inc_01"), "{text}");
        assert_eq!(text.parse::<Id<Incident>>().unwrap(), id);
    }

    #[test]
    fn refuses_another_kind_and_rubbish() {
        for text in [
            "",
            "inc",
            "inc_",
            "alr_01j9zq3v5n8h2k4m6p7r9s0t1v",
            "inc_é",
            "inc_01j9zq3v5n8h2k4m6p7r9s0t1v0",
        ] {
            assert!(text.parse::<Id<Incident>>().is_err(), "{text}");
        }
    }
}
