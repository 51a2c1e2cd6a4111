//! `rate`, `increase` and `delta` of native histograms.

use std::sync::Arc;

use model::{Histogram, HistogramSample, ResetHint};

use super::{
    About, RangeCall, Window,
    rate::{Edge, began},
    start_overlaps, start_resets,
};
use crate::{
    eval::notes::{Join, Kind},
    histogram::{add, detect_reset, scale, subtract},
};

pub(super) fn rate(call: &RangeCall, window: &Window<'_>, about: &About<'_>) -> Option<Histogram> {
    let all = window.histograms;
    let counter = call.function.is_counter();
    let starts = if counter { window.histogram_starts } else { &[] };
    let mut result = if all.len() > 1 { Some(increase(call, all, starts, about)?) } else { None };
    let first = &all.first()?.histogram;
    let began = began(starts, window.start, all.first()?.at_ms);
    if began.is_some() {
        match &mut result {
            None => result = Some((**first).clone()),
            Some(result) => {
                if !joined(add(result, first), Join::Addition, call, about) {
                    return None;
                }
            }
        }
    }
    let mut result = result?;
    let edge = Edge {
        first: all.first()?.at_ms,
        last: all.last()?.at_ms,
        gaps: all.len() - 1,
        start: window.start,
        end: window.end,
        counted: counter.then_some((first.count, result.count)),
        began,
    };
    scale(&mut result, edge.factor(call));
    Some(result)
}

/// Says what joining two histograms met; `false` when they do not go together.
pub(super) fn joined(
    outcome: Result<crate::histogram::Outcome, crate::histogram::Incompatible>,
    join: Join,
    call: &RangeCall,
    about: &About<'_>,
) -> bool {
    match outcome {
        Ok(outcome) => {
            if outcome.reconciled {
                about.notes.add(Kind::MismatchedBuckets(join), call.span, "");
            }
            true
        }
        Err(crate::histogram::Incompatible) => {
            about.notes.add(Kind::MixedSchemas, call.span, &(about.name)());
            false
        }
    }
}

/// The increase from the first to the last of `all`; of a counter, with what was counted before each reset.
fn increase(
    call: &RangeCall,
    all: &[HistogramSample],
    starts: &[i64],
    about: &About<'_>,
) -> Option<Histogram> {
    let say = |kind: Kind| about.notes.add(kind, call.span, &(about.name)());
    let counter = call.function.is_counter();
    let (first, second, last) = (all.first()?, all.get(1)?, all.last()?);
    let is_gauge = |sample: &HistogramSample| sample.histogram.reset_hint == ResetHint::Gauge;
    if counter && all.iter().any(is_gauge) {
        say(Kind::NotCounter);
    }
    let gauges = is_gauge(first) && is_gauge(last);
    if !counter && !gauges {
        say(Kind::NotGauge);
    }
    let reset_by_start = |at: usize| match (starts.get(at - 1), starts.get(at)) {
        (Some(before), Some(start)) => {
            start_resets(*before, all[at - 1].at_ms, *start, all[at].at_ms)
        }
        _ => false,
    };
    let mut previous = Arc::clone(&first.histogram);
    if counter && (reset_by_start(1) || detect_reset(&second.histogram, &previous)) {
        // What was before the reset does not matter, nor does how its buckets lay.
        previous = Arc::new(Histogram {
            schema: second.histogram.schema,
            custom_values: second.histogram.custom_values.clone(),
            ..Histogram::default()
        });
    }
    let custom = previous.is_custom();
    let mixed = last.histogram.is_custom() != custom
        || (counter && all[1..].iter().any(|one| one.histogram.is_custom() != custom));
    if mixed {
        say(Kind::MixedSchemas);
        return None;
    }
    let mut result = (*last.histogram).clone();
    if !joined(subtract(&mut result, &previous), Join::Subtraction, call, about) {
        return None;
    }
    if counter {
        let mut overlaps = false;
        for at in 1..all.len() {
            if let (Some(before), Some(start)) = (starts.get(at - 1), starts.get(at)) {
                overlaps |= start_overlaps(*before, all[at - 1].at_ms, *start);
            }
            let reset = reset_by_start(at) || detect_reset(&all[at].histogram, &previous);
            if reset && !joined(add(&mut result, &previous), Join::Addition, call, about) {
                return None;
            }
            previous = Arc::clone(&all[at].histogram);
        }
        if overlaps {
            say(Kind::StartTimeOverlap);
        }
    }
    // The finest schema that all have: a sample between may be coarser than both edges.
    if !custom && counter {
        let schema = all.iter().skip(1).map(|one| one.histogram.schema).min().unwrap_or(0);
        if schema < result.schema {
            result = crate::histogram::reduced(&result, schema);
        }
    }
    result.reset_hint = ResetHint::Gauge;
    Some(result)
}
