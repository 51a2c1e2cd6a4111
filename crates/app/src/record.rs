//! Facts on disk: what the journal's payloads mean.
//!
//! The journal sees a kind, a subject and bytes; here each context's facts get their kind and their JSON form. Every form
//! ever written stays readable: examples stand in `testdata/facts/`, and a test reads them all.

pub(crate) mod disk;

mod alert;
pub(crate) mod counters;
mod deploy;
mod draft;
mod incident;
mod own;
mod state;

use journal::{Draft, FactId, Record};
use model::{Actor, Timestamp};
use serde_json::Value;

pub use disk::DiskError;
pub use draft::{DraftDocument, DraftEvent, DraftSection};
pub use own::OwnFact;
pub(crate) use state::VERSION as STATE_VERSION;

/// The version of all payload forms so far.
const SCHEMA: u16 = 1;
/// One organisation for now.
const NAMESPACE: &str = "default";

/// A context's facts as the journal keeps them.
pub(crate) trait DiskFact: Sized {
    /// All kinds of this context.
    #[cfg(test)]
    const KINDS: &'static [&'static str];
    fn kind(&self) -> &'static str;
    fn payload(&self) -> Value;
    /// `None` when the kind is another context's.
    fn read(kind: &str, payload: &Value) -> Option<Result<Self, DiskError>>;
}

/// Any fact that changes state.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Alert(::alert::Fact),
    Delivery(::alert::delivery::Fact),
    Incident(::incident::Fact),
    Deploy(::deploy::Fact),
    Own(OwnFact),
}

/// Why a record of the journal is no fact of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadFactError {
    #[error("record {seq} has the unknown kind `{kind}`: a newer version may have written it")]
    UnknownKind { seq: u64, kind: Box<str> },
    #[error(
        "record {seq} of kind `{kind}` has schema {schema}; this build reads {SCHEMA} and older"
    )]
    Schema { seq: u64, kind: Box<str>, schema: u16 },
    #[error("record {seq} of kind `{kind}` has a payload that is not JSON")]
    NotJson {
        seq: u64,
        kind: Box<str>,
        #[source]
        source: serde_json::Error,
    },
    #[error("record {seq} of kind `{kind}` cannot be read")]
    Payload {
        seq: u64,
        kind: Box<str>,
        #[source]
        source: DiskError,
    },
}

impl Fact {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Alert(fact) => DiskFact::kind(fact),
            Self::Delivery(fact) => DiskFact::kind(fact),
            Self::Incident(fact) => DiskFact::kind(fact),
            Self::Deploy(fact) => DiskFact::kind(fact),
            Self::Own(fact) => DiskFact::kind(fact),
        }
    }

    fn payload(&self) -> Value {
        match self {
            Self::Alert(fact) => fact.payload(),
            Self::Delivery(fact) => fact.payload(),
            Self::Incident(fact) => fact.payload(),
            Self::Deploy(fact) => fact.payload(),
            Self::Own(fact) => fact.payload(),
        }
    }

    /// What the fact is about: the id that a reader would look for.
    pub fn subject(&self) -> Box<str> {
        match self {
            Self::Alert(fact) => alert::subject(fact),
            Self::Delivery(fact) => alert::delivery_subject(fact),
            Self::Incident(fact) => fact.incident().to_string().into(),
            Self::Deploy(fact) => deploy::subject(fact),
            Self::Own(fact) => fact.subject(),
        }
    }

    /// When it happened, by the clock of whoever says so.
    pub fn occurred_at(&self) -> Timestamp {
        match self {
            Self::Alert(fact) => alert::occurred_at(fact),
            Self::Delivery(fact) => alert::delivery_occurred_at(fact),
            Self::Incident(fact) => fact.at(),
            Self::Deploy(fact) => deploy::occurred_at(fact),
            Self::Own(fact) => fact.at(),
        }
    }

    /// The fact ready for the journal.
    pub(crate) fn draft(&self, id: FactId, actor: Actor, cause: Option<FactId>) -> Draft {
        Draft {
            id,
            kind: self.kind().into(),
            schema: SCHEMA,
            occurred_at: self.occurred_at(),
            actor,
            cause,
            namespace: NAMESPACE.into(),
            subject: self.subject(),
            payload: self.payload().to_string().into_bytes(),
        }
    }

    /// The fact that a record holds; `None` when it is the journal's own or its payload was erased.
    ///
    /// # Errors
    /// When a newer version wrote it, or its payload is damaged.
    pub fn read(record: &Record) -> Result<Option<Self>, ReadFactError> {
        if record.kind.starts_with("journal.") {
            return Ok(None);
        }
        let Some(payload) = &record.payload else { return Ok(None) };
        let (seq, kind) = (record.seq, || record.kind.clone());
        if record.schema > SCHEMA {
            return Err(ReadFactError::Schema { seq, kind: kind(), schema: record.schema });
        }
        let payload: Value = serde_json::from_slice(payload)
            .map_err(|source| ReadFactError::NotJson { seq, kind: kind(), source })?;
        match Self::parse(&record.kind, &payload) {
            Some(Ok(fact)) => Ok(Some(fact)),
            Some(Err(source)) => Err(ReadFactError::Payload { seq, kind: kind(), source }),
            None => Err(ReadFactError::UnknownKind { seq, kind: kind() }),
        }
    }

    fn parse(kind: &str, payload: &Value) -> Option<Result<Self, DiskError>> {
        fn of<T: DiskFact>(
            kind: &str,
            payload: &Value,
            wrap: fn(T) -> Fact,
        ) -> Option<Result<Fact, DiskError>> {
            T::read(kind, payload).map(|fact| fact.map(wrap))
        }
        of(kind, payload, Self::Incident)
            .or_else(|| of(kind, payload, Self::Delivery))
            .or_else(|| of(kind, payload, Self::Alert))
            .or_else(|| of(kind, payload, Self::Deploy))
            .or_else(|| of(kind, payload, Self::Own))
    }
}

#[cfg(test)]
mod tests;
