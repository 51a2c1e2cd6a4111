//! Where converted points go: series and histograms of a batch, each once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use model::{
    Attributes, Batch, Exemplar, Histogram, HistogramSample, HistogramSeries, Labels, Sample,
    Series, SeriesExemplars, Timestamp,
};

use super::{Family, name, translation::Translation};
use crate::{
    DeltaState, Place, Signal, Temporality, Work,
    refused::{NO_POINT, reason},
    series::{self, Pairs},
};

/// How long after its start a total still gets a zero there.
const ZERO_SAMPLE_AGE: Duration = Duration::from_secs(300);

/// For each series and histogram of a batch, the one that stands for its data points.
#[derive(Debug, Default)]
pub(crate) struct Leaders {
    series: Vec<u32>,
    /// Histograms' places come after all series'.
    histograms: Vec<u32>,
}

impl Leaders {
    pub(crate) fn finish(mut self) -> Vec<u32> {
        self.series.extend(self.histograms);
        self.series
    }
}

pub(super) struct Output<'a, 'w> {
    pub(super) identity: Pairs,
    pub(super) translation: &'a Translation,
    pub(super) batch: &'a mut Batch,
    /// Places in the batch.
    series: HashMap<Labels, usize>,
    histograms: HashMap<Labels, usize>,
    exemplars: HashMap<Labels, usize>,
    leaders: &'a mut Leaders,
    /// The series that stands for the point at hand.
    pub(super) leader: Option<u32>,
    /// Whether the point at hand was counted as refused.
    pub(super) refused: bool,
    /// When the point at hand began to count.
    pub(super) start: Option<Timestamp>,
    pub(super) latest: Option<Timestamp>,
    pub(super) deltas: &'a mut DeltaState,
    pub(super) work: &'a mut Work<'w>,
}

impl<'a, 'w> Output<'a, 'w> {
    pub(super) fn new(
        identity: Pairs,
        translation: &'a Translation,
        deltas: &'a mut DeltaState,
        work: &'a mut Work<'w>,
        leaders: &'a mut Leaders,
        batch: &'a mut Batch,
    ) -> Self {
        Self {
            identity,
            translation,
            batch,
            series: HashMap::new(),
            histograms: HashMap::new(),
            exemplars: HashMap::new(),
            leaders,
            leader: None,
            refused: false,
            start: None,
            latest: None,
            deltas,
            work,
        }
    }

    /// The pairs of a point: its own attributes, then its scope's and the emitter's identity, which win.
    pub(super) fn labels_of(&mut self, family: &Family, mut attributes: Attributes) -> Pairs {
        let work = &mut *self.work;
        work.redactor.attributes(&mut attributes, work.tally.redacted.at(Place::MetricLabel));
        let mut pairs = name::labels(&attributes, self.translation.names.utf8());
        for more in [&family.scope, &self.identity] {
            pairs.retain(|(name, _)| !more.iter().any(|(taken, _)| taken == name));
            pairs.extend(more.iter().cloned());
        }
        pairs
    }

    /// Counts the point at hand as refused, whatever of it was stored; once.
    pub(super) fn refuse(&mut self, reason: &'static str, message: impl FnOnce() -> String) {
        let first = !std::mem::replace(&mut self.refused, true);
        self.work.tally.refuse(Signal::Samples, reason, u64::from(first), message);
    }

    /// Begins a point. Whether its time is one that we store; counts it when not.
    pub(super) fn dated(
        &mut self,
        family: &Family,
        at: Option<Timestamp>,
        start: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let redactor = self.work.redactor;
        (self.leader, self.refused, self.start) = (None, false, start);
        let Some(at) = at else {
            self.refuse(reason::NO_TIME, || {
                format!("a point of `{}` has no time", redactor.shown(&family.name))
            });
            return None;
        };
        if self.work.is_future(Signal::Samples, at, "a data point") {
            return None;
        }
        self.latest = self.latest.max(Some(at));
        Some(at)
    }

    /// Adds one sample; a delta is summed up first. `value: None` marks the series' end.
    pub(super) fn push(
        &mut self,
        family: &Family,
        pairs: Pairs,
        at: Timestamp,
        value: Option<f64>,
    ) -> Option<Labels> {
        let labels = self.checked(pairs)?;
        let value = match value {
            None => f64::from_bits(Sample::STALE),
            Some(delta) if family.temporality == Temporality::Delta => {
                let redactor = self.work.redactor;
                match self.deltas.add(&labels, at, delta) {
                    Ok(total) => total,
                    Err(refusal) => {
                        self.refuse(refusal.reason(), || {
                            format!("{}: {refusal}", redactor.shown(&labels.to_string()))
                        });
                        return None;
                    }
                }
            }
            Some(value) => value,
        };
        let place = self.series_at(&labels);
        let zero = self.zero_at(family, at);
        if let Some(series) = self.batch.series.get_mut(place) {
            let zero = zero.map(|at| Sample { at_ms: at.as_millis(), value: 0.0 });
            series.samples.extend(zero.filter(|_| value.to_bits() != Sample::STALE));
            series.samples.push(Sample { at_ms: at.as_millis(), value });
        }
        Some(labels)
    }

    /// Where a total that began not long ago gets a zero.
    fn zero_at(&self, family: &Family, at: Timestamp) -> Option<Timestamp> {
        let wanted = self.translation.zero_samples
            && family.counts
            && family.temporality == Temporality::Cumulative;
        self.start.filter(|start| {
            wanted && start.as_millis() < at.as_millis() && *start + ZERO_SAMPLE_AGE >= at
        })
    }

    /// Adds a native histogram.
    pub(super) fn push_histogram(
        &mut self,
        pairs: Pairs,
        at: Timestamp,
        histogram: Histogram,
    ) -> Option<Labels> {
        let labels = self.checked(pairs)?;
        let place = self.histogram_at(&labels);
        if let Some(series) = self.batch.histograms.get_mut(place) {
            let histogram = Arc::new(histogram);
            series.samples.push(HistogramSample { at_ms: at.as_millis(), histogram });
        }
        Some(labels)
    }

    /// Adds exemplars of a series, which are checked already.
    pub(super) fn push_exemplars(&mut self, labels: Labels, mut exemplars: Vec<Exemplar>) {
        if exemplars.is_empty() {
            return;
        }
        let place = self.exemplars.get(&labels).copied();
        match place.and_then(|place| self.batch.exemplars.get_mut(place)) {
            Some(series) => series.exemplars.append(&mut exemplars),
            None => {
                self.exemplars.insert(labels.clone(), self.batch.exemplars.len());
                self.batch.exemplars.push(SeriesExemplars { labels, exemplars });
            }
        }
    }

    fn checked(&mut self, pairs: Pairs) -> Option<Labels> {
        let count = u64::from(!self.refused);
        let labels = series::checked(pairs, count, self.work);
        self.refused |= labels.is_none();
        labels
    }

    fn series_at(&mut self, labels: &Labels) -> usize {
        if let Some(&known) = self.series.get(labels) {
            if let Some(leader) = self.leaders.series.get(known) {
                self.leader.get_or_insert(*leader);
            }
            return known;
        }
        // A request has fewer series than this, for each takes bytes of its body.
        let place = u32::try_from(self.batch.series.len()).unwrap_or(NO_POINT);
        self.leaders.series.push(*self.leader.get_or_insert(place));
        let known = self.batch.series.len();
        self.series.insert(labels.clone(), known);
        self.batch.series.push(Series { labels: labels.clone(), samples: Vec::new() });
        known
    }

    fn histogram_at(&mut self, labels: &Labels) -> usize {
        if let Some(&known) = self.histograms.get(labels) {
            if let Some(leader) = self.leaders.histograms.get(known) {
                self.leader.get_or_insert(*leader);
            }
            return known;
        }
        // Counted down from the last, so that they never meet those of series.
        let place = u32::try_from(self.batch.histograms.len()).unwrap_or(0);
        let leader = *self.leader.get_or_insert(NO_POINT.saturating_sub(1).saturating_sub(place));
        self.leaders.histograms.push(leader);
        let known = self.batch.histograms.len();
        self.histograms.insert(labels.clone(), known);
        self.batch.histograms.push(HistogramSeries { labels: labels.clone(), samples: Vec::new() });
        known
    }
}
