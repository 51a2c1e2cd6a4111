//! Whole requests through the context.

use model::{Attributes, Sample, Scope, SpanId, TraceId, Value};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn run(raw: RawBatch, limits: &Limits) -> Ingested {
    run_with(raw, limits, &Translation::default())
}

fn run_with(raw: RawBatch, limits: &Limits, translation: &Translation) -> Ingested {
    ingest(raw, limits, &Redactor::new(), translation, &mut DeltaState::default(), NOW)
}

fn exemplars() -> Vec<RawExemplar> {
    vec![RawExemplar {
        at: Some(Timestamp::from_millis(900)),
        value: 7.0,
        trace_id: Some(TraceId([1; 16])),
        span_id: Some(SpanId([2; 8])),
        ..RawExemplar::default()
    }]
}

fn exemplars_of(ingested: &Ingested) -> Vec<String> {
    let all = ingested.batch.exemplars.iter();
    all.flat_map(|series| {
        let one = |exemplar: &model::Exemplar| {
            format!("{} {} {}@{}", series.labels, exemplar.labels, exemplar.value, exemplar.at_ms)
        };
        series.exemplars.iter().map(one).collect::<Vec<_>>()
    })
    .collect()
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).into(), Value::string(*value))).collect()
}

fn metric(name: &str, unit: &str, data: RawData) -> RawBatch {
    let metrics =
        vec![RawMetric { name: name.into(), unit: unit.into(), data, ..RawMetric::default() }];
    let attributes = attributes(&[
        ("service.name", "cart"),
        ("service.namespace", "shop"),
        ("service.instance.id", "a"),
        ("host.arch", "arm64"),
    ]);
    RawBatch {
        resources: vec![RawResource {
            emitter: RawEmitter { attributes, ..RawEmitter::default() },
            metrics,
            ..RawResource::default()
        }],
        ..RawBatch::default()
    }
}

fn point(at_s: i64, value: f64) -> RawPoint {
    RawPoint {
        attributes: attributes(&[("http.route", "/x")]),
        at: Some(Timestamp::from_secs(at_s)),
        value: Some(value),
        ..RawPoint::default()
    }
}

fn show(ingested: &Ingested) -> String {
    let mut out = String::new();
    for series in &ingested.batch.series {
        let samples: Vec<_> =
            series.samples.iter().map(|s| format!("{}@{}", s.value, s.at_ms)).collect();
        out += &format!("{} {}\n", series.labels, samples.join(" "));
    }
    for refused in &ingested.refused {
        out += &format!(
            "refused {} {} {}: {}\n",
            refused.signal.as_str(),
            refused.count,
            refused.reason,
            refused.message
        );
    }
    out
}

#[test]
fn a_counter_becomes_a_series_with_the_emitters_identity() {
    let data = RawData::Sum {
        monotonic: true,
        temporality: Temporality::Cumulative,
        points: vec![point(10, 3.0), point(20, 4.0)],
    };
    let ingested = run(metric("http.requests", "{request}", data), &Limits::default());
    insta::assert_snapshot!(show(&ingested), @r#"
    http_requests_total{http_route="/x", instance="a", job="shop/cart", service_instance_id="a", service_name="cart"} 3@10000 4@20000
    target_info{host_arch="arm64", instance="a", job="shop/cart", service_instance_id="a", service_name="cart", service_namespace="shop"} 1@20000
    "#);
    assert_eq!(ingested.batch.metadata[0].family.as_ref(), "http_requests_total");
}

#[test]
fn deltas_are_summed_up_and_a_retry_counts_once() {
    let raw = |at| {
        metric(
            "n",
            "",
            RawData::Sum {
                monotonic: true,
                temporality: Temporality::Delta,
                points: vec![point(at, 2.0)],
            },
        )
    };
    let (limits, redactor, mut deltas) =
        (Limits::default(), Redactor::new(), DeltaState::default());
    let mut go = |at| {
        show(&ingest(raw(at), &limits, &redactor, &Translation::default(), &mut deltas, NOW))
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(go(1).ends_with(" 2@1000"));
    assert!(go(2).ends_with(" 4@2000"));
    assert!(go(2).contains("target_info"));
}

#[test]
fn histograms_and_summaries_become_their_parts() {
    let histogram = RawHistogram {
        attributes: vec![],
        at: Some(Timestamp::from_secs(1)),
        count: 6,
        sum: Some(1.5),
        bounds: vec![0.005, 10.0],
        counts: vec![1, 2, 3],
        exemplars: exemplars(),
        ..RawHistogram::default()
    };
    let wrong = RawHistogram { counts: vec![1], ..histogram.clone() };
    let data =
        RawData::Histogram { temporality: Temporality::Cumulative, points: vec![histogram, wrong] };
    let mut raw = metric("d", "s", data);
    raw.resources[0].emitter.attributes.truncate(1);
    let summary = RawSummary {
        attributes: vec![],
        at: Some(Timestamp::from_secs(1)),
        count: 2,
        sum: 3.0,
        quantiles: vec![(0.5, 1.0)],
        ..RawSummary::default()
    };
    let more = [RawData::Summary(vec![summary]), RawData::Empty];
    raw.resources[0].metrics.extend(more.map(|data| RawMetric {
        name: "q".into(),
        data,
        ..RawMetric::default()
    }));
    let ingested = run(raw, &Limits::default());
    insta::assert_snapshot!(show(&ingested), @r#"
    d_seconds_count{job="cart", service_name="cart"} 6@1000
    d_seconds_sum{job="cart", service_name="cart"} 1.5@1000
    d_seconds_bucket{job="cart", le="0.005", service_name="cart"} 1@1000
    d_seconds_bucket{job="cart", le="10", service_name="cart"} 3@1000
    d_seconds_bucket{job="cart", le="+Inf", service_name="cart"} 6@1000
    q_count{job="cart", service_name="cart"} 2@1000
    q_sum{job="cart", service_name="cart"} 3@1000
    q{job="cart", quantile="0.5", service_name="cart"} 1@1000
    target_info{job="cart", service_name="cart"} 1@1000
    refused samples 1 invalid_histogram: histogram `d_seconds` has 1 buckets for 2 bounds; bounds ascend and buckets are one more
    refused samples 1 no_data: metric `q` of `cart` has no data
    "#);
    assert_eq!(
        exemplars_of(&ingested),
        [
            r#"d_seconds_bucket{job="cart", le="10", service_name="cart"} {span_id="0202020202020202", trace_id="01010101010101010101010101010101"} 7@900"#
        ]
    );
}

fn exponential(at_s: i64, offset: i32, counts: &[u64]) -> RawExponential {
    RawExponential {
        at: Some(Timestamp::from_secs(at_s)),
        count: counts.iter().sum::<u64>() + 1,
        sum: Some(4.5),
        zero_count: 1,
        positive: RawBuckets { offset, counts: counts.to_vec() },
        exemplars: exemplars(),
        ..RawExponential::default()
    }
}

#[test]
fn exponential_histograms_get_bounds() {
    let points = vec![
        exponential(1, 0, &[1, 2]),
        RawExponential { scale: -11, ..exponential(2, 0, &[1]) },
        RawExponential { at: None, ..exponential(2, 0, &[1]) },
    ];
    let data = RawData::ExponentialHistogram { temporality: Temporality::Cumulative, points };
    let mut raw = metric("d", "s", data);
    raw.resources[0].emitter.attributes.truncate(1);
    let classic = Translation { exponentials: Exponentials::Classic, ..Translation::default() };
    let ingested = run_with(raw, &Limits::default(), &classic);
    insta::assert_snapshot!(show(&ingested), @r#"
    d_seconds_count{job="cart", service_name="cart"} 4@1000
    d_seconds_sum{job="cart", service_name="cart"} 4.5@1000
    d_seconds_bucket{job="cart", le="0", service_name="cart"} 1@1000
    d_seconds_bucket{job="cart", le="1", service_name="cart"} 1@1000
    d_seconds_bucket{job="cart", le="2", service_name="cart"} 2@1000
    d_seconds_bucket{job="cart", le="4", service_name="cart"} 4@1000
    d_seconds_bucket{job="cart", le="+Inf", service_name="cart"} 4@1000
    target_info{job="cart", service_name="cart"} 1@2000
    refused samples 1 invalid_histogram: exponential histogram `d_seconds` has the scale -11; at least -10 is allowed
    refused samples 1 no_time: a point of `d_seconds` has no time
    "#);
    assert_eq!(ingested.batch.metadata[0].kind, model::MetricKind::Histogram);
    assert_eq!(ingested.batch.exemplars.len(), 1);
}

#[test]
fn a_bucket_that_comes_late_has_what_earlier_deltas_counted() {
    let (limits, redactor, mut deltas) =
        (Limits::default(), Redactor::new(), DeltaState::default());
    let classic = Translation { exponentials: Exponentials::Classic, ..Translation::default() };
    let mut go = |point: RawExponential| {
        let data =
            RawData::ExponentialHistogram { temporality: Temporality::Delta, points: vec![point] };
        let shown =
            show(&ingest(metric("d", "", data), &limits, &redactor, &classic, &mut deltas, NOW));
        let series = shown.lines().filter(|line| !line.starts_with("target_info"));
        let short = series.map(|line| {
            let le = line.split("le=").nth(1).and_then(|rest| rest.split('"').nth(1));
            let name = line.split('{').next().unwrap_or_default();
            let value = line.split("} ").nth(1).unwrap_or_default();
            format!("{} {}", le.unwrap_or(name), value)
        });
        short.collect::<Vec<_>>().join(", ")
    };
    insta::assert_snapshot!(go(exponential(1, 0, &[1])), @"d_count 2@1000, d_sum 4.5@1000, 0 1@1000, 1 1@1000, 2 2@1000, +Inf 2@1000");
    insta::assert_snapshot!(go(exponential(2, 2, &[1])), @"d_count 4@2000, d_sum 9@2000, 0 2@2000, 1 2@2000, 2 3@2000, 4 3@2000, 8 4@2000, +Inf 4@2000");
    assert!(go(exponential(2, 2, &[1])).contains("delta_out_of_order"), "a retry counts once");
}

#[test]
fn a_refused_point_counts_once_and_target_info_never() {
    let histogram = RawHistogram {
        attributes: attributes(&[("a", "1")]),
        at: Some(Timestamp::from_secs(1)),
        count: 3,
        sum: Some(1.5),
        bounds: vec![1.0, 2.0],
        counts: vec![1, 1, 1],
        ..RawHistogram::default()
    };
    let many =
        RawHistogram { attributes: attributes(&[("a", "1"), ("b", "2")]), ..histogram.clone() };
    let data =
        RawData::Histogram { temporality: Temporality::Cumulative, points: vec![histogram, many] };
    let mut raw = metric("d", "", data);
    raw.resources[0].emitter.attributes.truncate(1);
    // With `__name__`, `job` and `service_name`: room for one more, but not for `le` beside it.
    let ingested = run(raw, &Limits { labels_max: 4, ..Limits::default() });
    insta::assert_snapshot!(show(&ingested), @r#"
    d_count{a="1", job="cart", service_name="cart"} 3@1000
    d_sum{a="1", job="cart", service_name="cart"} 1.5@1000
    target_info{job="cart", service_name="cart"} 1@1000
    refused samples 2 too_many_labels: series `d_bucket` of `cart` has 5 labels; at most 4 are allowed (`limits.max_labels`)
    "#);
    assert_eq!(ingested.leaders, [0, 0, u32::MAX]);
}

#[test]
fn remote_written_series_keep_to_the_rules() {
    let series = |labels: &[(&str, &str)], at_ms| RawSeries {
        labels: Ok(labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()),
        samples: vec![Sample { at_ms, value: 1.0 }],
        ..RawSeries::default()
    };
    let limits = Limits { labels_max: 3, label_value_bytes_max: 16, ..Limits::default() };
    let raw = RawBatch {
        series: vec![
            series(&[("__name__", "up"), ("api_token", "abc"), ("job", "")], 5),
            series(&[("job", "x")], 5),
            series(&[("__name__", "m"), ("a", "1"), ("b", "2"), ("c", "3")], 5),
            series(&[("__name__", "m"), ("path", "12345678901234567")], 5),
            series(&[("__name__", "m"), ("a", "1"), ("a", "2")], 5),
            series(&[("__name__", "m")], i64::MAX),
        ],
        ..RawBatch::default()
    };
    insta::assert_snapshot!(show(&run(raw, &limits)), @r#"
    up{api_token="[redacted:key]"} 1@5
    refused samples 1 duplicate_label: series `m` has the label `a` twice
    refused samples 1 future: a sample is dated `2262-04-11T23:47:16.854775807Z`, more than 600 s ahead of `1970-01-12T13:46:40Z`; the setting is `limits.max_future_seconds`
    refused samples 1 label_value_too_long: label `path` of `m` has 17 bytes; at most 16 are allowed (`limits.max_label_value_bytes`)
    refused samples 1 no_metric_name: a series has no `__name__`
    refused samples 1 too_many_labels: series `m` of `` has 4 labels; at most 3 are allowed (`limits.max_labels`)
    "#);
}

#[test]
fn a_metrics_name_assigns_nothing() {
    let names =
        ["job:auth_token:rate5m", "job:auth_token:rate1h", "password:sum", "api_key:x_total"];
    let series = |name: &str| RawSeries {
        labels: Ok(vec![("__name__".into(), name.into()), ("job".into(), "a token=abcdef".into())]),
        samples: vec![Sample { at_ms: 5, value: 1.0 }],
        ..RawSeries::default()
    };
    let raw =
        RawBatch { series: names.iter().map(|name| series(name)).collect(), ..RawBatch::default() };
    let written = run(raw, &Limits::default());
    for (series, name) in written.batch.series.iter().zip(names) {
        assert_eq!(series.labels.metric_name(), Some(name));
        assert_eq!(series.labels.get("job"), Some("a token=[redacted:assignment]"));
    }
    assert_eq!(written.batch.series.len(), names.len());
    for name in names {
        let ingested =
            run(metric(name, "", RawData::Gauge(vec![point(1, 1.0)])), &Limits::default());
        assert_eq!(ingested.batch.series[0].labels.metric_name(), Some(name));
        assert_eq!(&*ingested.batch.metadata[0].family, name);
    }
    let secret = "glpat-0123456789abcdefghij";
    let written =
        run(RawBatch { series: vec![series(secret)], ..RawBatch::default() }, &Limits::default());
    assert_eq!(written.batch.series[0].labels.metric_name(), Some("[redacted:gitlab_token]"));
}

#[test]
fn spans_and_logs_are_checked_redacted_and_limited() {
    let span = RawSpan {
        trace_id: Some(TraceId([1; 16])),
        span_id: Some(SpanId([2; 8])),
        name: "GET /a?token=abc".into(),
        start: Timestamp::from_secs(1),
        end: Timestamp::from_secs(2),
        attributes: attributes(&[("db.password", "x"), ("user", "ana")]),
        ..RawSpan::default()
    };
    let no_id = RawSpan { trace_id: None, ..span.clone() };
    let no_time = RawSpan { start: Timestamp::EPOCH, end: Timestamp::EPOCH, ..span.clone() };
    let future = RawSpan { end: NOW + std::time::Duration::from_secs(601), ..span.clone() };
    let log = RawLog {
        at: None,
        severity: 9,
        severity_text: "INFO".into(),
        body: Value::string("x".repeat(64)),
        ..RawLog::default()
    };
    let resource = RawResource {
        spans: vec![span, no_id, no_time, future],
        logs: vec![log],
        ..RawResource::default()
    };
    let limits = Limits { log_bytes_max: 40, ..Limits::default() };
    let ingested = run(RawBatch { resources: vec![resource], ..RawBatch::default() }, &limits);
    let span = &ingested.batch.spans[0];
    assert_eq!(ingested.batch.spans.len(), 1);
    assert_eq!(&*span.name, "GET /a?token=[redacted:assignment]");
    assert_eq!(
        Value::Map(span.attributes.clone()).to_string(),
        r#"{"db.password":"[redacted:key]","user":"ana"}"#
    );
    assert_eq!(
        (ingested.batch.logs[0].at, ingested.batch.logs[0].body.to_string().as_str()),
        (NOW, "xxxxxxxxxxxx…[truncated from 64 bytes]")
    );
    let reasons: Vec<_> = ingested.refused.iter().map(|refused| refused.reason).collect();
    assert_eq!(reasons, ["future", "invalid_id", "no_time"]);
}

#[test]
fn a_refusal_shows_names_without_secrets_and_not_without_end() {
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let name = format!("{secret} {}", "x".repeat(5_000));
    let named = metric(&name, "", RawData::Empty);
    let span = RawSpan { name: name.as_str().into(), ..RawSpan::default() };
    let spans = vec![RawResource { spans: vec![span], ..RawResource::default() }];
    let labels = Ok(vec![
        ("__name__".into(), name.as_str().into()),
        ("a".into(), "1".into()),
        ("a".into(), "2".into()),
    ]);
    let series = RawSeries {
        labels,
        samples: vec![Sample { at_ms: 1, value: 1.0 }],
        ..RawSeries::default()
    };
    for raw in [
        named,
        RawBatch { resources: spans, ..RawBatch::default() },
        RawBatch { series: vec![series], ..RawBatch::default() },
    ] {
        let ingested = run(raw, &Limits::default());
        let message = &ingested.refused[0].message;
        assert!(!message.contains(secret) && message.contains("[redacted:"), "{message}");
        assert!(message.chars().count() < 500, "{message}");
    }
}

#[test]
fn exponential_histograms_become_native() {
    let points = vec![
        RawExponential { scale: 20, ..exponential(1, 0, &[1, 2]) },
        exponential(2, -3, &[1, 0, 0, 0, 4]),
        RawExponential { scale: -5, ..exponential(3, 0, &[1]) },
        RawExponential { ended: true, ..exponential(4, 0, &[]) },
    ];
    let data = RawData::ExponentialHistogram { temporality: Temporality::Cumulative, points };
    let mut raw = metric("d", "s", data);
    raw.resources[0].emitter.attributes.truncate(1);
    let ingested = run(raw, &Limits::default());
    insta::assert_snapshot!(show(&ingested), @r#"
    target_info{job="cart", service_name="cart"} 1@4000
    refused samples 1 invalid_histogram: exponential histogram `d_seconds` is too coarse; a scale of at least -4 is allowed
    "#);
    let series = &ingested.batch.histograms[0];
    assert_eq!(series.labels.to_string(), r#"d_seconds{job="cart", service_name="cart"}"#);
    let shown: Vec<_> = series
        .samples
        .iter()
        .map(|sample| {
            let h = &sample.histogram;
            let spans: Vec<_> = h.positive_spans.iter().map(|s| (s.offset, s.length)).collect();
            format!(
                "{}: {} {} {} {spans:?} {:?}",
                sample.at_ms, h.schema, h.count, h.zero_count, h.positive
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "1000: 8 4 1 [(1, 1)] [3.0]",
            "2000: 0 6 1 [(-2, 1), (3, 1)] [1.0, 4.0]",
            "4000: 0 0 0 [] []",
        ]
    );
    assert!(series.samples[2].histogram.is_stale());
    assert_eq!(ingested.leaders.len(), 2);
    assert_eq!(exemplars_of(&ingested).len(), 3);
}

#[test]
fn deltas_of_exponential_histograms_are_summed_up() {
    let (limits, redactor, mut deltas) =
        (Limits::default(), Redactor::new(), DeltaState::default());
    let mut go = |at| {
        let points = vec![exponential(at, 0, &[2])];
        let data = RawData::ExponentialHistogram { temporality: Temporality::Delta, points };
        let both = Translation { exponentials: Exponentials::Both, ..Translation::default() };
        let raw = metric("d", "", data);
        let ingested = ingest(raw, &limits, &redactor, &both, &mut deltas, NOW);
        let count = ingested.batch.histograms.first().map(|h| h.samples[0].histogram.count);
        (count, ingested.batch.series.len(), ingested.refused.len())
    };
    assert_eq!(go(1), (Some(3.0), 7, 0));
    assert_eq!(go(2), (Some(6.0), 7, 0));
    assert_eq!(go(2), (None, 1, 1));
}

#[test]
fn what_can_be_chosen_is() {
    let histogram = RawHistogram {
        at: Some(Timestamp::from_secs(60)),
        start: Some(Timestamp::from_secs(1)),
        count: 6,
        sum: Some(1.5),
        bounds: vec![0.5, 10.0],
        counts: vec![1, 2, 3],
        ..RawHistogram::default()
    };
    let data = RawData::Histogram {
        temporality: Temporality::Cumulative,
        points: vec![
            histogram,
            RawHistogram {
                counts: vec![9, 9, 9],
                bounds: vec![0.5, 10.0],
                at: Some(NOW),
                ..RawHistogram::default()
            },
        ],
    };
    let mut raw = metric("http.size", "By", data);
    let sum = RawData::Sum {
        monotonic: true,
        temporality: Temporality::Cumulative,
        points: vec![RawPoint { start: Some(Timestamp::from_secs(5)), ..point(10, 3.0) }],
    };
    let scope = Scope {
        name: "lib".into(),
        version: "1".into(),
        attributes: attributes(&[("a.b", "c"), ("password", "x")]),
        ..Scope::default()
    };
    let name = "http.requests".into();
    let scope = Some(std::sync::Arc::new(scope));
    raw.resources[0].metrics.push(RawMetric { name, data: sum, scope, ..RawMetric::default() });
    let translation = Translation {
        names: NameStrategy::NoUtf8EscapingWithSuffixes,
        convert_histograms_to_nhcb: true,
        promote_scope_metadata: true,
        promote_resource_attributes: vec!["host.arch".into()],
        zero_samples: true,
        ..Translation::default()
    };
    let ingested = run_with(raw, &Limits::default(), &translation);
    insta::assert_snapshot!(show(&ingested), @r#"
    http.requests_total{host.arch="arm64", http.route="/x", instance="a", job="shop/cart", otel_scope_a.b="c", otel_scope_name="lib", otel_scope_password="[redacted:key]", otel_scope_version="1", service_instance_id="a", service_name="cart"} 0@5000 3@10000
    target_info{host.arch="arm64", instance="a", job="shop/cart", service.namespace="shop", service_instance_id="a", service_name="cart"} 1@1000000000
    refused samples 1 invalid_histogram: histogram `http.size_bytes`: the buckets hold 27 observations, and the count is 0
    "#);
    let native = &ingested.batch.histograms[0];
    assert_eq!(native.labels.metric_name(), Some("http.size_bytes"));
    let histogram = &native.samples[0].histogram;
    assert_eq!((histogram.schema, &histogram.custom_values), (-53, &vec![0.5, 10.0]));
    assert_eq!(histogram.positive, [1.0, 2.0, 3.0]);
}
