//! Opens the store: the manifest, the registry, the names of the parts, the tail of the log.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use camino::Utf8Path;
use model::Timestamp;
use parking_lot::{Mutex, RwLock};
use wal::{Disk, Position, Wal};

use crate::{
    ACTIVE_WINDOW, OpenError, Options, PartDamage, Recovery, Tsdb, exemplars,
    head::Head,
    index::Index,
    manifest::{self, Found, Manifest},
    migrate,
    part::{self, Part, Shared},
    record::{self, Decoded},
    registry::Registry,
    store::{Log, Merging, Work},
};

impl Tsdb {
    /// Opens or makes the store and reads what a killed process left in the log; samples in parts are not touched.
    ///
    /// # Errors
    /// When the disk fails, or the store was written by a newer version. Damage is no error: it is reported.
    pub fn open(
        options: Options,
        disk: Arc<dyn Disk>,
        now: Timestamp,
    ) -> Result<(Self, Recovery), OpenError> {
        let dir = options.dir.clone();
        let parts_dir = part::directory(&dir);
        for one in [&dir, &parts_dir] {
            disk.create_dir_all(one)
                .map_err(|source| OpenError::Directory { path: one.clone(), source })?;
        }
        let mut recovery = Recovery::default();
        let shared = Shared::new(Arc::clone(&disk), dir, options.cache_bytes);
        let manifest = read_manifest(&*disk, &options, &mut recovery)?;
        let wal_options = wal::Options {
            sync: options.sync,
            free_bytes_min: options.free_bytes_min,
            ..wal::Options::new(options.dir.join("wal"))
        };
        let (wal, torn) = Wal::open(wal_options, Arc::clone(&disk)).map_err(OpenError::Wal)?;
        recovery.damage.merge(torn);
        let (mut registry, torn) = Registry::open(&options, &disk)?;
        recovery.damage.merge(torn);
        let index = Index::new();
        let loaded = registry.load(&index).map_err(OpenError::Read)?;
        recovery.damage.merge(loaded.damage);
        recovery.undecodable += loaded.undecodable;
        index.reserve(manifest.series_end);
        let known = index.len();
        let (exemplars_log, exemplars, damage) = exemplars::open(&options, &disk)?;
        recovery.damage.merge(damage);
        let mut head = Head::new();
        open_parts(&shared, &manifest, &mut head);
        head.tombstones = Arc::new(manifest.tombstones.clone());
        let mut store = Self {
            options,
            shared: Arc::new(shared),
            index: Arc::new(index),
            merging: Mutex::new(Merging::default()),
            flushing: Mutex::default(),
            manifest: Mutex::new(manifest),
            log: Mutex::new(Log::new(wal, registry, exemplars_log)),
            head: Mutex::new(head),
            metadata: RwLock::new(loaded.metadata),
            exemplars: RwLock::new(exemplars),
            watch: RwLock::default(),
            damage: wal::Damage::default(),
            work: Work::default(),
        };
        store.reserve_ids()?;
        store.wake_recent(now)?;
        if !store.manifest.lock().migrated {
            recovery.migrated = migrate::blocks(&store, &disk, now, &mut recovery)?;
        }
        store.replay_tail(&mut recovery, now)?;
        let mended = store.mend_registry(now);
        if store.index.len() > known {
            // The old layout's series have numbers that nothing on the disk would know.
            mended.map_err(OpenError::Migrate)?;
        }
        store.sweep_files();
        store.head.lock().sweep(now);
        recovery.series = store.index.len();
        recovery.parts = store.head.lock().parts.len();
        (recovery.parts_damaged, _) = store.shared.faults.list();
        store.damage = recovery.damage.clone();
        Ok((store, recovery))
    }

    /// Keeps the numbers that parts have from new series, where the manifest does not say which these are.
    fn reserve_ids(&self) -> Result<(), OpenError> {
        if self.manifest.lock().series_end > 0 {
            return Ok(());
        }
        let parts = Arc::clone(&self.head.lock().parts);
        for part in parts.iter() {
            let directory = part
                .directory(&self.shared)
                .map_err(|source| OpenError::Directory { path: part.path.clone(), source })?;
            if let Some(last) = directory.and_then(|found| found.ids().iter().max().copied()) {
                self.index.reserve(last.saturating_add(1));
            }
            part.forget_directory();
        }
        Ok(())
    }

    /// Counts the series of recent parts as active, as of the times of their samples.
    fn wake_recent(&self, now: Timestamp) -> Result<(), OpenError> {
        let since_ms = (now - ACTIVE_WINDOW).as_millis();
        let parts = Arc::clone(&self.head.lock().parts);
        for part in parts.iter().filter(|part| part.meta.max_ms >= since_ms) {
            let mut head = self.head.lock();
            let reader = self.index.reader();
            let mut wake = |id: u32, newest_ms: i64| {
                if newest_ms >= since_ms && reader.contains(id) {
                    let hot = head.know(id, |visit| show(&reader, id, visit));
                    hot.last_ms = hot.last_ms.max(newest_ms);
                    head.wake(id, crate::head::minutes(Timestamp::from_millis(newest_ms).min(now)));
                }
            };
            part.newest(&self.shared, &mut wake)
                .map_err(|source| OpenError::Directory { path: part.path.clone(), source })?;
        }
        Ok(())
    }

    /// Brings what the log has after the last flush back into the head.
    fn replay_tail(&self, recovery: &mut Recovery, now: Timestamp) -> Result<(), OpenError> {
        let flushed = self.manifest.lock().flushed;
        let snapshot = {
            let mut log = self.log.lock();
            // Others may want to see it again, and have had no time to say so.
            log.keep_from = Some(Position::START);
            log.wal.snapshot()
        };
        let mut decoded = Decoded::default();
        let mut read = snapshot
            .read(flushed, |entry| {
                self.replay_record(entry.payload, &mut decoded, recovery);
                let is_full = self.flush_level(&self.head.lock()) >= 1.5;
                if is_full && self.manifest.lock().flushed < entry.at.start {
                    // A log that grew while nothing could be flushed is read in pieces that fit.
                    self.flush_to(entry.end, now);
                }
                ControlFlow::Continue(())
            })
            .map_err(OpenError::Read)?;
        let mut log = self.log.lock();
        log.keep_from = None;
        log.wal.quarantine(&mut read.damage);
        recovery.damage.merge(read.damage);
        Ok(())
    }

    fn replay_record(&self, payload: &[u8], decoded: &mut Decoded, recovery: &mut Recovery) {
        if payload.first() != Some(&record::KIND) {
            match migrate::replay(self, payload) {
                Some(samples) => recovery.samples_replayed += samples,
                None => recovery.undecodable += 1,
            }
            return;
        }
        if record::decode(payload, decoded).is_err() {
            recovery.undecodable += 1;
            return;
        }
        let mut head = self.head.lock();
        let reader = self.index.reader();
        let before = decoded.items.len() + decoded.histograms.len();
        let mut knows = |id: u32| {
            if head.pages.get(id).is_some_and(|hot| hot.is(crate::hot::KNOWN)) {
                return true;
            }
            if !reader.contains(id) {
                return false;
            }
            head.know(id, |visit| show(&reader, id, visit));
            true
        };
        let mut unknown_end = 0;
        let mut takes = |id: u32| {
            let knows = knows(id);
            if !knows {
                unknown_end = unknown_end.max(id.saturating_add(1));
            }
            knows
        };
        decoded.items.retain(|item| takes(item.id));
        decoded.histograms.retain(|item| takes(item.id));
        let after = decoded.items.len() + decoded.histograms.len();
        recovery.orphans += (before - after) as u64;
        recovery.samples_replayed += after as u64;
        head.insert(decoded.received_at, &decoded.items);
        head.insert_histograms(decoded.received_at, &decoded.histograms);
        drop(reader);
        // The labels were lost with the power; the record stays in the log for a while.
        self.index.reserve(unknown_end);
    }

    /// Flushes while the log is read; what cannot be flushed stays in memory.
    fn flush_to(&self, end: Position, now: Timestamp) {
        let frozen = self.head.lock().freeze(end);
        if frozen.is_some() {
            drop(frozen);
            drop(self.flush(now));
        }
    }

    /// Removes files that a killed process left and that do not count.
    fn sweep_files(&self) {
        let counted: BTreeSet<u64> =
            self.manifest.lock().parts.iter().map(|part| part.number).collect();
        let disk = &*self.shared.disk;
        let files = disk.list(&part::directory(&self.options.dir)).unwrap_or_default();
        for path in files {
            if part::number(&path).is_some_and(|number| !counted.contains(&number)) {
                // What cannot be removed now is tried again at the next start.
                drop(disk.remove(&path));
            }
        }
    }
}

fn show(reader: &crate::index::Reader<'_>, id: u32, visit: &mut dyn FnMut(&str, &str)) {
    reader.visit_labels(id, visit);
}

fn read_manifest(
    disk: &dyn Disk,
    options: &Options,
    recovery: &mut Recovery,
) -> Result<Manifest, OpenError> {
    let path = manifest::path(&options.dir);
    let found = Manifest::read(disk, &options.dir)
        .map_err(|source| OpenError::Directory { path: path.clone(), source })?;
    match found {
        Found::Manifest(manifest) => {
            // The process that put it in its place may have died before the name was durable, and the log goes by it.
            disk.sync_dir(&options.dir)
                .map_err(|source| OpenError::Directory { path: options.dir.clone(), source })?;
            Ok(manifest)
        }
        Found::Version(found) => Err(OpenError::Version { path, found, max: manifest::VERSION }),
        Found::None => rebuild(disk, &options.dir, recovery),
        Found::Damaged => {
            recovery.damage.regions_total += 1;
            rebuild(disk, &options.dir, recovery)
        }
    }
}

/// A manifest of all parts that there are. Those that were merged and not yet removed are there twice, which costs nothing
/// but room: samples of one time count once. Nothing is known of how far the log is in them, so all of it counts.
///
/// A file that is no whole part is set aside under another name: it may be torn, or a part whose end is damaged.
fn rebuild(
    disk: &dyn Disk,
    dir: &Utf8Path,
    recovery: &mut Recovery,
) -> Result<Manifest, OpenError> {
    let parts = part::directory(dir);
    let failed = |source| OpenError::Directory { path: parts.clone(), source };
    let mut manifest = Manifest::default();
    for path in disk.list(&parts).map_err(failed)? {
        let Some(number) = part::number(&path) else { continue };
        manifest.next_part = manifest.next_part.max(number);
        match part::read_footer(disk, &path).map_err(failed)? {
            Some(meta) if meta.number == number => {
                // Nobody knows whether it was ever synced, and the log goes once it counts.
                disk.truncate(&path, meta.bytes).map_err(failed)?;
                manifest.parts.push(meta);
            }
            _ => {
                recovery.damage.regions_total += 1;
                let aside = path.with_extension("damaged");
                disk.rename(&path, &aside).map_err(failed)?;
            }
        }
    }
    disk.sync_dir(&parts).map_err(failed)?;
    Ok(manifest)
}

/// Opens the parts; one whose file is not there is noted and left out.
fn open_parts(shared: &Shared, manifest: &Manifest, head: &mut Head) {
    let mut opened = Vec::with_capacity(manifest.parts.len());
    for meta in &manifest.parts {
        match Part::open(shared, meta.clone()) {
            Ok(part) => opened.push(Arc::new(part)),
            Err(error) => {
                let damage = PartDamage {
                    part: meta.number,
                    path: part::path(&shared.dir, meta.number),
                    offset: 0,
                    bytes: meta.bytes,
                    samples: meta.samples,
                    min_ms: meta.min_ms,
                    max_ms: meta.max_ms,
                    what: format!("the file cannot be opened: {error}"),
                    quarantined: None,
                };
                shared.faults.note(&*shared.disk, &shared.dir, damage, None);
            }
        }
    }
    head.parts = Arc::new(opened);
}
