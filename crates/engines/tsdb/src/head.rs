//! What is in memory: who is known to appends, the samples that are in no part yet, and the parts that count.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hashbrown::HashTable;
use model::{Histogram, HistogramSample, Points, Timestamp};
use roaring::RoaringBitmap;
use wal::Position;

use crate::{
    ACTIVE_WINDOW,
    arena::{Arena, Slabs, Tail},
    emitters::Emitters,
    hot::{ACTIVE, ASKED, HISTOGRAMS, Hot, KNOWN, Pages, VALUE, WATCHED},
    part::Part,
    record::{HistogramItem, Item},
};

/// How many series may be known by a second hash of their labels.
const ALIASES_MAX: usize = 1 << 20;
/// What a histogram takes in memory beside its buckets.
const HISTOGRAM_BYTES: usize = 256;

/// What a histogram takes in memory, about.
pub(crate) fn histogram_bytes(histogram: &Histogram) -> usize {
    HISTOGRAM_BYTES + 16 * histogram.parts()
}

pub(crate) type Histograms = BTreeMap<u32, Vec<HistogramSample>>;

/// Samples that a flush is about to write; they stay readable meanwhile.
#[derive(Debug)]
pub(crate) struct Frozen {
    /// Sorted by series.
    pub(crate) tails: Vec<(u32, Tail)>,
    pub(crate) slabs: Slabs,
    pub(crate) histograms: Histograms,
    pub(crate) samples: u64,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    /// The log before this is in here, or was in parts before.
    pub(crate) position: Position,
}

impl Frozen {
    pub(crate) fn tail(&self, id: u32) -> Tail {
        let at = self.tails.binary_search_by_key(&id, |(id, _)| *id);
        at.map_or(Tail::EMPTY, |at| self.tails[at].1)
    }

    pub(crate) fn ids(&self) -> RoaringBitmap {
        let mut ids: RoaringBitmap = self.tails.iter().map(|(id, _)| *id).collect();
        ids.extend(self.histograms.keys().copied());
        ids
    }

    /// Appends what there is of a series between two times, as it came.
    pub(crate) fn read(&self, id: u32, (start_ms, end_ms): (i64, i64), into: &mut Points) {
        self.slabs.read(self.tail(id), start_ms, end_ms, into);
        if let Some(histograms) = self.histograms.get(&id) {
            let within = |sample: &&HistogramSample| (start_ms..=end_ms).contains(&sample.at_ms);
            into.histograms.extend(histograms.iter().filter(within).cloned());
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) pages: Pages,
    /// Numbers of series by the hash of their labels' bytes.
    keys: HashTable<u32>,
    /// Those that came by another hash than the one that their page knows.
    aliases: HashMap<u128, u32>,
    pub(crate) emitters: Emitters,
    pub(crate) arena: Arena,
    pub(crate) histograms: Histograms,
    pub(crate) histogram_bytes: usize,
    /// Samples since the last flush.
    pub(crate) samples: u64,
    /// Series that have some.
    pub(crate) touched: u64,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    /// When the first of them came.
    pub(crate) first_at: Option<Timestamp>,
    /// Series that count against the limits.
    pub(crate) active: usize,
    pub(crate) frozen: Option<Arc<Frozen>>,
    /// Oldest first.
    pub(crate) parts: Arc<Vec<Arc<Part>>>,
    pub(crate) tombstones: Arc<Vec<crate::manifest::Tombstone>>,
}

fn hash(key: u128) -> u64 {
    u64::try_from(key & u128::from(u64::MAX)).expect("64 bits were kept")
}

pub(crate) fn minutes(at: Timestamp) -> u32 {
    u32::try_from(at.as_secs() / 60)
        .unwrap_or(if at < Timestamp::EPOCH { 1 } else { u32::MAX })
        .max(1)
}

impl Head {
    pub(crate) fn new() -> Self {
        Self { min_ms: i64::MAX, max_ms: i64::MIN, ..Self::default() }
    }

    /// The series whose labels' bytes have this hash; the one after `last` is the likeliest.
    pub(crate) fn by_key(&self, key: u128, last: u32) -> Option<u32> {
        let next = last.wrapping_add(1);
        if let Some(hot) = self.pages.get(next)
            && hot.key == key
        {
            return Some(next);
        }
        let same = |id: &u32| self.pages.get(*id).is_some_and(|hot| hot.key == key);
        self.keys.find(hash(key), same).copied().or_else(|| self.aliases.get(&key).copied())
    }

    /// Remembers the hash of a series' labels.
    pub(crate) fn learn_key(&mut self, key: u128, id: u32) {
        if key == 0 {
            return;
        }
        let hot = self.pages.at(id);
        if hot.key == 0 {
            hot.key = key;
            let pages = &self.pages;
            let rehash = |id: &u32| hash(pages.get(*id).map_or(0, |hot| hot.key));
            self.keys.insert_unique(hash(key), id, rehash);
        } else if hot.key != key {
            if self.aliases.len() >= ALIASES_MAX {
                self.aliases.clear();
            }
            self.aliases.insert(key, id);
        }
    }

    /// The series' place, filled in when it is new or slept for long; `visit` shows its labels.
    pub(crate) fn know(&mut self, id: u32, visit: impl Fn(&mut dyn FnMut(&str, &str))) -> &mut Hot {
        if !self.pages.at(id).is(KNOWN) {
            let emitter = self.emitters.of(visit);
            let hot = self.pages.at(id);
            hot.emitter = emitter;
            hot.flags |= KNOWN;
        }
        self.pages.at(id)
    }

    /// A sample of the series came: it counts as active.
    pub(crate) fn wake(&mut self, id: u32, seen_min: u32) {
        let hot = self.pages.at(id);
        hot.seen_min = hot.seen_min.max(seen_min);
        if !hot.is(ACTIVE) {
            hot.flags |= ACTIVE;
            let emitter = hot.emitter;
            self.active += 1;
            if let Some(service) = self.emitters.service_mut(emitter) {
                service.active += 1;
            }
        }
    }

    /// Takes floats that were admitted. Their series are known.
    pub(crate) fn insert(&mut self, received_at: Timestamp, items: &[Item]) {
        let seen_min = minutes(received_at);
        for item in items {
            let hot = self.pages.at(item.id);
            let mut tail = hot.tail();
            self.touched += u64::from(tail.is_empty());
            self.arena.push(&mut tail, item.at_ms, item.bits);
            hot.set_tail(tail);
            if item.at_ms >= hot.last_ms {
                hot.last_ms = item.at_ms;
                hot.last_bits = item.bits;
                hot.flags |= VALUE;
            }
            if hot.seen_min < seen_min || !hot.is(ACTIVE) {
                self.wake(item.id, seen_min);
            }
            self.min_ms = self.min_ms.min(item.at_ms);
            self.max_ms = self.max_ms.max(item.at_ms);
        }
        self.count(received_at, items.len());
    }

    /// Takes native histograms that were admitted.
    pub(crate) fn insert_histograms(&mut self, received_at: Timestamp, items: &[HistogramItem]) {
        let seen_min = minutes(received_at);
        for item in items {
            let hot = self.pages.at(item.id);
            hot.flags |= HISTOGRAMS;
            if item.at_ms > hot.last_ms {
                hot.last_ms = item.at_ms;
                hot.flags &= !VALUE;
            }
            self.wake(item.id, seen_min);
            let sample =
                HistogramSample { at_ms: item.at_ms, histogram: Arc::clone(&item.histogram) };
            self.histogram_bytes += histogram_bytes(&sample.histogram);
            self.histograms.entry(item.id).or_default().push(sample);
            self.min_ms = self.min_ms.min(item.at_ms);
            self.max_ms = self.max_ms.max(item.at_ms);
        }
        self.count(received_at, items.len());
    }

    fn count(&mut self, received_at: Timestamp, samples: usize) {
        if samples > 0 {
            self.samples += samples as u64;
            self.first_at.get_or_insert(received_at);
        }
    }

    /// The time of a series' newest sample of either kind, as far as it is in memory.
    pub(crate) fn newest_histogram_ms(&self, id: u32) -> i64 {
        let newest = |histograms: &Histograms| {
            histograms.get(&id).and_then(|samples| samples.iter().map(|sample| sample.at_ms).max())
        };
        let frozen = self.frozen.as_ref().and_then(|frozen| newest(&frozen.histograms));
        newest(&self.histograms).max(frozen).unwrap_or(i64::MIN)
    }

    /// What of a series is in memory between two times, as it came.
    pub(crate) fn existing(&self, id: u32, (start_ms, end_ms): (i64, i64), into: &mut Points) {
        if let Some(frozen) = &self.frozen {
            frozen.read(id, (start_ms, end_ms), into);
        }
        let tail = self.pages.get(id).map_or(Tail::EMPTY, Hot::tail);
        self.arena.slabs().read(tail, start_ms, end_ms, into);
        if let Some(histograms) = self.histograms.get(&id) {
            let within = |sample: &&HistogramSample| (start_ms..=end_ms).contains(&sample.at_ms);
            into.histograms.extend(histograms.iter().filter(within).cloned());
        }
    }

    /// Puts the samples aside for a flush; `None` when there are none, or a flush has not ended.
    pub(crate) fn freeze(&mut self, position: Position) -> Option<Arc<Frozen>> {
        if self.samples == 0 || self.frozen.is_some() {
            return None;
        }
        let mut tails = Vec::with_capacity(usize::try_from(self.touched).unwrap_or(0));
        for (id, hot) in self.pages.iter_mut() {
            if !hot.tail().is_empty() {
                tails.push((id, hot.tail()));
                hot.set_tail(Tail::EMPTY);
            }
            hot.flags &= !HISTOGRAMS;
        }
        let frozen = Arc::new(Frozen {
            tails,
            slabs: self.arena.take(),
            histograms: std::mem::take(&mut self.histograms),
            samples: self.samples,
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            position,
        });
        (self.samples, self.touched, self.histogram_bytes) = (0, 0, 0);
        (self.min_ms, self.max_ms, self.first_at) = (i64::MAX, i64::MIN, None);
        self.frozen = Some(Arc::clone(&frozen));
        Some(frozen)
    }

    /// A flush has come to its end: what was put aside is in parts.
    pub(crate) fn thaw(&mut self) {
        if let Some(frozen) = self.frozen.take()
            && let Ok(frozen) = Arc::try_unwrap(frozen)
        {
            self.arena.recycle(frozen.slabs);
        }
    }

    /// Counts anew who is active, and lets go of pages that nobody needs.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        let since = minutes(now - ACTIVE_WINDOW);
        let mut asleep = Vec::new();
        for (_, hot) in self.pages.iter_mut() {
            if hot.is(ACTIVE) && hot.seen_min < since {
                hot.flags &= !ACTIVE;
                asleep.push(hot.emitter);
            }
        }
        self.active -= asleep.len();
        for emitter in asleep {
            if let Some(service) = self.emitters.service_mut(emitter) {
                service.active -= 1;
            }
        }
        let Self { pages, keys, aliases, .. } = self;
        let mut gone = RoaringBitmap::new();
        pages.free_idle(|id, hot| {
            gone.insert(id);
            if hot.key != 0
                && let Ok(entry) = keys.find_entry(hash(hot.key), |known| *known == id)
            {
                entry.remove();
            }
        });
        aliases.retain(|_, id| !gone.contains(*id));
        if keys.len() * 4 < keys.capacity() {
            let pages = &self.pages;
            self.keys.shrink_to_fit(|id| hash(pages.get(*id).map_or(0, |hot| hot.key)));
        }
    }

    /// The series are forgotten: their numbers may come again for others.
    pub(crate) fn forget(&mut self, ids: &RoaringBitmap) {
        for id in ids {
            let Some(hot) = self.pages.get(id).copied() else { continue };
            if hot.key != 0
                && let Ok(entry) = self.keys.find_entry(hash(hot.key), |known| *known == id)
            {
                entry.remove();
            }
            if hot.is(ACTIVE) {
                self.active -= 1;
                if let Some(service) = self.emitters.service_mut(hot.emitter) {
                    service.active -= 1;
                }
            }
            *self.pages.at(id) = Hot::EMPTY;
        }
        self.aliases.retain(|_, id| !ids.contains(*id));
    }

    /// The newest value of the series counts no longer for knowing a repetition.
    pub(crate) fn forget_value(&mut self, id: u32) {
        if self.pages.get(id).is_some() {
            self.pages.at(id).flags &= !VALUE;
        }
    }

    /// Every series is to be asked anew whether it is watched.
    pub(crate) fn forget_watched(&mut self) {
        for (_, hot) in self.pages.iter_mut() {
            hot.flags &= !(ASKED | WATCHED);
        }
    }

    /// The series that have samples in memory.
    pub(crate) fn ids(&self) -> RoaringBitmap {
        let mut ids: RoaringBitmap =
            self.pages.iter().filter(|(_, hot)| !hot.tail().is_empty()).map(|(id, _)| id).collect();
        ids.extend(self.histograms.keys().copied());
        if let Some(frozen) = &self.frozen {
            ids |= frozen.ids();
        }
        ids
    }

    /// What the samples take in memory.
    pub(crate) fn sample_bytes(&self) -> usize {
        self.arena.bytes() + self.histogram_bytes
    }

    /// What knowing the series takes in memory.
    pub(crate) fn known_bytes(&self) -> usize {
        self.pages.bytes()
            + self.keys.capacity() * 5
            + self.aliases.len() * 32
            + self.emitters.bytes()
    }
}

/// Brings samples into order of time. Of those of one time the first stays; where a float and a histogram have one time, the
/// float does.
pub(crate) fn normalise(points: &mut Points) {
    if !points.times.is_sorted_by(|a, b| a < b) {
        let mut order: Vec<usize> = (0..points.times.len()).collect();
        order.sort_by_key(|at| points.times[*at]);
        order.dedup_by_key(|at| points.times[*at]);
        points.times = order.iter().map(|at| points.times[*at]).collect::<Vec<_>>();
        let values = order.iter().map(|at| points.values[*at]).collect();
        let starts = order.iter().filter_map(|at| points.starts.get(*at).copied()).collect();
        (points.values, points.starts) = (values, starts);
    }
    if points.histograms.is_empty() {
        return;
    }
    let with_starts = points.histogram_starts.len() == points.histograms.len();
    if !points.histograms.is_sorted_by(|a, b| a.at_ms < b.at_ms) {
        let mut order: Vec<usize> = (0..points.histograms.len()).collect();
        order.sort_by_key(|at| points.histograms[*at].at_ms);
        order.dedup_by_key(|at| points.histograms[*at].at_ms);
        points.histograms = order.iter().map(|at| points.histograms[*at].clone()).collect();
        if with_starts {
            points.histogram_starts = order.iter().map(|at| points.histogram_starts[*at]).collect();
        }
    }
    let times = &points.times;
    let is_float = |at_ms: i64| times.binary_search(&at_ms).is_ok();
    if points.histograms.iter().any(|sample| is_float(sample.at_ms)) {
        let keep: Vec<bool> =
            points.histograms.iter().map(|sample| !is_float(sample.at_ms)).collect();
        let mut kept = keep.iter();
        points.histograms.retain(|_| kept.next().copied().unwrap_or(true));
        if with_starts {
            let mut kept = keep.iter();
            points.histogram_starts.retain(|_| kept.next().copied().unwrap_or(true));
        }
    }
}
