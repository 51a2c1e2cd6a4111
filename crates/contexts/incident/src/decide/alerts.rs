//! Alerts open incidents, join them, and resolve.

use model::{Actor, Timestamp, same_environment};

use crate::{
    command::{AlertInput, OpenBy, Rejection, check_text},
    fact::Fact,
    incident::{Incident, IncidentId, Key, Severity},
    limits,
    state::State,
};

pub(super) fn open(
    state: &State,
    id: IncidentId,
    open: &OpenBy,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (key, title, severity) = match open {
        OpenBy::Alert(alert) => {
            if state.of_alert(&alert.id).is_some() {
                return Ok(Vec::new());
            }
            let key = Key::new(alert.service.clone(), alert.environment.clone());
            (key, cut(&alert.summary, limits::TITLE_CHARS_MAX), alert.class.severity())
        }
        OpenBy::Hand { service, environment, title, severity } => {
            check_text("title", title, limits::TITLE_CHARS_MAX)?;
            check_text("service", service, limits::TITLE_CHARS_MAX)?;
            let key = Key::new(service.clone(), environment.clone());
            (key, title.clone(), severity.unwrap_or(Severity::Sev2))
        }
    };
    let newest = state.newest_on(&key);
    if let Some(existing) = newest.filter(|incident| incident.is_open()) {
        return match open {
            OpenBy::Alert(alert) => join(existing, alert, None, now),
            OpenBy::Hand { .. } => {
                Err(Rejection::OpenAlready { number: existing.number, key: key.to_string() })
            }
        };
    }
    if state.get(id).is_some() {
        return Err(Rejection::IdTaken { id });
    }
    let previous = newest.filter(|incident| ended_lately(incident, now)).map(|found| found.id);
    let number = state.last_number.saturating_add(1);
    let mut facts = vec![Fact::Opened {
        incident: id,
        number,
        key,
        title,
        severity,
        previous,
        at: now,
        by: by.clone(),
    }];
    if let OpenBy::Alert(alert) = open {
        facts.push(joined(id, alert, None, now));
    }
    Ok(facts)
}

fn ended_lately(incident: &Incident, now: Timestamp) -> bool {
    incident.resolution.as_ref().is_some_and(|end| now.since(end.at) <= limits::PREVIOUS_WITHIN)
}

pub(super) fn join(
    incident: &Incident,
    alert: &AlertInput,
    why: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    if incident.alert(&alert.id).is_some_and(|known| known.resolved_at.is_none()) {
        return Ok(Vec::new());
    }
    let number = incident.number;
    let foreign = alert.service != incident.key.service
        || !same_environment(&alert.environment, &incident.key.environment);
    match why {
        Some(why) => check_text("reason", why, limits::TEXT_CHARS_MAX)?,
        None if foreign => {
            return Err(Rejection::ForeignAlert {
                number,
                alert: alert.id.clone(),
                service: alert.service.clone(),
            });
        }
        None => {}
    }
    if incident.alerts.len() >= limits::ALERTS_MAX {
        return Err(Rejection::TooMany { number, what: "alerts", max: limits::ALERTS_MAX });
    }
    Ok(vec![joined(incident.id, alert, why, now)])
}

pub(super) fn resolved(
    incident: &Incident,
    alert: &str,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let known = incident
        .alert(alert)
        .ok_or_else(|| Rejection::UnknownAlert { number: incident.number, alert: alert.into() })?;
    if known.resolved_at.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::AlertResolved { incident: incident.id, alert: alert.into(), at: now }])
}

fn joined(incident: IncidentId, alert: &AlertInput, why: Option<&str>, now: Timestamp) -> Fact {
    Fact::AlertJoined {
        incident,
        alert: alert.id.clone(),
        service: alert.service.clone(),
        slo: alert.slo.clone(),
        class: alert.class,
        summary: cut(&alert.summary, limits::TEXT_CHARS_MAX),
        why: why.map(Into::into),
        at: now,
    }
}

/// A machine's text is cut rather than refused: a page must not fail for its length.
fn cut(text: &str, chars_max: usize) -> Box<str> {
    if text.chars().count() <= chars_max {
        return text.into();
    }
    text.chars().take(chars_max - 1).chain(['…']).collect::<String>().into()
}
