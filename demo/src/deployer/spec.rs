//! What shall run: each service's version and number of instances.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::topology::Part;

/// More processes than this are no small shop.
const INSTANCES_MAX: u32 = 32;

/// One service of the spec.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceSpec {
    pub(super) version: String,
    pub(super) instances: u32,
}

/// `{"services": {"checkout": {"version": "1.9.0", "instances": 4}}}`; what it does not name runs as usual.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) services: BTreeMap<String, ServiceSpec>,
}

impl Spec {
    pub(super) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                anyhow::anyhow!("cannot read the spec `{}`: {error}", path.display())
            })?,
            None => r#"{"services":{}}"#.to_owned(),
        };
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let Self { mut services } = serde_json::from_str(text)?;
        for (name, service) in &services {
            name.parse::<Part>()?;
            anyhow::ensure!(
                (1..=INSTANCES_MAX).contains(&service.instances),
                "`{name}` has {} instances; 1 to {INSTANCES_MAX} are allowed",
                service.instances
            );
        }
        for part in Part::ALL {
            services.entry(part.name().to_owned()).or_insert_with(|| ServiceSpec {
                version: part.first_version().to_owned(),
                instances: part.instances(),
            });
        }
        Ok(Self { services })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_runs_as_usual() {
        let spec = Spec::parse(r#"{"services":{"cart":{"version":"9","instances":2}}}"#).unwrap();
        assert_eq!(spec.services.len(), Part::ALL.len());
        assert_eq!(spec.services["cart"].instances, 2);
        assert_eq!(
            (spec.services["checkout"].version.as_str(), spec.services["checkout"].instances),
            ("1.9.0", 4)
        );
    }

    #[test]
    fn impossible_specs_are_refused() {
        let refused = |text| Spec::parse(text).unwrap_err().to_string();
        assert!(
            refused(r#"{"services":{"shoes":{"version":"1","instances":1}}}"#)
                .starts_with("`shoes` is no service")
        );
        assert_eq!(
            refused(r#"{"services":{"cart":{"version":"1","instances":0}}}"#),
            "`cart` has 0 instances; 1 to 32 are allowed"
        );
    }
}
