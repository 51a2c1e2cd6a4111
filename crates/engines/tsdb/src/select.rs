//! What a query reads: series found at once, their samples decoded one series at a time.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::Arc,
};

use model::{HistogramSample, Labels, Matcher, Points, SeriesExemplars};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use crate::{
    PartDamage, ReadError, SelectError, Tsdb,
    arena::{Slabs, Tail},
    codec::{Scratch, Section},
    directory::{Directory, SectionRef},
    head::{Frozen, Head, normalise},
    hot::HISTOGRAMS,
    index::Index,
    manifest::Tombstone,
    merge::cut,
    part::{Part, Shared},
};

thread_local! {
    /// What decoding remembers, and of which section: store, part and offset.
    static SCRATCH: RefCell<((u64, u64, u64), Scratch)> =
        RefCell::new(((0, 0, 0), Scratch::default()));
}

/// What is in memory, as of one moment.
struct Moment {
    slabs: Slabs,
    frozen: Option<Arc<Frozen>>,
    parts: Vec<Arc<Part>>,
    tombstones: Arc<Vec<Tombstone>>,
    /// Where the series' samples in memory end, one for each that was asked for.
    tails: Vec<Tail>,
    histograms: BTreeMap<u32, Vec<HistogramSample>>,
}

/// Where a stretch of a series lies.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    part: u32,
    section: u32,
    slot: u32,
}

/// The series that a query found, as they were at that moment; samples are decoded when they are read, by any thread.
///
/// What was dropped, deleted or merged since is still read as it was.
pub struct Selection {
    shared: Arc<Shared>,
    index: Arc<Index>,
    range: (i64, i64),
    ids: Vec<u32>,
    tails: Vec<Tail>,
    slabs: Slabs,
    frozen: Option<Arc<Frozen>>,
    histograms: BTreeMap<u32, Vec<HistogramSample>>,
    parts: Vec<(Arc<Part>, Arc<Directory>)>,
    /// Of series `i` those from `firsts[i]` to `firsts[i + 1]`.
    stretches: Vec<Stretch>,
    firsts: Vec<u32>,
    /// About how many samples each series has.
    hints: Vec<u32>,
    tombstones: Vec<Tombstone>,
    warnings: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection").field("series", &self.ids.len()).finish_non_exhaustive()
    }
}

pub(crate) fn warning(damage: &PartDamage) -> String {
    format!(
        "samples are missing: the part `{}` is damaged ({} bytes from {}: {})",
        damage.path.file_name().unwrap_or_default(),
        damage.bytes,
        damage.offset,
        damage.what
    )
}

impl Tsdb {
    /// The series that all matchers pass and that may have samples from `start_ms` to `end_ms`, both included.
    ///
    /// # Errors
    /// When a part's directory cannot be read from the disk. A damaged one is no error but a warning.
    pub fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Selection, SelectError> {
        let found: Vec<u32> = self.index.select(matchers).iter().collect();
        let moment = self.moment(&found, (start_ms, end_ms));
        self.selection(found, moment, (start_ms, end_ms))
    }

    fn moment(&self, ids: &[u32], (start_ms, end_ms): (i64, i64)) -> Moment {
        let head = self.head.lock();
        let in_range = head.min_ms <= end_ms && head.max_ms >= start_ms;
        let mut histograms = BTreeMap::new();
        let tails = if in_range && head.samples > 0 {
            ids.iter().map(|id| tail(&head, *id, (start_ms, end_ms), &mut histograms)).collect()
        } else {
            Vec::new()
        };
        let overlaps = |part: &&Arc<Part>| part.meta.overlaps(start_ms, end_ms);
        Moment {
            slabs: head.arena.slabs(),
            frozen: head
                .frozen
                .clone()
                .filter(|frozen| frozen.min_ms <= end_ms && frozen.max_ms >= start_ms),
            parts: head.parts.iter().filter(overlaps).cloned().collect(),
            tombstones: Arc::clone(&head.tombstones),
            tails,
            histograms,
        }
    }

    fn selection(
        &self,
        found: Vec<u32>,
        moment: Moment,
        range: (i64, i64),
    ) -> Result<Selection, SelectError> {
        let (start_ms, end_ms) = range;
        let mut has: Vec<u32> = vec![0; found.len()];
        let mut stretches: Vec<(u32, Stretch)> = Vec::new();
        let mut parts = Vec::new();
        for part in moment.parts {
            let directory = part
                .directory(&self.shared)
                .map_err(|source| SelectError::Read { path: part.path.clone(), source })?;
            let Some(directory) = directory else { continue };
            let number = to_u32(parts.len());
            directory.places_of(&found, |at, place| {
                for section in place.first_section..place.end_section {
                    let known = directory.section(section);
                    if known.overlaps(start_ms, end_ms) {
                        let stretch = Stretch { part: number, section, slot: place.slot };
                        stretches.push((to_u32(at), stretch));
                        let share = known.samples.div_ceil(u64::from(place.series.max(1)));
                        has[at] = has[at].saturating_add(u32::try_from(share).unwrap_or(u32::MAX));
                    }
                }
            });
            parts.push((part, directory));
        }
        for (at, tail) in moment.tails.iter().enumerate() {
            has[at] = has[at].saturating_add(to_u32(moment.slabs.count(*tail)));
        }
        for (id, histograms) in &moment.histograms {
            if let Ok(at) = found.binary_search(id) {
                has[at] = has[at].saturating_add(to_u32(histograms.len()));
            }
        }
        if let Some(frozen) = &moment.frozen {
            for (at, id) in found.iter().enumerate() {
                let floats = frozen.slabs.count(frozen.tail(*id));
                let histograms = frozen.histograms.get(id).map_or(0, Vec::len);
                has[at] = has[at].saturating_add(to_u32(floats + histograms));
            }
        }
        // Only those that have something keep their place.
        let mut places = Vec::with_capacity(found.len());
        let (mut ids, mut tails, mut hints) = (Vec::new(), Vec::new(), Vec::new());
        for (at, id) in found.iter().enumerate() {
            places.push(to_u32(ids.len()));
            if has[at] > 0 {
                ids.push(*id);
                tails.push(moment.tails.get(at).copied().unwrap_or(Tail::EMPTY));
                hints.push(has[at]);
            }
        }
        let (stretches, firsts) = by_series(&stretches, &places, ids.len());
        let tombstones = moment
            .tombstones
            .iter()
            .filter(|one| one.start_ms <= end_ms && one.end_ms >= start_ms)
            .cloned()
            .collect();
        Ok(Selection {
            shared: Arc::clone(&self.shared),
            index: Arc::clone(&self.index),
            range,
            ids,
            tails,
            slabs: moment.slabs,
            frozen: moment.frozen,
            histograms: moment.histograms,
            parts,
            stretches,
            firsts,
            hints,
            tombstones,
            warnings: Mutex::new(self.warnings(start_ms, end_ms)),
        })
    }

    /// The series that all matchers pass and that have samples in the range, or close to it.
    pub(crate) fn ids_between(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> RoaringBitmap {
        // What cannot be read is left out, as if it were damaged.
        let Ok(selection) = self.select(matchers, start_ms, end_ms) else {
            return RoaringBitmap::new();
        };
        selection.ids.iter().copied().collect()
    }

    /// The exemplars of the series that all matchers pass, from `start_ms` to `end_ms`; sorted by labels and time.
    pub fn exemplars(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Vec<SeriesExemplars> {
        self.exemplars.read().select(matchers, start_ms, end_ms)
    }
}

/// Where a series' samples in memory end, if some may lie in the range.
fn tail(
    head: &Head,
    id: u32,
    (start_ms, end_ms): (i64, i64),
    histograms: &mut BTreeMap<u32, Vec<HistogramSample>>,
) -> Tail {
    let Some(hot) = head.pages.get(id) else { return Tail::EMPTY };
    if hot.is(HISTOGRAMS)
        && let Some(all) = head.histograms.get(&id)
    {
        let within = |sample: &&HistogramSample| (start_ms..=end_ms).contains(&sample.at_ms);
        histograms.insert(id, all.iter().filter(within).cloned().collect());
    }
    if hot.last_ms >= start_ms { hot.tail() } else { Tail::EMPTY }
}

/// Orders stretches by series, those of one series as they were, and leaves out series that have none.
fn by_series(
    stretches: &[(u32, Stretch)],
    places: &[u32],
    series: usize,
) -> (Vec<Stretch>, Vec<u32>) {
    let place = |at: u32| {
        usize::try_from(places[usize::try_from(at).expect("32 bits fit")]).expect("32 bits fit")
    };
    let mut firsts = vec![0_u32; series + 1];
    for (at, _) in stretches {
        firsts[place(*at) + 1] += 1;
    }
    for at in 0..series {
        firsts[at + 1] += firsts[at];
    }
    let mut next = firsts.clone();
    let nothing = Stretch { part: 0, section: 0, slot: 0 };
    let mut ordered = vec![nothing; stretches.len()];
    for (at, stretch) in stretches {
        let next = &mut next[place(*at)];
        ordered[usize::try_from(*next).expect("32 bits fit")] = *stretch;
        *next += 1;
    }
    (ordered, firsts)
}

fn to_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Selection {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The labels of series `at`.
    pub fn labels(&self, at: usize) -> Labels {
        self.index.labels(self.ids[at]).unwrap_or_default()
    }

    /// Visits the labels of series `at`, sorted by name.
    pub fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.index.visit_labels(self.ids[at], visit);
    }

    /// About how many samples series `at` has in the range; rather more than fewer.
    pub fn samples_hint(&self, at: usize) -> usize {
        usize::try_from(self.hints[at]).unwrap_or(usize::MAX)
    }

    /// Appends the samples of series `at` in the range, in order of time.
    ///
    /// # Errors
    /// When the disk cannot be read. Damage is no error: what is missing is told by [`Selection::warnings`].
    pub fn read(&self, at: usize, into: &mut Points) -> Result<(), ReadError> {
        if into.is_empty() {
            return self.read_fresh(at, into);
        }
        let mut fresh = Points::default();
        self.read_fresh(at, &mut fresh)?;
        append(into, fresh);
        Ok(())
    }

    fn read_fresh(&self, at: usize, into: &mut Points) -> Result<(), ReadError> {
        let id = self.ids[at];
        let (start_ms, end_ms) = self.range;
        let number = |at: usize| usize::try_from(self.firsts[at]).expect("32 bits fit");
        for stretch in &self.stretches[number(at)..number(at + 1)] {
            let before = (into.times.len(), into.histograms.len());
            let part = &self.parts[usize::try_from(stretch.part).expect("32 bits fit")];
            self.read_stretch(part, *stretch, into)
                .map_err(|source| ReadError { path: part.0.path.clone(), source })?;
            for tombstone in self.tombstones.iter().filter(|one| part.0.meta.number <= one.upto) {
                if tombstone.ids.binary_search(&id).is_ok() {
                    cut(into, before, tombstone.start_ms, tombstone.end_ms);
                }
            }
        }
        if let Some(frozen) = &self.frozen {
            frozen.read(id, self.range, into);
        }
        self.slabs.read(self.tails[at], start_ms, end_ms, into);
        if let Some(histograms) = self.histograms.get(&id) {
            into.histograms.extend(histograms.iter().cloned());
        }
        // What is in memory does not say when counting began.
        if !into.starts.is_empty() {
            into.starts.resize(into.times.len(), 0);
        }
        if !into.histogram_starts.is_empty() {
            into.histogram_starts.resize(into.histograms.len(), 0);
        }
        normalise(into);
        Ok(())
    }

    fn read_stretch(
        &self,
        (part, directory): &(Arc<Part>, Arc<Directory>),
        stretch: Stretch,
        into: &mut Points,
    ) -> io::Result<()> {
        let section = directory.section(stretch.section);
        let before = (into.times.len(), into.histograms.len());
        let Some(bytes) = part.section(&self.shared, section)? else {
            self.warn();
            return Ok(());
        };
        let (start_ms, end_ms) = self.range;
        let read = SCRATCH.with_borrow_mut(|(whose, scratch)| {
            let key = (self.shared.store, part.meta.number, section.offset);
            if *whose != key {
                (*whose, *scratch) = (key, Scratch::default());
            }
            Section::open_unchecked_crc(&bytes)
                .and_then(|section| section.read(stretch.slot, start_ms, end_ms, scratch, into))
        });
        if let Err(error) = read {
            crate::merge::truncate(into, before);
            self.damaged(part, section, &error.to_string(), &bytes);
        }
        Ok(())
    }

    fn damaged(&self, part: &Part, section: SectionRef, what: &str, bytes: &[u8]) {
        let lost = (section.samples, section.min_ms, section.max_ms);
        part.damaged(
            &self.shared,
            (section.offset, u64::from(section.bytes)),
            lost,
            what,
            Some(bytes),
        );
        self.warn();
    }

    fn warn(&self) {
        let (start_ms, end_ms) = self.range;
        let (damaged, _) = self.shared.faults.list();
        let here = damaged
            .iter()
            .filter(|one| one.samples > 0 && one.min_ms <= end_ms && one.max_ms >= start_ms);
        self.warnings.lock().extend(here.map(warning));
    }

    /// What is missing from the answer, in words: of parts that were known to be damaged, or were found so while reading.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().iter().cloned().collect()
    }
}

fn append(into: &mut Points, mut fresh: Points) {
    if !into.starts.is_empty() || !fresh.starts.is_empty() {
        into.starts.resize(into.times.len(), 0);
        fresh.starts.resize(fresh.times.len(), 0);
    }
    if !into.histogram_starts.is_empty() || !fresh.histogram_starts.is_empty() {
        into.histogram_starts.resize(into.histograms.len(), 0);
        fresh.histogram_starts.resize(fresh.histograms.len(), 0);
    }
    into.times.append(&mut fresh.times);
    into.values.append(&mut fresh.values);
    into.starts.append(&mut fresh.starts);
    into.histograms.append(&mut fresh.histograms);
    into.histogram_starts.append(&mut fresh.histogram_starts);
}
