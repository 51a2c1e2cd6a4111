//! `evenkeel demo`, and the processes that it starts.

use std::{
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use app::notify::signature::SigningKey;
use camino::{Utf8Path, Utf8PathBuf};
use model::Limits;
use server::ServerConfig;
use shop::story::{Past, Receiver, Scenario, Shop, ShopConfig, Stage, backfill, play, write_repo};
use tokio::sync::oneshot;

use crate::{
    cli::DemoArgs,
    config::{Config, How, QueryLimits, Retention, Rollback, WalSync},
    exit::{Exit, Failure},
    output,
    run::{self, Running},
};

const ENVIRONMENT: &str = "production";
/// How long a rollback may take.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(args: DemoArgs) -> Result<Exit, Failure> {
    let scenario = args
        .scenario
        .as_deref()
        .map(str::parse::<Scenario>)
        .transpose()
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    super::log_to_stderr();
    let fresh = args.data_dir.is_none();
    let dir = match &args.data_dir {
        Some(dir) => dir.clone(),
        None => temporary()?,
    };
    let exit = super::server_runtime()?.block_on(demo(&args, scenario, &dir));
    if fresh && let Err(error) = std::fs::remove_dir_all(&dir) {
        output::note(&format!("evenkeel: `{dir}` was not removed: {error}"));
    }
    exit
}

/// A part of the shop, as a process of its own.
pub(super) fn shop(args: &[String]) -> Result<ExitCode, Failure> {
    shop::run_arguments(args).map_err(Failure::from)
}

async fn demo(
    args: &DemoArgs,
    scenario: Option<Scenario>,
    dir: &Utf8Path,
) -> Result<Exit, Failure> {
    let (key, key_text) = SigningKey::generate();
    let receiver = Receiver::start(&key_text).await?;
    let repo = dir.join("repo");
    write_repo(repo.as_std_path(), receiver.url())
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    let exe = std::env::current_exe().map_err(|error| Failure::new(Exit::Failed, error))?;
    let mut shop_config = ShopConfig {
        exe: exe.clone(),
        prefix: vec!["shop".to_owned()],
        evenkeel_url: String::new(),
        otlp_url: String::new(),
        dir: dir.join("shop").into_std_path_buf(),
        deployer_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        rate: f64::from(args.rate),
        seed: args.seed,
    };
    let is_new = !dir.join("data").exists();
    let config = config(args, dir, &repo, key, rollback(&exe, &shop_config)?);
    let (stop, stopping) = oneshot::channel::<()>();
    let (started, running) = oneshot::channel();
    let mut server = tokio::spawn(run::run(
        config,
        async { drop(stopping.await) },
        // Whoever waits for it may have given up.
        |running| drop(started.send(running)),
    ));
    let running = tokio::select! {
        running = running => running.map_err(|_| Failure::text(Exit::Failed, "the server did not start"))?,
        ended = &mut server => return ended.map_err(|error| Failure::new(Exit::FailStop, error))?,
    };
    shop_config.evenkeel_url.clone_from(&running.url);
    shop_config.otlp_url.clone_from(&running.url);
    let story = tell(args, scenario, &shop_config, &receiver, &running, is_new);
    let told = tokio::select! {
        told = story => told,
        signalled = run::signals() => signalled.map(|()| if scenario.is_some() { Exit::Interrupted } else { Exit::Ok }),
        ended = &mut server => return ended.map_err(|error| Failure::new(Exit::FailStop, error))?,
    };
    drop(stop);
    let served = server.await.map_err(|error| Failure::new(Exit::FailStop, error))?;
    let exit = told?;
    served.map(|_| exit)
}

/// The past, the shop, and the story, if one was asked for; else it goes on until somebody ends it.
async fn tell(
    args: &DemoArgs,
    scenario: Option<Scenario>,
    shop_config: &ShopConfig,
    receiver: &Receiver,
    running: &Running,
    is_new: bool,
) -> Result<Exit, Failure> {
    output::say(&format!("Evenkeel runs at {}", running.url))?;
    if is_new {
        output::note("writing a past: 30 days of SLI counts, a day of metrics …");
        let past = Past { rate: f64::from(args.rate), now: now(), seed: args.seed };
        backfill(&running.url, &past).await?;
    }
    output::note("starting the shop: seven services, their deployer, their customers …");
    let shop = Shop::start(shop_config).await?;
    let result = match scenario {
        Some(scenario) => {
            let stage = Stage {
                evenkeel_url: &running.url,
                environment: ENVIRONMENT,
                shop: &shop,
                receiver,
            };
            // A line that cannot be printed does not end the story.
            play(scenario, &stage, &mut |step| drop(output::say(&step.to_string()))).await
        }
        None => {
            output::say(&watch(&running.url, shop.deployer_url()))?;
            std::future::pending().await
        }
    };
    let stopped = shop.stop().await;
    let report = result.map_err(|error| Failure::new(Exit::Failed, error))?;
    stopped?;
    output::say(&format!(
        "{}: every step happened, in {:.0} s",
        report.scenario,
        report.total.as_secs_f64()
    ))?;
    Ok(Exit::Ok)
}

fn watch(url: &str, deployer: &str) -> String {
    format!(
        "\nOpen {url}/app/ and watch the budget of checkout. Then, in another terminal:\n\n  \
         evenkeel shop deploy --deployer {deployer} --service checkout --version 2.0.0 --instances half\n\n\
         The new version fails: within two minutes its budget burns, a page goes out, the incident names\n\
         the deploy, the gate refuses the next one, and the bad one is rolled back. Ctrl-C ends it all.\n"
    )
}

fn config(
    args: &DemoArgs,
    dir: &Utf8Path,
    repo: &Utf8Path,
    key: SigningKey,
    rollback: Rollback,
) -> Config {
    let usual = ServerConfig::default();
    Config {
        file: None,
        data_dir: dir.join("data"),
        repo: Some(repo.to_owned()),
        server: ServerConfig {
            listen: args.listen,
            otlp_grpc_listen: usual.otlp_grpc_listen.map(free),
            otlp_http_listen: usual.otlp_http_listen.map(free),
            ..usual
        },
        limits: Limits::default(),
        retention: Retention::default(),
        query: QueryLimits::default(),
        wal_sync: WalSync::default(),
        webhook_key: Some(key),
        fallback_receiver: None,
        rollbacks: vec![rollback],
        admin: false,
        external_labels: model::Labels::default(),
        remote_query: None,
        remote_write: Vec::new(),
        scrape: app::scrape::Options::default(),
    }
}

/// The usual port, or any when somebody else has it.
fn free(usual: SocketAddr) -> SocketAddr {
    if TcpListener::bind(usual).is_ok() { usual } else { SocketAddr::new(usual.ip(), 0) }
}

/// The deployer is asked by a program from the allow-list.
fn rollback(exe: &std::path::Path, shop: &ShopConfig) -> Result<Rollback, Failure> {
    let text = |path: &std::path::Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::text(Exit::Failed, "a path is not UTF-8"))
    };
    let argv = vec![
        text(exe)?,
        "shop".to_owned(),
        "rollback".to_owned(),
        "--deployer".to_owned(),
        format!("@{}", text(&shop.address_file())?),
        "--service".to_owned(),
        "{service}".to_owned(),
        "--to".to_owned(),
        "{version}".to_owned(),
    ];
    Ok(Rollback {
        service: "*".to_owned(),
        environment: Some(ENVIRONMENT.to_owned()),
        how: How::Program { argv, timeout: ROLLBACK_TIMEOUT },
    })
}

#[expect(clippy::disallowed_methods, reason = "the shop's past ends now")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn temporary() -> Result<Utf8PathBuf, Failure> {
    let name = format!("evenkeel-demo-{}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::new(Exit::Failed, error))?;
    Utf8PathBuf::from_path_buf(dir)
        .map_err(|_| Failure::text(Exit::Failed, "the temporary directory is not UTF-8"))
}
