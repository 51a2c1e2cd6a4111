//! Points of each kind of metric, as samples.

use model::Timestamp;

use super::{
    Family, Labels, Output, Pairs,
    exponential::{Exponential, SCALE_MIN},
};
use crate::{
    RawExponential, RawHistogram, RawPoint, RawSummary, Temporality, refused::reason, series,
};

pub(super) fn number(family: &Family, point: RawPoint, out: &mut Output<'_, '_>) {
    out.work.tally.trim("exemplars_dropped", point.exemplars);
    let Some(at) = out.dated(family, point.at) else {
        return;
    };
    let pairs = named(out.labels_of(point.attributes), &family.name, None);
    out.push(family, pairs, at, point.value);
}

/// `_bucket` for each bound, cumulated, and for `+Inf`; `_sum` when there is one; `_count`.
pub(super) fn histogram(family: &Family, point: RawHistogram, out: &mut Output<'_, '_>) {
    out.work.tally.trim("exemplars_dropped", point.exemplars);
    let Some(at) = out.dated(family, point.at) else {
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
    let base = out.labels_of(point.attributes);
    // One point becomes several samples: what would refuse one of them refuses all at the first.
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    if !sample(family, count, at, point.count, point.ended, out) {
        return;
    }
    if let Some(sum) = point.sum {
        let pairs = named(base.clone(), &format!("{}_sum", family.name), None);
        out.push(family, pairs, at, (!point.ended).then_some(sum));
    }
    let bucket = format!("{}_bucket", family.name);
    let mut cumulated = 0_u64;
    for (bound, count) in point.bounds.iter().zip(&point.counts) {
        if bound.is_infinite() {
            continue;
        }
        cumulated = cumulated.saturating_add(*count);
        let pairs = named(base.clone(), &bucket, Some(("le", bound.to_string())));
        sample(family, pairs, at, cumulated, point.ended, out);
    }
    let pairs = named(base, &bucket, Some(("le", "+Inf".to_owned())));
    sample(family, pairs, at, point.count, point.ended, out);
}

/// The same series as of a histogram with explicit bounds, which here follow from the values.
///
/// Deltas are summed up as histograms, not bucket by bucket: a bucket that comes later has what all before it have.
pub(super) fn exponential(family: &Family, point: RawExponential, out: &mut Output<'_, '_>) {
    out.work.tally.trim("exemplars_dropped", point.exemplars);
    let Some(at) = out.dated(family, point.at) else {
        return;
    };
    let Some(mut histogram) = Exponential::new(&point) else {
        out.refuse(reason::INVALID_HISTOGRAM, || {
            let (name, scale) = (&family.name, point.scale);
            format!("exponential histogram `{name}` has the scale {scale}; at least {SCALE_MIN} is allowed")
        });
        return;
    };
    let base = out.labels_of(point.attributes);
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    if family.temporality == Temporality::Delta && !point.ended {
        let Some(labels) = series::checked(count.clone(), 1, out.work) else {
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
    let family = Family { name: family.name.clone(), temporality: Temporality::Cumulative };
    if !sample(&family, count, at, histogram.count(), point.ended, out) {
        return;
    }
    if let Some(sum) = histogram.sum() {
        let pairs = named(base.clone(), &format!("{}_sum", family.name), None);
        out.push(&family, pairs, at, (!point.ended).then_some(sum));
    }
    let bucket = format!("{}_bucket", family.name);
    for (bound, cumulated) in histogram.buckets() {
        let pairs = named(base.clone(), &bucket, Some(("le", bound)));
        sample(&family, pairs, at, cumulated, point.ended, out);
    }
    let pairs = named(base, &bucket, Some(("le", "+Inf".to_owned())));
    sample(&family, pairs, at, histogram.count(), point.ended, out);
}

/// One series per quantile; `_sum` and `_count`.
pub(super) fn summary(family: &Family, point: RawSummary, out: &mut Output<'_, '_>) {
    let Some(at) = out.dated(family, point.at) else {
        return;
    };
    let base = out.labels_of(point.attributes);
    let count = named(base.clone(), &format!("{}_count", family.name), None);
    if !sample(family, count, at, point.count, point.ended, out) {
        return;
    }
    let sum = named(base.clone(), &format!("{}_sum", family.name), None);
    out.push(family, sum, at, (!point.ended).then_some(point.sum));
    for (quantile, value) in point.quantiles {
        let pairs = named(base.clone(), &family.name, Some(("quantile", quantile.to_string())));
        // A quantile is a value of the moment, whatever the counts are.
        let gauge = Family { name: family.name.clone(), temporality: Temporality::Cumulative };
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
) -> bool {
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
