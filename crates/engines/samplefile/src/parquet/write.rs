//! Writing rows, one group of them in memory at a time.

use std::{io::Write, sync::Arc};

use ::parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use model::{BucketSpan, Histogram, Labels, Points, ResetHint};

use crate::{WriteError, parquet::SCHEMA};

/// How many rows are held before they are written as a group.
const GROUP_ROWS: usize = 65_536;
/// A group with large histograms is written sooner.
const GROUP_CELLS: usize = 1 << 20;

/// Writes samples; the file is whole only after [`Self::finish`].
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    group: Group,
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("rows", &self.group.rows).finish_non_exhaustive()
    }
}

/// Values of one column, and the levels that place them.
struct Leaf<T> {
    values: Vec<T>,
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

impl<T> Default for Leaf<T> {
    fn default() -> Self {
        Self { values: Vec::new(), defined: Vec::new(), repeated: Vec::new() }
    }
}

impl<T: Copy> Leaf<T> {
    fn option(&mut self, value: Option<T>) {
        self.defined.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    /// `None` where there is no histogram at all.
    fn list(&mut self, items: Option<impl ExactSizeIterator<Item = T>>) {
        let Some(items) = items else {
            self.defined.push(0);
            self.repeated.push(0);
            return;
        };
        if items.len() == 0 {
            self.defined.push(1);
            self.repeated.push(0);
        }
        for (at, item) in items.enumerate() {
            self.defined.push(2);
            self.repeated.push(i16::from(at > 0));
            self.values.push(item);
        }
    }
}

/// Rows that are not written yet, in columns.
#[derive(Default)]
struct Group {
    rows: usize,
    cells: usize,
    name: Leaf<ByteArray>,
    keys: Leaf<ByteArray>,
    label_values: Leaf<ByteArray>,
    times: Leaf<i64>,
    values: Leaf<f64>,
    starts: Leaf<i64>,
    schemas: Leaf<i32>,
    /// Zero threshold, zero count, count, sum.
    numbers: [Leaf<f64>; 4],
    hints: Leaf<i32>,
    positive: Side,
    negative: Side,
    custom: Leaf<f64>,
}

#[derive(Default)]
struct Side {
    offsets: Leaf<i32>,
    lengths: Leaf<i32>,
    counts: Leaf<f64>,
}

/// A series' labels as the columns want them.
struct Named {
    name: Option<ByteArray>,
    labels: Vec<(ByteArray, ByteArray)>,
}

impl<W: Write + Send> Writer<W> {
    /// # Errors
    /// When `out` refuses.
    pub fn new(out: W) -> Result<Self, WriteError> {
        let schema = parse_message_type(SCHEMA).map_err(WriteError::Parquet)?;
        let column = |name: &str| ColumnPath::from(name);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("evenkeel ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_column_dictionary_enabled(column("timestamp"), false)
            .set_column_encoding(column("timestamp"), Encoding::DELTA_BINARY_PACKED)
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))
            .map_err(WriteError::Parquet)?;
        Ok(Self { file, group: Group::default() })
    }

    /// Writes samples of one series.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn points(&mut self, labels: &Labels, points: &Points) -> Result<(), WriteError> {
        let named = Named {
            name: labels.metric_name().map(ByteArray::from),
            labels: labels
                .iter()
                .filter(|(name, _)| *name != Labels::METRIC_NAME)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        };
        for (at, sample) in points.samples().enumerate() {
            let start = points.starts.get(at).copied();
            self.group.put(&named, sample.at_ms, start, Ok(sample.value));
            self.write_if_full()?;
        }
        for (at, sample) in points.histograms.iter().enumerate() {
            let start = points.histogram_starts.get(at).copied();
            self.group.put(&named, sample.at_ms, start, Err(&sample.histogram));
            self.write_if_full()?;
        }
        Ok(())
    }

    fn write_if_full(&mut self) -> Result<(), WriteError> {
        if self.group.rows < GROUP_ROWS && self.group.cells < GROUP_CELLS {
            return Ok(());
        }
        self.write_group().map_err(WriteError::Parquet)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let group = std::mem::take(&mut self.group);
        let mut writer = self.file.next_row_group()?;
        group.write(&mut writer)?;
        writer.close()?;
        Ok(())
    }

    /// Writes what is left and the file's end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.group.rows > 0 {
            self.write_group().map_err(WriteError::Parquet)?;
        }
        self.file.into_inner().map_err(WriteError::Parquet)
    }
}

impl Group {
    fn put(
        &mut self,
        named: &Named,
        at_ms: i64,
        start: Option<i64>,
        value: Result<f64, &Histogram>,
    ) {
        self.rows += 1;
        self.name.defined.push(i16::from(named.name.is_some()));
        self.name.values.extend(named.name.clone());
        self.put_labels(&named.labels);
        self.times.values.push(at_ms);
        self.values.option(value.ok());
        self.starts.option(start.filter(|start| *start != 0));
        let histogram = value.err();
        self.schemas.option(histogram.map(|histogram| histogram.schema));
        let numbers = histogram.map(|h| [h.zero_threshold, h.zero_count, h.count, h.sum]);
        for (at, leaf) in self.numbers.iter_mut().enumerate() {
            leaf.option(numbers.map(|numbers| numbers[at]));
        }
        self.hints.option(histogram.map(|histogram| hint_number(histogram.reset_hint)));
        self.positive.put(histogram.map(|h| (&h.positive_spans[..], &h.positive[..])));
        self.negative.put(histogram.map(|h| (&h.negative_spans[..], &h.negative[..])));
        self.custom.list(histogram.map(|histogram| histogram.custom_values.iter().copied()));
        self.cells += histogram.map_or(0, |h| h.positive.len() + h.negative.len());
    }

    fn put_labels(&mut self, labels: &[(ByteArray, ByteArray)]) {
        for leaf in [&mut self.keys, &mut self.label_values] {
            if labels.is_empty() {
                leaf.defined.push(0);
                leaf.repeated.push(0);
            }
            leaf.defined.extend(labels.iter().map(|_| 1));
            leaf.repeated.extend((0..labels.len()).map(|at| i16::from(at > 0)));
        }
        self.keys.values.extend(labels.iter().map(|(name, _)| name.clone()));
        self.label_values.values.extend(labels.iter().map(|(_, value)| value.clone()));
    }

    /// In the order of the schema.
    fn write<W: Write + Send>(
        &self,
        to: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        column::<ByteArrayType, W>(to, &self.name)?;
        column::<ByteArrayType, W>(to, &self.keys)?;
        column::<ByteArrayType, W>(to, &self.label_values)?;
        column::<Int64Type, W>(to, &self.times)?;
        column::<DoubleType, W>(to, &self.values)?;
        column::<Int64Type, W>(to, &self.starts)?;
        column::<Int32Type, W>(to, &self.schemas)?;
        for leaf in &self.numbers {
            column::<DoubleType, W>(to, leaf)?;
        }
        column::<Int32Type, W>(to, &self.hints)?;
        for side in [&self.positive, &self.negative] {
            column::<Int32Type, W>(to, &side.offsets)?;
            column::<Int32Type, W>(to, &side.lengths)?;
            column::<DoubleType, W>(to, &side.counts)?;
        }
        column::<DoubleType, W>(to, &self.custom)
    }
}

impl Side {
    fn put(&mut self, side: Option<(&[BucketSpan], &[f64])>) {
        self.offsets.list(side.map(|(spans, _)| spans.iter().map(|span| span.offset)));
        let length = |span: &BucketSpan| i32::try_from(span.length).unwrap_or(i32::MAX);
        self.lengths.list(side.map(|(spans, _)| spans.iter().map(length)));
        self.counts.list(side.map(|(_, counts)| counts.iter().copied()));
    }
}

fn column<T: DataType, W: Write + Send>(
    to: &mut SerializedRowGroupWriter<'_, W>,
    leaf: &Leaf<T::T>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has too few columns".to_owned());
    let mut writer = to.next_column()?.ok_or_else(missing)?;
    let levels = |levels: &Vec<i16>| (!levels.is_empty()).then(|| levels.clone());
    let (defined, repeated) = (levels(&leaf.defined), levels(&leaf.repeated));
    writer.typed::<T>().write_batch(&leaf.values, defined.as_deref(), repeated.as_deref())?;
    writer.close()
}

fn hint_number(hint: ResetHint) -> i32 {
    match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    }
}
