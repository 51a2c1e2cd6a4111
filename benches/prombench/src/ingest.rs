//! `ingest`: push the synthetic fleet by remote-write v1 in time order. `sink`: a null receiver, to know the harness' own ceiling.
use crate::{
    Args,
    data::{self, Instance, Layout},
    http, sys,
};
use anyhow::Result;
use serde_json::json;
use std::{
    path::Path,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

pub fn layout(a: &Args) -> Layout {
    let m = a.num("metrics", 67.0) as usize;
    let hist = a.num("hist", (m / 22).max(1) as f64) as usize;
    Layout {
        scalars: m - hist.min(m),
        hist,
        interval: a.dur("interval", "15s"),
        churn: a.num("churn", 0.0),
        jitter: a.dur("jitter", "0"),
        seed: a.num("seed", 1.0) as u64,
    }
}

pub fn run(a: &Args) -> Result<()> {
    let l = layout(a);
    let (url, path) = (a.need("url")?, a.str("path", "/api/v1/write"));
    let instances = ((a.num("series", 100_000.0) / l.per_instance() as f64).round() as u64).max(1);
    let (conns, batch) = (a.num("conns", 4.0) as u64, a.num("batch", 2000.0) as usize);
    let end =
        (a.num("end", sys::now_ms() as f64 / 1000.0) * 1000.0) as i64 / l.interval * l.interval;
    let steps = (a.dur("duration", "1h") / l.interval) as u64;
    let start = end - steps as i64 * l.interval;
    let pid = a.num("pid", 0.0) as u32;
    let (cpu0, self0) = (sys::cpu(pid), sys::cpu(std::process::id()));
    let (sent, retries, dropped, raw, wire) = (
        AtomicU64::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
    );
    let progress: Vec<AtomicI64> = (0..conns).map(|_| AtomicI64::new(0)).collect();
    let t0 = Instant::now();
    let lat: Vec<Vec<f64>> = thread::scope(|sc| {
        let hs: Vec<_> = (0..conns)
            .map(|k| {
                let (l, progress, sent, retries, dropped, raw, wire) =
                    (&l, &progress, &sent, &retries, &dropped, &raw, &wire);
                sc.spawn(move || {
                    let mut insts: Vec<Instance> = (0..instances)
                        .filter(|i| i % conns == k)
                        .map(|i| Instance::new(l, i))
                        .collect();
                    let (mut cl, mut sn, mut buf, mut zip, mut n, mut lat) = (
                        http::Client::new(url).unwrap(),
                        snap::raw::Encoder::new(),
                        Vec::with_capacity(1 << 20),
                        Vec::new(),
                        0usize,
                        Vec::new(),
                    );
                    let mut flush = |buf: &mut Vec<u8>, n: &mut usize| {
                        if *n == 0 {
                            return;
                        }
                        zip.resize(snap::raw::max_compress_len(buf.len()), 0);
                        let z = sn.compress(buf, &mut zip).unwrap();
                        let mut wait = 20;
                        loop {
                            let t = Instant::now();
                            match cl.remote_write(path, &zip[..z]) {
                                Ok((s, _)) if s < 300 => {
                                    sent.fetch_add(*n as u64, Relaxed);
                                    lat.push(t.elapsed().as_secs_f64());
                                    break;
                                }
                                Ok((s, b)) if s != 429 && s < 500 => {
                                    if dropped.fetch_add(*n as u64, Relaxed) == 0 {
                                        eprintln!(
                                            "HTTP {s}: {}",
                                            String::from_utf8_lossy(&b[..b.len().min(300)])
                                        )
                                    }
                                    break;
                                }
                                r => {
                                    if retries.fetch_add(1, Relaxed) == 0 {
                                        eprintln!(
                                            "retry: {:?}",
                                            r.map(|x| (
                                                x.0,
                                                String::from_utf8_lossy(&x.1).into_owned()
                                            ))
                                        )
                                    }
                                    thread::sleep(Duration::from_millis(wait));
                                    wait = (wait * 2).min(2000)
                                }
                            }
                        }
                        raw.fetch_add(buf.len() as u64, Relaxed);
                        wire.fetch_add(z as u64, Relaxed);
                        buf.clear();
                        *n = 0;
                    };
                    for s in 0..steps {
                        // stay within 10 steps of the slowest connection, as live scrapes would
                        while progress.iter().any(|p| s as i64 - p.load(Relaxed) > 10) {
                            thread::sleep(Duration::from_millis(1))
                        }
                        for i in &mut insts {
                            i.step(l, s, start + s as i64 * l.interval, |lab, ts, v| {
                                data::put_series(&mut buf, lab, ts, v);
                                n += 1;
                                if n >= batch {
                                    flush(&mut buf, &mut n)
                                }
                            });
                        }
                        progress[k as usize].store(s as i64, Relaxed);
                    }
                    flush(&mut buf, &mut n);
                    progress[k as usize].store(i64::MAX / 2, Relaxed);
                    lat
                })
            })
            .collect();
        hs.into_iter().map(|h| h.join().unwrap()).collect()
    });
    let wall = t0.elapsed().as_secs_f64();
    let (cpu_in, n) = (sys::cpu(pid) - cpu0, sent.load(Relaxed) as f64);
    if let Some(p) = a.opt("flush-path") {
        http::Client::new(url)?.get(p)?;
    }
    thread::sleep(Duration::from_millis(a.dur("settle", "0") as u64));
    let cpu_all = sys::cpu(pid) - cpu0;
    let disk = a.opt("data-dir").map_or(0, |d| sys::dir_bytes(Path::new(d)));
    let lat: Vec<f64> = lat.concat();
    println!(
        "{}",
        json!({"series": instances * l.per_instance() as u64, "samples": n, "wall_s": wall, "samples_per_s": n / wall, "server_cpu_s": cpu_in, "server_cpu_s_settled": cpu_all,
        "samples_per_cpu_s": n / cpu_in, "samples_per_cpu_s_settled": n / cpu_all, "client_cpu_s": sys::cpu(std::process::id()) - self0, "peak_rss_mb": sys::vm(pid, "VmHWM:") >> 20, "rss_mb": sys::vm(pid, "VmRSS:") >> 20,
        "disk_bytes": disk, "bytes_per_sample": disk as f64 / n, "retries": retries.load(Relaxed), "dropped": dropped.load(Relaxed), "raw_bytes_per_sample": raw.load(Relaxed) as f64 / n, "wire_bytes_per_sample": wire.load(Relaxed) as f64 / n,
        "req_p50_ms": sys::quantile(&lat, 0.5) * 1e3, "req_p99_ms": sys::quantile(&lat, 0.99) * 1e3, "end": end / 1000})
    );
    Ok(())
}

/// Null remote-write receiver: 204 at once, or after snappy + zero-copy decode with --decode (the floor for any Rust server).
pub fn sink(a: &Args) -> Result<()> {
    let decode = a.has("decode");
    http::serve(
        std::net::TcpListener::bind(format!("127.0.0.1:{}", a.num("port", 19999.0)))?,
        move |p, b| {
            if decode && p.contains("write") {
                let raw = snap::raw::Decoder::new().decompress_vec(b).unwrap_or_default();
                let mut acc = 0u64;
                data::decode(&raw, true, |h, t, v| acc ^= h ^ t as u64 ^ v.to_bits());
                std::hint::black_box(acc);
            }
            (204, String::new())
        },
    );
    loop {
        thread::sleep(Duration::from_secs(3600))
    }
}
