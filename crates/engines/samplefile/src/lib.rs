//! Files of samples: OpenMetrics text and Parquet, written from a store and read into one.
//!
//! Both directions stream: a writer holds one series' text or one group of rows, a reader at most [`HELD_SAMPLES_MAX`]
//! samples at once. Series may come in several pieces; who reads must not think that a series is over.
//!
//! **Invariant:** what a writer wrote its reader gives back bit for bit, but for what the text cannot say: see
//! [`openmetrics`].

pub mod openmetrics;
pub mod parquet;

use std::{io, ops::ControlFlow};

use model::{Labels, Metadata, Points};

/// The most samples that a reader holds back to give a series' samples together.
pub const HELD_SAMPLES_MAX: usize = 200_000;

/// Takes what a reader finds; may stop it.
pub trait Sink {
    /// Some samples of a series, floats in order of time as the file has them.
    fn points(&mut self, labels: &Labels, points: &Points) -> ControlFlow<()>;

    /// What a family says of itself.
    fn metadata(&mut self, metadata: &Metadata) -> ControlFlow<()> {
        let _ = metadata;
        ControlFlow::Continue(())
    }
}

/// What a reader found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub samples: u64,
    /// The sink stopped it before the end.
    pub stopped: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the file")]
    Io(#[source] io::Error),
    #[error("line {line}: {what}")]
    Line { line: u64, what: String },
    #[error("the file ends without `# EOF`, so it may be cut short")]
    NoEnd,
    #[error("the file is not readable as Parquet")]
    Parquet(#[source] ::parquet::errors::ParquetError),
    #[error("row {row}: {what}")]
    Row { row: u64, what: String },
    #[error("the Parquet file has no column `{column}` of {kind}")]
    Column { column: &'static str, kind: &'static str },
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("cannot write the file")]
    Io(#[source] io::Error),
    #[error("cannot write the file as Parquet")]
    Parquet(#[source] ::parquet::errors::ParquetError),
}
