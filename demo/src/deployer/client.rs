//! The deployer as its users see it: the command line, the load generator and the stories.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::api::{DeployOrder, Done, FaultOrder, Refusal, RollbackOrder, State};
use crate::net::{Client, excerpt};

/// A roll of four instances takes a few seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Deployer {
    base: String,
    client: Client,
}

impl Deployer {
    /// `address` is a URL, or `@FILE` where FILE holds one.
    pub(crate) fn at(address: &str) -> anyhow::Result<Self> {
        let base = match address.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                anyhow::anyhow!("cannot read the deployer's address from `{path}`: {error}")
            })?,
            None => address.to_owned(),
        };
        Ok(Self {
            base: base.trim().trim_end_matches('/').to_owned(),
            client: Client::new(TIMEOUT),
        })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn state(&self) -> anyhow::Result<State> {
        self.client.get_json(&format!("{}/state", self.base)).await
    }

    /// The inner error is the gate's refusal.
    pub(crate) async fn deploy(
        &self,
        order: &DeployOrder,
    ) -> anyhow::Result<Result<Done, Refusal>> {
        let response = self.client.post(&format!("{}/deploy", self.base), order).await?;
        match response.status() {
            StatusCode::OK => Ok(Ok(serde_json::from_slice(response.body())?)),
            StatusCode::CONFLICT => Ok(Err(serde_json::from_slice(response.body())?)),
            status => anyhow::bail!("the deployer answered {status}: {}", excerpt(response.body())),
        }
    }

    pub(crate) async fn rollback(&self, service: &str, to: &str) -> anyhow::Result<Done> {
        let order = RollbackOrder { service: service.to_owned(), to: to.to_owned() };
        self.client.post_json(&format!("{}/rollback", self.base), &order).await
    }

    pub(crate) async fn fault(&self, service: &str, fault: &str, on: bool) -> anyhow::Result<()> {
        let order = FaultOrder { service: service.to_owned(), fault: fault.to_owned(), on };
        self.client.post_json::<Value>(&format!("{}/fault", self.base), &order).await?;
        Ok(())
    }
}
