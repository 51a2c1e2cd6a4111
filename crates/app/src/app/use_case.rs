//! What can be asked of Evenkeel that takes more than one step.

use alert::{
    delivery::{self, NotificationId, Reason},
    routing::Integration,
};
use deploy::{Deploy, DeployId, GateId, GateRecord, RollbackPlan, automatic::offer};
use incident::Incident;
use model::{Actor, same_environment};
use slo::{Backfilled, Bucket};

use super::App;
use crate::{
    command::{Command, Rejection},
    control::{ControlError, Receipt},
    files::{Problem, RepoFiles, diff::Change},
    gate::{self, Question},
    notify::payload,
    react::{self, automatic},
    record::Fact,
    repo::{self, Candidate},
};

/// What an apply did.
#[derive(Debug)]
pub struct Applied {
    pub hash: [u8; 32],
    /// Number of the fact; `None` when the same configuration was in force already.
    pub seq: Option<u64>,
    pub warnings: Vec<Problem>,
    pub changes: Vec<Change>,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("the production repo has {} problems", .0.len())]
    Problems(Vec<Problem>),
    #[error("cannot store the production repo")]
    Store(#[source] std::io::Error),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Why nothing was back-filled.
#[derive(Debug, thiserror::Error)]
pub enum BackfillUseError {
    #[error(transparent)]
    Backfill(#[from] slo::BackfillError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Why nothing is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    #[error("no deploy has the id `{0}`")]
    UnknownDeploy(DeployId),
    #[error("this cannot be rolled back: {0}")]
    NotOffered(deploy::WhyNot),
    #[error(
        "the server's configuration allows no rollback of `{service}`; add one under `acts.rollback` of evenkeel.yaml"
    )]
    NotAllowed { service: Box<str> },
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Why no test page was sent.
#[derive(Debug, thiserror::Error)]
pub enum TestPageError {
    #[error("routing.yaml has no receiver `{receiver}`; it has {known}")]
    UnknownReceiver { receiver: Box<str>, known: String },
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl App {
    /// Checks, stores and applies a production repo: all of it or nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing changed.
    pub async fn apply(&self, files: RepoFiles, by: Actor) -> Result<Applied, ApplyError> {
        let _one = self.applying.lock().await;
        let in_force = self.control.world().repo.clone();
        let candidate = Candidate::new(files, &in_force).map_err(ApplyError::Problems)?;
        let hash = candidate.repo.hash;
        repo::store(&self.options.repo_store, &candidate.files, &hash)
            .map_err(ApplyError::Store)?;
        let command = Command::ApplyConfig {
            files: u64::try_from(candidate.files.files.len()).unwrap_or(u64::MAX),
            changes: candidate.sentences(),
            services: candidate.services(&in_force),
            repo: candidate.repo.clone(),
            by: by.clone(),
        };
        let receipt = self.control.order(by, command).await?;
        let seq = receipt.facts.first().map(|(seq, _)| *seq);
        *self.config_damage.lock() = None;
        if seq.is_some() || in_force.hash != hash {
            self.stores.counters.lock().reconfigure(candidate.repo.slos.clone());
            self.stores.watch_counted();
            self.telemetry.checkpoint_soon();
            self.warn_of_missing_fallback();
        }
        Ok(Applied { hash, seq, warnings: candidate.warnings, changes: candidate.changes })
    }

    /// A fallback that does not exist would be found out in the worst moment.
    pub(super) fn warn_of_missing_fallback(&self) {
        let world = self.control.world();
        let Some(name) = world.fallback.as_deref() else { return };
        let routing = world.repo.routing.as_ref();
        if routing.is_none_or(|routing| routing.receiver(name).is_none()) {
            tracing::warn!(
                receiver = name,
                "`notify.fallback_receiver` is not a receiver of routing.yaml; pages have no fallback"
            );
        }
    }

    /// The document of the production repo in force that declares an SLO; reads the disk.
    pub fn slo_source(&self, name: &str) -> Option<repo::DocumentSource> {
        let hash = self.control.state().config()?.hash;
        match repo::load_files(&self.options.repo_store, &hash) {
            Ok(files) => repo::slo_source(&files, name),
            Err(error) => {
                tracing::warn!(%error, "the document of an SLO cannot be shown");
                None
            }
        }
    }

    /// What an apply would change.
    ///
    /// # Errors
    /// The repo's problems, when one of them is an error.
    pub fn diff(&self, files: RepoFiles) -> Result<Candidate, Vec<Problem>> {
        Candidate::new(files, &self.control.world().repo)
    }

    /// Adds counts of the time before; acknowledged once the fact that holds them is written.
    ///
    /// # Errors
    /// When the SLO is not known or the buckets do not fit; nothing was counted.
    pub async fn backfill(
        &self,
        slo: &str,
        source: &str,
        buckets: Vec<Bucket>,
        by: Actor,
    ) -> Result<(Backfilled, u64), BackfillUseError> {
        let now = self.clock.now();
        self.stores.counters.lock().check_backfill(slo, source, &buckets, now)?;
        let command = Command::Backfill {
            slo: slo.into(),
            source: source.into(),
            buckets: buckets.clone(),
            by: by.clone(),
        };
        let receipt = self.control.order(by, command).await?;
        // A fact first, then the counts: after a restart they are counted from the fact.
        let done = self.stores.counters.lock().backfill(slo, source, &buckets, now)?;
        // Counts in a checkpoint that names an earlier fact are back-filled again after a restart, which changes nothing.
        self.backfilled_seq.fetch_max(receipt.seq, std::sync::atomic::Ordering::AcqRel);
        Ok((done, receipt.seq))
    }

    /// Asks the gate; the verdict is a fact.
    ///
    /// # Errors
    /// When the control thread has stopped.
    pub async fn gate(
        &self,
        question: &Question,
        by: Actor,
    ) -> Result<(GateRecord, u64), ControlError> {
        let now = self.clock.now();
        let (heard_at, evaluations) = {
            let counters = self.stores.counters.lock();
            let heard_at =
                counters.presence().last_seen(&question.service, Some(&question.environment));
            (heard_at, counters.evaluate(now))
        };
        // Whose metrics name no service speaks by the SLOs that they feed.
        let fed_at = evaluations.iter().filter(|one| {
            let own = one.environment.as_deref().unwrap_or_default();
            one.service == question.service && same_environment(own, &question.environment)
        });
        let telemetry_at = fed_at.filter_map(|one| one.telemetry_at).chain(heard_at).max();
        let whole = self.control.health().is_whole();
        let (input, config_hash) = {
            let state = self.control.state();
            let world = self.control.world();
            let seen = gate::Seen {
                state: &state,
                world: &world,
                evaluations: &evaluations,
                telemetry_at,
                journal_whole: whole,
            };
            let input = gate::input(question, &seen, now);
            (input, state.config().map(|config| config.hash))
        };
        let id: GateId = self.mint.lock().id(now);
        let command = deploy::Command::Gate { id, input, config_hash, by: by.clone() };
        let receipt = self.control.order(by, Command::Deploy(command)).await?;
        let record = self.control.state().deploys.verdict(id).cloned();
        record.map(|record| (record, receipt.seq)).ok_or(ControlError::Stopped)
    }

    /// The fact of a verdict, with its number; reads the disk.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn gate_record(
        &self,
        id: GateId,
    ) -> Result<Option<(u64, deploy::Fact)>, journal::ReadError> {
        let query = journal::Query {
            kind_prefix: Some("gate.decided".into()),
            subject: Some(id.to_string().into()),
            limit: 1,
            ..journal::Query::default()
        };
        let page = self.reader.read(&query)?;
        let found = page.records.first().and_then(|record| match Fact::read(record) {
            Ok(Some(Fact::Deploy(fact))) => Some((record.seq, fact)),
            _ => None,
        });
        Ok(found)
    }

    /// What a person may undo now for this deploy, with what would run.
    ///
    /// # Errors
    /// What stands against it.
    pub fn rollback_offer(
        &self,
        id: DeployId,
    ) -> Result<(RollbackPlan, Deploy, String), RollbackError> {
        let state = self.control.state();
        let deploy = state.deploys.deploy(id).ok_or(RollbackError::UnknownDeploy(id))?;
        let world = self.control.world();
        let policy = react::policy(&world.repo, &deploy.service, &deploy.environment);
        let plan = offer(&state.deploys, &policy, deploy).map_err(RollbackError::NotOffered)?;
        let act = self
            .acts
            .rollback(&deploy.service, &deploy.environment)
            .ok_or_else(|| RollbackError::NotAllowed { service: deploy.service.clone() })?;
        let command = act.command(&plan);
        Ok((plan, deploy.clone(), command))
    }

    /// A person rolls back a deploy.
    ///
    /// # Errors
    /// What stands against it; nothing runs then.
    pub async fn roll_back(
        &self,
        id: DeployId,
        incident: Option<Box<str>>,
        reason: &str,
        by: Actor,
    ) -> Result<Receipt, RollbackError> {
        let (plan, _, command) = self.rollback_offer(id)?;
        let request = deploy::Command::RequestAct {
            id: self.mint.lock().id(self.clock.now()),
            plan,
            incident,
            automatic: false,
            reason: reason.into(),
            command: command.into(),
            by: by.clone(),
        };
        Ok(self.control.order(by, Command::Deploy(request)).await?)
    }

    /// Why the incident's first suspect is not rolled back without asking; `None` when it is.
    pub fn not_automatic(&self, incident: &Incident) -> Option<String> {
        let suspect = incident.suspects.first()?;
        let world = self.control.world();
        let state = self.control.state();
        let now = self.clock.now();
        automatic(&state, &world.repo, &self.acts, suspect, now).err()
    }

    /// Queues a test page to each channel of a receiver.
    ///
    /// # Errors
    /// When there is no such receiver.
    pub async fn test_page(
        &self,
        receiver: &str,
        by: Actor,
    ) -> Result<(Vec<NotificationId>, u64), TestPageError> {
        let now = self.clock.now();
        let commands = {
            let world = self.control.world();
            let routing = world.repo.routing.as_ref();
            let found =
                routing.and_then(|routing| routing.receiver(receiver)).ok_or_else(|| {
                    let names = routing
                        .into_iter()
                        .flat_map(|routing| routing.receivers())
                        .map(|one| format!("`{}`", one.name));
                    let known = names.collect::<Vec<_>>().join(", ");
                    let known = if known.is_empty() {
                        "none: apply a production repo with one".to_owned()
                    } else {
                        known
                    };
                    TestPageError::UnknownReceiver { receiver: receiver.into(), known }
                })?;
            let mut mint = self.mint.lock();
            let queue = |(at, to): (u32, &Integration)| {
                let destination = delivery::Destination {
                    receiver: found.name.clone(),
                    integration: at,
                    channel: delivery::Channel::of(to),
                    target: to.target().into(),
                    send_resolved: to.send_resolved(),
                    max_alerts: to.max_alerts(),
                    group_by: alert::routing::GroupBy::All,
                    timings: alert::routing::Timings::default(),
                };
                let payload = payload::test(self.external_url(), &destination, now);
                (mint.id(now), destination, payload)
            };
            (0..).zip(&found.integrations).map(queue).collect::<Vec<_>>()
        };
        let (mut ids, mut last) = (Vec::new(), 0);
        for (notification, destination, payload) in commands {
            let subject = format!("[TEST] a test page to {}", destination.receiver);
            let command = delivery::Command::Queue {
                notification,
                incident: None,
                destination,
                reason: Reason::Test,
                subject: subject.into(),
                payload: payload.into(),
                told: None,
            };
            last = self.control.order(by.clone(), Command::Delivery(command)).await?.seq;
            ids.push(notification);
        }
        Ok((ids, last))
    }

    /// Gives one command to a context.
    ///
    /// # Errors
    /// When it is rejected, or the control thread has stopped.
    pub async fn order(&self, command: Command, by: Actor) -> Result<Receipt, ControlError> {
        self.control.order(by, command).await
    }

    /// A new id.
    pub fn id<K>(&self) -> model::Id<K> {
        self.mint.lock().id(self.clock.now())
    }
}

impl ControlError {
    /// Whether the order was understood and refused.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Stopped => None,
        }
    }
}
