//! Finished series: label rules and limits, the same for remote write and for converted OpenTelemetry metrics.

use std::sync::Arc;

use model::{
    Batch, Exemplar, HistogramSample, HistogramSeries, Labels, Metadata, Series, SeriesExemplars,
    Timestamp,
};

use crate::{Place, RawLabel, RawSeries, Signal, Work, limit, refused::reason};

/// Label pairs that have not been checked yet.
pub(crate) type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// Code points that an exemplar's names and values may have together (OpenMetrics).
pub(crate) const EXEMPLAR_CHARS_MAX: usize = 128;

/// Adds a remote-written series without secrets to `batch`; what is refused is counted.
pub(crate) fn remote_written(raw: RawSeries, work: &mut Work<'_>, batch: &mut Batch) {
    let count = (raw.samples.len() + raw.histograms.len()) as u64;
    work.tally.trim("exemplars_dropped", raw.exemplars_dropped);
    // A series without samples is one thing that can be refused, if nothing else of it is.
    let count = if raw.keyed { count } else { count.max(1) };
    let Some(labels) = resolved(raw.labels, count, work) else {
        return;
    };
    let samples = timely(raw.samples, |sample| sample.at_ms, "a sample", work);
    if !samples.is_empty() {
        batch.series.push(Series { labels: labels.clone(), samples });
    }
    let mut histograms = Vec::new();
    for native in timely(raw.histograms, |native| native.at_ms, "a histogram", work) {
        match native.histogram {
            Ok(histogram) => {
                histograms.push(HistogramSample { at_ms: native.at_ms, histogram });
            }
            Err(what) => {
                let redactor = work.redactor;
                work.tally.refuse(Signal::Samples, reason::INVALID_HISTOGRAM, 1, || {
                    format!("a histogram of `{}`: {what}", redactor.shown(&labels.to_string()))
                });
            }
        }
    }
    if !histograms.is_empty() {
        batch.histograms.push(HistogramSeries { labels: labels.clone(), samples: histograms });
    }
    let exemplars = exemplars(raw.exemplars, work);
    if !exemplars.is_empty() {
        batch.exemplars.push(SeriesExemplars { labels, exemplars });
    }
}

/// Labels without secrets that keep the rules, or `None` with the reason counted for `samples` samples.
pub(crate) fn resolved(
    raw: Result<Vec<RawLabel>, String>,
    samples: u64,
    work: &mut Work<'_>,
) -> Option<Labels> {
    let mut labels = match raw {
        Ok(labels) => labels,
        Err(what) => {
            work.tally.refuse(Signal::Samples, reason::INVALID_LABEL, samples, || what);
            return None;
        }
    };
    work.tally.redacted.at(Place::MetricLabel);
    for (name, value) in &mut labels {
        if name.as_ref() == Labels::METRIC_NAME {
            work.redactor.name(value, work.tally.redacted.at(Place::MetricName));
            work.tally.redacted.at(Place::MetricLabel);
        } else {
            work.redactor.label(name, value, &mut work.tally.redacted);
        }
    }
    let pairs = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    checked(pairs, samples, work)
}

/// What is not dated too far ahead of our clock.
fn timely<T>(
    mut samples: Vec<T>,
    at_ms: impl Fn(&T) -> i64,
    what: &str,
    work: &mut Work<'_>,
) -> Vec<T> {
    let latest_ms = work.latest.as_millis();
    if samples.iter().any(|sample| at_ms(sample) > latest_ms) {
        samples.retain(|sample| {
            let at = Timestamp::from_millis(at_ms(sample));
            !work.is_future(Signal::Samples, at, what)
        });
    }
    samples
}

/// Exemplars without secrets. One that is too long or dated too far ahead is dropped: it is an example, and no sample depends on it.
pub(crate) fn exemplars(raw: Vec<Exemplar>, work: &mut Work<'_>) -> Vec<Exemplar> {
    let (before, latest_ms) = (raw.len(), work.latest.as_millis());
    work.tally.redacted.at(Place::Exemplar);
    let mut kept = Vec::with_capacity(before);
    for exemplar in raw {
        let mut pairs: Vec<RawLabel> =
            exemplar.labels.iter().map(|(name, value)| (name.into(), value.into())).collect();
        for (name, value) in &mut pairs {
            work.redactor.label(name, value, &mut work.tally.redacted);
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let chars = |text: &str| text.chars().count();
        let size: usize = pairs.iter().map(|(name, value)| chars(name) + chars(value)).sum();
        if size <= EXEMPLAR_CHARS_MAX && exemplar.at_ms <= latest_ms {
            let labels = Labels::from_pairs(pairs);
            kept.push(Exemplar { labels, ..exemplar });
        }
    }
    work.tally.trim("exemplars_dropped", (before - kept.len()) as u64);
    kept
}

/// What a family says of itself, without secrets.
pub(crate) fn metadata(mut raw: Metadata, work: &mut Work<'_>) -> Metadata {
    work.tally.redacted.at(Place::MetricMetadata);
    work.redactor.text(&mut raw.help, &mut work.tally.redacted);
    for name in [&mut raw.unit, &mut raw.family] {
        work.redactor.name(name, &mut work.tally.redacted);
    }
    limit::text(&mut raw.help, work);
    limit::text(&mut raw.unit, work);
    limit::text(&mut raw.family, work);
    raw
}

/// The labels of a series with `samples` samples, or `None` with the reason counted.
pub(crate) fn checked(mut pairs: Pairs, samples: u64, work: &mut Work<'_>) -> Option<Labels> {
    pairs.retain(|(name, value)| !value.is_empty() || name.is_empty());
    pairs.sort();
    match problem(&pairs, work) {
        None => Some(Labels::from_pairs(pairs)),
        Some((reason, what)) => {
            work.tally.refuse(Signal::Samples, reason, samples, || what);
            None
        }
    }
}

fn problem(pairs: &Pairs, work: &Work<'_>) -> Option<(&'static str, String)> {
    let find = |wanted: &str| {
        pairs.iter().find(|(name, _)| name.as_ref() == wanted).map(|(_, v)| v.as_ref())
    };
    let Some(metric) = find(Labels::METRIC_NAME) else {
        return Some((reason::NO_METRIC_NAME, "a series has no `__name__`".to_owned()));
    };
    let metric = work.redactor.shown(metric);
    let max = work.limits.labels_max;
    if pairs.len() > max {
        let service = find("service_name").or_else(|| find("job")).unwrap_or("");
        let (have, service) = (pairs.len(), work.redactor.shown(service));
        let what = format!(
            "series `{metric}` of `{service}` has {have} labels; at most {max} are allowed (`limits.max_labels`)"
        );
        return Some((reason::TOO_MANY_LABELS, what));
    }
    if let Some(twice) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
        let what =
            format!("series `{metric}` has the label `{}` twice", work.redactor.shown(&twice[0].0));
        return Some((reason::DUPLICATE_LABEL, what));
    }
    let max = work.limits.label_value_bytes_max;
    for (name, value) in pairs {
        if name.is_empty() || name.len() > limit::KEY_BYTES_MAX {
            let what =
                format!("series `{metric}` has a label name that is empty or longer than 1 KiB");
            return Some((reason::INVALID_LABEL, what));
        }
        if value.len() > max {
            let (have, name) = (value.len(), work.redactor.shown(name));
            let what = format!(
                "label `{name}` of `{metric}` has {have} bytes; at most {max} are allowed (`limits.max_label_value_bytes`)"
            );
            return Some((reason::LABEL_VALUE_TOO_LONG, what));
        }
    }
    None
}
