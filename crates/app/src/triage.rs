//! What fails, since when, for whom, and what changed: evidence out of telemetry for the incidents that are open.
//!
//! Runs beside the control thread and gives it commands: suspects ranked, impact measured, recovery measured. The deciders
//! keep only what is news.

mod evidence;
mod impact;
mod peers;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use incident::{
    ImpactReading, Incident, IncidentId, Key, Reading, RecoveryPolicy, RecoveryVerdict, Suspect,
    rank,
};
use model::{Actor, Clock, Timestamp, same_environment};

use crate::{
    command::Command,
    control::{Control, ControlError},
    react::policy,
    telemetry::Stores,
};

/// What is known of a failing service before it has an incident, so that its first page names the suspect.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspicion {
    pub suspects: Vec<Suspect>,
    pub impact: Option<ImpactReading>,
}

/// A service and an environment.
pub type Place = (Box<str>, Box<str>);

/// What is known of each failing service.
pub type Suspicions = BTreeMap<Place, Suspicion>;

/// What the incident of a failure knows already.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    opened_at: Option<Timestamp>,
    since: Option<Timestamp>,
    /// What came before is another failure, which was dealt with.
    not_before: Option<Timestamp>,
}

impl Known {
    /// When the failure began: it has one begin, also when that is out of sight by now, or when it pauses.
    fn since(&self, found: Option<Timestamp>) -> Option<Timestamp> {
        let begin = found.into_iter().chain(self.since).min();
        begin.into_iter().chain(self.not_before).max()
    }

    /// The moment before which a cause is looked for. Not now: a cause stays a suspect for as long as the failure goes on.
    fn onset(&self, since: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let onset = since.into_iter().chain(self.opened_at).min().unwrap_or(now);
        self.not_before.map_or(onset, |turn| onset.max(turn))
    }
}

/// When the failure was dealt with, or came back.
fn turn(incident: &Incident) -> Option<Timestamp> {
    let mitigated = incident.mitigation.as_ref().map(|mitigation| mitigation.at);
    mitigated.into_iter().chain(incident.reopened_at).max()
}

/// Looks at telemetry on behalf of open incidents.
#[derive(Clone, Debug)]
pub struct Triage {
    stores: Arc<Stores>,
    control: Arc<Control>,
    clock: Arc<dyn Clock>,
}

impl Triage {
    pub fn new(stores: Arc<Stores>, control: Arc<Control>, clock: Arc<dyn Clock>) -> Self {
        Self { stores, control, clock }
    }

    /// Evidence on `service`, whose SLOs `slos` burn.
    pub fn suspicion(&self, service: &str, environment: &str, slos: &[Box<str>]) -> Suspicion {
        self.suspicion_of(service, environment, slos, Known::default())
    }

    fn suspicion_of(
        &self,
        service: &str,
        environment: &str,
        slos: &[Box<str>],
        known: Known,
    ) -> Suspicion {
        let now = self.clock.now();
        let since = known.since(impact::since(&self.stores, slos, now));
        let impact = impact::measure(&self.stores, service, environment, slos, since, now);
        let evidence = {
            let onset = known.onset(since, now);
            let failing = evidence::Failing { service, environment, slos, since, onset };
            evidence::gather(&self.stores, &self.control, &failing, now)
        };
        Suspicion { suspects: rank(&evidence), impact }
    }

    /// One look at every open incident.
    ///
    /// # Errors
    /// When the control thread has stopped.
    pub async fn round(&self) -> Result<(), ControlError> {
        let this = self.clone();
        // Scans of spans are no work for the threads that serve requests.
        let commands = match tokio::task::spawn_blocking(move || this.looks()).await {
            Ok(commands) => commands,
            Err(error) => {
                tracing::error!(%error, "triage stopped in the middle of a look");
                return Ok(());
            }
        };
        for command in commands {
            match self.control.order(Actor::system("triage"), Command::Incident(command)).await {
                // An incident that ended meanwhile wants no more of this.
                Err(ControlError::Rejected(rejection)) => {
                    tracing::debug!(%rejection, "triage was late")
                }
                other => drop(other?),
            }
        }
        Ok(())
    }

    fn looks(&self) -> Vec<incident::Command> {
        let now = self.control.now();
        let (open, ended) = {
            let state = self.control.state();
            let open: Vec<Incident> = state.incidents.open().cloned().collect();
            let ended: Vec<Incident> =
                state.incidents.iter().filter(|one| may_relapse(one, now)).cloned().collect();
            (open, ended)
        };
        let looks = open.iter().flat_map(|incident| self.look(incident, now));
        looks.chain(ended.iter().flat_map(|incident| self.look_again(incident, now))).collect()
    }

    fn look(&self, incident: &Incident, now: Timestamp) -> Vec<incident::Command> {
        let slos = own_slos(incident);
        let (id, seen_at) = (incident.id, self.clock.now());
        let mut commands = Vec::new();
        if !slos.is_empty() {
            // After a mitigation the evidence only gets thinner: what was found stays, unless something new is the matter.
            let turn = turn(incident);
            if incident.mitigation.is_none() || turn.is_some_and(|at| self.is_new(incident, at)) {
                let known = Known {
                    opened_at: Some(incident.opened_at),
                    since: incident.impact.as_ref().map(|impact| impact.since),
                    not_before: turn,
                };
                let (service, environment) = (&*incident.key.service, &*incident.key.environment);
                let found = self.suspicion_of(service, environment, &slos, known);
                if !found.suspects.is_empty() || incident.suspects.is_empty() {
                    commands.push(incident::Command::RankSuspects {
                        incident: id,
                        suspects: found.suspects,
                    });
                }
                // The impact is of the whole incident.
                commands.extend(
                    found.impact.filter(|_| turn.is_none()).map(|impact| measured(id, impact)),
                );
            }
            if let Some(before) = incident.impact.as_ref().filter(|_| turn.is_some()) {
                let (service, environment) = (&*incident.key.service, &*incident.key.environment);
                let impact = impact::measure(
                    &self.stores,
                    service,
                    environment,
                    &slos,
                    Some(before.since),
                    seen_at,
                );
                commands.extend(impact.map(|impact| measured(id, impact)));
            }
        }
        commands.extend(self.recovery(incident, &slos, now));
        commands
    }

    /// Whether what was done against the failure did not end it, or a change came since.
    fn is_new(&self, incident: &Incident, turn: Timestamp) -> bool {
        let still_fails = incident
            .recovery
            .as_ref()
            .is_some_and(|(_, progress)| progress.verdict == RecoveryVerdict::StillFailing);
        let Key { service, environment } = &incident.key;
        let callees = self.control.world().topology.dependencies(environment, service);
        let state = self.control.state();
        let changed = state.deploys.deploys().any(|deploy| {
            deploy.at > turn
                && deploy.rolls_back.is_none()
                && same_environment(&deploy.environment, environment)
                && (deploy.service == *service || callees.contains(&deploy.service))
        });
        still_fails || changed
    }

    /// An incident that ended: its last impact, and whether it really is over.
    fn look_again(&self, incident: &Incident, now: Timestamp) -> Vec<incident::Command> {
        let slos = own_slos(incident);
        let mut commands = Vec::new();
        let ended_at = incident.resolution.as_ref().map_or(now, |end| end.at);
        if let Some(before) =
            incident.impact.as_ref().filter(|impact| impact.measured_at < ended_at)
        {
            let (service, environment) = (&*incident.key.service, &*incident.key.environment);
            let found = impact::measure(
                &self.stores,
                service,
                environment,
                &slos,
                Some(before.since),
                ended_at,
            );
            let last = |impact| incident::Command::MeasureImpact {
                incident: incident.id,
                impact,
                last: true,
            };
            commands.extend(found.map(last));
        }
        if incident.has_firing_page() {
            commands.extend(self.recovery(incident, &slos, now));
        }
        commands
    }

    /// The counts of the last window of the SLO that is furthest from well.
    ///
    /// The window stands in the time of facts, as the moments that it is compared with. Telemetry is dated by the wall
    /// clock, which is behind that after it stepped back: what is counted lies as much earlier.
    fn recovery(
        &self,
        incident: &Incident,
        slos: &[Box<str>],
        now: Timestamp,
    ) -> Option<incident::Command> {
        let policy =
            policy(&self.control.world().repo, &incident.key.service, &incident.key.environment);
        let recovery = RecoveryPolicy {
            window: policy.recovery_window,
            min_events: policy.recovery_min_events,
        };
        // After an end only what came since speaks for a relapse.
        let ended_at = incident.resolution.as_ref().map(|end| end.at);
        let from = (now - recovery.window).max(ended_at.unwrap_or(Timestamp::EPOCH));
        let behind = now.since(self.clock.now());
        let counters = self.stores.counters.lock();
        let readings = slos.iter().filter_map(|name| {
            let counts = counters.count_since(name, from - behind, now - behind)?;
            Some(Reading {
                from,
                to: now,
                bad_events: counts.bad(),
                total_events: counts.total,
                objective: 1.0 - counters.slo(name)?.objective.budget(),
            })
        });
        let over = |reading: &Reading| {
            let allowed = incident::recovery::allowed_bad(reading.objective, reading.total_events);
            (reading.bad_events.saturating_sub(allowed), std::cmp::Reverse(reading.total_events))
        };
        let reading = readings.max_by_key(over)?;
        Some(incident::Command::MeasureRecovery {
            incident: incident.id,
            reading,
            policy: recovery,
        })
    }
}

/// How long after its end an incident is looked at again; longer while its page fires, which opens no other.
const LOOK_AGAIN_WITHIN: Duration = Duration::from_secs(3600);

fn may_relapse(incident: &Incident, now: Timestamp) -> bool {
    incident
        .resolution
        .as_ref()
        .is_some_and(|end| now.since(end.at) < LOOK_AGAIN_WITHIN || incident.has_firing_page())
}

fn measured(incident: IncidentId, impact: ImpactReading) -> incident::Command {
    incident::Command::MeasureImpact { incident, impact, last: false }
}

/// The SLOs of the incident's own service that burn, or that burnt.
fn own_slos(incident: &Incident) -> Vec<Box<str>> {
    let mut slos: Vec<Box<str>> = incident
        .alerts
        .iter()
        .filter(|alert| alert.service == incident.key.service)
        .filter_map(|alert| alert.slo.clone())
        .collect();
    slos.sort();
    slos.dedup();
    slos
}
