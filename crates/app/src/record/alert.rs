//! Alerts and notifications on disk.

use alert::{
    Evidence, Fact, Key, ResolveReason, Severity, Window,
    delivery::{AbandonReason, Channel, Fact as DeliveryFact, Progress, Reason},
};
use model::{Labels, Timestamp};
use serde_json::{Map, Value, json};

use super::disk::{Disk, DiskError, disk_facts, disk_struct, disk_words, field, object};

disk_struct!(Key { slo, pair });
disk_words!(Severity { Ticket = "ticket", Page = "page" });
disk_words!(ResolveReason { Clear = "clear", SloRemoved = "slo_removed" });
disk_struct!(Window { length, bad, total, burn });
disk_struct!(Evidence { threshold, long, short });

/// Labels as an object of texts.
impl Disk for Labels {
    fn to_json(&self) -> Value {
        self.iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        let pairs = object(json)?
            .iter()
            .map(|(name, value)| Ok((name.as_str(), String::from_json(value)?)));
        Ok(Self::from_pairs(pairs.collect::<Result<Vec<_>, DiskError>>()?))
    }
}

disk_facts!(Fact {
    "alert.fired" => Fired {
        alert, key, service, environment, severity, evidence, summary, labels, crossed_at, at,
    },
    "alert.resolved" => Resolved { alert, reason, evidence, at },
});

disk_words!(Channel { Webhook = "webhook", Email = "email" });
disk_words!(Reason {
    Opened = "opened",
    Joined = "joined",
    Escalated = "escalated",
    Updated = "updated",
    Resolved = "resolved",
    Repeat = "repeat",
    Test = "test",
    ActInterrupted = "act-interrupted",
});
disk_words!(AbandonReason {
    Gone = "gone",
    Expired = "expired",
    Acknowledged = "acknowledged",
    Superseded = "superseded",
    ReceiverRemoved = "receiver-removed",
});

/// `reopened` came later: what was told before it did not tell of it.
impl Disk for Progress {
    fn to_json(&self) -> Value {
        let Self { joined, escalated, updated, reopened } = self;
        json!({ "joined": joined, "escalated": escalated, "updated": updated, "reopened": reopened })
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        let object = object(json)?;
        Ok(Self {
            joined: field(object, "joined")?,
            escalated: field(object, "escalated")?,
            updated: field(object, "updated")?,
            reopened: field::<Option<u64>>(object, "reopened")?.unwrap_or_default(),
        })
    }
}

disk_facts!(DeliveryFact {
    "notification.queued" => Queued {
        notification, incident, receiver, integration, channel, target, reason, subject, payload, told, at,
    },
    "notification.attempt_failed" => AttemptFailed { notification, attempt, status, error, latency_ms, at },
    "notification.delivered" => Delivered { notification, attempt, status, latency_ms, at },
    "notification.abandoned" => Abandoned { notification, reason, at },
});

pub(super) fn subject(fact: &Fact) -> Box<str> {
    match fact {
        Fact::Fired { alert, .. } | Fact::Resolved { alert, .. } => alert.to_string().into(),
    }
}

pub(super) fn occurred_at(fact: &Fact) -> Timestamp {
    match fact {
        Fact::Fired { at, .. } | Fact::Resolved { at, .. } => *at,
    }
}

pub(super) fn delivery_subject(fact: &DeliveryFact) -> Box<str> {
    fact.notification().to_string().into()
}

pub(super) fn delivery_occurred_at(fact: &DeliveryFact) -> Timestamp {
    match fact {
        DeliveryFact::Queued { at, .. }
        | DeliveryFact::AttemptFailed { at, .. }
        | DeliveryFact::Delivered { at, .. }
        | DeliveryFact::Abandoned { at, .. } => *at,
    }
}
