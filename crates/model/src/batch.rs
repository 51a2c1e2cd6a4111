//! What one request of telemetry brings, normalised.

use crate::{HistogramSeries, Labels, LogRecord, SeriesExemplars, Span, Timestamp};

/// A value at a time, in milliseconds as Prometheus has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub at_ms: i64,
    pub value: f64,
}

impl Sample {
    /// The bit pattern with which Prometheus marks that a series has ended.
    pub const STALE: u64 = 0x7ff0_0000_0000_0002;

    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == Self::STALE
    }
}

/// A sample of the series at a place in a request that names its series by keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyedSample {
    pub series: u32,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub value: f64,
}

/// Samples of one series, in the order in which they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    #[default]
    Unknown,
}

impl MetricKind {
    /// As Prometheus' API and OpenMetrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

/// What a metric family says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub family: Box<str>,
    pub kind: MetricKind,
    pub help: Box<str>,
    pub unit: Box<str>,
}

/// One request's telemetry: enriched, redacted and within limits, ready to be stored and counted.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Batch {
    /// When our clock said that the request had come.
    pub received_at: Timestamp,
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
    pub series: Vec<Series>,
    pub histograms: Vec<HistogramSeries>,
    pub exemplars: Vec<SeriesExemplars>,
    pub metadata: Vec<Metadata>,
}

impl Batch {
    /// Whether there is nothing to store but metadata.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
            && self.logs.is_empty()
            && self.series.is_empty()
            && self.histograms.is_empty()
            && self.exemplars.is_empty()
    }
}
