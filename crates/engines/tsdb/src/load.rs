//! Reads what an earlier process left.

use std::ops::ControlFlow;

use model::{Labels, Metadata, Timestamp};
use wal::{Position, ReadError, Wal};

use crate::{
    Recovery,
    admit::oldest_ms,
    block::{self, Record as BlockRecord},
    head::Head,
    options::Options,
    record,
    series::BlockRef,
};

/// What of the block log belongs to a checkpoint that has not been closed yet.
#[derive(Default)]
struct Pending {
    checkpoint: u64,
    blocks: Vec<(Labels, BlockRef)>,
    metadata: Vec<Metadata>,
}

/// Where the last checkpoint left the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checkpointed {
    /// Its number, or that of a later one that was not closed.
    pub(crate) number: u64,
    /// The write-ahead log before this is in blocks.
    pub(crate) position: Position,
}

/// Blocks first, then what the write-ahead log has after them.
pub(crate) fn load(
    options: &Options,
    wal: &Wal,
    blocks: &Wal,
    now: Timestamp,
) -> Result<(Head, Checkpointed, Recovery), ReadError> {
    let mut head = Head::new(blocks.snapshot());
    let mut recovery = Recovery::default();
    let checkpointed = load_blocks(&mut head, blocks, &mut recovery)?;
    replay(&mut head, wal, checkpointed.position, &mut recovery)?;
    head.sweep(now, oldest_ms(options, now));
    recovery.series = head.len();
    Ok((head, checkpointed, recovery))
}

fn load_blocks(
    head: &mut Head,
    blocks: &Wal,
    recovery: &mut Recovery,
) -> Result<Checkpointed, ReadError> {
    let mut pending = Pending::default();
    let mut checkpointed = Checkpointed::default();
    let mut read = blocks.read(Position::START, |entry| {
        let Ok(record) = block::decode(entry.payload) else {
            recovery.undecodable += 1;
            return ControlFlow::Continue(());
        };
        let number = record.checkpoint();
        if number != pending.checkpoint {
            pending = Pending { checkpoint: number, ..Pending::default() };
        }
        checkpointed.number = checkpointed.number.max(number);
        match record {
            BlockRecord::Block { labels, min_ms, max_ms, samples, .. } => {
                pending.blocks.push((labels, BlockRef { at: entry.at, min_ms, max_ms, samples }));
            }
            BlockRecord::Metadata { metadata, .. } => pending.metadata.extend(metadata),
            // The second of the two closing records finds nothing pending.
            BlockRecord::Closing { position, .. } => {
                for (labels, block) in pending.blocks.drain(..) {
                    head.insert_block(&labels, block);
                }
                pending.metadata.drain(..).for_each(|metadata| head.insert_metadata(metadata));
                checkpointed.position = checkpointed.position.max(position);
            }
        }
        ControlFlow::Continue(())
    })?;
    blocks.quarantine(&mut read.damage);
    recovery.damage.merge(read.damage);
    Ok(checkpointed)
}

fn replay(
    head: &mut Head,
    wal: &Wal,
    from: Position,
    recovery: &mut Recovery,
) -> Result<(), ReadError> {
    let mut read = wal.read(from, |entry| {
        match record::decode(entry.payload) {
            Ok(record) => {
                for series in &record.series {
                    head.insert(record.received_at, series);
                    recovery.samples_replayed +=
                        u64::try_from(series.samples.len()).expect("a length fits 64 bits");
                }
                record.metadata.into_iter().for_each(|metadata| head.insert_metadata(metadata));
            }
            Err(_) => recovery.undecodable += 1,
        }
        ControlFlow::Continue(())
    })?;
    wal.quarantine(&mut read.damage);
    recovery.damage.merge(read.damage);
    Ok(())
}
