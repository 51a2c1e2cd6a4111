//! The gate: may this version be deployed now? Each rule answers with what it found, what it asks for, and why.
//!
//! `inconclusive` is no pass: what is not known never counts as healthy. One blocking rule blocks; without one, one
//! inconclusive rule makes the verdict inconclusive. Over a broken journal every verdict is inconclusive.

use std::time::Duration;

use model::{Id, IdKind, Timestamp, in_environment};

use crate::{fact::Fact, policy::GatePolicy};

/// The kind of [`GateId`].
#[derive(Debug)]
pub enum GateKind {}

impl IdKind for GateKind {
    const PREFIX: &'static str = "gat";
}

/// Prints `gat_01j…`.
pub type GateId = Id<GateKind>;

/// Telemetry is present when any signal came within this time.
pub const TELEMETRY_WITHIN: Duration = Duration::from_secs(300);

/// A time in which nothing is deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    pub from: Timestamp,
    pub to: Timestamp,
    pub reason: Box<str>,
    /// Empty: all services of the policy.
    pub services: Vec<Box<str>>,
}

/// An SLO of the service as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetReading {
    pub slo: Box<str>,
    /// Below 0 when overspent; `None` when there is too little data to say.
    pub remaining: Option<f64>,
    /// What it burns at, such as `14.4x over 1h`, while an alert fires.
    pub burning: Option<Box<str>>,
}

/// An open incident that matters to the service.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentReading {
    /// `INC-7`.
    pub number: Box<str>,
    /// The service that it is on: the asked one, or one that it depends on.
    pub service: Box<str>,
    pub title: Box<str>,
}

/// Everything that a verdict rests on; kept with it, so that it can be replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct GateInput {
    pub service: Box<str>,
    pub version: Box<str>,
    pub environment: Box<str>,
    pub at: Timestamp,
    pub budgets: Vec<BudgetReading>,
    pub incidents: Vec<IncidentReading>,
    /// When any signal of the service last arrived.
    pub telemetry_at: Option<Timestamp>,
    /// The journal verifies: otherwise nothing is known for certain.
    pub journal_whole: bool,
    pub freezes: Vec<Freeze>,
    /// This version ran before the newest deploy, which is under suspicion: deploying it is a way back.
    pub is_way_back: bool,
    pub policy: GatePolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Block,
    Inconclusive,
}

/// What one rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    Block,
    Inconclusive,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RuleOutcome {
    /// `budget_left`, `burning_now`, `open_incident`, `telemetry_present`, `freeze` or `journal_whole`.
    pub rule: Box<str>,
    pub outcome: Outcome,
    pub value: Box<str>,
    pub limit: Box<str>,
    pub reason: Box<str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub decision: Decision,
    /// One sentence, the same everywhere.
    pub sentence: Box<str>,
    pub rules: Vec<RuleOutcome>,
}

/// The verdict on `input`: the same input gives the same verdict.
pub fn judge(input: &GateInput) -> Verdict {
    let policy = &input.policy;
    let mut rules = vec![journal(input)];
    rules.push(freeze(input));
    if policy.check_telemetry {
        rules.push(telemetry(input));
    }
    if policy.check_incidents {
        rules.push(incidents(input));
    }
    if policy.check_burning {
        rules.push(burning(input));
    }
    if policy.check_budget {
        rules.push(budget(input));
    }
    let worst = |outcome| rules.iter().filter(move |rule| rule.outcome == outcome);
    let blocks = input.journal_whole && worst(Outcome::Block).next().is_some();
    let (decision, word, reasons): (_, _, Vec<&str>) = if blocks {
        (Decision::Block, "blocked", worst(Outcome::Block).map(|rule| &*rule.reason).collect())
    } else if worst(Outcome::Inconclusive).next().is_some() {
        (
            Decision::Inconclusive,
            "inconclusive",
            worst(Outcome::Inconclusive).map(|rule| &*rule.reason).collect(),
        )
    } else {
        (Decision::Allow, "allowed", Vec::new())
    };
    let what = format!("{} {}{}", input.service, input.version, in_environment(&input.environment));
    let sentence = match reasons.as_slice() {
        [] if input.is_way_back => {
            format!("{what} is allowed: it is the way back from a suspect deploy")
        }
        [] => format!("{what} is allowed: all {} rules pass", rules.len()),
        reasons => format!("{what} is {word}: {}", reasons.join("; ")),
    };
    Verdict { decision, sentence: sentence.into(), rules }
}

/// Why a fact does not replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("this fact is no verdict; only a gate's verdict can be replayed")]
    NotAVerdict,
    #[error("the verdict on record reads `{recorded}`; its input gives `{replayed}`")]
    Differs { recorded: Box<str>, replayed: Box<str> },
}

/// Judges the input of a verdict on record again.
///
/// # Errors
/// [`ReplayError::Differs`] when it comes out otherwise: the record was changed, or the rules were.
pub fn replay(fact: &Fact) -> Result<Verdict, ReplayError> {
    let Fact::GateDecided { input, verdict, .. } = fact else {
        return Err(ReplayError::NotAVerdict);
    };
    let replayed = judge(input);
    if replayed == *verdict {
        return Ok(replayed);
    }
    let recorded = verdict.sentence.clone();
    Err(ReplayError::Differs { recorded, replayed: replayed.sentence })
}

fn rule(
    name: &str,
    outcome: Outcome,
    value: impl Into<Box<str>>,
    limit: &str,
    reason: impl Into<Box<str>>,
) -> RuleOutcome {
    RuleOutcome {
        rule: name.into(),
        outcome,
        value: value.into(),
        limit: limit.into(),
        reason: reason.into(),
    }
}

fn journal(input: &GateInput) -> RuleOutcome {
    if input.journal_whole {
        rule("journal_whole", Outcome::Pass, "whole", "whole", "the journal verifies")
    } else {
        let reason =
            "the journal is broken, so open incidents and freezes are not known for certain";
        rule("journal_whole", Outcome::Inconclusive, "broken", "whole", reason)
    }
}

fn freeze(input: &GateInput) -> RuleOutcome {
    let holds = |freeze: &&Freeze| {
        freeze.from <= input.at
            && input.at < freeze.to
            && (freeze.services.is_empty()
                || freeze
                    .services
                    .iter()
                    .any(|pattern| crate::policy::wildcard(pattern, &input.service)))
    };
    match input.freezes.iter().find(holds) {
        Some(freeze) => {
            let reason = format!("a freeze holds until {}: {}", freeze.to, freeze.reason);
            rule("freeze", Outcome::Block, format!("until {}", freeze.to), "no freeze", reason)
        }
        None => rule("freeze", Outcome::Pass, "none", "no freeze", "no freeze holds"),
    }
}

fn telemetry(input: &GateInput) -> RuleOutcome {
    let limit = "within 5 min";
    match input.telemetry_at {
        Some(at) if input.at.since(at) <= TELEMETRY_WITHIN => {
            let age = input.at.since(at).as_secs();
            rule(
                "telemetry_present",
                Outcome::Pass,
                format!("{age} s ago"),
                limit,
                "its telemetry arrives",
            )
        }
        Some(at) => {
            let reason = format!("no telemetry of {} has arrived since {at}", input.service);
            rule("telemetry_present", Outcome::Inconclusive, format!("at {at}"), limit, reason)
        }
        None => {
            let reason = format!("no telemetry of {} has ever arrived", input.service);
            rule("telemetry_present", Outcome::Inconclusive, "never", limit, reason)
        }
    }
}

fn incidents(input: &GateInput) -> RuleOutcome {
    let limit = "none open on it or what it depends on";
    let Some(first) = input.incidents.first() else {
        return rule("open_incident", Outcome::Pass, "none", limit, "no incident is open");
    };
    let value =
        input.incidents.iter().map(|incident| &*incident.number).collect::<Vec<_>>().join(", ");
    if input.is_way_back && input.policy.allow_rollback {
        let reason = format!("{} is open, and this version is the way back", first.number);
        return rule("open_incident", Outcome::Pass, value, limit, reason);
    }
    let reason = if first.service == input.service {
        format!("{} is open on it ({})", first.number, first.title)
    } else {
        format!(
            "{} is open on {}, which it depends on ({})",
            first.number, first.service, first.title
        )
    };
    rule("open_incident", Outcome::Block, value, limit, reason)
}

fn burning(input: &GateInput) -> RuleOutcome {
    let limit = "no burn alert firing";
    let mut burns =
        input.budgets.iter().filter_map(|budget| Some((&budget.slo, budget.burning.as_deref()?)));
    let Some((slo, burn)) = burns.next() else {
        return rule("burning_now", Outcome::Pass, "none", limit, "no error budget burns");
    };
    if input.is_way_back && input.policy.allow_rollback {
        let reason = format!("{slo} burns, and this version is the way back");
        return rule("burning_now", Outcome::Pass, burn, limit, reason);
    }
    rule("burning_now", Outcome::Block, burn, limit, format!("{slo} burns {burn}"))
}

fn budget(input: &GateInput) -> RuleOutcome {
    let least = input.policy.min_budget_left;
    let limit = format!("at least {:.1} %", least * 100.0);
    if input.budgets.is_empty() {
        let reason = format!("{} has no SLO, so its error budget is not known", input.service);
        return rule("budget_left", Outcome::Inconclusive, "no SLO", &limit, reason);
    }
    let known = input.budgets.iter().filter_map(|budget| Some((budget, budget.remaining?)));
    let worst = known.min_by(|(_, a), (_, b)| a.total_cmp(b));
    let unknown = input.budgets.iter().find(|budget| budget.remaining.is_none());
    // What is known to be overspent blocks, whatever else is not known.
    let (worst, left) = match (worst, unknown) {
        (Some((worst, left)), None) => (worst, left),
        (Some((worst, left)), Some(_)) if left < least => (worst, left),
        (_, unknown) => {
            let slo = unknown.map_or("an objective", |unknown| &*unknown.slo);
            let reason = format!("{slo} has too little data to know its error budget");
            let value = "insufficient data";
            return rule("budget_left", Outcome::Inconclusive, value, &limit, reason);
        }
    };
    let value = format!("{:.1} %", left * 100.0);
    if left >= least {
        return rule(
            "budget_left",
            Outcome::Pass,
            value.clone(),
            &limit,
            format!("{} has {value} of its budget left", worst.slo),
        );
    }
    if input.is_way_back && input.policy.allow_rollback {
        let reason = format!(
            "{} has {value} of its budget left, and this version is the way back",
            worst.slo
        );
        return rule("budget_left", Outcome::Pass, value, &limit, reason);
    }
    let reason =
        format!("{} has {value} of its error budget left; the policy asks for {limit}", worst.slo);
    rule("budget_left", Outcome::Block, value.clone(), &limit, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> GateInput {
        let at = Timestamp::from_secs(1000);
        GateInput {
            service: "checkout".into(),
            version: "2.0.1".into(),
            environment: "prod".into(),
            at,
            budgets: vec![BudgetReading {
                slo: "availability".into(),
                remaining: Some(0.4),
                burning: None,
            }],
            incidents: Vec::new(),
            telemetry_at: Some(at),
            journal_whole: true,
            freezes: Vec::new(),
            is_way_back: false,
            policy: GatePolicy::default(),
        }
    }

    fn incident(service: &str) -> IncidentReading {
        IncidentReading {
            number: "INC-1".into(),
            service: service.into(),
            title: "checkout burns".into(),
        }
    }

    #[track_caller]
    fn check(input: &GateInput, decision: Decision, sentence: &str) {
        let verdict = judge(input);
        assert_eq!((verdict.decision, &*verdict.sentence), (decision, sentence));
        assert_eq!(judge(input), verdict, "a replay gives the same");
    }

    #[test]
    fn allows_what_is_healthy() {
        check(&input(), Decision::Allow, "checkout 2.0.1 in prod is allowed: all 6 rules pass");
        let empty_budget = BudgetReading { remaining: Some(0.0), ..input().budgets[0].clone() };
        let at_the_limit = GateInput { budgets: vec![empty_budget], ..input() };
        assert_eq!(judge(&at_the_limit).decision, Decision::Allow);
    }

    #[test]
    fn blocks_with_every_reason() {
        let budgets = vec![BudgetReading {
            slo: "availability".into(),
            remaining: Some(-0.2),
            burning: Some("20.0x over 1h".into()),
        }];
        let burning = GateInput { budgets, incidents: vec![incident("checkout")], ..input() };
        check(
            &burning,
            Decision::Block,
            "checkout 2.0.1 in prod is blocked: INC-1 is open on it (checkout burns); availability burns 20.0x over 1h; \
             availability has -20.0 % of its error budget left; the policy asks for at least 0.0 %",
        );
        let way_back = GateInput { is_way_back: true, ..burning };
        assert_eq!(judge(&way_back).decision, Decision::Allow);
        let strict = GatePolicy { allow_rollback: false, ..GatePolicy::default() };
        assert_eq!(judge(&GateInput { policy: strict, ..way_back }).decision, Decision::Block);
        let below = GateInput { incidents: vec![incident("payment")], ..input() };
        assert!(judge(&below).sentence.contains("INC-1 is open on payment, which it depends on"));
    }

    #[test]
    fn unknown_is_not_healthy() {
        let silent = GateInput { telemetry_at: None, ..input() };
        check(
            &silent,
            Decision::Inconclusive,
            "checkout 2.0.1 in prod is inconclusive: no telemetry of checkout has ever arrived",
        );
        let late = GateInput { at: Timestamp::from_secs(1301), ..input() };
        assert_eq!(judge(&late).decision, Decision::Inconclusive);
        let incidents = vec![incident("checkout")];
        let broken = GateInput { journal_whole: false, incidents, ..input() };
        check(
            &broken,
            Decision::Inconclusive,
            "checkout 2.0.1 in prod is inconclusive: the journal is broken, so open incidents and freezes are not known for certain",
        );
        let no_slo = GateInput { budgets: Vec::new(), ..input() };
        assert_eq!(judge(&no_slo).decision, Decision::Inconclusive);
        let unknown = BudgetReading { remaining: None, ..input().budgets[0].clone() };
        assert_eq!(
            judge(&GateInput { budgets: vec![unknown.clone()], ..input() }).decision,
            Decision::Inconclusive
        );
        let overspent = BudgetReading { remaining: Some(-0.1), ..unknown.clone() };
        let one_known = GateInput { budgets: vec![unknown, overspent], ..input() };
        assert_eq!(judge(&one_known).decision, Decision::Block);
    }

    #[test]
    fn a_freeze_blocks_the_way_back_too() {
        let freeze = Freeze {
            from: Timestamp::from_secs(900),
            to: Timestamp::from_secs(1100),
            reason: "sale".into(),
            services: vec!["check*".into()],
        };
        let frozen = GateInput { freezes: vec![freeze.clone()], ..input() };
        assert_eq!(judge(&frozen).decision, Decision::Block);
        let after = GateInput { at: Timestamp::from_secs(1100), ..frozen };
        assert_eq!(judge(&after).decision, Decision::Allow);
        let other = Freeze { services: vec!["cart".into()], ..freeze };
        assert_eq!(judge(&GateInput { freezes: vec![other], ..input() }).decision, Decision::Allow);
    }
}
