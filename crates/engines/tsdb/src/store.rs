//! The store's face: what there is, and who locks what.
//!
//! Order of locks: `merging`, `flushing`, `manifest`, `log`, `head`; `index` has its own, inside of all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use model::{Labels, Matcher, Metadata, Timestamp};
use parking_lot::{Condvar, Mutex, RwLock};
use wal::{Damage, Position, Wal};

use crate::{
    Offender, Options, RefusedReason, TickError,
    exemplars::Exemplars,
    head::Head,
    index::Index,
    manifest::Manifest,
    part::Shared,
    record::{HistogramItem, Item},
    refuse::Blamed,
    registry::Registry,
};

/// Label values and names that one listing returns at most.
const LISTED_MAX: usize = 1_000_000;

/// A sample store. All methods take `&self` and may be called from many threads; appends are taken one by one.
pub struct Tsdb {
    pub(crate) options: Options,
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: Arc<Index>,
    pub(crate) merging: Mutex<Merging>,
    pub(crate) flushing: Mutex<()>,
    pub(crate) manifest: Mutex<Manifest>,
    pub(crate) log: Mutex<Log>,
    pub(crate) head: Mutex<Head>,
    pub(crate) metadata: RwLock<BTreeMap<Box<str>, Metadata>>,
    pub(crate) exemplars: RwLock<Exemplars>,
    pub(crate) watch: RwLock<Option<Watch>>,
    /// What opening found damaged in the logs.
    pub(crate) damage: Damage,
    pub(crate) work: Work,
}

pub(crate) type Watch = Arc<dyn Fn(&Labels) -> bool + Send + Sync>;

/// Tells whoever maintains the store that there is something to do.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) is_due: Mutex<bool>,
    pub(crate) changed: Condvar,
    /// Samples that were ever appended by this process.
    pub(crate) appended: AtomicU64,
    /// Flushes since opening.
    pub(crate) flushes: AtomicU64,
}

/// What maintenance remembers from one time to the next.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    pub(crate) swept_at: Option<Timestamp>,
    pub(crate) retained_at: Option<Timestamp>,
    pub(crate) retry_at: Option<Timestamp>,
    /// Series may have lost their last sample.
    pub(crate) may_forget: bool,
    /// How many samples had been appended at these times.
    pub(crate) rates: Vec<(Timestamp, u64)>,
}

/// The one who writes.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) wal: Wal,
    pub(crate) registry: Registry,
    pub(crate) exemplars: Wal,
    pub(crate) keep_from: Option<Position>,
    pub(crate) batch: u16,
    pub(crate) ids: Vec<u32>,
    pub(crate) items: Vec<Item>,
    pub(crate) histograms: Vec<HistogramItem>,
    pub(crate) buffer: Vec<u8>,
    pub(crate) offenders: BTreeMap<Option<Box<str>>, (Timestamp, Option<Offender>)>,
    pub(crate) refused: BTreeMap<RefusedReason, u64>,
    pub(crate) blamed: Blamed,
    pub(crate) duplicates: u64,
}

impl Log {
    pub(crate) fn new(wal: Wal, registry: Registry, exemplars: Wal) -> Self {
        Self {
            wal,
            registry,
            exemplars,
            keep_from: None,
            batch: 0,
            ids: Vec::new(),
            items: Vec::new(),
            histograms: Vec::new(),
            buffer: Vec::new(),
            offenders: BTreeMap::new(),
            refused: BTreeMap::new(),
            blamed: Blamed::default(),
            duplicates: 0,
        }
    }

    pub(crate) fn sync(&mut self) -> Result<(), wal::SyncError> {
        // The registry first: a record in the log must never be without its series.
        self.registry.sync()?;
        self.wal.sync()?;
        self.exemplars.sync()
    }
}

impl fmt::Debug for Tsdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tsdb").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Tsdb {
    /// The labels of the series that all matchers pass and that have samples in the range, or close to it: times are known
    /// by section. Sorted.
    pub fn series(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Labels> {
        let ids = self.ids_between(matchers, start_ms, end_ms);
        let reader = self.index.reader();
        let mut labels: Vec<Labels> = ids.iter().filter_map(|id| reader.labels(id)).collect();
        drop(reader);
        labels.sort();
        labels
    }

    /// The names of the labels of those series; sorted.
    pub fn label_names(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Arc<str>> {
        let ids = self.ids_between(matchers, start_ms, end_ms);
        self.index.label_names(Some(&ids), LISTED_MAX)
    }

    /// The values that label `name` has in those series; sorted.
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Vec<Arc<str>> {
        let ids = self.ids_between(matchers, start_ms, end_ms);
        self.index.label_values(name, Some(&ids), LISTED_MAX)
    }

    /// What the metric families say of themselves, by family; at most [`crate::METADATA_FAMILIES_MAX`].
    pub fn metadata(&self) -> BTreeMap<Box<str>, Metadata> {
        self.metadata.read().clone()
    }

    /// Says which series [`Tsdb::append_keyed`] gives back as stored, and which [`Tsdb::replay`] visits. Without a word all
    /// are replayed and none given back.
    pub fn watch(&self, watch: Watch) {
        *self.watch.write() = Some(watch);
        self.head.lock().forget_watched();
    }

    /// Where the write-ahead log stands.
    pub fn position(&self) -> Position {
        self.log.lock().wal.end()
    }

    /// Keeps the write-ahead log after `position` until told of a later one, within [`Options::replay_bytes_max`]. Unless
    /// told, what is in parts goes.
    pub fn keep_from(&self, position: Position) {
        self.log.lock().keep_from = Some(position);
    }

    /// Syncs the logs when it is due, and takes up writing again after the disk was full; call it every 100 ms or so.
    ///
    /// # Errors
    /// When a sync fails; at each call from then on, for the store can only be opened anew.
    pub fn tick(&self, now: Timestamp) -> Result<(), TickError> {
        let (due, others) = {
            let mut log = self.log.lock();
            // The registry first: a record in the log must never be without its series.
            let registry = log.registry.tick(now).map_err(TickError::Registry);
            let due = log.wal.begin_tick(now).map_err(TickError::Sync);
            let exemplars = log.exemplars.tick(now).map_err(TickError::Exemplars);
            (due, registry.and(exemplars))
        };
        // Appends go on meanwhile.
        if let Some(mut due) = due? {
            let result = due.run();
            self.log.lock().wal.end_sync(due, result).map_err(TickError::Sync)?;
        }
        others
    }

    /// Forces everything appended to the disk.
    ///
    /// # Errors
    /// When a sync fails.
    pub fn sync(&self) -> Result<(), wal::SyncError> {
        self.log.lock().sync()
    }

    /// Whether a write or a sync has failed so that only opening the store anew can heal it.
    pub fn is_closed(&self) -> bool {
        let log = self.log.lock();
        log.wal.is_closed() || log.registry.is_closed() || log.exemplars.is_closed()
    }

    /// Waits until [`Tsdb::maintain`] has something to do that cannot wait, at most this long.
    pub fn wait_for_work(&self, at_most: Duration) {
        let mut is_due = self.work.is_due.lock();
        if !*is_due {
            self.work.changed.wait_for(&mut is_due, at_most);
        }
        *is_due = false;
    }

    pub(crate) fn call_for_work(&self) {
        let mut is_due = self.work.is_due.lock();
        if !*is_due {
            *is_due = true;
            self.work.changed.notify_one();
        }
    }

    pub(crate) fn note_appended(&self, samples: u64) {
        self.work.appended.fetch_add(samples, Relaxed);
    }

    /// The warnings of damaged parts that overlap a range, each once.
    pub(crate) fn warnings(&self, start_ms: i64, end_ms: i64) -> BTreeSet<String> {
        let (damaged, _) = self.shared.faults.list();
        damaged
            .iter()
            .filter(|one| one.samples > 0 && one.min_ms <= end_ms && one.max_ms >= start_ms)
            .map(crate::select::warning)
            .collect()
    }
}
