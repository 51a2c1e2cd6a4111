//! What responders do.

use model::{Actor, Timestamp};

use crate::{
    command::{Rejection, check_name, check_text},
    fact::{Fact, ResolvedBecause},
    incident::{Incident, Severity, Status},
    limits,
    state::State,
};

type Decision = Result<Vec<Fact>, Rejection>;

pub(super) fn acknowledge(incident: &Incident, by: &Actor, now: Timestamp) -> Decision {
    if incident.acknowledged.is_some() {
        return Ok(Vec::new());
    }
    if !incident.is_open() {
        return Err(Rejection::Ended { number: incident.number });
    }
    Ok(vec![Fact::Acknowledged { incident: incident.id, at: now, by: by.clone() }])
}

pub(super) fn assign(incident: &Incident, assignee: &str, by: &Actor, now: Timestamp) -> Decision {
    check_name("assignee", assignee, limits::TITLE_CHARS_MAX)?;
    if incident.assignee.as_deref() == Some(assignee) {
        return Ok(Vec::new());
    }
    let assignee = assignee.into();
    Ok(vec![Fact::Assigned { incident: incident.id, assignee, at: now, by: by.clone() }])
}

pub(super) fn set_severity(
    incident: &Incident,
    severity: Severity,
    by: &Actor,
    now: Timestamp,
) -> Vec<Fact> {
    if incident.severity == severity {
        return Vec::new();
    }
    vec![Fact::SeveritySet { incident: incident.id, severity, at: now, by: by.clone() }]
}

pub(super) fn set_title(incident: &Incident, title: &str, by: &Actor, now: Timestamp) -> Decision {
    check_text("title", title, limits::TITLE_CHARS_MAX)?;
    if *incident.title == *title {
        return Ok(Vec::new());
    }
    let title = title.into();
    Ok(vec![Fact::Titled { incident: incident.id, title, at: now, by: by.clone() }])
}

pub(super) fn set_status(
    incident: &Incident,
    status: Status,
    by: &Actor,
    now: Timestamp,
) -> Decision {
    if status == Status::Resolved {
        return Err(Rejection::ResolveNeedsReason);
    }
    if incident.status == status {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::StatusSet { incident: incident.id, status, at: now, by: by.clone() }])
}

/// Accepted after the end too: what is learned later belongs to the timeline.
pub(super) fn update(incident: &Incident, text: &str, by: &Actor, now: Timestamp) -> Decision {
    check_text("update", text, limits::TEXT_CHARS_MAX)?;
    if incident.updates.len() >= limits::UPDATES_MAX {
        let (number, max) = (incident.number, limits::UPDATES_MAX);
        return Err(Rejection::TooMany { number, what: "updates", max });
    }
    Ok(vec![Fact::Updated { incident: incident.id, text: text.into(), at: now, by: by.clone() }])
}

pub(super) struct Mitigating<'a> {
    pub(super) what: &'a str,
    pub(super) reference: Option<&'a str>,
    pub(super) at: Option<Timestamp>,
}

/// Once per reference: a retried report of one rollback does not start the recovery test anew.
pub(super) fn mitigate(
    incident: &Incident,
    mitigating: &Mitigating<'_>,
    by: &Actor,
    now: Timestamp,
) -> Decision {
    check_text("mitigation", mitigating.what, limits::TEXT_CHARS_MAX)?;
    let known = incident.mitigation.as_ref().and_then(|known| known.reference.as_deref());
    if mitigating.reference.is_some() && known == mitigating.reference {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::Mitigated {
        incident: incident.id,
        what: mitigating.what.into(),
        reference: mitigating.reference.map(Into::into),
        mitigated_at: mitigating.at.map_or(now, |at| at.min(now)),
        at: now,
        by: by.clone(),
    }])
}

pub(super) fn resolve(incident: &Incident, reason: &str, by: &Actor, now: Timestamp) -> Decision {
    check_text("reason", reason, limits::TEXT_CHARS_MAX)?;
    if !incident.is_open() {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::Resolved {
        incident: incident.id,
        because: ResolvedBecause::ByHand,
        reason: reason.into(),
        at: now,
        by: by.clone(),
    }])
}

pub(super) fn reopen(
    state: &State,
    incident: &Incident,
    reason: &str,
    by: &Actor,
    now: Timestamp,
) -> Decision {
    check_text("reason", reason, limits::TEXT_CHARS_MAX)?;
    if incident.is_open() {
        return Ok(Vec::new());
    }
    if let Some(newer) = state.newest_on(&incident.key).filter(|newest| newest.id != incident.id) {
        return Err(Rejection::Succeeded { number: incident.number, newer: newer.number });
    }
    let reason = reason.into();
    Ok(vec![Fact::Reopened { incident: incident.id, reason, at: now, by: by.clone() }])
}

pub(super) fn attach_postmortem(
    incident: &Incident,
    reference: &str,
    document: Option<&str>,
    by: &Actor,
    now: Timestamp,
) -> Decision {
    check_text("reference", reference, limits::TEXT_CHARS_MAX)?;
    if document.is_none() && incident.postmortem.as_deref() == Some(reference) {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::PostmortemAttached {
        incident: incident.id,
        reference: reference.into(),
        document: document.map(Into::into),
        at: now,
        by: by.clone(),
    }])
}
