//! `versus`: the same load, queries and kill on several servers, one after the other in one run, and the ratios between them.
//!
//! Each server gets an empty directory; samples, queries and moments are the same. In each round the order is the given one.
use crate::{Args, http::Client, query, sys};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A server by the name that its flag has, and how it is started.
struct Peer {
    name: &'static str,
    command: String,
}

/// The servers whose binary was named, ours last.
fn peers(a: &Args) -> Result<Vec<Peer>> {
    let mut peers = Vec::new();
    if let Some(binary) = a.opt("prometheus") {
        let config = a.str("prometheus-config", "conf/empty.yml");
        peers.push(Peer {
            name: "prometheus",
            command: format!(
                "{binary} --config.file={config} --storage.tsdb.path={{dir}} --web.listen-address=127.0.0.1:{{port}} --web.enable-remote-write-receiver"
            ),
        });
    }
    if let Some(binary) = a.opt("victoria") {
        peers.push(Peer {
            name: "victoria",
            command: format!(
                "{binary} -storageDataPath={{dir}} -httpListenAddr=127.0.0.1:{{port}}"
            ),
        });
    }
    if let Some(binary) = a.opt("evenkeel") {
        peers.push(Peer {
            name: "evenkeel",
            command: format!(
                "{binary} serve --data-dir {{dir}} --listen 127.0.0.1:{{port}} --otlp-grpc-listen off --otlp-http-listen off"
            ),
        });
    }
    if peers.is_empty() {
        bail!("name at least one of --prometheus, --victoria, --evenkeel BINARY");
    }
    Ok(peers)
}

pub fn run(a: &Args) -> Result<()> {
    let (peers, rounds) = (peers(a)?, a.num("rounds", 1.0) as usize);
    let work = PathBuf::from(a.str("work", "/tmp/prombench-versus"));
    std::fs::create_dir_all(&work)?;
    let end = sys::now_ms() / 15_000 * 15;
    let mut results = Vec::new();
    for round in 0..rounds {
        for peer in &peers {
            let mut found = measure(a, peer, &work, end).with_context(|| peer.name.to_owned())?;
            found["server"] = json!(peer.name);
            found["round"] = json!(round);
            eprintln!("{}", summary(&found));
            results.push(found);
        }
    }
    let report = json!({
        "series": a.num("series", 100_000.0), "duration": a.str("duration", "2h"), "end": end,
        "rounds": rounds, "results": results, "ratios": ratios(&results),
    });
    if let Some(path) = a.opt("out") {
        std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    println!("{}", report["ratios"]);
    Ok(())
}

/// Load, rest, queries, kill, and what is there afterwards.
fn measure(a: &Args, peer: &Peer, work: &Path, end: i64) -> Result<Value> {
    let dir = work.join(peer.name);
    let _ = std::fs::remove_dir_all(&dir);
    let port = sys::free_port();
    let mut server = sys::Server::spawn(&peer.command, port, &dir, false)?;
    let empty_start = server.wait_ready(Duration::from_secs(60))?;
    let rest = a.dur("rest", "60s");
    let loaded = this_program(
        &["ingest", "--url", &server.url, "--conns", "4"],
        &[
            ("series", a.str("series", "100000")),
            ("duration", a.str("duration", "2h")),
            ("churn", a.str("churn", "0")),
            ("end", &end.to_string()),
            ("pid", &server.pid().to_string()),
            ("data-dir", &dir.to_string_lossy()),
            ("settle", &(rest / 1000).to_string()),
        ],
    )?;
    let asked = match a.opt("queries") {
        Some(queries) => this_program(
            &["query", "--url", &server.url],
            &[
                ("queries", queries),
                ("runs", a.str("runs", "5")),
                ("end", &(end - 15).to_string()),
                ("full", a.str("full", "110m")),
                ("pid", &server.pid().to_string()),
            ],
        )?,
        None => Value::Null,
    };
    server.child.kill()?;
    server.child.wait()?;
    drop(server);
    let mut server = sys::Server::spawn(&peer.command, port, &dir, false)?;
    let ready = server.wait_ready(Duration::from_secs(300))?;
    let kept = samples_kept(&server.url, end, a.dur("duration", "2h"))?;
    let resident = sys::vm(server.pid(), "VmHWM:") >> 20;
    drop(server);
    if !a.has("keep") {
        let _ = std::fs::remove_dir_all(&dir);
    }
    Ok(json!({
        "ingest": loaded, "query": asked, "empty_start_s": empty_start.as_secs_f64(),
        "ready_after_kill_s": ready.as_secs_f64(), "samples_after_kill": kept, "rss_after_restart_mb": resident,
    }))
}

/// How many samples there are of all metrics together: what a kill at rest must not change.
fn samples_kept(url: &str, end: i64, span_ms: i64) -> Result<f64> {
    let mut client = Client::new(url)?;
    let window = span_ms / 1000 + 60;
    let names = format!("/api/v1/label/__name__/values?start={}&end={}", end - window, end + 15);
    let names: Value = serde_json::from_slice(&client.get(&names)?.1)?;
    let mut sum = 0.0;
    for name in names["data"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let query = format!("sum(count_over_time({name}[{window}s]))");
        let form = [("query", query.as_str()), ("time", &(end + 15).to_string()), ("nocache", "1")];
        let (status, body) = client.form("/api/v1/query", &form)?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status != 200 {
            bail!("HTTP {status} to `{query}`: {}", String::from_utf8_lossy(&body));
        }
        // A name may be known whose samples were lost.
        sum += answer["data"]["result"][0]["value"][1].as_str().map_or(0.0, query::num);
    }
    Ok(sum)
}

/// Runs a subcommand of this program in a process of its own, so that its memory and CPU are not the server's or another's.
fn this_program(fixed: &[&str], flags: &[(&str, &str)]) -> Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(fixed);
    for (name, value) in flags {
        command.arg(format!("--{name}={value}"));
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`{}` failed: {}", fixed[0], output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn summary(found: &Value) -> String {
    let ingest = &found["ingest"];
    format!(
        "{:10} round {}: {:.0} samples/CPU-s (settled {:.0}), {:.0}/s wall, peak {} MB, {:.3} B/sample, queries {:.2} CPU-s {:.0} ms, ready {:.2} s, {} samples after the kill",
        found["server"].as_str().unwrap_or(""),
        found["round"],
        ingest["samples_per_cpu_s"].as_f64().unwrap_or(0.0),
        ingest["samples_per_cpu_s_settled"].as_f64().unwrap_or(0.0),
        ingest["samples_per_s"].as_f64().unwrap_or(0.0),
        ingest["peak_rss_mb"],
        ingest["bytes_per_sample"].as_f64().unwrap_or(0.0),
        found["query"]["server_cpu_s"].as_f64().unwrap_or(0.0),
        found["query"]["total_ms"].as_f64().unwrap_or(0.0),
        found["ready_after_kill_s"].as_f64().unwrap_or(0.0),
        found["samples_after_kill"],
    )
}

/// The median over the rounds of a server's figure at `path`.
fn median(results: &[Value], server: &str, path: &str) -> Option<f64> {
    let values: Vec<f64> = results
        .iter()
        .filter(|found| found["server"] == server)
        .filter_map(|found| found.pointer(path)?.as_f64())
        .collect();
    (!values.is_empty()).then(|| sys::quantile(&values, 0.5))
}

/// Ours against the better peer, figure by figure; all of them medians over the rounds.
fn ratios(results: &[Value]) -> Value {
    let ours = |path: &str| median(results, "evenkeel", path);
    let against = |peer: &str, path: &str| Some(ours(path)? / median(results, peer, path)?);
    let mut queries = serde_json::Map::new();
    let named = results.iter().find_map(|found| found["query"]["queries"].as_object());
    for name in named.into_iter().flat_map(|queries| queries.keys()) {
        let path = format!("/query/queries/{name}/p50");
        let peers = [median(results, "prometheus", &path), median(results, "victoria", &path)];
        let best = peers.into_iter().flatten().reduce(f64::min);
        if let (Some(ours), Some(best)) = (ours(&path), best) {
            queries.insert(
                name.clone(),
                json!({"ours_ms": ours, "best_peer_ms": best, "within": ours <= best + 0.2}),
            );
        }
    }
    let cpu = "/query/server_cpu_s";
    let best_cpu = [median(results, "prometheus", cpu), median(results, "victoria", cpu)];
    let best_cpu = best_cpu.into_iter().flatten().reduce(f64::min);
    json!({
        "samples_per_cpu_s_vs_victoria": against("victoria", "/ingest/samples_per_cpu_s"),
        "samples_per_cpu_s_settled_vs_victoria": against("victoria", "/ingest/samples_per_cpu_s_settled"),
        "samples_per_cpu_s_vs_prometheus": against("prometheus", "/ingest/samples_per_cpu_s"),
        "peak_rss_vs_victoria": against("victoria", "/ingest/peak_rss_mb"),
        "bytes_per_sample_vs_victoria": against("victoria", "/ingest/bytes_per_sample"),
        "query_cpu_vs_better_peer": ours(cpu).zip(best_cpu).map(|(ours, best)| ours / best),
        "ready_after_kill_s": ours("/ready_after_kill_s"),
        "samples_sent": ours("/ingest/samples"), "samples_after_kill": ours("/samples_after_kill"),
        "queries": queries,
    })
}
