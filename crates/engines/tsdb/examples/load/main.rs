//! Fills a store with a synthetic fleet as fast as it takes it, in this process: time and memory for each sample, bytes at rest.
//!
//! `cargo run --release -p tsdb --example load -- DIR [series] [steps] [churn % an hour] [head samples]`
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a measurement, not a product"
)]

#[path = "../fleet/data.rs"]
mod data;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use model::{Labels, Matcher, Points, Timestamp};
use tsdb::{KeyedBatch, KeyedSample, Options, Tsdb};
use wal::RealDisk;

/// Nanoseconds that this thread has run.
fn thread_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

/// SplitMix64's finish.
fn mix(of: u64) -> u64 {
    let mut z = of.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn rss_mb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn du(dir: &std::path::Path) -> u64 {
    let mut total = 0;
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            total += du(&entry.path());
        } else {
            use std::os::unix::fs::MetadataExt;
            total += meta.blocks() * 512;
        }
    }
    total
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(since.as_nanos() as i64)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or: u64| args.get(at).and_then(|arg| arg.parse().ok()).unwrap_or(or);
    let dir = camino::Utf8PathBuf::from(&args[0]);
    let (series, steps) = (number(1, 100_000) as usize, number(2, 480));
    let head_samples = number(4, 0);
    drop(fs::remove_dir_all(&dir));
    let layout = data::Layout { scalars: 64, hist: 3, interval: 15_000, jitter: 0, seed: 1 };
    let instances = series.div_ceil(layout.per_instance()) as u64;
    let mut fleet: Vec<data::Instance> =
        (0..instances).map(|id| data::Instance::new(&layout, id)).collect();
    let end = now().as_millis();
    let begin = end - steps as i64 * 15_000;
    let base = rss_mb("VmRSS");
    let mut options = Options::new(&*dir);
    if head_samples > 0 {
        options.head_samples = head_samples;
    }
    let open = Instant::now();
    let (store, _) = Tsdb::open(options.clone(), Arc::new(RealDisk), now()).unwrap();
    println!("open {:?}", open.elapsed());
    let store = Arc::new(store);
    let stop = Arc::new(AtomicBool::new(false));
    let maintain_ns = Arc::new(AtomicU64::new(0));
    let maintainer = {
        let (store, stop, maintain_ns) =
            (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&maintain_ns));
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                store.wait_for_work(Duration::from_millis(500));
                let at = Instant::now();
                let done = store.maintain(now()).unwrap();
                if done != Default::default() {
                    println!("  {done:?} in {:?}", at.elapsed());
                }
                maintain_ns.store(thread_ns(), Relaxed);
            }
        })
    };
    let ticker = {
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                thread::sleep(Duration::from_millis(100));
                store.tick(now()).unwrap();
            }
            thread_ns()
        })
    };
    let (mut row, mut samples, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    let (mut append, mut worst, mut total) = (Duration::ZERO, Duration::ZERO, 0);
    let started = Instant::now();
    for step in 0..steps {
        for (id, instance) in fleet.iter_mut().enumerate() {
            let at_ms = instance.step(&layout, step, begin + step as i64 * 15_000, &mut row);
            samples.clear();
            keys.clear();
            for (series, value) in row.iter().enumerate() {
                samples.push(KeyedSample { series: series as u32, at_ms, value: *value });
                let low = mix((id as u64) << 32 | series as u64);
                keys.push((id as u128 + 1) << 64 | low as u128);
            }
            let batch = KeyedBatch { keys: &keys, samples: &samples };
            let mut labels: Vec<Labels> = Vec::new();
            let at = Instant::now();
            let mut making = Duration::ZERO;
            let appended = store
                .append_keyed(now(), &batch, &mut |place| {
                    if labels.is_empty() {
                        let at = Instant::now();
                        labels = instance.labels(&layout);
                        making += at.elapsed();
                    }
                    Some(labels[place as usize].clone())
                })
                .unwrap();
            let took = at.elapsed() - making;
            append += took;
            worst = worst.max(took);
            assert_eq!(appended.samples as usize, row.len(), "{:?}", appended.refused);
            total += appended.samples;
        }
        if step == 0 {
            println!("first step {append:?}, RSS {} MB", rss_mb("VmRSS") - base);
        }
    }
    let per = |ns: u128| ns as f64 / total as f64;
    println!(
        "{total} samples in {:?}; append {:.0} ns/sample (worst call {worst:?}), maintain {:.0} ns/sample; peak RSS +{} MB, now +{} MB; du {:.3} B/sample",
        started.elapsed(),
        per(append.as_nanos()),
        per(maintain_ns.load(Relaxed) as u128),
        rss_mb("VmHWM").saturating_sub(base),
        rss_mb("VmRSS").saturating_sub(base),
        du(dir.as_std_path()) as f64 / total as f64,
    );
    store.keep_from(store.position());
    for wait in if std::env::var_os("QUICK").is_some() { [1, 1] } else { [15, 25] } {
        thread::sleep(Duration::from_secs(wait));
        let stats = store.stats();
        println!(
            "after {wait} s more: maintain {:.0} ns/sample; peak RSS +{} MB, now +{} MB; du {:.3} B/sample; wal {} registry {} parts {} ({} of them); index {} MB; head {}",
            per(maintain_ns.load(Relaxed) as u128),
            rss_mb("VmHWM").saturating_sub(base),
            rss_mb("VmRSS").saturating_sub(base),
            du(dir.as_std_path()) as f64 / total as f64,
            stats.wal_bytes,
            stats.registry_bytes,
            stats.part_bytes,
            stats.parts,
            stats.index_bytes >> 20,
            stats.head_samples,
        );
    }
    let name = [Matcher::equal("__name__", "svc_c00_requests_total")];
    for _ in 0..3 {
        let at = Instant::now();
        let selection = store.select(&name, begin, end).unwrap();
        let found = at.elapsed();
        let mut points = Points::default();
        let mut count = 0;
        for at in 0..selection.len() {
            points.clear();
            selection.read(at, &mut points).unwrap();
            count += points.len();
        }
        println!(
            "{} series, {count} samples: select {found:?}, in all {:?}",
            selection.len(),
            at.elapsed()
        );
    }
    let mut compared = 0;
    for id in (0..instances).step_by(7) {
        let mut instance = data::Instance::new(&layout, id);
        let labels = instance.labels(&layout);
        let mut expected = vec![Points::default(); labels.len()];
        for step in 0..steps {
            let at_ms = instance.step(&layout, step, begin + step as i64 * 15_000, &mut row);
            expected.iter_mut().zip(&row).for_each(|(points, value)| points.push(at_ms, *value));
        }
        let own = [Matcher::equal("instance", labels[0].get("instance").unwrap())];
        let selection = store.select(&own, begin, i64::MAX).unwrap();
        assert_eq!(selection.len(), labels.len());
        let places: std::collections::HashMap<_, _> =
            labels.iter().enumerate().map(|(at, labels)| (labels, at)).collect();
        for at in 0..selection.len() {
            let mut points = Points::default();
            selection.read(at, &mut points).unwrap();
            assert_eq!(points, expected[places[&selection.labels(at)]]);
            compared += points.len();
        }
    }
    println!("{compared} samples are as they were sent");
    stop.store(true, Relaxed);
    maintainer.join().unwrap();
    println!("tick {:.1} ns/sample", per(ticker.join().unwrap() as u128));
    drop(store);
    let at = Instant::now();
    let (_, recovery) = Tsdb::open(options, Arc::new(RealDisk), now()).unwrap();
    println!(
        "opened again in {:?}: {} series, {} parts, {} replayed",
        at.elapsed(),
        recovery.series,
        recovery.parts,
        recovery.samples_replayed
    );
}
