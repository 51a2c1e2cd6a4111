//! All deploys, freezes, verdicts and acts, as the facts so far have them.

use std::collections::BTreeMap;

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId, ActStatus},
    gate::{Decision, VerdictId},
    record::{Deploy, DeployId, Freeze, FreezeId, Place},
};

/// A verdict as the state remembers it; the fact has its input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KnownVerdict {
    pub(crate) place: Place,
    pub(crate) version: Box<str>,
    pub(crate) decision: Decision,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_by: Option<DeployId>,
}

/// What runs at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Current {
    pub(crate) version: Box<str>,
    /// The deploy that brought it.
    pub(crate) deploy: DeployId,
    /// When it came.
    pub(crate) since: Timestamp,
    /// What runs is an older version again, by an act.
    pub(crate) went_back: bool,
}

/// A function of the facts in order; read by its methods, changed by [`crate::apply`] alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(crate) deploys: BTreeMap<DeployId, Deploy>,
    /// In the order in which they were recorded.
    pub(crate) order: Vec<DeployId>,
    pub(crate) current: BTreeMap<Place, Current>,
    pub(crate) by_key: BTreeMap<Box<str>, DeployId>,
    pub(crate) keys: BTreeMap<DeployId, Box<str>>,
    pub(crate) freezes: BTreeMap<FreezeId, (Freeze, Actor)>,
    pub(crate) verdicts: BTreeMap<VerdictId, KnownVerdict>,
    pub(crate) acts: BTreeMap<ActId, Act>,
}

impl State {
    pub fn deploy(&self, id: DeployId) -> Option<&Deploy> {
        self.deploys.get(&id)
    }

    /// All deploys in memory, in the order in which they were recorded.
    pub fn deploys(&self) -> impl DoubleEndedIterator<Item = &Deploy> {
        self.order.iter().filter_map(|id| self.deploys.get(id))
    }

    /// The version that runs there, as far as is on record.
    pub fn current_version(&self, service: &str, environment: &str) -> Option<&str> {
        self.current_at(&Place::new(service, environment)).map(|current| &*current.version)
    }

    /// The deploy that brought what runs there. After a rollback by an act this is still the deploy taken back, unless the
    /// deployer told of one of its own.
    pub fn current_deploy(&self, service: &str, environment: &str) -> Option<&Deploy> {
        self.current_at(&Place::new(service, environment)).and_then(|one| self.deploy(one.deploy))
    }

    /// Every place and the version that runs there.
    pub fn running(&self) -> impl Iterator<Item = (&Place, &str)> {
        self.current.iter().map(|(place, current)| (place, &*current.version))
    }

    pub(crate) fn current_at(&self, place: &Place) -> Option<&Current> {
        self.current.get(place)
    }

    /// The version that may always go there: the one before what runs now, or, after a rollback, what runs now.
    pub fn known_good(&self, service: &str, environment: &str) -> Option<&str> {
        let current = self.current_at(&Place::new(service, environment))?;
        let deploy = self.deploy(current.deploy)?;
        if current.went_back || deploy.rolls_back.is_some() {
            return Some(&current.version);
        }
        deploy.previous.as_deref()
    }

    /// Deploys on these services since `from` (when they happened), the oldest first.
    pub fn deploys_since(
        &self,
        from: Timestamp,
        concerns: impl Fn(&Place) -> bool,
    ) -> Vec<&Deploy> {
        let mut found: Vec<_> =
            self.deploys().filter(|one| one.at >= from && concerns(&one.place)).collect();
        found.sort_by_key(|deploy| (deploy.at, deploy.id));
        found
    }

    pub fn freeze(&self, id: FreezeId) -> Option<&Freeze> {
        self.freezes.get(&id).map(|(freeze, _)| freeze)
    }

    /// Declared by people, in force or ahead; those that are over leave when the next one comes.
    pub fn freezes(&self) -> impl Iterator<Item = (&Freeze, &Actor)> {
        self.freezes.values().map(|(freeze, by)| (freeze, by))
    }

    /// What a verdict decided, and until when it may be used.
    pub fn verdict(&self, id: VerdictId) -> Option<(Decision, Timestamp)> {
        self.verdicts.get(&id).map(|verdict| (verdict.decision, verdict.expires_at))
    }

    pub fn act(&self, id: ActId) -> Option<&Act> {
        self.acts.get(&id)
    }

    /// All acts in memory, in the order of their ids.
    pub fn acts(&self) -> impl DoubleEndedIterator<Item = &Act> {
        self.acts.values()
    }

    /// Acts that were asked for and not started: the executor's queue.
    pub fn acts_to_start(&self) -> impl Iterator<Item = &Act> {
        self.acts().filter(|act| act.status == ActStatus::Requested)
    }

    /// The act that is requested or started on a place.
    pub fn act_in_flight(&self, service: &str, environment: &str) -> Option<&Act> {
        self.acts().find(|act| {
            act.status.is_in_flight()
                && *act.place.service == *service
                && *act.place.environment == *environment
        })
    }
}
