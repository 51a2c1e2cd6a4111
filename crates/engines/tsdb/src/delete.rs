//! Deletes samples: noted at once, hidden from then on, carried out by merges.

use std::sync::Arc;

use model::{Matcher, Timestamp};

use crate::{DeleteError, Deleted, Tsdb, manifest::Tombstone};

/// Deletions that wait for merges.
const TOMBSTONES_MAX: usize = 1000;

impl Tsdb {
    /// Deletes what there is now, from `start_ms` to `end_ms`, of the series that all matchers pass. On return it is gone for
    /// queries, durably; its room on the disk comes back when parts are merged. Exemplars go too, from memory.
    ///
    /// # Errors
    /// When the samples in memory or the note of the deletion cannot be written, or too many deletions wait.
    pub fn delete(
        &self,
        now: Timestamp,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Deleted, DeleteError> {
        // A merge that began before the deletion does not know of it: none may be under way.
        let mut merging = self.merging.lock();
        self.flush(now).map_err(DeleteError::Flush)?;
        let ids: Vec<u32> = self.index.select(matchers).iter().collect();
        let series = ids.len();
        if series == 0 || start_ms > end_ms {
            return Ok(Deleted::default());
        }
        if self.manifest.lock().tombstones.len() >= TOMBSTONES_MAX {
            return Err(DeleteError::TooMany { limit: TOMBSTONES_MAX });
        }
        let mut tombstones = Vec::new();
        self.change_manifest(|manifest| {
            let upto = manifest.parts.iter().map(|part| part.number).max().unwrap_or(0);
            manifest.tombstones.push(Tombstone { ids: ids.clone(), start_ms, end_ms, upto });
            tombstones.clone_from(&manifest.tombstones);
        })
        .map_err(DeleteError::Manifest)?;
        {
            let mut head = self.head.lock();
            head.tombstones = Arc::new(tombstones);
            // A sample that is deleted may come again: it is no repetition.
            for id in &ids {
                head.forget_value(*id);
            }
        }
        self.exemplars.write().delete(matchers, start_ms, end_ms);
        merging.may_forget = true;
        Ok(Deleted { series })
    }
}
