//! A fact before and after it is written.

use model::{Actor, Id, IdKind, Timestamp};

/// The kind of a [`FactId`].
#[derive(Clone, Copy, Debug)]
pub struct Fact;

impl IdKind for Fact {
    const PREFIX: &'static str = "fct";
}

/// Names a fact, printed as `fct_01j…`; minted by `app`.
pub type FactId = Id<Fact>;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The longest kind, in bytes.
pub const KIND_BYTES_MAX: usize = 128;
/// The longest namespace, subject or part of an actor, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// The largest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 4 << 20;
/// The last number that a record can have: a JSON number of every language holds it exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// A fact that wants to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub id: FactId,
    /// What happened, such as `incident.opened`; `journal.` is reserved.
    pub kind: Box<str>,
    /// The version of the payload's form.
    pub schema: u16,
    /// When it happened, by the clock of whoever says so.
    pub occurred_at: Timestamp,
    pub actor: Actor,
    /// The fact that led to this one.
    pub cause: Option<FactId>,
    pub namespace: Box<str>,
    /// What it is about, such as an incident's id or a service's name.
    pub subject: Box<str>,
    /// Bytes that the journal does not look into.
    pub payload: Vec<u8>,
}

/// A fact as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// From 1; a number is never given twice, and what is missing after a break is never given again.
    pub seq: u64,
    /// When it was written; never before the record before it.
    pub recorded_at: Timestamp,
    pub id: FactId,
    pub kind: Box<str>,
    pub schema: u16,
    pub occurred_at: Timestamp,
    pub actor: Actor,
    pub cause: Option<FactId>,
    pub namespace: Box<str>,
    pub subject: Box<str>,
    /// `None` when a later fact erased it.
    pub payload: Option<Vec<u8>>,
    pub payload_hash: Hash,
    /// The hash of the record that this one is chained to; zeros for the first.
    pub prev_hash: Hash,
    pub hash: Hash,
}

/// Where the chain ends: the last record's number and hash; 0 and zeros when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub seq: u64,
    pub hash: Hash,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A draft that differs from all others by `n`.
    pub(crate) fn draft(n: u64) -> Draft {
        Draft {
            id: FactId::from_parts(1_795_000_000_000 + n, u128::from(n)),
            kind: if n.is_multiple_of(2) { "incident.opened" } else { "deploy.recorded" }.into(),
            schema: 1,
            occurred_at: Timestamp::from_millis(1_795_000_000_000 + i64::try_from(n).unwrap()),
            actor: Actor::system("test"),
            cause: (n > 1)
                .then(|| FactId::from_parts(1_795_000_000_000 + n - 1, u128::from(n - 1))),
            namespace: "default".into(),
            subject: format!("service-{}", n % 3).into(),
            payload: format!("{{\"n\":{n}}}").into_bytes(),
        }
    }

    #[test]
    fn ids_print_with_their_prefix() {
        assert!(draft(1).id.to_string().starts_with("fct_01"));
    }
}
