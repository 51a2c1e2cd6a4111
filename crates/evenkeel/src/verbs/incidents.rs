//! `evenkeel incident …`, `postmortem draft` and `notify test`.

use serde::Serialize;
use server::wire::api::{
    Accepted, AcknowledgeRequest, AssignRequest, Incident, IncidentList, IncidentStatus,
    Postmortem, ResolveRequest, RollbackRequest, Severity, SeverityRequest, TestNotificationAnswer,
    TestNotificationRequest, Timeline, UpdateRequest,
};

use crate::{
    cli::{IncidentVerb, PostmortemVerb, Remote},
    client::{Client, segment},
    exit::{Exit, Failure},
    output::{self, Human, or_dash, table},
};

pub(super) async fn run(
    client: &Client,
    remote: &Remote,
    verb: IncidentVerb,
) -> Result<Exit, Failure> {
    match verb {
        IncidentVerb::List { status } => {
            let query: Vec<_> = status.map(|status| ("status", status)).into_iter().collect();
            output::print(
                remote.output,
                &client.get::<IncidentList>("evenkeel/v1/incidents", &query).await?,
            )?;
        }
        IncidentVerb::Get { id } => {
            output::print(remote.output, &get::<Incident>(client, &id, "").await?)?
        }
        IncidentVerb::Timeline { id } => {
            output::print(remote.output, &get::<Timeline>(client, &id, "/timeline").await?)?;
        }
        IncidentVerb::Ack { id, note } => {
            change(client, remote, &id, "acknowledge", &AcknowledgeRequest { note }).await?;
        }
        IncidentVerb::Assign { id, assignee } => {
            change(client, remote, &id, "assign", &AssignRequest { assignee }).await?;
        }
        IncidentVerb::Update { id, text, status, mitigation } => {
            let status = status.as_deref().map(parse_status).transpose()?;
            change(client, remote, &id, "updates", &UpdateRequest { text, status, mitigation })
                .await?;
        }
        IncidentVerb::Rollback { id, reason } => {
            let incident: Incident = get(client, &id, "").await?;
            let offer = incident.rollback.ok_or_else(|| {
                Failure::text(
                    Exit::Conflict,
                    format!("incident `{id}` offers no rollback: no suspect deploy can be undone"),
                )
            })?;
            change(
                client,
                remote,
                &id,
                "rollback",
                &RollbackRequest { deploy: offer.deploy.id, reason },
            )
            .await?;
        }
        IncidentVerb::Severity { id, severity, reason } => {
            let severity = parse_severity(&severity)?;
            change(client, remote, &id, "severity", &SeverityRequest { severity, reason }).await?;
        }
        IncidentVerb::Resolve { id, reason } => {
            change(client, remote, &id, "resolve", &ResolveRequest { reason }).await?;
        }
    }
    Ok(Exit::Ok)
}

pub(super) async fn postmortem(
    client: &Client,
    remote: &Remote,
    verb: PostmortemVerb,
) -> Result<Exit, Failure> {
    let PostmortemVerb::Draft { id } = verb;
    let path = format!("evenkeel/v1/incidents/{}/postmortem", segment(&id));
    output::print(remote.output, &client.post::<Postmortem>(&path, &serde_json::json!({})).await?)?;
    Ok(Exit::Ok)
}

pub(super) async fn test_page(
    client: &Client,
    remote: &Remote,
    receiver: String,
) -> Result<Exit, Failure> {
    let request = TestNotificationRequest { receiver };
    let answer: TestNotificationAnswer =
        client.post("evenkeel/v1/notifications/test", &request).await?;
    output::print(remote.output, &answer)?;
    Ok(Exit::Ok)
}

async fn get<T: serde::de::DeserializeOwned>(
    client: &Client,
    id: &str,
    rest: &str,
) -> Result<T, Failure> {
    client.get(&format!("evenkeel/v1/incidents/{}{rest}", segment(id)), &[]).await
}

async fn change(
    client: &Client,
    remote: &Remote,
    id: &str,
    verb: &str,
    body: &impl Serialize,
) -> Result<(), Failure> {
    let path = format!("evenkeel/v1/incidents/{}/{verb}", segment(id));
    output::print(remote.output, &client.post::<Accepted>(&path, body).await?)
}

fn parse_severity(text: &str) -> Result<Severity, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "sev1" => Ok(Severity::Sev1),
        "sev2" => Ok(Severity::Sev2),
        "sev3" => Ok(Severity::Sev3),
        "sev4" => Ok(Severity::Sev4),
        _ => Err(Failure::text(
            Exit::Usage,
            format!("`{text}` is not a severity; write SEV1, SEV2, SEV3 or SEV4"),
        )),
    }
}

fn parse_status(text: &str) -> Result<IncidentStatus, Failure> {
    match text {
        "investigating" => Ok(IncidentStatus::Investigating),
        "identified" => Ok(IncidentStatus::Identified),
        "monitoring" => Ok(IncidentStatus::Monitoring),
        _ => Err(Failure::text(
            Exit::Usage,
            format!(
                "`{text}` is not a status; write `investigating`, `identified` or `monitoring`"
            ),
        )),
    }
}

impl Human for IncidentList {
    fn human(&self) -> String {
        table(
            ["ID", "SEVERITY", "STATUS", "SERVICE", "ENV", "OPENED", "ACKNOWLEDGED", "TITLE"],
            self.items.iter().map(|incident| {
                [
                    incident.id.clone(),
                    format!("{:?}", incident.severity).to_uppercase(),
                    format!("{:?}", incident.status).to_lowercase(),
                    incident.service.clone(),
                    incident.environment.clone(),
                    incident.opened_at.clone(),
                    or_dash(incident.acknowledged.as_ref().map(|ack| ack.by.id.as_str())),
                    incident.title.clone(),
                ]
            }),
        )
    }
}

impl Human for Incident {
    fn human(&self) -> String {
        let summary = &self.summary;
        let mut text = format!(
            "{} {:?} {:?}: {}\n{}\n",
            summary.id, summary.severity, summary.status, summary.title, summary.impact.sentence
        );
        for suspect in &self.suspects {
            text += &format!("\n{}. {}\n", suspect.rank, suspect.title);
            for evidence in &suspect.evidence {
                text += &format!("   {}\n", evidence.sentence);
            }
        }
        for act in &self.acts {
            text += &format!(
                "\n{}: {:?} ({})\n",
                act.title,
                act.state,
                or_dash(act.outcome.as_deref())
            );
        }
        if let Some(recovery) = &self.recovery {
            text += &format!("\n{}\n", recovery.sentence);
        }
        if let Some(offer) = &self.rollback {
            text += &format!(
                "\ncan be rolled back: {} {} -> {} ({})\n",
                offer.deploy.service, offer.from_version, offer.to_version, offer.effect
            );
        }
        let deliveries = self.deliveries.iter().map(|delivery| {
            [
                delivery.receiver.clone(),
                delivery.target.clone(),
                delivery.subject.clone(),
                format!("{:?}", delivery.state).to_lowercase(),
                delivery.attempts.len().to_string(),
            ]
        });
        text + "\n" + &table(["TOLD", "TARGET", "WHAT", "STATE", "ATTEMPTS"], deliveries)
    }
}

impl Human for Timeline {
    fn human(&self) -> String {
        table(
            ["AT", "WHAT", "WHO"],
            self.entries.iter().map(|entry| {
                [
                    entry.fact.occurred_at.clone(),
                    entry.sentence.clone(),
                    entry.fact.actor.id.clone(),
                ]
            }),
        )
    }
}

impl Human for Postmortem {
    fn human(&self) -> String {
        self.markdown.clone()
    }
}

impl Human for TestNotificationAnswer {
    fn human(&self) -> String {
        self.notifications.join("\n")
    }
}
