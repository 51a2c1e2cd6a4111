//! What a query gives: its value, what is to be said about it, and what it cost.

use std::{sync::Arc, time::Duration};

use model::{Histogram, Labels, Points};
use promql::Span;

/// The value of an expression with its remarks.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub value: Value,
    pub annotations: Annotations,
    pub stats: Stats,
    /// The plan with the cost of each node, where it was asked for.
    pub plan: Option<PlanNode>,
}

/// Remarks as Prometheus words them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

/// What a query read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples that were read.
    pub samples: u64,
    /// The most that were held at one time.
    pub peak_samples: u64,
    pub series: u64,
    /// Samples that were read for each step.
    pub samples_per_step: Vec<u64>,
}

/// A node of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanNode {
    /// What it computes, as PromQL.
    pub text: String,
    pub span: Span,
    /// With its children's.
    pub time: Duration,
    pub samples: u64,
    pub series: u64,
    pub children: Vec<PlanNode>,
}

/// The value of an expression over all steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number for each step.
    Scalar(Vec<f64>),
    String(String),
    Vector(Vec<Column>),
    /// Raw samples.
    Matrix(Vec<MatrixSeries>),
}

/// One series' value at each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub labels: Labels,
    cells: Vec<Option<f64>>,
    /// Step and histogram, in order of the steps.
    histograms: Vec<(usize, Arc<Histogram>)>,
}

/// A value at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

/// One series' raw samples.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    pub labels: Labels,
    pub points: Points,
}

impl Column {
    pub fn new(labels: Labels, cells: Vec<Option<f64>>) -> Self {
        Self { labels, cells, histograms: Vec::new() }
    }

    /// A column with one step, and a histogram in it.
    pub fn of_histogram(labels: Labels, histogram: Arc<Histogram>) -> Self {
        Self { labels, cells: vec![None], histograms: vec![(0, histogram)] }
    }

    /// The value at a step, where there is one.
    pub fn get(&self, step: usize) -> Option<Cell<'_>> {
        if let Some(value) = self.cells.get(step).copied().flatten() {
            return Some(Cell::Float(value));
        }
        let at = self.histograms.binary_search_by_key(&step, |(at, _)| *at).ok()?;
        Some(Cell::Histogram(&self.histograms[at].1))
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.cells.len()
    }
}

impl From<promql::Value> for Value {
    fn from(value: promql::Value) -> Self {
        match value {
            promql::Value::Scalar(values) => Self::Scalar(values),
            promql::Value::String(text) => Self::String(text),
            promql::Value::Vector(columns) => Self::Vector(
                columns.into_iter().map(|one| Column::new(one.labels, one.values)).collect(),
            ),
            promql::Value::Matrix(series) => Self::Matrix(
                series
                    .into_iter()
                    .map(|one| MatrixSeries {
                        labels: one.labels,
                        points: one.samples.into_iter().collect(),
                    })
                    .collect(),
            ),
        }
    }
}
