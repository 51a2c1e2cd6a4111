//! What is written is read, and files of others are.

use std::{fs::File, io::Write, ops::ControlFlow, sync::Arc};

use ::parquet::{
    data_type::{ByteArrayType, DoubleType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use model::{BucketSpan, Histogram, Labels, Points, ResetHint, Sample};
use proptest::prelude::*;

use super::*;
use crate::{Read, ReadError, Sink};

#[derive(Default)]
struct Kept(Vec<(Labels, Points)>);

impl Sink for Kept {
    fn points(&mut self, labels: &Labels, points: &Points) -> ControlFlow<()> {
        match self.0.last_mut().filter(|(last, _)| last == labels) {
            Some((_, last)) => {
                last.times.extend(&points.times);
                last.values.extend(&points.values);
                last.starts.extend(&points.starts);
                last.histograms.extend_from_slice(&points.histograms);
                last.histogram_starts.extend(&points.histogram_starts);
            }
            None => self.0.push((labels.clone(), points.clone())),
        }
        ControlFlow::Continue(())
    }
}

fn file_of(series: &[(Labels, Points)]) -> File {
    let mut writer = Writer::new(tempfile::tempfile().unwrap()).unwrap();
    series.iter().for_each(|(labels, points)| writer.points(labels, points).unwrap());
    writer.finish().unwrap()
}

fn back(file: File) -> Result<(Vec<(Labels, Points)>, Read), ReadError> {
    let mut kept = Kept::default();
    let done = read(file, &mut kept)?;
    Ok((kept.0, done))
}

fn histogram(buckets: u32) -> Histogram {
    let counts: Vec<f64> = (0..buckets).map(f64::from).collect();
    Histogram {
        schema: 2,
        zero_threshold: 1e-128,
        count: counts.iter().sum(),
        sum: -1.25e300,
        positive_spans: vec![BucketSpan { offset: -3, length: buckets }],
        positive: counts,
        reset_hint: ResetHint::Gauge,
        ..Histogram::default()
    }
}

fn points() -> impl Strategy<Value = Points> {
    let sample = (any::<i64>(), any::<u64>().prop_map(f64::from_bits), -5i64..5);
    (prop::collection::vec(sample, 0..20), prop::collection::vec(0u32..9, 0..5), any::<bool>())
        .prop_map(|(samples, histograms, with_starts)| {
            let mut points = Points::default();
            for (at, value, start) in samples {
                points.push(at, value);
                points.starts.extend(with_starts.then_some(start));
            }
            for (at, buckets) in histograms.into_iter().enumerate() {
                points.push_histogram(at as i64, Arc::new(histogram(buckets)));
                points.histogram_starts.extend(with_starts.then_some(7));
            }
            if points.starts.iter().all(|start| *start == 0) {
                points.starts.clear();
            }
            points
        })
}

fn shown(series: &[(Labels, Points)]) -> String {
    let bits = |points: &Points| points.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let one = |(labels, points): &(Labels, Points)| {
        format!(
            "{labels:?} {:?} {:?} {:?} {:?} {:?}\n",
            points.times,
            bits(points),
            points.starts,
            points.histograms,
            points.histogram_starts
        )
    };
    series.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_written_is_read(all in prop::collection::vec((prop::option::of("[a-c]"), prop::collection::vec(("[a-z.]{1,3}", "[a-z]{1,2}"), 1..4), points()), 0..6)) {
        let mut all: Vec<(Labels, Points)> = all.into_iter().map(|(name, pairs, points)| {
            let name = name.map(|name| (Labels::METRIC_NAME.to_owned(), name));
            (Labels::from_pairs(pairs.into_iter().chain(name)), points)
        }).filter(|(_, points)| !points.is_empty()).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|a, b| a.0 == b.0);
        let (read, done) = back(file_of(&all)).unwrap();
        prop_assert_eq!(shown(&read), shown(&all));
        prop_assert_eq!(done.samples, all.iter().map(|(_, points)| points.len() as u64).sum::<u64>());
    }

    #[test]
    fn damage_is_an_error_or_other_values(hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut values = Points::default();
        (0..500).for_each(|at| values.push(at, at as f64));
        let labels = Labels::from_pairs([("__name__", "a"), ("b", "c")]);
        let mut bytes = Vec::new();
        let mut file = file_of(&[(labels, values)]);
        std::io::Seek::rewind(&mut file).unwrap();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        for (at, to) in hits {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        let mut damaged = tempfile::tempfile().unwrap();
        damaged.write_all(&bytes).unwrap();
        if let Ok((_, done)) = back(damaged) {
            prop_assert!(done.samples <= 1 << 24);
        }
    }
}

#[test]
fn many_rows_go_into_groups_and_come_back() {
    let labels =
        |at: usize| Labels::from_pairs([("__name__", "m".to_owned()), ("s", at.to_string())]);
    let all: Vec<(Labels, Points)> = (0..20)
        .map(|at| {
            let mut points = Points::default();
            (0..10_000).for_each(|t| points.push(t * 15_000, (t * at as i64) as f64));
            points.values[9_999] = f64::from_bits(Sample::STALE);
            (labels(at), points)
        })
        .collect();
    let file = file_of(&all);
    assert!(file.metadata().unwrap().len() < 1_500_000, "{}", file.metadata().unwrap().len());
    let (read, done) = back(file).unwrap();
    assert_eq!(shown(&read), shown(&all));
    assert_eq!(done.samples, 200_000);
}

/// A file as others write it: labels in columns of their own, times in microseconds.
#[test]
fn columns_of_text_are_labels() {
    let schema = "message m { required binary job (STRING); optional binary zone (STRING); optional binary name (STRING); required double value; required int64 timestamp (TIMESTAMP(MICROS, true)); }";
    let properties = Arc::new(WriterProperties::builder().build());
    let file = tempfile::tempfile().unwrap();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(parse_message_type(schema).unwrap()), properties)
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut text = |values: &[&str], defined: Option<&[i16]>| {
        let values: Vec<_> = values.iter().map(|value| (*value).into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, defined, None).unwrap();
        column.close().unwrap();
    };
    text(&["a", "a", "b"], None);
    text(&["z"], Some(&[0, 0, 1]));
    text(&["up", "up", "up"], Some(&[1, 1, 1]));
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[1.0, 2.0, 3.0], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1_000, 2_000, 3_999], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let (read, _) = back(writer.into_inner().unwrap()).unwrap();
    insta::assert_snapshot!(shown(&read), @r#"
    up{job="a"} [1, 2] [4607182418800017408, 4611686018427387904] [] [] []
    up{job="b", zone="z"} [3] [4613937818241073152] [] [] []
    "#);
}

#[test]
fn a_file_without_times_is_refused() {
    let schema = Arc::new(parse_message_type("message m { required double value; }").unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer =
        SerializedFileWriter::new(tempfile::tempfile().unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[1.0], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let error = back(writer.into_inner().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "the Parquet file has no column `timestamp` of 64-bit times");
    let mut text = tempfile::tempfile().unwrap();
    text.write_all(b"# EOF\n").unwrap();
    assert!(matches!(back(text), Err(ReadError::Parquet(_))));
}
