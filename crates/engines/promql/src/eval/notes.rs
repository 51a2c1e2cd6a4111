//! What is to be said of a query's value, in Prometheus' words.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Quoted, Timestamp};

use super::Annotations;
use crate::{
    histogram::Fixed,
    number::{General, TwoDigits},
    span::Span,
};

/// During what histograms were joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Join {
    Addition,
    Subtraction,
    Aggregation,
}

impl Join {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// One thing to be said; numbers are their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The ratio, and what is taken for it.
    InvalidRatio(u64, i8),
    InvalidQuantile(u64),
    BadBucketLabel,
    MixedFloatsHistograms,
    MixedFloatsHistogramsAggregation,
    MixedClassicNative,
    NotCounter,
    NotGauge,
    MixedSchemas,
    IncompatibleLayout(&'static str),
    StartTimeOverlap,
    ResetCollision(Join),
    PossibleNonCounter,
    PossibleNonCounterLabel,
    ForcedMonotonic,
    IncompatibleTypes(&'static str, &'static str, &'static str),
    IgnoredInAggregation(&'static str),
    IgnoredInMixedRange,
    QuantileIsNan,
    QuantileIsSkewed,
    FractionLacksNan,
    MismatchedBuckets(Join),
}

/// What was changed to make counts ascend, over all steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Forced {
    fixed: Fixed,
    first_ms: i64,
    last_ms: i64,
    count: u64,
}

#[derive(Clone, Debug)]
struct Note {
    span: Span,
    forced: Option<Forced>,
}

type Said = BTreeMap<(Kind, String), Note>;

/// What a part of the query said; each thing once, where it was said first.
#[derive(Debug, Default)]
pub(super) struct Notes {
    said: Mutex<Said>,
}

impl Notes {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn into_said(self) -> Said {
        self.said.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says `kind` of the part at `span`; `about` is the metric's name or another word, `""` for none.
    pub(super) fn add(&self, kind: Kind, span: Span, about: &str) {
        let mut said = self.said();
        said.entry((kind, about.to_owned())).or_insert(Note { span, forced: None });
    }

    /// Says that the counts of a classic histogram did not ascend at `at_ms`.
    pub(super) fn forced(&self, fixed: Fixed, at_ms: i64, span: Span, name: &str) {
        let new = Forced { fixed, first_ms: at_ms, last_ms: at_ms, count: 1 };
        let note = Note { span, forced: Some(new) };
        self.put((Kind::ForcedMonotonic, name.to_owned()), note);
    }

    fn put(&self, key: (Kind, String), note: Note) {
        let mut said = self.said();
        let Some(before) = said.get_mut(&key) else {
            said.insert(key, note);
            return;
        };
        if let (Some(ours), Some(theirs)) = (&mut before.forced, note.forced) {
            ours.fixed.lowest = ours.fixed.lowest.min(theirs.fixed.lowest);
            ours.fixed.highest = ours.fixed.highest.max(theirs.fixed.highest);
            ours.fixed.difference_max = ours.fixed.difference_max.max(theirs.fixed.difference_max);
            ours.first_ms = ours.first_ms.min(theirs.first_ms);
            ours.last_ms = ours.last_ms.max(theirs.last_ms);
            ours.count += theirs.count;
        }
    }

    /// Takes over what another part said.
    pub(super) fn join(&self, other: Self) {
        for (key, note) in other.into_said() {
            self.put(key, note);
        }
    }

    /// As texts, with positions within `text`.
    pub(super) fn annotations(self, text: &str) -> Annotations {
        let mut out = Annotations::default();
        for ((kind, about), note) in self.into_said() {
            let (is_warning, words) = words(kind, &about, &note);
            let (line, column) = if text.is_empty() {
                (1, note.span.start + 1)
            } else {
                note.span.line_and_column(text)
            };
            let list = if is_warning { &mut out.warnings } else { &mut out.infos };
            let grade = if is_warning { "warning" } else { "info" };
            list.push(format!("PromQL {grade}: {words} ({line}:{column})"));
        }
        out.warnings.sort();
        out.infos.sort();
        out
    }
}

const MONOTONIC: &str = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

/// Whether it is a warning, and its words.
#[expect(clippy::too_many_lines, reason = "one line for each thing that can be said")]
fn words(kind: Kind, about: &str, note: &Note) -> (bool, String) {
    let name = Quoted(about);
    let maybe_named = |words: &str| {
        if about.is_empty() { words.to_owned() } else { format!("{words} for metric name {name}") }
    };
    let warning = |words: String| (true, words);
    let info = |words: String| (false, words);
    match kind {
        Kind::InvalidRatio(bits, to) => warning(format!(
            "ratio value should be between -1 and 1, got {}, capping to {to}",
            General(f64::from_bits(bits))
        )),
        Kind::InvalidQuantile(bits) => warning(format!(
            "quantile value should be between 0 and 1, got {}",
            General(f64::from_bits(bits))
        )),
        Kind::BadBucketLabel => {
            let (metric, label) = about.split_once('\0').unwrap_or(("", about));
            let words = format!(
                "bucket label \"le\" is missing or has a malformed value of {}",
                Quoted(label)
            );
            warning(if metric.is_empty() {
                words
            } else {
                format!("{words} for metric name {}", Quoted(metric))
            })
        }
        Kind::MixedFloatsHistograms => {
            warning(format!("encountered a mix of histograms and floats for metric name {name}"))
        }
        Kind::MixedFloatsHistogramsAggregation => {
            warning("encountered a mix of histograms and floats for aggregation".to_owned())
        }
        Kind::MixedClassicNative => {
            warning(maybe_named("vector contains a mix of classic and native histograms"))
        }
        Kind::NotCounter => {
            warning(format!("this native histogram metric is not a counter: {name}"))
        }
        Kind::NotGauge => warning(format!("this native histogram metric is not a gauge: {name}")),
        Kind::MixedSchemas => warning(format!(
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {name}"
        )),
        Kind::IncompatibleLayout(op) => {
            warning(format!("incompatible bucket layout encountered for binary operator {op}"))
        }
        Kind::StartTimeOverlap => warning(format!(
            "sample has start time that overlaps with previous sample timestamp for metric {name}"
        )),
        Kind::ResetCollision(join) => {
            warning(format!("conflicting counter resets during histogram {}", join.as_str()))
        }
        Kind::PossibleNonCounter => info(format!(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name}"
        )),
        Kind::PossibleNonCounterLabel => {
            let (metric, label) = about.split_once('\0').unwrap_or((about, ""));
            info(format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                Quoted(label),
                Quoted(metric)
            ))
        }
        Kind::ForcedMonotonic => {
            let mut words = maybe_named(MONOTONIC);
            if let Some(forced) = note.forced {
                let at = |ms: i64| Timestamp::from_millis(ms.div_euclid(1000) * 1000);
                // Writing to a string does not fail.
                let _written = write!(
                    words,
                    ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
                    General(forced.fixed.lowest),
                    General(forced.fixed.highest),
                    TwoDigits(forced.fixed.difference_max),
                    forced.count,
                    seconds(at(forced.first_ms)),
                    seconds(at(forced.last_ms)),
                );
            }
            info(words)
        }
        Kind::IncompatibleTypes(left, op, right) => info(format!(
            "incompatible sample types encountered for binary operator \"{op}\": {left} {op} {right}"
        )),
        Kind::IgnoredInAggregation(aggregation) => {
            info(format!("ignored histogram in {aggregation} aggregation"))
        }
        Kind::IgnoredInMixedRange => info(format!(
            "ignored histograms in a range containing both floats and histograms for metric name {name}"
        )),
        Kind::QuantileIsNan => {
            info(maybe_named("input to histogram_quantile has NaN observations, result is NaN"))
        }
        Kind::QuantileIsSkewed => info(maybe_named(
            "input to histogram_quantile has NaN observations, result is skewed higher",
        )),
        Kind::FractionLacksNan => info(maybe_named(
            "input to histogram_fraction has NaN observations, which are excluded from all fractions",
        )),
        Kind::MismatchedBuckets(join) => {
            info(format!("mismatched custom buckets were reconciled during {}", join.as_str()))
        }
    }
}

/// RFC 3339 without a fraction of seconds.
fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => text,
    }
}
