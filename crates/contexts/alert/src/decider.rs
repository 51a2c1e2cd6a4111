//! Which burns are alerts: a pair that crosses fires once, and resolves once.
//!
//! The workbook's alert resolves when either window is below its threshold. [`KEEP_FIRING`](crate::KEEP_FIRING) folds
//! what swings around it, and a judgement of which too little is known resolves nothing.
//!
//! **Invariant:** at most one alert fires for a [`Key`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{Labels, Timestamp};

use crate::{AlertId, Evidence, Judgement, Key, Severity, Verdict};

/// How many resolved alerts the state remembers; the journal has all.
pub const RESOLVED_KEPT_MAX: usize = 1000;

/// An alert as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    pub alert: AlertId,
    pub key: Key,
    pub service: Box<str>,
    pub environment: Option<Box<str>>,
    pub severity: Severity,
    /// As of when it fired.
    pub evidence: Evidence,
    pub summary: Box<str>,
    pub labels: Labels,
    pub crossed_at: Timestamp,
    pub fired_at: Timestamp,
    pub resolved: Option<(Timestamp, ResolveReason)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(crate) firing: BTreeMap<AlertId, AlertRecord>,
    pub(crate) by_key: BTreeMap<Key, AlertId>,
    /// Oldest first.
    pub(crate) resolved: VecDeque<AlertRecord>,
}

impl State {
    /// All alerts that fire, by id: oldest first.
    pub fn firing(&self) -> impl ExactSizeIterator<Item = &AlertRecord> {
        self.firing.values()
    }

    /// The last [`RESOLVED_KEPT_MAX`] alerts that resolved, oldest first.
    pub fn resolved(&self) -> impl DoubleEndedIterator<Item = &AlertRecord> {
        self.resolved.iter()
    }

    pub fn is_firing(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// The alert that fires for `key`.
    pub fn of(&self, key: &Key) -> Option<&AlertRecord> {
        self.firing.get(self.by_key.get(key)?)
    }

    /// A firing alert, or one that resolved lately.
    pub fn get(&self, alert: AlertId) -> Option<&AlertRecord> {
        let resolved = || self.resolved.iter().rev().find(|record| record.alert == alert);
        self.firing.get(&alert).or_else(resolved)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A round of judgements as [`Pending::track`](crate::Pending::track) hands them on.
    Judge {
        judgements: Vec<Judgement>,
        /// One for each judgement that is crossed.
        ids: Vec<AlertId>,
    },
    /// These SLOs, by name, are all that there are: the alerts of others resolve.
    Retain { slos: BTreeSet<Box<str>> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveReason {
    /// At least one window no longer exceeds the threshold.
    Clear,
    /// The SLO is no longer configured.
    SloRemoved,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Fired {
        alert: AlertId,
        key: Key,
        service: Box<str>,
        environment: Option<Box<str>>,
        severity: Severity,
        evidence: Evidence,
        summary: Box<str>,
        labels: Labels,
        /// When the windows that crossed were read.
        crossed_at: Timestamp,
        at: Timestamp,
    },
    Resolved {
        alert: AlertId,
        reason: ResolveReason,
        /// Absent when it was not the windows that resolved it.
        evidence: Option<Evidence>,
        at: Timestamp,
    },
}

/// Why a command is refused; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("cannot judge: {needed} alerts would fire and there are {given} ids")]
    TooFewIds { needed: usize, given: usize },
    #[error("cannot fire alert `{alert}`: the id is taken")]
    IdTaken { alert: AlertId },
}

/// The facts that follow from `command`; none when all is as it was.
///
/// # Errors
/// See [`Rejection`].
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::Judge { judgements, ids } => judge(state, judgements, ids, now),
        Command::Retain { slos } => {
            let gone = state.firing().filter(|record| !slos.contains(&record.key.slo));
            Ok(gone
                .map(|record| resolved(record.alert, ResolveReason::SloRemoved, None, now))
                .collect())
        }
    }
}

fn judge(
    state: &State,
    judgements: &[Judgement],
    ids: &[AlertId],
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let mut facts = Vec::new();
    let mut decided = BTreeSet::new();
    let mut used = 0;
    for judgement in judgements {
        if !decided.insert(&judgement.key) {
            continue;
        }
        match (judgement.verdict, state.of(&judgement.key)) {
            (Verdict::Crossed, None) => {
                facts.extend(ids.get(used).map(|alert| fired(*alert, judgement, now)));
                used += 1;
            }
            (Verdict::Clear, Some(record)) if judgement.is_clear_for_long() => {
                let evidence = Some(judgement.evidence);
                facts.push(resolved(record.alert, ResolveReason::Clear, evidence, now));
            }
            _ => {}
        }
    }
    if used > ids.len() {
        return Err(Rejection::TooFewIds { needed: used, given: ids.len() });
    }
    let ids = &ids[..used];
    let mut fresh = BTreeSet::new();
    match ids.iter().find(|alert| state.get(**alert).is_some() || !fresh.insert(**alert)) {
        Some(alert) => Err(Rejection::IdTaken { alert: *alert }),
        None => Ok(facts),
    }
}

fn fired(alert: AlertId, judgement: &Judgement, now: Timestamp) -> Fact {
    Fact::Fired {
        alert,
        key: judgement.key.clone(),
        service: judgement.service.clone(),
        environment: judgement.environment.clone(),
        severity: judgement.severity,
        evidence: judgement.evidence,
        summary: judgement.summary.clone(),
        labels: judgement.labels.clone(),
        crossed_at: judgement.at,
        at: now,
    }
}

fn resolved(
    alert: AlertId,
    reason: ResolveReason,
    evidence: Option<Evidence>,
    now: Timestamp,
) -> Fact {
    Fact::Resolved { alert, reason, evidence, at: now }
}

/// Takes a fact into the state. A fact that does not fit is passed over: the journal may hold what an older build wrote.
pub fn apply(state: &mut State, fact: &Fact) {
    match fact {
        Fact::Fired {
            alert,
            key,
            service,
            environment,
            severity,
            evidence,
            summary,
            labels,
            crossed_at,
            at,
        } => {
            let record = AlertRecord {
                alert: *alert,
                key: key.clone(),
                service: service.clone(),
                environment: environment.clone(),
                severity: *severity,
                evidence: *evidence,
                summary: summary.clone(),
                labels: labels.clone(),
                crossed_at: *crossed_at,
                fired_at: *at,
                resolved: None,
            };
            if !state.is_firing(key) {
                state.by_key.insert(key.clone(), *alert);
                state.firing.insert(*alert, record);
            }
        }
        Fact::Resolved { alert, reason, at, .. } => {
            let Some(mut record) = state.firing.remove(alert) else { return };
            state.by_key.remove(&record.key);
            record.resolved = Some((*at, *reason));
            if state.resolved.len() >= RESOLVED_KEPT_MAX {
                state.resolved.pop_front();
            }
            state.resolved.push_back(record);
        }
    }
}

#[cfg(test)]
mod tests;
