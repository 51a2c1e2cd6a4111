//! What grew between two sets of traces.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{Operation, Profile, Times, as_f64};

/// How much longer (or shorter) the ends wait for an operation, in seconds of a trace in the mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub operation: Operation,
    pub before_secs: f64,
    pub after_secs: f64,
    /// The standard error of the difference; a change of less than two of them may be chance.
    pub error_secs: f64,
    /// The part of the whole change of a critical path's length that this operation makes; above 1 when others made up for it,
    /// below 0 when it went against it. 0 when the whole did not change.
    pub part: f64,
}

impl Change {
    pub fn growth_secs(&self) -> f64 {
        self.after_secs - self.before_secs
    }
}

/// Mean of a trace in nanoseconds, and the variance of that mean; traces without the operation count as 0.
fn mean(times: Option<&Times>, traces: u64) -> (f64, f64) {
    let Some(times) = times.filter(|_| traces > 0) else { return (0.0, 0.0) };
    let count = as_f64(traces.into());
    let mean = as_f64(times.sum) / count;
    if traces < 2 {
        return (mean, 0.0);
    }
    let spread = (times.squares - count * mean * mean).max(0.0) / (count - 1.0);
    (mean, spread / count)
}

impl Profile {
    /// What changed from this set to `after`, the largest growth first.
    pub fn compare(&self, after: &Self) -> Vec<Change> {
        let mut both: BTreeMap<Operation, (Option<&Times>, Option<&Times>)> = BTreeMap::new();
        for (operation, at) in self.named() {
            both.entry(operation).or_default().0 = self.times.get(at as usize);
        }
        for (operation, at) in after.named() {
            both.entry(operation).or_default().1 = after.times.get(at as usize);
        }
        let whole = |profile: &Self| {
            if profile.traces == 0 {
                0.0
            } else {
                as_f64(profile.total) / as_f64(profile.traces.into())
            }
        };
        let whole = whole(after) - whole(self);
        let change = |(operation, (was, is))| {
            let (was, was_variance) = mean(was, self.traces);
            let (is, is_variance) = mean(is, after.traces);
            Change {
                operation,
                before_secs: was / 1e9,
                after_secs: is / 1e9,
                error_secs: (was_variance + is_variance).sqrt() / 1e9,
                part: if whole == 0.0 { 0.0 } else { (is - was) / whole },
            }
        };
        let mut changes: Vec<Change> = both.into_iter().map(change).collect();
        changes.sort_by(|a, b| {
            b.growth_secs().partial_cmp(&a.growth_secs()).unwrap_or(Ordering::Equal)
        });
        changes
    }
}
