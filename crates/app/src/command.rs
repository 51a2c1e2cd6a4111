//! What can be asked, whoever asks.

use std::sync::Arc;

use model::{Actor, Timestamp};
use slo::Bucket;

use crate::{
    files::Repo,
    record::{Fact, OwnFact},
    state::State,
};

/// Buckets of one fact: some 1.5 MiB.
const BUCKETS_IN_FACT_MAX: usize = 20_000;

/// A command to one of the contexts, or to `app` itself.
#[derive(Clone, Debug)]
pub enum Command {
    Alert(alert::Command),
    Delivery(alert::delivery::Command),
    Incident(incident::Command),
    Deploy(deploy::Command),
    /// Puts a production repo into force; its files are stored already. The same one again changes nothing.
    ApplyConfig {
        repo: Arc<Repo>,
        files: u64,
        changes: Vec<Box<str>>,
        services: Vec<Box<str>>,
        by: Actor,
    },
    /// Records counts from before; checked against the counters already.
    Backfill {
        slo: Box<str>,
        source: Box<str>,
        buckets: Vec<Bucket>,
        by: Actor,
    },
    ClockStepped {
        from: Timestamp,
        to: Timestamp,
    },
}

/// Why a command was refused. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error(transparent)]
    Alert(alert::Rejection),
    #[error(transparent)]
    Delivery(alert::delivery::Rejection),
    #[error(transparent)]
    Incident(incident::Rejection),
    #[error(transparent)]
    Deploy(deploy::Rejection),
    #[error("it is more than the journal takes")]
    TooLarge(#[source] journal::AppendError),
    #[error("the disk is full, so nothing was recorded; make room, then try again")]
    DiskFull,
    #[error(
        "the journal is broken, so nothing is acted upon; see `evenkeel journal verify`, then `accept-break`"
    )]
    JournalBroken,
}

impl Command {
    /// The facts that it leads to; none when all is so already.
    pub(crate) fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
        fn wrap<F>(facts: Vec<F>, of: fn(F) -> Fact) -> Vec<Fact> {
            facts.into_iter().map(of).collect()
        }
        match self {
            Self::Alert(command) => alert::decide(&state.alerts, command, now)
                .map(|facts| wrap(facts, Fact::Alert))
                .map_err(Rejection::Alert),
            Self::Delivery(command) => alert::delivery::decide(&state.deliveries, command, now)
                .map(|facts| wrap(facts, Fact::Delivery))
                .map_err(Rejection::Delivery),
            Self::Incident(command) => incident::decide(&state.incidents, command, now)
                .map(|facts| wrap(facts, Fact::Incident))
                .map_err(Rejection::Incident),
            Self::Deploy(command) => deploy::decide(&state.deploys, command, now)
                .map(|facts| wrap(facts, Fact::Deploy))
                .map_err(Rejection::Deploy),
            Self::ApplyConfig { repo, files, changes, services, by } => {
                if state.config().is_some_and(|config| config.hash == repo.hash) {
                    return Ok(Vec::new());
                }
                Ok(vec![Fact::Own(OwnFact::ConfigApplied {
                    hash: repo.hash,
                    files: *files,
                    changes: changes.clone(),
                    services: services.clone(),
                    at: now,
                    by: by.clone(),
                })])
            }
            Self::Backfill { slo, source, buckets, by } => {
                let fact = |buckets: &[Bucket]| {
                    Fact::Own(OwnFact::SloBackfilled {
                        slo: slo.clone(),
                        source: source.clone(),
                        buckets: buckets.to_vec(),
                        at: now,
                        by: by.clone(),
                    })
                };
                Ok(buckets.chunks(BUCKETS_IN_FACT_MAX).map(fact).collect())
            }
            Self::ClockStepped { from, to } => {
                Ok(vec![Fact::Own(OwnFact::ClockStepped { from: *from, to: *to, at: now })])
            }
        }
    }

    /// Whether it starts something with power, which needs a whole journal.
    pub(crate) fn is_act(&self) -> bool {
        matches!(
            self,
            Self::Deploy(deploy::Command::RequestAct { .. } | deploy::Command::StartAct { .. })
        )
    }
}
