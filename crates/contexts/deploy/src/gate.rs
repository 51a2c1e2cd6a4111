//! The gate: may this version go there now?
//!
//! Every rule says *pass*, *block* or *inconclusive*, with the value that it saw and its limit. Unknown never passes: one
//! inconclusive rule makes the verdict inconclusive, unless another blocks. A verdict is a fact that holds its whole
//! input, so that [`replay`] comes to the same one years later.
//!
//! **Invariant:** [`evaluate`] is a function of its input alone.

mod rules;
#[cfg(test)]
mod tests;

use model::{Id, IdKind, Timestamp};

use crate::{fact::Fact, policy::GatePolicy, record::Freeze};

/// The kind of [`VerdictId`].
#[derive(Debug)]
pub enum VerdictKind {}

impl IdKind for VerdictKind {
    const PREFIX: &'static str = "gat";
}

pub type VerdictId = Id<VerdictKind>;

/// How an objective stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BudgetState {
    Ok,
    Burning,
    Exhausted,
    InsufficientData,
}

/// The error budget of one objective of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetInput {
    pub slo: Box<str>,
    /// 1 is untouched, 0 is spent, below 0 is overspent; `None` is unknown.
    pub remaining: Option<f64>,
    pub state: BudgetState,
}

/// An objective that burns now.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnInput {
    pub slo: Box<str>,
    /// Such as `1h and 5m`.
    pub pair: Box<str>,
    /// Times the rate that spends the budget in exactly its window.
    pub rate: f64,
    /// The rate from which it burns.
    pub threshold: f64,
}

/// How an open incident relates to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It is on the service.
    Own,
    /// It is on what the service calls, directly or not.
    Dependency,
}

/// An open incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentInput {
    /// The incident's id as text.
    pub id: Box<str>,
    pub number: u32,
    pub service: Box<str>,
    pub relation: Relation,
    pub title: Box<str>,
}

/// All that the gate looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct GateInput {
    pub service: Box<str>,
    pub version: Box<str>,
    pub environment: Box<str>,
    pub at: Timestamp,
    /// Every objective of the service.
    pub budgets: Vec<BudgetInput>,
    pub burning: Vec<BurnInput>,
    pub open_incidents: Vec<IncidentInput>,
    /// When any signal of the service came last.
    pub telemetry_last_seen: Option<Timestamp>,
    /// Whether the journal verifies; over a broken one every verdict is inconclusive.
    pub journal_whole: bool,
    /// Declared by people and by the policy; those that do not cover this deploy are ignored.
    pub freezes: Vec<Freeze>,
    /// The policy's name, for the record.
    pub policy_name: Box<str>,
    pub policy: GatePolicy,
    /// The version that ran there before the one that runs now ([`crate::State::known_good`]).
    pub rollback_target: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    Allow,
    Block,
    Inconclusive,
}

impl Decision {
    pub const ALL: [Self; 3] = [Self::Allow, Self::Block, Self::Inconclusive];

    /// `allow`, `block`, `inconclusive`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The exit code of a client that asked: 0, 1, 8.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Block => 1,
            Self::Inconclusive => 8,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The journal verifies.
    Journal,
    /// Telemetry of the service comes in.
    Telemetry,
    /// No incident is open on the service or on what it depends on.
    Incident,
    /// No objective burns now.
    Burning,
    /// Every objective has budget left.
    Budget,
    /// No freeze is in force.
    Freeze,
}

impl Rule {
    pub const ALL: [Self; 6] =
        [Self::Journal, Self::Telemetry, Self::Incident, Self::Burning, Self::Budget, Self::Freeze];

    /// `journal`, `telemetry`, `incident`, `burning`, `budget`, `freeze`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Telemetry => "telemetry",
            Self::Incident => "incident",
            Self::Burning => "burning",
            Self::Budget => "budget",
            Self::Freeze => "freeze",
        }
    }
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleResult {
    Pass,
    Block,
    Inconclusive,
    /// The policy switched it off.
    Off,
}

impl RuleResult {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Block, Self::Inconclusive, Self::Off];

    /// `pass`, `block`, `inconclusive`, `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
            Self::Inconclusive => "inconclusive",
            Self::Off => "off",
        }
    }
}

/// A rule's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOutcome {
    pub rule: Rule,
    pub result: RuleResult,
    /// What it saw.
    pub value: Box<str>,
    /// What it asks for.
    pub limit: Box<str>,
    /// A clause, such as `INC-1 is open on checkout`.
    pub reason: Box<str>,
}

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    /// One sentence, the same in API, CLI and page.
    pub sentence: Box<str>,
    /// In the order of [`Rule::ALL`].
    pub rules: Vec<RuleOutcome>,
}

/// Why a fact does not replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("`{kind}` is not a gate's verdict; only `gate.decided` can be replayed")]
    NotAVerdict { kind: &'static str },
    #[error("the verdict on record reads `{recorded}`; its input gives `{replayed}`")]
    Differs { recorded: Box<str>, replayed: Box<str> },
}

/// Judges.
pub fn evaluate(input: &GateInput) -> Verdict {
    let rules: Vec<_> = Rule::ALL.into_iter().map(|rule| rules::outcome(rule, input)).collect();
    let any = |result| rules.iter().any(|outcome| outcome.result == result);
    let decision = if !input.journal_whole {
        Decision::Inconclusive
    } else if any(RuleResult::Block) {
        Decision::Block
    } else if any(RuleResult::Inconclusive) {
        Decision::Inconclusive
    } else {
        Decision::Allow
    };
    let sentence = sentence(input, decision, &rules).into();
    Verdict { decision, sentence, rules }
}

fn sentence(input: &GateInput, decision: Decision, rules: &[RuleOutcome]) -> String {
    let what = match &*input.environment {
        "" => format!("{} {}", input.service, input.version),
        environment => format!("{} {} to {environment}", input.service, input.version),
    };
    let because = |result| {
        let reasons = rules.iter().filter(|outcome| outcome.result == result);
        reasons.map(|outcome| &*outcome.reason).collect::<Vec<_>>().join("; ")
    };
    match decision {
        Decision::Allow => {
            let passed = rules.iter().filter(|one| one.result == RuleResult::Pass).count();
            let exemption = rules::exemption(input)
                .filter(|exemption| rules.iter().any(|outcome| *outcome.reason == **exemption));
            match exemption {
                Some(exemption) => format!("allowed: {what}, since {exemption}"),
                None => format!("allowed: {what}; {passed} of {passed} rules pass"),
            }
        }
        Decision::Block => format!("blocked: {what}, because {}", because(RuleResult::Block)),
        Decision::Inconclusive => {
            format!("inconclusive: {what}, because {}", because(RuleResult::Inconclusive))
        }
    }
}

/// Judges the input of a verdict on record again.
///
/// # Errors
/// [`ReplayError::Differs`] when it comes out otherwise: the record was changed, or the rules were.
pub fn replay(fact: &Fact) -> Result<Verdict, ReplayError> {
    let Fact::GateDecided { input, verdict, .. } = fact else {
        return Err(ReplayError::NotAVerdict { kind: fact.kind() });
    };
    let replayed = evaluate(input);
    if replayed != *verdict {
        return Err(ReplayError::Differs {
            recorded: verdict.sentence.clone(),
            replayed: replayed.sentence,
        });
    }
    Ok(replayed)
}
