//! The two stories, as lists of steps: what is done or waited for, and how long it may take.

use std::{fmt, str::FromStr, time::Duration};

use crate::{deployer::api::Scope, topology::Part};

/// A story that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// checkout 2.0.0 goes to half of the instances and fails every request there.
    BadDeploy,
    /// payment's provider fails, one minute after a harmless deploy of checkout.
    DependencyOutage,
}

/// `text` names no story.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no scenario; there are `bad-deploy` and `dependency-outage`")]
pub struct UnknownScenario {
    text: String,
}

impl Scenario {
    pub const ALL: [Self; 2] = [Self::BadDeploy, Self::DependencyOutage];

    pub const fn name(self) -> &'static str {
        match self {
            Self::BadDeploy => "bad-deploy",
            Self::DependencyOutage => "dependency-outage",
        }
    }

    /// The longest that the whole may take.
    pub const fn total_max(self) -> Duration {
        match self {
            Self::BadDeploy => Duration::from_secs(330),
            Self::DependencyOutage => Duration::from_secs(420),
        }
    }

    pub(super) fn steps(self) -> Vec<Step> {
        match self {
            Self::BadDeploy => bad_deploy(),
            Self::DependencyOutage => dependency_outage(),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        let found = Self::ALL.into_iter().find(|scenario| scenario.name() == text);
        found.ok_or_else(|| UnknownScenario { text: text.to_owned() })
    }
}

/// One step of a story.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) within: Duration,
    pub(super) act: Act,
}

/// What a step does or waits for. Where it waits, it asks again until it is so.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The SLO is in this state.
    SloState {
        slo: &'static str,
        state: &'static str,
    },
    /// The deployer brings a version out, through the gate.
    Deploy {
        service: Part,
        version: &'static str,
        scope: Scope,
    },
    /// Nothing happens for a while.
    Pass {
        time: Duration,
    },
    Fault {
        service: Part,
        fault: &'static str,
        on: bool,
    },
    /// An incident is open, on one of these services, that was not open when the story began.
    Incident {
        services: &'static [&'static str],
    },
    /// The receiver got a signed page about one of these services.
    Page {
        services: &'static [&'static str],
    },
    /// The first suspect is of this kind, and its title or service contains this text.
    FirstSuspect {
        kind: &'static str,
        names: &'static str,
    },
    /// The incident is the only one of the story, whether or not it is over.
    OneIncident,
    /// The incident was told as a new one exactly once, and that page was received.
    OnePage,
    /// The incident is `service`'s, and an alert of `caller` joined it with a reason.
    Joined {
        service: &'static str,
        caller: &'static str,
    },
    /// No suspect that names this text comes before the first that is `service`.
    RanksBelow {
        decoy: &'static str,
        service: &'static str,
    },
    /// The gate says this of the version.
    Gate {
        service: Part,
        version: &'static str,
        outcome: &'static str,
    },
    /// Evenkeel itself rolled back, and was told that it worked.
    RolledBack,
    /// All instances run the version.
    Version {
        service: Part,
        version: &'static str,
    },
    /// Nothing was rolled back, and all instances still run the version.
    NotRolledBack {
        service: Part,
        version: &'static str,
    },
    /// The story tells the incident what it did against the fault.
    Mitigated {
        text: &'static str,
    },
    /// The recovery test passed.
    Recovered,
    Resolved,
    /// There is a draft, though nobody asked for one, and it has `change` before the alert on its timeline.
    Postmortem {
        change: &'static str,
        slo: &'static str,
    },
}

fn step(name: &'static str, within_seconds: u64, act: Act) -> Step {
    Step { name, within: Duration::from_secs(within_seconds), act }
}

/// With half of the requests failing and a full hour of history at the live rate, the one-hour window burns 14.4 times after
/// 14.4 · 0.001 · 3600 s / 0.5 = 104 s.
fn bad_deploy() -> Vec<Step> {
    let checkout = Part::Checkout;
    vec![
        step(
            "checkout is healthy",
            45,
            Act::SloState { slo: "checkout-availability", state: "ok" },
        ),
        step(
            "checkout 2.0.0 goes to half of the instances",
            30,
            Act::Deploy { service: checkout, version: "2.0.0", scope: Scope::Half },
        ),
        step("an incident is open on checkout", 170, Act::Incident { services: &["checkout"] }),
        step("the page is delivered, signed", 15, Act::Page { services: &["checkout"] }),
        step(
            "the first suspect is the deploy of checkout 2.0.0",
            15,
            Act::FirstSuspect { kind: "deploy", names: "2.0.0" },
        ),
        step(
            "the gate blocks checkout 2.0.1",
            15,
            Act::Gate { service: checkout, version: "2.0.1", outcome: "block" },
        ),
        step("the rollback ran by itself", 45, Act::RolledBack),
        step(
            "all instances of checkout run 1.9.0",
            30,
            Act::Version { service: checkout, version: "1.9.0" },
        ),
        step("checkout has recovered", 120, Act::Recovered),
        step("the incident is resolved", 30, Act::Resolved),
        step(
            "a postmortem is drafted by itself, with the deploy before the alert",
            15,
            Act::Postmortem { change: "2.0.0", slo: "checkout-availability" },
        ),
        step("it was one incident", 10, Act::OneIncident),
        step("it was one page", 10, Act::OnePage),
    ]
}

/// All payments fail, so the one-hour window burns 14.4 times after 52 s, for payment and for its caller.
fn dependency_outage() -> Vec<Step> {
    let (checkout, payment) = (Part::Checkout, Part::Payment);
    vec![
        step(
            "checkout is healthy",
            45,
            Act::SloState { slo: "checkout-availability", state: "ok" },
        ),
        step("payment is healthy", 30, Act::SloState { slo: "payment-availability", state: "ok" }),
        step(
            "checkout 1.9.1 lands, harmless",
            30,
            Act::Deploy { service: checkout, version: "1.9.1", scope: Scope::All },
        ),
        step("one minute passes", 70, Act::Pass { time: Duration::from_secs(60) }),
        step(
            "payment's provider fails",
            10,
            Act::Fault { service: payment, fault: "provider_down", on: true },
        ),
        step("an incident is open", 120, Act::Incident { services: &["payment", "checkout"] }),
        step("the page is delivered, signed", 15, Act::Page { services: &["payment", "checkout"] }),
        step(
            "the first suspect is payment",
            30,
            Act::FirstSuspect { kind: "dependency", names: "payment" },
        ),
        step(
            "checkout's alert has joined payment's incident",
            30,
            Act::Joined { service: "payment", caller: "checkout" },
        ),
        step(
            "the harmless deploy ranks below payment",
            10,
            Act::RanksBelow { decoy: "1.9.1", service: "payment" },
        ),
        step("ten seconds pass", 15, Act::Pass { time: Duration::from_secs(10) }),
        step(
            "the harmless deploy is not rolled back",
            10,
            Act::NotRolledBack { service: checkout, version: "1.9.1" },
        ),
        step(
            "the provider is repaired",
            10,
            Act::Fault { service: payment, fault: "provider_down", on: false },
        ),
        step(
            "the mitigation is told",
            10,
            Act::Mitigated { text: "the card provider answers again" },
        ),
        step("payment has recovered", 120, Act::Recovered),
        step("the incident is resolved", 30, Act::Resolved),
        step(
            "the harmless deploy was never rolled back",
            10,
            Act::NotRolledBack { service: checkout, version: "1.9.1" },
        ),
        step("it was one incident", 10, Act::OneIncident),
        step("it was one page", 10, Act::OnePage),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse::<Scenario>().unwrap(), scenario);
        }
        assert_eq!(
            "flood".parse::<Scenario>().unwrap_err().to_string(),
            "`flood` is no scenario; there are `bad-deploy` and `dependency-outage`"
        );
    }

    #[test]
    fn every_step_can_happen_within_the_whole() {
        for scenario in Scenario::ALL {
            for step in scenario.steps() {
                assert!(step.within < scenario.total_max(), "{}", step.name);
                if let Act::Pass { time } = step.act {
                    assert!(time < step.within, "{}", step.name);
                }
            }
        }
    }

    #[test]
    fn the_fault_of_a_story_is_undone_in_it() {
        for scenario in Scenario::ALL {
            let mut on = scenario.steps().into_iter().filter_map(|step| match step.act {
                Act::Fault { on, .. } => Some(on),
                _ => None,
            });
            assert!(on.next_back().is_none_or(|last| !last), "{scenario}");
        }
    }
}
