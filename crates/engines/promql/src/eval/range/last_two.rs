//! `irate` and `idelta`: what changed between the last two samples.

use std::sync::Arc;

use model::{Histogram, ResetHint};

use super::{About, RangeCall, RangeFunction, Window, seconds, start_resets};
use crate::{
    eval::{
        cells::Cells,
        notes::{Join, Kind},
    },
    histogram::{compact, detect_reset, divide, subtract},
};

#[derive(Clone, Copy)]
struct Seen<'a> {
    at: i64,
    start: i64,
    value: f64,
    histogram: Option<&'a Arc<Histogram>>,
}

/// The last two samples of both kinds, the older first.
fn last_two<'a>(window: &Window<'a>) -> Option<[Seen<'a>; 2]> {
    let floats = (0..window.times.len()).rev().take(2).map(|at| Seen {
        at: window.times[at],
        start: window.starts.get(at).copied().unwrap_or(0),
        value: window.values[at],
        histogram: None,
    });
    let histograms = (0..window.histograms.len()).rev().take(2).map(|at| Seen {
        at: window.histograms[at].at_ms,
        start: window.histogram_starts.get(at).copied().unwrap_or(0),
        value: 0.0,
        histogram: Some(&window.histograms[at].histogram),
    });
    let mut seen: Vec<Seen<'a>> = floats.chain(histograms).collect();
    seen.sort_by_key(|one| one.at);
    let [.., before, last] = seen.as_slice() else { return None };
    (before.at != last.at).then_some([*before, *last])
}

pub(super) fn set(call: &RangeCall, window: &Window<'_>, cells: &mut Cells, about: &About<'_>) {
    let Some([before, last]) = last_two(window) else { return };
    let rate = call.function == RangeFunction::Irate;
    let by_start = || start_resets(before.start, before.at, last.start, last.at);
    let elapsed = seconds(before.at, last.at);
    let say = |kind: Kind| about.notes.add(kind, call.span, &(about.name)());
    match (before.histogram, last.histogram) {
        (None, None) => {
            let reset = rate && (last.value < before.value || by_start());
            let difference = if reset { last.value } else { last.value - before.value };
            cells.set(window.step, if rate { difference / elapsed } else { difference });
        }
        (Some(old), Some(new)) => {
            let gauges = [old, new].map(|one| one.reset_hint == ResetHint::Gauge);
            if rate && gauges.contains(&true) {
                say(Kind::NotCounter);
            }
            if !rate && gauges.contains(&false) {
                say(Kind::NotGauge);
            }
            let mut result = (**new).clone();
            if !rate || !(by_start() || detect_reset(new, old)) {
                match subtract(&mut result, old) {
                    Ok(outcome) if outcome.reconciled => {
                        about.notes.add(Kind::MismatchedBuckets(Join::Subtraction), call.span, "");
                    }
                    Ok(_) => {}
                    Err(crate::histogram::Incompatible) => return say(Kind::MixedSchemas),
                }
            }
            result.reset_hint = ResetHint::Gauge;
            compact(&mut result);
            if rate {
                divide(&mut result, elapsed);
            }
            cells.set_histogram(window.step, Arc::new(result));
        }
        (None, Some(_)) | (Some(_), None) => say(Kind::MixedFloatsHistograms),
    }
}
