//! The configuration: flags, then `EVENKEEL_*` variables, then `evenkeel.yaml`, then defaults.
//!
//! **Invariant:** a [`Config`] cannot be wrong: every problem of the file was reported, with file:line:column, before one was made, and
//! no secret in it prints itself.

mod acts;
mod locate;
mod read;
mod remote;
mod secret;
pub(crate) mod settings;
mod show;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use app::{
    files::{Problem, Severity},
    notify::signature::SigningKey,
    remote::RemoteOptions,
};
use camino::{Utf8Path, Utf8PathBuf};
use model::{Labels, Limits};
use server::ServerConfig;
use url::Url;

pub(crate) use acts::{How, Rollback};
pub(crate) use remote::Receiver;

use crate::exit::{Exit, Failure};

/// All that the server is told.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file that was read.
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) data_dir: Utf8PathBuf,
    pub(crate) repo: Option<Utf8PathBuf>,
    pub(crate) server: ServerConfig,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    pub(crate) query: QueryLimits,
    pub(crate) wal_sync: WalSync,
    /// Signs notifications.
    pub(crate) webhook_key: Option<SigningKey>,
    /// Gets pages that none of their receivers got.
    pub(crate) fallback_receiver: Option<Box<str>>,
    /// The first that fits is used.
    pub(crate) rollbacks: Vec<Rollback>,
    /// Whether samples may be deleted and copied over the API.
    pub(crate) admin: bool,
    /// Labels of all series that leave, where they lack them.
    pub(crate) external_labels: Labels,
    /// The cluster that is asked in place of the own metric store.
    pub(crate) remote_query: Option<RemoteOptions>,
    /// Whom samples are forwarded to.
    pub(crate) remote_write: Vec<Receiver>,
    /// What is scraped.
    pub(crate) scrape: app::scrape::Options,
}

/// How long telemetry is kept; zero is for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) metrics: Duration,
    /// 0 is without end.
    pub(crate) metrics_bytes: u64,
    /// By how much a sample may be older than its series' newest; `None` where nothing is said.
    pub(crate) out_of_order_window: Option<Duration>,
    pub(crate) logs_and_spans: Duration,
}

impl Retention {
    /// 30 minutes where nothing is said, and any age where metrics are kept for ever.
    pub(crate) fn out_of_order_window(&self) -> Duration {
        let default =
            if self.metrics.is_zero() { Duration::MAX } else { Duration::from_secs(1800) };
        self.out_of_order_window.unwrap_or(default)
    }
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            metrics: days(30),
            metrics_bytes: 0,
            out_of_order_window: None,
            logs_and_spans: days(7),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryLimits {
    pub(crate) timeout: Duration,
    pub(crate) samples_max: usize,
    pub(crate) series_max: usize,
    pub(crate) points_per_series_max: usize,
    pub(crate) memory_max_bytes: usize,
    pub(crate) scan_max_bytes: u64,
    pub(crate) lookback_delta: Duration,
    /// Names of Prometheus' feature flags.
    pub(crate) features: Features,
}

/// Experimental parts of PromQL, one bit each, in the order of [`FEATURES`].
pub(crate) type Features = [bool; FEATURES.len()];

/// What `query.features` may name.
pub(crate) const FEATURES: [&str; 7] = [
    "promql-experimental-functions",
    "promql-duration-expr",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "type-and-unit-labels",
    "use-start-timestamps",
];

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            samples_max: 50_000_000,
            series_max: 2_000_000,
            points_per_series_max: 11_000,
            memory_max_bytes: 256 << 20,
            scan_max_bytes: 16 << 30,
            lookback_delta: Duration::from_secs(300),
            features: Features::default(),
        }
    }
}

/// When telemetry is forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WalSync {
    Always,
    /// Every 200 ms.
    #[default]
    Interval,
    Never,
}

/// What flags and variables say; clap has put the flag before the variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<Utf8PathBuf>,
    pub(crate) data_dir: Option<Utf8PathBuf>,
    pub(crate) repo: Option<Utf8PathBuf>,
    pub(crate) scrape_config: Option<Utf8PathBuf>,
    pub(crate) metrics_retention: Option<Duration>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) otlp_grpc_listen: Option<Listen>,
    pub(crate) otlp_http_listen: Option<Listen>,
    pub(crate) external_url: Option<Url>,
    pub(crate) insecure_listen: Vec<SocketAddr>,
}

/// An address, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    On(SocketAddr),
    Off,
}

impl Listen {
    fn address(self) -> Option<SocketAddr> {
        match self {
            Self::On(address) => Some(address),
            Self::Off => None,
        }
    }
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads a flag's value.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    read::parse_address(text)
}

/// Reads a flag's value.
pub(crate) fn address_or_off(text: &str) -> Result<Listen, String> {
    if text == "off" { Ok(Listen::Off) } else { address(text).map(Listen::On) }
}

/// Reads a flag's value: how long something is kept, as the file has it.
pub(crate) fn kept_for(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(3600)..=Duration::from_secs(10 * 365 * 86_400);
    let parsed = if text == "0" {
        Some(Duration::ZERO)
    } else {
        app::files::text::prometheus_duration(text).filter(|kept| allowed.contains(kept))
    };
    parsed.ok_or_else(|| "write a duration from `1h` to `10y`, or `0` for ever".to_owned())
}

impl Config {
    /// Finds the file, reads it, and puts the flags over it.
    ///
    /// # Errors
    /// With every problem of the file, and with exit code 64.
    pub(crate) fn load(flags: Flags) -> Result<Self, Failure> {
        let file = locate::config_file(flags.config.as_deref())?;
        let found = match &file {
            Some(path) => from_file(path)?,
            None => read::FileConfig::default(),
        };
        let data_dir = match flags.data_dir.clone().or_else(|| found.data_dir.clone()) {
            Some(path) => path,
            None => locate::data_dir()?,
        };
        Ok(Self::merge(flags, found, file, data_dir))
    }

    fn merge(
        flags: Flags,
        found: read::FileConfig,
        file: Option<Utf8PathBuf>,
        data_dir: Utf8PathBuf,
    ) -> Self {
        let default = ServerConfig::default();
        let listener = |flag: Option<Listen>, found: Option<Option<SocketAddr>>, default| {
            flag.map(Listen::address).or(found).unwrap_or(default)
        };
        let server = ServerConfig {
            listen: flags.listen.or(found.listen).unwrap_or(default.listen),
            otlp_grpc_listen: listener(
                flags.otlp_grpc_listen,
                found.otlp_grpc_listen,
                default.otlp_grpc_listen,
            ),
            otlp_http_listen: listener(
                flags.otlp_http_listen,
                found.otlp_http_listen,
                default.otlp_http_listen,
            ),
            external_url: flags.external_url.or(found.external_url),
            allowed_hosts: found.allowed_hosts,
            api_tokens: found.api_tokens,
            ingest_tokens: found.ingest_tokens,
            insecure_listen: flags.insecure_listen,
            public_prefixes: default.public_prefixes,
            timeouts: found.timeouts,
            connections: found.connections,
            otlp: found.otlp,
        };
        Self {
            file,
            data_dir,
            repo: flags.repo.or(found.repo),
            server,
            limits: found.limits,
            retention: Retention {
                metrics: flags.metrics_retention.unwrap_or(found.retention.metrics),
                ..found.retention
            },
            query: found.query,
            wal_sync: found.wal_sync,
            webhook_key: found.webhook_key,
            fallback_receiver: found.fallback_receiver,
            rollbacks: found.rollbacks,
            admin: found.admin,
            external_labels: found.external_labels,
            remote_query: found.remote_query,
            remote_write: found.remote_write,
            scrape: app::scrape::Options {
                config_file: flags.scrape_config.or(found.scrape.config_file),
                variable,
                ..found.scrape
            },
        }
    }
}

/// Where the data lies, for verbs that need nothing else; the file is read only when no flag says it.
pub(crate) fn data_dir(flags: Flags) -> Result<Utf8PathBuf, Failure> {
    match flags.data_dir {
        Some(path) => Ok(path),
        None => Config::load(flags).map(|config| config.data_dir),
    }
}

fn from_file(path: &Utf8Path) -> Result<read::FileConfig, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        let error =
            anyhow::Error::new(error).context(format!("cannot read the configuration `{path}`"));
        Failure::new(Exit::BadConfiguration, error)
    })?;
    let (config, problems) = read::parse(path.as_str(), read::folder_of(path), &bytes);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors == 0 {
        return Ok(config);
    }
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let text = format!(
        "the configuration has {errors} problem{}\n{}",
        if errors == 1 { "" } else { "s" },
        lines.join("\n")
    );
    Err(Failure::text(Exit::BadConfiguration, text))
}
