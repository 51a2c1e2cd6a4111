//! Deploys, verdicts and acts as the facts so far have them.

use std::{collections::BTreeMap, time::Duration};

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId},
    gate::{GateId, GateInput, Verdict},
    limits::KEPT_MAX,
    record::{Deploy, DeployId, DeployStatus},
};

/// A service in an environment.
pub type Key = (Box<str>, Box<str>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(crate) deploys: BTreeMap<DeployId, Deploy>,
    /// The newest deploy of each service, by the time at which it happened.
    pub(crate) newest: BTreeMap<Key, DeployId>,
    pub(crate) by_idempotency_key: BTreeMap<Box<str>, DeployId>,
    pub(crate) verdicts: BTreeMap<GateId, GateRecord>,
    pub(crate) acts: BTreeMap<ActId, Act>,
}

/// A verdict as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct GateRecord {
    pub id: GateId,
    pub input: GateInput,
    pub verdict: Verdict,
    pub config_hash: Option<[u8; 32]>,
    /// After this it is stale.
    pub expires_at: Timestamp,
    pub by: Actor,
}

impl State {
    /// Oldest first, by id.
    pub fn deploys(&self) -> impl DoubleEndedIterator<Item = &Deploy> {
        self.deploys.values()
    }

    pub fn deploy(&self, id: DeployId) -> Option<&Deploy> {
        self.deploys.get(&id)
    }

    /// What runs now, as far as deploys were recorded.
    pub fn newest(&self, service: &str, environment: &str) -> Option<&Deploy> {
        self.newest.get(&(service.into(), environment.into())).and_then(|id| self.deploys.get(id))
    }

    /// The newest deploy of one version that has started and not come to its end.
    pub fn under_way(&self, service: &str, environment: &str, version: &str) -> Option<&Deploy> {
        self.last_of(service, environment, version)
            .filter(|deploy| deploy.status == DeployStatus::Started)
    }

    /// The latest deploy of one version.
    pub fn last_of(&self, service: &str, environment: &str, version: &str) -> Option<&Deploy> {
        self.deploys
            .values()
            .filter(|deploy| {
                &*deploy.version == version
                    && &*deploy.service == service
                    && &*deploy.environment == environment
            })
            .max_by_key(|deploy| deploy.at)
    }

    pub fn by_idempotency_key(&self, key: &str) -> Option<&Deploy> {
        self.by_idempotency_key.get(key).and_then(|id| self.deploys.get(id))
    }

    /// Oldest first, by id.
    pub fn verdicts(&self) -> impl DoubleEndedIterator<Item = &GateRecord> {
        self.verdicts.values()
    }

    pub fn verdict(&self, id: GateId) -> Option<&GateRecord> {
        self.verdicts.get(&id)
    }

    /// Oldest first, by id.
    pub fn acts(&self) -> impl DoubleEndedIterator<Item = &Act> {
        self.acts.values()
    }

    pub fn act(&self, id: ActId) -> Option<&Act> {
        self.acts.get(&id)
    }

    /// The act on this service that has not ended.
    pub fn open_act(&self, service: &str, environment: &str) -> Option<&Act> {
        self.acts.values().find(|act| {
            act.is_open() && &*act.service == service && &*act.environment == environment
        })
    }

    /// How many automatic acts on this service were asked for within the last hour.
    pub fn automatic_acts_within_hour(
        &self,
        service: &str,
        environment: &str,
        now: Timestamp,
    ) -> usize {
        let hour = Duration::from_secs(3600);
        self.acts
            .values()
            .filter(|act| {
                act.automatic && &*act.service == service && &*act.environment == environment
            })
            .filter(|act| now.since(act.requested_at) < hour)
            .count()
    }

    pub(crate) fn act_mut(&mut self, id: ActId) -> Option<&mut Act> {
        self.acts.get_mut(&id)
    }

    pub(crate) fn add_deploy(&mut self, deploy: Deploy) {
        self.undo(deploy.rolls_back, deploy.status);
        let key = (deploy.service.clone(), deploy.environment.clone());
        // A deploy reported late does not become what runs now, nor does one that failed.
        let newer = self
            .newest
            .get(&key)
            .and_then(|id| self.deploys.get(id))
            .is_none_or(|last| last.at <= deploy.at)
            && deploy.status != DeployStatus::Failed;
        if newer {
            self.newest.insert(key, deploy.id);
        }
        if let Some(key) = &deploy.idempotency_key {
            self.by_idempotency_key.insert(key.clone(), deploy.id);
        }
        self.deploys.insert(deploy.id, deploy);
        if self.deploys.len() > KEPT_MAX {
            let current: Vec<DeployId> = self.newest.values().copied().collect();
            if let Some(id) = self.deploys.keys().find(|id| !current.contains(id)).copied() {
                self.deploys.remove(&id);
                self.by_idempotency_key.retain(|_, own| *own != id);
            }
        }
    }

    /// One that failed is not what runs now: that is the newest of the others.
    pub(crate) fn finish_deploy(
        &mut self,
        id: DeployId,
        status: DeployStatus,
        at: Timestamp,
        key: Option<&str>,
    ) {
        let Some(deploy) = self.deploys.get_mut(&id) else { return };
        (deploy.status, deploy.finished_at) = (status, Some(at));
        let (undone, place) =
            (deploy.rolls_back, (deploy.service.clone(), deploy.environment.clone()));
        self.undo(undone, status);
        if let Some(key) = key {
            self.by_idempotency_key.insert(key.into(), id);
        }
        if status == DeployStatus::Failed && self.newest.get(&place) == Some(&id) {
            let others = self.deploys.values().filter(|other| {
                (&other.service, &other.environment) == (&place.0, &place.1)
                    && other.status != DeployStatus::Failed
            });
            match others.max_by_key(|other| (other.at, other.id)).map(|other| other.id) {
                Some(before) => self.newest.insert(place, before),
                None => self.newest.remove(&place),
            };
        }
    }

    /// A rollback undoes a deploy once it is live: one under way may still fail.
    fn undo(&mut self, undone: Option<DeployId>, rollback: DeployStatus) {
        if rollback == DeployStatus::Live
            && let Some(undone) = undone.and_then(|id| self.deploys.get_mut(&id))
        {
            undone.status = DeployStatus::RolledBack;
        }
    }

    pub(crate) fn add_verdict(&mut self, verdict: GateRecord) {
        self.verdicts.insert(verdict.id, verdict);
        if self.verdicts.len() > KEPT_MAX {
            self.verdicts.pop_first();
        }
    }

    pub(crate) fn add_act(&mut self, act: Act) {
        self.acts.insert(act.id, act);
        if self.acts.len() > KEPT_MAX
            && let Some(id) = self.acts.values().find(|act| !act.is_open()).map(|act| act.id)
        {
            self.acts.remove(&id);
        }
    }
}
