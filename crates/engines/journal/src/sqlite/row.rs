//! A row of `facts`, borrowed from SQLite: checked by itself, or made a record.

use model::{Actor, ActorKind, Timestamp};
use rusqlite::types::ValueRef;

use crate::{
    chain::{Fields, sha256},
    fact::{FactId, Hash, Record},
    report::Reason,
};

/// The columns in the order in which [`Row::read`] takes them.
pub(crate) const COLUMNS: &str = "seq, recorded_at, id, kind, schema, occurred_at, actor_kind, actor_id, actor_via, \
     cause, namespace, subject, payload, payload_hash, prev_hash, hash";

const NAMES: [&str; 16] = [
    "seq",
    "recorded_at",
    "id",
    "kind",
    "schema",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "actor_via",
    "cause",
    "namespace",
    "subject",
    "payload",
    "payload_hash",
    "prev_hash",
    "hash",
];

#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) fields: Fields<'a>,
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) prev_hash: &'a Hash,
    pub(crate) hash: &'a Hash,
}

/// A row that is no record; `seq` is its number where that much could be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) seq: i64,
    pub(crate) what: String,
}

impl<'a> Row<'a> {
    pub(crate) fn read(row: &'a rusqlite::Row<'_>) -> Result<Self, Unreadable> {
        let seq = row.get(0).unwrap_or(0);
        Self::columns(row).map_err(|column| Unreadable {
            seq,
            what: format!("column `{}` is not of its form", NAMES.get(column).unwrap_or(&"?")),
        })
    }

    /// `Err` is the number of the first bad column.
    fn columns(row: &'a rusqlite::Row<'_>) -> Result<Self, usize> {
        let value = |column| row.get_ref(column).map_err(|_| column);
        let integer = |column| value(column)?.as_i64().map_err(|_| column);
        let text = |column| value(column)?.as_str().map_err(|_| column);
        let blob = |column| value(column)?.as_blob().map_err(|_| column);
        let hash = |column| <&Hash>::try_from(blob(column)?).map_err(|_| column);
        let id = |column| {
            <[u8; 16]>::try_from(blob(column)?).map(u128::from_be_bytes).map_err(|_| column)
        };
        let null = |column| Ok::<_, usize>(value(column)? == ValueRef::Null);
        Ok(Self {
            fields: Fields {
                seq: u64::try_from(integer(0)?).map_err(|_| 0_usize)?,
                recorded_at: integer(1)?,
                id: id(2)?,
                kind: text(3)?,
                schema: u16::try_from(integer(4)?).map_err(|_| 4_usize)?,
                occurred_at: integer(5)?,
                actor_kind: text(6)?,
                actor_id: text(7)?,
                actor_via: text(8)?,
                cause: if null(9)? { None } else { Some(id(9)?) },
                namespace: text(10)?,
                subject: text(11)?,
                payload_hash: hash(13)?,
            },
            payload: if null(12)? { None } else { Some(blob(12)?) },
            prev_hash: hash(14)?,
            hash: hash(15)?,
        })
    }

    /// What is wrong with the row by itself; `erased` says that a fact erased its payload.
    pub(crate) fn fault(&self, erased: bool, scratch: &mut Vec<u8>) -> Option<Reason> {
        if self.fields.hash(self.prev_hash, scratch) != *self.hash {
            return Some(Reason::FieldsChanged);
        }
        if actor_kind(self.fields.actor_kind).is_none() {
            let what = format!("actors of kind `{}` are not known", self.fields.actor_kind);
            return Some(Reason::Unreadable { what });
        }
        match self.payload {
            Some(payload) if sha256(payload) != *self.fields.payload_hash => {
                Some(Reason::PayloadChanged)
            }
            Some(_) if erased => Some(Reason::PayloadBack),
            None if !erased => Some(Reason::PayloadMissing),
            Some(_) | None => None,
        }
    }

    pub(crate) fn to_record(&self) -> Result<Record, Unreadable> {
        let fields = &self.fields;
        let kind = actor_kind(fields.actor_kind).ok_or_else(|| Unreadable {
            seq: i64::try_from(fields.seq).unwrap_or(i64::MAX),
            what: format!("actors of kind `{}` are not known", fields.actor_kind),
        })?;
        Ok(Record {
            seq: fields.seq,
            recorded_at: Timestamp::from_nanos(fields.recorded_at),
            id: FactId::from_u128(fields.id),
            kind: fields.kind.into(),
            schema: fields.schema,
            occurred_at: Timestamp::from_nanos(fields.occurred_at),
            actor: Actor { kind, id: fields.actor_id.into(), via: fields.actor_via.into() },
            cause: fields.cause.map(FactId::from_u128),
            namespace: fields.namespace.into(),
            subject: fields.subject.into(),
            payload: self.payload.map(<[u8]>::to_vec),
            payload_hash: *fields.payload_hash,
            prev_hash: *self.prev_hash,
            hash: *self.hash,
        })
    }
}

/// Writes a record that has its payload.
pub(crate) fn insert(conn: &rusqlite::Connection, record: &Record) -> rusqlite::Result<()> {
    let sql = format!("INSERT INTO facts ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    conn.prepare_cached(&sql)?.execute(rusqlite::params![
        record.seq.cast_signed(),
        record.recorded_at.as_nanos(),
        record.id.as_u128().to_be_bytes(),
        &*record.kind,
        record.schema,
        record.occurred_at.as_nanos(),
        record.actor.kind.as_str(),
        &*record.actor.id,
        &*record.actor.via,
        record.cause.map(|cause| cause.as_u128().to_be_bytes()),
        &*record.namespace,
        &*record.subject,
        record.payload,
        record.payload_hash,
        record.prev_hash,
        record.hash,
    ])?;
    Ok(())
}

fn actor_kind(text: &str) -> Option<ActorKind> {
    ActorKind::ALL.into_iter().find(|kind| kind.as_str() == text)
}
