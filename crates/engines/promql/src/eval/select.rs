//! Instant selectors: the latest sample within the lookback, at each step.

use model::{Sample, Series};

use super::{Column, Context, EvalError, Query};
use crate::ast::{At, Selector, Shift};

impl Context<'_> {
    pub(super) fn instant(&mut self, selector: &Selector) -> Result<Vec<Column>, EvalError> {
        let lookback = self.limits.lookback_ms;
        let moments = self.moments(selector.shift);
        let series = self.read(selector, &moments, lookback)?;
        let mut columns = Vec::new();
        for series in series {
            if let Some(values) = self.looked_up(&series, &moments, |sample| sample.value)? {
                columns.push(Column { labels: series.labels, values });
            }
        }
        Ok(columns)
    }

    /// What `pick` takes from the sample that each of `moments` sees; `None` when none sees any.
    pub(super) fn looked_up(
        &mut self,
        series: &Series,
        moments: &[i64],
        pick: impl Fn(Sample) -> f64,
    ) -> Result<Option<Vec<Option<f64>>>, EvalError> {
        self.tick(moments.len())?;
        self.spend(moments.len())?;
        let values: Vec<_> = latest(&series.samples, moments, self.limits.lookback_ms)
            .map(|found| found.map(&pick))
            .collect();
        if values.iter().any(Option::is_some) {
            return Ok(Some(values));
        }
        self.samples_left += moments.len();
        Ok(None)
    }

    /// The moment that each step looks at, after `offset` and `@`.
    pub(super) fn moments(&self, shift: Shift) -> Vec<i64> {
        let at = shift.at.map(|at| match at {
            At::Time(ms) => ms,
            At::Start => self.top.start_ms,
            At::End => self.top.end_ms,
        });
        (0..self.query.steps())
            .map(|step| {
                at.unwrap_or_else(|| self.query.moment(step)).saturating_sub(shift.offset_ms)
            })
            .collect()
    }

    /// All samples that windows of `range_ms` before `moments` can need.
    pub(super) fn read(
        &mut self,
        selector: &Selector,
        moments: &[i64],
        range_ms: i64,
    ) -> Result<Vec<Series>, EvalError> {
        let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
            return Ok(Vec::new());
        };
        let start = first.saturating_sub(range_ms).saturating_add(1);
        let series = self
            .source
            .select(&selector.matchers, start, *last, self.samples_left)
            .map_err(EvalError::Source)?;
        self.spend(series.iter().map(|series| series.samples.len()).sum())?;
        Ok(series)
    }
}

impl Query {
    /// The steps of a subquery that ends with the last of `moments`: multiples of the step, as Prometheus aligns them.
    pub(super) fn inner(moments: &[i64], range_ms: i64, step_ms: i64) -> Option<Self> {
        let (first, last) = (*moments.first()?, *moments.last()?);
        let start = first.saturating_sub(range_ms);
        let aligned = start.div_euclid(step_ms).saturating_mul(step_ms);
        let start_ms = if aligned <= start { aligned.saturating_add(step_ms) } else { aligned };
        Some(Self { start_ms, end_ms: last, step_ms })
    }
}

/// For each moment the last sample in `(moment - lookback, moment]`, unless it marks the series' end.
fn latest(
    samples: &[Sample],
    moments: &[i64],
    lookback_ms: i64,
) -> impl Iterator<Item = Option<Sample>> {
    moments.iter().map(move |moment| {
        let after = samples.partition_point(|sample| sample.at_ms <= *moment);
        let sample = samples.get(after.checked_sub(1)?)?;
        (sample.at_ms > moment.saturating_sub(lookback_ms) && !sample.is_stale()).then_some(*sample)
    })
}
