//! The store: one writer of the log, an index beside it, queries over both.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use model::{LogRecord, Span, Timestamp, TraceId};
use parking_lot::{Mutex, RwLock};
use wal::{Damage, Disk, Position, RecordAt, Snapshot, Wal};

use crate::{
    AppendError, Found, LogQuery, OpenError, Options, Order, QueryError, Recovery, Replay,
    ReplayError, SpanQuery, Stats, Tick, TickError,
    index::{Granule, Index},
    record,
    search::{self, Budget, Candidate},
};

/// The store of spans and logs. All methods take `&self` and may be called from many threads.
#[derive(Debug)]
pub struct Events {
    options: Options,
    /// Taken before `index` where both are needed.
    wal: Mutex<Wal>,
    index: RwLock<Index>,
    /// What opening found damaged.
    damage: Damage,
}

impl Events {
    /// Opens or makes the store and reads what a killed process left.
    pub fn open(
        options: Options,
        disk: Arc<dyn Disk>,
        _now: Timestamp,
    ) -> Result<(Self, Recovery), OpenError> {
        let (wal, torn) = Wal::open(wal_options(&options), disk).map_err(OpenError::Wal)?;
        let mut index = Index::default();
        let mut undecodable = 0;
        let read = wal.read(Position::START, |entry| {
            match record::summary(entry.payload) {
                Ok(summary) => index.add(entry.at, &summary),
                Err(_) => undecodable += 1,
            }
            ControlFlow::Continue(())
        });
        let mut damage = read.map_err(OpenError::Read)?.damage;
        damage.merge(torn);
        wal.quarantine(&mut damage);
        let totals = index.totals;
        let recovery = Recovery {
            records: totals.records,
            spans: totals.spans,
            logs: totals.logs,
            damage: damage.clone(),
            undecodable,
        };
        let store = Self { options, wal: Mutex::new(wal), index: RwLock::new(index), damage };
        Ok((store, recovery))
    }

    /// Takes one request's spans and logs; on return they survive a killed process.
    ///
    /// One call is one record of the log: after a kill all of it is there or nothing. Returns where the log stands.
    pub fn append(
        &self,
        received_at: Timestamp,
        spans: &[Span],
        logs: &[LogRecord],
    ) -> Result<Position, AppendError> {
        if spans.is_empty() && logs.is_empty() {
            return Ok(self.position());
        }
        let (payload, summary) = record::encode(received_at, spans, logs);
        let mut wal = self.wal.lock();
        let end = wal.append(&payload, received_at).map_err(AppendError)?;
        let at = RecordAt::ending(end, payload.len());
        self.index.write().add(at, &summary);
        Ok(end)
    }

    /// Visits what was appended after `from`, in order.
    pub fn replay(
        &self,
        from: Position,
        mut visit: impl FnMut(Timestamp, Vec<Span>, Vec<LogRecord>),
    ) -> Result<Replay, ReplayError> {
        let mut undecodable = 0;
        let replayed = self.snapshot().read(from, |entry| {
            match record::decode(entry.payload) {
                Ok(record) => visit(record.received_at, record.spans, record.logs),
                Err(_) => undecodable += 1,
            }
            ControlFlow::Continue(())
        });
        let replayed = replayed.map_err(ReplayError)?;
        Ok(Replay {
            records: replayed.records - undecodable,
            complete: replayed.complete,
            damage: replayed.damage,
            undecodable,
        })
    }

    /// A position after which everything lies that was received at or after `time`.
    pub fn position_at(&self, time: Timestamp) -> Position {
        // The end first: what is appended meanwhile lies after it.
        let end = self.position();
        self.index.read().position_at(time).unwrap_or(end)
    }

    /// Where the log stands.
    pub fn position(&self) -> Position {
        self.wal.lock().end()
    }

    pub fn spans(&self, query: &SpanQuery) -> Result<Found<Span>, QueryError> {
        let candidates = self.candidates(|index| {
            let granules = index.of_service(query.service.as_deref());
            within(granules, query.start, query.end, query.order, |granule| granule.span_ends)
        });
        let rank = |span: &Span| query.order.rank(span.end);
        search::search(
            &self.snapshot(),
            candidates,
            self.budget(query.limit),
            rank,
            |record, spans| {
                spans.extend(record.spans.into_iter().filter(|span| query.wants(span)));
            },
        )
        .map_err(QueryError)
    }

    /// The spans of one trace by start time, at most [`crate::QUERY_ITEMS_MAX`]; a span that came twice is there once.
    pub fn trace(&self, trace: TraceId) -> Result<Found<Span>, QueryError> {
        // Spans are ranked by their start, of which the index knows nothing: every granule may hold the first.
        let candidates = self.candidates(|index| {
            index.of_trace(trace).map(|granule| candidate(granule, i64::MAX)).collect()
        });
        search::trace(&self.snapshot(), candidates, self.options.scan_bytes_max, trace)
            .map_err(QueryError)
    }

    pub fn logs(&self, query: &LogQuery) -> Result<Found<LogRecord>, QueryError> {
        let times = |granule: &Granule| granule.log_times;
        let candidates = self.candidates(|index| match query.trace_id {
            Some(trace) => {
                within(index.of_trace(trace), query.start, query.end, query.order, times)
            }
            None => {
                let granules = index.of_service(query.service.as_deref());
                within(granules, query.start, query.end, query.order, times)
            }
        });
        let rank = |log: &LogRecord| query.order.rank(log.at);
        search::search(
            &self.snapshot(),
            candidates,
            self.budget(query.limit),
            rank,
            |record, logs| {
                logs.extend(record.logs.into_iter().filter(|log| query.wants(log)));
            },
        )
        .map_err(QueryError)
    }

    pub fn stats(&self) -> Stats {
        let bytes = self.wal.lock().bytes();
        let index = self.index.read();
        Stats {
            records: index.totals.records,
            spans: index.totals.spans,
            logs: index.totals.logs,
            bytes,
            granules: index.granules(),
            index_bytes: index.bytes(),
            oldest: index.oldest(),
            damage: self.damage.clone(),
        }
    }

    /// Syncs when it is due and drops what is older than the retention or over the size; call it every 100 ms or so.
    pub fn tick(&self, now: Timestamp) -> Result<Tick, TickError> {
        let mut wal = self.wal.lock();
        let dropped = self.drop_old(&mut wal, now);
        self.index.write().drop_before(wal.start().segment);
        let segments_dropped = dropped.map_err(TickError::Drop)?;
        wal.tick(now).map_err(TickError::Sync)?;
        Ok(Tick { segments_dropped })
    }

    fn drop_old(&self, wal: &mut Wal, now: Timestamp) -> Result<usize, wal::DropError> {
        let mut dropped = 0;
        if let Some(retention) = self.options.retention {
            dropped += wal.drop_older(now - retention)?;
        }
        if let Some(bytes_max) = self.options.bytes_max {
            dropped += wal.drop_to(bytes_max)?;
        }
        Ok(dropped)
    }

    /// Forces everything appended to the disk.
    pub fn sync(&self) -> Result<(), wal::SyncError> {
        self.wal.lock().sync()
    }

    /// Whether a write or a sync has failed so that only opening the store anew can heal it.
    pub fn is_closed(&self) -> bool {
        self.wal.lock().is_closed()
    }

    fn snapshot(&self) -> Snapshot {
        self.wal.lock().snapshot()
    }

    /// Taken before the snapshot that is then read, which so holds all of them that were not dropped meanwhile.
    fn candidates(&self, of: impl FnOnce(&Index) -> Vec<Candidate>) -> Vec<Candidate> {
        of(&self.index.read())
    }

    fn budget(&self, items: usize) -> Budget {
        Budget { items, scan_bytes: self.options.scan_bytes_max }
    }
}

fn candidate(granule: &Granule, rank: i64) -> Candidate {
    Candidate { start: granule.start, end: granule.end, rank }
}

fn within<'a>(
    granules: impl Iterator<Item = &'a Granule>,
    start: Timestamp,
    end: Timestamp,
    order: Order,
    times: impl Fn(&Granule) -> Option<(Timestamp, Timestamp)>,
) -> Vec<Candidate> {
    granules
        .filter_map(|granule| {
            let range = times(granule)?;
            let overlaps = range.0 <= end && range.1 >= start;
            overlaps.then(|| candidate(granule, order.best(range)))
        })
        .collect()
}

fn wal_options(options: &Options) -> wal::Options {
    // A segment is dropped whole, so it must not span much of the retention.
    let age = options.retention.map(|retention| {
        (retention / 8).clamp(Duration::from_secs(600), Duration::from_secs(86_400))
    });
    wal::Options {
        sync: options.sync,
        segment_bytes: options.segment_bytes,
        segment_age: age,
        free_bytes_min: options.free_bytes_min,
        ..wal::Options::new(options.dir.clone())
    }
}
