//! What a query gives: its value, and what is to be said of it.

use std::{sync::Arc, time::Duration};

use model::{Histogram, Labels, Points};

use super::{Query, cells::Cells};
use crate::span::Span;

/// A query's value with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub value: Value,
    pub annotations: Annotations,
    pub stats: Stats,
    /// Filled when `Limits::explain` is set.
    pub plan: Option<PlanNode>,
}

/// The value of an expression over all steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number for each step.
    Scalar(Vec<f64>),
    String(String),
    /// Sorted by labels, except where an instant query asks for an order of its own.
    Vector(Vec<Column>),
    /// Raw samples; only an instant query can end with these.
    Matrix(Vec<MatrixSeries>),
}

/// One series of a range vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixSeries {
    pub labels: Labels,
    pub points: Points,
}

/// One series' values, at most one for each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    pub labels: Labels,
    cells: Cells,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

/// What is to be said of a query's value, as Prometheus words it; with positions such as `(1:15)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

/// What a query took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples that were read from the source.
    pub samples: u64,
    /// The most that was held at one time, counted in samples of 16 bytes.
    pub peak_samples: u64,
    /// Series that were selected.
    pub series: u64,
    /// Samples that each step looked at; a sample counts at every step that sees it. Filled when
    /// `Limits::samples_per_step` is set.
    pub samples_per_step: Vec<u64>,
}

/// What one part of an expression took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanNode {
    /// The part, as PromQL.
    pub text: String,
    pub span: Span,
    /// From its beginning to its end, with its parts; of what runs in several threads: the sum over them.
    pub time: Duration,
    /// Samples that it and its parts read.
    pub samples: u64,
    /// Series that it gives.
    pub series: u64,
    pub children: Vec<PlanNode>,
}

impl Default for Value {
    fn default() -> Self {
        Self::Vector(Vec::new())
    }
}

impl Column {
    pub(super) fn new(labels: Labels, cells: Cells) -> Self {
        Self { labels, cells }
    }

    /// A column of floats.
    pub fn from_floats(labels: Labels, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self { labels, cells: values.into_iter().collect() }
    }

    /// A column of histograms.
    pub fn from_histograms(
        labels: Labels,
        values: impl IntoIterator<Item = Option<Arc<Histogram>>>,
    ) -> Self {
        let histograms: Vec<_> = values.into_iter().collect();
        let mut cells = Cells::absent(histograms.len());
        cells.histograms = histograms;
        Self { labels, cells }
    }

    /// The value at `step`.
    pub fn get(&self, step: usize) -> Option<Cell<'_>> {
        self.cells.get(step)
    }

    /// All values with the number of their step.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Cell<'_>)> {
        (0..self.cells.len()).filter_map(|step| Some((step, self.cells.get(step)?)))
    }

    /// How many steps the query has.
    pub fn steps(&self) -> usize {
        self.cells.len()
    }

    /// The histogram at `step`, to be kept.
    pub fn histogram(&self, step: usize) -> Option<Arc<Histogram>> {
        self.cells.histogram(step).cloned()
    }

    /// The values that are there, each at its time.
    pub fn points(&self, query: Query) -> Points {
        let mut points = Points::default();
        for (step, cell) in self.iter() {
            match cell {
                Cell::Float(value) => points.push(query.moment(step), value),
                Cell::Histogram(_) => {
                    if let Some(histogram) = self.histogram(step) {
                        points.push_histogram(query.moment(step), histogram);
                    }
                }
            }
        }
        points
    }
}

impl Cell<'_> {
    /// The number, where it is one.
    pub const fn float(self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(value),
            Self::Histogram(_) => None,
        }
    }
}

impl Value {
    /// Each series' points, for an answer in the form of a matrix.
    pub fn into_matrix(self, query: Query) -> Vec<MatrixSeries> {
        match self {
            Self::Scalar(values) => {
                let column = Column::from_floats(Labels::default(), values.into_iter().map(Some));
                vec![MatrixSeries { labels: Labels::default(), points: column.points(query) }]
            }
            Self::Vector(columns) => columns
                .into_iter()
                .map(|column| {
                    let points = column.points(query);
                    MatrixSeries { labels: column.labels, points }
                })
                .collect(),
            Self::Matrix(series) => series,
            Self::String(_) => Vec::new(),
        }
    }
}

impl PlanNode {
    /// The tree as indented text, one line for each part.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        use std::fmt::Write as _;
        const TEXT_MAX: usize = 120;
        let mut text: String = self.text.chars().take(TEXT_MAX).collect();
        if text.len() < self.text.len() {
            text.push('…');
        }
        let millis = self.time.as_secs_f64() * 1000.0;
        let indent = "  ".repeat(depth);
        // Writing to a string does not fail.
        let _written = writeln!(
            out,
            "{indent}{text}  {millis:.3} ms, {} samples, {} series",
            self.samples, self.series
        );
        self.children.iter().for_each(|child| child.write(out, depth + 1));
    }
}
