//! Prometheus remote read: `prometheus.ReadRequest`, and both forms of its answer.
//!
//! Source: prometheus/prompb `remote.proto`. A sampled answer is one `ReadResponse`; a streamed one is a row of
//! `ChunkedReadResponse`, each framed by [`frame`], with chunks in Prometheus' own encoding.

mod chunk;

use model::{HistogramSample, Labels, MatchOp, Sample};

pub use chunk::xor_chunk;

use crate::{
    remote_write,
    wire::{Reader, WireError, Writer},
};

/// Samples of one chunk of a streamed answer, as Prometheus cuts them.
pub const CHUNK_SAMPLES_MAX: usize = 120;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadRequest {
    pub queries: Vec<ReadQuery>,
    /// The first kind that the client takes and that we know.
    pub kind: ResponseKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ResponseKind {
    #[default]
    Samples,
    StreamedXorChunks,
}

/// One query; times are in Unix milliseconds, both ends included.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadQuery {
    pub start_ms: i64,
    pub end_ms: i64,
    /// Operator, label and value; a pattern is not compiled yet.
    pub matchers: Vec<(MatchOp, String, String)>,
    pub step_ms: i64,
    pub range_ms: i64,
    /// The function around the selector, where the client says it.
    pub function: String,
}

impl ReadRequest {
    /// # Errors
    /// What cannot be read, or more than `queries_max` queries or `matchers_max` matchers of one.
    pub fn decode(body: &[u8], queries_max: usize, matchers_max: usize) -> Result<Self, WireError> {
        let mut request = Self::default();
        let mut kinds = Vec::new();
        let mut message = Reader::new(body, 0);
        while let Some(field) = message.next()? {
            match field.number {
                1 => {
                    let (what, at) = ("queries", field.at);
                    limited(what, request.queries.len(), queries_max, at)?;
                    request.queries.push(query(field.message("query")?, matchers_max)?);
                }
                2 => field.uints("accepted_response_types", |kind| {
                    // A client that repeats itself is heard once.
                    if kinds.len() < 2 && !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                })?,
                _ => {}
            }
        }
        request.kind = match kinds.iter().find(|kind| **kind <= 1) {
            Some(1) => ResponseKind::StreamedXorChunks,
            _ => ResponseKind::Samples,
        };
        Ok(request)
    }
}

fn limited(what: &'static str, have: usize, max: usize, at: usize) -> Result<(), WireError> {
    if have < max {
        return Ok(());
    }
    Err(WireError::TooMany { what, found: have as u64 + 1, max: max as u64, at })
}

fn query(mut message: Reader<'_>, matchers_max: usize) -> Result<ReadQuery, WireError> {
    let mut query = ReadQuery::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => query.start_ms = field.int("start_timestamp_ms")?,
            2 => query.end_ms = field.int("end_timestamp_ms")?,
            3 => {
                limited("matchers", query.matchers.len(), matchers_max, field.at)?;
                query.matchers.push(matcher(field.message("matcher")?)?);
            }
            4 => {
                let mut hints = field.message("hints")?;
                while let Some(field) = hints.next()? {
                    match field.number {
                        1 => query.step_ms = field.int("step_ms")?,
                        2 => field.text("func")?.clone_into(&mut query.function),
                        7 => query.range_ms = field.int("range_ms")?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(query)
}

fn matcher(mut message: Reader<'_>) -> Result<(MatchOp, String, String), WireError> {
    let (mut op, mut name, mut value) = (MatchOp::Equal, String::new(), String::new());
    while let Some(field) = message.next()? {
        match field.number {
            1 => {
                op = match field.uint("matcher type")? {
                    0 => MatchOp::Equal,
                    1 => MatchOp::NotEqual,
                    2 => MatchOp::Regex,
                    3 => MatchOp::NotRegex,
                    _ => {
                        let what = "a matcher has an unknown type";
                        return Err(WireError::Rule { what, at: field.at });
                    }
                }
            }
            2 => field.text("matcher name")?.clone_into(&mut name),
            3 => field.text("matcher value")?.clone_into(&mut value),
            _ => {}
        }
    }
    Ok((op, name, value))
}

/// Writes a `ReadResponse`: one result for each query, in their order.
#[derive(Debug, Default)]
pub struct SampledResponse {
    writer: Writer,
    result: Writer,
}

impl SampledResponse {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series to the result at hand.
    pub fn series(&mut self, labels: &Labels, samples: &[Sample], histograms: &[HistogramSample]) {
        self.result.message(1, |series| {
            remote_write::write_series(series, labels, samples, histograms);
        });
    }

    /// Ends the result of a query, which may have no series.
    pub fn end_query(&mut self) {
        let result = std::mem::take(&mut self.result);
        self.writer.data(1, &result.bytes);
    }

    pub fn len(&self) -> usize {
        self.writer.bytes.len() + self.result.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The response, not compressed.
    pub fn finish(self) -> Vec<u8> {
        self.writer.bytes
    }
}

/// A `ChunkedReadResponse` with the floats of one series of the query at `query`, not framed.
pub fn chunked_response(query: usize, labels: &Labels, samples: &[Sample]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(1, |series| {
        remote_write::write_labels(series, labels);
        for samples in samples.chunks(CHUNK_SAMPLES_MAX) {
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
                continue;
            };
            series.message(2, |chunk| {
                chunk.int(1, first.at_ms);
                chunk.int(2, last.at_ms);
                chunk.uint(3, 1);
                chunk.data(4, &xor_chunk(samples));
            });
        }
    });
    writer.int(2, i64::try_from(query).unwrap_or(i64::MAX));
    writer.bytes
}

/// A message of a streamed answer between its length and checksum; `crc` is its CRC-32C.
pub fn frame(message: &[u8], crc: u32) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.varint(message.len() as u64);
    writer.bytes.extend_from_slice(&crc.to_be_bytes());
    writer.bytes.extend_from_slice(message);
    writer.bytes
}
