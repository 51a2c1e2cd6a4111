//! Keeps the store in shape: records become rows, rows become files, files are merged, mended and dropped.

mod flush;
mod merge;
mod retention;
mod rows;

use std::sync::Arc;

use camino::Utf8PathBuf;
use model::Timestamp;

use crate::{
    Events, Loss, MaintainError, Maintained,
    file::{self, Built, OpenFile, StretchError},
    manifest::{self, Manifest},
    schema::Signal,
    search,
};

/// Why the files could not be proved.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the files of spans and logs")]
pub struct VerifyError(#[source] StretchError);

/// What is on the disk, and what is remembered about it.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub(crate) manifest: Manifest,
    /// Whether there is a manifest on the disk.
    pub(crate) on_disk: bool,
    /// When the oldest of what is in memory came.
    pub(crate) waits_since: Option<Timestamp>,
}

impl Events {
    /// Does what is due: writes files, merges, mends and drops them. Call it now and then from one thread.
    ///
    /// # Errors
    /// When a file cannot be written or read. Nothing is lost by it, and the next call tries again.
    pub fn maintain(&self, now: Timestamp) -> Result<Maintained, MaintainError> {
        let mut done = Maintained::default();
        self.seal_when_many();
        if self.flush_is_due(now) {
            let written = self.flush()?;
            done.files_written += written.files_written;
            done.rows_written += written.rows_written;
        }
        done.files_dropped += self.drop_old(now)?;
        done.files_mended += self.mend(now)?;
        done.files_merged += self.merge(now)?;
        Ok(done)
    }

    /// Where a table's files lie.
    pub(crate) fn directory(&self, signal: Signal) -> Utf8PathBuf {
        self.options.parts().join(signal.as_str())
    }

    /// Writes files, names them in the manifest, and lets queries see them in the place of what they replace.
    ///
    /// `change` is what else changes in the manifest, `show` what else changes for queries, in the same moment.
    pub(crate) fn commit(
        &self,
        keeper: &mut Keeper,
        built: Vec<Built>,
        change: impl FnOnce(&mut Manifest),
        show: impl FnOnce(&mut crate::state::State),
    ) -> Result<(), MaintainError> {
        let dir = self.options.parts();
        let failed = |source| MaintainError::Write { path: dir.join("MANIFEST"), source };
        if !keeper.on_disk {
            // From now on, files that no manifest names are what a killed process had not finished.
            keeper.manifest.write(&*self.disk, &dir).map_err(failed)?;
            keeper.on_disk = true;
        }
        let mut opened = Vec::new();
        for one in &built {
            match self.put(one) {
                Ok(file) => opened.push(Arc::new(file)),
                Err(error) => {
                    self.remove(built.iter().map(|one| (one.meta.signal, one.meta.number)));
                    return Err(error);
                }
            }
        }
        let mut after = keeper.manifest.clone();
        let replaced: Vec<(Signal, u64)> = built
            .iter()
            .flat_map(|one| one.meta.replaces.iter().map(|number| (one.meta.signal, *number)))
            .collect();
        after.files.retain(|meta| !replaced.contains(&(meta.signal, meta.number)));
        after.files.extend(built.iter().map(|one| one.meta.clone()));
        change(&mut after);
        // When it fails, whether it is in place is not known: the files stay, and the next start tells.
        after.write(&*self.disk, &dir).map_err(failed)?;
        let kept = |file: &Arc<OpenFile>| {
            let meta = file.meta();
            after.files.iter().any(|one| (one.signal, one.number) == (meta.signal, meta.number))
        };
        let gone: Vec<(Signal, u64)> = {
            let mut state = self.state.write();
            let mut gone = Vec::new();
            for signal in Signal::ALL {
                let files = &mut state.table_mut(signal).files;
                let (stay, go): (Vec<_>, Vec<_>) = files.drain(..).partition(kept);
                gone.extend(go.iter().map(|file| (signal, file.meta().number)));
                *files = stay;
                files.extend(opened.iter().filter(|file| file.meta().signal == signal).cloned());
            }
            state.flushed = after.flushed;
            state.losses.clone_from(&after.losses);
            show(&mut state);
            gone
        };
        keeper.manifest = after;
        self.remove(gone.into_iter());
        Ok(())
    }

    fn put(&self, built: &Built) -> Result<OpenFile, MaintainError> {
        let dir = self.directory(built.meta.signal);
        let number = built.meta.number;
        let written =
            [(file::name(number), &built.parquet), (file::sums_name(number), &built.sums)];
        for (name, bytes) in written {
            manifest::put(&*self.disk, &dir, &name, bytes)
                .map_err(|source| MaintainError::Write { path: dir.join(&name), source })?;
        }
        OpenFile::open(&*self.disk, &dir, number).map_err(MaintainError::Open)
    }

    /// Removes files that count no more. One that stays is removed at the next start.
    fn remove(&self, files: impl Iterator<Item = (Signal, u64)>) {
        for (signal, number) in files {
            let dir = self.directory(signal);
            for name in [file::name(number), file::sums_name(number)] {
                drop(self.disk.remove(&dir.join(name)));
            }
        }
    }

    /// Reads every block of every file and proves it; what is damaged is left out from then on, and told in words.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn verify(&self) -> Result<Vec<String>, VerifyError> {
        let files: Vec<Arc<OpenFile>> = {
            let state = self.state.read();
            let files = Signal::ALL.iter().flat_map(|signal| &state.table(*signal).files);
            files.cloned().collect()
        };
        for file in &files {
            file.verified().verify().map_err(VerifyError)?;
        }
        let damaged = files.iter().filter(|file| !file.verified().damaged().is_empty());
        let told = damaged.map(|file| {
            let harmless = || format!("no row is lost: {}", search::blocks(file));
            search::told(file).unwrap_or_else(harmless)
        });
        Ok(told.collect())
    }

    /// Whether the disk has room for about so many bytes, the reserve left alone.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), MaintainError> {
        let reserve = self.options.free_bytes_min / 2;
        if reserve == 0 {
            return Ok(());
        }
        // A disk that does not say is written to until it refuses.
        let free_bytes = self.disk.free_bytes(&self.options.dir).unwrap_or(u64::MAX);
        if free_bytes < reserve.saturating_add(bytes) {
            return Err(MaintainError::NoRoom { free_bytes, reserve });
        }
        Ok(())
    }

    /// What damage in a file has cost.
    pub(crate) fn loss(file: &OpenFile, rows: u64, found_at: Timestamp) -> Loss {
        let meta = file.meta();
        Loss {
            signal: meta.signal,
            file: file::name(meta.number),
            rows,
            first: meta.first,
            last: meta.last,
            found_at,
        }
    }
}
