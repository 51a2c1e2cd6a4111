//! What was found damaged in parts: told once each, copied aside, bounded.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use parking_lot::Mutex;
use wal::Disk;

use crate::PartDamage;

/// The most that are listed; beyond, they are only counted.
const LISTED_MAX: usize = 1000;
/// The most files that are kept in quarantine.
const FILES_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    listed: Vec<PartDamage>,
    seen: BTreeSet<(u64, u64)>,
    total: u64,
}

impl Faults {
    /// Notes damage that was met; `bytes` are copied aside when they can be read.
    pub(crate) fn note(
        &self,
        disk: &dyn Disk,
        dir: &Utf8Path,
        mut damage: PartDamage,
        bytes: Option<&[u8]>,
    ) {
        let mut state = self.0.lock();
        if state.seen.len() >= LISTED_MAX {
            state.total += 1;
            return;
        }
        if !state.seen.insert((damage.part, damage.offset)) {
            return;
        }
        state.total += 1;
        if let Some(bytes) = bytes {
            damage.quarantined = quarantine(disk, dir, &damage, bytes);
        }
        state.listed.push(damage);
    }

    pub(crate) fn list(&self) -> (Vec<PartDamage>, u64) {
        let state = self.0.lock();
        (state.listed.clone(), state.total)
    }
}

/// Copies the bytes into a file; what cannot be copied is only told of.
fn quarantine(
    disk: &dyn Disk,
    dir: &Utf8Path,
    damage: &PartDamage,
    bytes: &[u8],
) -> Option<Utf8PathBuf> {
    let dir = dir.join("quarantine");
    disk.create_dir_all(&dir).ok()?;
    let path = dir.join(format!("part-{:016}-{}.bad", damage.part, damage.offset));
    let there = disk.list(&dir).ok()?;
    if there.contains(&path) {
        return Some(path);
    }
    if there.len() >= FILES_MAX {
        return None;
    }
    let mut file = disk.create(&path).ok()?;
    file.append(bytes).and_then(|()| file.sync()).and_then(|()| disk.sync_dir(&dir)).ok()?;
    Some(path)
}
