//! `</` and `>/`: a histogram without its observations above or below a value.

use model::Histogram;

use super::{Bucket, bins, bounds, stats::log_part};

/// Takes away the observations above (`upper`) or below `at`; within a bucket they are taken to lie evenly.
pub(crate) fn trim(histogram: &mut Histogram, at: f64, upper: bool) {
    let custom = histogram.is_custom();
    let (mut kept, mut removed_sum) = (0.0, 0.0);
    let (mut has_positive, mut has_negative) = (false, false);
    let mut sides = [
        (true, bins::bins(&histogram.positive_spans, &histogram.positive)),
        (false, bins::bins(&histogram.negative_spans, &histogram.negative)),
    ];
    for (positive, side) in &mut sides {
        for (index, count) in side.iter_mut().filter(|(_, count)| *count != 0.0) {
            let bucket = bounds::bucket(histogram, *positive, *index, *count);
            if custom {
                has_negative |= bucket.upper <= 0.0 || bucket.lower < 0.0;
                has_positive |= bucket.upper > 0.0;
            } else {
                has_positive |= *positive;
                has_negative |= !*positive;
            }
            let (keep, mut middle) = split(&bucket, at, upper, *positive, custom);
            let (whole, cut) = if upper {
                (bucket.upper <= at, bucket.lower < at)
            } else {
                (bucket.lower >= at, bucket.upper > at)
            };
            if whole {
                kept += bucket.count;
            } else if cut {
                removed_sum += (bucket.count - keep) * middle;
                kept += keep;
                *count = keep;
            } else {
                if !custom {
                    middle = (bucket.lower * bucket.upper).sqrt();
                    if !*positive {
                        middle = -middle;
                    }
                }
                removed_sum += bucket.count * middle;
                *count = 0.0;
            }
        }
    }
    if histogram.zero_count > 0.0 {
        let (mut zero, count) = (bounds::zero(histogram), histogram.zero_count);
        // Beside one side only, the zero bucket holds observations of that side.
        if has_positive && !has_negative {
            zero.lower = 0.0;
        } else if has_negative && !has_positive {
            zero.upper = 0.0;
        }
        let below = under(&zero, at, true, true);
        let keep = if upper { below } else { count - below };
        if keep < count {
            removed_sum += (count - keep) * zero_middle(&zero, at, upper);
        }
        histogram.zero_count = keep;
        kept += keep;
    }
    let mut sum = if kept == 0.0 { 0.0 } else { histogram.sum - removed_sum };
    if (!has_negative && sum < 0.0) || (!has_positive && sum > 0.0) {
        sum = 0.0;
    }
    histogram.count = kept;
    histogram.sum = sum;
    let [(_, positive), (_, negative)] = sides;
    (histogram.positive_spans, histogram.positive) = bins::spans(&positive);
    (histogram.negative_spans, histogram.negative) = bins::spans(&negative);
}

/// The middle of what is cut off the zero bucket.
fn zero_middle(zero: &Bucket, at: f64, upper: bool) -> f64 {
    if upper {
        f64::midpoint(at.max(zero.lower), zero.upper)
    } else {
        f64::midpoint(zero.lower, at.min(zero.upper))
    }
}

/// What is kept of a bucket, and the middle of what is not.
fn split(bucket: &Bucket, at: f64, upper: bool, positive: bool, custom: bool) -> (f64, f64) {
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return open_ended(bucket, at, upper);
    }
    let below = under(bucket, at, positive, custom);
    let (keep, from, to) =
        if upper { (below, at, bucket.upper) } else { (bucket.count - below, bucket.lower, at) };
    let middle = if custom {
        f64::midpoint(from, to)
    } else {
        let root = (from.abs() * to.abs()).sqrt();
        if positive { root } else { -root }
    };
    (keep, middle)
}

/// As [`split`], where the bucket has no bound on one side: nobody knows how far its observations lie.
fn open_ended(bucket: &Bucket, at: f64, upper: bool) -> (f64, f64) {
    if bucket.lower == f64::NEG_INFINITY {
        let finite = bucket.upper != f64::INFINITY;
        return if upper && at >= bucket.upper {
            (bucket.count, 0.0)
        } else if !upper && at == f64::NEG_INFINITY {
            (bucket.count, 0.0)
        } else if at >= 0.0 && bucket.upper > at && finite {
            // With a positive bound, observations are taken to begin at 0.
            let below = at / bucket.upper;
            if upper {
                (bucket.count * below, f64::midpoint(at, bucket.upper))
            } else {
                (bucket.count * (1.0 - below), at / 2.0)
            }
        } else {
            (0.0, bucket.upper)
        };
    }
    if !upper && at <= bucket.lower { (bucket.count, 0.0) } else { (0.0, bucket.lower) }
}

/// How many of a bucket's observations lie below `at`.
fn under(bucket: &Bucket, at: f64, positive: bool, linear: bool) -> f64 {
    if at <= bucket.lower {
        return 0.0;
    }
    if at >= bucket.upper {
        return bucket.count;
    }
    let part = if linear {
        (at - bucket.lower) / (bucket.upper - bucket.lower)
    } else {
        log_part(bucket.lower, bucket.upper, at, positive)
    };
    bucket.count * part
}
