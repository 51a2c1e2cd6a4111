//! The command line, as clap reads it. Help teaches: what it does, then examples.

mod local;

use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};

pub(crate) use local::{BackupArgs, DataArgs, DemoArgs, DoctorArgs, RestoreArgs, ServeArgs};

use crate::output::Format;

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
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel check repo production/\n  evenkeel check scrape prometheus.yml"
    )]
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
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel deploy record --service checkout --version 2.0.0 --env production\n  evenkeel deploy list --service checkout"
    )]
    Deploy(DeployVerb),
    /// Ask whether a version may be deployed.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel gate check --service checkout --version 2.0.1 --env production && ./deploy.sh"
    )]
    Gate(GateVerb),
    /// Service level objectives.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel slo list\n  evenkeel slo get checkout-availability"
    )]
    Slo(SloVerb),
    /// Incidents.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel incident list --status open\n  evenkeel incident ack inc_01j…\n  evenkeel incident resolve inc_01j… --reason 'the provider is back'"
    )]
    Incident(IncidentVerb),
    /// Postmortems.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel postmortem draft inc_01j… > postmortem.md"
    )]
    Postmortem(PostmortemVerb),
    /// Notifications.
    #[command(subcommand, after_help = "Examples:\n  evenkeel notify test on-call")]
    Notify(NotifyVerb),
    /// The journal of facts.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel journal list --newest --limit 20\n  evenkeel journal list --kind incident.\n  evenkeel journal verify"
    )]
    Journal(JournalVerb),
    /// Evaluate a PromQL expression.
    #[command(
        after_help = "Examples:\n  evenkeel query 'sum by (service_name) (rate(http_server_request_duration_seconds_count[5m]))'\n  evenkeel query up --start 2026-11-23T03:00:00Z --end 2026-11-23T04:00:00Z --step 60\n  evenkeel query up --start 2026-11-23T03:00:00Z --step 15s\n  evenkeel query --explain 'sum by (job) (rate(http_requests_total[5m]))'\n  evenkeel query --lint 'sum(http_requests_total)'\n\nWith --lint it exits with 1 on errors, and with 3 on warnings."
    )]
    Query(QueryArgs),
    /// Ask about spans and log records in SQL.
    #[command(
        after_help = "Examples:\n  evenkeel sql \"SELECT ServiceName, count(*) FROM spans WHERE StatusCode = 'Error' GROUP BY 1\"\n  evenkeel sql \"SELECT Timestamp, Body FROM logs WHERE ServiceName = 'checkout' ORDER BY 1 DESC LIMIT 20\"\n\nTables: spans, logs. Columns have OpenTelemetry's names; frequent attributes are columns of their own (\"http.route\",\n\"resource.k8s.pod.name\"), all others are in the maps SpanAttributes, LogAttributes and ResourceAttributes."
    )]
    Sql(SqlArgs),
    /// The metric store of a data directory, while no server runs on it.
    #[command(
        subcommand,
        after_help = "Examples:\n  evenkeel tsdb stats\n  evenkeel tsdb verify --data-dir /var/lib/evenkeel\n  evenkeel tsdb export --to samples.parquet\n  evenkeel tsdb import samples.parquet"
    )]
    Tsdb(TsdbVerb),
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
    /// Check a Prometheus configuration whose `scrape_configs` are to be scraped: every problem at once, with file:line:column.
    #[command(
        after_help = "Examples:\n  evenkeel check scrape prometheus.yml\n  evenkeel check scrape --strict -o json prometheus.yml\n\nExits with 1 on errors, and with 3 on warnings where --strict is given."
    )]
    Scrape {
        file: Utf8PathBuf,
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
        after_help = "Examples:\n  evenkeel deploy record --service checkout --version 2.0.0 --env production --url https://ci/run/17\n\nA rollout that takes a while, by a verdict of the gate:\n  evenkeel deploy record --service checkout --version 2.0.0 --state started --gate gat_01j…\n  evenkeel deploy record --service checkout --version 2.0.0 --state succeeded\n\nBack to the version before:\n  evenkeel deploy record --service checkout --version 1.9.0 --state rolled-back"
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
    /// How far it is.
    #[arg(long, value_enum)]
    pub(crate) state: Option<DeployStage>,
    /// The verdict that it goes by, `gat_…`; refused when that does not allow just this, has expired or was used.
    #[arg(long, value_name = "VERDICT")]
    pub(crate) gate: Option<String>,
    /// The deploy that this one undoes, `dpl_…` [default for rolled-back: the newest].
    #[arg(long, value_name = "DEPLOY")]
    pub(crate) rolls_back: Option<String>,
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

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum DeployStage {
    /// It begins; `succeeded` or `failed` of the same version ends it.
    Started,
    Succeeded,
    Failed,
    /// This version runs again.
    RolledBack,
}

impl From<DeployStage> for server::wire::api::DeployState {
    fn from(stage: DeployStage) -> Self {
        match stage {
            DeployStage::Started => Self::Started,
            DeployStage::Succeeded => Self::Succeeded,
            DeployStage::Failed => Self::Failed,
            DeployStage::RolledBack => Self::RolledBack,
        }
    }
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
    /// Judge a verdict once more on what it saw then; exits with 1 when it comes out otherwise.
    #[command(
        after_help = "Examples:\n  evenkeel gate replay gat_01j…\n  evenkeel gate replay gat_01j… -o json"
    )]
    Replay { verdict: String },
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
    /// Set the severity.
    #[command(
        after_help = "Examples:\n  evenkeel incident severity inc_01j… SEV1 --reason 'nobody can pay'"
    )]
    Severity {
        id: String,
        /// SEV1 (the worst) to SEV4.
        severity: String,
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
        /// The newest first.
        #[arg(long)]
        newest: bool,
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

#[derive(Debug, Subcommand)]
pub(crate) enum TsdbVerb {
    /// How much there is, how old it is, and which names and labels are the most.
    #[command(
        after_help = "Examples:\n  evenkeel tsdb stats --data-dir /var/lib/evenkeel\n  evenkeel tsdb stats --top 50 -o json"
    )]
    Stats {
        #[command(flatten)]
        data: DataArgs,
        /// How many of the greatest are listed.
        #[arg(long, default_value_t = 10)]
        top: usize,
    },
    /// Read every part and every log, and say what is damaged.
    #[command(
        after_help = "Examples:\n  evenkeel tsdb verify --data-dir /var/lib/evenkeel\n\nExits with 1 when something is damaged."
    )]
    Verify(DataArgs),
    /// Write samples into a file: OpenMetrics text or Parquet.
    #[command(
        after_help = "Examples:\n  evenkeel tsdb export --to samples.parquet\n  evenkeel tsdb export --match 'up{job=\"api\"}' --start 2026-11-01T00:00:00Z --to - --format openmetrics"
    )]
    Export(TsdbExport),
    /// Take samples from files: OpenMetrics text, Prometheus' text with times, or Parquet. They may be of any age.
    #[command(
        after_help = "Examples:\n  evenkeel tsdb import samples.parquet\n  evenkeel tsdb import --format openmetrics history.txt\n\nSamples past the retention are refused; `retention: {metrics: 0}` in the configuration takes all.\nExits with 1 when a file is malformed; what came before the fault is kept."
    )]
    Import(TsdbImport),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TsdbExport {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Utf8PathBuf,
    /// What to write [default: as the file is named: .om, .openmetrics, .txt or .parquet].
    #[arg(long, value_enum)]
    pub(crate) format: Option<SampleFormat>,
    /// Only series of this selector; of any, where there are several.
    #[arg(long = "match", value_name = "SELECTOR")]
    pub(crate) matching: Vec<String>,
    /// Only samples from this moment on, RFC 3339.
    #[arg(long)]
    pub(crate) start: Option<String>,
    /// Only samples up to this moment.
    #[arg(long)]
    pub(crate) end: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TsdbImport {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<Utf8PathBuf>,
    /// What the files are [default: as they are named: .om, .openmetrics, .txt, .prom or .parquet].
    #[arg(long, value_enum)]
    pub(crate) format: Option<SampleFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SampleFormat {
    /// OpenMetrics text: times in seconds, and `# EOF` at the end.
    #[value(name = "openmetrics")]
    OpenMetrics,
    /// Prometheus' text: times in milliseconds; only to be read.
    Prometheus,
    Parquet,
}

impl From<SampleFormat> for app::samples::FileFormat {
    fn from(format: SampleFormat) -> Self {
        match format {
            SampleFormat::OpenMetrics => Self::OpenMetrics,
            SampleFormat::Prometheus => Self::Prometheus,
            SampleFormat::Parquet => Self::Parquet,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct QueryArgs {
    pub(crate) expression: String,
    /// Moment of an instant query [default: now].
    #[arg(long, conflicts_with_all = ["start", "end", "step"])]
    pub(crate) time: Option<String>,
    /// First moment of a range query.
    #[arg(long)]
    pub(crate) start: Option<String>,
    /// Last moment of a range query [default: now].
    #[arg(long, requires = "start")]
    pub(crate) end: Option<String>,
    /// Time between two points of a range query, such as `15s` or `1m30s`; a plain number is in seconds.
    #[arg(long, default_value = "60", requires = "start")]
    pub(crate) step: String,
    /// Print the plan with the time, samples and series of each node, in place of the values.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Say what is likely wrong in the expression and by which edit it goes away, and do not evaluate it.
    #[arg(long, conflicts_with_all = ["time", "start", "end", "step", "explain"])]
    pub(crate) lint: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SqlArgs {
    /// One SELECT.
    pub(crate) query: String,
    /// Read only files that may have rows from then on (RFC 3339).
    #[arg(long)]
    pub(crate) start: Option<String>,
    /// Read only files that may have rows up to then (RFC 3339).
    #[arg(long)]
    pub(crate) end: Option<String>,
    /// Rows at most, up to 10000.
    #[arg(long, default_value = "1000")]
    pub(crate) limit: u64,
}

#[cfg(test)]
mod tests;
