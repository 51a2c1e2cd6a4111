//! Which environment is meant when nobody says so.

use std::collections::BTreeSet;

use super::App;

/// The environment of a service of which no environment is known.
pub const DEFAULT_ENVIRONMENT: &str = "prod";

/// A service runs in several environments, and none was named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service} is known in {}; say which environment is meant", list(.known))]
pub struct AmbiguousEnvironment {
    pub service: Box<str>,
    pub known: BTreeSet<Box<str>>,
}

impl App {
    /// The environment that is asked for; where none is, the only one in which the service is known.
    ///
    /// # Errors
    /// When several are known.
    pub fn environment(
        &self,
        service: &str,
        asked: Option<&str>,
    ) -> Result<Box<str>, AmbiguousEnvironment> {
        match asked {
            Some(asked) => Ok(asked.into()),
            None => choose(service, self.known_environments(service)),
        }
    }

    /// Where telemetry, objectives and deploys say that the service runs.
    fn known_environments(&self, service: &str) -> BTreeSet<Box<str>> {
        let mut known = BTreeSet::new();
        {
            let counters = self.stores.counters.lock();
            let heard = counters.presence().iter().filter(|(name, ..)| *name == service);
            known.extend(heard.map(|(_, environment, ..)| environment.into()));
        }
        let world = self.control.world();
        let slos = world.repo.slos.iter().filter(|slo| *slo.service == *service);
        known.extend(slos.filter_map(|slo| slo.environment.clone()));
        let state = self.control.state();
        let deploys = state.deploys.deploys().filter(|deploy| *deploy.service == *service);
        known.extend(deploys.map(|deploy| deploy.environment.clone()));
        known
    }
}

fn choose(service: &str, mut known: BTreeSet<Box<str>>) -> Result<Box<str>, AmbiguousEnvironment> {
    // Telemetry that names no environment says nothing about which.
    known.remove("");
    if known.len() > 1 {
        return Err(AmbiguousEnvironment { service: service.into(), known });
    }
    Ok(known.pop_first().unwrap_or_else(|| DEFAULT_ENVIRONMENT.into()))
}

fn list(known: &BTreeSet<Box<str>>) -> String {
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_environment_that_is_known_is_meant() {
        let check = |known: &[&str], expected: &str| {
            let known = known.iter().map(|name| Box::from(*name)).collect();
            let said = choose("cart", known).unwrap_or_else(|error| error.to_string().into());
            assert_eq!(&*said, expected);
        };
        check(&[], "prod");
        check(&[""], "prod");
        check(&["", "production"], "production");
        check(
            &["production", "staging"],
            "cart is known in `production`, `staging`; say which environment is meant",
        );
    }
}
