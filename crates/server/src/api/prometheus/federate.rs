//! `/federate`: the newest sample of the series that are asked for, as a target to be scraped.

use std::{collections::BTreeMap, sync::Arc};

use app::{App, query::MatrixSeries};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use model::Labels;

use super::{
    error::Refused,
    form::{Form, selector},
    json::go_general,
    query::answer,
};
use crate::api::ServerInfo;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A series' newest sample.
#[derive(Debug)]
struct Newest {
    labels: Labels,
    at_ms: i64,
    value: f64,
}

pub(super) async fn federate(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
    request: Request,
) -> Response {
    answer(async {
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
            let found = app.samples(matchers, since, now).await.map_err(Refused::from)?;
            for series in found.found {
                if let Some(one) = last(series) {
                    newest.insert(one.labels.clone(), one);
                }
            }
        }
        let newest: Vec<Newest> = newest.into_values().collect();
        let text = text(&newest, &info.prometheus.external_labels);
        Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
    })
    .await
}

/// The newest sample, unless the series has ended with it.
fn last(series: MatrixSeries) -> Option<Newest> {
    let samples = series.points.samples().last()?;
    (!samples.is_stale()).then_some(Newest {
        labels: series.labels,
        at_ms: samples.at_ms,
        value: samples.value,
    })
}

/// Families in the order of their names, each with its type, which nobody knows here.
fn text(newest: &[Newest], external: &Labels) -> Vec<u8> {
    let mut out = Vec::new();
    let mut families: BTreeMap<&str, Vec<&Newest>> = BTreeMap::new();
    for one in newest {
        if let Some(name) = one.labels.metric_name() {
            families.entry(name).or_default().push(one);
        }
    }
    for (name, all) in families {
        out.extend_from_slice(format!("# TYPE {name} untyped\n").as_bytes());
        for one in all {
            line(&mut out, name, one, external);
        }
    }
    out
}

fn line(out: &mut Vec<u8>, name: &str, one: &Newest, external: &Labels) {
    let own = one.labels.iter().filter(|(label, _)| *label != Labels::METRIC_NAME);
    // Whoever scrapes this takes an empty instance as said, and does not put ours in its place.
    let mut labels = BTreeMap::from([("instance", "")]);
    labels.extend(external.iter());
    labels.extend(own);
    out.extend_from_slice(name.as_bytes());
    let mut before = '{';
    for (label, value) in labels {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        out.extend_from_slice(format!("{before}{label}=\"{value}\"").as_bytes());
        before = ',';
    }
    out.extend_from_slice(b"} ");
    go_general(out, one.value);
    out.extend_from_slice(format!(" {}\n", one.at_ms).as_bytes());
}
