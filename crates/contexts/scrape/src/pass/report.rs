//! What a scrape says of itself: `up` and `scrape_…`.

use std::time::Duration;

use model::{Labels, Sample};

use super::Counts;
use crate::LabelSet;

/// How a scrape went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    pub up: bool,
    pub duration: Duration,
    pub counts: Counts,
    /// With the further series.
    pub extra: Option<Extra>,
}

/// What `extra_scrape_metrics` adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extra {
    pub timeout: Duration,
    pub sample_limit: u64,
    /// Inflated; `None` when it was above `body_size_limit`.
    pub body_bytes: Option<u64>,
}

/// The report's series, without the target's labels; each scrape writes the same names in the same order.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn report(report: &Report) -> Vec<(&'static str, f64)> {
    let counts = &report.counts;
    let mut values = vec![
        ("up", f64::from(u8::from(report.up))),
        ("scrape_duration_seconds", report.duration.as_secs_f64()),
        ("scrape_samples_scraped", counts.scraped as f64),
        ("scrape_samples_post_metric_relabeling", counts.kept as f64),
        ("scrape_series_added", counts.added as f64),
    ];
    if let Some(extra) = &report.extra {
        values.push(("scrape_timeout_seconds", extra.timeout.as_secs_f64()));
        values.push(("scrape_sample_limit", extra.sample_limit as f64));
        values
            .push(("scrape_body_size_bytes", extra.body_bytes.map_or(-1.0, |bytes| bytes as f64)));
    }
    values
}

/// The names of all series that a report may have.
pub const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];

/// The labels of a report's series.
pub fn labels(name: &str, target: &Labels) -> LabelSet {
    let mut labels = LabelSet::from(target);
    labels.set(Labels::METRIC_NAME, name);
    labels
}

/// A staleness marker's value.
pub fn stale() -> f64 {
    f64::from_bits(Sample::STALE)
}
