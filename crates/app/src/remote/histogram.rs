//! Native histograms as Prometheus' API writes them: a list of buckets with their bounds. The schema is found again from the
//! bounds: those of exponential buckets are powers of one base; others are custom buckets.

use model::{BucketSpan, Histogram as Native};
use serde::Deserialize;

use super::answer::Number;

/// Buckets in one histogram beyond which it is refused.
const BUCKETS_MAX: usize = 10_000;
/// The furthest that a bucket's index can be: that of the largest number at the finest schema.
const INDEX_MAX: f64 = 1024.0 * 256.0 + 1.0;

#[derive(Debug, Deserialize)]
pub(super) struct Histogram {
    count: Number,
    sum: Number,
    /// Which bounds belong to it, lower bound, upper bound, count.
    #[serde(default)]
    buckets: Vec<(u8, Number, Number, Number)>,
}

/// Which buckets there are: their index and count.
type Side = Vec<(i32, f64)>;

impl Histogram {
    /// # Errors
    /// When there are too many buckets, or their bounds are none of a histogram's.
    pub(super) fn into_model(self) -> Result<Native, String> {
        if self.buckets.len() > BUCKETS_MAX {
            return Err(format!("a histogram has more than {BUCKETS_MAX} buckets"));
        }
        let base = Native { count: self.count.0, sum: self.sum.0, ..Native::default() };
        let plain: Vec<[f64; 3]> =
            self.buckets.iter().map(|(_, low, high, count)| [low.0, high.0, count.0]).collect();
        exponential(&base, &plain)
            .or_else(|| custom(base, &plain))
            .ok_or_else(|| "a histogram's buckets have no bounds of a known schema".to_owned())
    }
}

/// With the schema for which all bounds are powers of its base.
fn exponential(base: &Native, buckets: &[[f64; 3]]) -> Option<Native> {
    let is_zero = |[low, high, _]: &&[f64; 3]| *low <= 0.0 && *high >= 0.0;
    let sided = buckets.iter().find(|bucket| !is_zero(bucket));
    let schema = match sided {
        None => 0,
        Some([low, high, _]) => {
            let (near, far) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
            let schema = -(far / near).log2().log2().round();
            if !(-4.0..=8.0).contains(&schema) {
                return None;
            }
            whole(schema)?
        }
    };
    let (mut positive, mut negative) = (Side::new(), Side::new());
    let mut native = Native { schema, ..base.clone() };
    for bucket in buckets {
        let [low, high, count] = *bucket;
        if is_zero(&bucket) {
            (native.zero_threshold, native.zero_count) = (high, count);
            continue;
        }
        let index = (low.abs().max(high.abs())).log2() * 2_f64.powi(schema);
        if (index - index.round()).abs() > 1e-6 || index.abs() > INDEX_MAX {
            return None;
        }
        let side = if low > 0.0 { &mut positive } else { &mut negative };
        side.push((whole(index.round())?, count));
    }
    (native.positive_spans, native.positive) = spans(positive)?;
    (native.negative_spans, native.negative) = spans(negative)?;
    Some(native)
}

/// With the bounds that stand there as custom ones.
fn custom(base: Native, buckets: &[[f64; 3]]) -> Option<Native> {
    let mut native = Native { schema: Native::CUSTOM, ..base };
    let mut side = Side::new();
    for &[low, high, count] in buckets {
        if low != f64::NEG_INFINITY && native.custom_values.last() != Some(&low) {
            native.custom_values.push(low);
        }
        side.push((i32::try_from(native.custom_values.len()).ok()?, count));
        if high != f64::INFINITY {
            native.custom_values.push(high);
        }
    }
    (native.positive_spans, native.positive) = spans(side)?;
    native.validate().is_ok().then_some(native)
}

/// `None` when an index comes twice.
fn spans(mut side: Side) -> Option<(Vec<BucketSpan>, Vec<f64>)> {
    side.sort_by_key(|(index, _)| *index);
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next = 0;
    for (at, (index, _)) in side.iter().enumerate() {
        let gap = index - next;
        if at > 0 && gap < 0 {
            return None;
        }
        match spans.last_mut() {
            Some(last) if gap == 0 => last.length += 1,
            _ => spans.push(BucketSpan { offset: gap, length: 1 }),
        }
        next = index + 1;
    }
    Some((spans, side.into_iter().map(|(_, count)| count).collect()))
}

fn whole(value: f64) -> Option<i32> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let whole = value as i32;
    (f64::from(whole) == value).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Native {
        serde_json::from_str::<Histogram>(json).unwrap().into_model().unwrap()
    }

    #[test]
    fn exponential_buckets_get_their_schema_back() {
        let native = read(
            r#"{"count":"9","sum":"3","buckets":[[1,"-2","-1.4142135623730951","1"],[3,"-0.001","0.001","2"],[0,"1","1.4142135623730951","3"],[0,"2","2.8284271247461903","3"]]}"#,
        );
        assert_eq!((native.schema, native.zero_count, native.zero_threshold), (1, 2.0, 0.001));
        assert_eq!(native.positive, [3.0, 3.0]);
        assert_eq!(native.negative, [1.0]);
    }

    #[test]
    fn other_bounds_are_custom_ones() {
        let native = read(
            r#"{"count":"6","sum":"3","buckets":[[3,"-Inf","0.5","1"],[0,"0.5","0.7","2"],[0,"5","+Inf","3"]]}"#,
        );
        assert_eq!(native.schema, Native::CUSTOM);
        assert_eq!(native.custom_values, [0.5, 0.7, 5.0]);
        assert_eq!(native.positive, [1.0, 2.0, 3.0]);
        assert_eq!(native.validate(), Ok(()));
    }
}
