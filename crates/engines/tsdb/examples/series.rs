//! Measures the index on many series of nine labels: memory, entering, selecting, arranging, writing and loading.
//!
//! `cargo run --release -p tsdb --example series -- [series]`
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a measurement, not a product"
)]

use std::time::Instant;

use model::{Labels, MatchOp, Matcher};
use tsdb::index::{Index, write_series};

fn labels(at: usize) -> Labels {
    let (target, own) = (at / 2000, at % 2000);
    let (family, set) = (own / 20, own % 20);
    Labels::from_pairs([
        ("__name__", format!("svc_{family:02}_requests_total")),
        ("instance", format!("10.{}.{}.1:9090", target / 250, target % 250)),
        ("job", format!("prod/service-{}", target % 10)),
        ("service", format!("service-{}", target % 10)),
        ("region", ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"][target % 4].to_owned()),
        ("env", "production".to_owned()),
        ("pod", format!("service-{}-{:08x}", target % 10, target.wrapping_mul(2654435761))),
        ("method", ["GET", "POST", "PUT", "DELETE", "PATCH"][set / 4].to_owned()),
        ("status", ["200", "404", "500", "503"][set % 4].to_owned()),
    ])
}

fn rss() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

fn timed<T>(what: &str, count: usize, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let value = run();
    let took = begun.elapsed();
    println!(
        "{what:34} {:9.3} ms, {:8.1} ns each",
        took.as_secs_f64() * 1e3,
        took.as_nanos() as f64 / count.max(1) as f64
    );
    value
}

fn main() {
    let count = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let before = rss();
    let index = Index::new();
    timed("enter (labels made on the way)", count, || {
        for at in 0..count {
            index.insert(&labels(at));
        }
    });
    println!(
        "{:34} {:9.1} bytes a series by own count, {:.1} by the kernel's",
        "memory",
        index.memory() as f64 / count as f64,
        (rss() - before) as f64 / count as f64
    );
    timed("labels made alone", count, || (0..count).map(|at| labels(at).len()).sum::<usize>());
    timed("get", 100_000, || {
        (0..100_000).for_each(|at| {
            std::hint::black_box(index.get(&labels(at * (count / 100_000).max(1) % count)));
        })
    });
    let all = timed("select all", count, || index.select(&[]));
    let matcher = |name: &str, op, value: &str| Matcher::new(name, op, value).unwrap();
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let queries = [
        vec![matcher("__name__", Equal, "svc_07_requests_total")],
        vec![
            matcher("__name__", Equal, "svc_07_requests_total"),
            matcher("service", Equal, "service-3"),
            matcher("status", NotEqual, "200"),
        ],
        vec![matcher("__name__", Equal, "svc_07_requests_total"), matcher("status", Regex, "5..")],
        vec![
            matcher("__name__", Equal, "svc_07_requests_total"),
            matcher("pod", Regex, "service-3-.*"),
        ],
        vec![
            matcher("__name__", Equal, "svc_07_requests_total"),
            matcher("pod", NotRegex, ".*a.*"),
        ],
        vec![matcher("__name__", Regex, "svc_0.*"), matcher("method", Regex, "GET|POST")],
        vec![matcher("instance", Equal, "10.0.7.1:9090")],
        vec![matcher("pod", Regex, ".*f.*")],
    ];
    for query in &queries {
        let what = query.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let found = timed("select, first", 1, || index.select(query));
        timed("select, again (100 times)", 100, || {
            (0..100).for_each(|_| drop(index.select(query)))
        });
        println!("    {} series of {what}", found.len());
    }
    let found = index.select(&queries[1]);
    timed("labels of what was found", found.len() as usize, || {
        let reader = index.reader();
        found.iter().map(|id| reader.labels(id).unwrap().len()).sum::<usize>()
    });
    timed("visit labels of all", count, || {
        let reader = index.reader();
        let mut bytes = 0;
        all.iter().for_each(|id| {
            reader.visit_labels(id, &mut |_, value| bytes += value.len());
        });
        bytes
    });
    timed("label names", 1, || index.label_names(None, usize::MAX));
    timed("label values of pod", 1, || index.label_values("pod", None, usize::MAX));
    timed("label values of pod among few", 1, || {
        index.label_values("pod", Some(&found), usize::MAX)
    });
    timed("cardinality", 1, || index.cardinality(10));
    timed("arrange, first", count, || index.arrange(&all));
    timed("arrange, again", count, || index.arrange(&all));
    for at in count..count + 2000 {
        index.insert(&labels(at));
    }
    let more = index.select(&[]);
    timed("arrange, with a new target", count, || index.arrange(&more));
    let mut bytes = Vec::new();
    timed("write", count, || write_series(&mut bytes, &index, all.iter()));
    println!("{:34} {:9.2} bytes a series", "written", bytes.len() as f64 / count as f64);
    let loaded = Index::new();
    timed("load", count, || loaded.load(&bytes, &mut |_, _| {}).unwrap());
    let gone = all.iter().filter(|id| id / 2000 % 10 == 0).collect();
    timed("remove a tenth", count / 10, || index.remove(&gone));
}
