//! Scraping real servers on loopback: formats, clients, limits, discovery, reload, staleness.

mod exporter;

use std::{fs, io::Write as _, path::Path, sync::Arc, time::Duration};

use app::{
    App,
    scrape::{
        self,
        targets::{ActiveTarget, Health},
    },
};
use camino::Utf8PathBuf;
use exporter::{Answer, Authority, Exporter};
use model::{Clock, Labels, Matcher, Points, Sample, SystemClock, Timestamp};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// An Evenkeel that scrapes by the configuration in its folder.
struct Scraper {
    app: Arc<App>,
    folder: tempfile::TempDir,
}

impl Scraper {
    async fn start(config: impl FnOnce(&Path) -> String) -> Self {
        Self::start_with(scrape::Options::default(), config).await
    }

    async fn start_with(options: scrape::Options, config: impl FnOnce(&Path) -> String) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let text = config(folder.path());
        fs::write(dir.join("prometheus.yml"), text).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let app = App::open(crate::life::options(&dir.join("data")), clock).await.unwrap();
        let config_file = Some(dir.join("prometheus.yml"));
        app.start_scraping(scrape::Options { config_file, ..options });
        Self { app, folder }
    }

    fn target(&self, job: &str) -> Option<ActiveTarget> {
        let targets = self.app.scrape.targets();
        targets.active().find(|(pool, _)| *pool == job).map(|(_, target)| target.clone())
    }

    /// Waits until the job's target is scraped and `holds`.
    async fn until(&self, job: &str, holds: impl Fn(&ActiveTarget) -> bool) -> ActiveTarget {
        let wait = async {
            loop {
                if let Some(target) =
                    self.target(job).filter(|target| target.last_scrape.is_some() && holds(target))
                {
                    return target;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(target) => target,
            Err(_) => panic!("{job}: {:?} {:?}", self.target(job), self.app.scrape.config_state()),
        }
    }

    async fn up(&self, job: &str) -> ActiveTarget {
        self.until(job, |target| target.health == Health::Up).await
    }

    /// Why the job's target is down.
    async fn down(&self, job: &str) -> String {
        self.until(job, |target| target.health == Health::Down).await.last_error.to_string()
    }

    /// The stored samples of the series with this name and job.
    fn stored(&self, name: &str, job: &str) -> Vec<(Labels, Vec<Sample>)> {
        let matchers = [Matcher::equal(Labels::METRIC_NAME, name), Matcher::equal("job", job)];
        let end = SystemClock::new().now() + Duration::from_secs(600);
        let found = self.app.stores.metrics.select(&matchers, 0, end.as_millis()).unwrap();
        let read = |at| {
            let mut points = Points::default();
            found.read(at, &mut points).unwrap();
            (found.labels(at), points.samples().collect())
        };
        (0..found.len()).map(read).collect()
    }

    /// Waits until a series' samples `hold`.
    async fn until_stored(
        &self,
        name: &str,
        job: &str,
        holds: impl Fn(&[Sample]) -> bool,
    ) -> (Labels, Vec<Sample>) {
        let wait = async {
            loop {
                if let Some(found) =
                    self.stored(name, job).into_iter().find(|(_, samples)| holds(samples))
                {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!("{name} {job}: {:?}", self.stored(name, job)),
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    }

    async fn stop(self) {
        self.app.stop().await;
    }
}

/// `global:` with short times, then jobs: a name, an address and further lines.
fn config(jobs: &[(&str, &Exporter, &str)]) -> String {
    let mut text =
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n".to_owned();
    for (name, exporter, more) in jobs {
        text.push_str(&format!(
            "- job_name: {name}\n  static_configs: [{{targets: ['{}']}}]\n",
            exporter.address
        ));
        more.lines().for_each(|line| text.push_str(&format!("  {}\n", line.trim())));
    }
    text
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A field of a protobuf message that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

/// A counter `name{a="b"}` of 42 as a delimited `MetricFamily`.
fn protobuf_counter(name: &str) -> Vec<u8> {
    let label = [field(1, b"a"), field(2, b"b")].concat();
    let value = [vec![1 << 3 | 1], 42f64.to_le_bytes().to_vec()].concat();
    let metric = [field(1, &label), field(3, &value)].concat();
    let family = [field(1, name.as_bytes()), vec![3 << 3, 0], field(4, &metric)].concat();
    [vec![u8::try_from(family.len()).unwrap()], family].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_read() {
    let text = Exporter::start(|_| {
        Answer::text("# TYPE a counter\n# HELP a Help.\na{x=\"y\"} 42\nb 1 1000\n")
    })
    .await;
    let open = Exporter::start(|_| {
        let body = "# TYPE a counter\na_total{x=\"y\"} 42 # {trace_id=\"t\"} 1\n# EOF\n";
        Answer::of("application/openmetrics-text; version=1.0.0; charset=utf-8", body.into())
    })
    .await;
    let protobuf = Exporter::start(|_| {
        let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        Answer::of(kind, protobuf_counter("a"))
    })
    .await;
    let zipped = Exporter::start(|_| {
        Answer::of("text/plain", gzip(b"a 42\n")).with("Content-Encoding", "gzip")
    })
    .await;
    let untyped = Exporter::start(|_| Answer { headers: vec![], ..Answer::text("a 42\n") }).await;
    let more = "params: {module: ['a b']}\nmetrics_path: /probe\nscrape_native_histograms: true";
    let scraper = Scraper::start(|_| {
        config(&[
            ("text", &text, more),
            ("open", &open, ""),
            ("protobuf", &protobuf, ""),
            ("zipped", &zipped, ""),
            ("fallback", &untyped, "fallback_scrape_protocol: PrometheusText0.0.4"),
            ("untyped", &untyped, ""),
        ])
    })
    .await;
    for job in ["text", "open", "protobuf", "zipped", "fallback"] {
        let target = scraper.up(job).await;
        let name = if job == "open" { "a_total" } else { "a" };
        let (labels, samples) =
            scraper.until_stored(name, job, |samples| !samples.is_empty()).await;
        assert_eq!(samples[0].value, 42.0, "{job}");
        assert_eq!(labels.get("instance"), target.labels.get("instance"));
    }
    assert!(
        scraper
            .down("untyped")
            .await
            .starts_with("non-compliant scrape target sending blank Content-Type")
    );
    let asked = &text.asked()[0];
    assert_eq!(asked.path, "/probe?module=a+b");
    assert!(asked.headers["accept"].starts_with("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5"), "{asked:?}");
    assert_eq!(asked.headers["accept-encoding"], "gzip");
    assert_eq!(asked.headers["x-prometheus-scrape-timeout-seconds"], "0.2");
    let (_, samples) = scraper.until_stored("b", "text", |samples| !samples.is_empty()).await;
    assert_eq!(samples[0].at_ms, 1000, "a time of its own");
    let target = scraper.until("text", |target| !target.metadata.is_empty()).await;
    assert_eq!((&*target.metadata[0].family, &*target.metadata[0].help), ("a", "Help."));
    // The connection is kept.
    scraper.until_stored("up", "text", |samples| samples.len() >= 3).await;
    assert!(text.asked().iter().all(|asked| asked.connection == 0));
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said_and_ends_the_series() {
    let slow =
        Exporter::start(|_| Answer { delay: Duration::from_secs(5), ..Answer::text("a 1\n") })
            .await;
    let large = Exporter::start(|_| {
        Answer::of("text/plain", gzip(&vec![b'\n'; 100_000])).with("Content-Encoding", "gzip")
    })
    .await;
    let broken = Exporter::start(|_| Answer::status("500 Internal Server Error")).await;
    let garbled = Exporter::start(|_| Answer::text("a 1\nb{ 2\n")).await;
    let many = Exporter::start(|_| Answer::text("a 1\nb 2\nc 3\n")).await;
    let moved = Exporter::start(|_| Answer::status("302 Found").with("Location", "/x")).await;
    let flaky = Exporter::start({
        let count = std::sync::atomic::AtomicU32::new(0);
        move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0..=2 => Answer::text("a 1\nb 2\n"),
            3..=5 => Answer::text("a 1\n"),
            _ => Answer::status("503 Service Unavailable"),
        }
    })
    .await;
    let scraper = Scraper::start(|_| {
        config(&[
            ("slow", &slow, ""),
            ("large", &large, "body_size_limit: 50KB\nextra_scrape_metrics: true"),
            ("broken", &broken, ""),
            ("garbled", &garbled, ""),
            ("many", &many, "sample_limit: 2"),
            ("moved", &moved, "follow_redirects: false"),
            ("loop", &moved, ""),
            ("flaky", &flaky, ""),
        ])
    })
    .await;
    assert_eq!(scraper.down("slow").await, "context deadline exceeded: no answer within 0.2 s");
    assert_eq!(
        scraper.down("large").await,
        "body size limit exceeded: more than 51200 bytes (`body_size_limit`)"
    );
    assert_eq!(
        scraper.down("broken").await,
        "server returned HTTP status 500 Internal Server Error"
    );
    assert!(
        scraper.down("garbled").await.contains("while parsing"),
        "{}",
        scraper.down("garbled").await
    );
    assert_eq!(
        scraper.down("many").await,
        "sample limit exceeded: more than 2 samples after relabelling (`sample_limit`)"
    );
    assert_eq!(scraper.down("moved").await, "server returned HTTP status 302 Found");
    assert_eq!(scraper.down("loop").await, "stopped after 10 redirects");
    let value = async |name: &str, job: &str| {
        scraper.until_stored(name, job, |samples| !samples.is_empty()).await.1[0].value
    };
    assert_eq!(value("up", "broken").await, 0.0);
    assert_eq!(value("scrape_samples_scraped", "many").await, 3.0);
    assert_eq!(value("scrape_samples_post_metric_relabeling", "many").await, 3.0);
    assert_eq!(value("scrape_body_size_bytes", "large").await, -1.0);
    assert_eq!(value("scrape_timeout_seconds", "large").await, 0.2);
    assert!(scraper.stored("a", "garbled").is_empty() && scraper.stored("a", "many").is_empty());
    // `b` vanishes while the target answers, `a` when it does not any more.
    let stale = |samples: &[Sample]| samples.last().is_some_and(Sample::is_stale);
    let (_, b) = scraper.until_stored("b", "flaky", stale).await;
    let (_, a) = scraper.until_stored("a", "flaky", stale).await;
    assert!(a.len() >= 6 && b.len() == 4, "{} {}", a.len(), b.len());
    let marks = |samples: &[Sample]| samples.iter().filter(|sample| sample.is_stale()).count();
    assert_eq!((marks(&a), marks(&b)), (1, 1));
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_reach_the_target_and_nobody_else() {
    let other = Exporter::start(|_| Answer::text("a 1\n")).await;
    let to = format!("http://{}/elsewhere", other.address);
    let basic =
        Exporter::start(|asked| match asked.headers.get("authorization").map(String::as_str) {
            Some("Basic dTpzM2NyZXQ=") => Answer::text("a 1\n"),
            _ => Answer::status("401 Unauthorized"),
        })
        .await;
    let bearer =
        Exporter::start(|asked| match asked.headers.get("authorization").map(String::as_str) {
            Some("Bearer t0ken") => Answer::text("a 1\n"),
            _ => Answer::status("401 Unauthorized"),
        })
        .await;
    let away =
        Exporter::start(move |_| Answer::status("307 Temporary Redirect").with("Location", &to))
            .await;
    let inside = Exporter::start(|asked| match asked.path.as_str() {
        "/metrics" => Answer::status("301 Moved Permanently").with("Location", "/real"),
        _ => Answer::text("a 1\n"),
    })
    .await;
    let proxy = Exporter::start(|_| Answer::text("a 1\n")).await;
    let secrets = "authorization: {credentials: s3cret}\nhttp_headers: {X-Key: {secrets: [s3cret], values: [v]}}";
    let scraper = Scraper::start(|folder| {
        fs::write(folder.join("token"), "t0ken\n").unwrap();
        config(&[
            ("basic", &basic, "basic_auth: {username: u, password: s3cret}"),
            ("bearer", &bearer, "bearer_token_file: token"),
            ("nobody", &bearer, ""),
            ("missing", &bearer, "bearer_token_file: nowhere"),
            ("away", &away, secrets),
            ("inside", &inside, secrets),
            ("proxied", &basic, &format!("proxy_url: http://{}", proxy.address)),
        ])
    })
    .await;
    for job in ["basic", "bearer", "away", "inside", "proxied"] {
        scraper.up(job).await;
    }
    assert_eq!(scraper.down("nobody").await, "server returned HTTP status 401 Unauthorized");
    assert!(scraper.down("missing").await.starts_with("cannot read `"));
    let elsewhere = other.asked();
    assert!(!elsewhere.is_empty());
    for asked in &elsewhere {
        assert!(
            !asked.headers.contains_key("authorization") && !asked.headers.contains_key("x-key"),
            "{asked:?}"
        );
    }
    let real = inside.asked().into_iter().find(|asked| asked.path == "/real").unwrap();
    assert_eq!(real.headers["authorization"], "Bearer s3cret");
    assert!(away.asked()[0].headers.contains_key("x-key"));
    let through = &proxy.asked()[0];
    assert_eq!(through.path, format!("http://{}/metrics", basic.address));
    let shown = scraper.app.scrape.config_text().unwrap();
    assert!(!shown.contains("s3cret") && shown.contains("<secret>"), "{shown}");
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_checked_as_it_was_asked_for() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let named =
        Exporter::with_tls(Some(ours.server("metrics.internal", false)), |_| Answer::text("a 1\n"))
            .await;
    let by_address =
        Exporter::with_tls(Some(ours.server("127.0.0.1", false)), |_| Answer::text("a 1\n")).await;
    let mutual =
        Exporter::with_tls(Some(ours.server("127.0.0.1", true)), |_| Answer::text("a 1\n")).await;
    let signed = ours.sign("client");
    let scraper = Scraper::start(|folder| {
        fs::write(folder.join("ca.pem"), &ours.pem).unwrap();
        fs::write(folder.join("other.pem"), &theirs.pem).unwrap();
        fs::write(folder.join("cert.pem"), &signed.cert).unwrap();
        fs::write(folder.join("key.pem"), &signed.key).unwrap();
        let tls =
            |text: &str| format!("scheme: https\nscrape_timeout: 200ms\ntls_config: {{{text}}}");
        config(&[
            ("good", &by_address, &tls("ca_file: ca.pem, min_version: TLS13")),
            ("named", &named, &tls("ca_file: ca.pem, server_name: metrics.internal")),
            ("misnamed", &named, &tls("ca_file: ca.pem")),
            ("stranger", &by_address, &tls("ca_file: other.pem")),
            ("system", &by_address, &tls("")),
            ("insecure", &named, &tls("insecure_skip_verify: true")),
            ("mutual", &mutual, &tls("ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem")),
            ("one-sided", &mutual, &tls("ca_file: ca.pem")),
            ("unreadable", &mutual, &tls("ca_file: nowhere.pem")),
        ])
    })
    .await;
    for job in ["good", "named", "insecure", "mutual"] {
        scraper.up(job).await;
    }
    for (job, why) in [
        ("misnamed", "not valid for name"),
        ("stranger", "UnknownIssuer"),
        ("system", "UnknownIssuer"),
        // The server hangs up; whether its alert is read before depends on the moment.
        ("one-sided", "error sending request"),
        ("unreadable", "cannot read"),
    ] {
        let error = scraper.down(job).await;
        assert!(error.to_lowercase().contains(&why.to_lowercase()), "{job}: {error}");
    }
    assert_eq!(named.asked()[0].headers["host"], named.address.to_string());
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_finds_loses_and_relabels_targets() {
    let target = Exporter::start(|_| Answer::text("a{job=\"own\"} 1\n")).await;
    let address = target.address;
    let answer = Arc::new(std::sync::Mutex::new(Answer::of(
        "application/json",
        format!(r#"[{{"targets": ["{address}"], "labels": {{"__meta_zone": "z"}}}}]"#).into(),
    )));
    let shared = Arc::clone(&answer);
    let directory = Exporter::start(move |_| shared.lock().unwrap().clone()).await;
    let dns = dns_server(address.port()).await;
    let options = scrape::Options { name_server: Some(dns), ..scrape::Options::default() };
    let scraper = Scraper::start_with(options, |folder| {
        fs::write(folder.join("targets.json"), format!(r#"[{{"targets": ["{address}", "gone:1"], "labels": {{"env": "prod"}}}}]"#)).unwrap();
        format!("
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: files
  file_sd_configs: [{{files: ['*.json']}}]
  relabel_configs:
  - {{source_labels: [__address__], regex: 'gone.*', action: drop}}
  metric_relabel_configs:
  - {{source_labels: [exported_job], target_label: was}}
- job_name: http
  http_sd_configs: [{{url: 'http://{}/sd', refresh_interval: 1s}}]
  relabel_configs: [{{source_labels: [__meta_zone, __meta_url], target_label: zone}}]
- job_name: dns
  dns_sd_configs: [{{names: [_metrics._tcp.example.], refresh_interval: 1s}}]
  relabel_configs: [{{source_labels: [__meta_dns_srv_record_target], target_label: srv}}, {{source_labels: [__address__], regex: '.*:(.*)', replacement: '127.0.0.1:$1', target_label: __address__}}]
- job_name: dns-a
  dns_sd_configs: [{{names: [a.example.], type: A, port: {}, refresh_interval: 1s}}]
", directory.address, address.port())
    })
    .await;
    scraper.up("files").await;
    let targets = scraper.app.scrape.targets();
    let pool = targets.pools.iter().find(|pool| &*pool.name == "files").unwrap();
    assert_eq!((pool.active.len(), pool.dropped.len(), pool.dropped_count), (1, 1, 1));
    assert_eq!(
        pool.active[0].labels.to_string(),
        format!(r#"{{env="prod", instance="{address}", job="files"}}"#)
    );
    assert!(
        pool.active[0].discovered_labels.get("__meta_filepath").unwrap().ends_with("/targets.json")
    );
    let (labels, _) = scraper.until_stored("a", "files", |samples| !samples.is_empty()).await;
    assert_eq!((labels.get("was"), labels.get("exported_job")), (Some("own"), Some("own")));
    let http = scraper.up("http").await;
    assert_eq!(http.labels.get("zone").unwrap(), format!("z;http://{}/sd", directory.address));
    let found = scraper.up("dns").await;
    assert_eq!(found.labels.get("srv"), Some("host.example."));
    assert_eq!(
        found.discovered_labels.get("__address__").unwrap(),
        format!("host.example:{}", address.port())
    );
    scraper.up("dns-a").await;

    // A directory that fails changes nothing; one that names nobody ends the target, and its series a little later.
    *answer.lock().unwrap() = Answer::status("500 Internal Server Error");
    let failing = async {
        while scraper.app.scrape.targets().pools.iter().all(|pool| !pool.last_error.contains("500"))
        {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    tokio::time::timeout(PATIENCE, failing).await.unwrap();
    assert!(scraper.target("http").is_some());
    *answer.lock().unwrap() = Answer::of("application/json", b"[]".to_vec());
    let gone = async {
        while scraper.target("http").is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    for name in ["a", "up", "scrape_duration_seconds"] {
        scraper.until_stored(name, "http", |samples| samples.last().unwrap().is_stale()).await;
    }
    scraper.write("targets.json", "[]");
    let gone = async {
        while scraper.target("files").is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_taken_and_a_bad_one_is_not() {
    let target = Exporter::start(|_| Answer::text("a 1\nb 1\n")).await;
    let scraper = Scraper::start(|_| config(&[("kept", &target, ""), ("gone", &target, "")])).await;
    scraper.up("kept").await;
    scraper.up("gone").await;
    let drop_b = "metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]";
    scraper.write("prometheus.yml", "scrape_configs: [{job_name: kept, scrape_interval: 1x}]\n");
    let refused = async {
        while scraper.app.scrape.config_state().errors() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(scraper.app.scrape.targets().pools.len(), 2);
    scraper.write("prometheus.yml", &config(&[("kept", &target, drop_b), ("new", &target, "")]));
    scraper.up("new").await;
    let stale = |samples: &[Sample]| samples.last().unwrap().is_stale();
    scraper.until_stored("b", "kept", stale).await;
    scraper.until_stored("a", "gone", stale).await;
    scraper.until_stored("up", "gone", stale).await;
    let (_, a) = scraper.stored("a", "kept").remove(0);
    assert!(!a.iter().any(Sample::is_stale), "it went on without a gap");
    assert_eq!(scraper.app.scrape.config_state().errors(), 0);
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_on_targets_are_kept() {
    let target = Exporter::start(|_| Answer::text("a 1\n")).await;
    let options = scrape::Options { targets_max: 3, ..scrape::Options::default() };
    let targets = |count: u32| {
        let one = |n| format!("{{targets: ['{}'], labels: {{n: '{n}'}}}}", target.address);
        (0..count).map(one).collect::<Vec<_>>().join(", ")
    };
    let job = |name: &str, more: &str, count: u32| {
        let targets = targets(count);
        format!(
            "- {{job_name: {name}, {more} scrape_interval: 200ms, static_configs: [{targets}]}}\n"
        )
    };
    let scraper =
        Scraper::start_with(options, |_| format!("scrape_configs:\n{}", job("many", "", 5))).await;
    scraper.up("many").await;
    let found = scraper.app.scrape.targets();
    assert_eq!(found.active().count(), 3);
    let error = &found.pools[0].last_error;
    assert!(error.contains("`scrape.max_targets`"), "{error}");
    scraper.stop().await;

    let limited = job("limited", "target_limit: 1,", 2);
    let scraper = Scraper::start(|_| format!("scrape_configs:\n{limited}")).await;
    assert_eq!(
        scraper.down("limited").await,
        "target_limit exceeded (number of targets: 2, limit: 1)"
    );
    scraper.until_stored("up", "limited", |samples| samples.last().unwrap().value == 0.0).await;
    scraper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_metrics_are_redacted_and_the_future_is_refused() {
    let future = (SystemClock::new().now() + Duration::from_secs(7200)).as_millis();
    let body = format!("a{{key=\"AKIAIOSFODNN7EXAMPLE\"}} 1\nb 1 {future}\nc 1\n");
    let target = Exporter::start(move |_| Answer::text(&body)).await;
    let scraper = Scraper::start(|_| config(&[("shop", &target, "")])).await;
    scraper.up("shop").await;
    let (labels, _) = scraper.until_stored("a", "shop", |samples| !samples.is_empty()).await;
    assert!(!labels.to_string().contains("AKIA"), "{labels}");
    scraper.until_stored("c", "shop", |samples| !samples.is_empty()).await;
    assert!(scraper.stored("b", "shop").is_empty());
    assert!(!scraper.app.scrape.counted().refused.is_empty());
    assert!(scraper.target("shop").unwrap().last_scrape.unwrap() > Timestamp::EPOCH);
    scraper.stop().await;
}

/// Answers any SRV question with `host.example.:port` and any A question with 127.0.0.1.
async fn dns_server(port: u16) -> std::net::SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((read, from)) = socket.recv_from(&mut buffer).await {
            let asked = &buffer[..read];
            let name_end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
            let kind = u16::from_be_bytes([asked[name_end], asked[name_end + 1]]);
            let data = match kind {
                33 => [&[0, 0, 0, 0][..], &port.to_be_bytes(), b"\x04host\x07example\x00"].concat(),
                1 => vec![127, 0, 0, 1],
                _ => continue,
            };
            let mut answer = vec![asked[0], asked[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
            answer.extend_from_slice(&asked[12..name_end + 4]);
            answer.extend_from_slice(&[0xc0, 0x0c]);
            answer.extend_from_slice(&kind.to_be_bytes());
            answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
            answer.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
            answer.extend_from_slice(&data);
            drop(socket.send_to(&answer, from).await);
        }
    });
    address
}
