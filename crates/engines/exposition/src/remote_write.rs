//! Prometheus remote write 1.0 and 2.0: messages walked in place, and written.
//!
//! A walk gives a [`Visitor`] the series as they stand in the bytes; what it does not ask for is not decoded. So a receiver that
//! knows a series by its [`LabelsRef::key`] never looks at its labels.
//!
//! Sources: prometheus/prompb `remote.proto` and `types.proto`, `io/prometheus/write/v2/types.proto`, and the specifications at
//! prometheus.io/docs/specs/prw.

pub mod v1;
pub mod v2;

mod encode;
mod exemplar;
mod histogram;
mod key;
mod labels;

pub use encode::{EncoderV1, EncoderV2};
pub use exemplar::{ExemplarFault, ExemplarRef};
pub use histogram::{DecodedHistogram, HistogramFault, HistogramRef};
pub use key::KeyHasher;
pub use labels::{LabelsFault, LabelsRef};

use model::{HistogramSample, Labels, MetricKind, Sample};

use crate::wire::{WireError, Writer};

/// The message of a request, as its content type names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `prometheus.WriteRequest`
    V1,
    /// `io.prometheus.write.v2.Request`
    V2,
}

/// Why a content type names no message of remote write; worded as Prometheus words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("expected application/x-protobuf as the first (media) part, got {found} content-type")]
    Media { found: String },
    #[error(
        "got {found} content type; unknown type for remote write protobuf message {message}, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"
    )]
    Message { found: String, message: String },
}

impl Version {
    /// The content type that a sender gives.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// What a sender writes into `X-Prometheus-Remote-Write-Version`.
    pub const fn header(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }

    /// Reads a content type; without parameters it is of version 1.
    ///
    /// # Errors
    /// When it is of another media type, or of a message that is not known.
    pub fn of_content_type(content_type: &str) -> Result<Self, MessageError> {
        let mut parts = content_type.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let found = content_type.to_owned();
        if !media.eq_ignore_ascii_case("application/x-protobuf") {
            return Err(MessageError::Media { found });
        }
        for part in parts {
            let Some((name, message)) = part.split_once('=') else {
                continue;
            };
            if name.trim().eq_ignore_ascii_case("proto") {
                return match message.trim().trim_matches('"') {
                    "prometheus.WriteRequest" => Ok(Self::V1),
                    "io.prometheus.write.v2.Request" => Ok(Self::V2),
                    message => {
                        let message = message.to_owned();
                        Err(MessageError::Message { found, message })
                    }
                };
            }
        }
        Ok(Self::V1)
    }
}

/// A float as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct RawSample {
    /// Unix milliseconds.
    pub at_ms: i64,
    pub value: f64,
    /// Unix milliseconds at which counting began; 0 when that is not known.
    pub start_ms: i64,
}

/// What a family says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct MetadataRef<'a> {
    /// Version 1: the family's name. Version 2 has none: it is about the series at hand.
    pub family: &'a str,
    pub kind: MetricKind,
    pub help: &'a str,
    pub unit: &'a str,
}

/// Takes what a walk finds. Each series is followed by what it has; an error ends the walk.
pub trait Visitor<'a> {
    /// A series begins.
    ///
    /// # Errors
    /// What the visitor does not take.
    fn series(&mut self, labels: LabelsRef<'a>) -> Result<(), WireError>;

    /// # Errors
    /// As [`Visitor::series`].
    fn sample(&mut self, sample: RawSample) -> Result<(), WireError>;

    /// # Errors
    /// As [`Visitor::series`].
    fn histogram(&mut self, histogram: HistogramRef<'a>) -> Result<(), WireError>;

    /// # Errors
    /// As [`Visitor::series`].
    fn exemplar(&mut self, exemplar: ExemplarRef<'a>) -> Result<(), WireError>;

    /// `Err` within: version 2 names a symbol that is not there.
    ///
    /// # Errors
    /// As [`Visitor::series`].
    fn metadata(&mut self, metadata: Result<MetadataRef<'a>, LabelsFault>)
    -> Result<(), WireError>;
}

/// A `prometheus.TimeSeries`.
pub(crate) fn write_series(
    writer: &mut Writer,
    labels: &Labels,
    samples: &[Sample],
    histograms: &[HistogramSample],
) {
    encode::series(writer, labels, samples, histograms);
}

/// The labels of a series, in field 1.
pub(crate) fn write_labels(writer: &mut Writer, labels: &Labels) {
    encode::pairs(writer, 1, labels);
}

/// The kinds of both versions' messages have the same numbers.
pub(crate) const fn kind_of(number: u64) -> MetricKind {
    match number {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

pub(crate) const fn number_of(kind: MetricKind) -> u64 {
    match kind {
        MetricKind::Unknown => 0,
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
        MetricKind::GaugeHistogram => 4,
        MetricKind::Summary => 5,
        MetricKind::Info => 6,
        MetricKind::StateSet => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_name_their_message() {
        let of = Version::of_content_type;
        assert_eq!(of("application/x-protobuf"), Ok(Version::V1));
        assert_eq!(of("application/x-protobuf;proto=prometheus.WriteRequest"), Ok(Version::V1));
        assert_eq!(of(Version::V2.content_type()), Ok(Version::V2));
        assert_eq!(
            of("yolo").unwrap_err().to_string(),
            "expected application/x-protobuf as the first (media) part, got yolo content-type"
        );
        let error = of("application/x-protobuf;proto=yolo").unwrap_err().to_string();
        assert!(error.starts_with("got application/x-protobuf;proto=yolo content type; unknown"));
    }
}
