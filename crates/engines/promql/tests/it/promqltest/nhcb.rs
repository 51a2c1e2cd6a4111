//! `load_with_nhcb`: classic histograms are stored as native ones with custom buckets, too.

use std::{collections::BTreeMap, sync::Arc};

use model::{BucketSpan, Histogram, Labels, Points};

#[derive(Default)]
struct Parts {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms that the classic ones among `series` amount to.
pub(super) fn converted(series: &[(Labels, Points)]) -> Vec<(Labels, Points)> {
    let mut all: BTreeMap<Labels, BTreeMap<i64, Parts>> = BTreeMap::new();
    for (labels, points) in series {
        let name = labels.metric_name().unwrap_or("");
        let suffix = ["_bucket", "_count", "_sum"].into_iter().find(|end| name.ends_with(end));
        let Some(suffix) = suffix else { continue };
        let bound = labels.get("le").and_then(|le| le.parse::<f64>().ok());
        if suffix == "_bucket" && bound.is_none_or(f64::is_nan) {
            continue;
        }
        let base = name.strip_suffix(suffix).unwrap();
        let kept = labels.iter().filter(|(name, _)| !["le", "__name__"].contains(name));
        let base = Labels::from_pairs(kept.chain([("__name__", base)]));
        let at = all.entry(base).or_default();
        for sample in points.samples() {
            let parts = at.entry(sample.at_ms).or_default();
            match suffix {
                "_bucket" => parts.buckets.push((bound.unwrap(), sample.value)),
                "_count" => parts.count = Some(sample.value),
                _ => parts.sum = sample.value,
            }
        }
    }
    all.into_iter()
        .map(|(labels, at)| {
            let mut points = Points::default();
            for (at, parts) in at {
                points.push_histogram(at, Arc::new(parts.histogram()));
            }
            (labels, points)
        })
        .collect()
}

impl Parts {
    fn histogram(mut self) -> Histogram {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = self.buckets.last().map_or(0.0, |(_, count)| *count);
        let count = self.count.unwrap_or(last);
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut before = 0.0;
        let mut positive = Vec::new();
        for (_, count) in &self.buckets {
            positive.push(count - before);
            before = *count;
        }
        let length = u32::try_from(positive.len()).unwrap();
        let mut histogram = Histogram {
            schema: Histogram::CUSTOM,
            count,
            sum: self.sum,
            positive_spans: vec![BucketSpan { offset: 0, length }],
            positive,
            custom_values: self
                .buckets
                .iter()
                .map(|(bound, _)| *bound)
                .filter(|bound| bound.is_finite())
                .collect(),
            ..Histogram::default()
        };
        promql::histogram::compact(&mut histogram);
        histogram
    }
}
