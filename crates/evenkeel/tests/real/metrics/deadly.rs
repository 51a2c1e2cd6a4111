//! Queries of death: each is ended by the limit that is meant for it, in time, while samples go on to be taken.

use std::time::Duration;

use super::{
    STARTS_WITHIN, ask, until_ready,
    writer::{Request, Writer, compressed, now_ms, post, series},
};
use crate::{http, keep::Kept, now, number};

const SERIES: u32 = 20_000;
/// How long any of them may take: `query.timeout` and a little.
const ENDS_WITHIN: Duration = Duration::from_secs(36);
/// What all of them may add to the server's memory.
const GROWTH_KB_MAX: u64 = 512 << 10;

/// Expression, range in seconds (0: instant) and step.
fn deadly() -> Vec<(String, u64, &'static str)> {
    let plain = |text: &str| (text.to_owned(), 0, "1");
    let range = |text: &str, secs: u64, step: &'static str| (text.to_owned(), secs, step);
    let mut all = vec![
        plain("{__name__=~\".+\"}"),
        plain("count by (n) ({__name__=~\".*e.*d.*\"})"),
        plain("{n=~\"(a|b|c|d|1|2|3|4|5|6|7|8|9|0)*\",__name__=\"deadly\"}"),
        plain("{n=~\"(.+)+x\",__name__=\"deadly\"}"),
        plain("{n=~\"((((((((.{0,20}){0,20}){0,20}){0,20}))))))\"}"),
        plain("topk(100000000, deadly)"),
        plain("topk(1e300, deadly)"),
        plain("quantile(NaN, deadly)"),
        plain("count_values(\"v\", deadly + on() group_left() vector(1))"),
        plain("deadly * on() group_left() deadly"),
        plain("deadly * on(job) deadly"),
        plain("deadly and on(job) deadly"),
        plain("label_replace(deadly, \"x\", \"$1$1$1$1$1$1$1$1\", \"n\", \"(.*)\")"),
        plain("label_join(deadly, \"x\", \"-\", \"n\",\"n\",\"n\",\"n\",\"n\",\"n\",\"n\",\"n\")"),
        plain("sum_over_time(deadly[10y])"),
        plain("max_over_time(rate(deadly[5m])[10y:1ms])"),
        plain("max_over_time(max_over_time(deadly[1d:1s])[1d:1s])"),
        plain("quantile_over_time(0.5, deadly[10y:1s])"),
        plain("vector(1)[10y:1ms]"),
        plain("sum(sum_over_time(vector(1)[1y:1ms]))"),
        plain("absent_over_time(nothing[10y:1ms])"),
        range("deadly", 86_400 * 365, "1ms"),
        range("deadly", 10_900, "1"),
        range("sum by (n) (rate(deadly[1d]))", 10_900, "1"),
        range("deadly + deadly + deadly + deadly", 10_900, "1"),
        range("topk(5, deadly) or bottomk(5, deadly)", 10_900, "1"),
        range("count_values(\"v\", deadly)", 10_900, "1"),
        range("quantile by (n) (0.9, deadly)", 10_900, "1"),
        range("sort_desc(deadly)", 10_900, "1"),
        range("deadly offset -10y", 10_900, "1"),
        range("deadly @ 0", 10_900, "1"),
        range("sum_over_time(deadly[1d])", 10_900, "1"),
        range("predict_linear(deadly[1d], 3600)", 10_900, "1"),
        range("stddev_over_time(deadly[12h])", 10_900, "1"),
        range("histogram_quantile(0.9, deadly)", 10_900, "1"),
        range("holt_winters(deadly[1d], 0.5, 0.5)", 10_900, "1"),
        range("absent(deadly)", 10_900, "1"),
        range("sum without () (deadly)", 10_900, "1"),
        range("group_left", 10_900, "1"),
        range("deadly unless deadly", 10_900, "1"),
    ];
    // Depth and width.
    all.push(plain(&format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000))));
    all.push(plain(&format!("{}deadly", "-".repeat(20_000))));
    all.push(plain(&vec!["1"; 20_000].join("+")));
    all.push(plain(&vec!["deadly"; 500].join("+")));
    all.push(plain(&vec!["deadly"; 500].join(" or ")));
    all.push(plain(&format!("{}deadly{}", "abs(".repeat(5000), ")".repeat(5000))));
    all.push(plain(&format!("{}deadly{}", "sum(".repeat(90), ")".repeat(90))));
    all.push(plain("deadly[1h:1s]"));
    all.push(plain(&format!("{{n=~\"{}\"}}", "a|".repeat(100_000))));
    all.push(plain(&format!("{{n=\"{}\"}}", "a".repeat(1_000_000))));
    all.push(plain(&format!("sum by ({}) (deadly)", vec!["n"; 50_000].join(","))));
    for depth in 2..6 {
        let nested = (0..depth)
            .fold("deadly".to_owned(), |inner, _| format!("max_over_time(({inner})[6h:1m])"));
        all.push(plain(&nested));
    }
    for function in ["deriv", "mad_over_time", "stdvar_over_time", "resets", "changes"] {
        all.push(range(&format!("{function}(deadly[12h])"), 10_900, "1"));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_outlive_deadly_queries() {
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    load(&address.url).await;
    let before = kept.memory_kb("VmRSS");
    let (url, stop) =
        (address.url.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let ended = std::sync::Arc::clone(&stop);
    let writing = tokio::spawn(async move {
        let (mut writer, mut slowest) = (Writer::new("beside", 10), Duration::ZERO);
        while !ended.load(std::sync::atomic::Ordering::Relaxed) {
            let began = now();
            assert_eq!(writer.step(&url).await, Some(204), "samples are taken meanwhile");
            slowest = slowest.max(began.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        (writer, slowest)
    });
    let (mut answered, mut refused, mut slowest) = (0, 0, (Duration::ZERO, String::new()));
    let mut peak = before;
    for _ in 0..rounds {
        for (expression, range_s, step) in deadly() {
            let began = now();
            let (status, answer) = query(&address.url, &expression, range_s, step).await;
            let took = began.elapsed();
            let peak_now = kept.memory_kb("VmHWM");
            if peak_now > peak + (64 << 10) {
                let text: String = expression.chars().take(60).collect();
                println!(
                    "the peak rose from {peak} to {peak_now} kB with {text} over {range_s} s: {status}"
                );
            }
            peak = peak.max(peak_now);
            let shown: String = expression.chars().take(80).collect();
            assert!(took < ENDS_WITHIN, "{shown}: {took:?}");
            match status {
                200 => answered += 1,
                400 | 413 | 414 | 422 | 503 => {
                    let why = answer["error"].as_str().or_else(|| answer["detail"].as_str());
                    assert!(why.is_some_and(|why| !why.is_empty()), "{shown}: {status} {answer}");
                    refused += 1;
                }
                _ => panic!("{shown}: {status} {answer}"),
            }
            if took > slowest.0 {
                slowest = (took, shown);
            }
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (writer, write) = writing.await.unwrap();
    assert_eq!(writer.lost(&address.url).await, 0);
    let grown = kept.memory_kb("VmHWM").saturating_sub(before);
    println!(
        "{answered} answered, {refused} refused; slowest {slowest:?}; samples took {write:?} at most meanwhile; memory grew by {grown} kB"
    );
    assert!(grown <= GROWTH_KB_MAX, "memory grew by {grown} kB");
    let panics: Vec<String> =
        kept.said().into_iter().filter(|line| line.contains("panicked at")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
    kept.stop();
}

async fn query(url: &str, expression: &str, range_s: u64, step: &str) -> (u16, serde_json::Value) {
    if range_s == 0 {
        return ask(url, "/api/v1/query", &[("query", expression)]).await;
    }
    let end = u64::try_from(now_ms()).unwrap() / 1000;
    let (start, end) = (end.saturating_sub(range_s).to_string(), end.to_string());
    let form = [("query", expression), ("start", &start), ("end", &end), ("step", step)];
    ask(url, "/api/v1/query_range", &form).await
}

/// Ten samples of each of [`SERIES`] series, over the last five minutes.
async fn load(url: &str) {
    let (client, now) = (http(), now_ms());
    for step in 0..10 {
        for first in (0..SERIES).step_by(4000) {
            let one = |n: u32| {
                let labels = [("__name__", "deadly"), ("job", "deadly"), ("n", &*n.to_string())];
                series(&labels, now - 300_000 + step * 30_000, f64::from(n))
            };
            let request = Request { series: (first..first + 4000).map(one).collect() };
            let answer = post(&client, url, compressed(&request)).await;
            assert_eq!(answer.as_ref().map(|(status, _)| *status), Some(204), "{answer:?}");
        }
    }
}
