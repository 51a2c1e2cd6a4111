//! A bad deploy from end to end over HTTP: spans burn, someone is told, acknowledges by the link, the gate blocks, it ends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use app::{App, Options, query::QueryLimits, react::Acts};
use model::{Clock, Limits, SystemClock};
use serde_json::{Value, json};
use server::{Metrics, Parts, Server, ServerConfig, api, pages};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::support::{Answer, PATIENCE, config, send};

const SLO: &str = "apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout-availability}
spec:
  service: checkout
  indicator:
    metadata: {name: ratio}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout}}}
        bad: {metricSource: {type: Evenkeel/Spans, spec: {status: error}}}
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
  timeWindow: [{duration: 30d, isRolling: true}]
";

pub(crate) struct Story {
    pub(crate) at: SocketAddr,
    app: Arc<App>,
    told: Arc<Mutex<Vec<Value>>>,
    receiver: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Story {
    pub(crate) async fn start() -> Self {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let config =
            ServerConfig { public_prefixes: vec!["/p/acknowledge/".to_owned()], ..config() };
        let bound = Server::bind(config).await.unwrap();
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
            query: QueryLimits::default(),
            query_features: app::query::QueryFeatures::default(),
            remote: None,
            forward: Vec::new(),
            acts: Acts { rollbacks: Vec::new() },
            fallback_receiver: None,
            webhook_key: None,
        };
        let app = App::open(options, Arc::clone(&clock)).await.unwrap();
        let metrics = Metrics::new();
        let info = api::ServerInfo::new(
            bound.addresses(),
            bound.config(),
            bound.drain(),
            &url,
            metrics.clone(),
        );
        let parts = Parts {
            sink: Arc::new(api::Sink::new(Arc::clone(&app))),
            clock,
            limits: Limits::default(),
            metrics: metrics.clone(),
            ready: {
                let app = Arc::clone(&app);
                Arc::new(move || app.readiness())
            },
            extra: api::router(Arc::clone(&app), info).merge(pages::router(Arc::clone(&app))),
        };
        let routers = server::build(parts, bound.config());
        tokio::spawn(bound.serve(routers, metrics, std::future::pending()));
        let told = Arc::default();
        let receiver = receive(Arc::clone(&told)).await;
        Self { at, app, told, receiver, _dir: dir }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [("content-type", "application/json"), ("evenkeel-via", "cli")];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        send(self.at, method, path, &headers, body.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", &format!("/evenkeel/v1{path}"), None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.ask("POST", &format!("/evenkeel/v1{path}"), Some(body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// 200 requests to checkout 2.0.0, half of which fail.
    async fn burn(&self) {
        let now = self.app.clock.now().as_nanos();
        let span = |n: i64| {
            json!({
                "traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "POST /checkout", "kind": 2,
                "startTimeUnixNano": (now - 50_000_000).to_string(), "endTimeUnixNano": now.to_string(),
                "status": { "code": if n % 2 == 0 { 2 } else { 1 } },
            })
        };
        let attribute = |key, value| json!({ "key": key, "value": { "stringValue": value } });
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": [
                attribute("service.name", "checkout"), attribute("service.version", "2.0.0"),
                attribute("deployment.environment.name", "prod"),
            ] },
            "scopeSpans": [{ "spans": (1..=200).map(span).collect::<Vec<_>>() }],
        }] });
        let answer = self.ask("POST", "/v1/traces", Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Asks until `found` finds something.
    async fn until<T>(&self, path: &str, found: impl Fn(&Value) -> Option<T>) -> T {
        let asking = async {
            loop {
                if let Some(found) = found(&self.get(path).await) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        timeout(PATIENCE, asking).await.unwrap()
    }
}

/// Takes webhooks and keeps their bodies.
async fn receive(told: Arc<Mutex<Vec<Value>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let body = loop {
                if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    break None;
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((_, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str(body)
                {
                    break Some(body);
                }
            };
            told.lock().unwrap().extend(body);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await
                .ok();
        }
    });
    at
}

fn find_text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    match value {
        Value::Object(fields) => fields
            .get(key)
            .and_then(Value::as_str)
            .or_else(|| fields.values().find_map(|inner| find_text(inner, key))),
        Value::Array(items) => items.iter().find_map(|inner| find_text(inner, key)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_deploy_from_end_to_end() {
    let story = Story::start().await;
    let routing = format!(
        "route: {{receiver: on-call, group_wait: 0s}}\nreceivers: [{{name: on-call, webhook_configs: [{{url: 'http://{}/hook'}}]}}]\n",
        story.receiver
    );
    let files = json!({ "files": [
        { "path": "slos/checkout.yaml", "content": SLO }, { "path": "routing.yaml", "content": routing },
    ] });
    let applied = story.post("/repo/apply", files).await;
    assert!(applied["applied"]["fact"].is_u64(), "{applied}");
    for version in ["1.9.0", "2.0.0"] {
        let deploy =
            json!({ "service": "checkout", "version": version, "idempotency_key": version });
        let first = story.post("/deploys", deploy.clone()).await;
        assert_eq!(story.post("/deploys", deploy).await["id"], first["id"]);
    }
    story.burn().await;
    let id = story
        .until("/incidents?status=open", |list| Some(list["items"][0]["id"].as_str()?.to_owned()))
        .await;
    let path = format!("/incidents/{id}");
    story
        .until(&path, |incident| (incident["deliveries"][0]["state"] == "delivered").then_some(()))
        .await;
    acknowledge_by_link(&story).await;
    let incident = story.get("/incidents/INC-1").await;
    assert_eq!(incident["summary"]["acknowledged"]["by"]["via"], "signed-link", "{incident}");
    let slo = story.get("/slos/checkout-availability").await;
    assert_eq!(slo["source"]["path"], "slos/checkout.yaml");
    let verdict =
        story.post("/gate/check", json!({ "service": "checkout", "version": "2.0.1" })).await;
    assert_eq!(verdict["outcome"], "block", "{verdict}");
    story
        .post(&format!("{path}/updates"), json!({ "text": "2.0.0 is bad", "status": "identified" }))
        .await;
    story.post(&format!("{path}/resolve"), json!({ "reason": "rolled back by hand" })).await;
    a_refused_update_leaves_nothing(&story, &path).await;
    let missing = story.ask("GET", &format!("/evenkeel/v1{path}/postmortem"), None).await;
    assert_eq!(missing.status, 404);
    let postmortem = story.post(&format!("{path}/postmortem"), json!({})).await;
    assert!(postmortem["markdown"].as_str().unwrap().contains("INC-1"), "{postmortem}");
    the_timeline_is_in_order(&story, &path).await;
    events_resume(&story).await;
    assert_eq!(story.get("/journal/verify").await["ok"], true);
    the_status_is_filled(&story).await;
    let no_reason = json!({ "seq": 1, "reason": " " });
    assert_eq!(
        story.ask("POST", "/evenkeel/v1/journal/accept-break", Some(no_reason)).await.status,
        422
    );
    assert_eq!(story.ask("GET", "/evenkeel/v1/incidents/INC-9", None).await.status, 404);
    assert_eq!(
        story.ask("POST", "/evenkeel/v1/incidents/INC-1/resolve", Some(json!({}))).await.status,
        422
    );
    assert_eq!(story.ask("GET", "/readyz", None).await.text(), "ok\n");
    story.app.telemetry.stop();
    let unready = story.ask("GET", "/readyz", None).await;
    assert_eq!(unready.status, 503);
    assert!(unready.text().contains("the writer of telemetry has stopped"), "{}", unready.text());
}

/// The text alone would be taken after the end; the status is not.
async fn a_refused_update_leaves_nothing(story: &Story, path: &str) {
    let update = json!({ "text": "never said", "status": "monitoring" });
    let refused = story.ask("POST", &format!("/evenkeel/v1{path}/updates"), Some(update)).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    let timeline = story.get(&format!("{path}/timeline")).await.to_string();
    assert!(!timeline.contains("never said"), "{timeline}");
}

async fn the_status_is_filled(story: &Story) {
    let lost = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{ "name": "no id" }] }] }] });
    assert_eq!(story.ask("POST", "/v1/traces", Some(lost)).await.status, 200);
    let status = story.get("/status").await;
    let spans = &status["ingest"][0];
    assert_eq!((&spans["signal"], &spans["accepted"]), (&json!("spans"), &json!(200)), "{spans}");
    assert_eq!(spans["rejected"], json!([{ "reason": "invalid_id", "count": 1 }]));
    assert!(spans["per_second"].as_f64().unwrap() > 3.0, "{spans}");
    assert!(status["storage"]["free_bytes"].as_u64().unwrap() > 0);
    let first = &status["first_data"]["services"][0];
    assert_eq!((&first["service"], &first["signal"]), (&json!("checkout"), &json!("spans")));
    assert_eq!(status["journal"]["accepted_breaks"], json!([]));
}

async fn acknowledge_by_link(story: &Story) {
    let link = {
        let told = story.told.lock().unwrap();
        told.iter().find_map(|body| find_text(body, "acknowledge_url")).unwrap().to_owned()
    };
    let path = link.strip_prefix(&format!("http://{}", story.at)).unwrap();
    let shown = send(story.at, "GET", path, &[("accept", "text/html")], b"").await;
    assert!(
        shown.status == 200 && shown.text().contains("Acknowledge as on-call"),
        "{}",
        shown.text()
    );
    let done = send(story.at, "POST", path, &[("accept", "text/html")], b"").await;
    assert!(done.text().contains("Acknowledged by on-call"), "{}", done.text());
    let forged = send(story.at, "GET", "/p/acknowledge/abc.def", &[], b"").await;
    assert_eq!(forged.status, 403);
}

async fn the_timeline_is_in_order(story: &Story, path: &str) {
    let timeline = story.get(&format!("{path}/timeline")).await;
    let entries = timeline["entries"].as_array().unwrap();
    let seqs: Vec<u64> =
        entries.iter().map(|entry| entry["fact"]["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    let kinds: Vec<&str> =
        entries.iter().map(|entry| entry["fact"]["kind"].as_str().unwrap()).collect();
    for kind in [
        "config.applied",
        "deploy.recorded",
        "alert.fired",
        "incident.opened",
        "notification.delivered",
        "incident.acknowledged",
        "gate.decided",
        "incident.updated",
        "incident.resolved",
        "incident.postmortem_attached",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
}

async fn events_resume(story: &Story) {
    let mut stream = TcpStream::connect(story.at).await.unwrap();
    let head = format!(
        "GET /evenkeel/v1/events HTTP/1.1\r\nhost: {}\r\nlast-event-id: 1\r\n\r\n",
        story.at
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).contains("incident.resolved") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
    };
    timeout(PATIENCE, reading).await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("id: 2\n") && !text.contains("id: 1\n"), "{text}");
}
