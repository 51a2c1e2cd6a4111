//! What a team wants the gate and the rollback to do for its services.

use std::time::Duration;

use crate::gate::Freeze;

/// The rules for the services that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: Box<str>,
    /// Names, with `*` for any run of characters; the first policy that names a service holds.
    pub services: Vec<Box<str>>,
    /// `None` is any environment.
    pub environment: Option<Box<str>>,
    /// How long an incident must stay well after a mitigation.
    pub recovery_window: Duration,
    /// Fewer events prove no recovery.
    pub recovery_min_events: u64,
    pub rollback: RollbackPolicy,
    pub gate: GatePolicy,
    pub freezes: Vec<Freeze>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackMode {
    /// Evenkeel rolls back when the evidence passes its minimum.
    Automatic,
    /// A button.
    Offer,
    Off,
}

/// The least evidence that an automatic rollback needs, and how often it may happen.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    pub mode: RollbackMode,
    /// Requests seen on the suspect version.
    pub min_events: u64,
    /// Share of them that failed, at least.
    pub min_failing_share: f64,
    /// Share of the other versions' requests that failed, at most.
    pub max_failing_share_elsewhere: f64,
    /// Automatic acts on one service within an hour.
    pub max_per_hour: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GatePolicy {
    /// Share of the error budget that must be left; exactly this much passes.
    pub min_budget_left: f64,
    /// Lets the version that ran before a bad deploy pass although the service burns.
    pub allow_rollback: bool,
    /// How long a verdict is good for.
    pub verdict_ttl: Duration,
    pub check_budget: bool,
    pub check_burning: bool,
    pub check_incidents: bool,
    pub check_telemetry: bool,
}

impl Default for Policy {
    /// What holds where no policy names the service: gates check everything, a rollback is offered.
    fn default() -> Self {
        Self {
            name: "default".into(),
            services: vec!["*".into()],
            environment: None,
            recovery_window: Duration::from_secs(600),
            recovery_min_events: 30,
            rollback: RollbackPolicy::default(),
            gate: GatePolicy::default(),
            freezes: Vec::new(),
        }
    }
}

impl Default for RollbackPolicy {
    fn default() -> Self {
        Self {
            mode: RollbackMode::Offer,
            min_events: 50,
            min_failing_share: 0.5,
            max_failing_share_elsewhere: 0.05,
            max_per_hour: 3,
        }
    }
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            min_budget_left: 0.0,
            allow_rollback: true,
            verdict_ttl: Duration::from_secs(600),
            check_budget: true,
            check_burning: true,
            check_incidents: true,
            check_telemetry: true,
        }
    }
}

impl Policy {
    pub fn holds_for(&self, service: &str, environment: &str) -> bool {
        self.environment.as_deref().is_none_or(|own| own == environment)
            && self.services.iter().any(|pattern| wildcard(pattern, service))
    }
}

/// Whether `text` has the form of `pattern`, in which `*` stands for any run of characters.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let middle: &str = middle;
            let Some(at) = rest.find(middle) else { return false };
            rest = rest.get(at + middle.len()..).unwrap_or("");
        }
    }
    // Without a star the whole text is the first part; with one, the last part ends it.
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_run() {
        let check = |pattern, text, expected| {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}")
        };
        check("*", "checkout", true);
        check("checkout", "checkout", true);
        check("checkout", "checkout-2", false);
        check("check*", "checkout", true);
        check("*out", "checkout", true);
        check("c*k*t", "checkout", true);
        check("a*a", "a", false);
        check("", "", true);
    }

    #[test]
    fn the_environment_must_fit() {
        let policy = Policy { environment: Some("prod".into()), ..Policy::default() };
        assert!(policy.holds_for("cart", "prod"));
        assert!(!policy.holds_for("cart", "dev"));
    }
}
