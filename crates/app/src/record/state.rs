//! The state as a snapshot keeps it: each context's plain data, in the forms that facts have.
//!
//! Unlike a fact's, these forms are no promise: a snapshot of another [`VERSION`] is passed over, and the facts are replayed.

use std::collections::{BTreeSet, VecDeque};

use alert::{AlertRecord, delivery};
use deploy::GateRecord;
use incident::{Acknowledgement, AlertRef, Impact, Incident, Mitigation, Resolution, Update};

use super::disk::{Disk, DiskError, disk_struct, disk_variants, unexpected};
use crate::state::{ConfigRecord, State};

/// Counts up whenever a form here, or the meaning of a fact, changes.
pub(crate) const VERSION: u32 = 1;

/// All contexts' data.
#[derive(Debug)]
struct StateSnapshot {
    alerts: alert::Snapshot,
    deliveries: delivery::Snapshot,
    incidents: incident::Snapshot,
    deploys: deploy::Snapshot,
    configs: Vec<ConfigRecord>,
}

disk_struct!(StateSnapshot { alerts, deliveries, incidents, deploys, configs });
disk_struct!(ConfigRecord { hash, at, by, changes, services });

disk_struct!(alert::Snapshot { firing, resolved });
disk_struct!(AlertRecord {
    alert,
    key,
    service,
    environment,
    severity,
    evidence,
    summary,
    labels,
    crossed_at,
    fired_at,
    resolved,
});

disk_struct!(delivery::Snapshot { records, threads, done });
disk_struct!(delivery::ThreadKey { incident, receiver, integration });
disk_struct!(delivery::Thread { told, resolved, queued_at, paged_at, reached, waiting });
disk_struct!(delivery::AttemptRecord { attempt, at, status, latency_ms, error });
disk_struct!(delivery::Record {
    notification,
    incident,
    receiver,
    integration,
    channel,
    target,
    reason,
    subject,
    payload,
    queued_at,
    status,
    attempts,
    recent,
});
disk_variants!(delivery::Status {
    Waiting = "waiting" { next_at },
    Delivered = "delivered" { at },
    Abandoned = "abandoned" { at, reason },
});

disk_struct!(incident::Snapshot { incidents, newest, by_alert, last_number });
disk_struct!(AlertRef { id, service, slo, class, summary, why, joined_at, resolved_at });
disk_struct!(Acknowledgement { by, at });
disk_struct!(Update { at, by, text });
disk_struct!(Impact { bad_events, total_events, users_affected_share, since, measured_at });
disk_struct!(Mitigation { what, reference, at, by });
disk_struct!(Resolution { at, by, reason, automatic });
disk_struct!(Incident {
    id,
    number,
    title,
    key,
    severity,
    status,
    opened_at,
    opened_by,
    previous,
    alerts,
    acknowledged,
    assignee,
    updates,
    impact,
    suspects,
    suspects_at,
    mitigation,
    recovery,
    resolution,
    reopened,
    reopened_at,
    postmortem,
    postmortem_at,
    affected,
});

disk_struct!(deploy::Snapshot { deploys, newest, idempotency_keys, verdicts, acts });
disk_struct!(GateRecord { id, input, verdict, config_hash, expires_at, by });

impl<T: Disk> Disk for VecDeque<T> {
    fn to_json(&self) -> serde_json::Value {
        self.iter().map(T::to_json).collect()
    }

    fn from_json(json: &serde_json::Value) -> Result<Self, DiskError> {
        Vec::from_json(json).map(Self::from)
    }
}

impl<T: Disk + Ord> Disk for BTreeSet<T> {
    fn to_json(&self) -> serde_json::Value {
        self.iter().map(T::to_json).collect()
    }

    fn from_json(json: &serde_json::Value) -> Result<Self, DiskError> {
        Vec::from_json(json).map(Self::from_iter)
    }
}

impl State {
    /// The bytes of a snapshot.
    pub fn to_bytes(&self) -> Vec<u8> {
        let snapshot = StateSnapshot {
            alerts: self.alerts.snapshot(),
            deliveries: self.deliveries.snapshot(),
            incidents: self.incidents.snapshot(),
            deploys: self.deploys.snapshot(),
            configs: self.configs.clone(),
        };
        snapshot.to_json().to_string().into_bytes()
    }

    /// # Errors
    /// When the bytes are not what [`to_bytes`](Self::to_bytes) writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DiskError> {
        let json = serde_json::from_slice(bytes)
            .map_err(|_| unexpected(&serde_json::Value::Null, "JSON"))?;
        let snapshot = StateSnapshot::from_json(&json)?;
        Ok(Self {
            alerts: alert::State::restore(snapshot.alerts),
            deliveries: delivery::State::restore(snapshot.deliveries),
            incidents: incident::State::restore(snapshot.incidents),
            deploys: deploy::State::restore(snapshot.deploys),
            configs: snapshot.configs,
        })
    }
}
