//! Takes over what version 0.1 wrote: blocks in a log of their own, and records that name their series by labels.
//!
//! The blocks become parts once, at the first opening; the records are read where they lie, until the log before them goes.

pub(crate) mod bits;
pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod record;

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use model::{Labels, Sample, Series, Timestamp};
use wal::{Disk, Position, RecordAt, Wal};

use crate::{OpenError, Recovery, Tsdb, flush::failed, record::Item};

/// What a checkpoint that has not been closed yet has.
#[derive(Default)]
struct Pending {
    checkpoint: u64,
    blocks: Vec<(Labels, RecordAt)>,
    metadata: Vec<model::Metadata>,
}

/// Reads the old blocks into parts; how many samples. The old files go when the parts count.
pub(crate) fn blocks(
    store: &Tsdb,
    disk: &Arc<dyn Disk>,
    now: Timestamp,
    recovery: &mut Recovery,
) -> Result<u64, OpenError> {
    let dir = store.options.dir.join("blocks");
    let there = disk.list(&dir).unwrap_or_default();
    if there.is_empty() {
        return Ok(0);
    }
    let options = wal::Options { sync: wal::SyncPolicy::Never, ..wal::Options::new(dir) };
    let (log, torn) = Wal::open(options, Arc::clone(disk)).map_err(OpenError::Blocks)?;
    recovery.damage.merge(torn);
    let (found, position) = find(&log, store, recovery)?;
    let snapshot = log.snapshot();
    let mut samples = 0;
    for (labels, places) in found {
        let mut all: Vec<Sample> = Vec::new();
        for at in places {
            let payload = snapshot.get(at).map_err(OpenError::Read)?;
            // What is damaged was reported when the log was read.
            let Some(payload) = payload else { continue };
            let whole = all.len();
            if block::read_samples(&payload, i64::MIN, i64::MAX, &mut all).is_err() {
                all.truncate(whole);
                recovery.undecodable += 1;
            }
        }
        all.sort_by_key(|sample| sample.at_ms);
        all.dedup_by_key(|sample| sample.at_ms);
        samples += all.len() as u64;
        insert(store, now, &Series { labels, samples: all });
        let is_full = store.flush_level(&store.head.lock()) >= 1.0;
        if is_full {
            flush(store, now)?;
        }
    }
    flush(store, now)?;
    store
        .change_manifest(|manifest| {
            manifest.migrated = true;
            manifest.flushed = manifest.flushed.max(position);
        })
        .map_err(OpenError::Migrate)?;
    for path in there {
        // What cannot be removed is passed over from now on.
        drop(disk.remove(&path));
    }
    Ok(samples)
}

/// The places of the blocks by series, and up to where the write-ahead log is in them.
fn find(
    log: &Wal,
    store: &Tsdb,
    recovery: &mut Recovery,
) -> Result<(BTreeMap<Labels, Vec<RecordAt>>, Position), OpenError> {
    let mut found: BTreeMap<Labels, Vec<RecordAt>> = BTreeMap::new();
    let mut position = Position::START;
    let mut pending = Pending::default();
    let mut read = log
        .read(Position::START, |entry| {
            let Ok(record) = block::decode(entry.payload) else {
                recovery.undecodable += 1;
                return ControlFlow::Continue(());
            };
            if record.checkpoint() != pending.checkpoint {
                pending = Pending { checkpoint: record.checkpoint(), ..Pending::default() };
            }
            match record {
                block::Record::Block { labels, .. } => pending.blocks.push((labels, entry.at)),
                block::Record::Metadata { metadata, .. } => pending.metadata.extend(metadata),
                block::Record::Closing { position: end, .. } => {
                    for (labels, at) in pending.blocks.drain(..) {
                        found.entry(labels).or_default().push(at);
                    }
                    let mut known = store.metadata.write();
                    known.extend(pending.metadata.drain(..).map(|one| (one.family.clone(), one)));
                    position = position.max(end);
                }
            }
            ControlFlow::Continue(())
        })
        .map_err(OpenError::Read)?;
    log.quarantine(&mut read.damage);
    recovery.damage.merge(read.damage);
    // The registry is written anew before long, and has the metadata then.
    store.log.lock().registry.is_ailing = true;
    Ok((found, position))
}

/// Puts a series' samples into the head; its name into the registry's index, not yet on the disk.
fn insert(store: &Tsdb, received_at: Timestamp, series: &Series) {
    let (id, _) = store.index.insert(&series.labels);
    let mut head = store.head.lock();
    head.know(id, |visit| crate::append::each(&series.labels, visit));
    let items: Vec<Item> = series
        .samples
        .iter()
        .map(|sample| Item { id, place: 0, at_ms: sample.at_ms, bits: sample.value.to_bits() })
        .collect();
    head.insert(received_at, &items);
}

/// Writes what was read into parts, the registry first.
fn flush(store: &Tsdb, now: Timestamp) -> Result<(), OpenError> {
    {
        let mut log = store.log.lock();
        let ids = store.index.select(&[]);
        let metadata = store.metadata.read();
        log.registry.rewrite(&store.index, &ids, &metadata, now).map_err(OpenError::Migrate)?;
    }
    // The log is not in these parts.
    let frozen = store.head.lock().freeze(Position::START);
    if frozen.is_some() {
        drop(frozen);
        store.flush(now).map_err(OpenError::Migrate)?;
    }
    let dir = crate::part::directory(&store.options.dir);
    store.shared.disk.sync_dir(&dir).map_err(|error| OpenError::Migrate(failed((dir, error))))
}

/// Brings an old record back into the head; how many samples, or `None` when it is not one.
pub(crate) fn replay(store: &Tsdb, payload: &[u8]) -> Option<u64> {
    let record = record::decode(payload).ok()?;
    let mut samples = 0;
    let mut is_new = false;
    for series in &record.series {
        is_new |= store.index.get(&series.labels).is_none();
        insert(store, record.received_at, series);
        samples += series.samples.len() as u64;
    }
    let mut metadata = store.metadata.write();
    is_new |= !record.metadata.is_empty();
    metadata.extend(record.metadata.into_iter().map(|one| (one.family.clone(), one)));
    if is_new {
        store.log.lock().registry.is_ailing = true;
    }
    Some(samples)
}
