//! Delta sums become cumulative ones, which needs to remember the total of each series.
//!
//! After a restart the totals begin at zero again: to a query that is a counter reset, as when the emitter itself restarts.

use std::collections::HashMap;

use model::{Labels, Timestamp};

use super::exponential::Exponential;
use crate::refused::reason;

/// As how many series a histogram counts, by the memory it takes.
const HISTOGRAM_SERIES: usize = 16;

/// The totals of the delta series seen so far.
///
/// Changes since the last [`DeltaState::commit`] can be taken back by [`DeltaState::rollback`]: when the stores refuse a
/// batch, its sender tries again, and the same delta must then count once. So whoever shares one keeps it locked from
/// [`crate::ingest`] until the batch has been answered.
#[derive(Debug)]
pub struct DeltaState {
    totals: HashMap<Labels, Total>,
    /// Exponential histograms, by the labels of their `_count`.
    histograms: HashMap<Labels, (Exponential, Timestamp)>,
    undo: Vec<(Labels, Option<Total>)>,
    undo_histograms: Vec<(Labels, Option<(Exponential, Timestamp)>)>,
    series_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Total {
    value: f64,
    at: Timestamp,
}

/// Why a delta could not be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    #[error("the delta of `{at}` is not newer than the one of `{last}`; was it sent twice?")]
    OutOfOrder { at: Timestamp, last: Timestamp },
    #[error("there are already {max} delta series; send this metric with cumulative temporality")]
    Full { max: usize },
}

impl DeltaError {
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::OutOfOrder { .. } => reason::DELTA_OUT_OF_ORDER,
            Self::Full { .. } => reason::DELTA_STATE_FULL,
        }
    }
}

impl Default for DeltaState {
    fn default() -> Self {
        Self::new(Self::SERIES_MAX)
    }
}

impl DeltaState {
    /// How many series are remembered by default; some 200 bytes each beside their labels.
    pub const SERIES_MAX: usize = 200_000;

    /// A state that remembers at most `series_max` series.
    pub fn new(series_max: usize) -> Self {
        Self {
            totals: HashMap::new(),
            histograms: HashMap::new(),
            undo: Vec::new(),
            undo_histograms: Vec::new(),
            series_max,
        }
    }

    /// How many series are remembered; an exponential histogram counts as several.
    pub fn len(&self) -> usize {
        self.totals.len() + self.histograms.len() * HISTOGRAM_SERIES
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there may be no room for what comes next.
    pub fn is_full(&self) -> bool {
        self.len() + HISTOGRAM_SERIES > self.series_max
    }

    /// The batch was stored.
    pub fn commit(&mut self) {
        self.undo.clear();
        self.undo_histograms.clear();
    }

    /// The batch was not stored: all as it was at the last commit.
    pub fn rollback(&mut self) {
        while let Some((labels, before)) = self.undo.pop() {
            match before {
                Some(total) => self.totals.insert(labels, total),
                None => self.totals.remove(&labels),
            };
        }
        while let Some((labels, before)) = self.undo_histograms.pop() {
            match before {
                Some(total) => self.histograms.insert(labels, total),
                None => self.histograms.remove(&labels),
            };
        }
    }

    /// Forgets series whose last point is older than `before`; to be called between batches, now and then.
    pub fn forget(&mut self, before: Timestamp) {
        self.totals.retain(|_, total| total.at >= before);
        self.histograms.retain(|_, (_, at)| *at >= before);
    }

    /// The new total of the series.
    pub(crate) fn add(
        &mut self,
        labels: &Labels,
        at: Timestamp,
        delta: f64,
    ) -> Result<f64, DeltaError> {
        let before = self.totals.get(labels).copied();
        match before {
            Some(total) if at <= total.at => {
                return Err(DeltaError::OutOfOrder { at, last: total.at });
            }
            None if self.len() >= self.series_max => {
                return Err(DeltaError::Full { max: self.series_max });
            }
            Some(_) | None => {}
        }
        let value = before.map_or(0.0, |total| total.value) + delta;
        self.undo.push((labels.clone(), before));
        self.totals.insert(labels.clone(), Total { value, at });
        Ok(value)
    }

    /// The new total of the histogram whose `_count` has these labels.
    pub(crate) fn add_histogram(
        &mut self,
        labels: &Labels,
        at: Timestamp,
        delta: Exponential,
    ) -> Result<Exponential, DeltaError> {
        let before = self.histograms.get(labels).cloned();
        let total = match &before {
            Some((_, last)) if at <= *last => {
                return Err(DeltaError::OutOfOrder { at, last: *last });
            }
            Some((total, _)) => {
                let mut total = total.clone();
                total.add(delta);
                total
            }
            None if self.is_full() => return Err(DeltaError::Full { max: self.series_max }),
            None => delta,
        };
        self.undo_histograms.push((labels.clone(), before));
        self.histograms.insert(labels.clone(), (total.clone(), at));
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_up_and_takes_back_what_was_not_stored() {
        let (a, b) = (Labels::from_pairs([("a", "1")]), Labels::from_pairs([("b", "1")]));
        let at = Timestamp::from_secs;
        let mut state = DeltaState::new(2);
        assert_eq!(state.add(&a, at(1), 5.0), Ok(5.0));
        state.commit();
        assert_eq!(state.add(&a, at(2), 3.0), Ok(8.0));
        assert_eq!(state.add(&a, at(3), 1.0), Ok(9.0));
        assert_eq!(state.add(&b, at(3), 1.0), Ok(1.0));
        state.rollback();
        assert_eq!(state.len(), 1);
        assert_eq!(state.add(&a, at(2), 3.0), Ok(8.0));
        assert_eq!(
            state.add(&a, at(2), 3.0),
            Err(DeltaError::OutOfOrder { at: at(2), last: at(2) })
        );
        assert_eq!(state.add(&b, at(2), 3.0), Ok(3.0));
        let c = Labels::from_pairs([("c", "1")]);
        assert_eq!(state.add(&c, at(2), 3.0), Err(DeltaError::Full { max: 2 }));
        state.commit();
        state.forget(at(3));
        assert!(state.is_empty());
    }
}
