//! `detect`: seconds from the first bad event on a scraped target to the webhook notification, through Prometheus + Alertmanager.
use crate::{Args, data, http, slo, sys};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

const RPS: f64 = 100.0;
/// Counters at time t (ms) of a target whose requests fail with ratio `err` from `bad` on.
fn counters(t: i64, born: i64, bad: i64, err: f64) -> (f64, f64) {
    // both must be monotone: a good counter computed as total - bad could step back by one, which rate() reads as a reset
    let late = (t - bad).max(0) as f64;
    (
        (((t.min(bad) - born) as f64 + late * (1.0 - err)) / 1e3 * RPS).floor(),
        (late / 1e3 * RPS * err).floor(),
    )
}
pub fn run(a: &Args) -> Result<()> {
    let (targets, err) = (a.num("targets", 5.0) as usize, a.num("err", 1.0));
    let (scrape, eval, wait) =
        (a.str("scrape", "15s"), a.str("eval", "15s"), a.str("group-wait", "30s"));
    let dir = PathBuf::from(a.str("dir", "prombench-detect"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir)?;
    let history = a.dur("history", "3d");
    let (born, listener) =
        (sys::now_ms() - history - 100_000, std::net::TcpListener::bind("127.0.0.1:0")?);
    let port = listener.local_addr()?.port();
    let bad: Arc<Vec<AtomicI64>> =
        Arc::new((0..targets).map(|_| AtomicI64::new(i64::MAX / 2)).collect());
    let live = Arc::new(AtomicI64::new(0));
    let hits: Arc<Mutex<HashMap<String, i64>>> = Default::default();
    let (b2, l2, h2) = (bad.clone(), live.clone(), hits.clone());
    http::serve(listener, move |path, body| {
        let now = sys::now_ms();
        if path.starts_with("/hook") {
            for al in serde_json::from_slice::<Value>(body).unwrap_or(Value::Null)["alerts"]
                .as_array()
                .into_iter()
                .flatten()
            {
                if al["status"] == "firing" && al["labels"]["severity"] == "page" {
                    h2.lock()
                        .unwrap()
                        .entry(al["labels"]["sloth_id"].as_str().unwrap_or("").into())
                        .or_insert(now);
                }
            }
            return (200, String::new());
        }
        if l2.load(SeqCst) == 0 {
            return (503, String::new());
        }
        let i: usize = path.rsplit('/').next().and_then(|x| x.parse().ok()).unwrap_or(0);
        let (g, b) = counters(now, born, b2[i].load(SeqCst), err);
        (
            200,
            format!(
                "# TYPE requests_total counter\nrequests_total{{code=\"200\"}} {g}\nrequests_total{{code=\"500\"}} {b}\n"
            ),
        )
    });
    let (mut body, mut jobs) = (String::new(), String::new());
    for i in 0..targets {
        slo::sloth_groups(
            &mut body,
            &format!("s{i}-availability"),
            0.999,
            &format!(r#"sum(rate(requests_total{{job="s{i}",code=~"5.."}}[{{{{W}}}}]))"#),
            &format!(r#"sum(rate(requests_total{{job="s{i}"}}[{{{{W}}}}]))"#),
        );
        jobs += &format!(
            "- {{job_name: s{i}, metrics_path: /t/{i}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
        );
    }
    let am_port = sys::free_port();
    fs::write(dir.join("rules.yml"), slo::rule_file(&body))?;
    fs::write(
        dir.join("am.yml"),
        format!(
            "route: {{receiver: hook, group_by: [{}], group_wait: {wait}, group_interval: 5m}}\nreceivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook'}}]}}]\n",
            a.str("group-by", "sloth_id, alertname")
        ),
    )?;
    // scraping and rules start by a reload after the backfill: a live sample would put the history out of bounds
    fs::write(dir.join("prom.yml"), "global: {}\n")?;
    let config = format!(
        "global: {{scrape_interval: {scrape}, evaluation_interval: {eval}}}\nrule_files: ['{}']\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{am_port}']}}]}}]}}\nscrape_configs:\n{jobs}",
        dir.join("rules.yml").display()
    );
    let am = a.str("am-cmd", "prometheus-alertmanager --config.file={dir}/../am.yml --storage.path={dir} --web.listen-address=127.0.0.1:{port} --cluster.listen-address=");
    let pm = a.str("prom-cmd", "prometheus --config.file={dir}/../prom.yml --storage.tsdb.path={dir} --web.listen-address=127.0.0.1:{port} --web.enable-remote-write-receiver --web.enable-lifecycle --log.level=warn");
    let mut ams = sys::Server::spawn(am, am_port, &dir.join("am"), false)?;
    ams.wait_ready(Duration::from_secs(30))?;
    let mut p = sys::Server::spawn(pm, sys::free_port(), &dir.join("data"), false)?;
    p.wait_ready(Duration::from_secs(30))?;
    // healthy history as long as the longest short window: with less, the 6h and 1d ratios react as fast as the history is short
    let (mut buf, now) = (vec![], sys::now_ms());
    for i in 0..targets {
        for (k, code) in ["200", "500"].iter().enumerate() {
            let mut lab = vec![];
            for (n, v) in [
                ("__name__", "requests_total"),
                ("code", code),
                ("instance", &format!("127.0.0.1:{port}")),
                ("job", &format!("s{i}")),
            ] {
                data::put_label(&mut lab, n, v)
            }
            let s: Vec<(i64, f64)> = (0..history / 15_000)
                .rev()
                .map(|j| now - 2000 - j * 15_000)
                .map(|t| {
                    let c = counters(t, born, i64::MAX / 2, err);
                    (t, if k == 0 { c.0 } else { c.1 })
                })
                .collect();
            data::put_series_samples(&mut buf, &lab, &s);
        }
    }
    let r = http::Client::new(&p.url)?
        .remote_write("/api/v1/write", &snap::raw::Encoder::new().compress_vec(&buf)?)?;
    if r.0 >= 300 {
        bail!("backfill: HTTP {} {}", r.0, String::from_utf8_lossy(&r.1))
    }
    live.store(1, SeqCst);
    fs::write(dir.join("prom.yml"), config)?;
    if http::Client::new(&p.url)?.form("/-/reload", &[])?.0 != 200 {
        bail!("reload refused")
    }
    thread::sleep(Duration::from_millis(a.dur("warm", "60s") as u64)); // let scrapes and recordings settle
    for b in bad.iter() {
        b.store(sys::now_ms(), SeqCst);
        thread::sleep(Duration::from_millis(a.dur("stagger", "7s") as u64))
    }
    let limit = sys::now_ms() + a.dur("limit", "10m");
    while hits.lock().unwrap().len() < targets && sys::now_ms() < limit {
        thread::sleep(Duration::from_millis(100))
    }
    let h = hits.lock().unwrap();
    let mut secs: Vec<f64> = (0..targets)
        .filter_map(|i| {
            Some((h.get(&format!("s{i}-availability"))? - bad[i].load(SeqCst)) as f64 / 1e3)
        })
        .collect();
    secs.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({"scrape": scrape, "eval": eval, "group_wait": wait, "group_by": a.str("group-by", "sloth_id, alertname"), "error_ratio": err, "targets": targets, "notified": secs.len(), "seconds": secs, "median_s": sys::quantile(&secs, 0.5), "theoretical_window_s": 3600.0 * 14.4 * 0.001 / err})
    );
    Ok(())
}
