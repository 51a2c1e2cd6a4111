//! One process of one instance: started, asked for its health, stopped.

use std::{fs::File, path::PathBuf, process::Stdio, time::Duration};

use bytes::Bytes;
use http::Request;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::api::InstanceState;
use crate::{cli::DeployerArgs, net::Client, service::Listening};

/// How long a new process may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a stopped process may finish its requests and export what is left.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes processes.
#[derive(Debug)]
pub(super) struct Launcher {
    program: PathBuf,
    /// What comes before `service` on the command line.
    prefix: Vec<String>,
    otlp: Option<String>,
    environment: String,
    log_dir: Option<PathBuf>,
    client: Client,
}

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct Start<'a> {
    pub(super) service: &'a str,
    pub(super) version: &'a str,
    pub(super) instance: String,
    pub(super) peers: Vec<String>,
}

/// A process that answers.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) state: InstanceState,
    child: Child,
}

impl Launcher {
    pub(super) fn new(args: &DeployerArgs) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        // Inside a larger program the shop is a subcommand of it; the services are started the same way.
        let prefix =
            std::env::args().skip(1).take_while(|argument| argument != "deployer").collect();
        Ok(Self {
            program,
            prefix,
            otlp: args.otlp.clone(),
            environment: args.environment.clone(),
            log_dir: args.log_dir.clone(),
            client: Client::new(Duration::from_secs(2)),
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Starts a process and waits until it answers.
    pub(super) async fn start(&self, start: Start<'_>) -> anyhow::Result<Running> {
        let mut child = self.command(&start)?.spawn()?;
        let stdout =
            child.stdout.take().ok_or_else(|| anyhow::anyhow!("the process has no output"))?;
        let address = timeout(START_TIMEOUT, self.answering(stdout)).await??;
        let state = InstanceState {
            instance: start.instance,
            version: start.version.to_owned(),
            address,
            pid: child.id(),
        };
        Ok(Running { state, child })
    }

    fn command(&self, start: &Start<'_>) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.prefix)
            .args(["service", "--watch-stdin", "--name", start.service, "--version", start.version])
            .args(["--instance", &start.instance, "--environment", &self.environment])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(otlp) = &self.otlp {
            command.args(["--otlp", otlp]);
        }
        if !start.peers.is_empty() {
            command.args(["--peers", &start.peers.join(",")]);
        }
        if let Some(dir) = &self.log_dir {
            std::fs::create_dir_all(dir)?;
            let path = dir.join(format!("{}.log", start.instance));
            command.stderr(File::options().create(true).append(true).open(path)?);
        }
        Ok(command)
    }

    /// Its first line says where it listens; then its health is asked for.
    async fn answering(&self, stdout: tokio::process::ChildStdout) -> anyhow::Result<String> {
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.ok_or_else(|| anyhow::anyhow!("the process ended before it listened"))?;
        let Listening { listening } = serde_json::from_str(&line)?;
        let health = Request::get(format!("{listening}/-/health")).body(Bytes::new())?;
        let status = self.client.send(health).await?.status();
        anyhow::ensure!(
            status.is_success(),
            "the process answered {status} when asked for its health"
        );
        Ok(listening)
    }
}

impl Running {
    /// Whether it ended by itself.
    pub(super) fn is_dead(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Closes its standard input, which tells it to finish; kills it when it does not.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            // It may have ended just now.
            self.child.kill().await.ok();
        }
    }
}
