//! What the running series say at a time.

use std::{mem, sync::Arc, time::Duration};

use model::{
    Exemplar, Histogram, HistogramSample, HistogramSeries, Labels, Metadata, MetricKind, Sample,
    Series, SeriesExemplars, Timestamp,
};

use super::{
    BOUNDS, Histograms, QUIET_AFTER, SpanMetrics,
    series::{Example, Red, float},
};

const CALLS: &str = "traces_span_metrics_calls_total";
const DURATION: &str = "traces_span_metrics_duration_seconds";
const OVERFLOW: &str = "otel_metric_overflow";

/// Series at one time, as a [`model::Batch`] takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flushed {
    pub series: Vec<Series>,
    pub histograms: Vec<HistogramSeries>,
    pub exemplars: Vec<SeriesExemplars>,
    pub metadata: Vec<Metadata>,
}

type Pairs<'a> = Vec<(&'static str, &'a str)>;

impl SpanMetrics {
    /// Gives all series out, and the exemplars since the last time. A new series begins with a zero just before its first call, so
    /// that its rate counts that call; one that has been quiet for a quarter of an hour ends with a mark.
    pub fn flush(&mut self, at: Timestamp) -> Flushed {
        let mut out = Writer { at, histograms: self.histograms, flushed: Flushed::default() };
        for ((service, environment, version), place) in &self.places {
            let Some(names) = self.emitters.get_mut(*place) else { continue };
            for (name, classes) in names {
                for (class, red) in classes {
                    let pairs = vec![
                        ("service_name", &**service),
                        ("deployment_environment_name", environment),
                        ("service_version", version),
                        ("span_name", name),
                        ("span_kind", class.kind),
                        ("status_code", class.status),
                    ];
                    out.red(&pairs, red);
                }
            }
        }
        for (service, (_, overflow)) in &mut self.services {
            if let Some(red) = overflow {
                out.red(&vec![("service_name", service), (OVERFLOW, "true")], red);
            }
        }
        if let Some(red) = &mut self.overflow {
            out.red(&vec![(OVERFLOW, "true")], red);
        }
        self.forget(at);
        out.finish()
    }
}

struct Writer {
    at: Timestamp,
    histograms: Histograms,
    flushed: Flushed,
}

impl Writer {
    fn red(&mut self, pairs: &Pairs<'_>, red: &mut Red) {
        let ends = self.at.since(red.touched) >= QUIET_AFTER;
        // A zero just before the first call, once.
        let zero = red.born - Duration::from_millis(1);
        let zero = (!mem::replace(&mut red.is_known, true)
            && zero.as_millis() < self.at.as_millis())
        .then_some(zero.as_millis());
        let at_ms = self.at.as_millis();
        let value = |value: f64| if ends { f64::from_bits(Sample::STALE) } else { value };
        let mut series = |name: String, more: Option<(&'static str, &str)>, now: f64| {
            let labels = labels(&name, pairs, more);
            let zero = zero.map(|at_ms| Sample { at_ms, value: 0.0 });
            let samples = zero.into_iter().chain([Sample { at_ms, value: value(now) }]).collect();
            self.flushed.series.push(Series { labels, samples });
        };
        series(CALLS.to_owned(), None, float(red.calls));
        if self.histograms != Histograms::Native {
            series(format!("{DURATION}_count"), None, float(red.calls));
            series(format!("{DURATION}_sum"), None, red.sum_secs());
            let mut below = 0;
            for (bucket, count) in red.classic.iter().enumerate() {
                below += count;
                series(format!("{DURATION}_bucket"), Some(("le", &bound(bucket))), float(below));
            }
        }
        if self.histograms != Histograms::Classic {
            let now = if ends { Histogram::stale() } else { red.histogram() };
            let sample =
                |at_ms, histogram| HistogramSample { at_ms, histogram: Arc::new(histogram) };
            let zero = zero.map(|at_ms| sample(at_ms, red.nothing()));
            let samples = zero.into_iter().chain([sample(at_ms, now)]).collect();
            let labels = labels(DURATION, pairs, None);
            self.flushed.histograms.push(HistogramSeries { labels, samples });
        }
        self.exemplars(pairs, mem::take(&mut red.examples).into_iter().collect());
    }

    fn exemplars(&mut self, pairs: &Pairs<'_>, mut examples: Vec<(usize, Example)>) {
        if self.histograms != Histograms::Native {
            for (bucket, example) in &examples {
                let labels =
                    labels(&format!("{DURATION}_bucket"), pairs, Some(("le", &bound(*bucket))));
                let exemplars = vec![exemplar(example)];
                self.flushed.exemplars.push(SeriesExemplars { labels, exemplars });
            }
        }
        if self.histograms != Histograms::Classic && !examples.is_empty() {
            examples.sort_by_key(|(_, example)| (example.at, example.trace, example.span));
            let exemplars = examples.iter().map(|(_, example)| exemplar(example)).collect();
            let labels = labels(DURATION, pairs, None);
            self.flushed.exemplars.push(SeriesExemplars { labels, exemplars });
        }
    }

    fn finish(mut self) -> Flushed {
        let family = |family: &str, kind, help: &str, unit: &str| Metadata {
            family: family.into(),
            kind,
            help: help.into(),
            unit: unit.into(),
        };
        if !self.flushed.series.is_empty() {
            self.flushed.metadata = vec![
                family(CALLS, MetricKind::Counter, "Spans, by what they say of a call", ""),
                family(DURATION, MetricKind::Histogram, "How long spans took", "seconds"),
            ];
        }
        self.flushed
    }
}

fn labels(name: &str, pairs: &Pairs<'_>, more: Option<(&'static str, &str)>) -> Labels {
    let name = (Labels::METRIC_NAME, name);
    Labels::from_pairs([name].into_iter().chain(pairs.iter().copied()).chain(more))
}

fn bound(bucket: usize) -> String {
    BOUNDS.get(bucket).map_or_else(|| "+Inf".to_owned(), f64::to_string)
}

fn exemplar(example: &Example) -> Exemplar {
    let labels = Labels::from_pairs([
        ("trace_id", example.trace.to_string()),
        ("span_id", example.span.to_string()),
    ]);
    Exemplar { labels, value: example.took.as_secs_f64(), at_ms: example.at.as_millis() }
}
