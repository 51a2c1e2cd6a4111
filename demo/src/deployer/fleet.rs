//! All processes of the shop, and who knows whose address.

use std::collections::BTreeMap;

use super::{
    api::{FaultOrder, State},
    child::{Launcher, Running, Start},
    spec::Spec,
};
use crate::{
    cli::log,
    service::{self, Fault},
    topology::Part,
};

#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) launcher: Launcher,
    pub(super) running: BTreeMap<Part, Vec<Running>>,
    /// Each new instance of a service gets the next number.
    numbers: BTreeMap<Part, u32>,
    /// The id that Evenkeel gave the last recorded deploy of a service.
    pub(super) deploys: BTreeMap<String, String>,
}

impl Fleet {
    /// Starts everything, callees first.
    pub(super) async fn start(launcher: Launcher, spec: &Spec) -> anyhow::Result<Self> {
        let mut fleet = Self {
            launcher,
            running: BTreeMap::new(),
            numbers: BTreeMap::new(),
            deploys: BTreeMap::new(),
        };
        for part in Part::ALL {
            let Some(service) = spec.services.get(part.name()) else { continue };
            for _ in 0..service.instances {
                let running = fleet.launch(part, &service.version).await?;
                fleet.running.entry(part).or_default().push(running);
            }
        }
        Ok(fleet)
    }

    /// One more process; nobody calls it yet.
    pub(super) async fn launch(&mut self, part: Part, version: &str) -> anyhow::Result<Running> {
        let number = self.numbers.entry(part).or_default();
        *number += 1;
        let instance = format!("{part}-{number}");
        let peers = part.calls().iter().flat_map(|peer| {
            self.addresses(*peer).into_iter().map(move |address| format!("{peer}={address}"))
        });
        let start = Start { service: part.name(), version, instance, peers: peers.collect() };
        self.launcher.start(start).await
    }

    pub(super) fn addresses(&self, part: Part) -> Vec<String> {
        let running = self.running.get(&part).map_or(&[] as &[Running], Vec::as_slice);
        running.iter().map(|running| running.state.address.clone()).collect()
    }

    /// Tells all who call `part` where it is now, and waits for each to confirm.
    pub(super) async fn announce(&self, part: Part) -> anyhow::Result<()> {
        let order = service::PeerOrder::from([(part.name().to_owned(), self.addresses(part))]);
        for caller in part.callers() {
            for address in self.addresses(caller) {
                let url = format!("{address}/-/peers");
                self.launcher.client().post_json::<serde_json::Value>(&url, &order).await?;
            }
        }
        Ok(())
    }

    pub(super) fn state(&self) -> State {
        let services = self.running.iter().map(|(part, running)| {
            (part.name().to_owned(), running.iter().map(|running| running.state.clone()).collect())
        });
        State { services: services.collect() }
    }

    pub(super) fn last_deploy(&self, service: &str) -> Option<String> {
        self.deploys.get(service).cloned()
    }

    /// Sets or clears a fault in every instance of a service. `provider_down` is the provider's, also when payment is named.
    pub(super) async fn fault(&self, order: &FaultOrder) -> anyhow::Result<()> {
        let fault: Fault = order.fault.parse()?;
        let part =
            if fault == Fault::ProviderDown { Part::Provider } else { order.service.parse()? };
        let body = service::FaultOrder { fault: order.fault.clone(), on: order.on };
        for address in self.addresses(part) {
            let url = format!("{address}/-/fault");
            self.launcher.client().post_json::<serde_json::Value>(&url, &body).await?;
        }
        Ok(())
    }

    /// Starts again what died by itself; what cannot be started now is tried at the next call.
    pub(super) async fn revive(&mut self) {
        for part in Part::ALL {
            let Some(running) = self.running.get_mut(&part) else { continue };
            let Some(position) = running.iter_mut().position(Running::is_dead) else { continue };
            let Some(version) = running.get(position).map(|running| running.state.version.clone())
            else {
                continue;
            };
            let revived = match self.launch(part, &version).await {
                Ok(revived) => revived,
                Err(error) => {
                    log(&format!("cannot start {part} {version} again: {error:#}"));
                    continue;
                }
            };
            if let Some(slot) =
                self.running.get_mut(&part).and_then(|running| running.get_mut(position))
            {
                *slot = revived;
            }
            if let Err(error) = self.announce(part).await {
                log(&format!("cannot tell all callers of {part}: {error:#}"));
            }
        }
    }

    /// Callers first, so that nobody calls who is gone.
    pub(super) async fn stop_all(&mut self) {
        for part in Part::ALL.into_iter().rev() {
            let stops =
                self.running.remove(&part).unwrap_or_default().into_iter().map(Running::stop);
            let mut tasks = tokio::task::JoinSet::new();
            stops.for_each(|stop| {
                tasks.spawn(stop);
            });
            tasks.join_all().await;
        }
    }
}
