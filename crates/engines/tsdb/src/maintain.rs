//! What is done now and then: flushes, merges, retention, forgetting.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use model::Timestamp;
use roaring::RoaringBitmap;

use crate::{
    MaintainError, Maintained, Tsdb,
    append::oldest_ms,
    merge::Pace,
    part::{Part, PartMeta},
};

/// How often the series are looked over for who sleeps.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long maintenance that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The stretch over which the rate of samples is taken.
const RATE_OVER: Duration = Duration::from_secs(15);
/// The rate has fallen when the last stretch brought less than this part of what is in memory.
const FALLEN: u64 = 50;
/// What directories of parts may take in memory.
const DIRECTORIES_BYTES_MAX: usize = 40 << 20;

impl Tsdb {
    /// Flushes, merges, drops what retention says and forgets what has nothing left, as far as it is due. Call it often,
    /// from one thread of its own, best after [`Tsdb::wait_for_work`].
    ///
    /// # Errors
    /// When a file cannot be written, read or removed. Nothing is lost by it, and it is tried again later.
    pub fn maintain(&self, now: Timestamp) -> Result<Maintained, MaintainError> {
        let mut merging = self.merging.lock();
        if merging.retry_at.is_some_and(|at| now < at && at.since(now) <= RETRY_AFTER) {
            return Ok(Maintained::default());
        }
        merging.retry_at = Some(now + RETRY_AFTER);
        let mut done = Maintained::default();
        let appended = self.work.appended.load(Relaxed);
        merging.rates.retain(|(at, _)| *at <= now && now.since(*at) <= 2 * RATE_OVER);
        if merging.rates.last().is_none_or(|(at, _)| now.since(*at) >= Duration::from_secs(1)) {
            merging.rates.push((now, appended));
        }
        let before =
            merging.rates.iter().rev().find(|(at, _)| now.since(*at) >= RATE_OVER).copied();
        let lately = before.map(|(_, before)| appended - before);
        // First of all, for it makes room.
        if merging.retained_at.is_none_or(|at| now < at || now.since(at) >= SWEEP_EVERY) {
            merging.retained_at = Some(now);
            done.dropped = self.retain(now)?;
            merging.may_forget |= done.dropped > 0;
        }
        self.drop_log()?;
        if self.flush_is_due(now, lately) {
            done.flushed = self.flush(now)?;
        }
        let pace = match lately {
            Some(lately) if lately < 1000 || lately < self.options.head_samples / FALLEN => {
                Pace::Rest
            }
            Some(lately) if lately < self.options.head_samples => Pace::Slow,
            Some(_) | None => Pace::Fast,
        };
        done.merged = self.merge_some(now, pace, &mut merging.may_forget)?;
        if merging.swept_at.is_none_or(|at| now < at || now.since(at) >= SWEEP_EVERY) {
            merging.swept_at = Some(now);
            let mut head = self.head.lock();
            head.sweep(now);
            if pace == Pace::Rest {
                head.arena.forget_spare();
            }
        }
        if std::mem::take(&mut merging.may_forget) {
            done.series_forgotten = self.forget(now)?;
        }
        self.mend_registry(now)?;
        if pace != Pace::Fast {
            self.read_directories();
        }
        self.forget_directories();
        merging.retry_at = None;
        Ok(done)
    }

    /// A flush is due when the head is full or old, or when hardly anything comes any more.
    fn flush_is_due(&self, now: Timestamp, lately: Option<u64>) -> bool {
        let head = self.head.lock();
        if head.frozen.is_some() || self.flush_level(&head) >= 1.0 {
            return true;
        }
        let Some(first_at) = head.first_at else { return false };
        let age = now.since(first_at);
        now < first_at
            || age >= self.options.head_age
            || age >= RATE_OVER && lately.is_some_and(|lately| lately < head.samples / FALLEN)
    }

    /// Drops parts that are older than the retention, and the oldest beyond its size.
    fn retain(&self, now: Timestamp) -> Result<usize, MaintainError> {
        let oldest = oldest_ms(&self.options, now);
        let parts = Arc::clone(&self.head.lock().parts);
        let mut gone: BTreeSet<u64> = parts
            .iter()
            .filter(|part| part.meta.max_ms < oldest)
            .map(|part| part.meta.number)
            .collect();
        if let Some(limit) = self.options.retention_bytes {
            let mut left: Vec<&PartMeta> = parts
                .iter()
                .map(|part| &part.meta)
                .filter(|meta| !gone.contains(&meta.number))
                .collect();
            left.sort_by_key(|meta| (meta.max_ms, meta.number));
            let mut bytes: u64 = left.iter().map(|meta| meta.bytes).sum();
            for meta in left {
                if bytes <= limit {
                    break;
                }
                bytes -= meta.bytes;
                gone.insert(meta.number);
            }
        }
        if !gone.is_empty() {
            self.replace_parts(&gone, None)?;
        }
        Ok(gone.len())
    }

    /// Forgets series that have no sample any more, in the registry too.
    fn forget(&self, now: Timestamp) -> Result<usize, MaintainError> {
        // No flush may move samples out of the head meanwhile: they would be seen neither there nor in a part.
        let _no_flush = self.flushing.lock();
        let parts = Arc::clone(&self.head.lock().parts);
        if self.manifest.lock().parts.len() != parts.len() {
            // A part could not be opened: which series it holds cannot be known.
            return Ok(0);
        }
        let mut ids = RoaringBitmap::new();
        for part in parts.iter() {
            let directory = part
                .directory(&self.shared)
                .map_err(|source| MaintainError::Read { path: part.path.clone(), source })?;
            match directory {
                Some(directory) => {
                    ids.extend(directory.ids().iter().copied());
                    drop(directory);
                    self.forget_directories();
                }
                // What it holds cannot be known, so nothing is forgotten.
                None => return Ok(0),
            }
        }
        // No append may come between: it could bring a sample of one that is about to go.
        let mut log = self.log.lock();
        let mut head = self.head.lock();
        ids |= head.ids();
        ids.extend(
            head.pages.iter().filter(|(_, hot)| hot.is(crate::hot::ACTIVE)).map(|(id, _)| id),
        );
        let gone = self.index.select(&[]) - &ids;
        if gone.is_empty() {
            return Ok(0);
        }
        head.forget(&gone);
        drop(head);
        self.index.remove(&gone);
        let left = self.index.select(&[]);
        // First the registry, so that a number that is given anew is not found with its former labels.
        log.registry.is_ailing = true;
        let metadata = self.metadata.read();
        log.registry.rewrite(&self.index, &left, &metadata, now)?;
        Ok(usize::try_from(gone.len()).unwrap_or(usize::MAX))
    }

    /// Writes the registry anew when one of its logs is damaged.
    pub(crate) fn mend_registry(&self, now: Timestamp) -> Result<(), MaintainError> {
        let mut log = self.log.lock();
        if log.registry.is_ailing {
            let ids = self.index.select(&[]);
            let metadata = self.metadata.read();
            log.registry.rewrite(&self.index, &ids, &metadata, now)?;
        }
        Ok(())
    }

    /// Reads the directories of new parts, so that the first query need not; the newest, as far as there is room.
    fn read_directories(&self) {
        let parts = Arc::clone(&self.head.lock().parts);
        let mut bytes: usize = parts.iter().map(|part| part.directory_bytes().0).sum();
        for part in parts.iter().rev().filter(|part| part.is_unused()) {
            if bytes > DIRECTORIES_BYTES_MAX / 2 {
                return;
            }
            // What cannot be read, the query tells that misses it.
            part.directory(&self.shared).ok();
            bytes += part.directory_bytes().0;
        }
    }

    /// Lets go of directories of parts that were not used for longest.
    pub(crate) fn forget_directories(&self) {
        let parts = Arc::clone(&self.head.lock().parts);
        let mut known: Vec<(u64, usize, &Arc<Part>)> = parts
            .iter()
            .map(|part| (part.directory_bytes(), part))
            .map(|((bytes, used), part)| (used, bytes, part))
            .filter(|(_, bytes, _)| *bytes > 0)
            .collect();
        let mut bytes: usize = known.iter().map(|(_, bytes, _)| bytes).sum();
        known.sort_by_key(|(used, _, _)| *used);
        for (_, size, part) in known {
            if bytes <= DIRECTORIES_BYTES_MAX {
                return;
            }
            part.forget_directory();
            bytes -= size;
        }
    }
}
