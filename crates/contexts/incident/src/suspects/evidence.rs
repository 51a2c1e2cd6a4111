//! What the ranking looks at, as plain numbers.

use model::Timestamp;

/// Events counted: how many failed of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub failed: u64,
    pub total: u64,
}

impl Counts {
    pub const fn new(failed: u64, total: u64) -> Self {
        Self { failed, total }
    }

    /// The failing share, 0 to 1; `None` without events.
    #[expect(clippy::cast_precision_loss, reason = "shares of counts under 2^53")]
    pub fn share(self) -> Option<f64> {
        (self.total > 0).then(|| self.failed.min(self.total) as f64 / self.total as f64)
    }

    pub const fn plus(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_add(other.failed),
            total: self.total.saturating_add(other.total),
        }
    }
}

/// Requests to the failing service that ran through one version of one service in one slice of time.
///
/// Versions are compared within slices alone: a version that took over from another a minute before an outage has more
/// failures than its predecessor, and is innocent of them. All slices have one width, of 10 s or so: short beside a
/// rollout, and long enough for a few requests to each version. Who has no slices passes one.
///
/// For the failing service itself the version is its own; for a service that it calls, the version on the callee's span in
/// the same trace. *Failed* is always the failing service's own outcome, so that all counts answer one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionOutcome {
    pub service: Box<str>,
    pub version: Box<str>,
    /// The slice's start.
    pub slice: Timestamp,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    Deploy,
    /// A configuration that was applied.
    Config,
}

/// A change on the failing service, or on one that it calls, since two hours before it began to fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: ChangeKind,
    /// The fact's or the deploy's id.
    pub reference: Box<str>,
    pub service: Box<str>,
    /// The version deployed; `None` for a configuration.
    pub version: Option<Box<str>>,
    /// The version before it, where known.
    pub previous: Option<Box<str>>,
    pub at: Timestamp,
    pub by: Box<str>,
}

/// Where failing traces fail deepest: their erroring span that has no erroring child.
///
/// A trace that has several counts for each; `traces` may then add up to more than the traces sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSource {
    pub service: Box<str>,
    pub operation: Box<str>,
    pub version: Box<str>,
    /// Failing traces with this source.
    pub traces: u64,
    /// Whom the span called, when that peer sends no telemetry (`peer.service`, `server.address`).
    pub external_peer: Option<Box<str>>,
}

/// All that is known about a failure now.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The service that fails its users.
    pub service: Box<str>,
    pub environment: Box<str>,
    /// The window that `by_version` and `error_sources` cover.
    pub from: Timestamp,
    pub to: Timestamp,
    /// When the failures began, where known.
    pub since: Option<Timestamp>,
    pub by_version: Vec<VersionOutcome>,
    pub changes: Vec<Change>,
    pub error_sources: Vec<ErrorSource>,
    /// Failing traces that were looked at.
    pub failing_traces: u64,
    /// The failing service's events in the window.
    pub now: Counts,
    /// Its events before the failures began, such as of the hour before.
    pub baseline: Counts,
}
