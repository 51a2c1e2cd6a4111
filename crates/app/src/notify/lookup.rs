//! Where receivers are: looked up within seconds, and where the name service fails, as it last said.

use std::{collections::BTreeMap, error::Error, net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

/// A name service that takes longer counts as failed.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer stands in for one that does not come.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// Names of which the answer is kept; more are looked up and forgotten.
const NAMES_MAX: usize = 1000;

type Answer = Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>>;

/// Names, when each was last found, and where.
type Kept = BTreeMap<Box<str>, (Instant, Vec<SocketAddr>)>;

/// The system's name service, and its last answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup(Arc<Mutex<Kept>>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let asked = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((name, 0))).await;
            let found: Answer = match asked {
                Ok(Ok(found)) => Ok(found.collect()),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(format!("no address within {} s", TIMEOUT.as_secs()).into()),
            };
            let addresses = this.known(name, found, Instant::now())?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Lookup {
    /// What was found, else what was found last.
    fn known(&self, name: &str, found: Answer, now: Instant) -> Answer {
        let mut kept = self.0.lock();
        kept.retain(|_, (at, _)| now.saturating_duration_since(*at) < KEPT_FOR);
        match found {
            Ok(found) if !found.is_empty() => {
                if kept.len() < NAMES_MAX || kept.contains_key(name) {
                    kept.insert(name.into(), (now, found.clone()));
                }
                Ok(found)
            }
            nothing => kept.get(name).map_or(nothing, |(_, last)| Ok(last.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_stands_in_for_an_hour() {
        let (lookup, start) = (Lookup::default(), Instant::now());
        let address: SocketAddr = "192.0.2.7:0".parse().unwrap();
        let check = |name: &str, found: Answer, secs: u64| {
            lookup.known(name, found, start + Duration::from_secs(secs)).ok()
        };
        let fails = || Err("no such host".into());
        assert_eq!(check("a", fails(), 0), None);
        assert_eq!(check("a", Ok(vec![address]), 0), Some(vec![address]));
        assert_eq!(check("a", fails(), 3599), Some(vec![address]));
        assert_eq!(check("b", fails(), 3599), None);
        assert_eq!(check("a", fails(), 3600), None);
    }
}
