//! The shop as one thing that starts and stops: its deployer, which runs the services, and its customers.

use std::{fs::File, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{deployer::client::Deployer, load::LoadSummary, service::Listening, topology::Part};

/// How long eleven processes may take to come up, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long they may take to finish and to export what is left.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// The load generator's last words are one line.
const SUMMARY_BYTES_MAX: u64 = 64 * 1024;

/// Where the shop runs and whom it talks to.
#[derive(Clone, Debug)]
pub struct ShopConfig {
    /// The executable that has the shop's subcommands.
    pub exe: PathBuf,
    /// What stands before those subcommands: `["shop"]` inside `evenkeel`.
    pub prefix: Vec<String>,
    /// Base address of Evenkeel's API.
    pub evenkeel_url: String,
    /// Base address of OTLP over HTTP.
    pub otlp_url: String,
    /// Logs and the deployer's address go here; made when it is not there.
    pub dir: PathBuf,
    /// Where the deployer listens; port 0 picks a free one.
    pub deployer_listen: SocketAddr,
    /// Requests a second at web.
    pub rate: f64,
    /// The same seed makes the same customers come.
    pub seed: u64,
}

impl ShopConfig {
    /// The file that holds the deployer's address while the shop runs. It is known before the shop starts, so that an allow-listed
    /// rollback can be `evenkeel shop rollback --deployer @THIS --service … --to …`.
    pub fn address_file(&self) -> PathBuf {
        self.dir.join("deployer.address")
    }
}

/// A running shop. Dropped without [`Shop::stop`], its processes end at once.
#[derive(Debug)]
pub struct Shop {
    deployer: Deployer,
    deployer_process: Child,
    load_process: Child,
}

impl Shop {
    /// Starts everything and waits until all services answer; the customers come from then on.
    ///
    /// # Errors
    /// What could not be started, with the place of its log.
    pub async fn start(config: &ShopConfig) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.dir)?;
        let mut deployer_process = deployer_command(config)?.spawn()?;
        let stdout = deployer_process.stdout.take();
        let address = timeout(START_TIMEOUT, first_line(stdout))
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it took too long")));
        let log = config.dir.join("deployer.log");
        let address = address.map_err(|error| {
            anyhow::anyhow!("cannot start the shop: {error}; see `{}`", log.display())
        })?;
        let deployer = Deployer::at(&address)?;
        let load_process = load_command(config, &address)?.spawn()?;
        Ok(Self { deployer, deployer_process, load_process })
    }

    /// Address of the deployer.
    pub fn deployer_url(&self) -> &str {
        self.deployer.base()
    }

    /// Where web is now.
    ///
    /// # Errors
    /// The deployer does not answer.
    pub async fn web_url(&self) -> anyhow::Result<String> {
        let addresses = self.deployer.state().await?.addresses_of(Part::Web.name());
        addresses.into_iter().next().ok_or_else(|| anyhow::anyhow!("web does not run"))
    }

    pub(super) fn deployer(&self) -> &Deployer {
        &self.deployer
    }

    /// Sends the customers home and stops the services; tells what the customers saw.
    ///
    /// # Errors
    /// A process that cannot be waited for.
    pub async fn stop(mut self) -> anyhow::Result<LoadSummary> {
        let summary = last_words(&mut self.load_process).await;
        drop(self.deployer_process.stdin.take());
        if timeout(STOP_TIMEOUT, self.deployer_process.wait()).await.is_err() {
            self.deployer_process.kill().await?;
        }
        summary
    }
}

async fn last_words(load: &mut Child) -> anyhow::Result<LoadSummary> {
    drop(load.stdin.take());
    let stdout =
        load.stdout.take().ok_or_else(|| anyhow::anyhow!("the load generator has no output"))?;
    let mut text = String::new();
    timeout(STOP_TIMEOUT, stdout.take(SUMMARY_BYTES_MAX).read_to_string(&mut text)).await??;
    timeout(STOP_TIMEOUT, load.wait()).await??;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}

fn deployer_command(config: &ShopConfig) -> anyhow::Result<Command> {
    let mut command = Command::new(&config.exe);
    command
        .args(&config.prefix)
        .args([
            "deployer",
            "--watch-stdin",
            "--evenkeel",
            &config.evenkeel_url,
            "--otlp",
            &config.otlp_url,
        ])
        .args(["--listen", &config.deployer_listen.to_string()])
        .arg("--log-dir")
        .arg(config.dir.join("logs"))
        .arg("--address-file")
        .arg(config.address_file());
    piped(command, config, "deployer.log")
}

fn load_command(config: &ShopConfig, deployer: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(&config.exe);
    command.args(&config.prefix).args(["load", "--watch-stdin", "--deployer", deployer]).args([
        "--rate",
        &config.rate.to_string(),
        "--seed",
        &config.seed.to_string(),
    ]);
    piped(command, config, "load.log")
}

fn piped(mut command: Command, config: &ShopConfig, log: &str) -> anyhow::Result<Command> {
    let log = File::options().create(true).append(true).open(config.dir.join(log))?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
    Ok(command)
}

async fn first_line(stdout: Option<ChildStdout>) -> anyhow::Result<String> {
    let stdout = stdout.ok_or_else(|| anyhow::anyhow!("the process has no output"))?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    let line = line.ok_or_else(|| anyhow::anyhow!("the process ended before it listened"))?;
    let Listening { listening } = serde_json::from_str(&line)?;
    Ok(listening)
}
