//! `query`: latency of a query set over the Prometheus HTTP API, and result comparison between two servers.
use crate::{Args, http::Client, sys};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};

pub type Matrix = BTreeMap<String, Vec<(i64, f64)>>;
pub fn num(s: &str) -> f64 {
    match s {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        _ => s.parse().unwrap_or(f64::NAN),
    }
}
/// Relative comparison as promqltest's almost.Equal.
pub fn almost(a: f64, b: f64, eps: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < eps * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < eps
}
pub fn points(v: &Value) -> Vec<(i64, f64)> {
    let one = |p: &Value| Some(((p[0].as_f64()? * 1000.0).round() as i64, num(p[1].as_str()?)));
    v["values"]
        .as_array()
        .map(|a| a.iter().filter_map(one).collect())
        .or_else(|| one(&v["value"]).map(|x| vec![x]))
        .unwrap_or_default()
}
fn matrix(v: &Value) -> Matrix {
    let key = |m: &Value| {
        m.as_object()
            .map(|o| o.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>())
            .map(|mut v| {
                v.sort();
                v.join(",")
            })
            .unwrap_or_default()
    };
    match v["data"]["resultType"].as_str() {
        Some("scalar") | Some("string") => {
            [(String::new(), points(&json!({"value": v["data"]["result"]})))].into()
        }
        _ => v["data"]["result"]
            .as_array()
            .map(|a| a.iter().map(|s| (key(&s["metric"]), points(s))).collect())
            .unwrap_or_default(),
    }
}
struct Q {
    name: String,
    expr: String,
    range: i64,
    step: i64,
}

fn fetch(c: &mut Client, q: &Q, end: i64) -> Result<(u16, Vec<u8>, f64)> {
    let s = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let t = Instant::now();
    let (st, b) = if q.range == 0 {
        c.form("/api/v1/query", &[("query", &q.expr), ("time", &s(end)), ("nocache", "1")])?
    } else {
        c.form(
            "/api/v1/query_range",
            &[
                ("query", &q.expr),
                ("start", &s(end - q.range)),
                ("end", &s(end)),
                ("step", &s(q.step)),
                ("nocache", "1"),
            ],
        )?
    };
    Ok((st, b, t.elapsed().as_secs_f64() * 1e3))
}
fn diff(a: &Matrix, b: &Matrix) -> Option<String> {
    for k in a.keys() {
        if !b.contains_key(k) {
            return Some(format!("series {} | {} ; only in A: {{{k}}}", a.len(), b.len()));
        }
    }
    for (k, vb) in b {
        let Some(va) = a.get(k) else {
            return Some(format!("series {} | {} ; only in B: {{{k}}}", a.len(), b.len()));
        };
        if va.len() != vb.len() {
            return Some(format!("{{{k}}}: {} | {} points", va.len(), vb.len()));
        }
        for (x, y) in va.iter().zip(vb) {
            if x.0 != y.0 {
                return Some(format!("{{{k}}}: timestamp {} | {}", x.0, y.0));
            }
            if !almost(x.1, y.1, 1e-6) {
                return Some(format!("{{{k}}} @{}: {} | {}", x.0, x.1, y.1));
            }
        }
    }
    None
}

pub fn run(a: &Args) -> Result<()> {
    let end = (a.num("end", sys::now_ms() as f64 / 1000.0) * 1000.0) as i64;
    let full = a.dur("full", "2h");
    let qs: Vec<Q> = std::fs::read_to_string(a.need("queries")?)?
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        .map(|l| {
            let f: Vec<&str> = l.split(" ; ").map(str::trim).collect();
            if f.len() < 3 {
                bail!("bad query line: {l}")
            }
            Ok(Q {
                name: f[0].into(),
                expr: f[1].into(),
                range: match f[2] {
                    "-" => 0,
                    "full" => full,
                    d => sys::duration_ms(d).unwrap(),
                },
                step: f.get(3).and_then(|s| sys::duration_ms(s)).unwrap_or(15_000),
            })
        })
        .collect::<Result<_>>()?;
    let (runs, pid) = (a.num("runs", 5.0) as usize, a.num("pid", 0.0) as u32);
    let mut c = Client::new(a.need("url")?)?;
    if let Some(u2) = a.opt("compare") {
        let (mut c2, mut bad) = (Client::new(u2)?, 0);
        for q in &qs {
            let r: Vec<(u16, Value)> = [&mut c, &mut c2]
                .into_iter()
                .map(|c| {
                    let (s, b, _) = fetch(c, q, end)?;
                    Ok((s, serde_json::from_slice(&b).unwrap_or(Value::Null)))
                })
                .collect::<Result<_>>()?;
            let d = if r[0].0 != 200 || r[1].0 != 200 {
                Some(format!("HTTP {} | {}", r[0].0, r[1].0))
            } else {
                diff(&matrix(&r[0].1), &matrix(&r[1].1))
            };
            bad += d.is_some() as usize;
            println!(
                "{} {}: {}",
                if d.is_some() { "DIFF" } else { "same" },
                q.name,
                d.unwrap_or_default()
            );
        }
        println!("{}", json!({"queries": qs.len(), "mismatched": bad}));
        return Ok(());
    }
    let (cpu0, mut out, mut total) = (sys::cpu(pid), serde_json::Map::new(), 0.0);
    for q in &qs {
        let (mut ms, mut note, qcpu, rounds) = (vec![], Value::Null, sys::cpu(pid), runs);
        for r in 0..rounds {
            let (st, b, t) = fetch(&mut c, q, end - r as i64 * q.step)?; // slide, as a refreshing dashboard does
            if r == 0 {
                let v: Value = serde_json::from_slice(&b).unwrap_or(Value::Null);
                let m = matrix(&v);
                note = if st == 200 {
                    json!({"series": m.len(), "points": m.values().map(Vec::len).sum::<usize>(), "bytes": b.len()})
                } else {
                    json!({"status": st, "error": String::from_utf8_lossy(&b[..b.len().min(200)])})
                };
            }
            ms.push(t);
            total += t;
        }
        let (p50, p95, max) =
            (sys::quantile(&ms, 0.5), sys::quantile(&ms, 0.95), sys::quantile(&ms, 1.0));
        let cpu = (sys::cpu(pid) - qcpu) / rounds as f64;
        eprintln!(
            "{:28} p50 {p50:9.2}  p95 {p95:9.2}  max {max:9.2} ms  cpu {:7.1} ms  {note}",
            q.name,
            cpu * 1e3
        );
        out.insert(q.name.clone(), json!({"p50": p50, "p95": p95, "max": max, "first": ms[0], "cpu_ms": cpu * 1e3, "result": note}));
    }
    println!(
        "{}",
        json!({"queries": out, "total_ms": total, "server_cpu_s": sys::cpu(pid) - cpu0, "rss_mb": sys::vm(pid, "VmRSS:") >> 20, "peak_rss_mb": sys::vm(pid, "VmHWM:") >> 20})
    );
    Ok(())
}
