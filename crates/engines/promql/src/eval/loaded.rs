//! Series whose samples are in memory already, as an answer to a selection.

use model::{Labels, Points, Series};

use super::{SeriesSet, SourceError};

/// Decoded series with their samples in order. For sources that cannot decode later, and for tests.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    series: Vec<(Labels, Points)>,
    warnings: Vec<String>,
}

impl Loaded {
    /// These series; all their samples lie within the selection's time.
    pub fn new(series: Vec<(Labels, Points)>) -> Self {
        Self { series, warnings: Vec::new() }
    }

    /// With what was wrong while they were read.
    #[must_use]
    pub fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

impl From<Vec<Series>> for Loaded {
    fn from(series: Vec<Series>) -> Self {
        let decoded = |one: Series| (one.labels, one.samples.into_iter().collect());
        Self::new(series.into_iter().map(decoded).collect())
    }
}

impl SeriesSet for Loaded {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.series[at].0.clone()
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.series[at].0.iter().for_each(|(name, value)| visit(name, value));
    }

    fn samples_hint(&self, at: usize) -> usize {
        self.series[at].1.len()
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        let from = &self.series[at].1;
        into.times.extend_from_slice(&from.times);
        into.values.extend_from_slice(&from.values);
        into.starts.extend_from_slice(&from.starts);
        into.histograms.extend_from_slice(&from.histograms);
        into.histogram_starts.extend_from_slice(&from.histogram_starts);
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}
