//! `evenkeel slo …`.

use std::{io::Read, path::Path};

use anyhow::Context;
use server::wire::api::{BackfillAnswer, BackfillRequest, Slo, SloList};

use crate::{
    cli::{Remote, SloVerb},
    client::{Client, segment},
    exit::{Exit, Failure},
    output::{self, Human, duration, or_dash, percent, table},
};

pub(super) async fn run(client: &Client, remote: &Remote, verb: SloVerb) -> Result<Exit, Failure> {
    match verb {
        SloVerb::List => {
            output::print(remote.output, &client.get::<SloList>("evenkeel/v1/slos", &[]).await?)?
        }
        SloVerb::Get { name } => {
            let slo: Slo = client.get(&format!("evenkeel/v1/slos/{}", segment(&name)), &[]).await?;
            output::print(remote.output, &slo)?;
        }
        SloVerb::Backfill { name, file } => {
            let request = read(&file).map_err(|error| Failure::new(Exit::Usage, error))?;
            let path = format!("evenkeel/v1/slos/{}/backfill", segment(&name));
            output::print(remote.output, &client.post::<BackfillAnswer>(&path, &request).await?)?;
        }
    }
    Ok(Exit::Ok)
}

fn read(file: &Path) -> anyhow::Result<BackfillRequest> {
    let name = file.display();
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?
    };
    serde_json::from_str(&text)
        .with_context(|| format!("`{name}` is not a back-fill; see evenkeel slo backfill --help"))
}

impl Human for BackfillAnswer {
    fn human(&self) -> String {
        format!(
            "{} buckets added, {} were there already (fact {})",
            self.accepted, self.skipped, self.seq
        )
    }
}

impl Human for SloList {
    fn human(&self) -> String {
        table(
            [
                "STATE",
                "NAME",
                "SERVICE",
                "OBJECTIVE",
                "SLI",
                "BUDGET LEFT",
                "BURN 1H",
                "EXHAUSTED IN",
            ],
            self.items.iter().map(|slo| {
                [
                    format!("{:?}", slo.state).to_lowercase(),
                    slo.name.clone(),
                    slo.service.clone(),
                    percent(Some(slo.objective)),
                    percent(slo.sli),
                    percent(slo.budget.left_ratio),
                    rate(slo.burns.first().and_then(|burn| burn.long.burn)),
                    duration(slo.time_to_exhaustion_seconds),
                ]
            }),
        )
    }
}

impl Human for Slo {
    fn human(&self) -> String {
        let burns = self.burns.iter().map(|burn| {
            [
                format!("{:?}", burn.severity).to_lowercase(),
                format!("{}x", burn.threshold),
                format!(
                    "{} over {}",
                    rate(burn.long.burn),
                    duration(Some(burn.long.window_seconds))
                ),
                format!(
                    "{} over {}",
                    rate(burn.short.burn),
                    duration(Some(burn.short.window_seconds))
                ),
                if burn.firing { "firing".to_owned() } else { or_dash(burn.held_back.as_deref()) },
            ]
        });
        format!(
            "{}: {:?}\n{}\n\nobjective    {} over {}\nsli          {}\nbudget left  {} ({:.0} of {:.0} events)\nexhausted in {}\n\n{}",
            self.name,
            self.state,
            self.reason,
            percent(Some(self.objective)),
            duration(Some(self.window_seconds)),
            percent(self.sli),
            percent(self.budget.left_ratio),
            self.budget.left_events,
            self.budget.allowed_events,
            duration(self.time_to_exhaustion_seconds),
            table(["SEVERITY", "THRESHOLD", "LONG", "SHORT", "STATE"], burns)
        )
    }
}

fn rate(burn: Option<f64>) -> String {
    burn.map_or_else(|| "-".to_owned(), |burn| format!("{burn:.1}x"))
}
