//! The deployer's own HTTP API, as both sides see it.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

/// How many of a service's instances get the version.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Rounded up.
    Half,
    #[default]
    All,
}

/// `text` is no scope.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no share of the instances; write `half` or `all`")]
pub(crate) struct UnknownScope {
    text: String,
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match text {
            "half" => Ok(Self::Half),
            "all" => Ok(Self::All),
            _ => Err(UnknownScope { text: text.to_owned() }),
        }
    }
}

impl Scope {
    /// Of `instances`, how many.
    pub(super) const fn count(self, instances: usize) -> usize {
        match self {
            Self::Half => instances.div_ceil(2),
            Self::All => instances,
        }
    }
}

/// `POST /deploy`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployOrder {
    pub(crate) service: String,
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) scope: Scope,
    #[serde(default)]
    pub(crate) skip_gate: bool,
}

/// `POST /rollback`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackOrder {
    pub(crate) service: String,
    pub(crate) to: String,
}

/// `POST /fault`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultOrder {
    pub(crate) service: String,
    pub(crate) fault: String,
    pub(crate) on: bool,
}

/// What a deploy or a rollback did.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Done {
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) previous_version: String,
    /// Instances that were replaced.
    pub(crate) rolled: usize,
    pub(crate) instances: usize,
}

impl Done {
    pub(crate) fn sentence(&self) -> String {
        match self.rolled {
            0 => format!("all instances of {} already run {}", self.service, self.version),
            rolled => format!(
                "{rolled} of {} instances of {} now run {}",
                self.instances, self.service, self.version
            ),
        }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) sentence: String,
}

/// `GET /state`
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct State {
    pub(crate) services: BTreeMap<String, Vec<InstanceState>>,
}

/// One process.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct InstanceState {
    pub(crate) instance: String,
    pub(crate) version: String,
    pub(crate) address: String,
    pub(crate) pid: Option<u32>,
}

impl State {
    pub(crate) fn addresses_of(&self, service: &str) -> Vec<String> {
        self.instances_of(service).iter().map(|instance| instance.address.clone()).collect()
    }

    pub(crate) fn versions_of(&self, service: &str) -> Vec<&str> {
        self.instances_of(service).iter().map(|instance| instance.version.as_str()).collect()
    }

    fn instances_of(&self, service: &str) -> &[InstanceState] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_rounds_up() {
        assert_eq!([4, 3, 1].map(|instances| Scope::Half.count(instances)), [2, 2, 1]);
        assert_eq!(Scope::All.count(4), 4);
    }

    #[test]
    fn orders_have_defaults_and_refuse_unknown_fields() {
        let order: DeployOrder =
            serde_json::from_str(r#"{"service":"cart","version":"2.4.0"}"#).unwrap();
        assert_eq!((order.scope, order.skip_gate), (Scope::All, false));
        assert!(
            serde_json::from_str::<RollbackOrder>(r#"{"service":"cart","to":"2","why":"x"}"#)
                .is_err()
        );
        assert_eq!(
            "third".parse::<Scope>().unwrap_err().to_string(),
            "`third` is no share of the instances; write `half` or `all`"
        );
    }
}
