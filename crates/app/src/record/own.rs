//! Facts of `app` itself: configuration, back-filled history, the clock.

use model::{Actor, Timestamp};
use slo::Bucket;

use super::disk::{disk_facts, disk_struct};

#[derive(Clone, Debug, PartialEq)]
pub enum OwnFact {
    /// A production repo took effect. Its files lie content-addressed in the data directory.
    ConfigApplied {
        hash: [u8; 32],
        files: u64,
        /// What changed, a sentence each.
        changes: Vec<Box<str>>,
        /// Services that the changes are about.
        services: Vec<Box<str>>,
        at: Timestamp,
        by: Actor,
    },
    /// Counts of the time before Evenkeel were added by a command.
    SloBackfilled {
        slo: Box<str>,
        source: Box<str>,
        buckets: Vec<Bucket>,
        at: Timestamp,
        by: Actor,
    },
    /// The wall clock moved against the monotonic one.
    ClockStepped { from: Timestamp, to: Timestamp, at: Timestamp },
}

impl OwnFact {
    pub(super) fn subject(&self) -> Box<str> {
        match self {
            Self::ConfigApplied { .. } => "config".into(),
            Self::SloBackfilled { slo, .. } => format!("slo/{slo}").into(),
            Self::ClockStepped { .. } => "clock".into(),
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::ConfigApplied { at, .. }
            | Self::SloBackfilled { at, .. }
            | Self::ClockStepped { at, .. } => *at,
        }
    }
}

disk_struct!(Bucket { start, width, good, total });

disk_facts!(OwnFact {
    "config.applied" => ConfigApplied { hash, files, changes, services, at, by },
    "slo.backfilled" => SloBackfilled { slo, source, buckets, at, by },
    "clock.stepped" => ClockStepped { from, to, at },
});
