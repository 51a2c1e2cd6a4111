//! The registry on the disk: which labels stand behind a series' number, and what metric families say of themselves.
//!
//! Two logs with the same records, `series/` and `series2/`: a record that is damaged in one is read from the other. A
//! record is of new series (as [`index::write_series`] has them) or of metadata; where two speak of one, the later counts.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use model::{Metadata, Timestamp};
use roaring::RoaringBitmap;
use wal::{AppendError, Damage, Disk, Position, SyncError, Wal, codec::Reader};

use crate::{
    METADATA_FAMILIES_MAX, OpenError, Options,
    index::{Index, read_series, write_series},
    migrate::record::{put_metadata, read_metadata},
};

const SERIES: u8 = 1;
const METADATA: u8 = 2;
/// Series in one record of a rewritten registry.
const RECORD_SERIES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Registry {
    logs: [Wal; 2],
    /// The logs differ or are damaged: they are to be written anew.
    pub(crate) is_ailing: bool,
    buffer: Vec<u8>,
}

/// What the logs say.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) metadata: BTreeMap<Box<str>, Metadata>,
    pub(crate) damage: Damage,
    pub(crate) undecodable: u64,
}

impl Registry {
    pub(crate) fn open(
        options: &Options,
        disk: &Arc<dyn Disk>,
    ) -> Result<(Self, Damage), OpenError> {
        let open = |name: &str| {
            let log = wal::Options {
                sync: options.sync,
                segment_bytes: 64 << 20,
                // Below the samples' own, so that what was taken can be made sense of.
                free_bytes_min: options.free_bytes_min / 4 * 3,
                ..wal::Options::new(options.dir.join(name))
            };
            Wal::open(log, Arc::clone(disk)).map_err(OpenError::Registry)
        };
        let (first, mut torn) = open("series")?;
        let (second, more) = open("series2")?;
        torn.merge(more);
        Ok((Self { logs: [first, second], is_ailing: false, buffer: Vec::new() }, torn))
    }

    /// Reads the logs into an index.
    pub(crate) fn load(&mut self, index: &Index) -> Result<Loaded, wal::ReadError> {
        let mut loaded = Loaded::default();
        let first = load_one(&self.logs[0], index, &mut loaded)?;
        let is_whole = loaded.damage.is_none() && loaded.undecodable == 0;
        let size = |log: &Wal| log.bytes_after(Position::START);
        // The second is not read when the first is whole, and as long: it was written after it.
        if !is_whole || size(&self.logs[1]) != size(&self.logs[0]) {
            let second = load_one(&self.logs[1], index, &mut loaded)?;
            self.is_ailing = !is_whole || first != second;
        }
        Ok(loaded)
    }

    /// Notes new series.
    pub(crate) fn add(
        &mut self,
        index: &Index,
        ids: &[u32],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push(SERIES);
        write_series(&mut buffer, index, ids.iter().copied());
        let appended = self.append(&buffer, now);
        buffer.shrink_to(1 << 20);
        self.buffer = buffer;
        appended
    }

    pub(crate) fn add_metadata(
        &mut self,
        metadata: &[&Metadata],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        let mut payload = vec![METADATA];
        for one in metadata {
            put_metadata(&mut payload, one);
        }
        self.append(&payload, now)
    }

    fn append(&mut self, payload: &[u8], now: Timestamp) -> Result<(), AppendError> {
        for log in &mut self.logs {
            log.append(payload, now)?;
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), SyncError> {
        let [first, second] = &mut self.logs;
        first.sync().and(second.sync())
    }

    pub(crate) fn tick(&mut self, now: Timestamp) -> Result<(), SyncError> {
        let [first, second] = &mut self.logs;
        first.tick(now).and(second.tick(now))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.logs.iter().any(Wal::is_closed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.logs.iter().map(Wal::bytes).sum()
    }

    pub(crate) fn logs(&self) -> &[Wal; 2] {
        &self.logs
    }

    /// Writes all anew and drops what was there before: one log after the other, so that one is whole at any time.
    pub(crate) fn rewrite(
        &mut self,
        index: &Index,
        ids: &RoaringBitmap,
        metadata: &BTreeMap<Box<str>, Metadata>,
        now: Timestamp,
    ) -> Result<(), crate::MaintainError> {
        use crate::MaintainError::{Drop, Registry, RegistryAppend};
        let ids: Vec<u32> = ids.iter().collect();
        let metadata: Vec<&Metadata> = metadata.values().collect();
        for log in &mut self.logs {
            log.rotate(now).map_err(RegistryAppend)?;
            let begin = log.end();
            for ids in ids.chunks(RECORD_SERIES) {
                let mut payload = vec![SERIES];
                write_series(&mut payload, index, ids.iter().copied());
                log.append(&payload, now).map_err(RegistryAppend)?;
            }
            for metadata in metadata.chunks(RECORD_SERIES) {
                let mut payload = vec![METADATA];
                metadata.iter().for_each(|one| put_metadata(&mut payload, one));
                log.append(&payload, now).map_err(RegistryAppend)?;
            }
            log.sync().map_err(Registry)?;
            log.drop_before(Position { offset: 0, ..begin }).map_err(Drop)?;
        }
        self.is_ailing = false;
        Ok(())
    }
}

/// Enters a series whose number, or whose labels, came again after a series was forgotten.
fn take_over(index: &Index, id: u32, labels: &model::Labels) {
    if index.insert_at(labels, id).is_err() {
        let former = index.get(labels).into_iter().chain([id]);
        index.remove(&former.collect::<RoaringBitmap>());
        index.insert_at(labels, id).ok();
    }
}

/// Reads one log; a count of what it says, to compare two by.
fn load_one(log: &Wal, index: &Index, loaded: &mut Loaded) -> Result<(u64, u64), wal::ReadError> {
    let (mut records, mut bytes) = (0_u64, 0_u64);
    let mut read = log.read(Position::START, |entry| {
        records += 1;
        bytes += entry.payload.len() as u64;
        match entry.payload.split_first() {
            Some((&SERIES, payload)) => {
                let mut all_fit = true;
                let mut read = index.load(payload, &mut |_, fits| all_fit &= fits);
                if !all_fit {
                    read = read_series(payload, &mut |id, labels| take_over(index, id, labels));
                }
                let whole = read.is_ok_and(|read| read.damaged_blocks == 0);
                loaded.undecodable += u64::from(!whole);
            }
            Some((&METADATA, payload)) => {
                let mut reader = Reader::new(payload);
                while !reader.is_empty() {
                    let Ok(one) = read_metadata(&mut reader) else {
                        loaded.undecodable += 1;
                        break;
                    };
                    if loaded.metadata.len() < METADATA_FAMILIES_MAX
                        || loaded.metadata.contains_key(&one.family)
                    {
                        loaded.metadata.insert(one.family.clone(), one);
                    }
                }
            }
            Some(_) | None => loaded.undecodable += 1,
        }
        ControlFlow::Continue(())
    })?;
    log.quarantine(&mut read.damage);
    loaded.damage.merge(read.damage);
    Ok((records, bytes))
}
