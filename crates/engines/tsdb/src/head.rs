//! Everything that is in memory: the series, their index, who is active, the metadata.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{Labels, Matcher, Metadata, Series, Timestamp};
use wal::Snapshot;

use crate::{
    ACTIVE_WINDOW, METADATA_FAMILIES_MAX, Offender,
    index::{Index, SeriesId},
    series::{BlockRef, SeriesState},
};

/// How many series are looked at to find the label with the most values.
const OFFENDER_SERIES: usize = 10_000;
/// How many offenders are named.
const OFFENDERS: usize = 10;

/// The service whose series these are: `service_name`, else `job`, else empty.
pub(crate) fn service(labels: &Labels) -> &str {
    labels.get("service_name").or_else(|| labels.get("job")).unwrap_or("")
}

#[derive(Debug)]
pub(crate) struct Head {
    index: Index,
    series: BTreeMap<SeriesId, SeriesState>,
    next_id: SeriesId,
    services: BTreeMap<Arc<str>, OfService>,
    pub(crate) active: usize,
    pub(crate) metadata: BTreeMap<Box<str>, Metadata>,
    /// The block log as of the last checkpoint; every block that a series names is in it.
    pub(crate) blocks: Arc<Snapshot>,
}

/// How many series a service has.
#[derive(Clone, Copy, Debug, Default)]
struct OfService {
    series: usize,
    active: usize,
}

impl Head {
    pub(crate) fn new(blocks: Snapshot) -> Self {
        Self {
            index: Index::default(),
            series: BTreeMap::new(),
            next_id: 0,
            services: BTreeMap::new(),
            active: 0,
            metadata: BTreeMap::new(),
            blocks: Arc::new(blocks),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = (SeriesId, &SeriesState)> {
        self.series.iter().map(|(id, series)| (*id, series))
    }

    pub(crate) fn get(&self, labels: &Labels) -> Option<&SeriesState> {
        self.series.get(&self.index.id(labels)?)
    }

    pub(crate) fn get_mut(&mut self, id: SeriesId) -> Option<&mut SeriesState> {
        self.series.get_mut(&id)
    }

    pub(crate) fn active_of(&self, service: &str) -> usize {
        self.services.get(service).map_or(0, |service| service.active)
    }

    /// The series of these labels, made when there is none.
    fn entry(&mut self, labels: &Labels) -> &mut SeriesState {
        let id = self.index.id(labels).unwrap_or_else(|| {
            let id = self.next_id;
            self.next_id = id.checked_add(1).expect("the limits allow far fewer series than 2^32");
            id
        });
        self.series.entry(id).or_insert_with(|| {
            let labels = self.index.add(labels, id);
            let name = service(&labels);
            let service = match self.services.get_key_value(name) {
                Some((service, _)) => Arc::clone(service),
                None => Arc::from(name),
            };
            self.services.entry(Arc::clone(&service)).or_default().series += 1;
            SeriesState::new(labels, service)
        })
    }

    /// Takes what was admitted, or what the write-ahead log had.
    pub(crate) fn insert(&mut self, received_at: Timestamp, series: &Series) {
        let state = self.entry(&series.labels);
        for sample in &series.samples {
            state.insert(*sample);
        }
        state.received_at = state.received_at.max(received_at);
        let woke = !std::mem::replace(&mut state.active, true);
        let service = Arc::clone(&state.service);
        if woke {
            self.active += 1;
            self.services.entry(service).or_default().active += 1;
        }
    }

    /// Takes a block that the block log had. Its newest sample stands for when the last one came.
    pub(crate) fn insert_block(&mut self, labels: &Labels, block: BlockRef) {
        let state = self.entry(labels);
        state.blocks.push(block);
        state.max_ms = state.max_ms.max(block.max_ms);
        state.received_at = state.received_at.max(Timestamp::from_millis(block.max_ms));
    }

    pub(crate) fn insert_metadata(&mut self, metadata: Metadata) {
        if self.metadata.len() < METADATA_FAMILIES_MAX
            || self.metadata.contains_key(&metadata.family)
        {
            self.metadata.insert(metadata.family.clone(), metadata);
        }
    }

    /// Forgets blocks that end before `cutoff_ms`, series that have nothing left, and who is active; how many series went.
    pub(crate) fn sweep(&mut self, now: Timestamp, cutoff_ms: i64) -> usize {
        let mut empty = Vec::new();
        let active_since = now - ACTIVE_WINDOW;
        for (id, series) in &mut self.series {
            series.blocks.retain(|block| block.max_ms >= cutoff_ms);
            let active = series.received_at >= active_since && !series.is_empty();
            if active != series.active {
                series.active = active;
                let service = self.services.entry(Arc::clone(&series.service)).or_default();
                if active {
                    self.active += 1;
                    service.active += 1;
                } else {
                    self.active -= 1;
                    service.active -= 1;
                }
            }
            if series.is_empty() {
                empty.push(*id);
            }
        }
        for id in &empty {
            if let Some(series) = self.series.remove(id) {
                self.index.remove(&series.labels, *id);
                if let Some(service) = self.services.get_mut(&series.service) {
                    service.series -= 1;
                }
            }
        }
        self.services.retain(|_, service| service.series > 0);
        empty.len()
    }

    /// The series that all matchers pass and that may have samples in the range.
    pub(crate) fn matching<'a>(
        &'a self,
        matchers: &'a [Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> impl Iterator<Item = &'a SeriesState> {
        let candidates = self.index.candidates(matchers);
        let everything = candidates.is_none().then(|| self.series.values());
        let some = candidates.into_iter().flatten().filter_map(|id| self.series.get(&id));
        some.chain(everything.into_iter().flatten()).filter(move |series| {
            matchers.iter().all(|matcher| matcher.matches_labels(&series.labels))
                && series.overlaps(start_ms, end_ms)
        })
    }

    /// The label with the most values among the series of a service, or of all; from a sample of them.
    pub(crate) fn offender(&self, service: Option<&str>) -> Option<Offender> {
        let of_service = |name| service.map_or(&[][..], |service| self.index.with(name, service));
        let (named, jobs) = (of_service("service_name"), of_service("job"));
        let ids: Vec<SeriesId> = match service {
            Some(_) if !named.is_empty() || !jobs.is_empty() => stride(named.iter().chain(jobs)),
            Some(_) | None => stride(self.series.keys()),
        };
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for series in ids.iter().filter_map(|id| self.series.get(id)) {
            for (name, value) in series.labels.iter() {
                values.entry(name).or_default().insert(value);
            }
        }
        let worst = values.into_iter().max_by_key(|(_, values)| values.len());
        worst.map(|(name, values)| Offender { name: name.into(), count: values.len() })
    }

    pub(crate) fn top_labels(&self) -> Vec<Offender> {
        top(self.index.cardinalities())
    }

    pub(crate) fn top_services(&self) -> Vec<Offender> {
        let services = self.services.iter().map(|(name, service)| (name, service.active));
        top(services.filter(|(_, active)| *active > 0))
    }
}

/// At most [`OFFENDER_SERIES`] ids, evenly from all.
fn stride<'a>(ids: impl Iterator<Item = &'a SeriesId> + Clone) -> Vec<SeriesId> {
    let step = ids.clone().count().div_ceil(OFFENDER_SERIES).max(1);
    ids.step_by(step).copied().collect()
}

fn top<'a>(counts: impl Iterator<Item = (&'a Arc<str>, usize)>) -> Vec<Offender> {
    let mut all: Vec<_> = counts.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(OFFENDERS);
    all.into_iter().map(|(name, count)| Offender { name: (**name).into(), count }).collect()
}
