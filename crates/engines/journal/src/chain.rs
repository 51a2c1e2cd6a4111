//! The chain: the bytes that a record's hash covers.
//!
//! `hash = SHA-256(TAG, prev_hash, seq, recorded_at, id, kind, schema, occurred_at, actor kind, actor id, actor via, cause,
//! namespace, subject, payload_hash)`; numbers are big-endian, texts carry their length in four bytes before them, and `cause` is
//! a byte 0 or a byte 1 and sixteen more. So no two different records give the same bytes.
//!
//! **Invariant:** `TAG` names the encoding; another encoding gets another tag, and this one stays readable for ever.

use model::Timestamp;
use sha2::{Digest, Sha256};

use crate::fact::{Draft, Hash, Record};

const TAG: &[u8] = b"evenkeel.journal.fact.v1\0";

/// A record's fields as they are hashed, borrowed from a [`Record`] or from a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) seq: u64,
    pub(crate) recorded_at: i64,
    pub(crate) id: u128,
    pub(crate) kind: &'a str,
    pub(crate) schema: u16,
    pub(crate) occurred_at: i64,
    pub(crate) actor_kind: &'a str,
    pub(crate) actor_id: &'a str,
    pub(crate) actor_via: &'a str,
    pub(crate) cause: Option<u128>,
    pub(crate) namespace: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) payload_hash: &'a Hash,
}

impl<'a> Fields<'a> {
    /// The hash of these fields after `prev`; `scratch` is a buffer to use again.
    pub(crate) fn hash(&self, prev: &Hash, scratch: &mut Vec<u8>) -> Hash {
        scratch.clear();
        scratch.extend_from_slice(TAG);
        scratch.extend_from_slice(prev);
        scratch.extend_from_slice(&self.seq.to_be_bytes());
        scratch.extend_from_slice(&self.recorded_at.to_be_bytes());
        scratch.extend_from_slice(&self.id.to_be_bytes());
        text(scratch, self.kind);
        scratch.extend_from_slice(&self.schema.to_be_bytes());
        scratch.extend_from_slice(&self.occurred_at.to_be_bytes());
        text(scratch, self.actor_kind);
        text(scratch, self.actor_id);
        text(scratch, self.actor_via);
        match self.cause {
            None => scratch.push(0),
            Some(cause) => {
                scratch.push(1);
                scratch.extend_from_slice(&cause.to_be_bytes());
            }
        }
        text(scratch, self.namespace);
        text(scratch, self.subject);
        scratch.extend_from_slice(self.payload_hash);
        sha256(scratch)
    }

    fn of(record: &'a Record) -> Self {
        Self {
            seq: record.seq,
            recorded_at: record.recorded_at.as_nanos(),
            id: record.id.as_u128(),
            kind: &record.kind,
            schema: record.schema,
            occurred_at: record.occurred_at.as_nanos(),
            actor_kind: record.actor.kind.as_str(),
            actor_id: &record.actor.id,
            actor_via: &record.actor.via,
            cause: record.cause.map(crate::fact::FactId::as_u128),
            namespace: &record.namespace,
            subject: &record.subject,
            payload_hash: &record.payload_hash,
        }
    }
}

/// The record that `draft` becomes after `prev`.
pub(crate) fn link(draft: Draft, seq: u64, prev: Hash, recorded_at: Timestamp) -> Record {
    let mut record = Record {
        seq,
        recorded_at,
        id: draft.id,
        kind: draft.kind,
        schema: draft.schema,
        occurred_at: draft.occurred_at,
        actor: draft.actor,
        cause: draft.cause,
        namespace: draft.namespace,
        subject: draft.subject,
        payload_hash: sha256(&draft.payload),
        payload: Some(draft.payload),
        prev_hash: prev,
        hash: [0; 32],
    };
    record.hash = Fields::of(&record).hash(&prev, &mut Vec::with_capacity(512));
    record
}

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Lengths are limited long before 4 GiB; a longer text read from a damaged file still gets bytes of its own.
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::fact::tests::draft;

    #[test]
    fn the_encoding_is_frozen() {
        let record = link(draft(2), 2, [7; 32], Timestamp::from_secs(1_795_000_100));
        assert_snapshot!(hex::encode(record.hash), @"79b30b908a355839e0589b57837d6e5cfaea3c212515cd331d3f40ce0e6e1afd");
    }

    proptest! {
        #[test]
        fn no_text_can_slide_into_its_neighbour(a in "[a-c]{0,4}", b in "[a-c]{0,4}", c in "[a-c]{0,4}", d in "[a-c]{0,4}") {
            let hash = |namespace: &str, subject: &str| {
                let draft = Draft { namespace: namespace.into(), subject: subject.into(), ..draft(1) };
                link(draft, 1, [0; 32], Timestamp::EPOCH).hash
            };
            prop_assert_eq!(hash(&a, &b) == hash(&c, &d), (a, b) == (c, d));
        }
    }
}
