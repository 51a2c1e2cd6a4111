//! Points of each kind of metric, as samples.

use model::{BucketSpan, Exemplar, Histogram, Timestamp};

use super::{
    Family, Labels, Pairs, exemplar,
    exponential::{Exponential, SCALE_MIN},
    output::Output,
};
use crate::{
    RawExponential, RawHistogram, RawPoint, RawSummary, Temporality, refused::reason, series,
};

pub(super) fn number(family: &Family, point: RawPoint, out: &mut Output<'_, '_>) {
    let Some(at) = out.dated(family, point.at, point.start) else {
        return;
    };
    let pairs = named(out.labels_of(family, point.attributes), &family.name, None);
    let Some(labels) = out.push(family, pairs, at, point.value) else {
        return;
    };
    let exemplars = exemplar::all(point.exemplars, at, out);
    out.push_exemplars(labels, exemplars);
}

/// `_bucket` for each bound, cumulated, and for `+Inf`; `_sum` when there is one; `_count`.
pub(super) fn histogram(family: &Family, point: RawHistogram, out: &mut Output<'_, '_>) {
    let Some(at) = out.dated(family, point.at, point.start) else {
        return;
    };
    let buckets = point.counts.len();
    let ascending = point.bounds.windows(2).all(|two| two[0] < two[1]);
    let matching = buckets == point.bounds.len() + 1 || (buckets == 0 && point.bounds.is_empty());
    if !ascending || !matching {
        let redactor = out.work.redactor;
        out.refuse(reason::INVALID_HISTOGRAM, || {
            let (name, bounds) = (redactor.shown(&family.name), point.bounds.len());
            format!("histogram `{name}` has {buckets} buckets for {bounds} bounds; bounds ascend and buckets are one more")
        });
        return;
    }
    // Deltas are summed up bucket by bucket, so they stay classic.
    if out.translation.convert_histograms_to_nhcb && family.temporality == Temporality::Cumulative {
        custom(family, point, at, out);
    } else {
        classic(family, point, at, out);
    }
}

fn classic(family: &Family, point: RawHistogram, at: Timestamp, out: &mut Output<'_, '_>) {
    let base = out.labels_of(family, point.attributes);
    // One point becomes several samples: what would refuse one of them refuses all at the first.
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    if sample(family, count, at, point.count, point.ended, out).is_none() {
        return;
    }
    if let Some(sum) = point.sum {
        let pairs = named(base.clone(), &format!("{}_sum", family.name), None);
        out.push(family, pairs, at, (!point.ended).then_some(sum));
    }
    let mut exemplars = exemplar::all(point.exemplars, at, out);
    let bucket = format!("{}_bucket", family.name);
    let mut cumulated = 0_u64;
    for (bound, count) in point.bounds.iter().zip(&point.counts) {
        if bound.is_infinite() {
            continue;
        }
        cumulated = cumulated.saturating_add(*count);
        let pairs = named(base.clone(), &bucket, Some(("le", bound.to_string())));
        let labels = sample(family, pairs, at, cumulated, point.ended, out);
        // An exemplar belongs to the lowest bucket that it is in.
        let (below, above) = exemplars.into_iter().partition(|one: &Exemplar| one.value <= *bound);
        exemplars = above;
        if let Some(labels) = labels {
            out.push_exemplars(labels, below);
        }
    }
    let pairs = named(base, &bucket, Some(("le", "+Inf".to_owned())));
    if let Some(labels) = sample(family, pairs, at, point.count, point.ended, out) {
        out.push_exemplars(labels, exemplars);
    }
}

/// A native histogram with the bounds as custom buckets.
#[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
fn custom(family: &Family, point: RawHistogram, at: Timestamp, out: &mut Output<'_, '_>) {
    let pairs = named(out.labels_of(family, point.attributes), &family.name, None);
    let histogram = if point.ended {
        Histogram::stale()
    } else {
        let finite = |bound: &&f64| **bound != f64::INFINITY;
        let mut positive: Vec<f64> = point.counts.iter().map(|count| *count as f64).collect();
        // An explicit bound of infinity says what the last bucket says anyway.
        if point.bounds.last() == Some(&f64::INFINITY)
            && let Some(last) = positive.pop()
            && let Some(before) = positive.last_mut()
        {
            *before += last;
        }
        let length = u32::try_from(positive.len()).unwrap_or(u32::MAX);
        let spans = vec![BucketSpan { offset: 0, length }];
        Histogram {
            schema: Histogram::CUSTOM,
            count: point.count as f64,
            sum: point.sum.unwrap_or_default(),
            positive_spans: if positive.is_empty() { Vec::new() } else { spans },
            positive,
            custom_values: point.bounds.iter().filter(finite).copied().collect(),
            ..Histogram::default()
        }
    };
    native(family, pairs, at, histogram, point.exemplars, out);
}

/// Checks and adds a native histogram with its exemplars.
fn native(
    family: &Family,
    pairs: Pairs,
    at: Timestamp,
    histogram: Histogram,
    exemplars: Vec<crate::RawExemplar>,
    out: &mut Output<'_, '_>,
) {
    if let Err(error) = histogram.validate() {
        let redactor = out.work.redactor;
        out.refuse(reason::INVALID_HISTOGRAM, || {
            format!("histogram `{}`: {error}", redactor.shown(&family.name))
        });
        return;
    }
    if let Some(labels) = out.push_histogram(pairs, at, histogram) {
        let exemplars = exemplar::all(exemplars, at, out);
        out.push_exemplars(labels, exemplars);
    }
}

/// A native histogram, or the same series as of a histogram with explicit bounds, which here follow from the values.
///
/// Deltas are summed up as histograms, not bucket by bucket: a bucket that comes later has what all before it have.
pub(super) fn exponential(family: &Family, mut point: RawExponential, out: &mut Output<'_, '_>) {
    let Some(at) = out.dated(family, point.at, point.start) else {
        return;
    };
    let wanted = out.translation.exponentials;
    let read = match (wanted.native(), family.temporality) {
        (false, _) => Exponential::new,
        (true, Temporality::Delta) => Exponential::finest_delta,
        (true, _) => Exponential::finest,
    };
    let Some(mut histogram) = read(&point) else {
        out.refuse(reason::INVALID_HISTOGRAM, || {
            let (name, scale) = (&family.name, point.scale);
            format!("exponential histogram `{name}` has the scale {scale}; at least {SCALE_MIN} is allowed")
        });
        return;
    };
    let base = out.labels_of(family, std::mem::take(&mut point.attributes));
    if family.temporality == Temporality::Delta && !point.ended {
        let count = named(base.clone(), &format!("{}_count", family.name), None);
        let Some(labels) = series::checked(count, 1, out.work) else {
            return;
        };
        match out.deltas.add_histogram(&labels, at, histogram) {
            Ok(total) => histogram = total,
            Err(refusal) => {
                out.refuse(refusal.reason(), || format!("{labels}: {refusal}"));
                return;
            }
        }
    }
    let exemplars = std::mem::take(&mut point.exemplars);
    if wanted.native() {
        let pairs = named(base.clone(), &family.name, None);
        let stale = point.ended.then(Histogram::stale);
        match stale.or_else(|| histogram.native()) {
            Some(histogram) => native(family, pairs, at, histogram, exemplars, out),
            None => out.refuse(reason::INVALID_HISTOGRAM, || {
                let (name, min) = (&family.name, Histogram::SCHEMA_MIN);
                format!("exponential histogram `{name}` is too coarse; a scale of at least {min} is allowed")
            }),
        }
        if wanted.classic() {
            buckets(family, base, at, (&histogram.coarse(), point.ended, Vec::new()), out);
        }
    } else {
        buckets(family, base, at, (&histogram, point.ended, exemplars), out);
    }
}

/// The classic form of an exponential histogram; its exemplars are on `_count`, for the bounds come and go.
fn buckets(
    family: &Family,
    base: Pairs,
    at: Timestamp,
    point: (&Exponential, bool, Vec<crate::RawExemplar>),
    out: &mut Output<'_, '_>,
) {
    let (histogram, ended, exemplars) = point;
    let family = Family {
        name: family.name.clone(),
        temporality: Temporality::Cumulative,
        counts: true,
        scope: Pairs::new(),
    };
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    let Some(labels) = sample(&family, count, at, histogram.count(), ended, out) else {
        return;
    };
    let exemplars = exemplar::all(exemplars, at, out);
    out.push_exemplars(labels, exemplars);
    if let Some(sum) = histogram.sum() {
        let pairs = named(base.clone(), &format!("{}_sum", family.name), None);
        out.push(&family, pairs, at, (!ended).then_some(sum));
    }
    let bucket = format!("{}_bucket", family.name);
    for (bound, cumulated) in histogram.buckets() {
        let pairs = named(base.clone(), &bucket, Some(("le", bound)));
        sample(&family, pairs, at, cumulated, ended, out);
    }
    let pairs = named(base, &bucket, Some(("le", "+Inf".to_owned())));
    sample(&family, pairs, at, histogram.count(), ended, out);
}

/// One series per quantile; `_sum` and `_count`.
pub(super) fn summary(family: &Family, point: RawSummary, out: &mut Output<'_, '_>) {
    let Some(at) = out.dated(family, point.at, point.start) else {
        return;
    };
    let base = out.labels_of(family, point.attributes);
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    if sample(family, count, at, point.count, point.ended, out).is_none() {
        return;
    }
    let sum = named(base.clone(), &format!("{}_sum", family.name), None);
    out.push(family, sum, at, (!point.ended).then_some(point.sum));
    // A quantile is a value of the moment, whatever the counts are.
    let gauge = Family {
        name: family.name.clone(),
        temporality: Temporality::Cumulative,
        counts: false,
        scope: Pairs::new(),
    };
    for (quantile, value) in point.quantiles {
        let pairs = named(base.clone(), &family.name, Some(("quantile", quantile.to_string())));
        out.push(&gauge, pairs, at, (!point.ended).then_some(value));
    }
}

#[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
fn sample(
    family: &Family,
    pairs: Pairs,
    at: Timestamp,
    count: u64,
    ended: bool,
    out: &mut Output<'_, '_>,
) -> Option<Labels> {
    out.push(family, pairs, at, (!ended).then_some(count as f64))
}

fn named(mut pairs: Pairs, name: &str, extra: Option<(&str, String)>) -> Pairs {
    if let Some((label, value)) = extra {
        pairs.retain(|(name, _)| name.as_ref() != label);
        pairs.push((label.into(), value.into()));
    }
    pairs.push((Labels::METRIC_NAME.into(), name.into()));
    pairs
}
