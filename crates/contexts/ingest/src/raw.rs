//! Telemetry as it was decoded from the wire, before anything has been checked.

use std::sync::Arc;

use model::{
    Attributes, Dropped, Exemplar, Histogram, Metadata, Sample, Scope, SpanId, SpanKind,
    SpanStatus, Timestamp, TraceId, Value,
    span::{SpanEvent, SpanLink},
};

/// One request.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawBatch {
    /// OTLP: records grouped by their emitter.
    pub resources: Vec<RawResource>,
    /// Prometheus remote write: finished series.
    pub series: Vec<RawSeries>,
    /// Prometheus remote write: what families say of themselves.
    pub metadata: Vec<Metadata>,
}

/// What an emitter says of itself (OpenTelemetry's resource).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawEmitter {
    pub attributes: Attributes,
    pub dropped_attributes: u32,
    pub schema_url: Box<str>,
}

/// All that one emitter sent.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawResource {
    pub emitter: RawEmitter,
    pub spans: Vec<RawSpan>,
    pub logs: Vec<RawLog>,
    pub metrics: Vec<RawMetric>,
}

/// A span; an id that is absent, all zero or of a wrong length is `None`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawSpan {
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    pub parent: Option<SpanId>,
    pub trace_state: Box<str>,
    pub flags: u32,
    /// Records of one scope share it and lie together.
    pub scope: Arc<Scope>,
    pub name: Box<str>,
    pub kind: SpanKind,
    pub start: Timestamp,
    pub end: Timestamp,
    pub status: SpanStatus,
    pub status_message: Box<str>,
    pub attributes: Attributes,
    pub events: Vec<SpanEvent>,
    pub links: Vec<SpanLink>,
    pub dropped: Dropped,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawLog {
    pub scope: Arc<Scope>,
    pub at: Option<Timestamp>,
    pub observed_at: Option<Timestamp>,
    pub severity: u8,
    pub severity_text: Box<str>,
    pub body: Value,
    pub event_name: Box<str>,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    pub flags: u32,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// An OpenTelemetry metric with its points.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawMetric {
    pub name: Box<str>,
    pub description: Box<str>,
    /// A UCUM unit such as `ms`, `By` or `{request}`.
    pub unit: Box<str>,
    pub data: RawData,
    /// The library that emitted it, where the emitter said.
    pub scope: Option<Arc<Scope>>,
}

/// An OpenTelemetry exemplar.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawExemplar {
    /// What the point's attributes leave out.
    pub attributes: Attributes,
    /// `None`: that of its point.
    pub at: Option<Timestamp>,
    pub value: f64,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
}

/// Whether points are totals since a start, or differences since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Temporality {
    #[default]
    Unspecified,
    Cumulative,
    Delta,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub enum RawData {
    Gauge(Vec<RawPoint>),
    Sum {
        monotonic: bool,
        temporality: Temporality,
        points: Vec<RawPoint>,
    },
    Histogram {
        temporality: Temporality,
        points: Vec<RawHistogram>,
    },
    ExponentialHistogram {
        temporality: Temporality,
        points: Vec<RawExponential>,
    },
    Summary(Vec<RawSummary>),
    /// The metric had no data at all.
    #[default]
    Empty,
}

/// A point of a gauge or a sum.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawPoint {
    pub attributes: Attributes,
    /// `None` when the emitter did not say; such a point is refused.
    pub at: Option<Timestamp>,
    /// When counting began, where the emitter said.
    pub start: Option<Timestamp>,
    /// `None` when the emitter says that there is no value any more.
    pub value: Option<f64>,
    pub exemplars: Vec<RawExemplar>,
}

/// A point of a histogram with explicit bounds.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawHistogram {
    pub attributes: Attributes,
    pub at: Option<Timestamp>,
    pub start: Option<Timestamp>,
    pub count: u64,
    pub sum: Option<f64>,
    /// Upper bounds, ascending; the last bucket has none.
    pub bounds: Vec<f64>,
    /// One more than `bounds`, not cumulated; or none at all.
    pub counts: Vec<u64>,
    /// The emitter says that there is no value any more.
    pub ended: bool,
    pub exemplars: Vec<RawExemplar>,
}

/// A point of a histogram whose bounds are powers of `2^(2^-scale)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawExponential {
    pub attributes: Attributes,
    pub at: Option<Timestamp>,
    pub start: Option<Timestamp>,
    pub count: u64,
    pub sum: Option<f64>,
    pub scale: i32,
    /// Values no further from 0 than `zero_threshold`.
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive: RawBuckets,
    /// By the values' distance from 0.
    pub negative: RawBuckets,
    pub ended: bool,
    pub exemplars: Vec<RawExemplar>,
}

/// Counts of buckets in a row; the first has the index `offset`, and bucket `i` holds values above `base^i` up to `base^(i+1)`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RawBuckets {
    pub offset: i32,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct RawSummary {
    pub attributes: Attributes,
    pub at: Option<Timestamp>,
    pub start: Option<Timestamp>,
    pub count: u64,
    pub sum: f64,
    /// Quantile and value.
    pub quantiles: Vec<(f64, f64)>,
    pub ended: bool,
}

/// A series as Prometheus sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSeries {
    /// Names and values, with `__name__` among them; or why they cannot be read.
    pub labels: Result<Vec<RawLabel>, String>,
    pub samples: Vec<Sample>,
    pub histograms: Vec<RawNative>,
    pub exemplars: Vec<Exemplar>,
    /// Exemplars that were too long to be read.
    pub exemplars_dropped: u64,
    /// The same series has floats in a [`crate::KeyedBatch`]: what is wrong with its labels is counted there.
    pub keyed: bool,
}

impl Default for RawSeries {
    fn default() -> Self {
        let (samples, histograms, exemplars) = (Vec::new(), Vec::new(), Vec::new());
        let labels = Ok(Vec::new());
        Self { labels, samples, histograms, exemplars, exemplars_dropped: 0, keyed: false }
    }
}

/// A label's name and value.
pub type RawLabel = (Box<str>, Box<str>);

/// A native histogram as Prometheus sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawNative {
    pub at_ms: i64,
    /// Checked; or what is wrong with it.
    pub histogram: Result<Arc<Histogram>, String>,
}
