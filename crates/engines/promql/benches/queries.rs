//! The reference queries over a fleet of 100k series with 480 samples each, held in memory.
//!
//! `cargo bench -p promql --bench queries`: for each query the median of its runs and the CPU time of one, in
//! milliseconds. `PROMQL_BENCH_INSTANCES` (50 are 100k series), `PROMQL_BENCH_RUNS`, `PROMQL_BENCH_ONLY` and
//! `PROMQL_BENCH_THREADS` change what runs.
#![expect(clippy::disallowed_methods, reason = "what runs is told by the environment")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small figures")]

#[path = "queries/fleet.rs"]
mod fleet;

use model::{Clock as _, SystemClock};
use promql::{Limits, Query, evaluate, parse};

const QUERIES: [(&str, &str, i64, i64); 25] = [
    (
        "raw_1_series_1h",
        r#"svc_c00_requests_total{instance="10.0.7.0:9090",method="GET",status="200"}"#,
        3600,
        15,
    ),
    (
        "raw_1_series_full",
        r#"svc_c00_requests_total{instance="10.0.7.0:9090",method="GET",status="200"}"#,
        6600,
        15,
    ),
    (
        "rate_1_series_full",
        r#"rate(svc_c00_requests_total{instance="10.0.7.0:9090",method="GET",status="200"}[5m])"#,
        6600,
        30,
    ),
    ("instant_1000_series", "svc_c01_requests_total", 0, 0),
    ("rate_1000_series_instant", "rate(svc_c01_requests_total[5m])", 0, 0),
    ("rate_1000_series_1h", "rate(svc_c01_requests_total[5m])", 3600, 60),
    ("sum_by_service_1h", "sum by (service) (rate(svc_c02_requests_total[5m]))", 3600, 15),
    ("sum_by_service_full", "sum by (service) (rate(svc_c02_requests_total[5m]))", 6600, 60),
    (
        "error_ratio_full",
        r#"sum by (service) (rate(svc_c00_requests_total{status=~"5.."}[5m])) / sum by (service) (rate(svc_c00_requests_total[5m]))"#,
        6600,
        60,
    ),
    (
        "hq_10k_buckets_instant",
        "histogram_quantile(0.99, sum by (le, service) (rate(http_0_request_duration_seconds_bucket[5m])))",
        0,
        0,
    ),
    (
        "hq_10k_buckets_1h",
        "histogram_quantile(0.99, sum by (le, service) (rate(http_0_request_duration_seconds_bucket[5m])))",
        3600,
        60,
    ),
    (
        "hq_per_series_instant",
        "histogram_quantile(0.9, rate(http_1_request_duration_seconds_bucket[5m]))",
        0,
        0,
    ),
    ("topk_1h", "topk(10, sum by (instance) (rate(svc_c03_requests_total[5m])))", 3600, 60),
    (
        "regex_label_instant",
        r#"sum(rate(svc_c04_requests_total{instance=~"10.0.[1-3].*",status!~"2.."}[5m]))"#,
        0,
        0,
    ),
    (
        "regex_name_instant",
        r#"sum by (__name__) ({__name__=~"svc_c0.+_requests_total",service="cart"})"#,
        0,
        0,
    ),
    (
        "high_card_group_by_instant",
        "sum by (instance, method, status) (rate(svc_c08_requests_total[5m]))",
        0,
        0,
    ),
    (
        "high_card_group_by_1h",
        "sum by (instance, method, status) (rate(svc_c08_requests_total[5m]))",
        3600,
        60,
    ),
    (
        "join_on_ignoring",
        "svc_c00_requests_total - on (instance, method, status) svc_c01_requests_total",
        0,
        0,
    ),
    (
        "join_group_left_1h",
        "sum by (instance, status) (rate(svc_c09_requests_total[5m])) / on (instance) group_left sum by (instance) (rate(svc_c09_requests_total[5m]))",
        3600,
        60,
    ),
    (
        "subquery_max_rate",
        r#"max_over_time(sum(rate(svc_c10_requests_total{service="search"}[5m]))[1h:1m])"#,
        0,
        0,
    ),
    (
        "avg_over_time_gauge_full",
        "avg by (service) (avg_over_time(svc_g07_utilization[10m]))",
        6600,
        60,
    ),
    (
        "quantile_over_time_instant",
        r#"quantile_over_time(0.95, svc_g05_connections{service="gateway"}[1h])"#,
        0,
        0,
    ),
    ("absent_instant", r#"absent(svc_c00_requests_total{service="nonexistent"})"#, 0, 0),
    ("predict_linear_1000", "predict_linear(svc_g06_queue_bytes[1h], 3600)", 0, 0),
    ("count_by_everything", r#"count by (__name__) ({__name__!=""})"#, 0, 0),
];

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// CPU time of the process, in milliseconds.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10.0
}

fn main() {
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let fleet = fleet::Fleet::new(number("PROMQL_BENCH_INSTANCES", 50));
    let runs = number("PROMQL_BENCH_RUNS", 40);
    let only = std::env::var("PROMQL_BENCH_ONLY").unwrap_or_default();
    let threads = number("PROMQL_BENCH_THREADS", 2);
    let machine = SystemClock::new();
    let clock = || machine.monotonic();
    let limits = Limits { clock: &clock, threads, ..Limits::default() };
    println!("{} series", fleet.len());
    println!("{:28} {:>9} {:>9} {:>8}", "query", "p50 ms", "cpu ms", "series");
    let (mut all, mut all_cpu) = (0.0, 0.0);
    for (name, text, range, step) in QUERIES.iter().filter(|one| one.0.contains(&*only)) {
        let expr = parse(text).unwrap();
        let end = fleet.end_ms;
        let query = if *step == 0 {
            Query::instant(end)
        } else {
            Query { start_ms: end - range * 1000, end_ms: end, step_ms: step * 1000 }
        };
        let mut times = Vec::new();
        let mut series = 0;
        let before = cpu_ms();
        for _ in 0..runs {
            let started = machine.monotonic();
            let answer = evaluate(&expr, query, &fleet, &limits).unwrap();
            let took = machine.monotonic().saturating_sub(started);
            times.push(took.as_secs_f64() * 1000.0);
            series = answer.value.into_matrix(query).len();
        }
        let cpu = (cpu_ms() - before) / runs as f64;
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!("{name:28} {median:9.3} {cpu:9.3} {series:8}");
        all += median;
        all_cpu += cpu;
    }
    println!("{:28} {all:9.3} {all_cpu:9.3}", "all");
}
