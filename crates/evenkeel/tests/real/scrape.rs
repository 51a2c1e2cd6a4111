//! `evenkeel serve --scrape-config`: the real binary scrapes itself and another target, and PromQL answers with what it found.

use std::{
    fs,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{http, keep::binary, now};

/// How long anything may take that the test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that dies with the test.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--data-dir", "data", "--scrape-config", "prometheus.yml"])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--otlp-grpc-listen",
                "off",
                "--otlp-http-listen",
                "off",
            ])
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.to_owned();
            }
        };
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    async fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let url = format!("{}/api/v1/query", self.url);
        let query = url::Url::parse_with_params(&url, [("query", expression)]).unwrap();
        let answer: Value = http().get(query).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        let found = answer["data"]["result"].as_array().unwrap().iter();
        found
            .map(|one| (one["metric"].clone(), one["value"][1].as_str().unwrap().parse().unwrap()))
            .collect()
    }

    /// Waits until the answer `holds`.
    async fn until(
        &self,
        expression: &str,
        holds: impl Fn(&[(Value, f64)]) -> bool,
    ) -> Vec<(Value, f64)> {
        let began = now();
        loop {
            let found = self.query(expression).await;
            if holds(&found) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{expression}: {found:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A target that answers every request with `body`, until it is told to end.
fn exporter(body: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn it_scrapes_itself_and_others() {
    let folder = tempfile::tempdir().unwrap();
    let other = exporter("# TYPE orders counter\norders_total{shop=\"a\"} 7\n");
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
- job_name: evenkeel
  file_sd_configs: [{{files: [self.json]}}]
- job_name: shop
  static_configs: [{{targets: ['{other}', '127.0.0.1:1'], labels: {{env: test}}}}]
  metric_relabel_configs: [{{regex: shop, action: labeldrop}}]
rule_files: [none.yml]
"
    );
    fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let server = Server::start(folder.path());
    let own = server.url.trim_start_matches("http://");
    fs::write(folder.path().join("self.json"), format!(r#"[{{"targets": ["{own}"]}}]"#)).unwrap();

    let up = server.until("sort_desc(up)", |found| found.len() == 3).await;
    assert_eq!(up.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 1.0, 0.0], "{up:?}");
    assert_eq!(up[2].0["instance"], "127.0.0.1:1");
    let orders = server.until("orders_total", |found| !found.is_empty()).await;
    let expected = serde_json::json!({
        "__name__": "orders_total", "env": "test", "instance": other.to_string(), "job": "shop"
    });
    assert_eq!(orders, [(expected, 7.0)]);
    // Its own measurements, read in OpenMetrics.
    server.until("evenkeel_http_connections{job=\"evenkeel\"}", |found| !found.is_empty()).await;
    server.until("scrape_samples_scraped{job=\"evenkeel\"} > 0", |found| found.len() == 1).await;

    // The file goes: so do the target's series.
    fs::write(folder.path().join("self.json"), "[]").unwrap();
    server.until("up{job=\"evenkeel\"}", <[_]>::is_empty).await;
}

#[test]
fn a_bad_configuration_is_refused_before_a_port_is_bound() {
    let folder = tempfile::tempdir().unwrap();
    let text = "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod}]}]\n";
    fs::write(folder.path().join("prometheus.yml"), text).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(binary())
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let problem = "prometheus.yml:1:55: error[E0702]: `kubernetes_sd_configs`: discovery by kubernetes is not supported yet";
    let (exit, text) =
        run(&["serve", "--listen", "127.0.0.1:0", "--scrape-config", "prometheus.yml"]);
    assert!(exit == Some(64) && text.contains(problem), "{exit:?} {text}");
    let (exit, text) = run(&["check", "scrape", "prometheus.yml"]);
    assert!(
        exit == Some(1) && text.contains(problem) && text.contains("1 errors"),
        "{exit:?} {text}"
    );
    fs::write(folder.path().join("prometheus.yml"), "rule_files: [x.yml]\n").unwrap();
    assert_eq!(run(&["check", "scrape", "prometheus.yml"]).0, Some(0));
    let (exit, text) = run(&["check", "scrape", "--strict", "-o", "json", "prometheus.yml"]);
    assert!(exit == Some(3) && text.contains("W0701"), "{exit:?} {text}");
    assert_eq!(run(&["check", "scrape", "nowhere.yml"]).0, Some(2));
    assert_eq!(run(&["serve", "--scrape-config", "nowhere.yml"]).0, Some(64));
}
