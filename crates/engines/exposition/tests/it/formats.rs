//! Cases of our own for the formats that targets expose.

use exposition::{
    ContentKind, Entry, Options, Parser,
    write::{Escaping, FamilyHead, Writer},
};
use model::{BucketSpan, Exemplar, Histogram, Labels, MetricKind, ResetHint};
use proptest::prelude::*;

/// Entries in one line each: what a scrape would keep.
fn read(kind: ContentKind, body: &[u8], options: Options) -> Vec<String> {
    let mut parser = Parser::new(kind, body, options);
    let mut entries = Vec::new();
    while let Some(entry) = parser.next().unwrap() {
        entries.push(match entry {
            Entry::Help { family, text } => format!("help {family} {text}"),
            Entry::Type { family, kind } => format!("type {family} {}", kind.as_str()),
            Entry::Unit { family, unit } => format!("unit {family} {unit}"),
            Entry::Comment(_) => continue,
            Entry::Series(series) => {
                let mut line = format!("{} {:?}", series.labels(), series.value);
                line += &series.at_ms.map(|at| format!(" @{at}")).unwrap_or_default();
                line += &series.start_ms.map(|at| format!(" since {at}")).unwrap_or_default();
                if let Some(exemplar) = series.exemplar() {
                    line += &format!(" # {} {} {:?}", exemplar.labels, exemplar.value, exemplar.at_ms);
                }
                line
            }
            Entry::Histogram(entry) => {
                let h = &entry.histogram;
                let spans: Vec<_> =
                    h.positive_spans.iter().map(|span| (span.offset, span.length)).collect();
                format!(
                    "{} schema {} count {} sum {} spans {spans:?} buckets {:?} bounds {:?} hint {:?} exemplars {}",
                    entry.labels(), h.schema, h.count, h.sum, h.positive, h.custom_values,
                    h.reset_hint, entry.exemplars().len()
                )
            }
        });
    }
    entries
}

fn check(kind: ContentKind, body: &str, options: Options, expected: &[&str]) {
    assert_eq!(read(kind, body.as_bytes(), options), expected);
}

#[test]
fn text_with_all_that_prometheus_takes() {
    check(
        ContentKind::Text,
        "# HELP http_requests_total All \\\\ requests\\n, \"quoted\".\n\
         # TYPE http_requests_total counter\n\
         # a remark\n#another\n\n\
         \thttp_requests_total { code = \"200\" , path=\"/a\\\"b\\\\\" , } 1027 1395066363000\n\
         {\"http.server\", method=\"GET\",\"a.b\"=\"c\"} 3 -5\n\
         # TYPE rpc summary\n\
         rpc{quantile=\"1\"} NaN\n\
         rpc_sum +Inf\n\
         # TYPE h histogram\n\
         h_bucket{le=\"1\"} 2\n\
         h_bucket{le=\"1000000\"} 2\n\
         last 1e3",
        Options::default(),
        &[
            "help http_requests_total All \\ requests\n, \"quoted\".",
            "type http_requests_total counter",
            "http_requests_total{code=\"200\", path=\"/a\\\"b\\\\\"} 1027.0 @1395066363000",
            "http.server{a.b=\"c\", method=\"GET\"} 3.0 @-5",
            "type rpc summary",
            "rpc{quantile=\"1.0\"} NaN",
            "rpc_sum inf",
            "type h histogram",
            "h_bucket{le=\"1.0\"} 2.0",
            "h_bucket{le=\"1e+06\"} 2.0",
            "last 1000.0",
        ],
    );
}

#[test]
fn open_metrics_with_exemplars_units_and_starts() {
    let body = "# TYPE foo_seconds counter\n# UNIT foo_seconds seconds\n\
        foo_seconds_total{a=\"1\"} 17.0 1.5 # {trace_id=\"x\"} 0.5 1.25\n\
        foo_seconds_created{a=\"1\"} 1520872607.123\n\
        foo_seconds_total{a=\"2\"} 1 # {} 1\n# EOF\n";
    check(
        ContentKind::OpenMetrics,
        body,
        Options { starts: true, ..Options::default() },
        &[
            "type foo_seconds counter",
            "unit foo_seconds seconds",
            "foo_seconds_total{a=\"1\"} 17.0 @1500 since 1520872607123 # {trace_id=\"x\"} 0.5 Some(1250)",
            "foo_seconds_total{a=\"2\"} 1.0 # {} 1 None",
        ],
    );
    let typed = Options { type_and_unit_labels: true, ..Options::default() };
    let labelled = read(ContentKind::OpenMetrics, body.as_bytes(), typed);
    assert_eq!(
        labelled[2].split(" 17").next(),
        Some("foo_seconds_total{__type__=\"counter\", __unit__=\"seconds\", a=\"1\"}")
    );
    assert!(labelled[3].starts_with("foo_seconds_created"), "{labelled:?}");
}

#[test]
fn a_series_has_the_same_bytes_each_time() {
    let raw = |body: &[u8]| {
        let mut parser = Parser::new(ContentKind::Text, body, Options::default());
        match parser.next().unwrap() {
            Some(Entry::Series(series)) => series.raw.to_vec(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(raw(b"  up{a=\"b\"} 1\n"), b"up{a=\"b\"}");
    assert_eq!(raw(b"up{a=\"b\"}  2 1\n"), b"up{a=\"b\"}");
    assert_eq!(raw(b"{\"up\",a=\"b\"} 2"), b"{\"up\",a=\"b\"}");
}

const CLASSIC: &str = "# TYPE h histogram\n\
    h_bucket{a=\"1\",le=\"0.5\"} 2\nh_bucket{a=\"1\",le=\"1\"} 2\nh_bucket{a=\"1\",le=\"+Inf\"} 5\n\
    h_count{a=\"1\"} 5\nh_sum{a=\"1\"} 7.5\n\
    h_bucket{a=\"2\",le=\"+Inf\"} 1\nh_count{a=\"2\"} 2\n\
    # TYPE g gauge\ng 1\n";

#[test]
fn classic_histograms_become_native_ones() {
    let options = Options { convert_classic: true, ..Options::default() };
    let native = "h{a=\"1\"} schema -53 count 5 sum 7.5 spans [(0, 3)] buckets [2.0, 0.0, 3.0] bounds [0.5, 1.0] hint Unknown exemplars 0";
    // The second contradicts itself and is gone, as in Prometheus.
    check(
        ContentKind::Text,
        CLASSIC,
        options,
        &["type h histogram", native, "type g gauge", "g 1.0"],
    );
    let both = Options { classic_histograms: true, ..options };
    let entries = read(ContentKind::Text, CLASSIC.as_bytes(), both);
    assert_eq!(entries.len(), 1 + 5 + 1 + 2 + 2);
    assert_eq!(entries[6], native);
}

fn native(hint: ResetHint) -> Histogram {
    Histogram {
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: 2.0,
        count: 10.0,
        sum: 4.5,
        positive_spans: vec![
            BucketSpan { offset: -2, length: 1 },
            BucketSpan { offset: 3, length: 2 },
        ],
        positive: vec![1.0, 3.0, 4.0],
        reset_hint: hint,
        ..Histogram::default()
    }
}

fn labels(pairs: &[(&'static str, &'static str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

/// A body with one of everything.
fn written(kind: ContentKind) -> Vec<u8> {
    let mut writer = Writer::new(kind, Escaping::Utf8);
    let head = |name, kind| FamilyHead { name, kind, help: "a \\ \"b\"\n", unit: "" };
    writer.family(&head("c_total", MetricKind::Counter));
    let exemplar =
        Exemplar { labels: labels(&[("trace_id", "x")]), value: 0.5, at_ms: 1_625_851_153_146 };
    writer.float(
        &labels(&[("__name__", "c_total"), ("a", "b\"\n")]),
        3.0,
        Some(5),
        Some(&exemplar),
    );
    writer.family(&head("g.x", MetricKind::Gauge));
    writer.float(&labels(&[("__name__", "g.x"), ("ü.a", "ö")]), -1.5, None, None);
    writer.family(&head("h", MetricKind::Histogram));
    writer.histogram(&labels(&[("__name__", "h")]), &native(ResetHint::Unknown), Some(7));
    writer.finish()
}

#[test]
fn what_is_written_reads_back_in_every_format() {
    let of = |kind| read(kind, &written(kind), Options::default());
    let help = "a \\ \"b\"\n";
    let classic = ["h_bucket{le=\"+Inf\"} 10.0 @7", "h_sum 4.5 @7", "h_count 10.0 @7"];
    let shared = |counter: &str, exemplar: &str| {
        vec![
            format!("help {counter} {help}"),
            format!("type {counter} counter"),
            format!("c_total{{a=\"b\\\"\\n\"}} 3.0 @5{exemplar}"),
            format!("help g.x {help}"),
            "type g.x gauge".to_owned(),
            "g.x{ü.a=\"ö\"} -1.5".to_owned(),
            format!("help h {help}"),
            "type h histogram".to_owned(),
        ]
    };
    let exemplar = " # {trace_id=\"x\"} 0.5 Some(1625851153146)";
    let with_classic = |mut entries: Vec<String>| {
        entries.extend(classic.map(str::to_owned));
        entries
    };
    assert_eq!(of(ContentKind::Text), with_classic(shared("c_total", "")));
    assert_eq!(of(ContentKind::OpenMetrics), with_classic(shared("c", exemplar)));
    let mut expected = shared("c_total", exemplar);
    expected.push("h schema 3 count 10 sum 4.5 spans [(-2, 1), (3, 2)] buckets [1.0, 3.0, 4.0] bounds [] hint Unknown exemplars 0".to_owned());
    assert_eq!(of(ContentKind::Protobuf), expected);
}

#[test]
fn names_are_escaped_for_those_who_know_no_others() {
    let mut writer = Writer::new(ContentKind::Text, Escaping::Underscores);
    writer.float(&labels(&[("__name__", "1.a"), ("b.c", "d")]), 1.0, None, None);
    assert_eq!(writer.finish(), b"__a{b_c=\"d\"} 1\n");
}

#[test]
fn histograms_of_protobuf_keep_their_kind() {
    let mut writer = Writer::new(ContentKind::Protobuf, Escaping::Utf8);
    writer.family(&FamilyHead {
        name: "g",
        kind: MetricKind::GaugeHistogram,
        ..FamilyHead::default()
    });
    writer.histogram(&labels(&[("__name__", "g")]), &native(ResetHint::Gauge), None);
    let custom = Histogram {
        schema: Histogram::CUSTOM,
        count: 3.0,
        sum: 2.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![1.0, 2.0],
        custom_values: vec![0.25],
        ..Histogram::default()
    };
    writer.histogram(&labels(&[("__name__", "custom")]), &custom, None);
    writer.histogram(&labels(&[("__name__", "none")]), &Histogram::default(), None);
    let body = writer.finish();
    let entries = read(ContentKind::Protobuf, &body, Options::default());
    assert!(entries[2].starts_with("g schema 3 count 10") && entries[2].contains("hint Gauge"));
    assert_eq!(
        entries[5..9],
        [
            "custom_count 3.0",
            "custom_sum 2.0",
            "custom_bucket{le=\"0.25\"} 1.0",
            "custom_bucket{le=\"+Inf\"} 3.0"
        ]
    );
    assert!(entries[11].starts_with("none schema 0 count 0"), "{entries:?}");
    let converted = Options { convert_classic: true, ..Options::default() };
    let entries = read(ContentKind::Protobuf, &body, converted);
    assert!(
        entries[5].starts_with(
            "custom schema -53 count 3 sum 2 spans [(0, 2)] buckets [1.0, 2.0] bounds [0.25]"
        ),
        "{entries:?}"
    );
    let classic = Options { native_histograms: false, ..Options::default() };
    assert_eq!(read(ContentKind::Protobuf, &body, classic)[2], "g_count 10.0");
}

/// Pieces that bodies are made of, so that mutations go deep.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("# HELP a b\n".to_owned()),
        Just("# TYPE a histogram\n".to_owned()),
        Just("# UNIT a_s s\n".to_owned()),
        Just("a_bucket{le=\"1\"} 2 # {x=\"y\"} 3 4\n".to_owned()),
        Just("a_count 1\n".to_owned()),
        Just("{\"a\",b=\"\\\\".to_owned()),
        Just("# EOF\n".to_owned()),
        "[ -~\n\t\0]{0,12}",
    ]
}

proptest! {
    #[test]
    fn no_body_harms(pieces in proptest::collection::vec(piece(), 0..12)) {
        let body = pieces.concat();
        for kind in [ContentKind::Text, ContentKind::OpenMetrics, ContentKind::Protobuf] {
            for convert_classic in [false, true] {
                let options = Options { convert_classic, starts: true, ..Options::default() };
                let mut parser = Parser::new(kind, body.as_bytes(), options);
                while let Ok(Some(entry)) = parser.next() {
                    if let Entry::Series(series) = entry {
                        prop_assert!(series.raw.len() <= body.len());
                        drop((series.labels(), series.exemplar(), series.duplicate_label()));
                    }
                }
            }
        }
        let _checked = exposition::openmetrics::check(body.as_bytes());
    }

    #[test]
    fn no_bytes_harm_protobuf(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let options = Options { convert_classic: true, classic_histograms: true, ..Options::default() };
        let mut parser = Parser::new(ContentKind::Protobuf, &body, options);
        while let Ok(Some(_)) = parser.next() {}
    }
}
