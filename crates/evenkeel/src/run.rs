//! The server's life: bind, recover, serve, drain, stop in reverse.

use std::{sync::Arc, time::Duration};

use app::{
    App, Options,
    query::QueryFeatures,
    react::{Acts, RollbackAct, Run},
};
use model::{Clock, SystemClock};
use server::{Addresses, BindError, Metrics, Parts, Server, ServerConfig};
use tokio::sync::oneshot;

use crate::{
    config::{self, Config, Features, How, Rollback, WalSync},
    exit::{Exit, Failure},
    output,
};

/// How long an act's webhook may take.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// What runs, once it can be asked.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) addresses: Addresses,
    /// Base address of the API, on this machine.
    pub(crate) url: String,
}

/// Runs until `shutdown`, or until going on could lose facts.
///
/// # Errors
/// When it cannot start; with exit code 70 when it stopped itself.
pub(crate) async fn run(
    config: Config,
    shutdown: impl Future<Output = ()>,
    started: impl FnOnce(Running),
) -> Result<Exit, Failure> {
    if let Some(repo) = config.repo.as_ref().filter(|repo| !repo.is_dir()) {
        let text =
            format!("the production repo `{repo}` is not a directory; name one that is there");
        return Err(Failure::text(Exit::BadConfiguration, text));
    }
    check_scrape_config(&config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut server = config.server.clone();
    server.public_prefixes.push("/p/acknowledge/".to_owned());
    let bound = Server::bind(server).await.map_err(|error| {
        let exit = match error {
            BindError::NeedsToken { .. } => Exit::BadConfiguration,
            BindError::Listen { .. } => Exit::Failed,
        };
        Failure::new(exit, error)
    })?;
    let addresses = bound.addresses().clone();
    let url = format!("http://{}", addresses.main);
    let external_url = external_url(&config.server, &url);
    let app = App::open(options(&config, &external_url), Arc::clone(&clock))
        .await
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    app.start_scraping(config.scrape.clone());
    let metrics = Metrics::default();
    let info = server::api::ServerInfo::new(
        &addresses,
        bound.config(),
        bound.drain(),
        &external_url,
        metrics.clone(),
    )
    .with_prometheus(config.prometheus());
    server::api::measure_store(&app, &metrics);
    server::api::measure_scraping(&app.scrape, &metrics);
    server::api::measure_forwarding(&app.stores.forwarding, &metrics);
    let extra =
        server::api::router(Arc::clone(&app), info).merge(server::pages::router(Arc::clone(&app)));
    let parts = Parts {
        sink: Arc::new(server::api::Sink::new(Arc::clone(&app))),
        clock,
        limits: config.limits.clone(),
        metrics: metrics.clone(),
        ready: {
            let app = Arc::clone(&app);
            Arc::new(move || app.readiness())
        },
        extra,
    };
    let routers = server::build(parts, bound.config());
    started(Running { addresses, url });
    let (stop, stopping) = oneshot::channel::<()>();
    let serving = bound.serve(routers, metrics, async {
        // Dropped or sent: either way it is over.
        drop(stopping.await);
    });
    tokio::pin!(serving);
    let failed = tokio::select! {
        () = shutdown => None,
        why = app.failed() => Some(why),
        () = &mut serving => None,
    };
    drop(stop);
    serving.await;
    app.stop().await;
    match failed {
        None => Ok(Exit::Ok),
        Some(why) => Err(Failure::text(
            Exit::FailStop,
            format!("stopped, because going on could lose facts: {why}"),
        )),
    }
}

/// A scrape configuration with an error is told before a port is bound; what is a warning is told and goes on.
fn check_scrape_config(config: &Config) -> Result<(), Failure> {
    let Some(path) = &config.scrape.config_file else { return Ok(()) };
    let loaded =
        app::files::scrape::load(path.as_std_path(), config::variable).map_err(|error| {
            let error = anyhow::Error::new(error)
                .context(format!("cannot read the scrape configuration `{path}`"));
            Failure::new(Exit::BadConfiguration, error)
        })?;
    let lines: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    let errors = loaded.errors();
    if errors > 0 {
        let plural = if errors == 1 { "" } else { "s" };
        let text =
            format!("the scrape configuration has {errors} problem{plural}\n{}", lines.join("\n"));
        return Err(Failure::text(Exit::BadConfiguration, text));
    }
    lines.iter().for_each(|line| output::note(line));
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
///
/// # Errors
/// When the system lets nobody listen to signals.
pub(crate) async fn signals() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Failure::new(Exit::FailStop, error));
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output::note("evenkeel: stopping");
    Ok(())
}

fn external_url(config: &ServerConfig, own: &str) -> String {
    let url = config.external_url.as_ref().map_or_else(|| own.to_owned(), ToString::to_string);
    url.trim_end_matches('/').to_owned()
}

fn options(config: &Config, external_url: &str) -> Options {
    Options {
        data_dir: config.data_dir.clone(),
        repo: config.repo.clone(),
        external_url: external_url.into(),
        limits: config.limits.clone(),
        sync: match config.wal_sync {
            WalSync::Always => app::telemetry::SyncPolicy::Always,
            WalSync::Interval => app::telemetry::SyncPolicy::default(),
            WalSync::Never => app::telemetry::SyncPolicy::Never,
        },
        metrics_retention: Some(config.retention.metrics).filter(|kept| !kept.is_zero()),
        out_of_order_window: config.retention.out_of_order_window(),
        metrics_bytes: Some(config.retention.metrics_bytes).filter(|bytes| *bytes > 0),
        events_retention: Some(config.retention.logs_and_spans).filter(|kept| !kept.is_zero()),
        query: app::query::QueryLimits {
            timeout: config.query.timeout,
            samples_max: config.query.samples_max,
            series_max: config.query.series_max,
            points_max: config.query.points_per_series_max,
            memory_max_bytes: config.query.memory_max_bytes,
            scan_max_bytes: config.query.scan_max_bytes,
            lookback: config.query.lookback_delta,
        },
        query_features: features(config.query.features),
        acts: Acts { rollbacks: config.rollbacks.iter().map(rollback).collect() },
        fallback_receiver: config.fallback_receiver.clone(),
        webhook_key: config.webhook_key.clone(),
        remote: config.remote_query.clone(),
        forward: config
            .remote_write
            .iter()
            .map(|receiver| receiver.options(&config.external_labels))
            .collect(),
    }
}

fn features(on: Features) -> QueryFeatures {
    let [
        experimental,
        duration_expressions,
        extended_ranges,
        fill,
        delayed_name_removal,
        type_and_unit_labels,
        start_timestamps,
    ] = on;
    let language =
        app::promql::Features { experimental, duration_expressions, extended_ranges, fill };
    QueryFeatures { language, delayed_name_removal, type_and_unit_labels, start_timestamps }
}

fn rollback(rule: &Rollback) -> RollbackAct {
    let (run, timeout) = match &rule.how {
        How::Program { argv, timeout } => {
            (Run::Argv(argv.iter().map(|part| part.as_str().into()).collect()), *timeout)
        }
        How::Webhook { url, key } => {
            (Run::Webhook { url: url.as_str().into(), key: key.clone() }, WEBHOOK_TIMEOUT)
        }
    };
    RollbackAct {
        service: rule.service.as_str().into(),
        environment: rule.environment.as_deref().map(Into::into),
        run,
        timeout,
    }
}
