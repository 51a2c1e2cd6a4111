//! What is damaged in the metric store.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /evenkeel/v1/metrics/verify`: what reading all of the metric store came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreVerification {
    pub ok: bool,
    /// The server's data directory, below which files are named.
    pub data_dir: String,
    pub parts: u64,
    /// Of parts, each with a checksum of its own.
    pub sections: u64,
    pub samples: u64,
    /// Records of the logs.
    pub log_records: u64,
    /// Stretches that cannot be read; empty when it is whole.
    pub damage: Vec<StoreDamage>,
    /// How many more there are than are listed.
    pub damage_more: u64,
    /// Parts that were set aside since their end is damaged: all that they held is missing.
    pub set_aside: Vec<String>,
}

/// Bytes that cannot be read; answers leave out what they held, and warn of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreDamage {
    pub file: String,
    pub offset: u64,
    pub bytes: u64,
    /// One sentence.
    pub what: String,
    /// What is missing with them; absent where nothing can be said, as of a record of a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<StoreLoss>,
    /// Where a copy of the bytes lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

/// Samples that are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreLoss {
    /// None when the bytes are there once more.
    pub samples: u64,
    /// RFC 3339, of the oldest and the newest of them.
    pub from: String,
    pub to: String,
}
