//! What a byte of a log costs: lines of each format, scanned (nothing copied) and parsed (into records that own their fields).
//!
//! The allocator is the product's. Set `EVENKEEL_CONFORMANCE_DATA` to read Apache's lines from a real file.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logparse::{Access, Format, Intake, Limits, Multiline, Options, Record, detect, parse};
use model::Timestamp;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LINES: usize = 10_000;

fn options() -> Options {
    Options::new(Timestamp::from_secs(1_795_000_000))
}

/// Lines from a template with a number in them, so that they differ as real ones do.
fn lines(template: fn(usize) -> String) -> Vec<String> {
    (0..LINES).map(template).collect()
}

fn combined(at: usize) -> String {
    format!(
        "83.149.{}.{} - - [17/May/2015:10:{:02}:{:02} +0000] \"GET /presentations/logstash-monitorama-2013/images/kibana-{at}.png HTTP/1.1\" \
         200 {} \"http://semicomplete.com/presentations/logstash-monitorama-2013/\" \"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) \
         AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36\"",
        at % 250,
        at % 7,
        at % 60,
        at % 59,
        at * 17,
    )
}

fn real_or_made() -> Vec<String> {
    let real = std::env::var_os("EVENKEEL_CONFORMANCE_DATA").and_then(|root| {
        let path = std::path::Path::new(&root)
            .join("logs-access/Common Data Formats/apache_logs/apache_logs");
        std::fs::read_to_string(path).ok()
    });
    real.map_or_else(|| lines(combined), |text| text.lines().map(str::to_owned).collect())
}

fn json(at: usize) -> String {
    format!(
        r#"{{"time":"2024-05-06T07:08:{:02}.123456Z","level":"info","msg":"order {at} was charged","service":"payments","order":{{"id":{at},"total":{}.5}},"tags":["a","b"],"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}}"#,
        at % 60,
        at * 3
    )
}

fn logfmt(at: usize) -> String {
    format!(
        "ts=2024-05-06T07:08:{:02}.123Z level=warn caller=pay.go:{at} msg=\"order was not charged\" order={at} duration=1.25 err=\"card declined\"",
        at % 60
    )
}

fn klog(at: usize) -> String {
    format!(
        r#"I0505 17:59:{:02}.692994   28133 pod.go:70] "Pod status updated" pod="kube-system/kubedns-{at}" status="ready""#,
        at % 60
    )
}

fn syslog(at: usize) -> String {
    format!(
        r#"<165>1 2003-10-11T22:14:{:02}.003Z mymachine.example.com evntslog 812 ID47 [exampleSDID@32473 iut="3" eventID="{at}"] An application event log entry"#,
        at % 60
    )
}

fn plain(at: usize) -> String {
    format!(
        "[2016-12-19 16:31:{:02},999] TRACE Controller 0 epoch 36 started leader election for partition [__consumer_offsets,{at}] (state.change.logger)",
        at % 60
    )
}

fn cri(at: usize) -> String {
    format!("2024-05-06T07:08:{:02}.123456789Z stdout F {}", at % 60, plain(at))
}

fn formats(criterion: &mut Criterion) {
    let options = options();
    let mut group = criterion.benchmark_group("lines");
    let bytes = |lines: &[String]| lines.iter().map(|line| line.len() as u64 + 1).sum();
    let access = real_or_made();
    group.throughput(Throughput::Bytes(bytes(&access)));
    group.bench_function("access/scan", |bencher| {
        bencher.iter(|| {
            access.iter().filter(|line| black_box(Access::scan(line, &options)).is_ok()).count()
        });
    });
    group.bench_function("access/detect", |bencher| {
        bencher.iter(|| {
            access.iter().filter(|line| black_box(detect(line)) == Format::Access).count()
        });
    });
    let all = [
        ("access", Format::Access, access),
        ("json", Format::Json, lines(json)),
        ("logfmt", Format::Logfmt, lines(logfmt)),
        ("klog", Format::Klog, lines(klog)),
        ("syslog", Format::Syslog, lines(syslog)),
        ("cri", Format::Cri, lines(cri)),
        ("plain", Format::Plain, lines(plain)),
    ];
    for (name, format, lines) in &all {
        group.throughput(Throughput::Bytes(bytes(lines)));
        group.bench_function(format!("{name}/parse"), |bencher| {
            bencher.iter(|| {
                lines
                    .iter()
                    .filter(|line| black_box(parse(*format, line, &options)).is_ok())
                    .count()
            });
        });
        group.bench_function(format!("{name}/intake"), |bencher| {
            bencher.iter(|| {
                let mut intake = Intake::new(Format::Auto, &Multiline::Auto, Limits::default());
                let mut records = 0;
                let mut emit = |record: Record<'_, ()>| {
                    black_box(record);
                    records += 1;
                };
                for line in lines {
                    intake.push((), line, &options, &mut emit);
                }
                intake.flush(&options, &mut emit);
                records
            });
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
