//! The command line, as clap reads it. Help teaches: what it does, then examples.

use std::{net::SocketAddr, path::PathBuf};

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::{
    config::{self, Flags, Listen},
    output::Format,
};

/// Production engineering in one binary: observe, judge, respond, learn, ship.
#[derive(Debug, Parser)]
#[command(
    name = "evenkeel",
    version,
    after_help = "Start here:\n  evenkeel demo                     a small shop, its load and its faults, with everything switched on\n  evenkeel serve --repo DIR         the server, following a production repo\n  evenkeel check repo DIR           check a production repo, offline\n\nExit codes: 0 ok, 1 failed, differs or blocked, 2 usage, 3 lint, 4 auth, 5 not found, 6 conflict,\n7 unreachable, 8 inconclusive gate, 64 bad configuration, 70 internal fail-stop, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) remote: Remote,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where the server is and how answers are shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Remote {
    /// Address of the server that client verbs speak to.
    #[arg(
        long,
        global = true,
        help_heading = "Server and output",
        env = "EVENKEEL_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:7700",
        value_name = "URL"
    )]
    pub(crate) server: String,
    /// File that holds the API token; EVENKEEL_TOKEN works too. A token is never a flag.
    #[arg(
        long,
        global = true,
        help_heading = "Server and output",
        env = "EVENKEEL_TOKEN_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// How data is shown.
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Server and output",
        env = "EVENKEEL_OUTPUT",
        hide_env_values = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the server.
    Serve(ServeArgs),
    /// Run a small real shop with load, faults and a production repo, watched by Evenkeel.
    Demo(DemoArgs),
    /// Look at a data directory and a configuration, and say what is wrong with them.
    #[command(
        after_help = "Examples:\n  evenkeel doctor\n  evenkeel doctor --data-dir /var/lib/evenkeel --config /etc/evenkeel/evenkeel.yaml\n  evenkeel doctor --ready          ask the running server alone, as a health check does\n\nExits with 1 when something is wrong, with 7 when --ready finds no server, and with 64 on a bad configuration."
    )]
    Doctor(DoctorArgs),
    /// Check files offline, with the server's own code.
    #[command(subcommand)]
    Check(CheckVerb),
    /// Show what applying a production repo would change, and what that would do.
    #[command(
        after_help = "Examples:\n  evenkeel diff production/\n\nExits with 1 when something would change."
    )]
    Diff(RepoArgs),
    /// Apply a production repo: all of it or nothing.
    #[command(after_help = "Examples:\n  evenkeel apply production/")]
    Apply(RepoArgs),
    /// Record deploys.
    #[command(subcommand)]
    Deploy(DeployVerb),
    /// Ask whether a version may be deployed.
    #[command(subcommand)]
    Gate(GateVerb),
    /// Service level objectives.
    #[command(subcommand)]
    Slo(SloVerb),
    /// Incidents.
    #[command(subcommand)]
    Incident(IncidentVerb),
    /// Postmortems.
    #[command(subcommand)]
    Postmortem(PostmortemVerb),
    /// Notifications.
    #[command(subcommand)]
    Notify(NotifyVerb),
    /// The journal of facts.
    #[command(subcommand)]
    Journal(JournalVerb),
    /// Evaluate a PromQL expression.
    #[command(
        after_help = "Examples:\n  evenkeel query 'sum by (service_name) (rate(http_server_request_duration_seconds_count[5m]))'\n  evenkeel query up --start 2026-11-23T03:00:00Z --end 2026-11-23T04:00:00Z --step 60"
    )]
    Query(QueryArgs),
    /// Copy a data directory while the server runs.
    #[command(after_help = "Examples:\n  evenkeel backup --to /backup/evenkeel-2026-11-23")]
    Backup(BackupArgs),
    /// Restore a backup into an empty data directory and prove that it is equal.
    #[command(
        after_help = "Examples:\n  evenkeel restore --from /backup/evenkeel-2026-11-23 --data-dir /var/lib/evenkeel"
    )]
    Restore(RestoreArgs),
    /// Print a shell's completion script.
    #[command(
        after_help = "Examples:\n  evenkeel completion bash > /etc/bash_completion.d/evenkeel"
    )]
    Completion { shell: clap_complete::Shell },
    /// The demo's processes.
    #[command(hide = true, disable_help_flag = true)]
    Shop {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

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
    after_help = "Examples:\n  evenkeel serve\n  evenkeel serve --repo production/ --data-dir /var/lib/evenkeel\n  evenkeel serve --listen 127.0.0.1:0          a free port, printed\n\nPrecedence: flag, then EVENKEEL_* variable, then evenkeel.yaml, then default."
)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// A production repo to follow: it is applied at the start and whenever it changes.
    #[arg(long, env = "EVENKEEL_REPO", hide_env_values = true, value_name = "DIR")]
    pub(crate) repo: Option<Utf8PathBuf>,
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
    #[arg(long, value_name = "ADDR", value_delimiter = ',', value_parser = config::address)]
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

#[derive(Debug, Subcommand)]
pub(crate) enum CheckVerb {
    /// Check a production repo: every problem at once, with file:line:column.
    #[command(
        after_help = "Examples:\n  evenkeel check repo production/\n  evenkeel check repo --strict -o json .\n\nExits with 1 on errors, and with 3 on warnings where --strict is given."
    )]
    Repo {
        dir: Utf8PathBuf,
        /// Warnings fail too (exit code 3).
        #[arg(long)]
        strict: bool,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RepoArgs {
    /// The production repo's directory.
    pub(crate) dir: Utf8PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployVerb {
    /// Record that a version was deployed.
    #[command(
        after_help = "Examples:\n  evenkeel deploy record --service checkout --version 2.0.0 --env production --url https://ci/run/17"
    )]
    Record(RecordArgs),
    /// List deploys, newest first.
    #[command(after_help = "Examples:\n  evenkeel deploy list --service checkout --limit 5")]
    List {
        #[arg(long)]
        service: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RecordArgs {
    /// The service's name, as its telemetry says it in `service.name`.
    #[arg(long)]
    pub(crate) service: String,
    /// The version, as its telemetry says it in `service.version`.
    #[arg(long = "version", id = "deployed_version", value_name = "VERSION")]
    pub(crate) version: String,
    /// The environment, as its telemetry says it in `deployment.environment.name`.
    #[arg(long = "env", alias = "environment", value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// The version before it.
    #[arg(long)]
    pub(crate) previous_version: Option<String>,
    /// Link to the change or the pipeline's run.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// When it happened, RFC 3339 [default: now].
    #[arg(long)]
    pub(crate) at: Option<String>,
    /// The same key records once, however often it is sent.
    #[arg(long)]
    pub(crate) idempotency_key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GateVerb {
    /// Allow (exit 0), block (exit 1) or inconclusive (exit 8), each rule with its value, limit and reason.
    #[command(
        after_help = "Examples:\n  evenkeel gate check --service checkout --version 2.0.1 --env production && ./deploy.sh"
    )]
    Check {
        /// The service's name, as its telemetry says it in `service.name`.
        #[arg(long)]
        service: String,
        /// The version that would be deployed.
        #[arg(long = "version", id = "deployed_version", value_name = "VERSION")]
        version: String,
        /// The environment, as its telemetry says it in `deployment.environment.name`.
        #[arg(long = "env", alias = "environment", value_name = "ENV")]
        environment: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SloVerb {
    /// List SLOs, the worst budget first.
    #[command(after_help = "Examples:\n  evenkeel slo list\n  evenkeel slo list -o json")]
    List,
    /// Show one SLO with its burn rates and its budget.
    #[command(after_help = "Examples:\n  evenkeel slo get checkout-availability")]
    Get { name: String },
    /// Add counts of the time before Evenkeel; they are labelled as such.
    #[command(
        after_help = "The file holds JSON: {\"source\": \"…\", \"buckets\": [{\"start\": \"2026-11-01T00:00:00Z\",\n\"width_seconds\": 3600, \"good\": 9990, \"total\": 10000}]}; `-` reads standard input.\n\nExamples:\n  evenkeel slo backfill checkout-availability --file history.json"
    )]
    Backfill {
        name: String,
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentVerb {
    /// List incidents, newest first.
    #[command(after_help = "Examples:\n  evenkeel incident list --status open")]
    List {
        /// `open` or `resolved`.
        #[arg(long)]
        status: Option<String>,
    },
    /// Show one incident: impact, suspects, who was told, what was done.
    #[command(after_help = "Examples:\n  evenkeel incident get inc_01j…")]
    Get { id: String },
    /// Show what happened, oldest first.
    #[command(after_help = "Examples:\n  evenkeel incident timeline inc_01j…")]
    Timeline { id: String },
    /// Acknowledge: stops further pages for it.
    #[command(after_help = "Examples:\n  evenkeel incident ack inc_01j… --note 'looking at it'")]
    Ack {
        id: String,
        /// A word to the others.
        #[arg(long)]
        note: Option<String>,
    },
    /// Give it to somebody.
    #[command(after_help = "Examples:\n  evenkeel incident assign inc_01j… ana")]
    Assign { id: String, assignee: String },
    /// Write an update.
    #[command(
        after_help = "Examples:\n  evenkeel incident update inc_01j… 'payments go through again' --status monitoring\n  evenkeel incident update inc_01j… 'cut over to the second provider' --mitigation"
    )]
    Update {
        id: String,
        text: String,
        /// `investigating`, `identified` or `monitoring`.
        #[arg(long)]
        status: Option<String>,
        /// Something was done against it: the recovery test counts from now.
        #[arg(long)]
        mitigation: bool,
    },
    /// Roll back the deploy that the incident offers to undo.
    #[command(
        after_help = "Examples:\n  evenkeel incident rollback inc_01j… --reason 'only 2.0.0 fails'"
    )]
    Rollback {
        id: String,
        #[arg(long)]
        reason: String,
    },
    /// Resolve by hand.
    #[command(
        after_help = "Examples:\n  evenkeel incident resolve inc_01j… --reason 'the provider is back'"
    )]
    Resolve {
        id: String,
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PostmortemVerb {
    /// Draft an incident's postmortem from the journal, as Markdown.
    #[command(after_help = "Examples:\n  evenkeel postmortem draft inc_01j… > postmortem.md")]
    Draft { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NotifyVerb {
    /// Send a test page to a receiver of routing.yaml.
    #[command(after_help = "Examples:\n  evenkeel notify test on-call")]
    Test { receiver: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalVerb {
    /// List facts in order.
    #[command(
        after_help = "Examples:\n  evenkeel journal list --kind incident. --limit 20\n  evenkeel journal list --subject inc_01j… -o json"
    )]
    List {
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// A kind or the beginning of one, such as `deploy.`.
        #[arg(long)]
        kind: Option<String>,
        #[arg(long)]
        subject: Option<String>,
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Verify the chain in a data directory; works while the server runs.
    #[command(
        after_help = "Examples:\n  evenkeel journal verify --data-dir /var/lib/evenkeel\n\nExits with 1 when a record was changed, removed or moved, or the tail was cut."
    )]
    Verify(DataArgs),
    /// Accept a break of the chain, so that the gate and actions work again. It is a fact itself.
    #[command(
        after_help = "Examples:\n  evenkeel journal accept-break --seq 4711 --reason 'disk failure on 23 November, restored by hand'"
    )]
    AcceptBreak {
        /// The record's number, as the banner and `verify` name it.
        #[arg(long)]
        seq: u64,
        #[arg(long)]
        reason: String,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct QueryArgs {
    pub(crate) expression: String,
    /// Moment of an instant query [default: now].
    #[arg(long, conflicts_with_all = ["start", "end", "step"])]
    pub(crate) time: Option<String>,
    #[arg(long, requires = "end")]
    pub(crate) start: Option<String>,
    #[arg(long, requires = "start")]
    pub(crate) end: Option<String>,
    /// Seconds between two points of a range query.
    #[arg(long, default_value_t = 60.0, requires = "start")]
    pub(crate) step: f64,
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

#[cfg(test)]
mod tests;
