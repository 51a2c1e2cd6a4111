//! The metric store of a data directory while no server runs on it: looked at, verified, written into files and filled from
//! them.
//!
//! Opening the store does what a server's start does: the log is replayed, and what is damaged is put aside.

mod damage;
mod export;
mod import;
mod logs;

use std::{io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use model::{Limits, Matcher, Timestamp};
use promql::ast::ExprKind;
use tsdb::Tsdb;
use wal::RealDisk;

pub use damage::{Lost, Report, Stretch};
pub use export::{Exported, Selected, export};
pub use import::{Imported, RefusedSamples, import};
pub use tsdb::{Recovery, Stats, index::Cardinality};

use crate::{
    App,
    control::chain,
    data_dir::{self, Held, names},
    query::QueryError,
};

/// How a file holds samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    OpenMetrics,
    /// Prometheus' own text format, with times in milliseconds; only to be read.
    Prometheus,
    Parquet,
}

impl FileFormat {
    /// What a file's name says.
    pub fn of(path: &Utf8Path) -> Option<Self> {
        match path.extension()? {
            "om" | "openmetrics" | "txt" => Some(Self::OpenMetrics),
            "prom" => Some(Self::Prometheus),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    #[error("cannot use the data directory")]
    DataDir(#[source] data_dir::OpenError),
    #[error("cannot open the metric store")]
    Open(#[source] tsdb::OpenError),
    #[error("cannot select series")]
    Select(#[source] tsdb::SelectError),
    #[error("cannot read samples")]
    Read(#[source] tsdb::ReadError),
    #[error("cannot use the file `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: samplefile::WriteError,
    },
    #[error("cannot take samples from `{path}`; {taken} samples before were taken")]
    ReadFile {
        path: Utf8PathBuf,
        taken: u64,
        #[source]
        source: samplefile::ReadError,
    },
    #[error("cannot keep samples of `{path}`; {taken} samples before were taken")]
    Append {
        path: Utf8PathBuf,
        taken: u64,
        #[source]
        source: tsdb::AppendError,
    },
    #[error("cannot write samples into parts")]
    Maintain(#[source] tsdb::MaintainError),
    #[error("cannot sync the metric store")]
    Sync(#[source] wal::SyncError),
    #[error("Prometheus' text format is read only; write `openmetrics` or `parquet`")]
    ReadOnlyFormat,
}

/// Why a selector is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    #[error("`{text}` is no PromQL: {why}")]
    Syntax { text: String, why: String },
    #[error("`{text}` is PromQL, but no selector of series")]
    NoSelector { text: String },
}

/// The matchers of a selector such as `up{job="x"}`.
///
/// # Errors
/// When the text is something else.
pub fn selector(text: &str) -> Result<Vec<Matcher>, SelectorError> {
    let expr = promql::parse(text)
        .map_err(|error| SelectorError::Syntax { text: text.to_owned(), why: error.to_string() })?;
    match expr.kind {
        ExprKind::Selector(selector) => Ok(selector.matchers),
        _ => Err(SelectorError::NoSelector { text: text.to_owned() }),
    }
}

/// What is in a data directory's metric store.
///
/// # Errors
/// When the directory is not there or in use, or the store cannot be opened.
pub fn stats(
    data_dir: &Utf8Path,
    top: usize,
    now: Timestamp,
) -> Result<(Stats, Cardinality, Recovery), SamplesError> {
    let (_held, store, recovery) = open(data_dir, now)?;
    Ok((store.stats(), store.cardinality(top), recovery))
}

/// Reads every part and log of a data directory's metric store.
///
/// # Errors
/// When the directory is not there or in use, the store cannot be opened, or the disk cannot be read. Damage is no error.
pub fn verify(data_dir: &Utf8Path, now: Timestamp) -> Result<Report, SamplesError> {
    let (held, store, recovery) = open(data_dir, now)?;
    let verified = store.verify().map_err(SamplesError::Read)?;
    Ok(Report::new(data_dir, &held.metrics(), &recovery.damage, &verified))
}

impl App {
    /// Reads all of the metric store that this server runs on. One at a time, for it takes both time and a core.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub async fn verify_metrics(&self) -> Result<Report, QueryError> {
        static TURN: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);
        let turn = TURN.acquire().await.map_err(|_| QueryError::Broken)?;
        let (stores, data_dir) = (Arc::clone(&self.stores), self.data_dir().clone());
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let verified =
                stores.metrics.verify().map_err(|error| QueryError::Store(chain(&error)))?;
            let dir = data_dir.join(names::METRICS);
            Ok(Report::new(&data_dir, &dir, &stores.metrics.stats().damage, &verified))
        });
        work.await.map_err(|_| QueryError::Broken)?
    }
}

/// Opens the store so that it keeps all it has.
fn open(data_dir: &Utf8Path, now: Timestamp) -> Result<(Held, Tsdb, Recovery), SamplesError> {
    let held = Held::take(data_dir).map_err(SamplesError::DataDir)?;
    let (store, recovery) = open_store(held.metrics(), None, Limits::default(), now)?;
    Ok((held, store, recovery))
}

fn open_store(
    dir: Utf8PathBuf,
    retention: Option<std::time::Duration>,
    limits: Limits,
    now: Timestamp,
) -> Result<(Tsdb, Recovery), SamplesError> {
    let options = tsdb::Options { retention, ..keeping(dir, limits) };
    Tsdb::open(options, Arc::new(RealDisk), now).map_err(SamplesError::Open)
}

/// The store at `dir`, so that it keeps all it has and takes samples of any age.
pub(crate) fn keeping(dir: Utf8PathBuf, limits: Limits) -> tsdb::Options {
    import::backfilling(tsdb::Options { retention: None, limits, ..tsdb::Options::new(dir) })
}

#[cfg(test)]
mod tests;
