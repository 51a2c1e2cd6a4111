//! Reads everything and checks it.

use std::{ops::ControlFlow, sync::Arc};

use model::Points;
use wal::Position;

use crate::{
    ReadError, Tsdb, Verified,
    codec::{Scratch, Section},
    part,
};

impl Tsdb {
    /// Reads all logs and parts, decodes every sample, and reports what is damaged. Takes a while, and disturbs nobody.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        let mut verified = Verified::default();
        let snapshots = {
            let log = self.log.lock();
            let [first, second] = log.registry.logs();
            [log.wal.snapshot(), first.snapshot(), second.snapshot(), log.exemplars.snapshot()]
        };
        for snapshot in snapshots {
            let replayed =
                snapshot.read(Position::START, |_| ControlFlow::Continue(())).map_err(|error| {
                    ReadError {
                        path: self.options.dir.clone(),
                        source: std::io::Error::other(error),
                    }
                })?;
            verified.records += replayed.records;
            verified.damage.merge(replayed.damage);
        }
        let parts = Arc::clone(&self.head.lock().parts);
        let mut points = Points::default();
        for part in parts.iter() {
            let failed = |source| ReadError { path: part.path.clone(), source };
            verified.parts += 1;
            match part::read_footer(&*self.shared.disk, &part.path) {
                Ok(Some(meta)) if meta == part.meta => {}
                Ok(_) => {
                    let start = part.meta.directory_offset + 2 * part.meta.directory_bytes;
                    let at = (start, part.meta.bytes.saturating_sub(start));
                    let what = "the part's end, which stands in for a lost manifest, is not whole";
                    part.damaged(&self.shared, at, (0, 0, 0), what, None);
                }
                // A merge has let go of it meanwhile; what is held open is read all the same.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
            let Some(directory) = part.directory(&self.shared).map_err(failed)? else { continue };
            for section in directory.sections() {
                let Some(bytes) = part.read_section(&self.shared, *section).map_err(failed)? else {
                    continue;
                };
                verified.sections += 1;
                let mut scratch = Scratch::default();
                let read = Section::open(&bytes).and_then(|opened| {
                    (0..opened.series()).try_for_each(|slot| {
                        points.clear();
                        opened.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut points)?;
                        verified.samples += points.len() as u64;
                        Ok(())
                    })
                });
                if let Err(error) = read {
                    let lost = (section.samples, section.min_ms, section.max_ms);
                    let at = (section.offset, u64::from(section.bytes));
                    part.damaged(&self.shared, at, lost, &error.to_string(), Some(&bytes));
                }
            }
        }
        (verified.parts_damaged, _) = self.shared.faults.list();
        Ok(verified)
    }
}
