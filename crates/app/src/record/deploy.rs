//! Deploys, verdicts and acts on disk.

use deploy::{
    Act, ActOutcome, ActState, BudgetReading, Decision, Deploy, DeployStatus, Fact, Freeze,
    GateInput, GatePolicy, IncidentReading, Outcome, RuleOutcome, Verdict,
};
use model::Timestamp;

use super::disk::{disk_facts, disk_struct, disk_variants, disk_words};

disk_words!(DeployStatus {
    Started = "started",
    Live = "live",
    Failed = "failed",
    RolledBack = "rolled_back",
});
disk_struct!(Deploy {
    id,
    service,
    environment,
    version,
    previous_version,
    at,
    finished_at,
    by,
    url,
    rolls_back,
    gate,
    idempotency_key,
    status,
});
disk_struct!(Freeze { from, to, reason, services });
disk_struct!(BudgetReading { slo, remaining, burning });
disk_struct!(IncidentReading { number, service, title });
disk_struct!(GatePolicy {
    min_budget_left,
    allow_rollback,
    verdict_ttl,
    check_budget,
    check_burning,
    check_incidents,
    check_telemetry,
});
disk_struct!(GateInput {
    service,
    version,
    environment,
    at,
    budgets,
    incidents,
    telemetry_at,
    journal_whole,
    freezes,
    is_way_back,
    policy,
});
disk_words!(Decision { Allow = "allow", Block = "block", Inconclusive = "inconclusive" });
disk_words!(Outcome { Pass = "pass", Block = "block", Inconclusive = "inconclusive" });
disk_struct!(RuleOutcome { rule, outcome, value, limit, reason });
disk_struct!(Verdict { decision, sentence, rules });
disk_variants!(ActOutcome {
    Succeeded = "succeeded" { detail },
    Failed = "failed" { detail },
    Interrupted = "interrupted" {},
    Refused = "refused" { detail },
});
disk_variants!(ActState {
    Requested = "requested" {},
    Started = "started" { at },
    Ended = "ended" { started_at, at, outcome },
});
disk_struct!(Act {
    id,
    service,
    environment,
    deploy,
    from_version,
    to_version,
    incident,
    by,
    automatic,
    reason,
    command,
    requested_at,
    state,
});

disk_facts!(Fact {
    "deploy.recorded" => DeployRecorded { deploy },
    "deploy.finished" => DeployFinished {
        id,
        service,
        environment,
        version,
        status,
        at,
        idempotency_key,
        by,
    },
    "gate.decided" => GateDecided { id, input, verdict, config_hash, expires_at, by },
    "act.requested" => ActRequested { act },
    "act.started" => ActStarted { id, at },
    "act.ended" => ActEnded { id, outcome, at },
});

pub(super) fn subject(fact: &Fact) -> Box<str> {
    match fact {
        Fact::DeployRecorded { deploy } => deploy.id.to_string().into(),
        Fact::DeployFinished { id, .. } => id.to_string().into(),
        Fact::GateDecided { id, .. } => id.to_string().into(),
        Fact::ActRequested { act } => act.id.to_string().into(),
        Fact::ActStarted { id, .. } | Fact::ActEnded { id, .. } => id.to_string().into(),
    }
}

pub(super) fn occurred_at(fact: &Fact) -> Timestamp {
    match fact {
        Fact::DeployRecorded { deploy } => deploy.at,
        Fact::GateDecided { input, .. } => input.at,
        Fact::ActRequested { act } => act.requested_at,
        Fact::DeployFinished { at, .. }
        | Fact::ActStarted { at, .. }
        | Fact::ActEnded { at, .. } => *at,
    }
}
