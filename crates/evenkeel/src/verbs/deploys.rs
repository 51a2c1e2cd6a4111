//! `evenkeel deploy …` and `evenkeel gate check`.

use server::wire::api::{
    Accepted, DeployList, GateCheckRequest, GateOutcome, GateReplay, GateVerdict,
    RecordDeployRequest,
};

use crate::{
    cli::{DeployVerb, GateVerb, RecordArgs, Remote},
    client::{Client, segment},
    exit::{Exit, Failure},
    output::{self, Human, or_dash, table},
};

pub(super) async fn run(
    client: &Client,
    remote: &Remote,
    verb: DeployVerb,
) -> Result<Exit, Failure> {
    match verb {
        DeployVerb::Record(args) => {
            let accepted: Accepted = client.post("evenkeel/v1/deploys", &request(args)).await?;
            output::print(remote.output, &accepted)?;
        }
        DeployVerb::List { service, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(service.map(|service| ("service", service)));
            output::print(
                remote.output,
                &client.get::<DeployList>("evenkeel/v1/deploys", &query).await?,
            )?;
        }
    }
    Ok(Exit::Ok)
}

fn request(args: RecordArgs) -> RecordDeployRequest {
    RecordDeployRequest {
        service: args.service,
        environment: args.environment,
        version: args.version,
        previous_version: args.previous_version,
        state: args.state.map(Into::into),
        at: args.at,
        url: args.url,
        idempotency_key: args.idempotency_key,
        rolls_back: args.rolls_back,
        gate: args.gate,
    }
}

pub(super) async fn gate(
    client: &Client,
    remote: &Remote,
    verb: GateVerb,
) -> Result<Exit, Failure> {
    let (service, version, environment) = match verb {
        GateVerb::Check { service, version, environment } => (service, version, environment),
        GateVerb::Replay { verdict } => return replay(client, remote, &verdict).await,
    };
    let request = GateCheckRequest { service, version, environment };
    let verdict: GateVerdict = client.post("evenkeel/v1/gate/check", &request).await?;
    output::print(remote.output, &verdict)?;
    Ok(match verdict.outcome {
        GateOutcome::Allow => Exit::Ok,
        GateOutcome::Block => Exit::Failed,
        GateOutcome::Inconclusive => Exit::Inconclusive,
    })
}

async fn replay(client: &Client, remote: &Remote, verdict: &str) -> Result<Exit, Failure> {
    let path = format!("evenkeel/v1/gate/verdicts/{}/replay", segment(verdict));
    let replayed: GateReplay = client.post(&path, &serde_json::json!({})).await?;
    output::print(remote.output, &replayed)?;
    Ok(if replayed.same { Exit::Ok } else { Exit::Failed })
}

impl Human for GateReplay {
    fn human(&self) -> String {
        let how = if self.same {
            "the same comes out again".to_owned()
        } else {
            format!("now it comes out otherwise: {}", self.sentence)
        };
        format!("{}\n\n{how}", self.recorded.human())
    }
}

impl Human for Accepted {
    fn human(&self) -> String {
        format!("{} (fact {})", self.id, self.seq)
    }
}

impl Human for DeployList {
    fn human(&self) -> String {
        table(
            ["ID", "SERVICE", "ENV", "VERSION", "BEFORE", "STATE", "AT", "BY"],
            self.items.iter().map(|deploy| {
                [
                    deploy.id.clone(),
                    deploy.service.clone(),
                    deploy.environment.clone(),
                    deploy.version.clone(),
                    or_dash(deploy.previous_version.as_deref()),
                    format!("{:?}", deploy.state).to_lowercase(),
                    deploy.started_at.clone(),
                    deploy.by.id.clone(),
                ]
            }),
        )
    }
}

impl Human for GateVerdict {
    fn human(&self) -> String {
        let rules = self.rules.iter().map(|rule| {
            let outcome = format!("{:?}", rule.outcome).to_lowercase();
            [
                rule.name.clone(),
                outcome,
                rule.value.clone(),
                rule.limit.clone(),
                rule.reason.clone(),
            ]
        });
        let until = self.expires_at.as_deref().map(|at| format!(", holds until {at}"));
        format!(
            "{}\n\n{}\n\n{}{}",
            self.sentence,
            table(["RULE", "OUTCOME", "VALUE", "LIMIT", "REASON"], rules),
            self.id,
            until.unwrap_or_default(),
        )
    }
}
