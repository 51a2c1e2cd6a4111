//! Functions over the window of samples that each step sees: `rate`, `…_over_time` and the like.

mod extended;
mod histogram;
mod last_two;
mod line;
mod over;
mod pairs;
mod rate;
mod sums;
mod window;

use model::Points;

pub(super) use self::{
    extended::{between, between_histograms},
    window::{Moments, Window, Windows},
};
use super::{
    EvalError,
    cells::Cells,
    limits::{Budget, WORK_MAX},
    notes::Notes,
};
use crate::{ast::Extension, span::Span};

/// A function over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Changes,
    Resets,
    Deriv,
    PredictLinear,
    DoubleExponentialSmoothing,
    Avg,
    Count,
    First,
    Last,
    Mad,
    Max,
    Min,
    Present,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMax,
    TimeOfMin,
}

impl RangeFunction {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "irate" => Self::Irate,
            "idelta" => Self::Idelta,
            "changes" => Self::Changes,
            "resets" => Self::Resets,
            "deriv" => Self::Deriv,
            "predict_linear" => Self::PredictLinear,
            "double_exponential_smoothing" | "holt_winters" => Self::DoubleExponentialSmoothing,
            "avg_over_time" => Self::Avg,
            "count_over_time" => Self::Count,
            "first_over_time" => Self::First,
            "last_over_time" => Self::Last,
            "mad_over_time" => Self::Mad,
            "max_over_time" => Self::Max,
            "min_over_time" => Self::Min,
            "present_over_time" | "absent_over_time" => Self::Present,
            "quantile_over_time" => Self::Quantile,
            "stddev_over_time" => Self::Stddev,
            "stdvar_over_time" => Self::Stdvar,
            "sum_over_time" => Self::Sum,
            "ts_of_first_over_time" => Self::TimeOfFirst,
            "ts_of_last_over_time" => Self::TimeOfLast,
            "ts_of_max_over_time" => Self::TimeOfMax,
            "ts_of_min_over_time" => Self::TimeOfMin,
            _ => return None,
        })
    }

    /// These give samples as they are, and so keep the name.
    pub(super) const fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    pub(super) const fn is_counter(self) -> bool {
        matches!(self, Self::Rate | Self::Increase)
    }

    /// Why the function does not go with `extension`, which stands in its range.
    pub(super) fn refuses(self, extension: Option<Extension>, name: &str) -> Option<String> {
        let over_edges = matches!(self, Self::Rate | Self::Increase | Self::Delta);
        match extension {
            Some(Extension::Anchored)
                if !(over_edges || matches!(self, Self::Changes | Self::Resets)) =>
            {
                Some(format!(
                    "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with {name}"
                ))
            }
            Some(Extension::Smoothed) if !over_edges => Some(format!(
                "smoothed modifier can only be used with: delta, increase, rate - not with {name}"
            )),
            Some(Extension::Anchored | Extension::Smoothed) | None => None,
        }
    }
}

/// A function with its window and parameters.
pub(super) struct RangeCall {
    pub(super) function: RangeFunction,
    pub(super) moments: Moments,
    pub(super) range_ms: i64,
    pub(super) extension: Option<Extension>,
    pub(super) lookback_ms: i64,
    /// The moments of the query, from which `predict_linear` looks ahead.
    pub(super) asked: Moments,
    /// Each parameter at each step.
    pub(super) params: Vec<Vec<f64>>,
    /// Of the range.
    pub(super) span: Span,
    pub(super) start_timestamps: bool,
}

/// Whom a function tells what it met.
pub(super) struct About<'a> {
    pub(super) notes: &'a Notes,
    /// The metric's name.
    pub(super) name: &'a dyn Fn() -> String,
}

/// Asks now and then whether the query may go on.
pub(super) struct Ticker<'b> {
    budget: &'b Budget<'b>,
    work: usize,
}

impl<'b> Ticker<'b> {
    pub(super) fn new(budget: &'b Budget<'b>) -> Self {
        Self { budget, work: 0 }
    }

    /// Counts `work` values that are about to be looked at.
    #[inline]
    pub(super) fn tick(&mut self, work: usize) -> Result<(), EvalError> {
        self.work += work;
        if self.work < WORK_MAX {
            return Ok(());
        }
        self.work = 0;
        self.budget.check()
    }
}

impl RangeCall {
    /// A parameter at a step.
    fn param(&self, at: usize, step: usize) -> f64 {
        self.params.get(at).and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN)
    }

    /// The first and the last time of which a sample may be needed.
    pub(super) fn span_ms(&self) -> (i64, i64) {
        let (before, after) = match self.extension {
            Some(Extension::Anchored) => (self.lookback_ms, 0),
            Some(Extension::Smoothed) => (self.lookback_ms, self.lookback_ms),
            None => (0, 0),
        };
        let start = self.moments.first().saturating_sub(self.range_ms).saturating_sub(before);
        (start.saturating_add(1), self.moments.last().saturating_add(after))
    }

    /// The windows over `points`, each with all samples that the function may need.
    pub(super) fn windows_of<'a>(&'a self, points: &'a Points) -> Windows<'a> {
        Windows::new(self, points)
    }

    fn windows<'a>(&'a self, points: &'a Points) -> Windows<'a> {
        Windows::new(self, points)
    }

    /// Computes the function at every step; `cells` is empty before. Markers of ends must not be among `points`.
    pub(super) fn fill(
        &self,
        points: &Points,
        cells: &mut Cells,
        about: &About<'_>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), EvalError> {
        use RangeFunction as F;
        ticker.tick(points.len() + self.moments.len())?;
        match self.function {
            F::Rate | F::Increase | F::Delta => rate::fill(self, points, cells, about, ticker),
            F::Changes | F::Resets => pairs::fill(self, points, cells, ticker),
            F::Sum | F::Avg => sums::fill(self, points, cells, about, ticker),
            F::Max | F::Min => over::extremes(self, points, cells, about, ticker),
            F::Count => {
                over::count(self, points, cells);
                Ok(())
            }
            F::Irate
            | F::Idelta
            | F::Deriv
            | F::PredictLinear
            | F::DoubleExponentialSmoothing
            | F::First
            | F::Last
            | F::Mad
            | F::Present
            | F::Quantile
            | F::Stddev
            | F::Stdvar
            | F::TimeOfFirst
            | F::TimeOfLast
            | F::TimeOfMax
            | F::TimeOfMin => {
                for window in self.windows(points) {
                    ticker.tick(1 + window.len())?;
                    match self.function {
                        F::Irate | F::Idelta => last_two::set(self, &window, cells, about),
                        F::Deriv | F::PredictLinear | F::DoubleExponentialSmoothing => {
                            line::set(self, &window, cells, about)?;
                        }
                        _ => over::set(self, &window, cells, about),
                    }
                }
                Ok(())
            }
        }
    }
}

/// The difference of two times in seconds.
#[expect(clippy::cast_precision_loss, reason = "differences of times are small")]
#[inline]
pub(super) fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}

/// Whether counting began anew between two samples, as their start times tell.
pub(super) fn start_resets(before_start: i64, before: i64, start: i64, at: i64) -> bool {
    if start == 0 || start >= at || start < before {
        return false;
    }
    if start > before {
        return true;
    }
    // A start at the sample before is a reset where values are differences, but not where the start is unknown.
    before_start != 0 && before_start < before
}

/// Whether a sample says that it began before the sample before it ended.
pub(super) fn start_overlaps(before_start: i64, before: i64, start: i64) -> bool {
    start != 0 && start < before && start != before_start
}
