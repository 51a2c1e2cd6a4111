//! `evenkeel doctor`: what is wrong with a configuration and a data directory, or whether the server is ready.

use std::{net::SocketAddr, time::Duration};

use app::{
    offline::{self, Check, Holder, Outcome},
    samples::{Lost, Report, Stretch},
};
use camino::Utf8PathBuf;
use serde::Serialize;
use server::wire::api::{StoreDamage, StoreVerification};

use crate::{
    cli::{DoctorArgs, Remote},
    client::Client,
    config::{Config, Flags},
    exit::{Exit, Failure},
    output::{self, Human, table},
};

/// How long a server that is asked whether it is ready may take.
const READY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one may take to read all of its metric store.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(600);

#[derive(Debug, Serialize)]
struct Findings {
    ok: bool,
    configuration: Option<String>,
    checks: Vec<Finding>,
    /// Every setting in force, without secrets.
    settings: Vec<Setting>,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    outcome: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct Setting {
    key: String,
    value: String,
}

pub(super) fn run(remote: &Remote, args: DoctorArgs) -> Result<Exit, Failure> {
    let only_ready = args.ready;
    let config = Config::load(Flags::from(args))?;
    if only_ready { ready(&config) } else { examine(remote, &config) }
}

fn examine(remote: &Remote, config: &Config) -> Result<Exit, Failure> {
    let mut checks: Vec<Finding> = Vec::new();
    for found in offline::examine(&config.data_dir) {
        checks.push(finding(found.name, found.outcome, found.message));
    }
    for found in metrics(remote, config) {
        checks.push(finding(found.name, found.outcome, found.message));
    }
    if let Some(repo) = &config.repo {
        checks.push(super::repo::finding(repo, config.fallback_receiver.as_deref()).map_or_else(
            |message| finding("repo", Outcome::Bad, message),
            |message| finding("repo", Outcome::Good, message),
        ));
    }
    if let Some(file) = &config.scrape.config_file {
        checks.push(super::repo::scrape_finding(file).map_or_else(
            |message| finding("scrape", Outcome::Bad, message),
            |message| finding("scrape", Outcome::Good, message),
        ));
    }
    let settings =
        config.effective().into_iter().map(|(key, value)| Setting { key, value }).collect();
    let ok = checks.iter().all(|check| check.outcome != "bad");
    let configuration = config.file.as_ref().map(ToString::to_string);
    output::print(remote.output, &Findings { ok, configuration, checks, settings })?;
    Ok(if ok { Exit::Ok } else { Exit::Failed })
}

/// The metric store: read here where nobody runs on it, else by whoever does.
fn metrics(remote: &Remote, config: &Config) -> Vec<Check> {
    match offline::holder(&config.data_dir) {
        Ok(Holder::Process(_)) => asked(remote, config).unwrap_or_else(|failure| {
            let message = format!("not looked at: {failure}");
            vec![Check { name: "metrics", outcome: Outcome::Note, message }]
        }),
        Ok(Holder::Nobody) | Err(_) => offline::examine_metrics(&config.data_dir, super::now()),
    }
}

/// What the server that runs on the data directory finds.
fn asked(remote: &Remote, config: &Config) -> Result<Vec<Check>, Failure> {
    let url = format!("http://{}", reachable(config.server.listen));
    let client = Client::new(&url, super::token(remote)?.as_deref(), VERIFY_TIMEOUT)?;
    let found: StoreVerification =
        super::runtime()?.block_on(client.get("evenkeel/v1/metrics/verify", &[]))?;
    let same = |path: &str| std::fs::canonicalize(path).ok();
    if same(&found.data_dir) != same(config.data_dir.as_str()) {
        let why = format!("the server at {url} runs on `{}`; give --listen", found.data_dir);
        return Err(Failure::text(Exit::Failed, why));
    }
    let aside: Vec<Utf8PathBuf> = found.set_aside.iter().map(Utf8PathBuf::from).collect();
    Ok(offline::metrics_checks(&report(found), &aside))
}

fn report(found: StoreVerification) -> Report {
    let stretch = |one: StoreDamage| Stretch {
        file: one.file.into(),
        offset: one.offset,
        bytes: one.bytes,
        lost: one.lost.and_then(|lost| {
            let (from, to) = (lost.from.parse().ok()?, lost.to.parse().ok()?);
            Some(Lost { samples: lost.samples, from, to })
        }),
        what: one.what,
        copy: one.copy.map(Utf8PathBuf::from),
    };
    Report {
        parts: usize::try_from(found.parts).unwrap_or(usize::MAX),
        sections: found.sections,
        samples: found.samples,
        log_records: found.log_records,
        damage: found.damage.into_iter().map(stretch).collect(),
        more: found.damage_more,
    }
}

fn finding(check: &'static str, outcome: Outcome, message: String) -> Finding {
    let outcome = match outcome {
        Outcome::Good => "good",
        Outcome::Note => "note",
        Outcome::Bad => "bad",
    };
    Finding { check, outcome, message }
}

/// Asks `/readyz` at the address that the configuration names.
fn ready(config: &Config) -> Result<Exit, Failure> {
    let address = reachable(config.server.listen);
    let client = Client::new(&format!("http://{address}"), None, READY_TIMEOUT)?;
    let text = super::runtime()?.block_on(client.get_text("readyz"))?;
    output::say(text.trim_end()).map(|()| Exit::Ok)
}

/// A wildcard is no address to call.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

impl Human for Findings {
    fn human(&self) -> String {
        let file = self.configuration.as_deref().unwrap_or("no file, defaults alone");
        let checks = self
            .checks
            .iter()
            .map(|found| [found.check.to_owned(), found.outcome.to_owned(), found.message.clone()]);
        let settings =
            self.settings.iter().map(|setting| [setting.key.clone(), setting.value.clone()]);
        format!(
            "configuration: {file}\n\n{}\n\n{}",
            table(["CHECK", "OUTCOME", "FOUND"], checks),
            table(["SETTING", "VALUE"], settings)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_asked_at_loopback() {
        let check = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(check("0.0.0.0:7700"), "127.0.0.1:7700");
        assert_eq!(check("[::]:7700"), "[::1]:7700");
        assert_eq!(check("10.0.0.1:7700"), "10.0.0.1:7700");
    }
}
