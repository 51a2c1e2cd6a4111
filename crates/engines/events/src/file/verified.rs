//! Reads stretches of a file, proving each block on the way.

use std::{
    io,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use camino::Utf8PathBuf;
use parking_lot::Mutex;
use wal::DiskRead;

use super::{BLOCK_BYTES, Sums};

/// A block that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {block} of `{path}` (bytes {start} to {end}) is damaged")]
pub struct BlockDamage {
    pub path: Utf8PathBuf,
    pub block: u64,
    /// In bytes; `end` is behind the last.
    pub start: u64,
    pub end: u64,
}

/// Why a stretch of a file cannot be given out.
#[derive(Debug, thiserror::Error)]
pub enum StretchError {
    #[error(transparent)]
    Damaged(BlockDamage),
    #[error("cannot read `{path}`")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("bytes {start} to {end} are outside of `{path}`")]
    Outside { path: Utf8PathBuf, start: u64, end: u64 },
}

/// A file whose every byte is proved before it is given out.
#[derive(Debug)]
pub(crate) struct Verified {
    path: Utf8PathBuf,
    bytes: Arc<dyn DiskRead>,
    sums: Sums,
    /// Blocks that were found damaged.
    damaged: Mutex<std::collections::BTreeSet<u64>>,
    /// Bytes read so far.
    read: AtomicU64,
}

impl Verified {
    pub(crate) fn new(path: Utf8PathBuf, bytes: Arc<dyn DiskRead>, sums: Sums) -> Self {
        Self { path, bytes, sums, damaged: Mutex::default(), read: AtomicU64::new(0) }
    }

    pub(crate) fn path(&self) -> &Utf8PathBuf {
        &self.path
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// The damaged blocks that were met so far.
    pub(crate) fn damaged(&self) -> Vec<u64> {
        self.damaged.lock().iter().copied().collect()
    }

    /// Bytes that were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The bytes of a stretch.
    pub(crate) fn stretch(&self, wanted: Range<u64>) -> Result<Bytes, StretchError> {
        let size = self.sums.meta.bytes;
        if wanted.start > wanted.end || wanted.end > size {
            let path = self.path.clone();
            return Err(StretchError::Outside { path, start: wanted.start, end: wanted.end });
        }
        let blocks = wanted.start / BLOCK_BYTES..wanted.end.div_ceil(BLOCK_BYTES);
        let start = blocks.start * BLOCK_BYTES;
        let end = (blocks.end * BLOCK_BYTES).min(size);
        let len = usize::try_from(end - start).expect("a stretch fits memory");
        let bytes = self.bytes.read_at(start, len).map_err(|error| self.cannot(error, &blocks))?;
        self.read.fetch_add(end - start, Ordering::Relaxed);
        let block = usize::try_from(BLOCK_BYTES).expect("a block is small");
        for (number, bytes) in blocks.zip(bytes.chunks(block)) {
            if !self.sums.proves(number, bytes) {
                return Err(StretchError::Damaged(self.damage(number)));
            }
        }
        let from = usize::try_from(wanted.start - start).expect("within a block");
        let len = usize::try_from(wanted.end - wanted.start).expect("a stretch fits memory");
        Ok(Bytes::from(bytes).slice(from..from + len))
    }

    /// The bytes of several stretches; those that lie close to each other are read at once.
    pub(crate) fn stretches(&self, wanted: &[Range<u64>]) -> Result<Vec<Bytes>, StretchError> {
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|at| wanted[*at].start);
        let mut found = vec![Bytes::new(); wanted.len()];
        let close = |end: u64, next: &Range<u64>| next.start <= end.next_multiple_of(BLOCK_BYTES);
        let mut at = 0;
        while at < order.len() {
            let first = wanted[order[at]].start;
            let mut end = wanted[order[at]].end;
            let mut upto = at + 1;
            while upto < order.len() && close(end, &wanted[order[upto]]) {
                end = end.max(wanted[order[upto]].end);
                upto += 1;
            }
            let bytes = self.stretch(first..end)?;
            for one in &order[at..upto] {
                let range = &wanted[*one];
                let place = |at: u64| usize::try_from(at - first).expect("within the stretch");
                found[*one] = bytes.slice(place(range.start)..place(range.end));
            }
            at = upto;
        }
        Ok(found)
    }

    /// Proves every block; the numbers of those that are damaged.
    pub(crate) fn verify(&self) -> Result<Vec<u64>, StretchError> {
        for block in 0..self.sums.block_count() {
            let start = block * BLOCK_BYTES;
            match self.stretch(start..(start + BLOCK_BYTES).min(self.sums.meta.bytes)) {
                Ok(_) | Err(StretchError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.damaged())
    }

    fn damage(&self, block: u64) -> BlockDamage {
        self.damaged.lock().insert(block);
        let start = block * BLOCK_BYTES;
        let end = (start + BLOCK_BYTES).min(self.sums.meta.bytes);
        BlockDamage { path: self.path.clone(), block, start, end }
    }

    /// A file that was cut is damaged from there on.
    fn cannot(&self, error: io::Error, blocks: &Range<u64>) -> StretchError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let damaged = blocks.clone().map(|block| self.damage(block)).last();
            if let Some(damage) = damaged {
                return StretchError::Damaged(damage);
            }
        }
        StretchError::Io { path: self.path.clone(), source: error }
    }
}
