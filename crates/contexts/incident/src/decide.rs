//! Decides what a command brings about.

mod alerts;
mod measure;
mod respond;
#[cfg(test)]
mod tests;

use model::Timestamp;

use crate::{
    apply::apply,
    command::{Command, Rejection},
    fact::Fact,
    incident::{Incident, IncidentId},
    state::State,
};

/// Decides what `command` brings about at `now`. No fact at all is success: it is so already.
///
/// # Errors
/// [`Rejection`] says what was refused and what is allowed; the state then stays as it is.
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::All(commands) => all(state, commands, now),
        Command::Open { id, open, by } => alerts::open(state, *id, open, by, now),
        Command::JoinAlert { incident, alert, why } => {
            alerts::join(opened(state, *incident)?, alert, why.as_deref(), now)
        }
        Command::AlertResolved { incident, alert } => {
            alerts::resolved(known(state, *incident)?, alert, now)
        }
        Command::Acknowledge { incident, by } => {
            respond::acknowledge(known(state, *incident)?, by, now)
        }
        Command::Assign { incident, assignee, by } => {
            respond::assign(opened(state, *incident)?, assignee, by, now)
        }
        Command::SetSeverity { incident, severity, by } => {
            Ok(respond::set_severity(known(state, *incident)?, *severity, by, now))
        }
        Command::SetTitle { incident, title, by } => {
            respond::set_title(known(state, *incident)?, title, by, now)
        }
        Command::SetStatus { incident, status, by } => {
            respond::set_status(opened(state, *incident)?, *status, by, now)
        }
        Command::AddUpdate { incident, text, by } => {
            respond::update(known(state, *incident)?, text, by, now)
        }
        Command::RankSuspects { incident, suspects } => {
            Ok(measure::suspects(opened(state, *incident)?, suspects, now))
        }
        Command::MeasureImpact { incident, impact, last } => {
            Ok(measure::impact(known(state, *incident)?, impact, *last, now))
        }
        Command::RecordMitigation { incident, what, reference, at, by } => {
            let mitigation = respond::Mitigating { what, reference: reference.as_deref(), at: *at };
            respond::mitigate(opened(state, *incident)?, &mitigation, by, now)
        }
        Command::MeasureRecovery { incident, reading, policy } => {
            Ok(measure::recovery(state, known(state, *incident)?, *reading, *policy, now))
        }
        Command::Resolve { incident, reason, by } => {
            respond::resolve(known(state, *incident)?, reason, by, now)
        }
        Command::Reopen { incident, reason, by } => {
            respond::reopen(state, known(state, *incident)?, reason, by, now)
        }
        Command::AttachPostmortem { incident, reference, document, by } => {
            let incident = known(state, *incident)?;
            respond::attach_postmortem(incident, reference, document.as_deref(), by, now)
        }
    }
}

fn all(state: &State, commands: &[Command], now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    let (mut after, mut facts) = (state.clone(), Vec::new());
    for command in commands {
        let decided = decide(&after, command, now)?;
        decided.iter().for_each(|fact| apply(&mut after, fact));
        facts.extend(decided);
    }
    Ok(facts)
}

fn known(state: &State, id: IncidentId) -> Result<&Incident, Rejection> {
    state.get(id).ok_or(Rejection::Unknown { id })
}

fn opened(state: &State, id: IncidentId) -> Result<&Incident, Rejection> {
    let incident = known(state, id)?;
    if incident.is_open() {
        Ok(incident)
    } else {
        Err(Rejection::Ended { number: incident.number })
    }
}
