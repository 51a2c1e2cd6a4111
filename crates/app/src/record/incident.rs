//! Incidents on disk.

use incident::{
    AlertClass, Fact, ImpactReading, Key, Progress, Reading, RecoveryPolicy, RecoveryVerdict,
    ResolvedBecause, Severity, Status, Suspect, SuspectKind,
    suspects::{Counts, Numbers},
};

use super::disk::{disk_facts, disk_struct, disk_words};

disk_struct!(Key { service, environment });
disk_words!(Severity { Sev1 = "SEV1", Sev2 = "SEV2", Sev3 = "SEV3", Sev4 = "SEV4" });
disk_words!(Status {
    Investigating = "investigating",
    Identified = "identified",
    Monitoring = "monitoring",
    Resolved = "resolved",
});
disk_words!(AlertClass { Page = "page", Ticket = "ticket" });
disk_words!(ResolvedBecause { Recovered = "recovered", ByHand = "by_hand" });
disk_words!(SuspectKind { Deploy = "deploy", Config = "config", Dependency = "dependency" });
disk_words!(RecoveryVerdict {
    TooEarly = "too_early",
    TooFewEvents = "too_few_events",
    StillFailing = "still_failing",
    Recovered = "recovered",
});
disk_struct!(Counts { failed, total });
disk_struct!(Numbers { on, elsewhere, carried_share, p_value, traces });
disk_struct!(Suspect {
    kind,
    service,
    version,
    reference,
    at,
    by,
    score,
    evidence,
    concurrent,
    numbers
});
disk_struct!(ImpactReading { bad_events, total_events, users_affected_share, since });
disk_struct!(RecoveryPolicy { window, min_events });
disk_struct!(Reading { from, to, bad_events, total_events, objective });
disk_struct!(Progress { verdict, reading, allowed_bad });

disk_facts!(Fact {
    "incident.opened" => Opened { incident, number, key, title, severity, previous, at, by },
    "incident.alert_joined" => AlertJoined { incident, alert, service, slo, class, summary, why, at },
    "incident.alert_resolved" => AlertResolved { incident, alert, at },
    "incident.acknowledged" => Acknowledged { incident, at, by },
    "incident.assigned" => Assigned { incident, assignee, at, by },
    "incident.severity_set" => SeveritySet { incident, severity, at, by },
    "incident.titled" => Titled { incident, title, at, by },
    "incident.status_set" => StatusSet { incident, status, at, by },
    "incident.updated" => Updated { incident, text, at, by },
    "incident.suspects_ranked" => SuspectsRanked { incident, suspects, at },
    "incident.impact_measured" => ImpactMeasured { incident, impact, at },
    "incident.mitigated" => Mitigated { incident, what, reference, mitigated_at, at, by },
    "incident.recovery_measured" => RecoveryMeasured { incident, policy, progress, at },
    "incident.resolved" => Resolved { incident, because, reason, at, by },
    "incident.reopened" => Reopened { incident, reason, at, by },
    "incident.postmortem_attached" => PostmortemAttached { incident, reference, document, at, by },
});
