//! Functions over a window of samples: `rate`, `increase`, `…_over_time` and the like.

use model::Sample;

use super::window::Window;

/// The function of this name that needs nothing but the window.
pub(super) fn simple(name: &str) -> Option<fn(Window<'_>) -> Option<f64>> {
    Some(match name {
        "rate" => |window| extrapolated(window, true, true),
        "increase" => |window| extrapolated(window, true, false),
        "delta" => |window| extrapolated(window, false, false),
        "irate" => |window| instant(window, true),
        "idelta" => |window| instant(window, false),
        "changes" => {
            |window| Some(count_pairs(window, |a, b| a != b && !(a.is_nan() && b.is_nan())))
        }
        "resets" => |window| Some(count_pairs(window, |a, b| b < a)),
        "deriv" => |window| regression(window, window.samples[0].at_ms).map(|(slope, _)| slope),
        "avg_over_time" => |window| Some(mean(window.samples)),
        "count_over_time" => |window| Some(count(window.samples)),
        "last_over_time" => |window| window.samples.last().map(|sample| sample.value),
        "max_over_time" => |window| Some(pick(window.samples, |value, best| value > best)),
        "min_over_time" => |window| Some(pick(window.samples, |value, best| value < best)),
        "present_over_time" => |_| Some(1.0),
        "stddev_over_time" => |window| Some(variance(window.samples).sqrt()),
        "stdvar_over_time" => |window| Some(variance(window.samples)),
        "sum_over_time" => |window| Some(sum(window.samples.iter().map(|sample| sample.value))),
        _ => return None,
    })
}

/// Neumaier's sum: exact where a plain one loses small terms.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    // An infinity makes the correction meaningless.
    if total.is_finite() { total + lost } else { total }
}

#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
fn count(samples: &[Sample]) -> f64 {
    samples.len() as f64
}

fn mean(samples: &[Sample]) -> f64 {
    let total = sum(samples.iter().map(|sample| sample.value));
    if total.is_finite() {
        return total / count(samples);
    }
    // The sum overflowed although the mean may not.
    sum(samples.iter().map(|sample| sample.value / count(samples)))
}

fn variance(samples: &[Sample]) -> f64 {
    let mean = mean(samples);
    sum(samples.iter().map(|sample| (sample.value - mean).powi(2))) / count(samples)
}

/// The best value; NaN only when all are.
fn pick(samples: &[Sample], better: impl Fn(f64, f64) -> bool) -> f64 {
    samples.iter().map(|sample| sample.value).fold(f64::NAN, |best, value| {
        if best.is_nan() || better(value, best) { value } else { best }
    })
}

#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
fn count_pairs(window: Window<'_>, counts: impl Fn(f64, f64) -> bool) -> f64 {
    window.samples.windows(2).filter(|pair| counts(pair[0].value, pair[1].value)).count() as f64
}

#[expect(clippy::cast_precision_loss, reason = "differences of times within a window are small")]
fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms) as f64 / 1000.0
}

fn instant(window: Window<'_>, rate: bool) -> Option<f64> {
    let [.., before, last] = window.samples else { return None };
    let reset = rate && last.value < before.value;
    let difference = if reset { last.value } else { last.value - before.value };
    let elapsed = seconds(before.at_ms, last.at_ms);
    (elapsed > 0.0).then(|| if rate { difference / elapsed } else { difference })
}

/// Prometheus' extrapolation to the window's edges: at most half an average interval past the first and last sample,
/// and a counter never below zero.
fn extrapolated(window: Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    if window.samples.len() < 2 {
        return None;
    }
    let mut result = last.value - first.value;
    if counter {
        result += window
            .samples
            .windows(2)
            .filter(|pair| pair[1].value < pair[0].value)
            .map(|pair| pair[0].value)
            .sum::<f64>();
    }
    let sampled = seconds(first.at_ms, last.at_ms);
    let average = sampled / (count(window.samples) - 1.0);
    let threshold = average * 1.1;
    let mut to_start = seconds(window.start, first.at_ms);
    let mut to_end = seconds(last.at_ms, window.end);
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter && result > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / result));
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= seconds(window.start, window.end);
    }
    Some(result * factor)
}

/// Least squares: slope per second, and the value at `origin_ms`.
fn regression(window: Window<'_>, origin_ms: i64) -> Option<(f64, f64)> {
    if window.samples.len() < 2 {
        return None;
    }
    let first = window.samples[0].value;
    if window.samples.iter().all(|sample| sample.value == first) {
        return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
    }
    let points =
        || window.samples.iter().map(|sample| (seconds(origin_ms, sample.at_ms), sample.value));
    let n = count(window.samples);
    let x = sum(points().map(|(x, _)| x));
    let y = sum(points().map(|(_, y)| y));
    let xy = sum(points().map(|(x, y)| x * y));
    let xx = sum(points().map(|(x, _)| x * x));
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some((slope, y / n - slope * x / n))
}

/// `predict_linear`: where the line will be `ahead` seconds after the window's end.
pub(super) fn predict(window: Window<'_>, ahead: f64) -> Option<f64> {
    regression(window, window.end).map(|(slope, intercept)| intercept + slope * ahead)
}

/// `quantile_over_time`
pub(super) fn quantile_over(window: Window<'_>, q: f64) -> f64 {
    quantile(q, window.samples.iter().map(|sample| sample.value).collect())
}

/// The `q`-quantile by linear interpolation between ranks.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    // total_cmp puts positive NaN last; Prometheus counts NaN as the smallest.
    let nans = values.iter().rev().take_while(|value| value.is_nan()).count();
    values.rotate_right(nans);
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 values")]
    let rank = q * (values.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the length"
    )]
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}
