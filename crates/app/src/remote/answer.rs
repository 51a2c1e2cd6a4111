//! The answers of Prometheus' API as they come over the network. This is the one place that reads another server's JSON, and reads it
//! straight into columns: an answer may have a million values.

use std::{collections::BTreeMap, fmt, sync::Arc};

use model::{Exemplar, Labels, Metadata, MetricKind, Points, SeriesExemplars};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::histogram::Histogram;
use crate::query::{Column, MatrixSeries, Value};

/// What every answer is in.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) status: String,
    #[serde(default = "none")]
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    #[serde(default)]
    pub(super) infos: Vec<String>,
    #[serde(rename = "errorType")]
    pub(super) error_type: Option<String>,
    pub(super) error: Option<String>,
}

fn none<T>() -> Option<T> {
    None
}

/// A series' labels.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pairs(BTreeMap<String, String>);

impl From<Pairs> for Labels {
    fn from(pairs: Pairs) -> Self {
        Self::from_pairs(pairs.0)
    }
}

/// The value of an expression.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Data {
    Scalar((f64, Number)),
    String((f64, String)),
    Vector(Vec<Sample>),
    Matrix(Vec<Series>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    #[serde(default)]
    metric: Pairs,
    value: Option<(f64, Number)>,
    histogram: Option<(f64, Histogram)>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    metric: Pairs,
    #[serde(default)]
    values: Vec<(f64, Number)>,
    #[serde(default)]
    histograms: Vec<(f64, Histogram)>,
}

/// A number in quotes, such as `"1.5"`, `"NaN"` or `"+Inf"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.parse().map_err(|_| E::custom(format!("`{text}` is no number")));
                number.map(Number)
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
            #[expect(clippy::cast_precision_loss, reason = "a number that was written shorter")]
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
            #[expect(clippy::cast_precision_loss, reason = "a number that was written shorter")]
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Data {
    /// # Errors
    /// When a histogram's buckets are none of Prometheus'.
    pub(super) fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Scalar((_, number)) => Value::Scalar(vec![number.0]),
            Self::String((_, text)) => Value::String(text),
            Self::Vector(samples) => Value::Vector(
                samples
                    .into_iter()
                    .filter_map(|one| one.into_column().transpose())
                    .collect::<Result<_, String>>()?,
            ),
            Self::Matrix(series) => Value::Matrix(
                series.into_iter().map(Series::into_matrix).collect::<Result<_, _>>()?,
            ),
        })
    }
}

impl Sample {
    fn into_column(self) -> Result<Option<Column>, String> {
        let labels = Labels::from(self.metric);
        Ok(match (self.value, self.histogram) {
            (Some((_, number)), _) => Some(Column::from_floats(labels, [Some(number.0)])),
            (None, Some((_, histogram))) => {
                Some(Column::from_histograms(labels, [Some(Arc::new(histogram.into_model()?))]))
            }
            (None, None) => None,
        })
    }
}

impl Series {
    fn into_matrix(self) -> Result<MatrixSeries, String> {
        let mut points = Points::default();
        for (at, number) in self.values {
            points.push(millis(at), number.0);
        }
        for (at, histogram) in self.histograms {
            points.push_histogram(millis(at), Arc::new(histogram.into_model()?));
        }
        Ok(MatrixSeries { labels: self.metric.into(), points })
    }
}

/// Seconds with a fraction as milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no time is that far away")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// What a metric family says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Family {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
}

impl Family {
    pub(super) fn into_metadata(self, family: &str) -> Metadata {
        const KINDS: [MetricKind; 7] = [
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
            MetricKind::GaugeHistogram,
            MetricKind::Summary,
            MetricKind::Info,
            MetricKind::StateSet,
        ];
        let kind = KINDS.into_iter().find(|kind| kind.as_str() == self.kind).unwrap_or_default();
        Metadata { family: family.into(), kind, help: self.help.into(), unit: self.unit.into() }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Exemplars {
    #[serde(rename = "seriesLabels")]
    series: Pairs,
    exemplars: Vec<OneExemplar>,
}

#[derive(Debug, Deserialize)]
struct OneExemplar {
    labels: Pairs,
    value: Number,
    timestamp: f64,
}

impl From<Exemplars> for SeriesExemplars {
    fn from(found: Exemplars) -> Self {
        let exemplars = found.exemplars.into_iter().map(|one| Exemplar {
            labels: one.labels.into(),
            value: one.value.0,
            at_ms: millis(one.timestamp),
        });
        Self { labels: found.series.into(), exemplars: exemplars.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Cell;

    fn value(json: &str) -> Value {
        let found: Envelope<Data> = serde_json::from_str(json).unwrap();
        found.data.unwrap().into_value().unwrap()
    }

    #[test]
    fn reads_each_type_of_value() {
        let matrix = value(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"+Inf"],[2,"3"]]}]},"warnings":["w"]}"#,
        );
        let Value::Matrix(series) = matrix else { panic!("{matrix:?}") };
        assert_eq!(series[0].points.times, [1500, 2000]);
        assert_eq!(series[0].points.values, [f64::INFINITY, 3.0]);
        let vector = value(
            r#"{"status":"success","data":{"result":[{"metric":{},"value":[1,"NaN"]}],"resultType":"vector"}}"#,
        );
        let Value::Vector(columns) = vector else { panic!("{vector:?}") };
        assert!(matches!(columns[0].get(0), Some(Cell::Float(value)) if value.is_nan()));
        let scalar =
            value(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#);
        assert_eq!(scalar, Value::Scalar(vec![2.0]));
    }

    #[test]
    fn reads_an_error() {
        let text = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
        let found: Envelope<Data> = serde_json::from_str(text).unwrap();
        assert!(found.data.is_none());
        assert_eq!(found.error_type.as_deref(), Some("bad_data"));
    }
}
