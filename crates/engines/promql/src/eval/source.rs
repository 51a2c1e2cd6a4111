//! Where samples come from: the port that a store implements.

use model::{Labels, Matcher, Points};

use super::{Answer, EvalError, Query};
use crate::ast::Expr;

/// A store of series.
pub trait SeriesSource: Sync {
    /// Answers the whole expression, where the store can (a remote cluster does); `None`: evaluate it here.
    fn query(&self, _expr: &Expr, _query: Query) -> Option<Result<Answer, EvalError>> {
        None
    }

    /// The series that pass `matchers` and may have samples from `hints.start_ms` to `hints.end_ms` (both included).
    /// Samples are decoded when they are read.
    ///
    /// # Errors
    /// What the store says.
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError>;
}

/// What a selection is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Samples before this (Unix milliseconds) are not needed.
    pub start_ms: i64,
    /// Samples after this (Unix milliseconds) are not needed.
    pub end_ms: i64,
    /// The query's step, 0 when there is one moment only.
    pub step_ms: i64,
    /// The width of the window that is looked at, 0 for an instant selector.
    pub range_ms: i64,
    /// The function that reads the samples, where one does.
    pub function: Option<&'static str>,
}

/// Series that were selected; they are read by several threads at once.
pub trait SeriesSet: Sync + Send {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of series `at`.
    fn labels(&self, at: usize) -> Labels;

    /// Shows the labels of series `at`, sorted by name.
    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str));

    /// No fewer than the samples that [`SeriesSet::read`] would give; told before they are decoded.
    fn samples_hint(&self, at: usize) -> usize;

    /// Appends the samples of series `at` within the selection's time, in order.
    ///
    /// # Errors
    /// When samples cannot be decoded.
    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError>;

    /// What was wrong while series were selected or read: damaged blocks and the like.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a store gave no samples.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What is wrong, for people.
    pub message: String,
}

impl SourceError {
    /// An error with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
