//! The SLI counts' checkpoint on disk: the counts, and the log positions that they include.

use events::Position;
use model::Timestamp;
use slo::{
    CounterSnapshot, CountersSnapshot, EmitterSnapshot, PresenceSnapshot, SeriesSnapshot,
    SlotSnapshot, TierSnapshot,
};

use super::disk::{Disk, DiskError, disk_struct, disk_words, unexpected};

/// Counts that include all telemetry before two positions and all back-fills up to a fact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CountersCheckpoint {
    pub(crate) events: Position,
    pub(crate) metrics: Position,
    /// Back-fills of facts up to this number are in it.
    pub(crate) journal_seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) counters: CountersSnapshot,
    /// Absent in a checkpoint of an older version.
    pub(crate) first: Option<FirstSnapshot>,
}

/// When the first of each signal came, and the first word of each service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FirstSnapshot {
    pub(crate) spans_at: Option<Timestamp>,
    pub(crate) logs_at: Option<Timestamp>,
    pub(crate) samples_at: Option<Timestamp>,
    pub(crate) services: Vec<ServiceFirst>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServiceFirst {
    pub(crate) service: Box<str>,
    pub(crate) environment: Box<str>,
    pub(crate) by: catalog::Heard,
    pub(crate) at: Timestamp,
}

disk_struct!(CountersCheckpoint { events, metrics, journal_seq, at, counters, first });
disk_struct!(FirstSnapshot { spans_at, logs_at, samples_at, services });
disk_struct!(ServiceFirst { service, environment, by, at });
disk_words!(catalog::Heard { Span = "span", Log = "log", Sample = "sample" });
disk_struct!(Position { segment, offset });
disk_struct!(CountersSnapshot { counters, presence });
disk_struct!(CounterSnapshot {
    name,
    indicator,
    tiers,
    total_series,
    part_series,
    emitters,
    first_event_at,
    live_since,
    last_event_at,
    fed_at,
    behind_since,
    backfill_sources,
    backfilled,
});
disk_struct!(TierSnapshot { width_s, head, slots });
disk_struct!(SeriesSnapshot { labels, at, value });
disk_struct!(EmitterSnapshot { labels, since, before, at, events });
disk_struct!(PresenceSnapshot { service, environment, instance, at });

/// Three numbers in a list: there are many of these.
impl Disk for SlotSnapshot {
    fn to_json(&self) -> serde_json::Value {
        serde_json::json!([self.index, self.total, self.marked])
    }

    fn from_json(json: &serde_json::Value) -> Result<Self, DiskError> {
        match json.as_array().map(Vec::as_slice) {
            Some([index, total, marked]) => Ok(Self {
                index: i64::from_json(index)?,
                total: u64::from_json(total)?,
                marked: u64::from_json(marked)?,
            }),
            _ => Err(unexpected(json, "a list of three numbers")),
        }
    }
}
