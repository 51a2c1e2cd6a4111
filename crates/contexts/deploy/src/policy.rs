//! What a team allows: how it recovers, whether it is rolled back unasked, what its gate demands.

use std::time::Duration;

use crate::{pattern::Pattern, record::Freeze};

/// A policy for the services and environments that its patterns match.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: Box<str>,
    pub services: Pattern,
    pub environments: Pattern,
    pub recovery: RecoveryPolicy,
    pub rollback: RollbackPolicy,
    pub gate: GatePolicy,
    /// Freezes that stand in the production repo.
    pub freezes: Vec<Freeze>,
}

/// When an incident is over; the incident's own type has the meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPolicy {
    pub window: Duration,
    pub min_events: u64,
}

/// Who rolls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RollbackMode {
    /// Evenkeel does, when the evidence passes its minimum.
    Automatic,
    /// A person does, by a button.
    Offer,
    /// Nobody by Evenkeel.
    Off,
}

impl RollbackMode {
    pub const ALL: [Self; 3] = [Self::Automatic, Self::Offer, Self::Off];

    /// `automatic`, `offer`, `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Offer => "offer",
            Self::Off => "off",
        }
    }
}

/// The minimum of evidence and the blast radius of an automatic rollback.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    pub mode: RollbackMode,
    /// Requests on the suspect version, and as many on the version that it is compared with.
    pub min_events: u64,
    /// Share of requests that fail on the suspect version, at least.
    pub min_failing_share: f64,
    /// Share of requests that fail on the other version, at most.
    pub max_failing_share_elsewhere: f64,
    /// The suspect's proven share of all failures, at least.
    pub min_score: f64,
    /// The chance that the contrast is an accident, at most.
    pub max_p_value: f64,
    /// After an automatic act on a place, so long no other one there.
    pub cooldown: Duration,
    /// Automatic acts in an hour, on all services together.
    pub acts_per_hour_max: u32,
}

/// What the gate demands.
#[derive(Clone, Debug, PartialEq)]
pub struct GatePolicy {
    /// Share of the error budget that must be left, of every objective: more than this, 0 to 1.
    pub min_budget_left: f64,
    /// Telemetry must have come within this time.
    pub telemetry_within: Duration,
    /// Whether the version that ran before a bad one may always go back.
    pub allow_rollback: bool,
    pub rule_budget: bool,
    pub rule_burning: bool,
    pub rule_incident: bool,
    pub rule_telemetry: bool,
    pub rule_freeze: bool,
}

impl Default for Policy {
    /// For all services: a rollback is offered, every rule of the gate is on.
    fn default() -> Self {
        Self {
            name: "default".into(),
            services: Pattern::all(),
            environments: Pattern::all(),
            recovery: RecoveryPolicy::default(),
            rollback: RollbackPolicy::default(),
            gate: GatePolicy::default(),
            freezes: Vec::new(),
        }
    }
}

impl Default for RecoveryPolicy {
    fn default() -> Self {
        Self { window: Duration::from_secs(10 * 60), min_events: 30 }
    }
}

impl Default for RollbackPolicy {
    fn default() -> Self {
        Self {
            mode: RollbackMode::Offer,
            min_events: 20,
            min_failing_share: 0.5,
            max_failing_share_elsewhere: 0.1,
            min_score: 0.5,
            max_p_value: 0.001,
            cooldown: Duration::from_secs(30 * 60),
            acts_per_hour_max: 3,
        }
    }
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            min_budget_left: 0.0,
            telemetry_within: Duration::from_secs(5 * 60),
            allow_rollback: true,
            rule_budget: true,
            rule_burning: true,
            rule_incident: true,
            rule_telemetry: true,
            rule_freeze: true,
        }
    }
}

impl Policy {
    pub fn covers(&self, service: &str, environment: &str) -> bool {
        self.services.matches(service) && self.environments.matches(environment)
    }

    /// The policy of a place: one that names the service before one with a pattern, then one that names the environment,
    /// then the first; `None` when none matches, and [`Policy::default`] applies.
    pub fn select<'a>(policies: &'a [Self], service: &str, environment: &str) -> Option<&'a Self> {
        let rank = |policy: &Self| (!policy.services.is_exact(), !policy.environments.is_exact());
        policies.iter().filter(|policy| policy.covers(service, environment)).min_by_key(|p| rank(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_policy_applies() {
        let policy = |name: &str, services: &str, environments: &str| Policy {
            name: name.into(),
            services: services.parse().unwrap(),
            environments: environments.parse().unwrap(),
            ..Policy::default()
        };
        let policies = [
            policy("all", "*", "*"),
            policy("production", "*", "production"),
            policy("checkout", "checkout", "*"),
            policy("second", "checkout", "*"),
        ];
        let check = |service, environment| {
            Policy::select(&policies, service, environment).map(|policy| &*policy.name)
        };
        assert_eq!(check("checkout", "production"), Some("checkout"));
        assert_eq!(check("cart", "production"), Some("production"));
        assert_eq!(check("cart", "staging"), Some("all"));
        assert_eq!(Policy::select(&policies[1..2], "cart", "staging"), None);
    }
}
