//! `global`: what jobs inherit.

use std::time::Duration;

use scrape::{
    Job, LabelSet, Protocol,
    config::JobLimits,
    name::{Escaping, Scheme},
};

use super::{Origin, value};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
};

const FIELDS: [&str; 23] = [
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "evaluation_interval",
    "rule_query_offset",
    "query_log_file",
    "scrape_failure_log_file",
    "external_labels",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "scrape_native_histograms",
    "convert_classic_histograms_to_nhcb",
    "always_scrape_classic_histograms",
    "extra_scrape_metrics",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
];

/// What is set for all jobs that do not say it themselves.
#[derive(Clone, Debug)]
pub(super) struct Global {
    pub interval: Duration,
    pub timeout: Duration,
    pub external_labels: LabelSet,
    /// As the file lists them.
    pub protocols: Option<Vec<Protocol>>,
    pub limits: JobLimits,
    pub scheme: Scheme,
    /// As the file says it.
    pub escaping: Option<Escaping>,
    pub switches: Switches,
}

/// What is on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Switches {
    pub native_histograms: bool,
    pub convert_classic: bool,
    pub classic_histograms: bool,
    pub extra_metrics: bool,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            interval: Job::INTERVAL,
            timeout: Job::TIMEOUT,
            external_labels: LabelSet::new(),
            protocols: None,
            limits: JobLimits::default(),
            scheme: Scheme::default(),
            escaping: None,
            switches: Switches::default(),
        }
    }
}

pub(super) fn read(field: Option<Field<'_>>, origin: Origin<'_>) -> Global {
    let Some(map) = field.and_then(|field| field.map(&FIELDS)) else { return Global::default() };
    let default = Global::default();
    let (interval, timeout) =
        times(map, &default, "global scrape timeout greater than scrape interval");
    for name in ["evaluation_interval", "rule_query_offset"] {
        map.optional(name).and_then(Field::duration);
    }
    for name in ["query_log_file", "scrape_failure_log_file"] {
        if map.optional(name).and_then(Field::text).is_some_and(|text| !text.is_empty()) {
            let hint = "failed scrapes stand in the server's log and in `/api/v1/targets`";
            map.field().warning(Code::NOT_HERE, format!("`{name}` has no effect here"), hint);
        }
    }
    let scheme = map.optional("metric_name_validation_scheme").and_then(value::scheme);
    let scheme = scheme.unwrap_or(default.scheme);
    let escaping = map.optional("metric_name_escaping_scheme").and_then(value::escaping);
    if let (Some(field), Some(escaping)) = (map.optional("metric_name_escaping_scheme"), escaping) {
        value::check_escaping(field, scheme, escaping);
    }
    Global {
        interval,
        timeout,
        external_labels: external_labels(map, origin),
        protocols: map.optional("scrape_protocols").and_then(value::protocols),
        limits: limits(map, &default.limits),
        scheme,
        escaping,
        switches: switches(map, default.switches),
    }
}

/// The interval, and the timeout that is not above it.
pub(super) fn times(map: Map<'_>, default: &Global, above: &str) -> (Duration, Duration) {
    let read =
        |name: &str| map.optional(name).and_then(Field::duration).filter(|found| !found.is_zero());
    let interval = read("scrape_interval").unwrap_or(default.interval);
    match (read("scrape_timeout"), map.optional("scrape_timeout")) {
        (Some(timeout), Some(field)) => {
            if timeout > interval {
                field.error(Code::OUT_OF_RANGE, above, "a scrape ends before the next one begins");
            }
            (interval, timeout)
        }
        _ => (interval, default.timeout.min(interval)),
    }
}

/// The limits that `map` says; where it says none or 0, those of `default`.
pub(super) fn limits(map: Map<'_>, default: &JobLimits) -> JobLimits {
    let count = |name: &str, default: u64| {
        let found = map.optional(name).and_then(|field| field.integer(0..=i64::MAX));
        found
            .and_then(|count| u64::try_from(count).ok())
            .filter(|count| *count > 0)
            .unwrap_or(default)
    };
    let factor = map.optional("native_histogram_min_bucket_factor").and_then(Field::number);
    JobLimits {
        body_bytes: map
            .optional("body_size_limit")
            .and_then(value::bytes)
            .filter(|bytes| *bytes > 0)
            .unwrap_or(default.body_bytes),
        samples: count("sample_limit", default.samples),
        targets: count("target_limit", default.targets),
        labels: count("label_limit", default.labels),
        label_name_bytes: count("label_name_length_limit", default.label_name_bytes),
        label_value_bytes: count("label_value_length_limit", default.label_value_bytes),
        dropped_kept: count("keep_dropped_targets", default.dropped_kept),
        buckets: count("native_histogram_bucket_limit", default.buckets),
        bucket_factor: factor.filter(|factor| *factor > 0.0).unwrap_or(default.bucket_factor),
    }
}

pub(super) fn switches(map: Map<'_>, default: Switches) -> Switches {
    let read =
        |name: &str, default: bool| map.optional(name).and_then(Field::bool).unwrap_or(default);
    Switches {
        native_histograms: read("scrape_native_histograms", default.native_histograms),
        convert_classic: read("convert_classic_histograms_to_nhcb", default.convert_classic),
        classic_histograms: read("always_scrape_classic_histograms", default.classic_histograms),
        extra_metrics: read("extra_scrape_metrics", default.extra_metrics),
    }
}

fn external_labels(map: Map<'_>, origin: Origin<'_>) -> LabelSet {
    let mut labels = LabelSet::new();
    for (name, value) in value::label_pairs(map, "external_labels") {
        labels.set(&name, &value::expanded(&value, &origin.variable));
    }
    labels
}
