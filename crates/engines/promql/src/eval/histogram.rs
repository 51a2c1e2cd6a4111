//! `histogram_quantile` over classic buckets.

use std::collections::BTreeMap;

use model::Labels;

use super::{Column, Context, EvalError};

impl Context<'_> {
    /// Groups `_bucket` series by all labels but `le`, and interpolates within the bucket that holds the quantile.
    pub(super) fn histogram_quantile(
        &mut self,
        q: &[f64],
        columns: Vec<Column>,
    ) -> Result<Vec<Column>, EvalError> {
        let mut groups: BTreeMap<Labels, Vec<(f64, Column)>> = BTreeMap::new();
        for column in columns {
            let Some(bound) = column.labels.get("le").and_then(|le| le.parse::<f64>().ok()) else {
                continue;
            };
            let labels = column.labels.filtered(|name| name != "le" && name != Labels::METRIC_NAME);
            groups.entry(labels).or_default().push((bound, column));
        }
        let mut found = Vec::with_capacity(groups.len());
        for (labels, mut buckets) in groups {
            self.spend(q.len())?;
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut values = Vec::with_capacity(q.len());
            for (step, q) in q.iter().enumerate() {
                self.tick(buckets.len())?;
                let counts: Vec<(f64, f64)> = buckets
                    .iter()
                    .filter_map(|(bound, column)| Some((*bound, column.values[step]?)))
                    .collect();
                values.push((!counts.is_empty()).then(|| bucket_quantile(*q, counts)));
            }
            found.push(Column { labels, values });
        }
        Ok(found)
    }
}

/// `buckets`: upper bounds in order with cumulative counts; the last must be `+Inf`.
fn bucket_quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() || buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // Buckets of one bound are one bucket; counts that fall, as scrapes that raced give, are raised.
    buckets.dedup_by(|b, a| {
        a.0 == b.0 && {
            a.1 += b.1;
            true
        }
    });
    for at in 1..buckets.len() {
        buckets[at].1 = buckets[at].1.max(buckets[at - 1].1);
    }
    let total = buckets[buckets.len() - 1].1;
    if buckets.len() < 2 || total == 0.0 {
        return f64::NAN;
    }
    let rank = q * total;
    let at = buckets.iter().position(|(_, count)| *count >= rank).unwrap_or(buckets.len() - 1);
    if at == buckets.len() - 1 {
        return buckets[at - 1].0;
    }
    let (upper, count) = buckets[at];
    if at == 0 && upper <= 0.0 {
        return upper;
    }
    let (lower, before) = if at == 0 { (0.0, 0.0) } else { buckets[at - 1] };
    lower + (upper - lower) * ((rank - before) / (count - before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_within_a_bucket() {
        let buckets = || vec![(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 20.0)];
        assert_eq!(bucket_quantile(0.5, buckets()), 1.0);
        assert_eq!(bucket_quantile(0.75, buckets()), 1.5);
        assert_eq!(bucket_quantile(1.0, buckets()), 2.0);
        assert_eq!(bucket_quantile(0.25, buckets()), 0.5);
        assert!(bucket_quantile(0.5, vec![(1.0, 10.0)]).is_nan());
        assert_eq!(bucket_quantile(1.5, buckets()), f64::INFINITY);
    }
}
