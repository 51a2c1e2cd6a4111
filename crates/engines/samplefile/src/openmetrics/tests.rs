//! What is written is read.

use std::{ops::ControlFlow, sync::Arc};

use model::{BucketSpan, Histogram, ResetHint, Sample};
use proptest::prelude::*;

use super::*;
use crate::{ReadError, Sink};

#[derive(Default)]
struct Kept {
    series: Vec<(Labels, Points)>,
    heads: Vec<Metadata>,
}

impl Sink for Kept {
    fn points(&mut self, labels: &Labels, points: &Points) -> ControlFlow<()> {
        self.series.push((labels.clone(), points.clone()));
        ControlFlow::Continue(())
    }

    fn metadata(&mut self, metadata: &Metadata) -> ControlFlow<()> {
        self.heads.push(metadata.clone());
        ControlFlow::Continue(())
    }
}

fn text_of(heads: &[Metadata], series: &[(Labels, Points)]) -> String {
    let mut writer = Writer::new(Vec::new());
    heads.iter().for_each(|head| writer.family(head).unwrap());
    series.iter().for_each(|(labels, points)| writer.points(labels, points).unwrap());
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

fn back(text: &str, unit: TimeUnit) -> Result<Kept, ReadError> {
    let mut kept = Kept::default();
    read(text.as_bytes(), unit, &mut kept)?;
    Ok(kept)
}

fn histogram() -> Histogram {
    Histogram {
        schema: 2,
        zero_threshold: 1e-128,
        zero_count: 1.0,
        count: 9.5,
        sum: -1.25e300,
        positive_spans: vec![
            BucketSpan { offset: -3, length: 2 },
            BucketSpan { offset: 4, length: 1 },
        ],
        positive: vec![1.0, 2.5, 3.0],
        negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
        negative: vec![2.0],
        reset_hint: ResetHint::NotReset,
        ..Histogram::default()
    }
}

#[test]
fn the_text_is_as_expected() {
    let mut points = Points::default();
    points.push(-1_500, 1.0);
    points.push(0, f64::INFINITY);
    points.push(1_700_000_000_123, 0.1);
    points.push(1_700_000_000_200, f64::from_bits(Sample::STALE));
    let labels = Labels::from_pairs([("__name__", "a:b_total"), ("x", "q\"\\\n"), ("le.x", "1")]);
    let mut native = Points::default();
    native.push_histogram(1_000, Arc::new(histogram()));
    let odd = Labels::from_pairs([("__name__", "http.requests")]);
    let head = Metadata {
        family: "a:b_total".into(),
        kind: MetricKind::Counter,
        help: "says \"x\"\nand more".into(),
        // As OpenTelemetry writes it, which is no end of the name.
        unit: "By".into(),
    };
    insta::assert_snapshot!(text_of(&[head], &[(labels, points), (odd, native)]), @r#"
    # TYPE a:b counter
    # HELP a:b says \"x\"\nand more
    a:b_total{"le.x"="1",x="q\"\\\n"} 1 -1.5
    a:b_total{"le.x"="1",x="q\"\\\n"} +Inf 0
    a:b_total{"le.x"="1",x="q\"\\\n"} 0.1 1700000000.123
    {"http.requests"} {count:9.5,sum:-1.25e300,schema:2,zero_threshold:1e-128,zero_count:1,negative_spans:[0:1],negative_buckets:[2],positive_spans:[-3:2,4:1],positive_buckets:[1,2.5,3],reset_hint:not_reset} 1
    # EOF
    "#);
}

#[test]
fn what_came_before_a_fault_is_given() {
    for text in ["a 1 1\na 2 2\nb 0x 3\n# EOF\n", "a 1 1\na 2 2\n"] {
        let mut kept = Kept::default();
        assert!(read(text.as_bytes(), TimeUnit::Seconds, &mut kept).is_err());
        assert_eq!(kept.series.len(), 1, "{text}");
        assert_eq!(kept.series[0].1.times, [1000, 2000]);
    }
}

#[test]
fn other_writers_are_read() {
    let text = "# HELP up Is it?\n# TYPE up gauge\nup{job=\"a\", } 1 12.5 # {trace_id=\"x\"} 1 12\nup{job=\"b\"} NaN 1e3\n\nup 0x 3\n";
    let error = back(text, TimeUnit::Seconds).err().unwrap().to_string();
    assert_eq!(error, "line 6: `0x` is no number");
    let kept = back(&text.replace("up 0x 3\n", "# EOF\n"), TimeUnit::Seconds).unwrap();
    assert_eq!(kept.series.len(), 2);
    assert_eq!((kept.series[0].1.times[0], kept.series[1].1.times[0]), (12_500, 1_000_000));
    assert_eq!((kept.heads[0].kind, &*kept.heads[0].help), (MetricKind::Gauge, "Is it?"));
    let kept = back("a_total 3 1700000000000\n", TimeUnit::Milliseconds).unwrap();
    assert_eq!(kept.series[0].1.times, [1_700_000_000_000]);
}

#[test]
fn what_is_missing_is_named() {
    let check = |text: &str, expected: &str| {
        assert_eq!(back(text, TimeUnit::Seconds).err().unwrap().to_string(), expected);
    };
    check("a 1 1\n", "the file ends without `# EOF`, so it may be cut short");
    check("a 1\n# EOF\n", "line 1: the sample of \"a\" has no time");
    check("a{b=\"c\" 1 1\n", "line 1: the labels are not closed");
    check("a{b=\"c\",b=\"d\"} 1 1\n", "line 1: a label is there twice");
    check("a\n", "line 1: a sample has no value");
    check(
        "a {count:1,schema:99} 1\n",
        "line 1: schema 99 is not known; -4 to 8 and -53 (custom buckets) are",
    );
    check("a 1 1.2.3\n", "line 1: `1.2.3` is no time");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        pairs in prop::collection::vec(("[a-z.\"\\\\=,{} é]{1,6}", "[a-z\"\\\\\n=,{}# é]{0,6}"), 0..4),
        name in "[a-z:.\" ]{1,5}",
        samples in prop::collection::vec((-1i64 << 50..1 << 50, any::<f64>()), 1..20),
    ) {
        let named = [(Labels::METRIC_NAME.to_owned(), name)];
        let labels = Labels::from_pairs(pairs.into_iter().chain(named));
        let mut points = Points::default();
        samples.iter().for_each(|(at, value)| points.push(*at, *value));
        points.push_histogram(5, Arc::new(histogram()));
        let text = text_of(&[], &[(labels.clone(), points.clone())]);
        let kept = back(&text, TimeUnit::Seconds).unwrap();
        prop_assert_eq!(kept.series.len(), 1);
        prop_assert_eq!(&kept.series[0].0, &labels);
        prop_assert_eq!(&kept.series[0].1, &points);
    }

    #[test]
    fn rubbish_does_no_harm(text in "[a-z{}=\",#: 0-9\\[\\]\\\\\n.-]{0,80}") {
        for unit in [TimeUnit::Seconds, TimeUnit::Milliseconds] {
            // Most of it is refused; what counts is that nothing else happens.
            let read = back(&text, unit);
            prop_assert!(read.is_err() || read.unwrap().series.len() <= text.len());
        }
    }
}
