//! What did not make it, counted by reason.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::redact::Findings;

/// How often something happened, by its name.
pub type Counts = BTreeMap<&'static str, u64>;

/// What kind of record was refused; the unit that OTLP's `partial_success` counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    Spans,
    Logs,
    /// Data points or samples.
    Samples,
}

impl Signal {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Samples => "samples",
        }
    }
}

/// Reasons that ingest itself gives; stores add their own.
pub mod reason {
    /// A span without a trace id or span id.
    pub const INVALID_ID: &str = "invalid_id";
    /// A record without a time.
    pub const NO_TIME: &str = "no_time";
    /// Dated too far ahead of our clock.
    pub const FUTURE: &str = "future";
    pub const NO_METRIC_NAME: &str = "no_metric_name";
    pub const INVALID_LABEL: &str = "invalid_label";
    pub const DUPLICATE_LABEL: &str = "duplicate_label";
    pub const TOO_MANY_LABELS: &str = "too_many_labels";
    pub const LABEL_VALUE_TOO_LONG: &str = "label_value_too_long";
    pub const INVALID_HISTOGRAM: &str = "invalid_histogram";
    pub const NO_TEMPORALITY: &str = "no_temporality";
    pub const NO_DATA: &str = "no_data";
    /// A delta that is not newer than the one before, such as a retried one.
    pub const DELTA_OUT_OF_ORDER: &str = "delta_out_of_order";
    /// There is no room to remember one more delta series.
    pub const DELTA_STATE_FULL: &str = "delta_state_full";
}

/// Records refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub signal: Signal,
    /// A stable word: one of [`reason`], or a store's own.
    pub reason: &'static str,
    pub count: u64,
    /// The first case in words: which record, what is allowed, which setting.
    pub message: Cow<'static, str>,
    /// Of samples that a store refused: the series' place in the batch, and the time in milliseconds.
    pub places: Vec<(usize, i64)>,
}

/// The leader of a series that no data point made.
pub(crate) const NO_POINT: u32 = u32::MAX;

/// Counts data points in place of the samples that became of them; what no data point made is left out.
///
/// `leaders` has each series' leader, as [`crate::Ingested::leaders`].
pub fn by_point(mut refused: Vec<Refused>, leaders: &[u32]) -> Vec<Refused> {
    let mut seen = BTreeSet::new();
    for refused in refused.iter_mut().filter(|refused| !refused.places.is_empty()) {
        let first = |(series, at_ms): &&(usize, i64)| match leaders.get(*series) {
            Some(&NO_POINT) => false,
            Some(&leader) => seen.insert((leader, *at_ms)),
            None => true,
        };
        refused.count = refused.places.iter().filter(first).count() as u64;
    }
    refused.retain(|refused| refused.count > 0);
    refused
}

/// The running counts of one request.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) refused: BTreeMap<(Signal, &'static str), Refused>,
    pub(crate) redacted: Findings,
    pub(crate) trimmed: Counts,
}

impl Tally {
    /// Counts `count` records; `message` is asked for only once per reason.
    pub(crate) fn refuse(
        &mut self,
        signal: Signal,
        reason: &'static str,
        count: u64,
        message: impl FnOnce() -> String,
    ) {
        if count == 0 {
            return;
        }
        self.refused
            .entry((signal, reason))
            .and_modify(|refused| refused.count += count)
            .or_insert_with(|| Refused {
                signal,
                reason,
                count,
                message: message().into(),
                places: Vec::new(),
            });
    }

    pub(crate) fn trim(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.trimmed.entry(what).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_point_count_once_and_those_of_none_not_at_all() {
        let refused = |reason, places: &[(usize, i64)]| Refused {
            signal: Signal::Samples,
            reason,
            count: places.len().max(2) as u64,
            message: "".into(),
            places: places.to_vec(),
        };
        let all = vec![
            refused("ours", &[]),
            refused("old", &[(0, 1), (1, 1), (2, 1), (0, 2), (3, 1)]),
            refused("limit", &[(2, 1), (4, 1)]),
            refused("info", &[(4, 1)]),
        ];
        let counts = |leaders: &[u32]| -> Vec<_> {
            by_point(all.clone(), leaders).iter().map(|one| (one.reason, one.count)).collect()
        };
        assert_eq!(counts(&[0, 0, 0, 3, NO_POINT]), [("ours", 2), ("old", 3)]);
        assert_eq!(counts(&[]), [("ours", 2), ("old", 5), ("limit", 2), ("info", 1)]);
    }
}
