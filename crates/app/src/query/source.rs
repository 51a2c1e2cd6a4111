//! The sample store, with the SLI counts beside it, as a source of series.

use std::time::Duration;

use model::{Labels, Matcher, Points, Sample, Series, Timestamp};
use promql::{Hints, SeriesSet, SeriesSource, SourceError};
use tsdb::Selection;

use crate::{control::chain, telemetry::Stores};

/// The stores of this machine.
pub(super) struct Local<'a>(pub(super) &'a Stores);

impl SeriesSource for Local<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let (start_ms, end_ms) = (hints.start_ms, hints.end_ms);
        let stored = self.0.metrics.select(matchers, start_ms, end_ms);
        let stored = stored.map_err(|error| SourceError::new(chain(&error)))?;
        let counts = sli(self.0, matchers, start_ms, end_ms);
        Ok(Box::new(Selected { stored, counts }))
    }
}

/// Series of the store, and after them the SLI counts.
struct Selected {
    stored: Selection,
    counts: Vec<Series>,
}

impl Selected {
    /// One of the counts; the others are the store's.
    fn count(&self, at: usize) -> Option<&Series> {
        self.counts.get(at.checked_sub(self.stored.len())?)
    }
}

impl SeriesSet for Selected {
    fn len(&self) -> usize {
        self.stored.len() + self.counts.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.count(at).map_or_else(|| self.stored.labels(at), |series| series.labels.clone())
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        match self.count(at) {
            Some(series) => series.labels.iter().for_each(|(name, value)| visit(name, value)),
            None => self.stored.visit_labels(at, visit),
        }
    }

    fn samples_hint(&self, at: usize) -> usize {
        self.count(at).map_or_else(|| self.stored.samples_hint(at), |series| series.samples.len())
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        match self.count(at) {
            Some(series) => {
                series.samples.iter().for_each(|sample| into.push(sample.at_ms, sample.value));
                Ok(())
            }
            None => self.stored.read(at, into).map_err(|error| SourceError::new(chain(&error))),
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.stored.warnings()
    }
}

/// The counts of good events and of all events, as the counters that pages' queries name.
const SLI_SERIES: [&str; 2] = ["evenkeel_sli_good_total", "evenkeel_sli_events_total"];

/// The SLI counts that `matchers` ask for by name, as counters that begin at 0 with the range asked for.
fn sli(stores: &Stores, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Series> {
    let named = |name: &str| matchers.contains(&Matcher::equal(Labels::METRIC_NAME, name));
    let counters = stores.counters.lock();
    let mut found = Vec::new();
    for name in SLI_SERIES.into_iter().filter(|name| named(name)) {
        for slo in counters.slos() {
            let pairs =
                [(Labels::METRIC_NAME, name), ("slo", &slo.name), ("service_name", &slo.service)];
            let labels = Labels::from_pairs(pairs);
            if !matchers.iter().all(|matcher| matcher.matches_labels(&labels)) {
                continue;
            }
            let (from, to) = (Timestamp::from_millis(start_ms), Timestamp::from_millis(end_ms));
            let points =
                counters.series(&slo.name, from, to, Duration::from_secs(10)).unwrap_or_default();
            let count =
                |point: &slo::Point| if name == SLI_SERIES[0] { point.good } else { point.total };
            let mut samples = counter(&points, count);
            samples.retain(|sample| (start_ms..=end_ms).contains(&sample.at_ms));
            found.push(Series { labels, samples });
        }
    }
    found.retain(|series| !series.samples.is_empty());
    found
}

/// Steps' counts summed up: a sample at the beginning, and one at the end of each step.
#[expect(clippy::cast_precision_loss, reason = "counts of events below 2^53")]
fn counter(points: &[slo::Point], count: impl Fn(&slo::Point) -> u64) -> Vec<Sample> {
    let first = points.first().map(|point| Sample { at_ms: point.start.as_millis(), value: 0.0 });
    let mut total = 0_u64;
    let rest = points.iter().map(|point| {
        total += count(point);
        Sample { at_ms: (point.start + point.width).as_millis(), value: total as f64 }
    });
    first.into_iter().chain(rest).collect()
}
