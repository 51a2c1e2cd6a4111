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
    manifest::Tombstone,
    part::{self, Part, PartMeta, PartWriter, bytes_of},
};
pub(crate) use plan::Pace;
use plan::plan;
use source::Source;
pub(crate) use source::truncate;

/// What samples of one series may take in memory at once, about.
const BYTES_AT_ONCE: usize = if cfg!(test) { 32 << 10 } else { 16 << 20 };
/// The weight of sections that are read at once; see [`Source::sections`].
const WEIGHT_AT_ONCE: u64 = if cfg!(test) { 2048 } else { 1 << 20 };
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
        let mut reading =
            Reading { sources, tombstones, oldest: oldest_ms(&self.options, now), store: self };
        let mut points = Points::default();
        for (number, (id, role)) in order.into_iter().enumerate() {
            let mut pieces = reading.pieces(id).into_iter();
            for piece in pieces.by_ref() {
                reading.read(id, piece, &mut points)?;
                if bytes_of(&points) > BYTES_AT_ONCE {
                    break;
                }
            }
            if pieces.len() == 0 {
                writer.push(id, role, &mut points).map_err(failed)?;
            } else {
                let mut first = Some(std::mem::take(&mut points));
                writer.push_long(id, role, &mut |points: &mut Points| {
                    if let Some(first) = first.take() {
                        *points = first;
                        return Ok(true);
                    }
                    let Some(piece) = pieces.next() else { return Ok(false) };
                    reading.read(id, piece, points).map(|()| true)
                })?;
            }
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

/// Parts that are read together.
struct Reading<'a> {
    sources: Vec<Source>,
    tombstones: Arc<Vec<Tombstone>>,
    oldest: i64,
    store: &'a Tsdb,
}

impl Reading<'_> {
    /// Stretches of time, one after the other, in each of which hardly more lies than is read at once; mostly there is
    /// but one.
    fn pieces(&self, id: SeriesId) -> Vec<(i64, i64)> {
        let sections = self.sources.iter().flat_map(|source| source.sections(id));
        let mut sections: Vec<(i64, u64)> = sections.collect();
        if sections.iter().map(|(_, weight)| weight).sum::<u64>() <= WEIGHT_AT_ONCE {
            return vec![(i64::MIN, i64::MAX)];
        }
        sections.sort_unstable();
        let (mut pieces, mut start_ms, mut weight) = (Vec::new(), i64::MIN, 0);
        for (min_ms, more) in sections {
            if weight + more > WEIGHT_AT_ONCE && min_ms > start_ms.saturating_add(1) {
                pieces.push((start_ms, min_ms - 1));
                (start_ms, weight) = (min_ms, 0);
            }
            weight += more;
        }
        pieces.push((start_ms, i64::MAX));
        pieces
    }

    /// The series' samples of a stretch of time, from all parts, without what was deleted or is older than the retention.
    fn read(
        &mut self,
        id: SeriesId,
        range: (i64, i64),
        points: &mut Points,
    ) -> Result<(), MaintainError> {
        for source in &mut self.sources {
            let before = (points.times.len(), points.histograms.len());
            source.read(&self.store.shared, id, range, points).map_err(|error| {
                MaintainError::Read { path: source.path().to_owned(), source: error }
            })?;
            for tombstone in self.tombstones.iter().filter(|one| source.number() <= one.upto) {
                if tombstone.ids.binary_search(&id).is_ok() {
                    cut(points, before, tombstone.start_ms, tombstone.end_ms);
                }
            }
        }
        normalise(points);
        if self.oldest > i64::MIN {
            cut(points, (0, 0), i64::MIN, self.oldest - 1);
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

#[cfg(test)]
mod tests {
    use model::{Labels, Matcher, Sample, Series};
    use wal::SimDisk;

    use super::*;
    use crate::{Incoming, Options, SyncPolicy};

    /// A series too long for memory is merged by stretches of time, among others that are not.
    #[test]
    fn a_long_series_is_merged_piece_by_piece() {
        let options = Options { sync: SyncPolicy::Never, free_bytes_min: 0, ..Options::new("t") };
        let secs = Timestamp::from_secs;
        let (store, _) = Tsdb::open(options, Arc::new(SimDisk::new(1)), secs(0)).unwrap();
        let labels = |name: &str| Labels::from_pairs([("__name__", name)]);
        let append = |name: &str, second: i64, times: &mut dyn Iterator<Item = i64>| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let samples = times.map(|at_ms| Sample { at_ms, value: (at_ms * 7) as f64 }).collect();
            let series = [Series { labels: labels(name), samples }];
            store
                .append(secs(second), &Incoming { series: &series, ..Incoming::default() })
                .unwrap();
        };
        for second in 0..120 {
            append("a_short", second, &mut [second * 1000].into_iter());
            append("long", second, &mut (second * 1000..(second + 1) * 1000).step_by(5));
            append("short", second, &mut [second * 1000].into_iter());
            if second % 30 == 17 {
                // Late ones, so that parts overlap.
                let late = (second - 15) * 1000;
                append("long", second, &mut (late + 2..late + 4000).step_by(5));
                store.flush(secs(second)).unwrap();
            }
        }
        store.flush(secs(120)).unwrap();
        store.delete(secs(120), &[Matcher::equal("__name__", "long")], 30_000, 31_999).unwrap();
        let read = || {
            let found = store.select(&[], i64::MIN, i64::MAX).unwrap();
            let one = |at: usize| {
                let mut points = Points::default();
                found.read(at, &mut points).unwrap();
                (found.labels(at), points)
            };
            (0..found.len()).map(one).collect::<Vec<_>>()
        };
        let before = read();
        assert!(before.iter().any(|(_, points)| points.times.len() > 10 * 2048));
        for second in 121..180 {
            store.maintain(secs(second)).unwrap();
        }
        assert_eq!((store.stats().parts, store.stats().tombstones), (1, 0));
        assert_eq!(read(), before);
    }
}
