//! Small files of one hour become one; a file with damaged rows is written anew without them.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;
use model::Timestamp;

use super::{
    flush::{HOUR_NS, hour},
    rows,
};
use crate::{
    Events, MaintainError,
    file::{self, OpenFile, Origin},
    schema::Signal,
};

/// A merged file has at most so many rows, all of which are in memory while it is made.
const ROWS_MAX: u64 = 2 * file::ROW_GROUP_ROWS as u64;
/// And so many bytes, without compression.
const BYTES_MAX: u64 = 192 << 20;
/// So many files of an hour that goes on are merged.
const FILES_OPEN: usize = 4;
/// So many of an hour that is over.
const FILES_OVER: usize = 2;
/// An hour is over so long after its end: what comes late has come.
const LATE_NS: i64 = HOUR_NS / 4;
/// Files that one call merges.
const MERGED_MAX: usize = 64;

impl Events {
    /// Merges the files of one hour, if any hour has too many.
    pub(super) fn merge(&self, now: Timestamp) -> Result<usize, MaintainError> {
        for signal in Signal::ALL {
            let mut keeper = self.keeper.lock();
            let Some(files) = self.to_merge(signal, now) else { continue };
            let promoted = Arc::clone(&self.state.read().table(signal).promoted);
            let bytes = files.iter().map(|file| file.meta().bytes).sum();
            self.check_room(bytes)?;
            let mut batches = Vec::new();
            let mut origin = Origin::default();
            for file in &files {
                let (rows, lost) = rows::readable(file)?;
                if lost > 0 {
                    // First it is mended, so that what was lost is told.
                    return Ok(0);
                }
                batches.extend(rows);
                origin.upto = origin.upto.max(file.meta().upto);
                origin.replaces.push(file.meta().number);
            }
            let number = keeper.manifest.next;
            keeper.manifest.next += 1;
            let built = file::build(number, signal, &promoted, batches, origin);
            let built = built.map_err(MaintainError::Build)?;
            self.commit(&mut keeper, vec![built], |_| {}, |_| {})?;
            return Ok(files.len());
        }
        Ok(0)
    }

    fn to_merge(&self, signal: Signal, now: Timestamp) -> Option<Vec<Arc<OpenFile>>> {
        let files = self.state.read().table(signal).files.clone();
        // Files that span hours are merged with each other.
        let mut hours: BTreeMap<Option<i64>, Vec<Arc<OpenFile>>> = BTreeMap::new();
        for file in files {
            let meta = file.meta();
            let small = meta.rows <= ROWS_MAX / 2 && file.verified().damaged().is_empty();
            if small {
                let own = (hour(meta.first) == hour(meta.last)).then(|| hour(meta.first));
                hours.entry(own).or_default().push(file);
            }
        }
        let over = |hour: i64| now.as_nanos() > (hour + 1).saturating_mul(HOUR_NS) + LATE_NS;
        hours.into_iter().find_map(|(hour, mut files)| {
            files.sort_by_key(|file| (file.meta().rows, file.meta().number));
            let (mut rows, mut bytes) = (0, 0);
            let fit = files.iter().take(MERGED_MAX).take_while(|file| {
                rows += file.meta().rows;
                bytes += uncompressed(file);
                rows <= ROWS_MAX && bytes <= BYTES_MAX
            });
            files.truncate(fit.count());
            let enough = if hour.is_some_and(over) { FILES_OVER } else { FILES_OPEN };
            (files.len() >= enough).then_some(files)
        })
    }

    /// Writes files in which damage was met anew, without the rows that cannot be read; the damaged file goes into quarantine.
    pub(super) fn mend(&self, now: Timestamp) -> Result<usize, MaintainError> {
        let damaged: Vec<Arc<OpenFile>> = {
            let state = self.state.read();
            let files = Signal::ALL.iter().flat_map(|signal| &state.table(*signal).files);
            files
                .filter(|file| file.sums_hurt || !file.verified().damaged().is_empty())
                .cloned()
                .collect()
        };
        let count = damaged.len();
        for file in damaged {
            self.mend_file(&file, now)?;
        }
        Ok(count)
    }

    fn mend_file(&self, file: &Arc<OpenFile>, now: Timestamp) -> Result<(), MaintainError> {
        let mut keeper = self.keeper.lock();
        let meta = file.meta();
        let is_there = keeper.manifest.files.iter().any(|one| one.number == meta.number);
        if !is_there {
            return Ok(());
        }
        let promoted = Arc::clone(&self.state.read().table(meta.signal).promoted);
        self.check_room(meta.bytes * 2)?;
        let (rows, lost) = rows::readable(file)?;
        self.quarantine(file)?;
        let loss = (lost > 0).then(|| Self::loss(file, lost, now));
        let origin = Origin {
            upto: meta.upto,
            replaces: vec![meta.number],
            lost_rows: lost,
            sampled: meta.sampled,
        };
        let number = keeper.manifest.next;
        keeper.manifest.next += 1;
        let built = if rows.iter().all(|rows| rows.num_rows() == 0) {
            Vec::new()
        } else {
            let built = file::build(number, meta.signal, &promoted, rows, origin);
            vec![built.map_err(MaintainError::Build)?]
        };
        let gone = meta.number;
        let change = |manifest: &mut crate::manifest::Manifest| {
            manifest.files.retain(|one| one.number != gone);
            loss.into_iter().for_each(|loss| manifest.lose(loss));
        };
        self.commit(&mut keeper, built, change, |_| {})
    }

    /// Gives a file a second name in `quarantine`, so that a person can look at it after it is gone.
    fn quarantine(&self, file: &OpenFile) -> Result<Utf8PathBuf, MaintainError> {
        let dir = self.options.parts().join("quarantine");
        let meta = file.meta();
        let failed = |source| MaintainError::Write { path: dir.clone(), source };
        self.disk.create_dir_all(&dir).map_err(failed)?;
        let name = format!("{}-{}", meta.signal.as_str(), file::name(meta.number));
        let to = dir.join(name);
        match self.disk.link(file.verified().path(), &to) {
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(MaintainError::Write { path: to, source });
            }
            Ok(()) | Err(_) => {}
        }
        self.disk.sync_dir(&dir).map_err(failed)?;
        Ok(to)
    }
}

/// What a file's rows take without compression; one that cannot say it is too large for any merge.
fn uncompressed(file: &OpenFile) -> u64 {
    let Ok(metadata) = file.metadata() else { return BYTES_MAX };
    let groups = metadata.row_groups().iter();
    groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(BYTES_MAX)).sum()
}
