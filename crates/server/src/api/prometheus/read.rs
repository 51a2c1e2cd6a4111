//! Remote read: raw samples of selected series, as compressed protobuf messages (prometheus/prompb `remote.proto`).

use std::{convert::Infallible, sync::Arc};

use app::{App, query::MatrixSeries};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use exposition::remote_read::{
    ReadQuery, ReadRequest, ResponseKind, SampledResponse, chunked_response, frame,
};
use http::header;
use model::{Matcher, Sample};

use super::{
    error::{Refused, bad_data},
    query::{Stopped, answer},
};
use crate::{
    Problem,
    body::{BodyReader, Encoding},
};

/// Queries in one request, and matchers in one query.
const QUERIES_MAX: usize = 100;
const MATCHERS_MAX: usize = 100;

pub(super) async fn read(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let (parts, body) = request.into_parts();
        let bytes = inflated(&parts, body).await.map_err(Problem::into_response)?;
        let asked = ReadRequest::decode(&bytes, QUERIES_MAX, MATCHERS_MAX)
            .map_err(|error| bad_data(format!("the body is no read request: {error}")))?;
        drop(bytes);
        match asked.kind {
            ResponseKind::Samples => sampled(&app, asked.queries).await,
            ResponseKind::StreamedXorChunks => streamed(&app, asked.queries).await,
        }
    })
    .await
}

async fn inflated(parts: &http::request::Parts, body: Body) -> Result<Vec<u8>, Problem> {
    let reader = parts.extensions.get::<BodyReader>().ok_or_else(Problem::internal)?;
    let raw = reader.receive(&parts.headers, body).await?;
    let (bytes, _turn) = reader.inflate(raw, Encoding::Snappy).await?;
    Ok(bytes)
}

/// What each query of a request selects; all of them together keep `query.max_samples`.
async fn results(app: &App, queries: Vec<ReadQuery>) -> Result<Vec<Vec<MatrixSeries>>, Refused> {
    let mut left = app.query_limits().samples_max;
    let mut results = Vec::with_capacity(queries.len());
    for query in queries {
        let found = selected(app, query, left).await?;
        let samples: usize = found.iter().map(|series| series.points.len()).sum();
        left = left.saturating_sub(samples);
        results.push(found);
    }
    Ok(results)
}

async fn selected(
    app: &App,
    query: ReadQuery,
    samples_max: usize,
) -> Result<Vec<MatrixSeries>, Refused> {
    let matchers = query.matchers.into_iter().map(|(op, name, value)| {
        Matcher::new(name, op, value).map_err(|error| bad_data(error.to_string()))
    });
    let matchers = matchers.collect::<Result<_, _>>()?;
    let found = app.samples(matchers, query.start_ms, query.end_ms, samples_max).await;
    Ok(found.map_err(Refused::from)?.found)
}

async fn sampled(app: &App, queries: Vec<ReadQuery>) -> Result<Response, Stopped> {
    let results = results(app, queries).await?;
    let written = tokio::task::spawn_blocking(move || {
        let mut response = SampledResponse::new();
        for series in results {
            for one in series {
                let samples: Vec<Sample> = one.points.samples().collect();
                response.series(&one.labels, &samples, &one.points.histograms);
            }
            response.end_query();
        }
        snap::raw::Encoder::new().compress_vec(&response.finish())
    });
    let Ok(Ok(packed)) = written.await else {
        return Err(Problem::internal().into_response().into());
    };
    let headers =
        [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    Ok((headers, packed).into_response())
}

/// Floats in chunks, series by series, while they are written; native histograms have no chunks that we write, so that they are
/// left out, as Prometheus leaves out what a client's chunks cannot hold.
async fn streamed(app: &App, queries: Vec<ReadQuery>) -> Result<Response, Stopped> {
    let results = results(app, queries).await?;
    let frames = results.into_iter().enumerate().flat_map(|(query, series)| {
        series.into_iter().filter(|one| !one.points.times.is_empty()).map(move |one| {
            let samples: Vec<Sample> = one.points.samples().collect();
            let message = chunked_response(query, &one.labels, &samples);
            Ok::<_, Infallible>(Bytes::from(frame(&message, crc32c::crc32c(&message))))
        })
    });
    let kind = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    let body = Body::from_stream(futures_util::stream::iter(frames));
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}
