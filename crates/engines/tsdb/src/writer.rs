//! The one who writes: appends to the write-ahead log, checkpoints into the block log, drops what is old.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Labels, Timestamp};
use parking_lot::RwLock;
use wal::{Disk, Position, RecordAt, SyncPolicy, Wal};

use crate::{
    BlockError, Offender, OpenError, Options, RefusedReason, Tick, TickError,
    admit::{oldest_ms, window_ms},
    block,
    chunk::Chunk,
    head::Head,
    index::SeriesId,
    load::Checkpointed,
    series::BlockRef,
};

/// How often the series are looked over for what is old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long a checkpoint that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How long the label to blame for refusals is remembered: finding it takes a while.
const OFFENDER_FOR: Duration = Duration::from_secs(60);
const OFFENDERS_MAX: usize = 1000;
/// When the write-ahead log is larger, it is no longer kept for the replay window.
const REPLAY_BYTES_MAX: u64 = 1 << 30;
/// A checkpoint waits until the series have so many samples on average, for blocks of a few would be mostly labels ...
const BLOCK_SAMPLES: u64 = 60;
/// ... but no longer than until the log has so many times the size at which one is due.
const WAIT_TIMES: u64 = 16;
/// With so many times that size, nobody ticks, and the append checkpoints.
const OVERDUE_TIMES: u64 = 32;

#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) wal: Wal,
    pub(crate) blocks: Wal,
    pub(crate) checkpointed: Checkpointed,
    checkpointed_at: Timestamp,
    retry_at: Option<Timestamp>,
    swept_at: Timestamp,
    pub(crate) keep_from: Option<Position>,
    /// Samples that are in the write-ahead log alone.
    pub(crate) samples_since: u64,
    offenders: BTreeMap<Option<Box<str>>, (Timestamp, Option<Offender>)>,
    pub(crate) refused: BTreeMap<RefusedReason, u64>,
}

/// Opens the two logs; the report is of what was torn.
pub(crate) fn open(
    options: &Options,
    disk: &Arc<dyn Disk>,
) -> Result<(Wal, Wal, wal::Damage), OpenError> {
    let wal = wal::Options {
        sync: options.sync,
        free_bytes_min: options.free_bytes_min,
        ..wal::Options::new(options.dir.join("wal"))
    };
    // A segment is dropped whole, so it must not span much of the retention.
    let age = options.retention.map(|retention| {
        (retention / 8).clamp(Duration::from_secs(600), Duration::from_secs(86_400))
    });
    let blocks = wal::Options {
        // A checkpoint syncs once, at its end.
        sync: SyncPolicy::Never,
        segment_age: age,
        // Below the other's, so that what was taken can still be checkpointed.
        free_bytes_min: options.free_bytes_min / 2,
        ..wal::Options::new(options.dir.join("blocks"))
    };
    let (wal, mut torn) = Wal::open(wal, Arc::clone(disk)).map_err(OpenError::Wal)?;
    let (blocks, more) = Wal::open(blocks, Arc::clone(disk)).map_err(OpenError::Blocks)?;
    torn.merge(more);
    Ok((wal, blocks, torn))
}

impl Writer {
    pub(crate) fn new(wal: Wal, blocks: Wal, checkpointed: Checkpointed, now: Timestamp) -> Self {
        Self {
            wal,
            blocks,
            checkpointed,
            checkpointed_at: now,
            retry_at: None,
            swept_at: now,
            keep_from: None,
            samples_since: 0,
            offenders: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// The label to blame, from memory when it was looked for lately.
    pub(crate) fn offender(
        &mut self,
        head: &Head,
        now: Timestamp,
        service: Option<&str>,
    ) -> Option<Offender> {
        let key = service.map(Box::from);
        if let Some((at, known)) = self.offenders.get(&key)
            && now.since(*at) < OFFENDER_FOR
        {
            return known.clone();
        }
        if self.offenders.len() >= OFFENDERS_MAX {
            self.offenders.clear();
        }
        let found = head.offender(service);
        self.offenders.insert(key, (now, found.clone()));
        found
    }

    /// What is due: sync, checkpoint, retention. Does all of it, and then tells the first failure.
    pub(crate) fn tick(
        &mut self,
        options: &Options,
        head: &RwLock<Head>,
        now: Timestamp,
    ) -> Result<Tick, TickError> {
        let synced = self.wal.tick(now).map_err(TickError::Sync);
        let mut tick = Tick::default();
        let swept = self.sweep_when_due(options, head, now, &mut tick);
        let resumed = self.blocks.tick(now).map_err(TickError::Sync);
        let mut checkpointed = Ok(());
        if self.checkpoint_due(options, head, now) {
            checkpointed = self.checkpoint(options, head, now).map_err(TickError::Checkpoint);
            tick.checkpointed = checkpointed.is_ok();
        }
        synced.and(swept).and(resumed).and(checkpointed).map(|()| tick)
    }

    fn checkpoint_due(&self, options: &Options, head: &RwLock<Head>, now: Timestamp) -> bool {
        if self.retry_at.is_some_and(|at| now < at) || self.wal.end() <= self.checkpointed.position
        {
            return false;
        }
        let bytes = self.wal.bytes_after(self.checkpointed.position);
        now.since(self.checkpointed_at) >= options.checkpoint_age
            || bytes >= options.checkpoint_bytes.saturating_mul(WAIT_TIMES)
            || (bytes >= options.checkpoint_bytes && self.blocks_would_be_full(head))
    }

    fn blocks_would_be_full(&self, head: &RwLock<Head>) -> bool {
        let active = u64::try_from(head.read().active).expect("a count fits 64 bits");
        self.samples_since >= active.saturating_mul(BLOCK_SAMPLES)
    }

    /// Checkpoints from within an append when nobody ticks. A failure is left to the next tick to tell.
    pub(crate) fn checkpoint_when_overdue(
        &mut self,
        options: &Options,
        head: &RwLock<Head>,
        now: Timestamp,
    ) {
        let bytes = self.wal.bytes_after(self.checkpointed.position);
        let may_try = self.retry_at.is_none_or(|at| now >= at);
        if may_try && bytes >= options.checkpoint_bytes.saturating_mul(OVERDUE_TIMES) {
            drop(self.checkpoint(options, head, now));
        }
    }

    /// Writes what is only in the write-ahead log into blocks, and lets go of the log before it.
    pub(crate) fn checkpoint(
        &mut self,
        options: &Options,
        head: &RwLock<Head>,
        now: Timestamp,
    ) -> Result<(), BlockError> {
        let position = self.wal.end();
        if position <= self.checkpointed.position {
            return Ok(());
        }
        self.retry_at = Some(now + RETRY_AFTER);
        // Never the number of a checkpoint that failed: its blocks must not be taken for this one's.
        self.checkpointed.number += 1;
        let written = self.write_blocks(head, position, now)?;
        {
            let mut head = head.write();
            head.blocks = Arc::new(self.blocks.snapshot());
            for (id, block, chunks) in written {
                if let Some(series) = head.get_mut(id) {
                    series.written(block, chunks, window_ms(options));
                }
            }
        }
        self.checkpointed.position = position;
        self.checkpointed_at = now;
        self.samples_since = 0;
        self.retry_at = None;
        self.drop_wal(options, now).map_err(BlockError::Drop)?;
        Ok(())
    }

    fn write_blocks(
        &mut self,
        head: &RwLock<Head>,
        position: Position,
        now: Timestamp,
    ) -> Result<Vec<(SeriesId, BlockRef, Vec<Chunk>)>, BlockError> {
        let number = self.checkpointed.number;
        let head = head.read();
        let mut written = Vec::new();
        for (id, series) in head.series().filter(|(_, series)| series.head_samples() > 0) {
            let chunks = series.head_chunks();
            let block = write_block(&mut self.blocks, number, &series.labels, &chunks, now)?;
            written.push((id, block, chunks));
        }
        let metadata = block::encode_metadata(number, head.metadata.values());
        drop(head);
        self.blocks.append(&metadata, now).map_err(BlockError::Append)?;
        for _ in 0..2 {
            let closing = block::encode_closing(number, position);
            self.blocks.append(&closing, now).map_err(BlockError::Append)?;
        }
        self.blocks.sync().map_err(BlockError::Sync)?;
        Ok(written)
    }

    fn drop_wal(&mut self, options: &Options, now: Timestamp) -> Result<usize, wal::DropError> {
        let covered = self.checkpointed.position;
        let covered = self.keep_from.map_or(covered, |kept| kept.min(covered));
        if self.wal.bytes() > REPLAY_BYTES_MAX {
            return self.wal.drop_before(covered);
        }
        self.wal.drop_covered(covered, now - options.replay_window)
    }

    fn sweep_when_due(
        &mut self,
        options: &Options,
        head: &RwLock<Head>,
        now: Timestamp,
        tick: &mut Tick,
    ) -> Result<(), TickError> {
        if now >= self.swept_at && now.since(self.swept_at) < SWEEP_EVERY {
            return Ok(());
        }
        self.swept_at = now;
        tick.series_dropped = head.write().sweep(now, oldest_ms(options, now));
        tick.segments_dropped = self.drop_wal(options, now).map_err(TickError::Drop)?;
        if let Some(retention) = options.retention {
            // A sample may be that much newer than its receipt.
            let ahead = Duration::from_secs(options.limits.future_seconds_max);
            let cutoff = now - retention.saturating_add(ahead);
            tick.segments_dropped += self.blocks.drop_older(cutoff).map_err(TickError::Drop)?;
            head.write().blocks = Arc::new(self.blocks.snapshot());
        }
        Ok(())
    }
}

fn write_block(
    blocks: &mut Wal,
    checkpoint: u64,
    labels: &Labels,
    chunks: &[Chunk],
    now: Timestamp,
) -> Result<BlockRef, BlockError> {
    let payload = block::encode_block(checkpoint, labels, chunks);
    let end = blocks.append(&payload, now).map_err(BlockError::Append)?;
    let samples = chunks.iter().map(|chunk| chunk.samples).sum::<usize>();
    Ok(BlockRef {
        at: RecordAt::ending(end, payload.len()),
        min_ms: chunks.iter().map(|chunk| chunk.min_ms).min().unwrap_or(0),
        max_ms: chunks.iter().map(|chunk| chunk.max_ms).max().unwrap_or(0),
        samples: u64::try_from(samples).expect("a length in memory fits 64 bits"),
    })
}
