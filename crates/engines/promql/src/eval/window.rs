//! Range vectors: each series' samples, and the window that each step sees of them.

use model::{Sample, Series};

use super::{Context, EvalError, Query};
use crate::ast::{Expr, ExprKind};

/// The step of a subquery that names none, in milliseconds.
const SUBQUERY_STEP_MS: i64 = 60_000;

pub(super) struct Windows {
    pub(super) series: Vec<Series>,
    /// Each step's window is `(moment - range, moment]`.
    pub(super) moments: Vec<i64>,
    pub(super) range_ms: i64,
}

impl Context<'_> {
    /// The windows of a range selector or a subquery; stale markers are left out.
    pub(super) fn windows(&mut self, expr: &Expr) -> Result<Windows, EvalError> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.windows(inner),
            ExprKind::Matrix { selector, range_ms, .. } => {
                let moments = self.moments(selector.shift);
                let mut series = self.read(selector, &moments, *range_ms)?;
                for series in &mut series {
                    series.samples.retain(|sample| !sample.is_stale());
                }
                series.retain(|series| !series.samples.is_empty());
                Ok(Windows { series, moments, range_ms: *range_ms })
            }
            ExprKind::Subquery { expr, range_ms, step_ms, shift, .. } => {
                let moments = self.moments(*shift);
                let step = step_ms.unwrap_or(SUBQUERY_STEP_MS).max(1);
                let series = match Query::inner(&moments, *range_ms, step) {
                    Some(query) => self.subquery(expr, query)?,
                    None => Vec::new(),
                };
                Ok(Windows { series, moments, range_ms: *range_ms })
            }
            _ => Err(EvalError::Invalid {
                span: expr.span,
                message: "a range vector is expected".to_owned(),
            }),
        }
    }

    fn subquery(&mut self, expr: &Expr, query: Query) -> Result<Vec<Series>, EvalError> {
        let before = self.samples_left;
        // What has no samples at all takes room for each step nonetheless.
        self.spend(query.steps())?;
        let outer = std::mem::replace(&mut self.query, query);
        let value = self.evaluate(expr);
        self.query = outer;
        let series = value?.into_points(query);
        self.samples_left = before;
        self.spend(series.iter().map(|series| series.samples.len()).sum())?;
        Ok(series)
    }
}

impl Windows {
    /// `function` of each window that is not empty, for one series; `tick` is told the size of each window before.
    pub(super) fn each(
        &self,
        samples: &[Sample],
        mut tick: impl FnMut(usize) -> Result<(), EvalError>,
        function: impl Fn(Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Option<f64>>, EvalError> {
        let (mut from, mut to) = (0, 0);
        let mut last = i64::MIN;
        self.moments
            .iter()
            .enumerate()
            .map(|(step, moment)| {
                // `@` and `offset` keep moments in order, so the window only moves on.
                if *moment < last {
                    (from, to) = (0, 0);
                }
                last = *moment;
                let start = moment.saturating_sub(self.range_ms);
                while samples.get(from).is_some_and(|sample| sample.at_ms <= start) {
                    from += 1;
                }
                to = to.max(from);
                while samples.get(to).is_some_and(|sample| sample.at_ms <= *moment) {
                    to += 1;
                }
                let window = &samples[from..to];
                tick(window.len() + 1)?;
                if window.is_empty() {
                    Ok(None)
                } else {
                    Ok(function(Window { samples: window, start, end: *moment, step }))
                }
            })
            .collect()
    }

    /// The last window's samples as they are.
    pub(super) fn into_matrix(self) -> Vec<Series> {
        let Some(end) = self.moments.last() else { return Vec::new() };
        let start = end.saturating_sub(self.range_ms);
        let mut series = self.series;
        for series in &mut series {
            series.samples.retain(|sample| sample.at_ms > start && sample.at_ms <= *end);
        }
        series.retain(|series| !series.samples.is_empty());
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }
}

/// What one step sees of one series.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    /// Not empty.
    pub(super) samples: &'a [Sample],
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) step: usize,
}
