//! `deriv`, `predict_linear` and `double_exponential_smoothing`.

use super::{About, RangeCall, RangeFunction, Window, seconds};
use crate::{
    eval::{EvalError, cells::Cells, notes::Kind},
    kahan::Kahan,
};

pub(super) fn set(
    call: &RangeCall,
    window: &Window<'_>,
    cells: &mut Cells,
    about: &About<'_>,
) -> Result<(), EvalError> {
    if call.function == RangeFunction::DoubleExponentialSmoothing {
        for (at, name) in [(0, "smoothing"), (1, "trend")] {
            let factor = call.param(at, window.step);
            if factor <= 0.0 || factor >= 1.0 {
                let sign = if name == "smoothing" { "sf" } else { "tf" };
                let message =
                    format!("invalid {name} factor. Expected: 0 < {sign} < 1, got: {factor:.6}");
                return Err(EvalError::invalid(call.span, message));
            }
        }
    }
    if !window.histograms.is_empty() && !window.times.is_empty() {
        about.notes.add(Kind::IgnoredInMixedRange, call.span, &(about.name)());
    }
    if window.times.len() < 2 {
        return Ok(());
    }
    let value = match call.function {
        RangeFunction::PredictLinear => {
            let (slope, intercept) = regression(window, call.asked.get(window.step));
            slope * call.param(0, window.step) + intercept
        }
        RangeFunction::DoubleExponentialSmoothing => {
            smoothed(window.values, call.param(0, window.step), call.param(1, window.step))
        }
        _ => regression(window, window.times[0]).0,
    };
    cells.set(window.step, value);
    Ok(())
}

/// Least squares: the slope for each second, and the value at `origin_ms`.
#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
fn regression(window: &Window<'_>, origin_ms: i64) -> (f64, f64) {
    let first = window.values[0];
    if window.values.iter().all(|value| *value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_xx] = [Kahan::default(); 4];
    for (at, y) in window.times.iter().zip(window.values) {
        let x = seconds(origin_ms, *at);
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let n = window.values.len() as f64;
    let (x, y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - x * y / n;
    let variance = sum_xx.total() - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// Holt's double exponential smoothing.
fn smoothed(values: &[f64], factor: f64, trend_factor: f64) -> f64 {
    let (mut before, mut now) = (0.0, values[0]);
    let mut trend = values[1] - values[0];
    for (at, value) in values.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_factor * (now - before) + (1.0 - trend_factor) * trend;
        }
        let next = factor * value + (1.0 - factor) * (now + trend);
        (before, now) = (now, next);
    }
    now
}
