//! Plays a story: takes its steps in order, each within its time, and says what happened when.

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

use super::{
    Receiver, Scenario, Shop,
    evenkeel::{Evenkeel, Incident, Postmortem, Queued},
    scenario::{Act, Step},
};
use crate::{
    deployer::api::{DeployOrder, Scope},
    topology::Part,
};

/// Between two looks at what a step waits for.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Where a story is played.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// Base address of Evenkeel's API.
    pub evenkeel_url: &'a str,
    pub environment: &'a str,
    pub shop: &'a Shop,
    /// The one that `routing.yaml` names.
    pub receiver: &'a Receiver,
}

/// A step that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    pub name: &'static str,
    /// What was found, in a few words; may be empty.
    pub detail: String,
    /// Since the step began.
    pub took: Duration,
    /// Since the story began.
    pub elapsed: Duration,
}

impl fmt::Display for StepDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.1} s  {}", self.elapsed.as_secs_f64(), self.name)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// A story that went as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub scenario: Scenario,
    pub steps: Vec<StepDone>,
    pub total: Duration,
}

/// A story that did not go as it should.
#[derive(Debug, thiserror::Error)]
#[error("scenario `{scenario}`: it did not happen within {} s that {step}: {reason}", within.as_secs())]
pub struct StoryError {
    pub scenario: Scenario,
    pub step: &'static str,
    pub within: Duration,
    /// What was found at the last look.
    pub reason: String,
    /// The steps before.
    pub done: Vec<StepDone>,
}

/// Plays `scenario` to its end; `on_step` hears of each step when it has happened.
///
/// # Errors
/// The first step that did not happen in time; a fault that the story caused is repaired all the same.
pub async fn play(
    scenario: Scenario,
    stage: &Stage<'_>,
    on_step: &mut (dyn FnMut(&StepDone) + Send),
) -> Result<Report, StoryError> {
    let began = Instant::now();
    let mut player = Player::new(stage).await;
    let mut done: Vec<StepDone> = Vec::new();
    for step in scenario.steps() {
        let within = step.within.min(scenario.total_max().saturating_sub(began.elapsed()));
        let step_began = Instant::now();
        match player.take(&step, step_began, within).await {
            Ok(detail) => {
                let step = StepDone {
                    name: step.name,
                    detail,
                    took: step_began.elapsed(),
                    elapsed: began.elapsed(),
                };
                on_step(&step);
                done.push(step);
            }
            Err(reason) => {
                player.repair().await;
                return Err(StoryError { scenario, step: step.name, within, reason, done });
            }
        }
    }
    Ok(Report { scenario, steps: done, total: began.elapsed() })
}

/// What one look found.
enum Look {
    Done(String),
    /// Not so, or not so yet.
    NotYet(String),
}

struct Player<'a> {
    stage: &'a Stage<'a>,
    evenkeel: Evenkeel,
    /// Incidents that there were before, and pages that had come before.
    old_incidents: BTreeSet<String>,
    old_pages: usize,
    incident: Option<String>,
    faults: Vec<(Part, &'static str)>,
}

impl<'a> Player<'a> {
    async fn new(stage: &'a Stage<'a>) -> Self {
        let evenkeel = Evenkeel::new(stage.evenkeel_url, stage.environment);
        let old = evenkeel.all_incidents().await.unwrap_or_default();
        Self {
            stage,
            evenkeel,
            old_incidents: old.into_iter().map(|incident| incident.id).collect(),
            old_pages: stage.receiver.pages().len(),
            incident: None,
            faults: Vec::new(),
        }
    }

    /// Looks until it is so; the error is what the last look found.
    async fn take(
        &mut self,
        step: &Step,
        began: Instant,
        within: Duration,
    ) -> Result<String, String> {
        loop {
            let left = within.saturating_sub(began.elapsed());
            let reason = match tokio::time::timeout(left, self.look(&step.act, began)).await {
                Ok(Ok(Look::Done(detail))) => return Ok(detail),
                Ok(Ok(Look::NotYet(reason))) => reason,
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "there was no answer".to_owned(),
            };
            if began.elapsed() + LOOK_INTERVAL >= within {
                return Err(reason);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn look(&mut self, act: &Act, began: Instant) -> anyhow::Result<Look> {
        match *act {
            Act::SloState { slo, state } => self.slo_state(slo, state).await,
            Act::Deploy { service, version, scope } => self.deploy(service, version, scope).await,
            Act::Pass { time } => {
                tokio::time::sleep(time.saturating_sub(began.elapsed())).await;
                Ok(Look::Done(String::new()))
            }
            Act::Fault { service, fault, on } => self.fault(service, fault, on).await,
            Act::Incident { services } => self.find_incident(services).await,
            Act::Page { services } => Ok(self.page(services)),
            Act::FirstSuspect { kind, names } => {
                Ok(first_suspect(&self.incident().await?, kind, names))
            }
            Act::OneIncident => self.one_incident().await,
            Act::OnePage => {
                let queued = self.evenkeel.queued().await?;
                let received: Vec<String> =
                    self.stage.receiver.pages().into_iter().map(|page| page.id).collect();
                Ok(one_page(self.incident_id()?, &queued, &received))
            }
            Act::Joined { services } => Ok(joined(&self.incident().await?, services)),
            Act::RanksBelow { decoy, service } => {
                Ok(ranks_below(&self.incident().await?, decoy, service))
            }
            Act::Gate { service, version, outcome } => self.gate(service, version, outcome).await,
            Act::RolledBack => Ok(rolled_back(&self.incident().await?)),
            Act::Version { service, version } => self.version(service, version).await,
            Act::NotRolledBack { service, version } => self.not_rolled_back(service, version).await,
            Act::Mitigated { text } => {
                self.evenkeel.mitigated(self.incident_id()?, text).await?;
                Ok(Look::Done(String::new()))
            }
            Act::Recovered => Ok(recovered(&self.incident().await?)),
            Act::Resolved => {
                let status = self.incident().await?.summary.status;
                Ok(when(status == "resolved", String::new(), format!("the incident is {status}")))
            }
            Act::Postmortem { change, slo } => {
                let draft = self.evenkeel.postmortem(self.incident_id()?).await?;
                Ok(change_before_alert(&draft, change, slo))
            }
        }
    }

    fn incident_id(&self) -> anyhow::Result<&str> {
        self.incident.as_deref().ok_or_else(|| anyhow::anyhow!("there is no incident"))
    }

    async fn incident(&self) -> anyhow::Result<Incident> {
        self.evenkeel.incident(self.incident_id()?).await
    }

    async fn slo_state(&self, name: &str, state: &str) -> anyhow::Result<Look> {
        let slo = self.evenkeel.slo(name).await?;
        let found = format!("{name} is {}: {}", slo.state, slo.reason);
        Ok(when(slo.state == state, slo.reason, found))
    }

    async fn deploy(&self, service: Part, version: &str, scope: Scope) -> anyhow::Result<Look> {
        let order = DeployOrder {
            service: service.name().to_owned(),
            version: version.to_owned(),
            scope,
            skip_gate: false,
        };
        Ok(match self.stage.shop.deployer().deploy(&order).await? {
            Ok(done) => Look::Done(done.sentence()),
            Err(refused) => Look::NotYet(refused.sentence),
        })
    }

    async fn fault(
        &mut self,
        service: Part,
        fault: &'static str,
        on: bool,
    ) -> anyhow::Result<Look> {
        if on {
            self.faults.push((service, fault));
        }
        self.stage.shop.deployer().fault(service.name(), fault, on).await?;
        if !on {
            self.faults.retain(|known| *known != (service, fault));
        }
        Ok(Look::Done(String::new()))
    }

    /// After a story that broke off the shop shall not stay broken.
    async fn repair(&mut self) {
        for (service, fault) in std::mem::take(&mut self.faults) {
            // The story has failed already; the shop may even be gone.
            self.stage.shop.deployer().fault(service.name(), fault, false).await.ok();
        }
    }

    async fn find_incident(&mut self, services: &[&str]) -> anyhow::Result<Look> {
        let open = self.evenkeel.open_incidents().await?;
        let new = open.into_iter().filter(|incident| !self.old_incidents.contains(&incident.id));
        let found = new.into_iter().find(|incident| services.contains(&incident.service.as_str()));
        Ok(match found {
            Some(incident) => {
                self.incident = Some(incident.id);
                Look::Done(incident.title)
            }
            None => Look::NotYet(format!("no incident is open on {}", services.join(" or "))),
        })
    }

    async fn one_incident(&self) -> anyhow::Result<Look> {
        let all = self.evenkeel.all_incidents().await?;
        let new: Vec<String> = all
            .into_iter()
            .filter(|incident| !self.old_incidents.contains(&incident.id))
            .map(|incident| incident.title)
            .collect();
        let found = format!("there are {}: {}", new.len(), new.join(", "));
        Ok(when(new.len() == 1, String::new(), found))
    }

    fn page(&self, services: &[&str]) -> Look {
        let pages = self.stage.receiver.pages();
        let new = pages.iter().skip(self.old_pages);
        match new.into_iter().find(|page| page.is_firing() && page.is_about(services)) {
            Some(page) => Look::Done(page.id.clone()),
            None => Look::NotYet(match self.stage.receiver.refused().last() {
                Some(why) => format!("a page came and was not believed: {why}"),
                None => format!("no page came about {}", services.join(" or ")),
            }),
        }
    }

    async fn gate(&self, service: Part, version: &str, outcome: &str) -> anyhow::Result<Look> {
        let verdict = self.evenkeel.gate(service.name(), version).await?;
        let found = format!("the gate says {}: {}", verdict.outcome, verdict.sentence);
        Ok(when(verdict.outcome == outcome, verdict.sentence, found))
    }

    async fn version(&self, service: Part, version: &str) -> anyhow::Result<Look> {
        let state = self.stage.shop.deployer().state().await?;
        let versions = state.versions_of(service.name());
        let all = !versions.is_empty() && versions.iter().all(|running| *running == version);
        Ok(when(all, String::new(), format!("{service} runs {}", versions.join(", "))))
    }

    async fn not_rolled_back(&self, service: Part, version: &str) -> anyhow::Result<Look> {
        let acts = self.incident().await?.acts;
        match acts.iter().find(|act| act.kind == "rollback" && act.state != "refused") {
            Some(act) => Ok(Look::NotYet(format!("`{}` is {}", act.title, act.state))),
            None => self.version(service, version).await,
        }
    }
}

fn when(so: bool, done: String, not_yet: String) -> Look {
    if so { Look::Done(done) } else { Look::NotYet(not_yet) }
}

fn first_suspect(incident: &Incident, kind: &str, names: &str) -> Look {
    let Some(first) = incident.suspects.first() else {
        return Look::NotYet(format!("`{}` names no suspect", incident.summary.title));
    };
    let evidence = first
        .evidence
        .first()
        .map_or_else(String::new, |evidence| format!(" ({})", evidence.sentence));
    let found = format!("{}{evidence}", first.title);
    // The incident of the failing service itself names what that calls, and says so.
    let of_its_own = incident.summary.service == names && evidence.contains(names);
    let named = first.title.contains(names) || first.service == names || of_its_own;
    when(first.kind == kind && named, found.clone(), format!("the first suspect is {found}"))
}

/// Later words about the incident are answers in its thread, and no new pages.
fn one_page(incident: &str, queued: &[Queued], received: &[String]) -> Look {
    let opened: Vec<&str> = queued
        .iter()
        .map(|queued| &queued.payload)
        .filter(|payload| payload.incident.as_deref() == Some(incident))
        .filter(|payload| payload.reason == "opened")
        .map(|payload| payload.notification.as_str())
        .collect();
    match opened.as_slice() {
        [page] if received.iter().any(|id| id == page) => Look::Done((*page).to_owned()),
        [page] => Look::NotYet(format!("the page `{page}` was not received")),
        pages => Look::NotYet(format!("the incident was told as new {} times", pages.len())),
    }
}

fn joined(incident: &Incident, services: [&str; 2]) -> Look {
    let summary = &incident.summary;
    let Some(other) = services.into_iter().find(|service| *service != summary.service) else {
        return Look::NotYet(format!("`{}` is an incident of {}", summary.title, summary.service));
    };
    let mut others = incident.alerts.iter().filter(|alert| alert.service == other);
    match others.find_map(|alert| alert.joined_because.clone()) {
        Some(why) if services.contains(&summary.service.as_str()) => Look::Done(why),
        _ => Look::NotYet(format!("no alert of {other} joined `{}`", summary.title)),
    }
}

fn ranks_below(incident: &Incident, decoy: &str, service: &str) -> Look {
    let rank = |named: &str| {
        incident
            .suspects
            .iter()
            .position(|suspect| suspect.title.contains(named) || suspect.service == named)
    };
    match (rank(service), rank(decoy)) {
        (None, _) => Look::NotYet(format!("{service} is no suspect")),
        (Some(_), None) => Look::Done(format!("{decoy} is no suspect")),
        (Some(own), Some(decoy)) => {
            let found = format!("rank {} against {}", decoy + 1, own + 1);
            when(own < decoy, found.clone(), found)
        }
    }
}

fn rolled_back(incident: &Incident) -> Look {
    let Some(act) = incident.acts.iter().rfind(|act| act.kind == "rollback") else {
        return Look::NotYet("no rollback was started".to_owned());
    };
    let outcome = act.outcome.as_deref().unwrap_or("no outcome yet");
    when(
        act.state == "succeeded",
        act.title.clone(),
        format!("`{}` is {}: {outcome}", act.title, act.state),
    )
}

fn recovered(incident: &Incident) -> Look {
    match &incident.recovery {
        Some(recovery) if recovery.passed => Look::Done(recovery.sentence.clone()),
        _ if incident.summary.status == "resolved" => Look::Done(String::new()),
        Some(recovery) => Look::NotYet(recovery.sentence.clone()),
        None => Look::NotYet(format!(
            "nothing was done yet: the incident is {}",
            incident.summary.status
        )),
    }
}

/// The change and the alert must both be on the timeline, in this order, and in the document as well.
fn change_before_alert(draft: &Postmortem, change: &str, slo: &str) -> Look {
    let events = &draft.timeline;
    // A configuration that was applied names the SLO, too.
    let is_alert =
        |sentence: &str| sentence.contains(slo) && sentence.contains("burns its error budget");
    let changed = events.iter().position(|event| event.sentence.contains(change));
    let alerted = events
        .iter()
        .position(|event| is_alert(&event.sentence) && !event.sentence.contains(change));
    match (changed, alerted) {
        (Some(changed), Some(alerted)) if changed < alerted => {
            let written =
                [changed, alerted].iter().all(|at| draft.markdown.contains(&events[*at].sentence));
            when(
                written,
                events[changed].sentence.clone(),
                "the Markdown lacks its timeline".to_owned(),
            )
        }
        (Some(_), Some(_)) => {
            Look::NotYet(format!("`{change}` comes after the alert on the timeline"))
        }
        (None, _) => Look::NotYet(format!("`{change}` is not on the timeline")),
        (_, None) => Look::NotYet("the alert is not on the timeline".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::evenkeel::PostmortemEvent;

    fn found(look: &Look) -> (bool, &str) {
        match look {
            Look::Done(text) => (true, text),
            Look::NotYet(text) => (false, text),
        }
    }

    fn incident(json: serde_json::Value) -> Incident {
        let mut whole = serde_json::json!({
            "summary": {"id": "inc_1", "title": "checkout burns", "service": "checkout", "status": "investigating"},
        });
        whole.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn only_the_first_suspect_counts() {
        let suspects = serde_json::json!({"suspects": [
            {"kind": "dependency", "title": "payment fails", "service": "payment",
             "evidence": [{"sentence": "all failures end in payment"}]},
            {"kind": "deploy", "title": "deploy of checkout 1.9.1", "service": "checkout", "evidence": []},
        ]});
        let incident = incident(suspects);
        assert_eq!(
            found(&first_suspect(&incident, "dependency", "payment")),
            (true, "payment fails (all failures end in payment)")
        );
        assert!(!found(&first_suspect(&incident, "deploy", "1.9.1")).0);
    }

    #[test]
    fn the_incident_is_told_as_new_once() {
        let queued = |reasons: &[&str]| -> Vec<Queued> {
            let one = |(at, reason): (usize, &&str)| {
                let payload = serde_json::json!({
                    "notification": format!("ntf_{at}"), "incident": "inc_1", "reason": reason,
                });
                serde_json::from_value(serde_json::json!({ "payload": payload })).unwrap()
            };
            reasons.iter().enumerate().map(one).collect()
        };
        let check = |reasons: &[&str], received: &[&str]| {
            let received: Vec<String> = received.iter().map(ToString::to_string).collect();
            found(&one_page("inc_1", &queued(reasons), &received)).0
        };
        assert!(check(&["opened", "joined", "resolved"], &["ntf_0"]));
        assert!(!check(&["opened"], &[]));
        assert!(!check(&["opened", "opened"], &["ntf_0", "ntf_1"]));
        assert!(!check(&["joined"], &["ntf_0"]));
    }

    #[test]
    fn a_caller_joins_with_a_reason_and_the_decoy_ranks_below() {
        let incident = incident(serde_json::json!({
            "summary": {"id": "inc_1", "title": "payment burns", "service": "payment", "status": "investigating"},
            "alerts": [
                {"service": "payment", "joined_because": null},
                {"service": "checkout", "joined_because": "checkout depends on payment, which fails"},
            ],
            "suspects": [
                {"kind": "dependency", "title": "payment fails", "service": "payment"},
                {"kind": "deploy", "title": "deploy of checkout 1.9.1", "service": "checkout"},
            ],
        }));
        assert!(found(&joined(&incident, ["payment", "checkout"])).0);
        assert!(found(&joined(&incident, ["checkout", "payment"])).0);
        assert!(!found(&joined(&incident, ["payment", "web"])).0);
        assert!(!found(&joined(&incident, ["checkout", "web"])).0);
        assert!(found(&ranks_below(&incident, "1.9.1", "payment")).0);
        assert!(found(&ranks_below(&incident, "2.0.0", "payment")).0);
        assert!(!found(&ranks_below(&incident, "payment", "1.9.1")).0);
    }

    #[test]
    fn a_rollback_counts_when_it_succeeded() {
        let with = |state: &str| {
            incident(serde_json::json!({"acts": [
                {"kind": "rollback", "title": "roll checkout back to 1.9.0", "state": state, "outcome": null},
            ]}))
        };
        assert_eq!(
            found(&rolled_back(&with("started"))),
            (false, "`roll checkout back to 1.9.0` is started: no outcome yet")
        );
        assert!(found(&rolled_back(&with("succeeded"))).0);
        assert_eq!(
            found(&rolled_back(&incident(serde_json::json!({})))),
            (false, "no rollback was started")
        );
    }

    #[test]
    fn recovery_is_read_from_its_own_test() {
        let running = incident(
            serde_json::json!({"recovery": {"passed": false, "sentence": "20 of 60 s well"}}),
        );
        assert_eq!(found(&recovered(&running)), (false, "20 of 60 s well"));
        let passed =
            incident(serde_json::json!({"recovery": {"passed": true, "sentence": "60 s well"}}));
        assert_eq!(found(&recovered(&passed)), (true, "60 s well"));
    }

    #[test]
    fn the_change_must_stand_before_the_alert_in_timeline_and_text() {
        let draft = |sentences: &[&str], markdown: &str| Postmortem {
            markdown: markdown.to_owned(),
            timeline: sentences
                .iter()
                .map(|sentence| PostmortemEvent { sentence: (*sentence).to_owned() })
                .collect(),
        };
        let (deployed, burns) =
            ("deploy of checkout 2.0.0", "checkout-availability burns its error budget 20x");
        let markdown = format!("- {deployed}\n- {burns}\n");
        let check = |sentences: &[&str], markdown: &str| {
            found(&change_before_alert(
                &draft(sentences, markdown),
                "2.0.0",
                "checkout-availability",
            ))
            .0
        };
        assert!(check(&[deployed, burns], &markdown));
        assert!(!check(&[burns, deployed], &markdown));
        assert!(!check(&[burns], &markdown));
        assert!(!check(&[deployed, burns], ""));
    }

    #[test]
    fn a_step_reads_as_one_line() {
        let step = StepDone {
            name: "the incident is resolved",
            detail: String::new(),
            took: Duration::ZERO,
            elapsed: Duration::from_millis(201_340),
        };
        assert_eq!(step.to_string(), " 201.3 s  the incident is resolved");
    }
}
