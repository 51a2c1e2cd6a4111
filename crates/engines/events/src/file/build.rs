//! Rows become a file.

use std::collections::BTreeSet;

use datafusion::arrow::{
    array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray},
    compute::{
        SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
    },
    datatypes::{Int64Type, TimestampNanosecondType},
    error::ArrowError,
};
use hashbrown::HashSet;
use model::Timestamp;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, Encoding, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};
use wal::Position;

use super::{
    FileMeta, GRANULE_ROWS, ROW_GROUP_ROWS, Sums,
    granules::{GranuleWriter, attribute_hash, token_hash, trace_hash},
    sums::SERVICES_MAX,
    tokens,
};
use crate::{
    schema::{Kind, Place, Promoted, Signal},
    table::{ReadError, conform},
};

/// The key of the Parquet metadata that says where the index of tokens lies.
const INDEX_KEY: &str = "evenkeel.index";
/// Columns whose pages have statistics, so that readers skip pages by them.
const PAGE_STATISTICS: &[&str] =
    &["Timestamp", "Duration", "ServiceName", "SpanName", "SeverityNumber", "StatusCode"];
/// Columns whose values hardly ever come twice in a row group.
const UNIQUE: &[&str] = &["TraceId", "SpanId", "ParentSpanId", "Timestamp", "ObservedTimestamp"];

/// A file to be written, and the file beside it.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) meta: FileMeta,
    pub(crate) parquet: Vec<u8>,
    pub(crate) sums: Vec<u8>,
}

/// What becomes of a file besides its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The log before this is in files.
    pub(crate) upto: Position,
    pub(crate) replaces: Vec<u64>,
    pub(crate) lost_rows: u64,
    pub(crate) sampled: bool,
}

/// Why rows could not be made a file; they are as they were.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("cannot read the rows")]
    Read(#[source] ReadError),
    #[error("cannot sort the rows")]
    Arrow(#[source] ArrowError),
    #[error("cannot write the rows as Parquet")]
    Parquet(#[source] ParquetError),
}

/// Makes one file of the batches' rows; there must be a row.
pub(crate) fn build(
    number: u64,
    signal: Signal,
    promoted: &Promoted,
    batches: Vec<RecordBatch>,
    origin: Origin,
) -> Result<Built, BuildError> {
    let batches = conform(batches, signal, promoted).map_err(BuildError::Read)?;
    let rows = sorted(signal, &batches).map_err(BuildError::Arrow)?;
    drop(batches);
    let index = index(&rows, signal, promoted);
    let (parquet, at) = write(&rows, signal, &index).map_err(BuildError::Parquet)?;
    let (first, last, ends) = times(&rows);
    let meta = FileMeta {
        number,
        signal,
        rows: rows.num_rows() as u64,
        bytes: parquet.len() as u64,
        first,
        last,
        ends,
        services: services(&rows),
        known: promoted.list().len() as u64,
        index: (at, index.len() as u64),
        upto: origin.upto,
        replaces: origin.replaces,
        lost_rows: origin.lost_rows,
        sampled: origin.sampled,
    };
    let sums = Sums::of(meta.clone(), &parquet, footer(&parquet)).encode();
    Ok(Built { meta, parquet, sums })
}

fn sorted(signal: Signal, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let rows = concat_batches(batches[0].schema_ref(), batches)?;
    let by: Vec<_> = signal
        .order()
        .iter()
        .filter_map(|name| rows.column_by_name(name))
        .map(|column| SortColumn { values: ArrayRef::clone(column), options: None })
        .collect();
    let rows = take_record_batch(&rows, &lexsort_to_indices(&by, None)?)?;
    if signal == Signal::Spans { once(rows) } else { Ok(rows) }
}

/// Sorted spans without those that are the span before once more: an exporter has sent it again.
fn once(rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let text = |name: &str| rows.column_by_name(name).map(|column| column.as_string::<i32>());
    let (Some(spans), Some(traces)) = (text("SpanId"), text("TraceId")) else { return Ok(rows) };
    let starts = rows
        .column_by_name("Timestamp")
        .map(|column| column.as_primitive::<TimestampNanosecondType>().values());
    let same = |row: usize, before: usize| {
        spans.value(row) == spans.value(before)
            && traces.value(row) == traces.value(before)
            && starts.is_some_and(|starts| starts[row] == starts[before])
    };
    let kept: BooleanArray =
        (0..rows.num_rows()).map(|row| Some(row == 0 || !same(row, row - 1))).collect();
    if kept.true_count() == rows.num_rows() {
        return Ok(rows);
    }
    filter_record_batch(&rows, &kept)
}

fn write(rows: &RecordBatch, signal: Signal, index: &[u8]) -> Result<(Vec<u8>, u64), ParquetError> {
    let properties = properties(rows, signal);
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.flush()?;
    let at = writer.bytes_written() as u64;
    writer.write_all(index)?;
    let place = format!("{at},{}", index.len());
    writer.append_key_value_metadata(KeyValue::new(INDEX_KEY.to_owned(), place));
    Ok((writer.into_inner()?, at))
}

fn properties(rows: &RecordBatch, signal: Signal) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("evenkeel {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(GRANULE_ROWS)
        .set_data_page_size_limit(8 << 20)
        .set_write_batch_size(1024);
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    for name in PAGE_STATISTICS {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::Page);
    }
    for name in UNIQUE {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    for name in ["Timestamp", "ObservedTimestamp", "Duration"] {
        properties = properties.set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    let traces = distinct_in_group(rows.column_by_name("TraceId"));
    properties = properties
        .set_column_bloom_filter_enabled(path("TraceId"), true)
        .set_column_bloom_filter_fpp(path("TraceId"), 0.01)
        .set_column_bloom_filter_max_ndv(path("TraceId"), traces);
    let order = signal.order().iter().filter_map(|name| rows.schema_ref().index_of(name).ok());
    let order = order.map(|at| parquet::file::metadata::SortingColumn {
        column_idx: leaf(rows, at),
        descending: false,
        nulls_first: true,
    });
    properties.set_sorting_columns(Some(order.collect())).build()
}

/// The number of a flat column among Parquet's leaves; what stands before it is flat, too.
fn leaf(rows: &RecordBatch, column: usize) -> i32 {
    debug_assert!(!rows.schema_ref().field(column).data_type().is_nested());
    i32::try_from(column).expect("a table has few columns")
}

fn distinct_in_group(column: Option<&ArrayRef>) -> u64 {
    let Some(texts) = column.and_then(|column| column.as_string_opt::<i32>()) else { return 1 };
    let all: HashSet<&str> = texts.iter().flatten().take(ROW_GROUP_ROWS).collect();
    (all.len() as u64).max(1)
}

fn times(rows: &RecordBatch) -> (Timestamp, Timestamp, Timestamp) {
    let column = rows.column_by_name("Timestamp").expect("every table has times");
    let starts = column.as_primitive::<TimestampNanosecondType>();
    let starts = starts.values();
    let ends = rows.column_by_name("Duration").map(|column| {
        let durations = column.as_primitive::<Int64Type>().values().iter();
        starts.iter().zip(durations).map(|(start, took)| start.wrapping_add(*took)).max()
    });
    let time = |time: Option<i64>| Timestamp::from_nanos(time.unwrap_or_default());
    let last = starts.iter().max().copied();
    (time(starts.iter().min().copied()), time(last), time(ends.flatten().or(last)))
}

fn services(rows: &RecordBatch) -> Vec<Box<str>> {
    let column = rows.column_by_name("ServiceName").expect("every table has services");
    let services: BTreeSet<&str> = column.as_string::<i32>().iter().flatten().collect();
    if services.len() > SERVICES_MAX {
        return Vec::new();
    }
    services.into_iter().map(Box::from).collect()
}

/// The metadata without the length and the magic behind it.
fn footer(parquet: &[u8]) -> &[u8] {
    let tail = parquet.len() - 8;
    let len: [u8; 4] = parquet[tail..tail + 4].try_into().expect("four bytes");
    let len = usize::try_from(u32::from_le_bytes(len)).expect("a footer is in memory");
    &parquet[tail - len..tail]
}

/// The index of tokens of sorted rows.
fn index(rows: &RecordBatch, signal: Signal, promoted: &Promoted) -> Vec<u8> {
    let sources = Sources::of(rows, signal, promoted);
    let mut writer = GranuleWriter::default();
    let mut hashes = HashSet::new();
    let mut buffer = String::new();
    for start in (0..rows.num_rows()).step_by(GRANULE_ROWS) {
        hashes.clear();
        let end = (start + GRANULE_ROWS).min(rows.num_rows());
        sources.hash(start..end, &mut hashes, &mut buffer);
        writer.push(hashes.iter().copied());
    }
    writer.finish()
}

/// The columns that are searched by word, by trace or by an attribute's text.
struct Sources<'a> {
    traces: Option<&'a StringArray>,
    /// Words are found in these.
    texts: Vec<&'a StringArray>,
    /// Promoted texts: found by their whole; of spans, by their words, too.
    attributes: Vec<(&'a str, &'a StringArray, bool)>,
    maps: Vec<(&'static str, &'a datafusion::arrow::array::MapArray, bool)>,
    events: Option<&'a datafusion::arrow::array::ListArray>,
}

impl<'a> Sources<'a> {
    fn of(rows: &'a RecordBatch, signal: Signal, promoted: &'a Promoted) -> Self {
        let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
        let words = signal == Signal::Spans;
        let texts: &[&str] = match signal {
            Signal::Spans => &["SpanName", "StatusMessage"],
            Signal::Logs => &["Body"],
        };
        let of_kind = promoted.list().iter().filter(|one| one.kind == Kind::Text);
        let map = |name: &str| rows.column_by_name(name)?.as_map_opt();
        Self {
            traces: text("TraceId"),
            texts: texts.iter().filter_map(|name| text(name)).collect(),
            attributes: of_kind
                .filter_map(|one| {
                    let own = words && one.place == Place::Record;
                    Some((&*one.column, text(&one.column)?, own))
                })
                .collect(),
            maps: [
                map(signal.attributes()).map(|map| ("", map, words)),
                map("ResourceAttributes").map(|map| ("resource.", map, false)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            events: rows.column_by_name("Events").and_then(|column| column.as_list_opt()),
        }
    }

    fn hash(&self, rows: std::ops::Range<usize>, hashes: &mut HashSet<u64>, buffer: &mut String) {
        for text in &self.texts {
            let rows = rows.clone().filter(|row| text.is_valid(*row));
            rows.for_each(|row| words(text.value(row), hashes, buffer));
        }
        if let Some(traces) = self.traces {
            let rows = rows.clone().filter(|row| traces.is_valid(*row));
            hashes.extend(rows.map(|row| trace_hash(traces.value(row))));
        }
        for (column, texts, with_words) in &self.attributes {
            for row in rows.clone().filter(|row| texts.is_valid(*row)) {
                whole(column, texts.value(row), *with_words, hashes, buffer);
            }
        }
        for (prefix, map, with_words) in &self.maps {
            let (keys, values) = (map.keys().as_string::<i32>(), map.values().as_string::<i32>());
            for entry in items(map.value_offsets(), &rows) {
                let (key, value) = (keys.value(entry), values.value(entry));
                let name;
                let column = if prefix.is_empty() {
                    key
                } else {
                    name = format!("{prefix}{key}");
                    &name
                };
                whole(column, value, *with_words, hashes, buffer);
            }
        }
        if let Some(events) = self.events {
            let names = events.values().as_struct().column(1).as_string::<i32>();
            for item in items(events.value_offsets(), &rows) {
                whole("event", names.value(item), true, hashes, buffer);
            }
        }
    }
}

/// The items of a run of rows.
fn items(offsets: &[i32], rows: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
    at(rows.start)..at(rows.end)
}

fn words(text: &str, hashes: &mut HashSet<u64>, buffer: &mut String) {
    tokens(text, buffer, |token| {
        hashes.insert(token_hash(token));
    });
}

fn whole(
    column: &str,
    text: &str,
    with_words: bool,
    hashes: &mut HashSet<u64>,
    buffer: &mut String,
) {
    // A value that the granule has already has the same words.
    if hashes.insert(attribute_hash(column, text)) && with_words {
        words(text, hashes, buffer);
    }
}
