//! What one sample costs: remote write walked and keyed, exposition formats read. Times are of 10 000 samples.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use exposition::{
    ContentKind, Entry, Options, Parser,
    remote_write::{
        EncoderV1, EncoderV2, ExemplarRef, HistogramRef, KeyHasher, LabelsFault, LabelsRef,
        MetadataRef, RawSample, Visitor, v1, v2,
    },
    wire::WireError,
    write::{Escaping, FamilyHead, Writer},
};
use model::{Labels, MetricKind, Sample};

const SERIES: usize = 10_000;

/// Labels as a node exporter under Kubernetes has them: 12, some 330 bytes.
fn labels(at: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "container_network_receive_bytes_total".to_owned()),
        ("cluster", "production-eu-west-1".to_owned()),
        ("container", format!("app-{}", at % 50)),
        ("endpoint", "https-metrics".to_owned()),
        ("id", format!("/kubepods/burstable/pod{at:08x}-4c1e-4b4f-9d0c-2f6a6f94a73e")),
        ("instance", format!("10.1.{}.{}:10250", at % 250, at % 7)),
        ("interface", "eth0".to_owned()),
        ("job", "kubelet".to_owned()),
        ("metrics_path", "/metrics/cadvisor".to_owned()),
        ("namespace", format!("team-{}", at % 20)),
        ("node", format!("ip-10-1-{}-{}.eu-west-1.compute.internal", at % 250, at % 7)),
        ("pod", format!("app-{}-{at:x}-x2x9k", at % 50)),
    ])
}

fn sample(at: usize) -> Sample {
    let value = f64::from(u32::try_from(at).unwrap_or_default()) * 1.5;
    Sample { at_ms: 1_700_000_000_000, value }
}

/// Sums up keys and values, so that nothing is optimised away.
struct Sum<'h> {
    hasher: &'h KeyHasher,
    scratch: Vec<u8>,
    keys: u128,
    values: f64,
}

impl<'a> Visitor<'a> for Sum<'_> {
    fn series(&mut self, labels: LabelsRef<'a>) -> Result<(), WireError> {
        self.keys ^= labels.key(self.hasher, &mut self.scratch).unwrap_or_default();
        Ok(())
    }

    fn sample(&mut self, sample: RawSample) -> Result<(), WireError> {
        self.values += sample.value;
        Ok(())
    }

    fn histogram(&mut self, _: HistogramRef<'a>) -> Result<(), WireError> {
        Ok(())
    }

    fn exemplar(&mut self, _: ExemplarRef<'a>) -> Result<(), WireError> {
        Ok(())
    }

    fn metadata(&mut self, _: Result<MetadataRef<'a>, LabelsFault>) -> Result<(), WireError> {
        Ok(())
    }
}

fn remote_write(criterion: &mut Criterion) {
    let (mut one, mut two) = (EncoderV1::new(), EncoderV2::new());
    for at in 0..SERIES {
        one.series(&labels(at), &[sample(at)], &[], &[]);
        two.series(&labels(at), &[sample(at)], &[], &[], None);
    }
    let (one, two) = (one.finish(), two.finish());
    let hasher = KeyHasher::new(1);
    let sum = || Sum { hasher: &hasher, scratch: Vec::new(), keys: 0, values: 0.0 };
    criterion.bench_function("remote write 1.0: walk and key", |bencher| {
        bencher.iter(|| {
            let mut sum = sum();
            v1::walk(black_box(&one), &mut sum).ok();
            (sum.keys, sum.values)
        });
    });
    criterion.bench_function("remote write 2.0: symbols, walk and key", |bencher| {
        bencher.iter(|| {
            let mut sum = sum();
            let symbols = v2::Symbols::read(black_box(&two), &hasher, 1 << 20).unwrap_or_default();
            v2::walk(&two, &symbols, &mut sum).ok();
            (sum.keys, sum.values)
        });
    });
}

fn bodies(criterion: &mut Criterion) {
    let body = |kind| {
        let mut writer = Writer::new(kind, Escaping::Underscores);
        let head = FamilyHead {
            name: "container_network_receive_bytes_total",
            kind: MetricKind::Counter,
            ..FamilyHead::default()
        };
        writer.family(&head);
        (0..SERIES).for_each(|at| writer.float(&labels(at), sample(at).value, None, None));
        writer.finish()
    };
    for (name, kind) in [
        ("read text", ContentKind::Text),
        ("read OpenMetrics", ContentKind::OpenMetrics),
        ("read protobuf", ContentKind::Protobuf),
    ] {
        let body = body(kind);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut parser = Parser::new(kind, black_box(&body), Options::default());
                let (mut bytes, mut values) = (0, 0.0);
                while let Ok(Some(entry)) = parser.next() {
                    if let Entry::Series(series) = entry {
                        bytes += series.raw.len();
                        values += series.value;
                    }
                }
                (bytes, values)
            });
        });
    }
}

criterion_group!(benches, remote_write, bodies);
criterion_main!(benches);
