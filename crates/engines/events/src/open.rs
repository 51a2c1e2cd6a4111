//! Opens the store: the manifest, its files, and what the log holds beyond them.

use std::{io, ops::ControlFlow, sync::Arc, time::Duration};

use camino::Utf8Path;
use model::Timestamp;
use parquet::arrow::parquet_to_arrow_schema;
use wal::{Disk, Position, Wal};

use crate::{
    Events, Loss, OpenError, Options, Recovery,
    file::{self, FileMeta, OpenFile, OpenFileError},
    head::Records,
    maintain::Keeper,
    manifest::{Found, Manifest, VERSION},
    record,
    schema::{Promoted, Signal},
    state::State,
    store::show,
};

/// The log begins a new segment this often, so that what is in files can go.
const SEGMENT_AGE: Duration = Duration::from_secs(300);

impl Events {
    /// Opens or makes the store and reads what a killed process left.
    pub fn open(
        options: Options,
        disk: Arc<dyn Disk>,
        now: Timestamp,
    ) -> Result<(Self, Recovery), OpenError> {
        let parts = options.parts();
        for dir in Signal::ALL.map(|signal| parts.join(signal.as_str())) {
            disk.create_dir_all(&dir).map_err(at(&dir))?;
        }
        let mut recovery = Recovery::default();
        let mut keeper = Keeper::default();
        let mut state = State::default();
        match Manifest::read(&*disk, &parts).map_err(at(&parts))? {
            Found::Manifest { manifest, hurt } => {
                keeper.manifest = *manifest;
                keeper.on_disk = true;
                recovery.rebuilt = hurt;
            }
            Found::None | Found::Damaged => {
                keeper.manifest = rebuild(&*disk, &parts)?;
                recovery.rebuilt = !keeper.manifest.files.is_empty();
            }
            Found::Version(found) => {
                return Err(OpenError::Version { dir: parts, found, max: VERSION });
            }
        }
        keeper.on_disk |= recovery.rebuilt;
        open_files(&*disk, &parts, &mut keeper.manifest, &mut state, &mut recovery, now)?;
        remove_unnamed(&*disk, &parts, &keeper.manifest)?;
        for signal in Signal::ALL {
            let promoted = keeper.manifest.promoted[signal as usize].clone();
            state.table_mut(signal).promoted = Arc::new(promoted);
        }
        let (wal, torn) =
            Wal::open(wal_options(&options), Arc::clone(&disk)).map_err(OpenError::Wal)?;
        let snapshot = wal.snapshot();
        let flushed = keeper.manifest.flushed;
        (state.shown, state.flushed) = (flushed, flushed);
        state.losses.clone_from(&keeper.manifest.losses);
        let store = Self::new(options, disk, wal, keeper, state, torn);
        store.read_log(&snapshot, flushed, recovery)
    }

    /// Puts into memory what the log holds and the files do not, and into files what is too much for memory.
    fn read_log(
        mut self,
        snapshot: &wal::Snapshot,
        flushed: Position,
        mut recovery: Recovery,
    ) -> Result<(Self, Recovery), OpenError> {
        // A disk without room must not keep the server from starting: what finds none waits in memory.
        let mut stuck = false;
        // The log from its beginning: what is in files already tells when what was received.
        let read = snapshot.read(Position::START, |entry| {
            if let (Some(identity), Some(received_at)) =
                (record::identity(entry.payload), record::received_at(entry.payload))
            {
                self.recent.lock().note(identity, received_at);
            }
            if entry.end <= flushed {
                if let Some(received_at) = record::received_at(entry.payload) {
                    self.state.write().mark(received_at, entry.at.start);
                }
                return ControlFlow::Continue(());
            }
            let Ok(record) = record::decode(entry.payload) else {
                recovery.undecodable += 1;
                return ControlFlow::Continue(());
            };
            let mut state = self.state.write();
            state.mark(record.received_at, entry.at.start);
            recovery.records += 1;
            recovery.spans += record.spans.len() as u64;
            recovery.logs += record.logs.len() as u64;
            show(&mut state, Records::Spans(record.spans), entry.payload.len());
            show(&mut state, Records::Logs(record.logs), entry.payload.len());
            state.shown = entry.end;
            let full = Signal::ALL.map(|signal| self.options.fills(state.table(signal)));
            drop(state);
            if !stuck && full.iter().any(|full| *full >= 1) {
                stuck = self.flush().is_err();
            }
            ControlFlow::Continue(())
        });
        let mut damage = read.map_err(OpenError::Read)?.damage;
        damage.merge(std::mem::take(&mut self.damage));
        self.wal.get_mut().quarantine(&mut damage);
        recovery.files = self.keeper.get_mut().manifest.files.len();
        recovery.damage = damage.clone();
        self.damage = damage;
        // A position that the log does not have any more, or not yet, is no news.
        let end = self.wal.get_mut().end();
        self.state.get_mut().shown = end;
        Ok((self, recovery))
    }
}

fn at(path: &Utf8Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

/// Opens the files that count. One that nothing proves any more goes into quarantine, and its rows are told as lost.
fn open_files(
    disk: &dyn Disk,
    parts: &Utf8Path,
    manifest: &mut Manifest,
    state: &mut State,
    recovery: &mut Recovery,
    now: Timestamp,
) -> Result<(), OpenError> {
    let metas = std::mem::take(&mut manifest.files);
    for meta in metas {
        let dir = parts.join(meta.signal.as_str());
        match OpenFile::open(disk, &dir, meta.number) {
            Ok(file) => {
                let file = Arc::new(file.with_meta(meta.clone()));
                state.table_mut(meta.signal).files.push(file);
                manifest.files.push(meta);
            }
            Err(error) => {
                let missing = matches!(&error, OpenFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
                if let OpenFileError::Io { path, source } = error
                    && !missing
                {
                    return Err(OpenError::Io { path, source });
                }
                recovery.unreadable.push(dir.join(file::name(meta.number)));
                quarantine(disk, parts, &meta);
                manifest.lose(Loss {
                    signal: meta.signal,
                    file: file::name(meta.number),
                    rows: meta.rows,
                    first: meta.first,
                    last: meta.last,
                    found_at: now,
                });
            }
        }
    }
    if !recovery.unreadable.is_empty() || recovery.rebuilt {
        // Without room it is written with the next file, and what was found is found again until then.
        drop(manifest.write(disk, parts));
    }
    Ok(())
}

/// Keeps a file that cannot be read where no query looks.
fn quarantine(disk: &dyn Disk, parts: &Utf8Path, meta: &FileMeta) {
    let dir = parts.join("quarantine");
    drop(disk.create_dir_all(&dir));
    for name in [file::name(meta.number), file::sums_name(meta.number)] {
        let from = parts.join(meta.signal.as_str()).join(&name);
        let to = dir.join(format!("{}-{name}", meta.signal.as_str()));
        // What cannot be moved is missing already.
        drop(disk.rename(&from, &to));
    }
    drop(disk.sync_dir(&dir));
}

/// The manifest that the files themselves tell: those that no other one replaces.
fn rebuild(disk: &dyn Disk, parts: &Utf8Path) -> Result<Manifest, OpenError> {
    let mut manifest = Manifest::default();
    let mut replaced = Vec::new();
    for signal in Signal::ALL {
        let dir = parts.join(signal.as_str());
        for path in disk.list(&dir).map_err(at(&dir))? {
            let Some(number) = number(&path, "sums") else { continue };
            manifest.next = manifest.next.max(number + 1);
            match OpenFile::open(disk, &dir, number) {
                Ok(file) => {
                    let meta = file.meta();
                    replaced.extend(meta.replaces.iter().copied());
                    manifest.flushed = manifest.flushed.max(meta.upto);
                    let promoted = &mut manifest.promoted[signal as usize];
                    adopt(&file, signal, promoted);
                    manifest.files.push(meta.clone());
                }
                Err(OpenFileError::Io { path, source })
                    if source.kind() != io::ErrorKind::NotFound =>
                {
                    return Err(OpenError::Io { path, source });
                }
                Err(_) => {}
            }
        }
    }
    manifest.files.retain(|meta| !replaced.contains(&meta.number));
    manifest.files.sort_by_key(|meta| meta.number);
    // In which order the columns came is not known: so no file says by a column's absence that no row has it.
    manifest.files.iter_mut().for_each(|meta| meta.known = 0);
    Ok(manifest)
}

/// Learns which attributes have columns in a file. One whose metadata cannot be understood has none to tell.
fn adopt(file: &OpenFile, signal: Signal, promoted: &mut Promoted) {
    let Ok(metadata) = file.metadata() else { return };
    let described = metadata.file_metadata();
    let keys = described.key_value_metadata();
    let Ok(schema) = parquet_to_arrow_schema(described.schema_descr(), keys) else { return };
    schema.fields().iter().for_each(|field| promoted.adopt(signal, field));
}

fn number(path: &Utf8Path, extension: &str) -> Option<u64> {
    let stem = path.file_name()?.strip_suffix(extension)?.strip_suffix('.')?;
    stem.parse().ok()
}

/// Removes what a killed process left behind: files that the manifest does not name.
fn remove_unnamed(disk: &dyn Disk, parts: &Utf8Path, manifest: &Manifest) -> Result<(), OpenError> {
    for signal in Signal::ALL {
        let dir = parts.join(signal.as_str());
        for path in disk.list(&dir).map_err(at(&dir))? {
            let own = number(&path, "sums").or_else(|| number(&path, "parquet"));
            let named =
                manifest.files.iter().any(|meta| meta.signal == signal && own == Some(meta.number));
            let unfinished = path.extension() == Some("new");
            if (own.is_some() && !named) || unfinished {
                disk.remove(&path).map_err(at(&path))?;
            }
        }
    }
    Ok(())
}

fn wal_options(options: &Options) -> wal::Options {
    wal::Options {
        sync: options.sync,
        segment_bytes: options.segment_bytes,
        segment_age: Some(SEGMENT_AGE),
        free_bytes_min: options.free_bytes_min,
        ..wal::Options::new(options.dir.clone())
    }
}
