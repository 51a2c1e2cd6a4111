//! A store in memory.

use std::{collections::BTreeMap, sync::Arc};

use model::{Labels, Matcher, Points, ResetHint};
use promql::{Hints, SeriesSet, SeriesSource, SourceError};

use super::{nhcb, script::Load, series::Sequence};

/// All series, by labels.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) series: BTreeMap<Labels, Points>,
}

impl Store {
    pub(super) fn load(&mut self, load: &Load) {
        let mut loaded: Vec<(Labels, Points)> = Vec::new();
        for (labels, values, starts) in &load.series {
            let mut points = Points::default();
            let (mut float_starts, mut histogram_starts) = (Vec::new(), Vec::new());
            for (at, value) in values.iter().enumerate() {
                let time = load.gap_ms * i64::try_from(at).unwrap();
                let start = starts.get(at).copied().flatten().map_or(0, |start| time + start);
                match value {
                    Sequence::Omitted => {}
                    Sequence::Float(value) => {
                        points.push(time, *value);
                        float_starts.push(start);
                    }
                    Sequence::Histogram(histogram, _) => {
                        points.push_histogram(time, Arc::clone(histogram));
                        histogram_starts.push(start);
                    }
                }
            }
            if !starts.is_empty() {
                points.starts = float_starts;
                points.histogram_starts = histogram_starts;
            }
            loaded.push((labels.clone(), points));
        }
        if load.with_nhcb {
            let native = nhcb::converted(&loaded);
            loaded.extend(native);
        }
        for (labels, mut points) in loaded {
            hint(&mut points);
            self.add(labels, points);
        }
    }

    pub(crate) fn add(&mut self, labels: Labels, points: Points) {
        let into = self.series.entry(labels).or_default();
        let mut floats: BTreeMap<i64, (f64, i64)> = BTreeMap::new();
        let mut histograms = BTreeMap::new();
        for from in [&*into, &points] {
            for at in 0..from.times.len() {
                let start = from.starts.get(at).copied().unwrap_or(0);
                floats.insert(from.times[at], (from.values[at], start));
            }
            for at in 0..from.histograms.len() {
                let start = from.histogram_starts.get(at).copied().unwrap_or(0);
                let one = &from.histograms[at];
                histograms.insert(one.at_ms, (Arc::clone(&one.histogram), start));
            }
        }
        *into = Points::default();
        for (at, (value, start)) in floats {
            into.push(at, value);
            into.starts.push(start);
        }
        for (at, (histogram, start)) in histograms {
            into.push_histogram(at, histogram);
            into.histogram_starts.push(start);
        }
    }
}

/// Gives histograms the hints with which Prometheus' store returns them.
fn hint(points: &mut Points) {
    let mut before: Option<Arc<model::Histogram>> = None;
    for sample in &mut points.histograms {
        let written = sample.histogram.reset_hint;
        let hint = match (&before, written) {
            (_, ResetHint::Gauge) => ResetHint::Gauge,
            (_, ResetHint::Reset) => ResetHint::Reset,
            (None, _) => ResetHint::Unknown,
            (Some(old), _) if old.reset_hint == ResetHint::Gauge => ResetHint::Unknown,
            (Some(old), _) => {
                let mut new = (*sample.histogram).clone();
                new.reset_hint = ResetHint::Unknown;
                let other = new.schema != old.schema || new.zero_threshold != old.zero_threshold;
                let reset = promql::histogram::detect_reset(&new, old);
                // A reset that it found itself it does not tell: prometheus/prometheus issue 15346.
                if reset || other || new.custom_values != old.custom_values {
                    ResetHint::Unknown
                } else {
                    ResetHint::NotReset
                }
            }
        };
        let mut histogram = (*sample.histogram).clone();
        histogram.reset_hint = hint;
        sample.histogram = Arc::new(histogram);
        before = Some(Arc::clone(&sample.histogram));
    }
}

struct Set<'a> {
    list: Vec<(&'a Labels, &'a Points)>,
    start_ms: i64,
    end_ms: i64,
}

impl SeriesSource for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let passes = |labels: &Labels| matchers.iter().all(|one| one.matches_labels(labels));
        let list = self.series.iter().filter(|(labels, _)| passes(labels)).collect();
        Ok(Box::new(Set { list, start_ms: hints.start_ms, end_ms: hints.end_ms }))
    }
}

impl SeriesSet for Set<'_> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.list[at].0.clone()
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.list[at].0.iter().for_each(|(name, value)| visit(name, value));
    }

    fn samples_hint(&self, at: usize) -> usize {
        self.list[at].1.len()
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        let from = self.list[at].1;
        let inside = |time: i64| time >= self.start_ms && time <= self.end_ms;
        for at in (0..from.times.len()).filter(|at| inside(from.times[*at])) {
            into.push(from.times[at], from.values[at]);
            if let Some(start) = from.starts.get(at) {
                into.starts.push(*start);
            }
        }
        for at in (0..from.histograms.len()).filter(|at| inside(from.histograms[*at].at_ms)) {
            into.histograms.push(from.histograms[at].clone());
            if let Some(start) = from.histogram_starts.get(at) {
                into.histogram_starts.push(*start);
            }
        }
        Ok(())
    }
}
