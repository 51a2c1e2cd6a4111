//! Deploys, verdicts of the gate, and acts.

use app::deploy;
use model::in_environment;

use super::{actor, time};
use crate::wire::api as dto;

/// A deploy.
pub(in crate::api) fn deploy(deploy: &deploy::Deploy) -> dto::Deploy {
    // Deploys of before were recorded once they were live.
    let ended = deploy
        .finished_at
        .or_else(|| (deploy.status != deploy::DeployStatus::Started).then_some(deploy.at));
    dto::Deploy {
        id: deploy.id.to_string(),
        service: deploy.service.to_string(),
        environment: deploy.environment.to_string(),
        version: deploy.version.to_string(),
        previous_version: deploy.previous_version.as_deref().map(str::to_owned),
        state: match deploy.status {
            deploy::DeployStatus::Started => dto::DeployState::Started,
            deploy::DeployStatus::Live => dto::DeployState::Succeeded,
            deploy::DeployStatus::Failed => dto::DeployState::Failed,
            deploy::DeployStatus::RolledBack => dto::DeployState::RolledBack,
        },
        started_at: time(deploy.at),
        finished_at: ended.map(time),
        by: actor(&deploy.by),
        url: deploy.url.as_deref().map(str::to_owned),
        rolls_back: deploy.rolls_back.map(|id| id.to_string()),
        gate: deploy.gate.map(|id| id.to_string()),
    }
}

pub(in crate::api) fn verdict(record: &deploy::GateRecord, seq: u64) -> dto::GateVerdict {
    dto::GateVerdict {
        id: record.id.to_string(),
        service: record.input.service.to_string(),
        environment: record.input.environment.to_string(),
        version: record.input.version.to_string(),
        outcome: decision(record.verdict.decision),
        sentence: record.verdict.sentence.to_string(),
        at: time(record.input.at),
        by: actor(&record.by),
        rules: record.verdict.rules.iter().map(rule).collect(),
        expires_at: Some(time(record.expires_at)),
        config_hash: record.config_hash.map(|hash| hex(&hash)),
        seq,
    }
}

fn decision(decision: deploy::Decision) -> dto::GateOutcome {
    match decision {
        deploy::Decision::Allow => dto::GateOutcome::Allow,
        deploy::Decision::Block => dto::GateOutcome::Block,
        deploy::Decision::Inconclusive => dto::GateOutcome::Inconclusive,
    }
}

/// A verdict judged once more.
pub(in crate::api) fn replay(record: &deploy::GateRecord, seq: u64) -> dto::GateReplay {
    let again = deploy::judge(&record.input);
    dto::GateReplay {
        recorded: verdict(record, seq),
        same: again == record.verdict,
        outcome: decision(again.decision),
        sentence: again.sentence.to_string(),
        rules: again.rules.iter().map(rule).collect(),
    }
}

fn rule(rule: &deploy::RuleOutcome) -> dto::GateRule {
    dto::GateRule {
        name: rule.rule.to_string(),
        outcome: match rule.outcome {
            deploy::Outcome::Pass => dto::GateOutcome::Allow,
            deploy::Outcome::Block => dto::GateOutcome::Block,
            deploy::Outcome::Inconclusive => dto::GateOutcome::Inconclusive,
        },
        value: rule.value.to_string(),
        limit: rule.limit.to_string(),
        reason: rule.reason.to_string(),
    }
}

pub(in crate::api) fn act(act: &deploy::Act) -> dto::Act {
    use deploy::{ActOutcome, ActState};
    let (state, started_at, ended_at, outcome) = match &act.state {
        ActState::Requested => (dto::ActState::Requested, None, None, None),
        ActState::Started { at } => (dto::ActState::Started, Some(*at), None, None),
        ActState::Ended { started_at, at, outcome } => {
            let (state, text) = match outcome {
                ActOutcome::Succeeded { detail } => (dto::ActState::Succeeded, &**detail),
                ActOutcome::Failed { detail } => (dto::ActState::Failed, &**detail),
                ActOutcome::Refused { detail } => (dto::ActState::Refused, &**detail),
                ActOutcome::Interrupted => (
                    dto::ActState::Interrupted,
                    "Evenkeel stopped while it ran; whether it took effect is not known",
                ),
            };
            (state, *started_at, Some(*at), Some(text.to_owned()))
        }
    };
    dto::Act {
        id: act.id.to_string(),
        kind: "rollback".to_owned(),
        title: format!(
            "roll {}{} back to {}",
            act.service,
            in_environment(&act.environment),
            act.to_version
        ),
        state,
        by: actor(&act.by),
        reason: act.reason.to_string(),
        started_at: started_at.map(time),
        ended_at: ended_at.map(time),
        command: act.command.to_string(),
        outcome,
    }
}

pub(in crate::api) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}
