//! A series' samples in columns: what a store gives to who evaluates.

use std::sync::Arc;

use crate::{Histogram, HistogramSample, Sample};

/// Samples of one series in order of time. A time has a float or a histogram, not both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Unix milliseconds of the floats.
    pub times: Vec<i64>,
    /// One for each of `times`; [`Sample::STALE`]'s bit pattern marks the series' end.
    pub values: Vec<f64>,
    /// When counting began for each of `times`, in Unix milliseconds, 0 where that is not known; empty when it is known for none.
    pub starts: Vec<i64>,
    pub histograms: Vec<HistogramSample>,
    /// As `starts`, for the histograms.
    pub histogram_starts: Vec<i64>,
}

impl Points {
    /// Empties the columns and keeps their memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
        self.histograms.clear();
        self.histogram_starts.clear();
    }

    /// How many samples there are of both kinds.
    pub fn len(&self) -> usize {
        self.times.len() + self.histograms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push(&mut self, at_ms: i64, value: f64) {
        self.times.push(at_ms);
        self.values.push(value);
    }

    pub fn push_histogram(&mut self, at_ms: i64, histogram: Arc<Histogram>) {
        self.histograms.push(HistogramSample { at_ms, histogram });
    }

    /// The floats one by one.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample> + '_ {
        let pairs = self.times.iter().zip(&self.values);
        pairs.map(|(&at_ms, &value)| Sample { at_ms, value })
    }
}

impl FromIterator<Sample> for Points {
    fn from_iter<T: IntoIterator<Item = Sample>>(samples: T) -> Self {
        let mut points = Self::default();
        samples.into_iter().for_each(|sample| points.push(sample.at_ms, sample.value));
        points
    }
}
