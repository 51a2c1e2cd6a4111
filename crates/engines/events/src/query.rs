//! Questions to the store, and their answers.

use model::{SpanKind, SpanStatus, Timestamp, TraceId};

/// The most spans or log records that one query returns; a higher `limit` is lowered to it.
pub const QUERY_ITEMS_MAX: usize = 10_000;

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
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    pub items: Vec<T>,
    /// The query stopped at the limit on what one query reads, before it had seen all that could match.
    pub cut_short: bool,
    /// How many stretches of the log could not be read.
    pub damaged: u64,
}
