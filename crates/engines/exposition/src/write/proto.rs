//! The protobuf format, written.

use model::{BucketSpan, Exemplar, Histogram, Labels, MetricKind, ResetHint};

use super::{Escaping, FamilyHead, escaped};
use crate::wire::{Writer, unzigzag};

/// Writes families, each after its length.
#[derive(Debug)]
pub(super) struct ProtoWriter {
    escaping: Escaping,
    body: Writer,
    /// What the family at hand says before its samples.
    head: Head,
    /// The families of the samples since then: floats of a histogram's family have families of their own.
    open: Option<Open>,
}

#[derive(Debug, Default)]
struct Head {
    name: String,
    kind: MetricKind,
    help: String,
    unit: String,
}

#[derive(Debug)]
struct Open {
    name: String,
    kind: u64,
    metrics: Writer,
}

const COUNTER: u64 = 0;
const GAUGE: u64 = 1;
const UNTYPED: u64 = 3;
const HISTOGRAM: u64 = 4;
const GAUGE_HISTOGRAM: u64 = 5;

impl ProtoWriter {
    pub(super) fn new(escaping: Escaping) -> Self {
        Self { escaping, body: Writer::default(), head: Head::default(), open: None }
    }

    pub(super) fn len(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| open.metrics.bytes.len());
        self.body.bytes.len() + open
    }

    pub(super) fn family(&mut self, head: &FamilyHead<'_>) {
        self.close();
        self.head = Head {
            name: escaped(head.name, true, self.escaping).into_owned(),
            kind: head.kind,
            help: head.help.to_owned(),
            unit: head.unit.to_owned(),
        };
    }

    pub(super) fn float(
        &mut self,
        labels: &Labels,
        value: f64,
        at_ms: Option<i64>,
        exemplar: Option<&Exemplar>,
    ) {
        let (kind, field) = match self.head.kind {
            MetricKind::Counter => (COUNTER, 3),
            MetricKind::Gauge | MetricKind::Info | MetricKind::StateSet => (GAUGE, 2),
            _ => (UNTYPED, 5),
        };
        self.metric(labels, kind, |metric| {
            metric.message(field, |message| {
                message.double(1, value);
                if let Some(exemplar) = exemplar.filter(|_| kind == COUNTER) {
                    message.message(2, |message| write_exemplar(message, exemplar));
                }
            });
            metric.int(6, at_ms.unwrap_or_default());
        });
    }

    pub(super) fn histogram(&mut self, labels: &Labels, histogram: &Histogram, at_ms: Option<i64>) {
        let gauge = histogram.reset_hint == ResetHint::Gauge;
        let kind = if gauge { GAUGE_HISTOGRAM } else { HISTOGRAM };
        self.metric(labels, kind, |metric| {
            metric.message(7, |message| write_histogram(message, histogram));
            metric.int(6, at_ms.unwrap_or_default());
        });
    }

    fn metric(&mut self, labels: &Labels, kind: u64, fill: impl FnOnce(&mut Writer)) {
        let name = escaped(labels.metric_name().unwrap_or_default(), true, self.escaping);
        if !self.open.as_ref().is_some_and(|open| open.name == name && open.kind == kind) {
            let name = name.into_owned();
            self.close();
            self.open = Some(Open { name, kind, metrics: Writer::default() });
        }
        let escaping = self.escaping;
        if let Some(open) = &mut self.open {
            open.metrics.message(4, |metric| {
                for (name, value) in labels.iter().filter(|(n, _)| *n != Labels::METRIC_NAME) {
                    metric.message(1, |message| {
                        message.text(1, &escaped(name, false, escaping));
                        message.text(2, value);
                    });
                }
                fill(metric);
            });
        }
    }

    /// Writes the family at hand, if it has samples.
    fn close(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let own = open.name == self.head.name;
        let unit = open.name.strip_suffix("_total").unwrap_or(&open.name);
        let unit = unit.strip_suffix(self.head.unit.as_str()).is_some_and(|s| s.ends_with('_'));
        let head = &self.head;
        self.body.delimited(|family| {
            family.text(1, &open.name);
            if own {
                family.text(2, &head.help);
            }
            family.uint(3, open.kind);
            family.bytes.extend_from_slice(&open.metrics.bytes);
            if own && unit {
                family.text(5, &head.unit);
            }
        });
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close();
        self.body.bytes
    }
}

fn write_exemplar(message: &mut Writer, exemplar: &Exemplar) {
    for (name, value) in exemplar.labels.iter() {
        message.message(1, |pair| {
            pair.text(1, name);
            pair.text(2, value);
        });
    }
    message.double(2, exemplar.value);
    message.message(3, |time| {
        time.int(1, exemplar.at_ms.div_euclid(1000));
        time.int(2, exemplar.at_ms.rem_euclid(1000) * 1_000_000);
    });
}

/// As floats: what was stored may have been computed. Custom buckets are classic ones here, for the format has no others.
fn write_histogram(message: &mut Writer, histogram: &Histogram) {
    if histogram.is_custom() {
        write_classic(message, histogram);
        return;
    }
    message.double(2, histogram.sum);
    message.double(4, histogram.count);
    message.sint(5, histogram.schema.into());
    message.double(6, histogram.zero_threshold);
    message.double(8, histogram.zero_count);
    let counted = histogram.count > 0.0 || histogram.zero_count > 0.0;
    side(message, 9, &histogram.negative_spans, &histogram.negative, counted);
    side(message, 12, &histogram.positive_spans, &histogram.positive, counted);
    if histogram.negative_spans.is_empty() && histogram.positive_spans.is_empty() {
        // An empty span says that it is a native histogram.
        message.message(12, |_| {});
    }
}

fn side(message: &mut Writer, field: u32, spans: &[BucketSpan], counts: &[f64], float: bool) {
    for span in spans {
        message.message(field, |message| {
            message.sint(1, span.offset.into());
            message.uint(2, span.length.into());
        });
    }
    if float {
        message.packed_doubles(field + 2, counts);
    } else {
        // Without a count as a float it is read as one of integers, all of them 0.
        message.packed_uints(field + 1, counts.iter().map(|_| unzigzag(0)));
    }
}

fn write_classic(message: &mut Writer, histogram: &Histogram) {
    message.double(2, histogram.sum);
    message.double(4, histogram.count);
    let mut index = 0_i64;
    let mut cumulated = 0.0;
    let mut counts = histogram.positive.iter();
    let mut by_bound = vec![0.0; histogram.custom_values.len()];
    for span in &histogram.positive_spans {
        index += i64::from(span.offset);
        for _ in 0..span.length {
            let count = counts.next().copied().unwrap_or_default();
            if let Some(place) = usize::try_from(index).ok().and_then(|at| by_bound.get_mut(at)) {
                *place = count;
            }
            index += 1;
        }
    }
    for (bound, count) in histogram.custom_values.iter().zip(by_bound) {
        cumulated += count;
        message.message(3, |bucket| {
            bucket.double(2, *bound);
            bucket.double(4, cumulated);
        });
    }
}
