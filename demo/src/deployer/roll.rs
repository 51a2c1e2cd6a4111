//! Replacing instances one by one, without a request that fails.

use std::time::{Duration, SystemTime};

use super::{
    api::{DeployOrder, Done, RollbackOrder},
    fleet::Fleet,
};
use crate::{cli::log, topology::Part};

/// After all callers know better, what they had sent before is given this long.
const SETTLE: Duration = Duration::from_millis(200);
/// The customers ask where web is once a second.
const SETTLE_WEB: Duration = Duration::from_millis(2_500);

/// Why a roll did not happen, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum RollError {
    #[error("`{service}` is no service that runs here")]
    UnknownService { service: String },
    #[error("cannot start {version} of {service}; its other instances stay as they are")]
    Start {
        service: String,
        version: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a roll did.
#[derive(Debug)]
pub(super) struct Rolled {
    pub(super) service: String,
    pub(super) version: String,
    pub(super) previous_version: String,
    pub(super) started: SystemTime,
    replaced: usize,
    instances: usize,
}

impl Rolled {
    pub(super) fn changed(&self) -> bool {
        self.replaced > 0
    }

    pub(super) fn done(&self) -> Done {
        Done {
            service: self.service.clone(),
            version: self.version.clone(),
            previous_version: self.previous_version.clone(),
            rolled: self.replaced,
            instances: self.instances,
        }
    }
}

impl Fleet {
    /// Brings a version to some of the instances, those on other versions first.
    pub(super) async fn deploy(&mut self, order: &DeployOrder) -> Result<Rolled, RollError> {
        let part = self.part(&order.service)?;
        let count = order.scope.count(self.addresses(part).len());
        self.roll(part, &order.version, count).await
    }

    /// Brings a version to all instances that do not run it.
    pub(super) async fn roll_back(&mut self, order: &RollbackOrder) -> Result<Rolled, RollError> {
        let part = self.part(&order.service)?;
        let count = self.addresses(part).len();
        self.roll(part, &order.to, count).await
    }

    fn part(&self, service: &str) -> Result<Part, RollError> {
        let known = service.parse::<Part>().ok().filter(|part| self.running.contains_key(part));
        known.ok_or_else(|| RollError::UnknownService { service: service.to_owned() })
    }

    /// Until `count` instances run `version`.
    async fn roll(&mut self, part: Part, version: &str, count: usize) -> Result<Rolled, RollError> {
        let versions: Vec<String> = self.versions(part);
        let others: Vec<usize> =
            (0..versions.len()).filter(|position| versions[*position] != version).collect();
        let already = versions.len() - others.len();
        let previous_version =
            others.first().map_or(version, |position| &versions[*position]).to_owned();
        let started = SystemTime::now();
        let mut replaced = 0;
        for position in others.into_iter().take(count.saturating_sub(already)) {
            self.replace(part, position, version).await.map_err(|source| RollError::Start {
                service: part.name().to_owned(),
                version: version.to_owned(),
                source: source.into(),
            })?;
            replaced += 1;
        }
        Ok(Rolled {
            service: part.name().to_owned(),
            version: version.to_owned(),
            previous_version,
            started,
            replaced,
            instances: versions.len(),
        })
    }

    fn versions(&self, part: Part) -> Vec<String> {
        let running = self.running.get(&part).into_iter().flatten();
        running.map(|running| running.state.version.clone()).collect()
    }

    /// New one up, callers told, old one down, in this order.
    async fn replace(&mut self, part: Part, position: usize, version: &str) -> anyhow::Result<()> {
        let new = self.launch(part, version).await?;
        let slot = self.running.get_mut(&part).and_then(|running| running.get_mut(position));
        let slot = slot.ok_or_else(|| anyhow::anyhow!("{part} has no instance {position}"))?;
        let old = std::mem::replace(slot, new);
        if let Err(error) = self.announce(part).await {
            // A caller that does not answer is dead and learns the addresses when it is started again.
            log(&format!("cannot tell all callers of {part}: {error:#}"));
        }
        tokio::time::sleep(if part == Part::Web { SETTLE_WEB } else { SETTLE }).await;
        // Its last export must not hold up the roll.
        tokio::spawn(old.stop());
        Ok(())
    }
}
