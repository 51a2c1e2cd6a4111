//! Reading rows, a batch of every column at a time.

use std::{ops::ControlFlow, sync::Arc};

use ::parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type},
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
    },
    schema::types::{ColumnDescriptor, SchemaDescriptor},
};
use model::{BucketSpan, Histogram, Labels, Points, ResetHint};

use super::columns::Column;
use crate::{HELD_SAMPLES_MAX, Read, ReadError, Sink};

/// The most labels of a series.
const LABELS_MAX: usize = 1_024;

/// Reads all samples of a file and gives them to `sink`, those of one series that stand in a row together.
///
/// # Errors
/// When the file cannot be read, lacks `timestamp` or both of `value` and `histogram`, or a row is malformed.
pub fn read<R: ChunkReader + 'static>(file: R, sink: &mut dyn Sink) -> Result<Read, ReadError> {
    let file = SerializedFileReader::new(file).map_err(ReadError::Parquet)?;
    check_places(file.metadata())?;
    // The library asserts what a damaged file may break in its footer and pages; that is the file's fault, not ours.
    let reading = std::panic::AssertUnwindSafe(|| rows(&file, sink));
    std::panic::catch_unwind(reading)
        .unwrap_or_else(|_| Err(damaged("its pages do not fit together")))
}

fn damaged(what: &str) -> ReadError {
    ReadError::Parquet(ParquetError::General(format!("the file is damaged: {what}")))
}

/// The places that the footer names must be places: the library takes that for granted.
fn check_places(metadata: &ParquetMetaData) -> Result<(), ReadError> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let starts = [Some(column.data_page_offset()), column.dictionary_page_offset()];
        let sizes = [column.compressed_size(), column.uncompressed_size(), column.num_values()];
        if starts.into_iter().flatten().chain(sizes).any(|number| number < 0) {
            return Err(damaged("its footer has a negative place or size"));
        }
    }
    Ok(())
}

fn rows<R: ChunkReader + 'static>(
    file: &SerializedFileReader<R>,
    sink: &mut dyn Sink,
) -> Result<Read, ReadError> {
    let mut reader = Reader {
        sink,
        row: 0,
        pieces: Vec::new(),
        labels: None,
        points: Points::default(),
        stopped: false,
    };
    for group in 0..file.num_row_groups() {
        let rows = file.metadata().row_group(group).num_rows();
        let group = file.get_row_group(group).map_err(ReadError::Parquet)?;
        let mut columns = Columns::open(&*group, file.metadata().file_metadata().schema_descr())?;
        for _ in 0..rows {
            reader.row(&mut columns)?;
            if reader.stopped {
                return Ok(Read { samples: reader.row, stopped: true });
            }
        }
    }
    reader.give();
    Ok(Read { samples: reader.row, stopped: reader.stopped })
}

struct Reader<'a> {
    sink: &'a mut dyn Sink,
    /// Rows before this one.
    row: u64,
    /// Names and values of the last row, one after the other.
    pieces: Vec<ByteArray>,
    labels: Option<Labels>,
    points: Points,
    stopped: bool,
}

impl Reader<'_> {
    fn row(&mut self, columns: &mut Columns) -> Result<(), ReadError> {
        let row = self.row;
        let wrong = move |what: String| ReadError::Row { row, what };
        let parquet = ReadError::Parquet;
        let mut pieces = Vec::with_capacity(self.pieces.len());
        columns.labels_of_row(&mut pieces).map_err(parquet)?;
        if pieces != self.pieces || self.labels.is_none() || self.points.len() >= HELD_SAMPLES_MAX {
            self.give();
            self.labels = Some(labels(&pieces).map_err(wrong)?);
            self.pieces = pieces;
        }
        let at = columns.times.row().map_err(parquet)?.first();
        let at_ms = at.ok_or_else(|| wrong("there is no time".to_owned()))?;
        let at_ms = columns.unit.ms(*at_ms);
        let start = match &mut columns.starts {
            Some(starts) => starts.row().map_err(parquet)?.first().map(|at| columns.unit.ms(*at)),
            None => None,
        };
        let value = match &mut columns.values {
            Some(values) => values.row().map_err(parquet)?.first().copied(),
            None => None,
        };
        let histogram = match &mut columns.histograms {
            Some(histograms) => histograms.row().map_err(parquet)?.transpose().map_err(wrong)?,
            None => None,
        };
        self.row += 1;
        match (value, histogram) {
            (Some(value), None) => {
                extend_starts(&mut self.points.starts, self.points.times.len(), start);
                self.points.push(at_ms, value);
            }
            (None, Some(histogram)) => {
                let count = self.points.histograms.len();
                extend_starts(&mut self.points.histogram_starts, count, start);
                self.points.push_histogram(at_ms, Arc::new(histogram));
            }
            (Some(_), Some(_)) => return Err(wrong("has a value and a histogram".to_owned())),
            (None, None) => return Err(wrong("has neither a value nor a histogram".to_owned())),
        }
        Ok(())
    }

    fn give(&mut self) {
        if let Some(labels) = &self.labels
            && !self.points.is_empty()
        {
            fill_starts(&mut self.points.starts, self.points.times.len());
            fill_starts(&mut self.points.histogram_starts, self.points.histograms.len());
            self.stopped |= self.sink.points(labels, &self.points) == ControlFlow::Break(());
        }
        self.points.clear();
    }
}

/// Notes the start of the sample that comes after `before` others.
fn extend_starts(starts: &mut Vec<i64>, before: usize, start: Option<i64>) {
    if let Some(start) = start {
        starts.resize(before, 0);
        starts.push(start);
    }
}

fn fill_starts(starts: &mut Vec<i64>, count: usize) {
    if !starts.is_empty() {
        starts.resize(count, 0);
    }
}

fn labels(pieces: &[ByteArray]) -> Result<Labels, String> {
    if pieces.len() > LABELS_MAX * 2 {
        return Err(format!("has more than {LABELS_MAX} labels"));
    }
    let text = |piece: &ByteArray| {
        piece.as_utf8().map(str::to_owned).map_err(|_| "has a label that is not UTF-8".to_owned())
    };
    let texts = pieces.iter().map(text).collect::<Result<Vec<String>, String>>()?;
    let pairs = texts.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1]));
    let labels = Labels::from_pairs(pairs);
    if labels.is_empty() { Err("has no name and no label".to_owned()) } else { Ok(labels) }
}

/// How many of a time's units are a millisecond.
#[derive(Clone, Copy)]
enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    fn of(column: &ColumnDescriptor) -> Self {
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Timestamp(timestamp)), _) => match timestamp.unit {
                TimeUnit::MILLIS => Self::Milliseconds,
                TimeUnit::MICROS => Self::Microseconds,
                TimeUnit::NANOS => Self::Nanoseconds,
            },
            (_, ConvertedType::TIMESTAMP_MICROS) => Self::Microseconds,
            _ => Self::Milliseconds,
        }
    }

    fn ms(self, time: i64) -> i64 {
        match self {
            Self::Milliseconds => time,
            Self::Microseconds => time.div_euclid(1_000),
            Self::Nanoseconds => time.div_euclid(1_000_000),
        }
    }
}

/// The columns of a row group that mean something.
struct Columns {
    /// Label names that are columns of their own.
    own: Vec<(ByteArray, Column<ByteArrayType>)>,
    map: Option<(Column<ByteArrayType>, Column<ByteArrayType>)>,
    times: Column<Int64Type>,
    unit: Unit,
    starts: Option<Column<Int64Type>>,
    values: Option<Column<DoubleType>>,
    histograms: Option<Histograms>,
}

/// Opens columns by their paths.
struct Opener<'a> {
    group: &'a dyn RowGroupReader,
    schema: &'a SchemaDescriptor,
}

impl Opener<'_> {
    fn find(&self, path: &str) -> Option<usize> {
        (0..self.schema.num_columns()).find(|at| self.schema.column(*at).path().string() == path)
    }

    fn open<T: ::parquet::data_type::DataType>(
        &self,
        at: usize,
    ) -> Result<Option<Column<T>>, ReadError> {
        let column = self.schema.column(at);
        let reader = self.group.get_column_reader(at).map_err(ReadError::Parquet)?;
        Ok(Column::new(reader, column.max_def_level(), column.max_rep_level() > 0))
    }

    fn named<T: ::parquet::data_type::DataType>(
        &self,
        path: &'static str,
        kind: &'static str,
    ) -> Result<Option<Column<T>>, ReadError> {
        let Some(at) = self.find(path) else { return Ok(None) };
        let column = self.open(at)?;
        column.ok_or(ReadError::Column { column: path, kind }).map(Some)
    }

    fn required<T: ::parquet::data_type::DataType>(
        &self,
        path: &'static str,
        kind: &'static str,
    ) -> Result<Column<T>, ReadError> {
        self.named(path, kind)?.ok_or(ReadError::Column { column: path, kind })
    }
}

impl Columns {
    fn open(group: &dyn RowGroupReader, schema: &SchemaDescriptor) -> Result<Self, ReadError> {
        let open = Opener { group, schema };
        let times = open.required("timestamp", "64-bit times")?;
        let unit =
            open.find("timestamp").map_or(Unit::Milliseconds, |at| Unit::of(&schema.column(at)));
        let key = open.named("labels.key_value.key", "text")?;
        let value = open.named("labels.key_value.value", "text")?;
        let mut own = Vec::new();
        for at in 0..schema.num_columns() {
            let column = schema.column(at);
            let [name] = column.path().parts() else { continue };
            if column.physical_type() != Type::BYTE_ARRAY || column.max_rep_level() > 0 {
                continue;
            }
            let label = if name == "name" { Labels::METRIC_NAME } else { name };
            own.extend(open.open(at)?.map(|column| (ByteArray::from(label), column)));
        }
        let values = open.named("value", "64-bit floats")?;
        let histograms = Histograms::open(&open)?;
        if values.is_none() && histograms.is_none() {
            return Err(ReadError::Column { column: "value", kind: "64-bit floats" });
        }
        let starts = open.named("start", "64-bit times")?;
        Ok(Self { own, map: key.zip(value), times, unit, starts, values, histograms })
    }

    fn labels_of_row(&mut self, pieces: &mut Vec<ByteArray>) -> Result<(), ParquetError> {
        for (name, column) in &mut self.own {
            if let Some(value) = column.row()?.first() {
                pieces.extend([name.clone(), value.clone()]);
            }
        }
        if let Some((keys, values)) = &mut self.map {
            let (keys, values) = (keys.row()?, values.row()?);
            for (key, value) in keys.iter().zip(values) {
                pieces.extend([key.clone(), value.clone()]);
            }
        }
        Ok(())
    }
}

struct Histograms {
    schemas: Column<Int32Type>,
    /// Zero threshold, zero count, count, sum.
    numbers: [Column<DoubleType>; 4],
    hints: Column<Int32Type>,
    positive: Side,
    negative: Side,
    custom: Column<DoubleType>,
}

struct Side {
    offsets: Column<Int32Type>,
    lengths: Column<Int32Type>,
    counts: Column<DoubleType>,
}

/// Spans and counts of one side, or what is wrong with them.
type SideOfRow = Result<(Vec<BucketSpan>, Vec<f64>), String>;

impl Side {
    fn row(&mut self) -> Result<SideOfRow, ParquetError> {
        let (offsets, lengths) = (self.offsets.row()?, self.lengths.row()?);
        let counts = self.counts.row()?.to_vec();
        if offsets.len() != lengths.len() {
            return Ok(Err("has spans with an offset or a length alone".to_owned()));
        }
        let spans = offsets.iter().zip(lengths).map(|(offset, length)| {
            let length = u32::try_from(*length).map_err(|_| format!("has a span of {length}"))?;
            Ok(BucketSpan { offset: *offset, length })
        });
        Ok(spans.collect::<Result<Vec<_>, String>>().map(|spans| (spans, counts)))
    }
}

impl Histograms {
    /// None when the file has no such column.
    fn open(open: &Opener<'_>) -> Result<Option<Self>, ReadError> {
        if open.find("histogram.schema").is_none() {
            return Ok(None);
        }
        let (int, float) = ("32-bit integers", "64-bit floats");
        Ok(Some(Self {
            schemas: open.required("histogram.schema", int)?,
            numbers: [
                open.required("histogram.zero_threshold", float)?,
                open.required("histogram.zero_count", float)?,
                open.required("histogram.count", float)?,
                open.required("histogram.sum", float)?,
            ],
            hints: open.required("histogram.reset_hint", int)?,
            positive: Side {
                offsets: open.required("histogram.positive_offsets.list.element", int)?,
                lengths: open.required("histogram.positive_lengths.list.element", int)?,
                counts: open.required("histogram.positive_counts.list.element", float)?,
            },
            negative: Side {
                offsets: open.required("histogram.negative_offsets.list.element", int)?,
                lengths: open.required("histogram.negative_lengths.list.element", int)?,
                counts: open.required("histogram.negative_counts.list.element", float)?,
            },
            custom: open.required("histogram.custom_values.list.element", float)?,
        }))
    }

    /// The row's histogram, if it has one, or what is wrong with it.
    fn row(&mut self) -> Result<Option<Result<Histogram, String>>, ParquetError> {
        let schema = self.schemas.row()?.first().copied();
        let mut numbers = [0.0; 4];
        for (number, column) in numbers.iter_mut().zip(&mut self.numbers) {
            *number = column.row()?.first().copied().unwrap_or_default();
        }
        let hint = self.hints.row()?.first().copied();
        let (positive, negative) = (self.positive.row()?, self.negative.row()?);
        let custom_values = self.custom.row()?.to_vec();
        let Some(schema) = schema else { return Ok(None) };
        let sides = positive.and_then(|positive| Ok((positive, negative?)));
        let ((positive_spans, positive), (negative_spans, negative)) = match sides {
            Ok(sides) => sides,
            Err(what) => return Ok(Some(Err(what))),
        };
        let [zero_threshold, zero_count, count, sum] = numbers;
        let histogram = Histogram {
            schema,
            zero_threshold,
            zero_count,
            count,
            sum,
            positive_spans,
            negative_spans,
            positive,
            negative,
            custom_values,
            reset_hint: hint_of(hint.unwrap_or_default()),
        };
        Ok(Some(histogram.validate().map(|()| histogram).map_err(|error| error.to_string())))
    }
}

fn hint_of(number: i32) -> ResetHint {
    match number {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}
