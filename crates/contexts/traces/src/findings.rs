//! What is amiss in a trace: retries, missing deadlines, calls one by one, lost parents; and how often in a set of traces.

mod calls;
mod digest;
mod orphans;
mod repeats;
mod retries;
mod timeouts;

use std::fmt;

use model::{Span, SpanId};

pub use self::{
    digest::{Digest, DigestKey, DigestRow},
    orphans::Orphans,
    repeats::Repeats,
    retries::Retries,
    timeouts::{Evidence, Timeout},
};
use crate::{Trace, limits};

/// Something amiss, with the spans that show it.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    Retries(Retries),
    Timeout(Timeout),
    Repeats(Repeats),
    Orphans(Orphans),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A call made again after it failed, fewer than three times and on one level.
    Retry,
    /// Retries that multiply the load of what already fails.
    RetryStorm,
    MissingTimeout,
    /// Like calls one after another ("N+1").
    Repeats,
    Orphans,
}

impl FindingKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RetryStorm => "retry_storm",
            Self::MissingTimeout => "missing_timeout",
            Self::Repeats => "repeated_calls",
            Self::Orphans => "orphan_spans",
        }
    }
}

impl Finding {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Retries(retries) if retries.is_storm() => FindingKind::RetryStorm,
            Self::Retries(_) => FindingKind::Retry,
            Self::Timeout(_) => FindingKind::MissingTimeout,
            Self::Repeats(_) => FindingKind::Repeats,
            Self::Orphans(_) => FindingKind::Orphans,
        }
    }

    /// The spans that show it, by row, at most [`limits::FINDING_SPANS_MAX`].
    pub fn spans(&self) -> &[SpanId] {
        match self {
            Self::Retries(found) => &found.spans,
            Self::Timeout(found) => &found.spans,
            Self::Repeats(found) => &found.spans,
            Self::Orphans(found) => &found.spans,
        }
    }

    /// Of spans that show it.
    pub fn count(&self) -> usize {
        match self {
            Self::Retries(found) => found.attempts,
            Self::Timeout(_) => 1,
            Self::Repeats(found) => found.calls,
            Self::Orphans(found) => found.count,
        }
    }

    /// Whose doing it is, and the name of what is called.
    pub fn who(&self) -> (&str, &str) {
        match self {
            Self::Retries(found) => (&found.service, &found.operation),
            Self::Timeout(found) => (&found.service, &found.operation),
            Self::Repeats(found) => (&found.service, &found.operation),
            Self::Orphans(found) => (&found.service, &found.operation),
        }
    }
}

impl fmt::Display for Finding {
    /// One sentence for the reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retries(found) => found.fmt(f),
            Self::Timeout(found) => found.fmt(f),
            Self::Repeats(found) => found.fmt(f),
            Self::Orphans(found) => found.fmt(f),
        }
    }
}

impl Trace {
    /// Everything amiss that is known how to see: retries, missing deadlines, repeated calls, orphans; each kind by row.
    pub fn findings(&self) -> Vec<Finding> {
        let calls = calls::Calls::of(self);
        let retries = retries::find(self, &calls);
        let repeats = repeats::find(self, &calls);
        retries
            .into_iter()
            .map(Finding::Retries)
            .chain(timeouts::find(self).into_iter().map(Finding::Timeout))
            .chain(repeats.into_iter().map(Finding::Repeats))
            .chain(orphans::find(self).into_iter().map(Finding::Orphans))
            .collect()
    }

    fn named(&self, rows: &[usize]) -> Vec<SpanId> {
        rows.iter().take(limits::FINDING_SPANS_MAX).map(|row| self.spans()[*row].span_id).collect()
    }
}

/// `service` and operation of a span, for what owns its names.
fn who(span: &Span) -> (Box<str>, Box<str>) {
    (span.resource.service.clone(), span.name.clone())
}

/// `once`, `3 times`.
fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
