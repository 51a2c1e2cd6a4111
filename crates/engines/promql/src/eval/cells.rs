//! The values of one series at all steps.

use std::sync::Arc;

use model::{Histogram, Sample};

use super::Cell;

/// Stands where a series has no float. It marks the end of a series in a store, so that no value of one can be it.
pub(super) const ABSENT: f64 = f64::from_bits(Sample::STALE);

/// Whether a cell has no float.
#[inline]
pub(super) const fn is_absent(value: f64) -> bool {
    value.to_bits() == Sample::STALE
}

/// One cell for each step: a float, a histogram, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    /// [`ABSENT`] where there is none.
    pub(super) floats: Vec<f64>,
    /// Empty when there are none; else one for each step.
    pub(super) histograms: Vec<Option<Arc<Histogram>>>,
}

impl Cells {
    /// Nothing at any of `steps`.
    pub(super) fn absent(steps: usize) -> Self {
        Self { floats: vec![ABSENT; steps], histograms: Vec::new() }
    }

    /// Makes all cells empty; keeps the memory.
    pub(super) fn reset(&mut self, steps: usize) {
        self.floats.clear();
        self.floats.resize(steps, ABSENT);
        self.histograms.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.floats.len()
    }

    #[inline]
    pub(super) fn float(&self, step: usize) -> Option<f64> {
        self.floats.get(step).copied().filter(|value| !is_absent(*value))
    }

    #[inline]
    pub(super) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(step)?.as_ref()
    }

    pub(super) fn get(&self, step: usize) -> Option<Cell<'_>> {
        match self.float(step) {
            Some(value) => Some(Cell::Float(value)),
            None => self.histogram(step).map(|histogram| Cell::Histogram(histogram)),
        }
    }

    #[inline]
    pub(super) fn has(&self, step: usize) -> bool {
        self.float(step).is_some() || self.histogram(step).is_some()
    }

    pub(super) fn has_histograms(&self) -> bool {
        self.histograms.iter().any(Option::is_some)
    }

    pub(super) fn has_floats(&self) -> bool {
        self.floats.iter().any(|value| !is_absent(*value))
    }

    /// Whether there is nothing at any step.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_floats() && !self.has_histograms()
    }

    pub(super) fn set(&mut self, step: usize, value: f64) {
        self.floats[step] = value;
        if let Some(histogram) = self.histograms.get_mut(step) {
            *histogram = None;
        }
    }

    pub(super) fn set_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.floats.len(), None);
        }
        self.floats[step] = ABSENT;
        self.histograms[step] = Some(histogram);
    }

    pub(super) fn clear(&mut self, step: usize) {
        self.floats[step] = ABSENT;
        if let Some(histogram) = self.histograms.get_mut(step) {
            *histogram = None;
        }
    }

    /// Takes over the cell at `step` from another column.
    pub(super) fn take(&mut self, step: usize, from: &Self) {
        match from.histogram(step) {
            Some(histogram) => self.set_histogram(step, Arc::clone(histogram)),
            None => self.set(step, from.floats[step]),
        }
    }

    /// Changes all floats.
    pub(super) fn map(&mut self, change: impl Fn(f64) -> f64) {
        for value in self.floats.iter_mut().filter(|value| !is_absent(**value)) {
            *value = change(*value);
        }
    }

    /// Leaves out histograms.
    pub(super) fn only_floats(&mut self) {
        self.histograms = Vec::new();
    }

    /// The first cell at every one of `steps`.
    pub(super) fn repeat(&mut self, steps: usize) {
        let first = self.floats.first().copied().unwrap_or(ABSENT);
        self.floats.resize(steps, first);
        if let Some(first) = self.histograms.first().cloned() {
            self.histograms.resize(steps, first);
        }
    }

    /// Bytes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let histograms = self.histograms.iter().flatten();
        8 * self.floats.len()
            + 8 * self.histograms.len()
            + 16 * histograms.map(|one| crate::histogram::size(one)).sum::<usize>()
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|step| self.get(step) == other.get(step))
    }
}

impl FromIterator<Option<f64>> for Cells {
    fn from_iter<T: IntoIterator<Item = Option<f64>>>(values: T) -> Self {
        let floats = values.into_iter().map(|value| value.unwrap_or(ABSENT)).collect();
        Self { floats, histograms: Vec::new() }
    }
}
