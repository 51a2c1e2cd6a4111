//! What the clients were told: what was acknowledged, and what was sent without an answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Something that a fact shows: its kind, and a text of its payload that nobody else uses.
pub(super) type Trace = (&'static str, String);

#[derive(Debug, Default)]
pub(super) struct Book {
    /// Span id -> whether it is bad.
    pub(super) spans: BTreeMap<u64, bool>,
    /// Text of a log record -> how often it was sent.
    pub(super) logs: BTreeMap<String, u64>,
    /// Metric and client -> milliseconds -> value.
    pub(super) samples: BTreeMap<(&'static str, String), BTreeMap<i64, f64>>,
    /// Idempotency key -> id that was answered.
    pub(super) deploys: BTreeMap<String, String>,
    /// What must be in the journal exactly once, with the number that was answered.
    pub(super) answered: Vec<(Trace, u64)>,
    /// What may be in the journal, once.
    pub(super) unanswered: Vec<Trace>,
    /// Number of the fact -> hash of the configuration.
    pub(super) applied: BTreeMap<u64, String>,
    pub(super) pages: BTreeSet<String>,
    /// By what was asked: how often it was answered.
    pub(super) answers: BTreeMap<&'static str, u64>,
}

impl Book {
    pub(super) fn merge(&mut self, other: Self) {
        self.spans.extend(other.spans);
        self.logs.extend(other.logs);
        self.samples.extend(other.samples);
        self.deploys.extend(other.deploys);
        self.answered.extend(other.answered);
        self.unanswered.extend(other.unanswered);
        self.applied.extend(other.applied);
        self.pages.extend(other.pages);
        for (what, count) in other.answers {
            *self.answers.entry(what).or_default() += count;
        }
    }

    /// Total and bad spans.
    pub(super) fn counted(&self) -> (u64, u64) {
        let bad = self.spans.values().filter(|bad| **bad).count();
        (self.spans.len() as u64, bad as u64)
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples: usize = self.samples.values().map(BTreeMap::len).sum();
        write!(
            f,
            "acknowledged: {} spans, {} logs, {samples} samples, {} deploys, {} test pages; answers:",
            self.spans.len(),
            self.logs.len(),
            self.deploys.len(),
            self.pages.len()
        )?;
        self.answers.iter().try_for_each(|(what, count)| write!(f, " {what} {count}"))?;
        write!(f, "; {} orders without an answer", self.unanswered.len())
    }
}
