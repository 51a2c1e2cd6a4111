//! Evenkeel's public API as a story uses it. What a story does not look at is not read.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::net::Client;

/// An answer takes milliseconds; this is for a machine that is very busy.
const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Slo {
    pub(super) state: String,
    #[serde(default)]
    pub(super) reason: String,
}

#[derive(Clone, Debug, Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct IncidentSummary {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) service: String,
    pub(super) status: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) summary: IncidentSummary,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) alerts: Vec<Alert>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) suspects: Vec<Suspect>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) acts: Vec<Act>,
    pub(super) recovery: Option<Recovery>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Alert {
    pub(super) service: String,
    #[serde(default)]
    pub(super) joined_because: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Suspect {
    pub(super) kind: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) service: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) evidence: Vec<Evidence>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Evidence {
    pub(super) sentence: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Act {
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) state: String,
    pub(super) outcome: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recovery {
    pub(super) passed: bool,
    #[serde(default)]
    pub(super) sentence: String,
}

/// A fact that a notification was queued.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Queued {
    pub(super) payload: Notification,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Notification {
    pub(super) notification: String,
    pub(super) incident: Option<String>,
    pub(super) reason: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Verdict {
    pub(super) outcome: String,
    pub(super) sentence: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Postmortem {
    pub(super) markdown: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) timeline: Vec<PostmortemEvent>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PostmortemEvent {
    pub(super) sentence: String,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Clone, Debug)]
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
            client: Client::new(TIMEOUT),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.client.get_json(&format!("{}{path}", self.base)).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        self.client.post_json(&format!("{}{path}", self.base), body).await
    }

    pub(super) async fn slo(&self, name: &str) -> anyhow::Result<Slo> {
        self.get(&format!("/slos/{name}")).await
    }

    /// The SLO's answer to history, as it comes.
    pub(super) async fn backfill(&self, slo: &str, body: &Value) -> anyhow::Result<Value> {
        self.post(&format!("/slos/{slo}/backfill"), body).await
    }

    pub(super) async fn open_incidents(&self) -> anyhow::Result<Vec<IncidentSummary>> {
        let list: List<IncidentSummary> = self.get("/incidents?status=open").await?;
        Ok(list.items)
    }

    /// Open and resolved ones.
    pub(super) async fn all_incidents(&self) -> anyhow::Result<Vec<IncidentSummary>> {
        let list: List<IncidentSummary> = self.get("/incidents").await?;
        Ok(list.items)
    }

    /// What was queued to be sent, from the journal.
    pub(super) async fn queued(&self) -> anyhow::Result<Vec<Queued>> {
        let list: List<Queued> = self.get("/journal?kind=notification.queued&limit=1000").await?;
        Ok(list.items)
    }

    pub(super) async fn incident(&self, id: &str) -> anyhow::Result<Incident> {
        self.get(&format!("/incidents/{id}")).await
    }

    pub(super) async fn gate(&self, service: &str, version: &str) -> anyhow::Result<Verdict> {
        let question =
            json!({"service": service, "version": version, "environment": self.environment});
        self.post("/gate/check", &question).await
    }

    /// Says what was done against an incident; its recovery is measured from then on.
    pub(super) async fn mitigated(&self, incident: &str, text: &str) -> anyhow::Result<()> {
        let update = json!({"text": text, "status": "monitoring"});
        self.post::<Value>(&format!("/incidents/{incident}/updates"), &update).await?;
        Ok(())
    }

    /// The draft that there is; nobody asks for one.
    pub(super) async fn postmortem(&self, incident: &str) -> anyhow::Result<Postmortem> {
        self.get(&format!("/incidents/{incident}/postmortem")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_in_an_answer_does_not_matter() {
        let incident: Incident = serde_json::from_value(json!({
            "summary": {"id": "inc_1", "title": "t", "service": "checkout", "status": "investigating", "assignee": null},
            "suspects": null,
            "acts": [{"kind": "rollback", "title": "t", "state": "started", "outcome": null, "by": {}}],
            "recovery": null,
            "a_new_field": 1,
        }))
        .unwrap();
        assert!(incident.suspects.is_empty() && incident.recovery.is_none());
        assert_eq!(incident.acts[0].state, "started");
    }
}
