//! Sections of parts that were read and verified, within a limit of memory.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

const SHARDS: usize = 8;
/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = 96;

/// A part's number and an offset in it.
type Key = (u64, u64);

#[derive(Debug)]
pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    shard_bytes_max: usize,
    clock: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Key, (Arc<Vec<u8>>, u64)>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            shard_bytes_max: bytes_max / SHARDS,
            clock: AtomicU64::new(0),
        }
    }

    fn shard(&self, key: Key) -> &Mutex<Shard> {
        let mixed = (key.0 ^ key.1 >> 8).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
        &self.shards[usize::try_from(mixed).expect("three bits") % SHARDS]
    }

    pub(crate) fn get(&self, key: Key) -> Option<Arc<Vec<u8>>> {
        let now = self.clock.fetch_add(1, Relaxed);
        let mut shard = self.shard(key).lock();
        let (bytes, used) = shard.entries.get_mut(&key)?;
        *used = now;
        Some(Arc::clone(bytes))
    }

    pub(crate) fn put(&self, key: Key, bytes: Arc<Vec<u8>>) {
        let cost = bytes.len() + ENTRY_BYTES;
        if cost > self.shard_bytes_max {
            return;
        }
        let now = self.clock.fetch_add(1, Relaxed);
        let mut shard = self.shard(key).lock();
        if shard.bytes + cost > self.shard_bytes_max {
            shard.shrink(self.shard_bytes_max / 4 * 3);
        }
        if shard.entries.insert(key, (bytes, now)).is_none() {
            shard.bytes += cost;
        }
    }
}

impl Shard {
    /// Drops what was not used for longest until at most `bytes_max` are left.
    fn shrink(&mut self, bytes_max: usize) {
        let mut ages: Vec<(u64, Key)> =
            self.entries.iter().map(|(key, (_, used))| (*used, *key)).collect();
        ages.sort_unstable();
        for (_, key) in ages {
            if self.bytes <= bytes_max {
                return;
            }
            if let Some((bytes, _)) = self.entries.remove(&key) {
                self.bytes -= bytes.len() + ENTRY_BYTES;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_used_within_its_limit() {
        let cache = Cache::new(SHARDS * 10_000);
        for number in 0..200_u64 {
            cache.put((1, number), Arc::new(vec![0; 900]));
            if number > 0 {
                assert!(cache.get((1, 0)).is_some(), "after {number}");
            }
        }
        let kept = (0..200).filter(|number| cache.get((1, *number)).is_some()).count();
        assert!((8..=80).contains(&kept), "{kept}");
        cache.put((1, 999), Arc::new(vec![0; 100_000]));
        assert!(cache.get((1, 999)).is_none());
    }
}
