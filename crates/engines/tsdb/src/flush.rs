//! Flushes: the head's samples become parts.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use camino::Utf8PathBuf;
use model::{Points, Timestamp};

use crate::{
    MaintainError, Options, Tsdb,
    codec::{Mode, Role},
    head::{Frozen, Head, normalise},
    index::SeriesId,
    manifest::{Found, Manifest},
    part::{self, ANYWHERE, Part, PartMeta, PartWriter},
};

const DAY: Duration = Duration::from_secs(86_400);
/// Windows that one flush writes parts for; what lies before the newest of them goes into one part together.
const WINDOWS_MAX: usize = 8;
/// What the samples in memory may take.
const HEAD_BYTES_MAX: usize = 320 << 20;

/// How long the windows are in which parts lie, in milliseconds: retention drops parts as a whole.
pub(crate) fn window_ms(options: &Options) -> i64 {
    let length = match options.retention {
        Some(retention) => (retention / 8).clamp(Duration::from_secs(600), DAY),
        None => DAY,
    };
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// The window in which a time lies.
pub(crate) fn window_of(at_ms: i64, window_ms: i64) -> i64 {
    at_ms.div_euclid(window_ms).saturating_mul(window_ms)
}

pub(crate) fn failed((path, source): (Utf8PathBuf, io::Error)) -> MaintainError {
    MaintainError::Write { path, source }
}

impl From<(Utf8PathBuf, io::Error)> for MaintainError {
    fn from(one: (Utf8PathBuf, io::Error)) -> Self {
        failed(one)
    }
}

impl Tsdb {
    /// How near a flush is: due at 1.
    pub(crate) fn flush_level(&self, head: &Head) -> f64 {
        let per_series = head.touched.saturating_mul(Options::HEAD_SAMPLES_PER_SERIES);
        let enough = self.options.head_samples.max(per_series).max(1);
        let bytes = head.sample_bytes() as f64 / HEAD_BYTES_MAX as f64;
        (head.samples as f64 / enough as f64).max(bytes)
    }

    /// Writes what is in memory into parts, so that the next start replays nothing; before a backup, a clean end.
    ///
    /// # Errors
    /// When a file cannot be written. Nothing is lost by it.
    pub fn flush(&self, now: Timestamp) -> Result<u64, MaintainError> {
        let _one_at_a_time = self.flushing.lock();
        // What an earlier flush could not write comes first.
        let is_left = self.head.lock().frozen.is_some();
        let left = if is_left { self.flush_frozen(now)? } else { 0 };
        Ok(left + self.flush_frozen(now)?)
    }

    fn flush_frozen(&self, now: Timestamp) -> Result<u64, MaintainError> {
        let Some(frozen) = self.freeze(now) else { return Ok(0) };
        self.check_room(frozen.samples.saturating_mul(4))?;
        self.mend_registry(now)?;
        self.log.lock().registry.sync().map_err(MaintainError::Registry)?;
        let mut written = Vec::new();
        if let Err(error) = self.write_frozen(&frozen, &mut written) {
            self.remove_parts(written.iter().map(|meta| meta.number));
            return Err(error);
        }
        let opened = self.open_parts(&written).inspect_err(|_| {
            self.remove_parts(written.iter().map(|meta| meta.number));
        })?;
        let changed = self.change_manifest(|manifest| {
            manifest.parts.extend(written.iter().cloned());
            manifest.flushed = manifest.flushed.max(frozen.position);
            manifest.series_end = manifest.series_end.max(self.index.end());
        });
        if let Err(error) = changed {
            self.remove_unnamed(&written);
            return Err(error);
        }
        let samples = frozen.samples;
        drop(frozen);
        {
            let mut head = self.head.lock();
            let mut parts = Vec::clone(&head.parts);
            parts.extend(opened);
            head.parts = Arc::new(parts);
            head.thaw();
        }
        self.work.flushes.fetch_add(1, Relaxed);
        self.drop_log()?;
        Ok(samples)
    }

    /// What is to be written: what an earlier flush could not write, or what is in memory now.
    fn freeze(&self, now: Timestamp) -> Option<Arc<Frozen>> {
        if let Some(frozen) = &self.head.lock().frozen {
            return Some(Arc::clone(frozen));
        }
        let mut log = self.log.lock();
        if self.head.lock().samples == 0 {
            return None;
        }
        // So that the whole log before this can go. When it fails, the segment goes with the next.
        drop(log.wal.rotate(now));
        let position = log.wal.end();
        self.head.lock().freeze(position)
    }

    /// Whether the disk has room for about so many bytes, the reserve left alone.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), MaintainError> {
        let reserve = self.options.free_bytes_min / 2;
        if reserve == 0 {
            return Ok(());
        }
        // A disk that does not say is written to until it refuses.
        let free_bytes = self.shared.disk.free_bytes(&self.options.dir).unwrap_or(u64::MAX);
        if free_bytes < reserve.saturating_add(bytes) {
            return Err(MaintainError::NoRoom { free_bytes, reserve });
        }
        Ok(())
    }

    fn write_frozen(
        &self,
        frozen: &Frozen,
        written: &mut Vec<PartMeta>,
    ) -> Result<(), MaintainError> {
        let order = self.index.arrange(&frozen.ids());
        for (window, range) in self.windows(frozen, &order) {
            written.extend(self.write_window(frozen, &order, window, range)?);
        }
        let dir = part::directory(&self.options.dir);
        self.shared.disk.sync_dir(&dir).map_err(|error| failed((dir, error)))
    }

    /// The windows that the samples lie in, each with its range of times.
    fn windows(&self, frozen: &Frozen, order: &[(SeriesId, Role)]) -> Vec<(i64, (i64, i64))> {
        let length = window_ms(&self.options);
        let first = window_of(frozen.min_ms, length);
        if first == window_of(frozen.max_ms, length) {
            return vec![(first, (i64::MIN, i64::MAX))];
        }
        let mut windows: BTreeMap<i64, ()> = BTreeMap::new();
        let mut points = Points::default();
        for (id, _) in order {
            points.clear();
            frozen.read(*id, (i64::MIN, i64::MAX), &mut points);
            let times = points.times.iter().copied();
            for at_ms in times.chain(points.histograms.iter().map(|sample| sample.at_ms)) {
                windows.insert(window_of(at_ms, length), ());
                if windows.len() > WINDOWS_MAX {
                    windows.pop_first();
                }
            }
        }
        let own: Vec<i64> = windows.into_keys().collect();
        let mut all: Vec<(i64, (i64, i64))> = own
            .iter()
            .map(|window| (*window, (*window, window.saturating_add(length - 1))))
            .collect();
        if own.first().is_some_and(|oldest| frozen.min_ms < *oldest) {
            all.insert(0, (ANYWHERE, (i64::MIN, own[0] - 1)));
        }
        all
    }

    fn write_window(
        &self,
        frozen: &Frozen,
        order: &[(SeriesId, Role)],
        window_ms: i64,
        range: (i64, i64),
    ) -> Result<Option<PartMeta>, MaintainError> {
        let number = self.next_part();
        let disk = &*self.shared.disk;
        let path = part::path(&self.options.dir, number);
        let mut writer = PartWriter::create(disk, path, number, Mode::Fast).map_err(failed)?;
        let mut points = Points::default();
        let mut pushed = Ok(());
        for (id, role) in order {
            frozen.read(*id, range, &mut points);
            normalise(&mut points);
            pushed = writer.push(*id, *role, &mut points);
            if pushed.is_err() {
                break;
            }
        }
        if let Err(error) = pushed {
            writer.abandon(disk);
            return Err(failed(error));
        }
        writer.finish(disk, 0, window_ms).map_err(failed)
    }

    /// A number that no part has had.
    pub(crate) fn next_part(&self) -> u64 {
        let mut manifest = self.manifest.lock();
        manifest.next_part += 1;
        manifest.next_part
    }

    pub(crate) fn open_parts(&self, metas: &[PartMeta]) -> Result<Vec<Arc<Part>>, MaintainError> {
        metas
            .iter()
            .map(|meta| match Part::open(&self.shared, meta.clone()) {
                Ok(part) => Ok(Arc::new(part)),
                Err(source) => {
                    let path = part::path(&self.options.dir, meta.number);
                    Err(MaintainError::Read { path, source })
                }
            })
            .collect()
    }

    /// Changes the manifest on the disk, and then in memory.
    pub(crate) fn change_manifest(
        &self,
        change: impl FnOnce(&mut Manifest),
    ) -> Result<(), MaintainError> {
        let mut manifest = self.manifest.lock();
        let mut changed = manifest.clone();
        change(&mut changed);
        changed.write(&*self.shared.disk, &self.options.dir).map_err(failed)?;
        *manifest = changed;
        Ok(())
    }

    /// Removes files of parts that do not count. What cannot be removed is swept away at the next start.
    pub(crate) fn remove_parts(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            drop(self.shared.disk.remove(&part::path(&self.options.dir, number)));
        }
    }

    /// Removes files of new parts after the manifest could not be changed, unless it names them: it may have been put in its
    /// place before the failure.
    pub(crate) fn remove_unnamed(&self, new: &[PartMeta]) {
        let named = match Manifest::read(&*self.shared.disk, &self.options.dir) {
            Ok(Found::Manifest(manifest)) => manifest.parts,
            Ok(Found::None) => Vec::new(),
            Ok(Found::Damaged | Found::Version(_)) | Err(_) => return,
        };
        let is_named = |number: &u64| named.iter().any(|part| part.number == *number);
        self.remove_parts(new.iter().map(|part| part.number).filter(|number| !is_named(number)));
    }

    /// Lets go of the log that is in parts and that nobody waits for.
    pub(crate) fn drop_log(&self) -> Result<(), MaintainError> {
        let flushed = self.manifest.lock().flushed;
        let mut log = self.log.lock();
        let kept = log.keep_from.map_or(flushed, |kept| kept.min(flushed));
        let before = if log.wal.bytes() > self.options.replay_bytes_max { flushed } else { kept };
        log.wal.drop_before(before).map_err(MaintainError::Drop)?;
        Ok(())
    }
}
