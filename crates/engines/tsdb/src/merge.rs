//! Merges: parts of one window become one, denser.

mod plan;
mod source;

use std::{collections::BTreeSet, sync::Arc};

use model::{Points, Timestamp};
use roaring::RoaringBitmap;

use crate::{
    MaintainError, Tsdb,
    append::oldest_ms,
    codec::{Mode, Role},
    flush::failed,
    head::normalise,
    index::SeriesId,
    part::{self, Part, PartMeta, PartWriter},
};
pub(crate) use plan::Pace;
use plan::plan;
use source::Source;
pub(crate) use source::truncate;

/// Between looks at whether a flush is due, a merge goes through so many series.
const LOOK_EVERY: usize = 4096;

impl Tsdb {
    /// Merges what is worth while; how many parts went into it.
    pub(crate) fn merge_some(
        &self,
        now: Timestamp,
        pace: Pace,
        may_forget: &mut bool,
    ) -> Result<usize, MaintainError> {
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
            let Some(chosen) =
                plan(&metas, pace, now, crate::flush::window_ms(&self.options), &deleted)
            else {
                return Ok(merged);
            };
            let chosen: Vec<Arc<Part>> =
                chosen.into_iter().map(|at| Arc::clone(&parts[at])).collect();
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
        let aside = chosen.iter().try_for_each(|part| self.set_aside(part));
        let replaced = aside.and_then(|()| self.replace_parts(&numbers, written.clone()));
        if replaced.is_err() {
            self.remove_unnamed(written.as_slice());
        }
        replaced
    }

    /// Keeps the file of a part whose directory is damaged: its sections may be whole.
    fn set_aside(&self, part: &Part) -> Result<(), MaintainError> {
        let failed = |source| MaintainError::Read { path: part.path.clone(), source };
        if part.directory(&self.shared).map_err(failed)?.is_some() {
            return Ok(());
        }
        let dir = self.options.dir.join("quarantine");
        let Some(name) = part.path.file_name() else { return Ok(()) };
        let disk = &*self.shared.disk;
        let kept =
            disk.create_dir_all(&dir).and_then(|()| match disk.link(&part.path, &dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                Ok(()) | Err(_) => disk.sync_dir(&dir),
            });
        kept.map_err(failed)
    }

    /// Puts one part, or none, in the place of others: in the manifest first, then the files go.
    pub(crate) fn replace_parts(
        &self,
        gone: &BTreeSet<u64>,
        new: Option<PartMeta>,
    ) -> Result<(), MaintainError> {
        let opened = self.open_parts(new.as_slice())?;
        let mut tombstones = Vec::new();
        self.change_manifest(|manifest| {
            let at =
                manifest.parts.iter().position(|part| gone.contains(&part.number)).unwrap_or(0);
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
            let at =
                head.parts.iter().position(|part| gone.contains(&part.meta.number)).unwrap_or(0);
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

    fn copy(
        &self,
        chosen: &[Arc<Part>],
        writer: &mut PartWriter,
        now: Timestamp,
    ) -> Result<(), MaintainError> {
        let tombstones = Arc::clone(&self.head.lock().tombstones);
        let mut sources = Vec::new();
        for part in chosen {
            sources.extend(
                Source::open(&self.shared, part)
                    .map_err(|source| MaintainError::Read { path: part.path.clone(), source })?,
            );
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
                source.read(&self.shared, id, &mut points).map_err(|error| {
                    MaintainError::Read { path: source.path().to_owned(), source: error }
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
}

/// Takes the samples of a stretch of time out of those after the first so and so many.
pub(crate) fn cut(
    points: &mut Points,
    (floats, histograms): (usize, usize),
    start_ms: i64,
    end_ms: i64,
) {
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
