//! Finished series: label rules and limits, the same for remote write and for converted OpenTelemetry metrics.

use std::sync::Arc;

use model::{Labels, Metadata, Series};

use crate::{RawSeries, Signal, Work, limit, refused::reason};

/// Label pairs that have not been checked yet.
pub(crate) type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// A remote-written series without secrets, or `None` with the reason counted.
pub(crate) fn remote_written(mut raw: RawSeries, work: &mut Work<'_>) -> Option<Series> {
    for (name, value) in &mut raw.labels {
        if name.as_ref() == Labels::METRIC_NAME {
            work.redactor.name(value, &mut work.tally.redacted);
        } else {
            work.redactor.label(name, value, &mut work.tally.redacted);
        }
    }
    let name = raw.labels.iter().find(|(name, _)| name.as_ref() == Labels::METRIC_NAME);
    let shown = name.map(|(_, name)| work.redactor.shown(name)).unwrap_or_default();
    work.tally.trim("exemplars_dropped", raw.exemplars);
    work.tally.refuse(Signal::Samples, reason::NATIVE_HISTOGRAM, raw.native_histograms, || {
        format!("`{shown}` has native histograms; send histograms with explicit buckets")
    });
    if raw.samples.is_empty() {
        return None;
    }
    let pairs = raw.labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let samples = raw.samples;
    let labels = checked(pairs, samples.len() as u64, work)?;
    let mut series = Series { labels, samples };
    let latest_ms = work.latest.as_millis();
    if series.samples.iter().any(|sample| sample.at_ms > latest_ms) {
        series.samples.retain(|sample| {
            !work.is_future(
                Signal::Samples,
                model::Timestamp::from_millis(sample.at_ms),
                "a sample",
            )
        });
    }
    (!series.samples.is_empty()).then_some(series)
}

/// What a family says of itself, without secrets.
pub(crate) fn metadata(mut raw: Metadata, work: &mut Work<'_>) -> Metadata {
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
