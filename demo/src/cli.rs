//! The subcommands by which one executable becomes any part of the shop.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    deployer::{self, client::Deployer},
    load, service,
};

/// A part of the shop, or an order to its deployer.
#[derive(Debug, Subcommand)]
pub enum ShopCommand {
    /// Run one instance of one service.
    Service(ServiceArgs),
    /// Send the customers' requests, open loop: the rate does not wait for answers.
    Load(LoadArgs),
    /// Run all services, roll versions, ask the gate and record deploys.
    Deployer(DeployerArgs),
    /// Bring a version out, past the gate.
    Deploy(DeployArgs),
    /// Go back to a version; the gate is not asked.
    Rollback(RollbackArgs),
    /// Break something, or repair it.
    Fault(FaultArgs),
}

/// A small shop of instrumented services.
#[derive(Debug, Parser)]
#[command(name = "shop", version)]
struct Shop {
    #[command(subcommand)]
    command: ShopCommand,
}

/// One instance of one service.
#[derive(Args, Clone, Debug)]
pub struct ServiceArgs {
    #[arg(long)]
    pub name: String,
    #[arg(long)]
    pub version: String,
    /// The name of this instance, such as `checkout-1`.
    #[arg(long)]
    pub instance: String,
    /// Port 0 picks a free one; the first line of output says which.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Base address of OTLP over HTTP; without it nothing is exported.
    #[arg(long)]
    pub otlp: Option<String>,
    #[arg(long, default_value = "production")]
    pub environment: String,
    /// Whom it calls: `catalog=http://127.0.0.1:8001`; a name given again adds an instance to take turns with.
    #[arg(long, value_delimiter = ',', value_name = "NAME=URL")]
    pub peers: Vec<String>,
    /// A fault to start with: `errors`, `slow`, or for the provider `provider_down`.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// End when standard input closes.
    #[arg(long)]
    pub watch_stdin: bool,
}

/// The customers.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// Address of web.
    #[arg(long, conflicts_with = "deployer", required_unless_present = "deployer")]
    pub target: Option<String>,
    /// Follow web's address as this deployer tells it: a URL, or `@FILE` that holds one.
    #[arg(long)]
    pub deployer: Option<String>,
    /// Requests a second.
    #[arg(long, default_value_t = 40.0)]
    pub rate: f64,
    /// The same seed makes the same customers come in the same order.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End when standard input closes.
    #[arg(long)]
    pub watch_stdin: bool,
}

/// The deployer and where things are.
#[derive(Args, Clone, Debug)]
pub struct DeployerArgs {
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Base address of Evenkeel's API.
    #[arg(long)]
    pub evenkeel: String,
    /// Base address of OTLP over HTTP; without it the services export nothing.
    #[arg(long)]
    pub otlp: Option<String>,
    #[arg(long, default_value = "production")]
    pub environment: String,
    /// JSON with what shall run; the usual shop without it.
    #[arg(long)]
    pub spec: Option<PathBuf>,
    /// Write the deployer's own address here once it listens and all services are up.
    #[arg(long)]
    pub address_file: Option<PathBuf>,
    /// Where the services' own logs go; to standard error without it.
    #[arg(long)]
    pub log_dir: Option<PathBuf>,
    /// End when standard input closes.
    #[arg(long)]
    pub watch_stdin: bool,
}

/// An order to bring a version out.
#[derive(Args, Clone, Debug)]
pub struct DeployArgs {
    /// A URL, or `@FILE` that holds one.
    #[arg(long)]
    pub deployer: String,
    #[arg(long)]
    pub service: String,
    #[arg(long)]
    pub version: String,
    /// `half` or `all`.
    #[arg(long, default_value = "all")]
    pub instances: String,
    /// Do not ask Evenkeel's gate.
    #[arg(long)]
    pub skip_gate: bool,
}

/// An order to go back.
#[derive(Args, Clone, Debug)]
pub struct RollbackArgs {
    /// A URL, or `@FILE` that holds one.
    #[arg(long)]
    pub deployer: String,
    #[arg(long)]
    pub service: String,
    /// The version to go back to.
    #[arg(long)]
    pub to: String,
}

/// An order to break or repair something.
#[derive(Args, Clone, Debug)]
pub struct FaultArgs {
    /// A URL, or `@FILE` that holds one.
    #[arg(long)]
    pub deployer: String,
    #[arg(long, default_value = "payment")]
    pub service: String,
    #[arg(value_parser = ["set", "clear"])]
    pub action: String,
    /// `errors`, `slow` or `provider_down`.
    pub fault: String,
}

/// Reads `arguments` (those after the program's name) and runs what they say, as [`run_blocking`] does. Arguments that cannot be
/// read, and questions for help, are answered on the terminal; the exit code says which it was.
///
/// # Errors
/// What could not be started, or what was refused.
pub fn run_arguments(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let program = "shop".to_owned();
    match Shop::try_parse_from(std::iter::once(&program).chain(arguments)) {
        Ok(Shop { command }) => run_blocking(command),
        Err(error) => {
            error.print()?;
            Ok(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1)))
        }
    }
}

/// Runs `command` on a runtime of its own; one thread is enough for every part and keeps each process small.
///
/// # Errors
/// What could not be started, or what was refused.
pub fn run_blocking(command: ShopCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(run(command));
    // The exporters' threads may still hold the runtime; nothing is owed to them any more.
    runtime.shutdown_background();
    result
}

/// Runs `command` until it is done, or for a server until it is told to stop.
///
/// # Errors
/// What could not be started, or what was refused.
pub async fn run(command: ShopCommand) -> anyhow::Result<ExitCode> {
    match command {
        ShopCommand::Service(args) => service::run(args).await?,
        ShopCommand::Load(args) => load::run(args).await?,
        ShopCommand::Deployer(args) => deployer::run(args).await?,
        ShopCommand::Deploy(args) => return deploy(args).await,
        ShopCommand::Rollback(args) => {
            let done = Deployer::at(&args.deployer)?.rollback(&args.service, &args.to).await?;
            say(&done.sentence());
        }
        ShopCommand::Fault(args) => {
            Deployer::at(&args.deployer)?
                .fault(&args.service, &args.fault, args.action == "set")
                .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn deploy(args: DeployArgs) -> anyhow::Result<ExitCode> {
    let order = deployer::api::DeployOrder {
        service: args.service,
        version: args.version,
        scope: args.instances.parse()?,
        skip_gate: args.skip_gate,
    };
    match Deployer::at(&args.deployer)?.deploy(&order).await? {
        Ok(done) => {
            say(&done.sentence());
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            say(&refused.sentence);
            Ok(ExitCode::from(EXIT_BLOCKED))
        }
    }
}

/// "failed, differs or blocked"
const EXIT_BLOCKED: u8 = 1;

#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the log of a process")]
pub(crate) fn log(text: &str) {
    eprintln!("{text}");
}
