//! `/federate`: the newest sample of the series that are asked for, as a target to be scraped.

use std::{collections::BTreeMap, sync::Arc};

use app::{App, query::MatrixSeries};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use exposition::{
    ContentKind,
    write::{Escaping, FamilyHead, Writer},
};
use http::{HeaderMap, StatusCode, header};
use model::{Histogram, Labels, MetricKind};

use super::{
    error::Refused,
    form::{Form, selector},
    query::answer,
};
use crate::api::ServerInfo;

/// A series' newest sample.
#[derive(Debug)]
struct Newest {
    at_ms: i64,
    value: Sampled,
}

#[derive(Debug)]
enum Sampled {
    Float(f64),
    Histogram(Arc<Histogram>),
}

pub(super) async fn federate(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
    request: Request,
) -> Response {
    answer(async {
        let (kind, escaping) = wanted(request.headers());
        let form = Form::of(request).await?;
        let mut selectors = Vec::new();
        for text in form.all("match[]") {
            // As Prometheus' own handler says it: plain, with a line's end.
            let found = selector(&app, text)
                .map_err(|why| (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response())?;
            selectors.push(found);
        }
        let now = app.clock.now().as_millis();
        let lookback = app.query_limits().lookback.as_millis();
        let since = now.saturating_sub(i64::try_from(lookback).unwrap_or(i64::MAX)) + 1;
        let mut newest = BTreeMap::new();
        for matchers in selectors {
            let max = app.query_limits().samples_max;
            let found = app.samples(matchers, since, now, max).await.map_err(Refused::from)?;
            newest.extend(found.found.into_iter().filter_map(last));
        }
        let body = body(kind, escaping, &newest, &info.prometheus.external_labels);
        Ok(([(header::CONTENT_TYPE, content_type(kind, escaping))], body).into_response())
    })
    .await
}

/// Text, unless the asker prefers protobuf, which alone has native histograms.
fn wanted(headers: &HeaderMap) -> (ContentKind, Escaping) {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let accept = accept.unwrap_or_default();
    // What has no type is no OpenMetrics.
    let kind = match ContentKind::accepted(accept) {
        ContentKind::Protobuf => ContentKind::Protobuf,
        ContentKind::Text | ContentKind::OpenMetrics => ContentKind::Text,
    };
    (kind, Escaping::accepted(accept))
}

fn content_type(kind: ContentKind, escaping: Escaping) -> String {
    let kind = match kind {
        ContentKind::Protobuf => {
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        }
        ContentKind::Text | ContentKind::OpenMetrics => "text/plain; version=0.0.4; charset=utf-8",
    };
    match escaping {
        Escaping::Utf8 => format!("{kind}; escaping=allow-utf-8"),
        Escaping::Underscores => format!("{kind}; escaping=underscores"),
    }
}

/// The newest sample, unless the series has ended with it.
fn last(series: MatrixSeries) -> Option<(Labels, Newest)> {
    let points = series.points;
    let float = points.samples().last();
    let histogram = points.histograms.last();
    let newest = match (float, histogram) {
        (Some(float), Some(found)) if found.at_ms > float.at_ms => (None, Some(found)),
        (Some(float), _) => (Some(float), None),
        (None, found) => (None, found),
    };
    let newest = match newest {
        (Some(float), _) if !float.is_stale() => {
            Newest { at_ms: float.at_ms, value: Sampled::Float(float.value) }
        }
        (None, Some(found)) if !found.histogram.is_stale() => {
            Newest { at_ms: found.at_ms, value: Sampled::Histogram(Arc::clone(&found.histogram)) }
        }
        _ => return None,
    };
    Some((series.labels, newest))
}

/// Families in the order of their names, each of the type that nobody knows here.
fn body(
    kind: ContentKind,
    escaping: Escaping,
    newest: &BTreeMap<Labels, Newest>,
    external: &Labels,
) -> Vec<u8> {
    let mut writer = Writer::new(kind, escaping);
    let mut families: BTreeMap<(&str, bool), Vec<(&Labels, &Newest)>> = BTreeMap::new();
    for (labels, one) in newest {
        if let Some(name) = labels.metric_name() {
            let native = matches!(one.value, Sampled::Histogram(_));
            families.entry((name, native)).or_default().push((labels, one));
        }
    }
    for ((name, native), all) in families {
        let kind = if native { MetricKind::Histogram } else { MetricKind::Unknown };
        writer.family(&FamilyHead { name, kind, help: "", unit: "" });
        for (labels, one) in all {
            // Whoever scrapes this takes an empty instance as said, and does not put ours in its place.
            let all = Labels::from_pairs(external.iter().chain(labels.iter()));
            let labels = all.exposed_with_empty("instance");
            match &one.value {
                Sampled::Float(value) => writer.float(&labels, *value, Some(one.at_ms), None),
                Sampled::Histogram(found) => writer.histogram(&labels, found, Some(one.at_ms)),
            }
        }
    }
    writer.finish()
}
