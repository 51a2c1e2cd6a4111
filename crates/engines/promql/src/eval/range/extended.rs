//! `rate`, `increase` and `delta` over ranges that are `anchored` or `smoothed`.

use std::sync::Arc;

use model::{Histogram, HistogramSample, ResetHint};

use super::{About, RangeCall, RangeFunction, Window, histogram::joined, seconds};
use crate::{
    ast::Extension,
    eval::{
        cells::Cells,
        notes::{Join, Kind},
    },
    histogram::{add, compact, detect_reset, divide, scale, subtract},
};

/// The first and the last sample that stand for the window's edges; `None` when the window sees nothing.
fn edges(
    len: usize,
    time: impl Fn(usize) -> i64,
    window: &Window<'_>,
    smoothed: bool,
) -> Option<(usize, usize)> {
    let mut last = len.checked_sub(1)?;
    let find =
        |wanted: &dyn Fn(i64) -> bool| (0..last).find(|at| wanted(time(*at))).unwrap_or(last);
    let first = find(&|at| at > window.start).saturating_sub(1);
    if smoothed {
        last = find(&|at| at >= window.end);
    }
    let sees = time(last) > window.start && !(smoothed && time(first) > window.end);
    sees.then_some((first, last))
}

/// The value at `at_ms` on the line between two samples; a counter that fell began at 0.
#[expect(clippy::cast_precision_loss, reason = "differences of times are small")]
pub(crate) fn between(a: (i64, f64), b: (i64, f64), at_ms: i64, counter: bool) -> f64 {
    let from = if counter && b.1 < a.1 { 0.0 } else { a.1 };
    from + (b.1 - from) * (at_ms - a.0) as f64 / (b.0 - a.0) as f64
}

pub(super) fn floats(call: &RangeCall, window: &Window<'_>, cells: &mut Cells) {
    let smoothed = call.extension == Some(Extension::Smoothed);
    let counter = call.function.is_counter();
    let (times, values) = (window.times, window.values);
    let Some((mut first, last)) = edges(times.len(), |at| times[at], window, smoothed) else {
        return;
    };
    let sample = |at: usize| (times[at], values[at]);
    let left = if smoothed && times[first] < window.start && first + 1 < times.len() {
        between(sample(first), sample(first + 1), window.start, counter)
    } else {
        values[first]
    };
    let right = if smoothed && last > 0 && times[last] > window.end {
        between(sample(last - 1), sample(last), window.end, counter)
    } else {
        values[last]
    };
    let mut result = right - left;
    if counter {
        first += usize::from(times[first] <= window.start);
        let end = if times[last] >= window.end { last } else { last + 1 };
        let mut before = left;
        for value in values.get(first..end).unwrap_or(&[]).iter().copied().chain([right]) {
            if value < before {
                result += before;
            }
            before = value;
        }
    }
    if call.function == RangeFunction::Rate {
        result /= seconds(0, call.range_ms);
    }
    cells.set(window.step, result);
}

/// The histogram at `at_ms` between two samples; `None` when they do not go together.
pub(crate) fn between_histograms(
    a: &HistogramSample,
    b: &HistogramSample,
    at_ms: i64,
    counter: bool,
    mut say: impl FnMut(Join),
) -> Option<Histogram> {
    if at_ms == a.at_ms {
        return Some((*a.histogram).clone());
    }
    let mut result = (*b.histogram).clone();
    if at_ms == b.at_ms {
        return Some(result);
    }
    if a.histogram.is_custom() != result.is_custom() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "differences of times are small")]
    let part = (at_ms - a.at_ms) as f64 / (b.at_ms - a.at_ms) as f64;
    if counter && detect_reset(&b.histogram, &a.histogram) {
        scale(&mut result, part);
        return Some(result);
    }
    if subtract(&mut result, &a.histogram).ok()?.reconciled {
        say(Join::Subtraction);
    }
    scale(&mut result, part);
    if add(&mut result, &a.histogram).ok()?.reconciled {
        say(Join::Addition);
    }
    Some(result)
}

pub(super) fn histograms(
    call: &RangeCall,
    window: &Window<'_>,
    cells: &mut Cells,
    about: &About<'_>,
) {
    if let Some(mut result) = increase(call, window, about) {
        if call.function == RangeFunction::Rate {
            divide(&mut result, seconds(0, call.range_ms));
        }
        result.reset_hint = ResetHint::Gauge;
        compact(&mut result);
        cells.set_histogram(window.step, Arc::new(result));
    }
}

fn increase(call: &RangeCall, window: &Window<'_>, about: &About<'_>) -> Option<Histogram> {
    let all = window.histograms;
    let smoothed = call.extension == Some(Extension::Smoothed);
    let counter = call.function.is_counter();
    let say = |kind: Kind| about.notes.add(kind, call.span, &(about.name)());
    let (first, last) = edges(all.len(), |at| all[at].at_ms, window, smoothed)?;
    let used = all.get(first..=last)?;
    let custom = used.first()?.histogram.is_custom();
    for one in used {
        if one.histogram.is_custom() != custom {
            say(Kind::MixedSchemas);
            return None;
        }
        if counter && one.histogram.reset_hint == ResetHint::Gauge {
            say(Kind::NotCounter);
        }
    }
    let edge = |a: usize, b: usize, at: i64| {
        let reconciled = |join| about.notes.add(Kind::MismatchedBuckets(join), call.span, "");
        let found = between_histograms(&all[a], &all[b], at, counter, reconciled);
        if found.is_none() {
            say(Kind::MixedSchemas);
        }
        found
    };
    let spans_start = smoothed && all[first].at_ms < window.start && first + 1 < all.len();
    let left = if spans_start {
        edge(first, first + 1, window.start)?
    } else {
        (*all[first].histogram).clone()
    };
    let right = if smoothed && last > 0 && all[last].at_ms > window.end {
        edge(last - 1, last, window.end)?
    } else {
        (*all[last].histogram).clone()
    };
    let gauges = [&left, &right].iter().all(|one| one.reset_hint == ResetHint::Gauge);
    if !counter && !gauges {
        say(Kind::NotGauge);
    }
    let mut result = right.clone();
    if !joined(subtract(&mut result, &left), Join::Subtraction, call, about) {
        return None;
    }
    if counter {
        let mut from = first + 1;
        let mut before = &left;
        if spans_start && detect_reset(&all[first + 1].histogram, &all[first].histogram) {
            // The left edge lies within this reset and has taken it into account.
            before = &all[first + 1].histogram;
            from += 1;
        }
        if from <= last {
            let between = all[from..last].iter().map(|one| &*one.histogram);
            for one in between.chain([&right]) {
                if detect_reset(one, before)
                    && !joined(add(&mut result, before), Join::Addition, call, about)
                {
                    return None;
                }
                before = one;
            }
        }
    }
    Some(result)
}
