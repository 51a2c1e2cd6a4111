//! Values of an expression, column by column: each node gives every series' value at every step of the query.
//!
//! Windows are open on the left (`start < t <= end`), as in Prometheus 3.

mod aggregate;
mod binary;
mod call;
mod histogram;
mod range;
mod select;
mod window;

use model::{Labels, Matcher, Sample, Series};

use crate::{
    ast::{Expr, ExprKind, Type},
    span::Span,
};

/// Where samples come from.
pub trait SeriesSource {
    /// All series that pass `matchers`, each with its samples from `start_ms` to `end_ms` (both included), in order.
    ///
    /// # Errors
    /// What the store says, and when more than `samples_max` samples would be read.
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        samples_max: usize,
    ) -> Result<Vec<Series>, String>;
}

/// The moments of a query, in Unix milliseconds; an instant query has `start_ms == end_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    pub start_ms: i64,
    pub end_ms: i64,
    /// More than 0.
    pub step_ms: i64,
}

/// What one query may use. Each is a setting, which its error names.
#[derive(Clone)]
pub struct Limits<'a> {
    /// Samples and values that are held at one time, raw and computed: `query.max_samples`.
    pub samples_max: usize,
    /// `query.max_points_per_series`
    pub points_max: usize,
    /// How far back an instant selector looks for a sample: `query.lookback_delta`.
    pub lookback_ms: i64,
    /// Asked now and then; `true` ends the query (time is up, or the client has left).
    pub cancelled: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits")
            .field("samples_max", &self.samples_max)
            .field("points_max", &self.points_max)
            .field("lookback_ms", &self.lookback_ms)
            .finish_non_exhaustive()
    }
}

/// One series' values, one for each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub labels: Labels,
    pub values: Vec<Option<f64>>,
}

/// The value of an expression over all steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number for each step.
    Scalar(Vec<f64>),
    String(String),
    Vector(Vec<Column>),
    /// Raw samples; only an instant query can end with these.
    Matrix(Vec<Series>),
}

/// Why a query has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error(
        "the query would give {points} points per series; at most {max} are allowed (query.max_points_per_series): use a longer step"
    )]
    Points { points: usize, max: usize },
    #[error(
        "the query needs more than {max} samples at one time (query.max_samples): narrow its selectors or its range, or use a longer step"
    )]
    Samples { max: usize },
    #[error("the query was ended: its time is up (query.timeout) or its client has left")]
    Cancelled,
    #[error("{message}")]
    Invalid { span: Span, message: String },
    #[error("the sample store: {0}")]
    Source(String),
}

impl Query {
    pub fn instant(at_ms: i64) -> Self {
        Self { start_ms: at_ms, end_ms: at_ms, step_ms: 1 }
    }

    fn steps(&self) -> usize {
        let span = self.end_ms.saturating_sub(self.start_ms);
        if span < 0 || self.step_ms <= 0 {
            return 0;
        }
        usize::try_from(span / self.step_ms).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// The moment of step `at`.
    fn moment(&self, at: usize) -> i64 {
        self.start_ms
            .saturating_add(self.step_ms.saturating_mul(i64::try_from(at).unwrap_or(i64::MAX)))
    }
}

/// Evaluates `expr` at every step of `query`.
///
/// # Errors
/// When a limit is met, the source fails, or series cannot be matched as the expression asks.
pub fn evaluate(
    expr: &Expr,
    query: Query,
    source: &dyn SeriesSource,
    limits: &Limits<'_>,
) -> Result<Value, EvalError> {
    let steps = query.steps();
    if steps > limits.points_max {
        return Err(EvalError::Points { points: steps, max: limits.points_max });
    }
    let mut context =
        Context { source, limits, query, top: query, samples_left: limits.samples_max, work: 0 };
    if expr.value_type() == Type::Matrix {
        if steps != 1 {
            let message = "invalid expression type \"range vector\" for range query, must be scalar or instant vector";
            return Err(EvalError::Invalid { span: expr.span, message: message.to_owned() });
        }
        let windows = context.windows(expr)?;
        return Ok(Value::Matrix(windows.into_matrix()));
    }
    let mut value = context.evaluate(expr)?;
    if let Value::Vector(columns) = &mut value {
        columns.retain(|column| column.values.iter().any(Option::is_some));
        if !keeps_order(expr) {
            columns.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        if let Some(pair) = columns.windows(2).find(|pair| pair[0].labels == pair[1].labels) {
            let message =
                format!("vector cannot contain metrics with the same labelset: {}", pair[0].labels);
            return Err(EvalError::Invalid { span: expr.span, message });
        }
    }
    Ok(value)
}

/// `sort`, `topk` and the like give series in an order of their own.
fn keeps_order(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => keeps_order(inner),
        ExprKind::Call { function, .. } => function.name.starts_with("sort"),
        ExprKind::Aggregate(aggregate) => aggregate.op.keeps_series(),
        _ => false,
    }
}

/// What evaluation carries along.
struct Context<'a> {
    source: &'a dyn SeriesSource,
    limits: &'a Limits<'a>,
    /// The steps of the node at hand: a subquery has its own.
    query: Query,
    /// The steps of the whole query: what `@ start()` means.
    top: Query,
    samples_left: usize,
    /// Values looked at since `cancelled` was asked last.
    work: usize,
}

/// How many values are looked at between two questions whether the query is to end.
const WORK_MAX: usize = 1 << 16;

impl Context<'_> {
    /// The value of `expr`; of all that its parts took, only the value itself stays counted.
    fn evaluate(&mut self, expr: &Expr) -> Result<Value, EvalError> {
        if (self.limits.cancelled)() {
            return Err(EvalError::Cancelled);
        }
        let before = self.samples_left;
        let value = self.node(expr)?;
        self.samples_left = before;
        self.spend(value.cells())?;
        Ok(value)
    }

    fn node(&mut self, expr: &Expr) -> Result<Value, EvalError> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Value::Scalar(vec![*value; self.query.steps()])),
            ExprKind::String(text) => Ok(Value::String(text.clone())),
            ExprKind::Paren(inner) | ExprKind::Plus(inner) => self.evaluate(inner),
            ExprKind::Negate(inner) => Ok(match self.evaluate(inner)? {
                Value::Scalar(values) => {
                    Value::Scalar(values.into_iter().map(|value| -value).collect())
                }
                Value::Vector(columns) => Value::Vector(map(columns, true, |value| -value)),
                other @ (Value::String(_) | Value::Matrix(_)) => other,
            }),
            ExprKind::Selector(selector) => self.instant(selector).map(Value::Vector),
            ExprKind::Binary(inner) => self.binary(inner),
            ExprKind::Aggregate(inner) => self.aggregate(inner, expr.span).map(Value::Vector),
            ExprKind::Call { function, args, .. } => self.call(function, args, expr.span),
            ExprKind::Matrix { .. } | ExprKind::Subquery { .. } => Err(EvalError::Invalid {
                span: expr.span,
                message: "a range vector has no value of its own".to_owned(),
            }),
        }
    }

    fn vector(&mut self, expr: &Expr) -> Result<Vec<Column>, EvalError> {
        match self.evaluate(expr)? {
            Value::Vector(columns) => Ok(columns),
            Value::Scalar(_) | Value::String(_) | Value::Matrix(_) => Ok(Vec::new()),
        }
    }

    fn scalar(&mut self, expr: &Expr) -> Result<Vec<f64>, EvalError> {
        match self.evaluate(expr)? {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) | Value::String(_) | Value::Matrix(_) => {
                Ok(vec![f64::NAN; self.query.steps()])
            }
        }
    }

    fn string(&mut self, expr: &Expr) -> Result<String, EvalError> {
        match self.evaluate(expr)? {
            Value::String(text) => Ok(text),
            Value::Scalar(_) | Value::Vector(_) | Value::Matrix(_) => Ok(String::new()),
        }
    }

    /// Counts samples against the limit; to be called before they take memory.
    fn spend(&mut self, samples: usize) -> Result<(), EvalError> {
        self.samples_left = self
            .samples_left
            .checked_sub(samples)
            .ok_or(EvalError::Samples { max: self.limits.samples_max })?;
        Ok(())
    }

    /// Counts values looked at, and now and then asks whether the query is to end.
    fn tick(&mut self, values: usize) -> Result<(), EvalError> {
        self.work = self.work.saturating_add(values);
        if self.work < WORK_MAX {
            return Ok(());
        }
        self.work = 0;
        if (self.limits.cancelled)() { Err(EvalError::Cancelled) } else { Ok(()) }
    }
}

/// Applies `change` to every value; `rename` drops the metric's name.
fn map(columns: Vec<Column>, rename: bool, change: impl Fn(f64) -> f64) -> Vec<Column> {
    columns
        .into_iter()
        .map(|column| Column {
            labels: if rename { without_name(&column.labels) } else { column.labels },
            values: column.values.into_iter().map(|value| value.map(&change)).collect(),
        })
        .collect()
}

fn without_name(labels: &Labels) -> Labels {
    labels.filtered(|name| name != Labels::METRIC_NAME)
}

impl Value {
    /// How many values it holds.
    fn cells(&self) -> usize {
        match self {
            Self::Scalar(values) => values.len(),
            Self::String(_) => 0,
            Self::Vector(columns) => columns.iter().map(|column| column.values.len()).sum(),
            Self::Matrix(series) => series.iter().map(|series| series.samples.len()).sum(),
        }
    }

    /// Each series' points, for an answer in the form of a matrix.
    pub fn into_points(self, query: Query) -> Vec<Series> {
        let points = |values: Vec<Option<f64>>| {
            let sample = |(at, value): (usize, Option<f64>)| {
                Some(Sample { at_ms: query.moment(at), value: value? })
            };
            values.into_iter().enumerate().filter_map(sample).collect::<Vec<_>>()
        };
        match self {
            Self::Scalar(values) => {
                vec![Series {
                    labels: Labels::default(),
                    samples: points(values.into_iter().map(Some).collect()),
                }]
            }
            Self::Vector(columns) => columns
                .into_iter()
                .map(|column| Series { labels: column.labels, samples: points(column.values) })
                .collect(),
            Self::Matrix(series) => series,
            Self::String(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
