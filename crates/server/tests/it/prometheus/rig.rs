//! A whole server on a directory of its own, at a time that the test chooses.

use std::{net::SocketAddr, sync::Arc};

use app::{App, Options, query::QueryLimits, react::Acts, remote::RemoteOptions};
use model::{Batch, Clock, Limits, ManualClock, Timestamp};
use serde_json::Value;
use server::{Metrics, Parts, Server, api};

use crate::support::{Answer, PATIENCE, config, send};

/// What a rig is started with.
#[derive(Default)]
pub(super) struct Setup {
    pub(super) admin: bool,
    pub(super) external_labels: model::Labels,
    pub(super) remote: Option<RemoteOptions>,
    pub(super) forward: Vec<app::remote::forward::ForwardOptions>,
    /// What is scraped, as Prometheus' configuration says it.
    pub(super) scrape: Option<&'static str>,
    /// Seconds since 1970.
    pub(super) now: Option<i64>,
    pub(super) query: QueryLimits,
}

pub(super) struct Rig {
    pub(super) at: SocketAddr,
    pub(super) app: Arc<App>,
    pub(super) dir: tempfile::TempDir,
}

impl Rig {
    pub(super) async fn start(setup: Setup) -> Self {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(setup.now.unwrap_or(100_000) * 1000);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
        let bound = Server::bind(config()).await.unwrap();
        let at = bound.addresses().main;
        let url = format!("http://{at}");
        let options = Options {
            data_dir: dir.path().join("data").try_into().unwrap(),
            repo: None,
            external_url: url.as_str().into(),
            limits: Limits::default(),
            sync: app::telemetry::SyncPolicy::Never,
            metrics_retention: None,
            metrics_bytes: None,
            out_of_order_window: std::time::Duration::from_secs(1800),
            events_retention: None,
            query: setup.query,
            query_features: app::query::QueryFeatures::default(),
            remote: setup.remote,
            forward: setup.forward,
            acts: Acts { rollbacks: Vec::new() },
            fallback_receiver: None,
            webhook_key: None,
        };
        let app = App::open(options, Arc::clone(&clock)).await.unwrap();
        if let Some(text) = setup.scrape {
            scrape(&app, dir.path(), text).await;
        }
        let metrics = Metrics::new();
        api::measure_store(&app, &metrics);
        api::measure_scraping(&app.scrape, &metrics);
        let info = api::ServerInfo::new(
            bound.addresses(),
            bound.config(),
            bound.drain(),
            &url,
            metrics.clone(),
        )
        .with_prometheus(api::PrometheusInfo {
            config: "listen: x\n".into(),
            flags: [("query.timeout".to_owned(), "30s".to_owned())].into(),
            admin: setup.admin,
            retention: "30d".into(),
            external_labels: setup.external_labels,
        });
        let parts = Parts {
            sink: Arc::new(api::Sink::new(Arc::clone(&app))),
            clock,
            limits: Limits::default(),
            metrics: metrics.clone(),
            ready: {
                let app = Arc::clone(&app);
                Arc::new(move || app.readiness())
            },
            extra: api::router(Arc::clone(&app), info),
        };
        let routers = server::build(parts, bound.config());
        tokio::spawn(bound.serve(routers, metrics, std::future::pending()));
        Self { at, app, dir }
    }

    /// Stores a batch as if it had come now.
    pub(super) async fn store(&self, batch: Batch) {
        let batch = Batch { received_at: self.app.clock.now(), ..batch };
        let refused = self.app.telemetry.accept(batch).await.unwrap();
        assert_eq!(refused, []);
    }

    pub(super) async fn get(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let query = encoded(pairs);
        send(self.at, "GET", &format!("{path}?{query}"), &[], b"").await
    }

    pub(super) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        send(self.at, "POST", path, &kind, encoded(pairs).as_bytes()).await
    }

    /// The answer's JSON, with its status.
    pub(super) async fn json(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.get(path, pairs).await;
        let text = answer.text();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (answer.status, json)
    }

    /// `data` of an answer that must be good.
    pub(super) async fn data(&self, path: &str, pairs: &[(&str, &str)]) -> Value {
        let (status, json) = self.json(path, pairs).await;
        assert_eq!((status, &json["status"]), (200, &"success".into()), "{path} {pairs:?}: {json}");
        json["data"].clone()
    }
}

/// Until the configuration is in force.
async fn scrape(app: &Arc<App>, dir: &std::path::Path, text: &str) {
    let file = dir.join("prometheus.yml");
    std::fs::write(&file, text).unwrap();
    let config_file = Some(file.try_into().unwrap());
    app.start_scraping(app::scrape::Options { config_file, ..app::scrape::Options::default() });
    let in_force = async {
        while app.scrape.config_state().loaded_at.is_none() {
            let problems = app.scrape.config_state().problems;
            assert!(problems.is_empty(), "{problems:?}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, in_force).await.expect("the configuration comes into force");
}

pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
