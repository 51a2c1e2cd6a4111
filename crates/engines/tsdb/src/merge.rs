//! Merges: parts of one window become one, denser; retention; forgetting.

mod plan;
mod source;

use std::{collections::BTreeSet, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use model::{Points, Timestamp};
use roaring::RoaringBitmap;

use crate::{
    MaintainError, Maintained, Tsdb,
    append::oldest_ms,
    codec::{Mode, Role},
    flush::failed,
    head::normalise,
    index::SeriesId,
    part::{self, Part, PartMeta, PartWriter},
};
use plan::{Pace, plan};
use source::Source;
pub(crate) use source::truncate;

/// How often the series are looked over for who sleeps.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long maintenance that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The stretch over which the rate of samples is taken.
const RATE_OVER: Duration = Duration::from_secs(15);
/// The rate has fallen when the last stretch brought less than this part of what is in memory.
const FALLEN: u64 = 50;
/// Between looks at whether a flush is due, a merge goes through so many series.
const LOOK_EVERY: usize = 4096;
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
        let before = merging.rates.iter().rev().find(|(at, _)| now.since(*at) >= RATE_OVER).copied();
        let lately = before.map(|(_, before)| appended - before);
        if self.flush_is_due(now, lately) {
            done.flushed = self.flush(now)?;
        }
        self.drop_log()?;
        if merging.retained_at.is_none_or(|at| now < at || now.since(at) >= SWEEP_EVERY) {
            merging.retained_at = Some(now);
            done.dropped = self.retain(now)?;
            merging.may_forget |= done.dropped > 0;
        }
        let pace = match lately {
            Some(lately) if lately < 1000 || lately < self.options.head_samples / FALLEN => Pace::Rest,
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

    /// Merges what is worth while; how many parts went into it.
    fn merge_some(&self, now: Timestamp, pace: Pace, may_forget: &mut bool) -> Result<usize, MaintainError> {
        let mut merged = 0;
        loop {
            let (parts, tombstones) = {
                let head = self.head.lock();
                (Arc::clone(&head.parts), Arc::clone(&head.tombstones))
            };
            let metas: Vec<&PartMeta> = parts.iter().map(|part| &part.meta).collect();
            let deleted: BTreeSet<u64> = metas
                .iter()
                .filter(|meta| {
                    tombstones.iter().any(|tombstone| {
                        meta.number <= tombstone.upto
                            && meta.overlaps(tombstone.start_ms, tombstone.end_ms)
                    })
                })
                .map(|meta| meta.number)
                .collect();
            let Some(chosen) = plan(&metas, pace, now, crate::flush::window_ms(&self.options), &deleted)
            else {
                return Ok(merged);
            };
            let chosen: Vec<Arc<Part>> = chosen.into_iter().map(|at| Arc::clone(&parts[at])).collect();
            *may_forget |= chosen.iter().any(|part| deleted.contains(&part.meta.number));
            self.merge(&chosen, now)?;
            merged += chosen.len();
        }
    }

    /// Puts one part in the place of some of one window.
    fn merge(&self, chosen: &[Arc<Part>], now: Timestamp) -> Result<(), MaintainError> {
        self.check_room(chosen.iter().map(|part| part.meta.bytes).sum())?;
        let window_ms = chosen[0].meta.window_ms;
        let level = chosen.iter().map(|part| part.meta.level).max().unwrap_or(0).saturating_add(1);
        let number = self.next_part();
        let disk = &*self.shared.disk;
        let path = part::path(&self.options.dir, number);
        let mut writer = PartWriter::create(disk, path, number, Mode::Dense).map_err(failed)?;
        if let Err(error) = self.copy(chosen, &mut writer, now) {
            writer.abandon(disk);
            return Err(error);
        }
        let written = writer.finish(disk, level, window_ms).map_err(failed)?;
        let dir = part::directory(&self.options.dir);
        disk.sync_dir(&dir).map_err(|error| failed((dir, error)))?;
        let numbers: BTreeSet<u64> = chosen.iter().map(|part| part.meta.number).collect();
        self.replace_parts(&numbers, written)
    }

    /// Puts one part, or none, in the place of others: in the manifest first, then the files go.
    pub(crate) fn replace_parts(&self, gone: &BTreeSet<u64>, new: Option<PartMeta>) -> Result<(), MaintainError> {
        let opened = self.open_parts(new.as_slice())?;
        let mut tombstones = Vec::new();
        self.change_manifest(|manifest| {
            let at = manifest.parts.iter().position(|part| gone.contains(&part.number)).unwrap_or(0);
            manifest.parts.retain(|part| !gone.contains(&part.number));
            if let Some(new) = new {
                manifest.parts.insert(at.min(manifest.parts.len()), new);
            }
            let parts = &manifest.parts;
            manifest.tombstones.retain(|tombstone| {
                parts.iter().any(|part| {
                    part.number <= tombstone.upto
                        && part.overlaps(tombstone.start_ms, tombstone.end_ms)
                })
            });
            tombstones.clone_from(&manifest.tombstones);
        })?;
        {
            let mut head = self.head.lock();
            let at = head.parts.iter().position(|part| gone.contains(&part.meta.number)).unwrap_or(0);
            let mut parts = Vec::clone(&head.parts);
            parts.retain(|part| !gone.contains(&part.meta.number));
            let at = at.min(parts.len());
            parts.splice(at..at, opened);
            head.parts = Arc::new(parts);
            head.tombstones = Arc::new(tombstones);
        }
        self.remove_parts(gone.iter().copied());
        Ok(())
    }

    fn copy(&self, chosen: &[Arc<Part>], writer: &mut PartWriter, now: Timestamp) -> Result<(), MaintainError> {
        let tombstones = Arc::clone(&self.head.lock().tombstones);
        let mut sources = Vec::new();
        for part in chosen {
            sources.extend(Source::open(&self.shared, part).map_err(|source| {
                MaintainError::Read { path: part.path.clone(), source }
            })?);
        }
        let mut ids = RoaringBitmap::new();
        for source in &sources {
            ids.extend(source.ids().iter().copied());
        }
        let order: Vec<(SeriesId, Role)> = self.index.arrange(&ids);
        let oldest = oldest_ms(&self.options, now);
        let mut points = Points::default();
        for (number, (id, role)) in order.into_iter().enumerate() {
            for source in &mut sources {
                let before = (points.times.len(), points.histograms.len());
                source.read(&self.shared, id, &mut points).map_err(|error| MaintainError::Read {
                    path: source.path().to_owned(),
                    source: error,
                })?;
                for tombstone in tombstones.iter().filter(|one| source.number() <= one.upto) {
                    if tombstone.ids.binary_search(&id).is_ok() {
                        cut(&mut points, before, tombstone.start_ms, tombstone.end_ms);
                    }
                }
            }
            normalise(&mut points);
            if oldest > i64::MIN {
                cut(&mut points, (0, 0), i64::MIN, oldest - 1);
            }
            writer.push(id, role, &mut points).map_err(failed)?;
            if number % LOOK_EVERY == LOOK_EVERY - 1 {
                let is_due = self.flush_level(&self.head.lock()) >= 1.0;
                if is_due {
                    self.flush(now)?;
                }
            }
        }
        Ok(())
    }

    /// Drops parts that are older than the retention, and the oldest beyond its size.
    fn retain(&self, now: Timestamp) -> Result<usize, MaintainError> {
        let oldest = oldest_ms(&self.options, now);
        let parts = Arc::clone(&self.head.lock().parts);
        let mut gone: BTreeSet<u64> =
            parts.iter().filter(|part| part.meta.max_ms < oldest).map(|part| part.meta.number).collect();
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
        let parts = Arc::clone(&self.head.lock().parts);
        let mut ids = RoaringBitmap::new();
        for part in parts.iter() {
            let directory = part
                .directory(&self.shared)
                .map_err(|source| MaintainError::Read { path: part.path.clone(), source })?;
            match directory {
                Some(directory) => ids.extend(directory.ids().iter().copied()),
                // What it holds cannot be known, so nothing is forgotten.
                None => return Ok(0),
            }
        }
        // No append may come between: it could bring a sample of one that is about to go.
        let mut log = self.log.lock();
        let mut head = self.head.lock();
        if log.wal.bytes_after(self.manifest.lock().flushed) > 0 && head.samples == 0 && head.frozen.is_none() {
            // Only headers are left.
        }
        ids |= head.ids();
        ids.extend(head.pages.iter().filter(|(_, hot)| hot.is(crate::hot::ACTIVE)).map(|(id, _)| id));
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

/// Takes the samples of a stretch of time out of those after the first so and so many.
pub(crate) fn cut(points: &mut Points, (floats, histograms): (usize, usize), start_ms: i64, end_ms: i64) {
    let goes = |at_ms: i64| (start_ms..=end_ms).contains(&at_ms);
    let with_starts = points.starts.len() == points.times.len();
    if points.times[floats..].iter().any(|at| goes(*at)) {
        let mut kept = floats;
        for at in floats..points.times.len() {
            if !goes(points.times[at]) {
                points.times[kept] = points.times[at];
                points.values[kept] = points.values[at];
                if with_starts {
                    points.starts[kept] = points.starts[at];
                }
                kept += 1;
            }
        }
        points.times.truncate(kept);
        points.values.truncate(kept);
        points.starts.truncate(kept);
    }
    let with_starts = points.histogram_starts.len() == points.histograms.len();
    if points.histograms[histograms..].iter().any(|sample| goes(sample.at_ms)) {
        let mut kept = histograms;
        for at in histograms..points.histograms.len() {
            if !goes(points.histograms[at].at_ms) {
                points.histograms.swap(kept, at);
                if with_starts {
                    points.histogram_starts.swap(kept, at);
                }
                kept += 1;
            }
        }
        points.histograms.truncate(kept);
        points.histogram_starts.truncate(kept);
    }
}
