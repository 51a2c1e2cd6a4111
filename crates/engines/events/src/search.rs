//! Reads the granules that can match, the most promising first, and stops when no other can change the answer.

use model::{LogRecord, Span, Timestamp, TraceId, Value};
use wal::{Position, ReadError, Snapshot};

use crate::{
    Found, LogQuery, Order, QUERY_ITEMS_MAX, SpanQuery,
    record::{self, Record},
};

/// A granule to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) start: Position,
    pub(crate) end: Position,
    /// The highest rank that an item in it can have.
    pub(crate) rank: i64,
}

impl Order {
    /// What comes first has the higher rank.
    pub(crate) fn rank(self, time: Timestamp) -> i64 {
        match self {
            Self::NewestFirst => time.as_nanos(),
            Self::OldestFirst => !time.as_nanos(),
        }
    }

    /// The highest rank among times of this range.
    pub(crate) fn best(self, (first, last): (Timestamp, Timestamp)) -> i64 {
        match self {
            Self::NewestFirst => self.rank(last),
            Self::OldestFirst => self.rank(first),
        }
    }
}

/// How much a query may return and read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) items: usize,
    pub(crate) scan_bytes: u64,
}

/// The items with the highest ranks, highest first; of equals, those appended first.
pub(crate) fn search<T>(
    snapshot: &Snapshot,
    mut candidates: Vec<Candidate>,
    budget: Budget,
    rank: impl Fn(&T) -> i64,
    mut pick: impl FnMut(Record, &mut Vec<T>),
) -> Result<Found<T>, ReadError> {
    let limit = budget.items.min(QUERY_ITEMS_MAX);
    let mut found = Found { items: Vec::new(), cut_short: false, damaged: 0 };
    if limit == 0 {
        return Ok(found);
    }
    candidates.retain(|candidate| candidate.start >= snapshot.start());
    candidates.sort_by_key(|candidate| (!candidate.rank, candidate.start));
    let mut scanned = 0;
    for Candidate { start, end, rank: best } in candidates {
        if found.items.get(limit - 1).is_some_and(|last| rank(last) >= best) {
            break;
        }
        scanned += end.offset - start.offset;
        if scanned > budget.scan_bytes {
            found.cut_short = true;
            break;
        }
        let mut undecodable = 0;
        let whole = snapshot.read_stretch(start, end, |payload| match record::decode(payload) {
            Ok(record) => pick(record, &mut found.items),
            Err(_) => undecodable += 1,
        })?;
        found.damaged += undecodable + u64::from(!whole);
        found.items.sort_by_key(|item| !rank(item));
        found.items.truncate(limit);
    }
    Ok(found)
}

fn wants(wanted: Option<&str>, is: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == is)
}

impl SpanQuery {
    pub(crate) fn wants(&self, span: &Span) -> bool {
        (self.start..=self.end).contains(&span.end)
            && self.status.is_none_or(|status| status == span.status)
            && self.kind.is_none_or(|kind| kind == span.kind)
            && wants(self.service.as_deref(), &span.resource.service)
            && wants(self.environment.as_deref(), &span.resource.environment)
            && wants(self.version.as_deref(), &span.resource.version)
            && wants(self.operation.as_deref(), &span.name)
    }
}

impl LogQuery {
    pub(crate) fn wants(&self, log: &LogRecord) -> bool {
        (self.start..=self.end).contains(&log.at)
            && log.severity >= self.severity_min
            && self.trace_id.is_none_or(|trace| log.trace_id == Some(trace))
            && wants(self.service.as_deref(), &log.resource.service)
            && wants(self.environment.as_deref(), &log.resource.environment)
            && self.contains.as_deref().is_none_or(|part| contains(&log.body, part))
    }
}

fn contains(body: &Value, part: &str) -> bool {
    match body.as_str() {
        Some(text) => text.contains(part),
        None => body.to_string().contains(part),
    }
}

/// The spans of one trace by start; a span that came twice is there once.
pub(crate) fn trace(
    snapshot: &Snapshot,
    candidates: Vec<Candidate>,
    scan_bytes: u64,
    trace: TraceId,
) -> Result<Found<Span>, ReadError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut over = false;
    let budget = Budget { items: QUERY_ITEMS_MAX, scan_bytes };
    let rank = |span: &Span| Order::OldestFirst.rank(span.start);
    let mut found = search(snapshot, candidates, budget, rank, |record, spans| {
        for span in record.spans.into_iter().filter(|span| span.trace_id == trace) {
            if seen.insert(span.span_id.0) {
                over |= seen.len() > QUERY_ITEMS_MAX;
                spans.push(span);
            }
        }
    })?;
    found.cut_short |= over;
    Ok(found)
}
