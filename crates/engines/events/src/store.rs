//! The store: a log that everything goes into first, rows in memory, files.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::{LogRecord, Span, Timestamp};
use parking_lot::{Condvar, Mutex, RwLock};
use wal::{Damage, Disk, Position, Snapshot, Wal};

use crate::{
    AppendError, Options, Replay, ReplayError, Signal, Stats, TableStats, Tick, TickError,
    head::{self, Chunk, Records},
    maintain::Keeper,
    recent::{self, Recent},
    record,
    state::{State, View},
};

/// More rows in memory than this many files' worth, and whoever appends writes a file himself.
const BACKLOG: usize = 4;
/// The log keeps what came in the last minutes, also when it is in files: spans sent twice are known by it.
const LOG_KEEPS: Duration = Duration::from_secs(20 * 60);
/// But not more than this.
const LOG_KEEPS_BYTES: u64 = 1 << 30;

/// The store of spans and logs. All methods take `&self` and may be called from many threads.
#[derive(Debug)]
pub struct Events {
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    /// Taken before `state` where both are needed.
    pub(crate) wal: Mutex<Wal>,
    pub(crate) state: RwLock<State>,
    /// Whoever changes files holds it.
    pub(crate) keeper: Mutex<Keeper>,
    /// The log from here on is needed by who counts out of it.
    pub(crate) keep_from: Mutex<Position>,
    pub(crate) recent: Mutex<Recent>,
    /// What opening found damaged in the log.
    pub(crate) damage: Damage,
    work_waits: AtomicBool,
    work: (Mutex<()>, Condvar),
}

/// What is in the log and not yet to be found: give it to [`Events::publish`].
#[derive(Debug)]
#[must_use = "what is not published is found only after the next start"]
pub struct Written {
    bytes: usize,
    end: Position,
    start: Position,
    received_at: Timestamp,
    duplicate: bool,
}

impl Written {
    /// Whether the request came before and nothing was written.
    pub fn is_duplicate(&self) -> bool {
        self.duplicate
    }

    /// Where the log stood after it.
    pub fn position(&self) -> Position {
        self.end
    }
}

impl Events {
    pub(crate) fn new(
        options: Options,
        disk: Arc<dyn Disk>,
        wal: Wal,
        keeper: Keeper,
        state: State,
        damage: Damage,
    ) -> Self {
        Self {
            options,
            disk,
            wal: Mutex::new(wal),
            state: RwLock::new(state),
            keeper: Mutex::new(keeper),
            keep_from: Mutex::new(Position::START),
            recent: Mutex::default(),
            damage,
            work_waits: AtomicBool::new(false),
            work: (Mutex::new(()), Condvar::new()),
        }
    }

    /// Writes one request's spans and logs into the log; on return they survive a killed process.
    ///
    /// One call is one record of the log: after a kill all of it is there or nothing. A request that came in the last minutes
    /// already is there, and is not written again.
    pub fn write(
        &self,
        received_at: Timestamp,
        spans: &[Span],
        logs: &[LogRecord],
    ) -> Result<Written, AppendError> {
        let payload = record::encode(received_at, spans, logs);
        let identity = record::identity(&payload).filter(|_| recent::are_told_apart(logs));
        let mut wal = self.wal.lock();
        let start = wal.end();
        let mut recent = self.recent.lock();
        if identity.is_some_and(|identity| recent.knows(identity, received_at)) {
            let end = start;
            return Ok(Written { bytes: 0, end, start, received_at, duplicate: true });
        }
        let end = wal.append(&payload, received_at).map_err(AppendError)?;
        if let Some(identity) = identity {
            recent.note(identity, received_at);
        }
        Ok(Written { bytes: payload.len(), end, start, received_at, duplicate: false })
    }

    /// Lets queries find what was written. Writers publish in the order in which they wrote.
    pub fn publish(&self, written: Written, spans: Vec<Span>, logs: Vec<LogRecord>) {
        if written.duplicate {
            return;
        }
        let full = {
            let mut state = self.state.write();
            state.mark(written.received_at, written.start);
            show(&mut state, Records::Spans(spans), written.bytes);
            show(&mut state, Records::Logs(logs), written.bytes);
            state.shown = state.shown.max(written.end);
            Signal::ALL.map(|signal| self.options.fills(state.table(signal)))
        };
        let full = full.into_iter().max().unwrap_or_default();
        if full >= 1 {
            self.wake();
        }
        if full >= BACKLOG {
            // What cannot be written now is tried again by whoever looks after the files, and told there.
            drop(self.flush());
        }
    }

    /// [`Events::write`] and [`Events::publish`]; returns where the log stands.
    pub fn append(
        &self,
        received_at: Timestamp,
        spans: &[Span],
        logs: &[LogRecord],
    ) -> Result<Position, AppendError> {
        if spans.is_empty() && logs.is_empty() {
            return Ok(self.position());
        }
        let written = self.write(received_at, spans, logs)?;
        let end = written.end;
        self.publish(written, spans.to_vec(), logs.to_vec());
        Ok(end)
    }

    /// Visits what was appended after `from`, in order, as far as the log goes back.
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

    /// A position after which everything lies that was received at or after `time` and is still in the log.
    pub fn position_at(&self, time: Timestamp) -> Position {
        self.state.read().position_at(time)
    }

    /// Where the log stands.
    pub fn position(&self) -> Position {
        self.wal.lock().end()
    }

    /// The log before `position` is needed no more by who counts out of it. Until the first call all of it is kept.
    pub fn keep_from(&self, position: Position) {
        let mut kept = self.keep_from.lock();
        *kept = (*kept).max(position);
    }

    /// One table as it stands, with columns for what the records in memory are about to give one.
    pub(crate) fn view(&self, signal: Signal) -> View {
        let mut view = self.state.read().view(signal);
        if !view.chunks.is_empty() {
            head::learn(signal, &view.chunks, Arc::make_mut(&mut view.promoted));
        }
        view
    }

    pub fn stats(&self) -> Stats {
        let log_bytes = self.wal.lock().bytes();
        let state = self.state.read();
        let [spans, logs] = Signal::ALL.map(|signal| {
            let table = state.table(signal);
            let metas = || table.files.iter().map(|file| file.meta());
            TableStats {
                files: table.files.len(),
                file_rows: metas().map(|meta| meta.rows).sum(),
                file_bytes: metas().map(|meta| meta.bytes).sum(),
                memory_rows: table.memory_rows() as u64,
                memory_bytes: table.memory_bytes() as u64,
                columns: table.promoted.list().len(),
                oldest: metas().map(|meta| meta.first).min(),
            }
        });
        let files = Signal::ALL.iter().flat_map(|signal| &state.table(*signal).files);
        let damaged_blocks = files.map(|file| file.verified().damaged().len()).sum();
        Stats {
            spans,
            logs,
            log_bytes,
            damage: self.damage.clone(),
            damaged_blocks,
            losses: state.losses.clone(),
        }
    }

    /// Syncs the log when it is due; call it every 100 ms or so.
    pub fn tick(&self, now: Timestamp) -> Result<Tick, TickError> {
        let due = self.wal.lock().begin_tick(now).map_err(TickError::Sync)?;
        if let Some(mut due) = due {
            let result = due.run();
            self.wal.lock().end_sync(due, result).map_err(TickError::Sync)?;
        }
        Ok(Tick { segments_dropped: self.drop_log(now).map_err(TickError::Drop)? })
    }

    /// Drops what the log need not keep.
    fn drop_log(&self, now: Timestamp) -> Result<usize, wal::DropError> {
        let covered = self.state.read().flushed.min(*self.keep_from.lock());
        let mut wal = self.wal.lock();
        if wal.bytes() > LOG_KEEPS_BYTES {
            return wal.drop_before(covered);
        }
        wal.drop_covered(covered, now - LOG_KEEPS)
    }

    /// Forces everything appended to the disk.
    pub fn sync(&self) -> Result<(), wal::SyncError> {
        self.wal.lock().sync()
    }

    /// Whether a write or a sync has failed so that only opening the store anew can heal it.
    pub fn is_closed(&self) -> bool {
        self.wal.lock().is_closed()
    }

    /// Waits until there is work for [`Events::maintain`], or this long.
    pub fn wait_for_work(&self, at_most: Duration) {
        let mut waits = self.work.0.lock();
        if !self.work_waits.swap(false, Ordering::Relaxed) {
            self.work.1.wait_for(&mut waits, at_most);
        }
    }

    fn wake(&self) {
        if !self.work_waits.swap(true, Ordering::Relaxed) {
            let _waits = self.work.0.lock();
            self.work.1.notify_all();
        }
    }

    fn snapshot(&self) -> Snapshot {
        self.wal.lock().snapshot()
    }
}

/// Puts records into their table; `bytes` is what the request took in the log.
pub(crate) fn show(state: &mut State, records: Records, bytes: usize) {
    let (signal, rows) = (records.signal(), records.len());
    if rows == 0 {
        return;
    }
    let table = state.table_mut(signal);
    table.chunk_rows += rows;
    table.chunk_bytes += bytes;
    table.chunks.push(Arc::new(Chunk::new(records, bytes)));
}
