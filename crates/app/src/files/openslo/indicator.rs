//! `kind: SLI`, and the indicator inside an SLO.

use super::{description, source};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
};

const RATIO_FIELDS: [&str; 6] = ["counter", "good", "bad", "total", "rawType", "raw"];

/// Checks the SLI of a document, or of an inline `indicator`.
pub(super) fn check(map: Map<'_>) {
    let fields = ["description", "thresholdMetric", "ratioMetric"];
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&fields)) else { return };
    description(spec);
    spec.exclusive(&["thresholdMetric", "ratioMetric"], true);
    if let Some(threshold) = spec.optional("thresholdMetric") {
        metric(threshold);
    }
    if let Some(ratio) = spec.optional("ratioMetric").and_then(|ratio| ratio.map(&RATIO_FIELDS)) {
        check_ratio(ratio);
    }
}

/// Whether an indicator that `check` passed measures a ratio.
pub(super) fn is_ratio(map: Map<'_>) -> bool {
    ratio(map).is_some()
}

/// `spec.ratioMetric` of a checked indicator.
pub(super) fn ratio(map: Map<'_>) -> Option<Map<'_>> {
    map.optional("spec")?.any_map()?.optional("ratioMetric")?.any_map()
}

/// `spec.thresholdMetric` of a checked indicator.
pub(super) fn threshold(map: Map<'_>) -> Option<Field<'_>> {
    map.optional("spec")?.any_map()?.optional("thresholdMetric")
}

fn check_ratio(ratio: Map<'_>) {
    ratio.optional("counter").map(Field::bool);
    ratio.exclusive(&["total", "raw"], true);
    if ratio.optional("raw").is_some() {
        ratio.exclusive(&["raw", "good", "bad"], false);
        let choices = [("success", ()), ("failure", ())];
        ratio.required("rawType").and_then(|kind| kind.choice(&choices));
    } else if let Some(kind) = ratio.optional("rawType") {
        kind.choice(&[("success", ()), ("failure", ())]);
    }
    if ratio.optional("total").is_some() && ratio.optional("raw").is_none() {
        ratio.exclusive(&["good", "bad"], true);
    }
    for name in ["good", "bad", "total", "raw"] {
        if let Some(field) = ratio.optional(name) {
            metric(field);
        }
    }
}

fn metric(field: Field<'_>) {
    let Some(map) = field.map(&["metricSource"]) else { return };
    let fields = ["metricSourceRef", "type", "spec"];
    let Some(source) = map.required("metricSource").and_then(|source| source.map(&fields)) else {
        return;
    };
    if let Some(reference) = source.optional("metricSourceRef") {
        reference.dns_label();
    }
    if let Some(kind) = source.optional("type") {
        kind.filled();
    }
    if let Some(spec) = source.required("spec").and_then(Field::any_map) {
        if spec.is_empty() {
            spec.field().error(Code::MISSING_FIELD, "`spec` is empty", "say what to count");
        }
        source::check_spec(source, spec);
    }
}
