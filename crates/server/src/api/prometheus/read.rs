//! Remote read: raw samples of selected series, as a compressed protobuf message (`prometheus.ReadRequest`, prompb/remote.proto).

use std::sync::Arc;

use app::{App, query::MatrixSeries};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use model::{MatchOp, Matcher};
use prost::Message;

use super::{
    error::{Refused, bad_data},
    query::{Stopped, answer},
};
use crate::{Problem, body::{BodyReader, Encoding}, wire::remote_write::{LabelPair, SampleMessage}};

/// Queries in one request.
const QUERIES_MAX: usize = 100;

/// `prometheus.ReadRequest`
#[derive(Clone, PartialEq, Message)]
struct ReadRequest {
    #[prost(message, repeated, tag = "1")]
    queries: Vec<Query>,
    /// Only plain samples are answered, which every client takes.
    #[prost(int32, repeated, tag = "2")]
    accepted_response_types: Vec<i32>,
}

/// `prometheus.Query`
#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(int64, tag = "1")]
    start_timestamp_ms: i64,
    #[prost(int64, tag = "2")]
    end_timestamp_ms: i64,
    #[prost(message, repeated, tag = "3")]
    matchers: Vec<LabelMatcher>,
}

/// `prometheus.LabelMatcher`
#[derive(Clone, PartialEq, Message)]
struct LabelMatcher {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    value: String,
}

/// `prometheus.ReadResponse`
#[derive(Clone, PartialEq, Message)]
struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    results: Vec<QueryResult>,
}

/// `prometheus.QueryResult`
#[derive(Clone, PartialEq, Message)]
struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

/// `prometheus.TimeSeries`
#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelPair>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SampleMessage>,
}

pub(super) async fn read(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let (parts, body) = request.into_parts();
        let bytes = inflated(&parts, body).await.map_err(Problem::into_response)?;
        let asked = ReadRequest::decode(&*bytes)
            .map_err(|error| bad_data(format!("the body is no read request: {error}")))?;
        if asked.queries.len() > QUERIES_MAX {
            let text = format!("a read request has at most {QUERIES_MAX} queries");
            return Err(Stopped::from(bad_data(text)));
        }
        let mut results = Vec::with_capacity(asked.queries.len());
        for query in asked.queries {
            let matchers = query.matchers.into_iter().map(matcher).collect::<Result<_, _>>()?;
            let (start, end) = (query.start_timestamp_ms, query.end_timestamp_ms);
            let found = app.samples(matchers, start, end).await.map_err(Refused::from)?;
            results.push(QueryResult {
                timeseries: found.found.into_iter().map(time_series).collect(),
            });
        }
        let written = tokio::task::spawn_blocking(move || {
            snap::raw::Encoder::new().compress_vec(&ReadResponse { results }.encode_to_vec())
        });
        let Ok(Ok(packed)) = written.await else {
            return Err(Problem::internal().into_response().into());
        };
        let headers =
            [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
        Ok((headers, packed).into_response())
    })
    .await
}

async fn inflated(
    parts: &http::request::Parts,
    body: axum::body::Body,
) -> Result<Vec<u8>, Problem> {
    let reader = parts.extensions.get::<BodyReader>().ok_or_else(Problem::internal)?;
    let raw = reader.receive(&parts.headers, body).await?;
    let (bytes, _turn) = reader.inflate(raw, Encoding::Snappy).await?;
    Ok(bytes)
}

fn matcher(wanted: LabelMatcher) -> Result<Matcher, Refused> {
    let op = match wanted.kind {
        0 => MatchOp::Equal,
        1 => MatchOp::NotEqual,
        2 => MatchOp::Regex,
        3 => MatchOp::NotRegex,
        kind => return Err(bad_data(format!("a matcher has the unknown type {kind}"))),
    };
    Matcher::new(wanted.name, op, wanted.value).map_err(|error| bad_data(error.to_string()))
}

fn time_series(series: MatrixSeries) -> TimeSeries {
    let pair = |(name, value): (&str, &str)| LabelPair { name: name.into(), value: value.into() };
    let samples = series.points.samples();
    TimeSeries {
        labels: series.labels.iter().map(pair).collect(),
        samples: samples
            .map(|sample| SampleMessage { value: sample.value, timestamp: sample.at_ms })
            .collect(),
    }
}
