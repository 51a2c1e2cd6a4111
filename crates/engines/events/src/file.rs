//! One immutable file of rows, and the small file beside it that proves every byte.
//!
//! `NUMBER.parquet` is plain Parquet: rows sorted by service and time, row groups of [`ROW_GROUP_ROWS`], pages of
//! [`GRANULE_ROWS`] rows, Bloom filters of trace ids for whoever else reads it, and between the last row group and the
//! footer, where Parquet's readers do not look, an index of tokens ([`granules`]). `NUMBER.sums` holds a CRC-32C of every
//! [`BLOCK_BYTES`] of it, a copy of its footer, and what the manifest says of it ([`sums`]).
//!
//! **Invariant:** no byte is used that its checksum does not prove. The Rust writer puts no checksum on a page, and a
//! flipped bit in it is most often returned as data; so nothing reads a file but [`open::OpenFile`].

mod build;
mod granules;
mod lost;
mod open;
mod sums;
mod tokens;
mod verified;

pub use build::BuildError;
pub(crate) use build::{Built, Origin, build};
pub(crate) use granules::{attribute_hash, trace_hash};
pub use open::OpenFileError;
pub(crate) use open::{OpenFile, external};
pub(crate) use sums::{FileMeta, Sums};
pub(crate) use tokens::tokens;
pub(crate) use verified::Verified;
pub use verified::{BlockDamage, StretchError};

/// What one checksum covers.
pub(crate) const BLOCK_BYTES: u64 = 64 << 10;
/// Rows of a page, and what the token index tells apart.
pub(crate) const GRANULE_ROWS: usize = 4096;
/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 32 * GRANULE_ROWS;

/// A file's name.
pub(crate) fn name(number: u64) -> String {
    format!("{number:012}.parquet")
}

/// The name of the file beside it.
pub(crate) fn sums_name(number: u64) -> String {
    format!("{number:012}.sums")
}
