//! Arguments of the verbs that work on this machine: serve, demo, doctor, backup, restore.

use std::{net::SocketAddr, time::Duration};

use camino::Utf8PathBuf;
use clap::Args;
use url::Url;

use crate::config::{self, Flags, Listen};

#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// Where everything is kept [default: the XDG data directory].
    #[arg(long, env = "EVENKEEL_DATA_DIR", hide_env_values = true, value_name = "DIR")]
    pub(crate) data_dir: Option<Utf8PathBuf>,
    /// Configuration file [default: ./evenkeel.yaml, then the XDG configuration directory, then /etc/evenkeel].
    #[arg(long, env = "EVENKEEL_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<Utf8PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where the server listens, when the configuration does not say it.
    #[arg(long, env = "EVENKEEL_LISTEN", hide_env_values = true, value_name = "ADDR", value_parser = config::address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Ask the running server whether it is ready, and nothing else.
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  evenkeel serve\n  evenkeel serve --repo production/ --data-dir /var/lib/evenkeel\n  evenkeel serve --scrape-config prometheus.yml\n  evenkeel serve --listen 127.0.0.1:0          a free port, printed\n\nPrecedence: flag, then EVENKEEL_* variable, then evenkeel.yaml, then default."
)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// A production repo to follow: it is applied at the start and whenever it changes.
    #[arg(long, env = "EVENKEEL_REPO", hide_env_values = true, value_name = "DIR")]
    pub(crate) repo: Option<Utf8PathBuf>,
    /// A Prometheus configuration whose `scrape_configs` say what is scraped; it is followed.
    #[arg(long, env = "EVENKEEL_SCRAPE_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) scrape_config: Option<Utf8PathBuf>,
    /// How long samples are kept [default: 30d]; `0` is for ever, and takes samples of any age.
    #[arg(long, env = "EVENKEEL_METRICS_RETENTION", hide_env_values = true, value_name = "DURATION", value_parser = config::kept_for)]
    pub(crate) metrics_retention: Option<Duration>,
    /// Address of pages, API, Prometheus API, OTLP over HTTP and remote write [default: 127.0.0.1:7700].
    #[arg(long, env = "EVENKEEL_LISTEN", hide_env_values = true, value_name = "ADDR", value_parser = config::address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of OTLP over gRPC [default: 127.0.0.1:4317]; `off` opens none.
    #[arg(long, env = "EVENKEEL_OTLP_GRPC_LISTEN", hide_env_values = true, value_name = "ADDR", value_parser = config::address_or_off)]
    pub(crate) otlp_grpc_listen: Option<Listen>,
    /// Address of OTLP over HTTP alone [default: 127.0.0.1:4318]; `off` opens none.
    #[arg(long, env = "EVENKEEL_OTLP_HTTP_LISTEN", hide_env_values = true, value_name = "ADDR", value_parser = config::address_or_off)]
    pub(crate) otlp_http_listen: Option<Listen>,
    /// Where people reach the server; stands in every page and link, and may carry a base path.
    #[arg(long, env = "EVENKEEL_EXTERNAL_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) external_url: Option<Url>,
    /// Lets the listener at this address take callers from other machines without a token; may be repeated.
    #[arg(long, env = "EVENKEEL_INSECURE_LISTEN", hide_env_values = true, value_name = "ADDR", value_delimiter = ',', value_parser = config::address)]
    pub(crate) insecure_listen: Vec<SocketAddr>,
}

impl From<DataArgs> for Flags {
    fn from(args: DataArgs) -> Self {
        Self { config: args.config, data_dir: args.data_dir, ..Self::default() }
    }
}

impl From<DoctorArgs> for Flags {
    fn from(args: DoctorArgs) -> Self {
        Self { listen: args.listen, ..args.data.into() }
    }
}

impl From<ServeArgs> for Flags {
    fn from(args: ServeArgs) -> Self {
        Self {
            repo: args.repo,
            scrape_config: args.scrape_config,
            metrics_retention: args.metrics_retention,
            listen: args.listen,
            otlp_grpc_listen: args.otlp_grpc_listen,
            otlp_http_listen: args.otlp_http_listen,
            external_url: args.external_url,
            insecure_listen: args.insecure_listen,
            ..args.data.into()
        }
    }
}

#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  evenkeel demo                                  look around; Ctrl-C ends it\n  evenkeel demo --scenario bad-deploy            play a story unattended\n  evenkeel demo --scenario dependency-outage"
)]
pub(crate) struct DemoArgs {
    /// Play a story and exit 0 only if every step of it happened: `bad-deploy` or `dependency-outage`.
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// Where the demo keeps its data [default: a fresh temporary directory, removed at the end].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<Utf8PathBuf>,
    /// Address of the pages and the API.
    #[arg(long, default_value = "127.0.0.1:7700", value_name = "ADDR", value_parser = config::address)]
    pub(crate) listen: SocketAddr,
    /// Requests a second that the shop gets.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=500), value_name = "N")]
    pub(crate) rate: u32,
    /// Seed of the load.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// A directory that does not exist yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Utf8PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreArgs {
    /// What `evenkeel backup` wrote.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Utf8PathBuf,
    /// An empty or new directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Utf8PathBuf,
}
