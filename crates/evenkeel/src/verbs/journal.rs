//! `evenkeel journal …`: list and accept-break ask the server, verify reads the data directory.

use app::offline;
use serde::Serialize;
use server::wire::api::{AcceptBreakRequest, Accepted, FactList};

use crate::{
    cli::{DataArgs, JournalVerb, Remote},
    client::Client,
    config,
    exit::{Exit, Failure},
    output::{self, Human, table},
};

/// What a verification says, for programs.
#[derive(Debug, Serialize)]
struct Verification {
    ok: bool,
    /// Records that were read.
    checked: u64,
    last_seq: u64,
    last_hash: String,
    findings: Vec<Finding>,
    findings_omitted: u64,
    breaks: Vec<Break>,
    file_problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    first: u64,
    last: u64,
    message: String,
}

#[derive(Debug, Serialize)]
struct Break {
    first: u64,
    last: u64,
    reason: String,
    resumed_at: Option<u64>,
    accepted_by: Option<String>,
}

pub(super) fn run(remote: &Remote, verb: JournalVerb) -> Result<Exit, Failure> {
    match verb {
        JournalVerb::Verify(args) => verify(remote, args),
        JournalVerb::List { after, kind, subject, limit, newest } => {
            let mut query = vec![("after", after.to_string()), ("limit", limit.to_string())];
            query.extend(kind.map(|kind| ("kind", kind)));
            query.extend(subject.map(|subject| ("subject", subject)));
            query.extend(newest.then(|| ("newest", "true".to_owned())));
            super::client(remote, async |client| list(client, remote, &query).await)
        }
        JournalVerb::AcceptBreak { seq, reason } => {
            let request = AcceptBreakRequest { seq, reason };
            super::client(remote, async |client| accept(client, remote, &request).await)
        }
    }
}

async fn list(client: &Client, remote: &Remote, query: &[(&str, String)]) -> Result<Exit, Failure> {
    output::print(remote.output, &client.get::<FactList>("evenkeel/v1/journal", query).await?)?;
    Ok(Exit::Ok)
}

async fn accept(
    client: &Client,
    remote: &Remote,
    request: &AcceptBreakRequest,
) -> Result<Exit, Failure> {
    output::print(
        remote.output,
        &client.post::<Accepted>("evenkeel/v1/journal/accept-break", request).await?,
    )?;
    Ok(Exit::Ok)
}

fn verify(remote: &Remote, args: DataArgs) -> Result<Exit, Failure> {
    let data_dir = config::data_dir(args.into())?;
    let report = offline::verify_journal(&data_dir).map_err(|error| {
        let missing = matches!(error, offline::VerifyError::Missing { .. });
        Failure::new(if missing { Exit::NotFound } else { Exit::Failed }, error)
    })?;
    output::note(&format!("evenkeel: the journal in `{data_dir}`"));
    let verification = Verification::from(&report);
    output::print(remote.output, &verification)?;
    Ok(if verification.ok { Exit::Ok } else { Exit::Failed })
}

impl From<&offline::JournalReport> for Verification {
    fn from(report: &offline::JournalReport) -> Self {
        let findings = report.findings.iter().map(|finding| Finding {
            first: finding.first,
            last: finding.last,
            message: finding.to_string(),
        });
        let breaks = report.breaks.iter().map(|found| Break {
            first: found.first,
            last: found.last,
            reason: found.reason.to_string(),
            resumed_at: found.resumed_at,
            accepted_by: found.accepted.as_ref().map(|accepted| accepted.by.id.to_string()),
        });
        Self {
            ok: report.is_whole(),
            checked: report.records,
            last_seq: report.head.seq,
            last_hash: report.head.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            findings: findings.collect(),
            findings_omitted: report.findings_omitted,
            breaks: breaks.collect(),
            file_problems: report.file_problems.clone(),
        }
    }
}

impl Human for Verification {
    fn human(&self) -> String {
        let state = if self.ok { "whole" } else { "BROKEN" };
        let mut lines = vec![format!(
            "{state}: {} facts, verified to {} {}",
            self.checked, self.last_seq, self.last_hash
        )];
        lines.extend(self.findings.iter().map(|finding| finding.message.clone()));
        if self.findings_omitted > 0 {
            lines.push(format!("and {} findings more", self.findings_omitted));
        }
        lines.extend(self.file_problems.iter().cloned());
        for found in &self.breaks {
            let next = match &found.accepted_by {
                Some(who) => format!("accepted by {who}"),
                None => format!(
                    "not accepted; see `evenkeel journal accept-break --seq {}`",
                    found.first
                ),
            };
            lines
                .push(format!("break {} to {}: {}; {next}", found.first, found.last, found.reason));
        }
        lines.join("\n")
    }
}

impl Human for FactList {
    fn human(&self) -> String {
        let rows = self.items.iter().map(|fact| {
            [
                fact.seq.to_string(),
                fact.occurred_at.clone(),
                fact.kind.clone(),
                fact.subject.clone(),
                fact.actor.id.clone(),
                fact.payload.to_string(),
            ]
        });
        let facts = table(["SEQ", "AT", "KIND", "SUBJECT", "WHO", "PAYLOAD"], rows);
        match self.next_after {
            Some(after) => format!("{facts}\n\nthere is more: --after {after}"),
            None => facts,
        }
    }
}
