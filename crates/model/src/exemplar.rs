//! Exemplars: observations kept as examples of a series' samples.

use crate::{HistogramSample, Labels};

/// One observation, with what leads to it (a `trace_id` as a rule).
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// Exemplars of one series, in the order in which they came.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// Of the series, not of the exemplars.
    pub labels: Labels,
    pub exemplars: Vec<Exemplar>,
}

/// Native histograms of one series, in the order in which they came.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSeries {
    pub labels: Labels,
    pub samples: Vec<HistogramSample>,
}
