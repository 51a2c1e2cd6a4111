//! Evenkeel as the deployer knows it: a gate to ask and a journal to tell.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::{fleet::Fleet, roll::Rolled};
use crate::{cli::log, net::Client};

/// How often a record is tried.
const RECORD_ATTEMPTS: u32 = 5;
/// Between two attempts; longer each time.
const RECORD_PAUSE: Duration = Duration::from_millis(300);

/// What the gate said.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Verdict {
    outcome: String,
    pub(super) sentence: String,
}

impl Verdict {
    /// Only a clear yes; inconclusive is none.
    pub(super) fn allows(&self) -> bool {
        self.outcome == "allow"
    }
}

#[derive(Debug, Deserialize)]
struct Recorded {
    id: String,
}

#[derive(Debug)]
pub(super) struct Evenkeel {
    base: String,
    environment: String,
    client: Client,
}

impl Evenkeel {
    pub(super) fn new(base: &str, environment: &str) -> Self {
        Self {
            base: format!("{}/evenkeel/v1", base.trim_end_matches('/')),
            environment: environment.to_owned(),
            client: Client::new(Duration::from_secs(5)),
        }
    }

    pub(super) async fn gate(&self, service: &str, version: &str) -> anyhow::Result<Verdict> {
        let question =
            json!({"service": service, "version": version, "environment": self.environment});
        self.client.post_json(&format!("{}/gate/check", self.base), &question).await
    }

    /// Tells of a deploy that happened, `undone` being the one that it rolls back. The deploy stands even if nobody can be told.
    pub(super) async fn record(&self, fleet: &mut Fleet, rolled: &Rolled, undone: Option<String>) {
        let at = jiff::Timestamp::try_from(rolled.started).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let body = json!({
            "service": rolled.service,
            "environment": self.environment,
            "version": rolled.version,
            "previous_version": rolled.previous_version,
            "at": at.to_string(),
            "idempotency_key": format!("{}-{}-{}", rolled.service, rolled.version, at.as_nanosecond()),
            "rolls_back": undone,
        });
        let url = format!("{}/deploys", self.base);
        for attempt in 1..=RECORD_ATTEMPTS {
            match self.client.post_json::<Recorded>(&url, &body).await {
                Ok(recorded) => {
                    fleet.deploys.insert(rolled.service.clone(), recorded.id);
                    return;
                }
                Err(error) => {
                    log(&format!("cannot record the deploy of {}: {error:#}", rolled.service))
                }
            }
            tokio::time::sleep(RECORD_PAUSE * attempt).await;
        }
    }
}
