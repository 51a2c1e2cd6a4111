//! Rollbacks: when the evidence asks for one, what may run, and what a finished one means for its incident.

use std::time::Duration;

use deploy::{
    ActOutcome, ActState, DeployStatus, NewDeploy, Policy, RollbackEvidence, RollbackPlan, Stage,
    plan, policy::wildcard,
};
use incident::{Suspect, SuspectKind};
use model::{Actor, Timestamp};

use super::order;
use crate::{
    command::Command,
    control::{Order, World},
    files::Repo,
    mint::Mint,
    notify::signature::SigningKey,
    state::State,
};

/// What the server's own configuration allows to be run; the production repo cannot add to it.
#[derive(Clone, Debug, Default)]
pub struct Acts {
    /// The first that fits holds.
    pub rollbacks: Vec<RollbackAct>,
}

/// How services are rolled back.
#[derive(Clone, Debug)]
pub struct RollbackAct {
    /// Names, with `*` for any run of characters.
    pub service: Box<str>,
    /// `None` is any environment.
    pub environment: Option<Box<str>>,
    pub run: Run,
    /// After this it is stopped and counts as failed.
    pub timeout: Duration,
}

/// `{service}`, `{environment}`, `{version}` (the one to go back to), `{from_version}` and `{act}` (the act's id, which is
/// never used twice) are filled in.
#[derive(Clone, Debug)]
pub enum Run {
    /// A program and its arguments; never a shell.
    Argv(Vec<Box<str>>),
    /// A POST signed as Standard Webhooks have it.
    Webhook { url: Box<str>, key: SigningKey },
}

impl Acts {
    pub fn rollback(&self, service: &str, environment: &str) -> Option<&RollbackAct> {
        self.rollbacks.iter().find(|act| {
            wildcard(&act.service, service)
                && act.environment.as_deref().is_none_or(|own| own == environment)
        })
    }
}

impl RollbackAct {
    /// What will run, for people: the arguments, or the webhook's address.
    pub fn command(&self, plan: &RollbackPlan) -> String {
        match &self.run {
            Run::Argv(argv) => {
                argv.iter().map(|part| fill(part, plan, "{act}")).collect::<Vec<_>>().join(" ")
            }
            Run::Webhook { url, .. } => format!("POST {url}"),
        }
    }
}

/// Puts the plan's values into the placeholders of one argument.
pub(crate) fn fill(template: &str, plan: &RollbackPlan, act: &str) -> String {
    let values: [(&str, &str); 5] = [
        ("{service}", &plan.service),
        ("{environment}", &plan.environment),
        ("{version}", &plan.to_version),
        ("{from_version}", &plan.from_version),
        ("{act}", act),
    ];
    let mut filled = String::new();
    let mut rest = template;
    // One pass, so that a value which looks like a placeholder stays a value.
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let found = values.iter().find(|(name, _)| after.starts_with(name));
        let (text, used) = found.map_or(("{", 1), |(name, value)| (*value, name.len()));
        filled.push_str(text);
        rest = after.get(used..).unwrap_or("");
    }
    filled + rest
}

/// Automatic rollbacks of first suspects, where policy, evidence and the allow-list agree.
pub(super) fn rollbacks(
    state: &State,
    world: &World,
    now: Timestamp,
    mint: &mut Mint,
) -> Vec<Order> {
    state
        .incidents
        .open()
        .filter_map(|incident| {
            let suspect = incident.suspects.first()?;
            // What was done is given its time, unless the suspect came after it.
            let is_dealt_with = incident
                .mitigation
                .as_ref()
                .is_some_and(|done| suspect.at.is_none_or(|changed_at| changed_at <= done.at));
            if is_dealt_with {
                return None;
            }
            let (plan, act) = automatic(state, &world.repo, &world.acts, suspect, now).ok()?;
            let command = deploy::Command::RequestAct {
                id: mint.id(now),
                reason: plan.reason.as_str().into(),
                command: act.command(&plan).into(),
                plan,
                incident: Some(incident.id.to_string().into()),
                automatic: true,
                by: Actor::system("policy"),
            };
            Some(order("policy", Command::Deploy(command)))
        })
        .collect()
}

/// What would be rolled back for this suspect without asking, or the sentence that says why it is left to people.
pub(crate) fn automatic<'a>(
    state: &State,
    repo: &Repo,
    acts: &'a Acts,
    suspect: &Suspect,
    now: Timestamp,
) -> Result<(RollbackPlan, &'a RollbackAct), String> {
    if suspect.kind != SuspectKind::Deploy {
        return Err("the first suspect is no deploy".to_owned());
    }
    let deploy = suspect
        .reference
        .as_deref()
        .and_then(|reference| state.deploys.deploy(reference.parse().ok()?))
        .ok_or("nobody recorded the deploy")?;
    let act = acts.rollback(&deploy.service, &deploy.environment).ok_or_else(|| {
        format!(
            "the server's configuration allows no rollback of {} (acts.rollback)",
            deploy.service
        )
    })?;
    if !suspect.concurrent {
        return Err(
            "the versions did not serve at the same time, so the evidence is before against after"
                .to_owned(),
        );
    }
    let policy = policy(repo, &deploy.service, &deploy.environment);
    let numbers = &suspect.numbers;
    let evidence = RollbackEvidence {
        suspect_failed: numbers.on.failed,
        suspect_total: numbers.on.total,
        others_failed: numbers.elsewhere.failed,
        others_total: numbers.elsewhere.total,
        p_value: numbers.p_value,
    };
    plan(&state.deploys, &policy, deploy, evidence, now)
        .map(|plan| (plan, act))
        .map_err(|why| why.to_string())
}

/// The policy that holds for a service; the first that names it.
///
/// What is about no environment in particular is held to the first policy of the service in any.
pub(crate) fn policy(repo: &Repo, service: &str, environment: &str) -> Policy {
    let first = |holds: &dyn Fn(&&Policy) -> bool| repo.policies.iter().find(holds);
    let anywhere = |policy: &&Policy| {
        let own = policy.environment.as_deref().unwrap_or_default();
        policy.holds_for(service, own)
    };
    let found = first(&|policy| policy.holds_for(service, environment));
    found
        .or_else(|| environment.is_empty().then(|| first(&anywhere)).flatten())
        .cloned()
        .unwrap_or_default()
}

/// A rollback that succeeded and that nobody recorded as a deploy: the version before runs again.
pub(super) fn went_back(state: &State, now: Timestamp, mint: &mut Mint) -> Vec<Order> {
    let done = state.deploys.acts().filter_map(|act| {
        let ActState::Ended { at, outcome: ActOutcome::Succeeded { .. }, .. } = act.state else {
            return None;
        };
        let undone = state.deploys.deploy(act.deploy)?;
        let stands = matches!(undone.status, DeployStatus::Started | DeployStatus::Live);
        stands.then_some((act, at))
    });
    done.map(|(act, at)| {
        let deploy = NewDeploy {
            id: mint.id(now),
            service: act.service.clone(),
            environment: act.environment.clone(),
            version: act.to_version.clone(),
            previous_version: Some(act.from_version.clone()),
            stage: Stage::RolledBack,
            at,
            by: act.by.clone(),
            url: None,
            rolls_back: Some(act.deploy),
            gate: None,
            idempotency_key: Some(format!("act/{}", act.id).into()),
        };
        order("rollbacks", Command::Deploy(deploy::Command::Record { deploy }))
    })
    .collect()
}

/// A rollback that succeeded is its incident's mitigation.
pub(super) fn mitigations(state: &State) -> Vec<Order> {
    state
        .incidents
        .open()
        .filter_map(|incident| {
            let id = incident.id.to_string();
            let act = state.deploys.acts().rev().find(|act| {
                act.incident.as_deref() == Some(&*id)
                    && matches!(
                        act.state,
                        ActState::Ended { outcome: ActOutcome::Succeeded { .. }, .. }
                    )
            })?;
            let reference: Box<str> = act.id.to_string().into();
            let known =
                incident.mitigation.as_ref().and_then(|mitigation| mitigation.reference.as_deref());
            let ActState::Ended { at, .. } = act.state else { return None };
            // What was done before the failure came back did not mend this one.
            if incident.reopened_at.is_some_and(|reopened_at| at <= reopened_at) {
                return None;
            }
            // Something done later by a person stays the mitigation.
            let later = incident.mitigation.as_ref().is_some_and(|mitigation| mitigation.at >= at);
            if known == Some(&*reference) || later {
                return None;
            }
            let what = format!(
                "{} rolled back from {} to {}",
                act.service, act.from_version, act.to_version
            );
            let command = incident::Command::RecordMitigation {
                incident: incident.id,
                what: what.into(),
                reference: Some(reference),
                at: Some(at),
                by: act.by.clone(),
            };
            Some(order("incidents", Command::Incident(command)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let plan = RollbackPlan {
            deploy: deploy::DeployId::from_u128(1),
            service: "checkout".into(),
            environment: "{version}".into(),
            from_version: "2".into(),
            to_version: "1".into(),
            reason: String::new(),
        };
        fill(template, &plan, "act_1")
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(filled("{service}@{version}#{act}"), "checkout@1#act_1");
        assert_eq!(filled("--env={environment}"), "--env={version}");
        assert_eq!(filled("{other} {"), "{other} {");
        assert_eq!(filled("plain"), "plain");
    }
}
