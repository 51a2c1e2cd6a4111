//! What one query may use, and the account of what it does use.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use crate::span::Span;

/// What one query may use, and how it is evaluated. Each limit is a setting, which its error names.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Samples that are read from the store: `query.max_samples`.
    pub samples_max: usize,
    /// Series that are selected: `query.max_series`.
    pub series_max: usize,
    /// Steps of a range query: `query.max_points_per_series`.
    pub points_max: usize,
    /// Memory that values take: `query.max_memory_bytes`.
    pub memory_max_bytes: usize,
    /// How far back an instant selector looks for a sample: `query.lookback_delta`.
    pub lookback_ms: i64,
    /// How long the query may take: `query.timeout`; measured by `clock`.
    pub timeout: Duration,
    /// The time since some moment, which goes on while the query runs.
    pub clock: &'a (dyn Fn() -> Duration + Sync),
    /// Asked now and then, from several threads; `true` ends the query (its client has left).
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// How many threads may work on the query.
    pub threads: usize,
    /// The step of a subquery that names none.
    pub subquery_step_ms: i64,
    /// Names are removed at the end of the query only: `promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
    /// What a metric is is told by its labels `__type__` and `__unit__`: `type-and-unit-labels`.
    pub type_and_unit_labels: bool,
    /// Times at which counting began show resets: `use-start-timestamps`.
    pub start_timestamps: bool,
    /// Gives the answer its plan.
    pub explain: bool,
    /// Counts the samples that each step looks at.
    pub samples_per_step: bool,
    /// The text of the expression, for the positions in annotations.
    pub text: &'a str,
}

impl Default for Limits<'_> {
    /// Prometheus' values, without a clock.
    fn default() -> Self {
        Self {
            samples_max: 50_000_000,
            series_max: 2_000_000,
            points_max: 11_000,
            memory_max_bytes: 1 << 30,
            lookback_ms: 300_000,
            timeout: Duration::from_secs(120),
            clock: &|| Duration::ZERO,
            cancelled: &|| false,
            threads: 1,
            subquery_step_ms: 60_000,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            start_timestamps: false,
            explain: false,
            samples_per_step: false,
            text: "",
        }
    }
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits")
            .field("samples_max", &self.samples_max)
            .field("series_max", &self.series_max)
            .field("points_max", &self.points_max)
            .field("memory_max_bytes", &self.memory_max_bytes)
            .field("lookback_ms", &self.lookback_ms)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why a query has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error(
        "the query would give {points} points per series; at most {max} are allowed (query.max_points_per_series): use a longer step"
    )]
    Points { points: usize, max: usize },
    #[error(
        "the query reads more than {max} samples (query.max_samples): narrow its selectors or its range"
    )]
    Samples { max: usize },
    #[error("the query selects more than {max} series (query.max_series): narrow its selectors")]
    Series { max: usize },
    #[error(
        "the query needs more than {max} bytes of memory (query.max_memory_bytes): narrow its selectors or its range, or use a longer step"
    )]
    Memory { max: usize },
    #[error("the query took longer than {max:?} (query.timeout)")]
    Timeout { max: Duration },
    #[error("the expression nests too deeply to be evaluated")]
    Depth,
    #[error("the query was ended: its client has left")]
    Cancelled,
    #[error("{message}")]
    Invalid { span: Span, message: String },
    #[error("the sample store: {0}")]
    Source(String),
}

impl EvalError {
    pub(super) fn invalid(span: Span, message: impl Into<String>) -> Self {
        Self::Invalid { span, message: message.into() }
    }
}

/// What a query uses; counted by all its threads.
pub(super) struct Budget<'a> {
    limits: &'a Limits<'a>,
    started: Duration,
    samples: AtomicU64,
    series: AtomicU64,
    bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
}

/// How many samples or values are looked at between two questions whether the query is to end.
pub(super) const WORK_MAX: usize = 1 << 15;

impl<'a> Budget<'a> {
    pub(super) fn new(limits: &'a Limits<'a>) -> Self {
        Self {
            limits,
            started: (limits.clock)(),
            samples: AtomicU64::new(0),
            series: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
        }
    }

    /// Whether the query may go on.
    pub(super) fn check(&self) -> Result<(), EvalError> {
        if (self.limits.cancelled)() {
            return Err(EvalError::Cancelled);
        }
        let max = self.limits.timeout;
        if (self.limits.clock)().saturating_sub(self.started) > max {
            return Err(EvalError::Timeout { max });
        }
        Ok(())
    }

    /// Counts samples that are about to be read.
    pub(super) fn read(&self, samples: usize) -> Result<(), EvalError> {
        let max = self.limits.samples_max;
        let before = self.samples.fetch_add(samples as u64, Ordering::Relaxed);
        if before + samples as u64 > max as u64 {
            return Err(EvalError::Samples { max });
        }
        Ok(())
    }

    /// Counts series that were selected.
    pub(super) fn select(&self, series: usize) -> Result<(), EvalError> {
        let max = self.limits.series_max;
        let before = self.series.fetch_add(series as u64, Ordering::Relaxed);
        if before + series as u64 > max as u64 {
            return Err(EvalError::Series { max });
        }
        Ok(())
    }

    /// Counts memory that is about to be taken.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), EvalError> {
        let max = self.limits.memory_max_bytes;
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let now = before.saturating_add(bytes);
        if now > max {
            self.release(bytes);
            return Err(EvalError::Memory { max });
        }
        self.peak_bytes.fetch_max(now, Ordering::Relaxed);
        Ok(())
    }

    /// Counts memory that was given back.
    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Says how much is held now: what a finished part has given back is forgotten.
    pub(super) fn settle(&self, bytes: usize) -> Result<(), EvalError> {
        self.bytes.store(0, Ordering::Relaxed);
        self.hold(bytes)
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    pub(super) fn series(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }

    /// The most that was held at one time, in samples of 16 bytes.
    pub(super) fn peak_samples(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed) as u64 / 16
    }
}
