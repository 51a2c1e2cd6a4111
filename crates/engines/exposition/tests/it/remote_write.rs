//! Remote write: what is encoded is walked again, in both versions.

use std::sync::Arc;

use exposition::{
    remote_write::{
        EncoderV1, EncoderV2, ExemplarRef, HistogramRef, KeyHasher, LabelsFault, LabelsRef,
        MetadataRef, RawSample, Visitor, v1, v2,
    },
    wire::WireError,
};
use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, Labels, Metadata, MetricKind, ResetHint,
    Sample,
};
use proptest::prelude::*;

/// Writes down all that it is given.
#[derive(Default)]
struct Scribe {
    hasher: Option<KeyHasher>,
    scratch: Vec<u8>,
    keys: Vec<Option<u128>>,
    lines: Vec<String>,
    histograms: Vec<HistogramSample>,
}

impl<'a> Visitor<'a> for Scribe {
    fn series(&mut self, labels: LabelsRef<'a>) -> Result<(), WireError> {
        if let Some(hasher) = &self.hasher {
            self.keys.push(labels.key(hasher, &mut self.scratch));
        }
        let mut pairs = Vec::new();
        self.lines.push(match labels.visit(|name, value| pairs.push((name, value))) {
            Ok(()) => Labels::from_pairs(pairs).to_string(),
            Err(fault) => fault.to_string(),
        });
        Ok(())
    }

    fn sample(&mut self, sample: RawSample) -> Result<(), WireError> {
        self.lines.push(format!("{} @{} {}", sample.value, sample.at_ms, sample.start_ms));
        Ok(())
    }

    fn histogram(&mut self, histogram: HistogramRef<'a>) -> Result<(), WireError> {
        match histogram.decode() {
            Ok(decoded) => self.histograms.push(HistogramSample {
                at_ms: decoded.at_ms,
                histogram: Arc::new(decoded.histogram),
            }),
            Err(fault) => self.lines.push(fault.to_string()),
        }
        Ok(())
    }

    fn exemplar(&mut self, exemplar: ExemplarRef<'a>) -> Result<(), WireError> {
        self.lines.push(match exemplar.decode() {
            Ok(one) => format!("# {} {} @{}", one.labels, one.value, one.at_ms),
            Err(fault) => fault.to_string(),
        });
        Ok(())
    }

    fn metadata(
        &mut self,
        metadata: Result<MetadataRef<'a>, LabelsFault>,
    ) -> Result<(), WireError> {
        self.lines.push(match metadata {
            Ok(about) => {
                format!("{} {} {} {}", about.family, about.kind.as_str(), about.help, about.unit)
            }
            Err(fault) => fault.to_string(),
        });
        Ok(())
    }
}

fn walk_v2(body: &[u8], scribe: &mut Scribe) -> Result<(), WireError> {
    let hasher = KeyHasher::new(7);
    let symbols = v2::Symbols::read(body, &hasher, 1 << 20)?;
    scribe.hasher = Some(hasher);
    // The scribe keeps nothing of the request.
    v2::walk(body, &symbols, scribe)
}

fn labels() -> Labels {
    Labels::from_pairs([("__name__", "up"), ("job", "a"), ("zone", "é")])
}

fn histogram() -> HistogramSample {
    let histogram = Histogram {
        schema: -1,
        zero_threshold: 0.5,
        zero_count: 1.0,
        count: 9.0,
        sum: -2.5,
        positive_spans: vec![
            BucketSpan { offset: -3, length: 2 },
            BucketSpan { offset: 5, length: 1 },
        ],
        positive: vec![3.0, 1.0, 2.0],
        negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
        negative: vec![2.0],
        reset_hint: ResetHint::Gauge,
        ..Histogram::default()
    };
    HistogramSample { at_ms: 77, histogram: Arc::new(histogram) }
}

fn custom() -> HistogramSample {
    let histogram = Histogram {
        schema: Histogram::CUSTOM,
        count: 3.5,
        sum: 2.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![1.25, 2.25],
        custom_values: vec![0.25, 4.0],
        ..Histogram::default()
    };
    HistogramSample { at_ms: 78, histogram: Arc::new(histogram) }
}

fn exemplar() -> Exemplar {
    Exemplar { labels: Labels::from_pairs([("trace_id", "x")]), value: 2.0, at_ms: 9 }
}

fn about() -> Metadata {
    Metadata { family: "up".into(), kind: MetricKind::StateSet, help: "h".into(), unit: "u".into() }
}

const SAMPLES: [Sample; 2] = [Sample { at_ms: 1, value: 0.0 }, Sample { at_ms: -2, value: 1.5 }];

#[test]
fn version_1_is_walked_as_it_was_encoded() {
    let mut encoder = EncoderV1::new();
    encoder.series(&labels(), &SAMPLES, &[histogram(), custom()], &[exemplar()]);
    encoder.metadata(&about());
    let body = encoder.finish();
    let mut scribe = Scribe { hasher: Some(KeyHasher::new(1)), ..Scribe::default() };
    v1::walk(&body, &mut scribe).unwrap();
    assert_eq!(
        scribe.lines,
        [
            "up{job=\"a\", zone=\"é\"}",
            "0 @1 0",
            "1.5 @-2 0",
            "# {trace_id=\"x\"} 2 @9",
            "up stateset h u",
        ]
    );
    assert_eq!(scribe.histograms, [histogram(), custom()]);
    assert!(scribe.keys[0].is_some());
}

#[test]
fn version_2_is_walked_as_it_was_encoded() {
    let mut encoder = EncoderV2::new();
    encoder.series(&labels(), &SAMPLES, &[histogram(), custom()], &[exemplar()], Some(&about()));
    encoder.series(&labels(), &SAMPLES[..1], &[], &[], None);
    let body = encoder.finish();
    let mut scribe = Scribe::default();
    walk_v2(&body, &mut scribe).unwrap();
    assert_eq!(
        scribe.lines,
        [
            "up{job=\"a\", zone=\"é\"}",
            "0 @1 0",
            "1.5 @-2 0",
            "# {trace_id=\"x\"} 2 @9",
            " stateset h u",
            "up{job=\"a\", zone=\"é\"}",
            "0 @1 0",
        ]
    );
    assert_eq!(scribe.histograms, [histogram(), custom()]);
    assert!(scribe.keys[0].is_some() && scribe.keys[0] == scribe.keys[1]);
}

/// A field with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

/// Two labels with a sample between them; senders do not do so, but protobuf lets them.
#[test]
fn labels_that_stand_apart_are_found() {
    let label = |name: &[u8], value: &[u8]| field(1, &[field(1, name), field(2, value)].concat());
    let sample = field(2, &[16, 5]);
    let series = [label(b"__name__", b"up"), sample, label(b"a", b"b")].concat();
    let body = field(1, &series);
    let mut scribe = Scribe { hasher: Some(KeyHasher::new(1)), ..Scribe::default() };
    v1::walk(&body, &mut scribe).unwrap();
    assert_eq!(scribe.lines, ["up{a=\"b\"}", "0 @5 0"]);
    assert_eq!(scribe.keys, [None]);
}

#[test]
fn faults_of_one_series_leave_the_others() {
    let symbols: Vec<u8> =
        [&b""[..], b"__name__", b"up", b"\xff"].iter().flat_map(|text| field(4, text)).collect();
    let series = |refs: &[u8], more: &[u8]| field(5, &[field(1, refs), more.to_vec()].concat());
    let body = [
        symbols,
        series(&[1, 2, 3], &[]),
        series(&[1, 99], &[]),
        series(&[1, 3], &[]),
        series(&[1, 2], &field(5, &[32, 50])),
    ]
    .concat();
    let mut scribe = Scribe::default();
    walk_v2(&body, &mut scribe).unwrap();
    assert_eq!(
        scribe.lines,
        [
            "parsing labels for series [1 2 3]: invalid labelRefs length 3",
            "parsing labels for series [1 99]: labelRefs 1 (name) = 99 (value) outside of symbols table (size 4)",
            "invalid UTF-8 in a label value at byte 34",
            "up",
            "parsing metadata: metadata unit_ref 50 outside of symbols table (size 4)",
        ]
    );
    assert_eq!(scribe.keys[1], None);
}

#[test]
fn malformed_requests_name_the_place() {
    let fault = |body: &[u8]| v1::walk(body, &mut Scribe::default()).unwrap_err().to_string();
    assert_eq!(fault(&[0x0a, 5, 1]), "the message ends in the middle of a field at byte 1");
    assert_eq!(
        fault(&field(1, &field(2, &[9, 1]))),
        "the message ends in the middle of a field at byte 5"
    );
    assert_eq!(
        fault(&field(1, &field(2, &[8, 1]))),
        "field 1 (sample value) at byte 5 has wire type 0; 1 is expected"
    );
    let symbols = field(4, b"x");
    let fault = walk_v2(&symbols, &mut Scribe::default()).unwrap_err();
    assert_eq!(fault.to_string(), "the first symbol is not the empty string at byte 2");
}

#[test]
fn histograms_that_do_not_add_up_are_refused() {
    let mut wrong = histogram();
    Arc::make_mut(&mut wrong.histogram).count = 10.0;
    let mut encoder = EncoderV1::new();
    encoder.series(&labels(), &[], &[wrong], &[]);
    let mut scribe = Scribe::default();
    v1::walk(&encoder.finish(), &mut scribe).unwrap();
    assert!(scribe.lines[1].contains("histogram's observation count should equal"));
    assert!(scribe.histograms.is_empty());
}

proptest! {
    #[test]
    fn no_bytes_harm(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _walked = v1::walk(&body, &mut Scribe::default());
        let _walked = walk_v2(&body, &mut Scribe::default());
        let _read = exposition::remote_read::ReadRequest::decode(&body, 10, 10);
    }

    #[test]
    fn cut_requests_end(cut in 0_usize..400, at in 0_usize..400, byte: u8) {
        let mut encoder = EncoderV2::new();
        encoder.series(&labels(), &SAMPLES, &[histogram(), custom()], &[exemplar()], Some(&about()));
        let mut body = encoder.finish();
        body.truncate(cut);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        let _walked = walk_v2(&body, &mut Scribe::default());
        let _walked = v1::walk(&body, &mut Scribe::default());
    }
}
