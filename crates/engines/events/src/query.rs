//! Questions to the store by what a record is, and their answers.

use std::collections::BTreeSet;

use datafusion::arrow::{
    array::{Array as _, AsArray as _, BooleanArray, RecordBatch, StringArray},
    datatypes::{Int64Type, TimestampNanosecondType, UInt8Type},
};
use model::{LogRecord, Span, SpanKind, SpanStatus, Timestamp, TraceId};

use crate::{
    Events, Signal,
    file::trace_hash,
    search::{Search, SearchError},
    table,
};

/// The most spans or log records that one query returns; a higher `limit` is lowered to it.
pub const QUERY_ITEMS_MAX: usize = 10_000;
/// The most spans of one trace that are returned.
pub const TRACE_SPANS_MAX: usize = 200_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// Which spans are wanted; a `None` asks nothing. Times are those of the spans' ends, both ends included.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanQuery {
    pub service: Option<Box<str>>,
    pub environment: Option<Box<str>>,
    pub version: Option<Box<str>>,
    /// The span's name.
    pub operation: Option<Box<str>>,
    pub status: Option<SpanStatus>,
    pub kind: Option<SpanKind>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub order: Order,
    pub limit: usize,
}

impl SpanQuery {
    /// All spans that ended between the two, the newest 100.
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self {
            service: None,
            environment: None,
            version: None,
            operation: None,
            status: None,
            kind: None,
            start,
            end,
            order: Order::NewestFirst,
            limit: 100,
        }
    }
}

/// Which log records are wanted; a `None` asks nothing. Both ends of the time are included.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    pub service: Option<Box<str>>,
    pub environment: Option<Box<str>>,
    pub trace_id: Option<TraceId>,
    /// OpenTelemetry's severity number; 0 asks nothing.
    pub severity_min: u8,
    /// A part of the body's text, as it stands.
    pub contains: Option<Box<str>>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub order: Order,
    pub limit: usize,
}

impl LogQuery {
    /// All log records between the two, the newest 100.
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self {
            service: None,
            environment: None,
            trace_id: None,
            severity_min: 0,
            contains: None,
            start,
            end,
            order: Order::NewestFirst,
            limit: 100,
        }
    }
}

/// What a query found, and how complete that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    pub items: Vec<T>,
    /// The query stopped at the limit on what one query reads, before it had seen all that could match.
    pub cut_short: bool,
    /// Which damaged blocks of which files kept rows from being seen, and how many rows.
    pub damaged: Vec<String>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the spans and logs")]
pub struct QueryError(#[source] pub(crate) SearchError);

impl Events {
    /// Spans by what they are, in the order of their ends.
    pub fn spans(&self, query: &SpanQuery) -> Result<Found<Span>, QueryError> {
        let rank = |batch: &RecordBatch| -> Vec<i64> {
            ends(batch).map(|end| query.order.rank(Timestamp::from_nanos(end))).collect()
        };
        let search = Search {
            columns: &[
                "Timestamp",
                "Duration",
                "ServiceName",
                "DeploymentEnvironment",
                "ServiceVersion",
                "SpanName",
                "StatusCode",
                "SpanKind",
            ],
            filter: &|batch| query.wants(batch),
            rank: &rank,
            best: &|stretch| {
                let overlaps = stretch.ends >= query.start && stretch.first <= query.end;
                overlaps.then(|| match query.order {
                    Order::NewestFirst => query.order.rank(stretch.ends),
                    Order::OldestFirst => query.order.rank(stretch.first),
                })
            },
            service: query.service.as_deref(),
            hashes: &[],
            limit: query.limit.min(QUERY_ITEMS_MAX),
            scan_bytes_max: self.options.scan_bytes_max,
        };
        let view = self.view(Signal::Spans);
        let found = search.run(&view).map_err(QueryError)?;
        found.read(|rows| table::read_spans(rows, &view.promoted)).map_err(QueryError)
    }

    /// Log records by what they are, in the order of their times.
    pub fn logs(&self, query: &LogQuery) -> Result<Found<LogRecord>, QueryError> {
        let rank = |batch: &RecordBatch| -> Vec<i64> {
            times(batch).map(|at| query.order.rank(Timestamp::from_nanos(at))).collect()
        };
        let trace = query.trace_id.map(|trace| trace.to_string());
        let hashes: Vec<u64> = trace.as_deref().map(trace_hash).into_iter().collect();
        let search = Search {
            columns: &[
                "Timestamp",
                "ServiceName",
                "DeploymentEnvironment",
                "TraceId",
                "SeverityNumber",
                "Body",
            ],
            filter: &|batch| query.wants(batch, trace.as_deref()),
            rank: &rank,
            best: &|stretch| {
                let overlaps = stretch.last >= query.start && stretch.first <= query.end;
                overlaps.then(|| match query.order {
                    Order::NewestFirst => query.order.rank(stretch.last),
                    Order::OldestFirst => query.order.rank(stretch.first),
                })
            },
            service: query.service.as_deref(),
            hashes: &hashes,
            limit: query.limit.min(QUERY_ITEMS_MAX),
            scan_bytes_max: self.options.scan_bytes_max,
        };
        let view = self.view(Signal::Logs);
        let found = search.run(&view).map_err(QueryError)?;
        found.read(|rows| table::read_logs(rows, &view.promoted)).map_err(QueryError)
    }

    /// The spans of one trace by start time, at most [`TRACE_SPANS_MAX`]; a span that came twice is there once.
    pub fn trace(&self, trace: TraceId) -> Result<Found<Span>, QueryError> {
        let id = trace.to_string();
        let rank = |batch: &RecordBatch| -> Vec<i64> {
            let order = Order::OldestFirst;
            times(batch).map(|at| order.rank(Timestamp::from_nanos(at))).collect()
        };
        let search = Search {
            columns: &["TraceId", "Timestamp"],
            filter: &|batch| {
                let traces = batch.column(column(batch, "TraceId")).as_string::<i32>();
                traces.iter().map(|one| Some(one == Some(&*id))).collect()
            },
            rank: &rank,
            // Any file may have the first.
            best: &|_| Some(i64::MAX),
            service: None,
            hashes: &[trace_hash(&id)],
            limit: TRACE_SPANS_MAX,
            scan_bytes_max: self.options.scan_bytes_max,
        };
        let view = self.view(Signal::Spans);
        let found = search.run(&view).map_err(QueryError)?;
        let mut found =
            found.read(|rows| table::read_spans(rows, &view.promoted)).map_err(QueryError)?;
        let mut seen = BTreeSet::new();
        found.cut_short |= found.items.len() == TRACE_SPANS_MAX;
        found.items.retain(|span| seen.insert(span.span_id.0));
        Ok(found)
    }
}

impl Order {
    /// What comes first has the higher rank.
    pub(crate) fn rank(self, time: Timestamp) -> i64 {
        match self {
            Self::NewestFirst => time.as_nanos(),
            Self::OldestFirst => !time.as_nanos(),
        }
    }
}

fn column(batch: &RecordBatch, name: &str) -> usize {
    batch.schema_ref().index_of(name).expect("a search is given the columns that it names")
}

fn times(batch: &RecordBatch) -> impl Iterator<Item = i64> {
    let times = batch.column(column(batch, "Timestamp"));
    times.as_primitive::<TimestampNanosecondType>().values().iter().copied()
}

fn ends(batch: &RecordBatch) -> impl Iterator<Item = i64> {
    let durations = batch.column(column(batch, "Duration")).as_primitive::<Int64Type>();
    times(batch).zip(durations.values()).map(|(start, took)| start.wrapping_add(*took))
}

/// What a text column must be.
struct Wanted<'a> {
    texts: &'a StringArray,
    wanted: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(batch: &'a RecordBatch, name: &str, wanted: Option<&'a str>) -> Self {
        Self { texts: batch.column(column(batch, name)).as_string::<i32>(), wanted }
    }

    fn is(&self, row: usize) -> bool {
        let Some(wanted) = self.wanted else { return true };
        if self.texts.is_null(row) { wanted.is_empty() } else { self.texts.value(row) == wanted }
    }
}

impl SpanQuery {
    fn wants(&self, batch: &RecordBatch) -> BooleanArray {
        let status = self.status.map(table::status_name);
        let kind = self.kind.map(table::kind_name);
        let texts = [
            Wanted::of(batch, "ServiceName", self.service.as_deref()),
            Wanted::of(batch, "DeploymentEnvironment", self.environment.as_deref()),
            Wanted::of(batch, "ServiceVersion", self.version.as_deref()),
            Wanted::of(batch, "SpanName", self.operation.as_deref()),
            Wanted::of(batch, "StatusCode", status),
            Wanted::of(batch, "SpanKind", kind),
        ];
        let range = self.start.as_nanos()..=self.end.as_nanos();
        let rows = ends(batch).enumerate();
        rows.map(|(row, end)| {
            Some(range.contains(&end) && texts.iter().all(|wanted| wanted.is(row)))
        })
        .collect()
    }
}

impl LogQuery {
    fn wants(&self, batch: &RecordBatch, trace: Option<&str>) -> BooleanArray {
        let texts = [
            Wanted::of(batch, "ServiceName", self.service.as_deref()),
            Wanted::of(batch, "DeploymentEnvironment", self.environment.as_deref()),
            Wanted::of(batch, "TraceId", trace),
        ];
        let severity = batch.column(column(batch, "SeverityNumber")).as_primitive::<UInt8Type>();
        let body = batch.column(column(batch, "Body")).as_string::<i32>();
        let contains = |row: usize| {
            self.contains.as_deref().is_none_or(|part| {
                if body.is_null(row) { part.is_empty() } else { body.value(row).contains(part) }
            })
        };
        let range = self.start.as_nanos()..=self.end.as_nanos();
        let rows = times(batch).enumerate();
        rows.map(|(row, at)| {
            let wanted = range.contains(&at)
                && severity.value(row) >= self.severity_min
                && texts.iter().all(|wanted| wanted.is(row))
                && contains(row);
            Some(wanted)
        })
        .collect()
    }
}
