//! `</` and `>/`: a histogram without its observations above or below a value.
//!
//! What is left of a bucket is taken to lie evenly within it (on a logarithmic scale in exponential buckets). When
//! anything is cut off, the sum is estimated anew from the middles of what is left.

use model::Histogram;

use super::{Bucket, bins, bounds, stats::log_part};

/// What is left of a bucket, and the middle of that.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Left {
    count: f64,
    middle: f64,
}

/// Takes away the observations above (`upper`) or below `at`.
pub(crate) fn trim(histogram: &mut Histogram, at: f64, upper: bool) {
    let custom = histogram.is_custom();
    let (mut count, mut sum, mut cut) = (0.0, 0.0, false);
    let (mut has_positive, mut has_negative) = (false, false);
    let mut sides = [
        (true, bins::bins(&histogram.positive_spans, &histogram.positive)),
        (false, bins::bins(&histogram.negative_spans, &histogram.negative)),
    ];
    for (positive, side) in &mut sides {
        for (index, held) in side.iter_mut().filter(|(_, count)| *count != 0.0) {
            has_positive |= *positive;
            has_negative |= !*positive;
            let bucket = bounds::bucket(histogram, *positive, *index, *held);
            let left = left(&bucket, at, upper, *positive, custom);
            cut |= left.count != *held;
            *held = left.count;
            if left.count != 0.0 {
                count += left.count;
                sum += left.count * left.middle;
            }
        }
    }
    if histogram.zero_count > 0.0 {
        let mut zero = bounds::zero(histogram);
        // Beside one side only, the zero bucket holds observations of that side.
        if has_positive && !has_negative {
            zero.lower = 0.0;
        } else if has_negative && !has_positive {
            zero.upper = 0.0;
        }
        let left = left_of_zero(&zero, at, upper);
        cut |= left.count != histogram.zero_count;
        histogram.zero_count = left.count;
        count += left.count;
        sum += left.count * left.middle;
    }
    if cut {
        histogram.count = count;
        histogram.sum = sum;
        let [(_, positive), (_, negative)] = sides;
        (histogram.positive_spans, histogram.positive) = bins::spans(&positive);
        (histogram.negative_spans, histogram.negative) = bins::spans(&negative);
    }
}

fn left(bucket: &Bucket, at: f64, upper: bool, positive: bool, custom: bool) -> Left {
    let (whole, some) = if upper {
        (bucket.upper <= at, bucket.lower < at)
    } else {
        (bucket.lower >= at, bucket.upper > at)
    };
    if whole {
        let middle = middle(bucket.lower, bucket.upper, positive, custom);
        return Left { count: bucket.count, middle };
    }
    if !some {
        return Left { count: 0.0, middle: 0.0 };
    }
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return open_ended(bucket, at, upper);
    }
    let part = if custom {
        (at - bucket.lower) / (bucket.upper - bucket.lower)
    } else {
        log_part(bucket.lower, bucket.upper, at, positive)
    };
    let below = bucket.count * part;
    if upper {
        Left { count: below, middle: middle(bucket.lower, at, positive, custom) }
    } else {
        Left { count: bucket.count - below, middle: middle(at, bucket.upper, positive, custom) }
    }
}

/// A bucket without a bound on one side that `at` falls into: nobody knows how far its observations lie.
fn open_ended(bucket: &Bucket, at: f64, upper: bool) -> Left {
    let nothing = Left { count: 0.0, middle: 0.0 };
    let (low, high, all) = (bucket.lower, bucket.upper, bucket.count);
    if low == f64::NEG_INFINITY {
        // With a positive bound above, observations are taken to begin at 0.
        let from_zero = high > 0.0 && high != f64::INFINITY;
        return match upper {
            true if from_zero && at > 0.0 => Left { count: all * at / high, middle: at / 2.0 },
            true if high <= 0.0 => Left { count: all, middle: at },
            false if at == f64::NEG_INFINITY => Left { count: all, middle: 0.0 },
            false if at >= 0.0 && high > at && high != f64::INFINITY => {
                Left { count: all * (1.0 - at / high), middle: f64::midpoint(at, high) }
            }
            true | false => nothing,
        };
    }
    if !upper && at >= low { Left { count: all, middle: at } } else { nothing }
}

fn left_of_zero(zero: &Bucket, at: f64, upper: bool) -> Left {
    let (low, high) = (zero.lower, zero.upper);
    let all = Left { count: zero.count, middle: f64::midpoint(low, high) };
    let nothing = Left { count: 0.0, middle: 0.0 };
    let (from, to) = if upper { (low, at) } else { (at, high) };
    if at <= low {
        if upper { nothing } else { all }
    } else if at >= high {
        if upper { all } else { nothing }
    } else {
        let part = (to - from) / (high - low);
        Left { count: zero.count * part, middle: f64::midpoint(from, to) }
    }
}

/// The middle between two bounds: of exponential buckets on a logarithmic scale.
fn middle(lower: f64, upper: f64, positive: bool, custom: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if custom => f64::midpoint(lower, upper),
        (false, false) => {
            let root = (lower * upper).abs().sqrt();
            if positive { root } else { -root }
        }
    }
}
