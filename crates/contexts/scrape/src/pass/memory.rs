//! What is remembered of a target from scrape to scrape.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use model::{
    Histogram, HistogramSample, HistogramSeries, Labels, Metadata, MetricKind, Sample, Series,
};

use super::Scraped;

/// What a key led to.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// Relabelling dropped it.
    Dropped,
    /// Ingest does not take it.
    Refused,
    Kept(Labels),
}

/// Whether a series owes a staleness marker when it is gone, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    No,
    Float,
    Histogram,
}

#[derive(Debug)]
struct Entry {
    key: Arc<[u8]>,
    state: State,
    /// The pass that saw it last.
    seen: u64,
    /// Whether a whole pass had it.
    stored: bool,
    /// By the last whole pass.
    live: Live,
    /// By the pass `tracked`.
    next: Live,
    tracked: u64,
}

#[derive(Debug)]
struct Described {
    metadata: Metadata,
    seen: u64,
    changed: bool,
}

/// The series and families of one target.
#[derive(Debug, Default)]
pub struct Memory {
    /// In the order of the exposition that brought them, which is the order in which they come again.
    entries: Vec<Entry>,
    index: HashMap<Arc<[u8]>, usize>,
    /// Where the next key is expected.
    cursor: usize,
    pass: u64,
    /// Texts that many series share.
    texts: HashSet<Arc<str>>,
    metadata: BTreeMap<Box<str>, Described>,
    /// What was live when the labels were forgotten.
    owed: BTreeMap<Labels, Live>,
}

impl Memory {
    /// Families of one target that are described; more are not.
    pub const FAMILIES_MAX: usize = 20_000;
    /// Bytes of one family's name, help or unit that are kept.
    pub const TEXT_BYTES_MAX: usize = 4 << 10;
    /// Series of failed scrapes that are remembered beyond twice those of the last good one.
    const UNSTORED_MAX: usize = 1000;

    /// How many series are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the families said of themselves in the last whole scrape, in the order of their names.
    pub fn metadata(&self) -> impl Iterator<Item = &Metadata> {
        self.metadata.values().map(|described| &described.metadata)
    }

    /// Forgets what keys led to, as their labels are made by other rules now. Series that the next whole scrape does not have again
    /// get their staleness markers then.
    pub fn forget_labels(&mut self) {
        for entry in std::mem::take(&mut self.entries) {
            if let (State::Kept(labels), Live::Float | Live::Histogram) = (entry.state, entry.live)
            {
                self.owed.insert(labels, entry.live);
            }
        }
        self.index.clear();
        self.texts.clear();
    }

    /// Staleness markers for all that is live: the target is gone.
    pub fn retire(&mut self, at_ms: i64) -> Scraped {
        let mut out = Scraped::default();
        self.abandon(at_ms, &mut out);
        out
    }

    pub(super) fn begin(&mut self) {
        self.pass += 1;
        self.cursor = 0;
    }

    pub(super) fn find(&mut self, key: &[u8]) -> Option<usize> {
        let at = match self.entries.get(self.cursor) {
            Some(entry) if *entry.key == *key => self.cursor,
            _ => *self.index.get(key)?,
        };
        self.cursor = at + 1;
        Some(at)
    }

    pub(super) fn insert(&mut self, key: &[u8], state: State) -> usize {
        let key: Arc<[u8]> = key.into();
        let at = self.entries.len();
        self.index.insert(Arc::clone(&key), at);
        let (live, next) = (Live::No, Live::No);
        self.entries.push(Entry { key, state, seen: 0, stored: false, live, next, tracked: 0 });
        at
    }

    pub(super) fn is_new(&self, at: usize) -> bool {
        !self.entries[at].stored
    }

    /// Marks it as seen; whether it was already in this pass.
    pub(super) fn see(&mut self, at: usize) -> bool {
        let entry = &mut self.entries[at];
        let seen = entry.seen == self.pass;
        entry.seen = self.pass;
        seen
    }

    pub(super) fn state(&self, at: usize) -> &State {
        &self.entries[at].state
    }

    /// Kept apart until the pass is whole: what was live before must get its marker if this one fails.
    pub(super) fn track(&mut self, at: usize, live: Live) {
        let entry = &mut self.entries[at];
        (entry.next, entry.tracked) = (live, self.pass);
    }

    /// The pass was whole: what was live and has no sample now gets a marker, what was not seen is forgotten.
    pub(super) fn commit(&mut self, at_ms: i64, out: &mut Scraped) {
        let pass = self.pass;
        let mut owed = std::mem::take(&mut self.owed);
        for entry in &mut self.entries {
            if entry.tracked == pass {
                entry.live = entry.next;
                if let (State::Kept(labels), false) = (&entry.state, owed.is_empty()) {
                    owed.remove(labels);
                }
            } else {
                mark(entry, at_ms, out);
            }
            entry.stored |= entry.seen == pass;
        }
        owed.into_iter().for_each(|(labels, live)| push_marker(labels, live, at_ms, out));
        if self.entries.iter().any(|entry| entry.seen != pass) {
            self.entries.retain(|entry| entry.seen == pass);
            self.reindex();
        }
        self.metadata.retain(|_, described| described.seen == pass);
    }

    /// The pass failed: all that was live before it gets a marker.
    pub(super) fn abandon(&mut self, at_ms: i64, out: &mut Scraped) {
        for entry in &mut self.entries {
            mark(entry, at_ms, out);
        }
        let owed = std::mem::take(&mut self.owed);
        owed.into_iter().for_each(|(labels, live)| push_marker(labels, live, at_ms, out));
        // A target whose every scrape fails with other names must not fill the memory.
        let stored = self.entries.iter().filter(|entry| entry.stored).count();
        if self.entries.len() > 2 * stored + Self::UNSTORED_MAX {
            self.entries.retain(|entry| entry.stored);
            self.reindex();
        }
    }

    /// The same labels in texts that other series have too.
    pub(super) fn interned(&mut self, labels: &Labels) -> Labels {
        let texts = &mut self.texts;
        let mut intern = |text: &str| match texts.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = text.into();
                texts.insert(Arc::clone(&new));
                new
            }
        };
        Labels::from_pairs(
            labels.iter().map(|(name, value)| (intern(name), intern(value))).collect::<Vec<_>>(),
        )
    }

    pub(super) fn describe(&mut self, family: &str, change: impl FnOnce(&mut Metadata) -> bool) {
        let pass = self.pass;
        let family = cut(family);
        if let Some(described) = self.metadata.get_mut(family) {
            described.seen = pass;
            described.changed |= change(&mut described.metadata);
        } else if self.metadata.len() < Self::FAMILIES_MAX {
            let mut metadata = Metadata {
                family: family.into(),
                kind: MetricKind::Unknown,
                help: "".into(),
                unit: "".into(),
            };
            change(&mut metadata);
            self.metadata.insert(family.into(), Described { metadata, seen: pass, changed: true });
        }
    }

    /// What is new since this was last asked.
    pub(super) fn changed_metadata(&mut self) -> Vec<Metadata> {
        let changed = self.metadata.values_mut().filter(|described| described.changed);
        changed
            .map(|described| {
                described.changed = false;
                described.metadata.clone()
            })
            .collect()
    }

    fn reindex(&mut self) {
        self.index.clear();
        self.index.extend(
            self.entries.iter().enumerate().map(|(at, entry)| (Arc::clone(&entry.key), at)),
        );
        self.texts.retain(|text| Arc::strong_count(text) > 1);
    }
}

/// The text within the limit.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(Memory::TEXT_BYTES_MAX)).unwrap_or(text)
}

/// Writes the marker that a live series owes.
fn mark(entry: &mut Entry, at_ms: i64, out: &mut Scraped) {
    if let State::Kept(labels) = &entry.state
        && entry.live != Live::No
    {
        push_marker(labels.clone(), entry.live, at_ms, out);
    }
    entry.live = Live::No;
}

fn push_marker(labels: Labels, live: Live, at_ms: i64, out: &mut Scraped) {
    match live {
        Live::No => {}
        Live::Float => {
            let value = f64::from_bits(Sample::STALE);
            out.series.push(Series { labels, samples: vec![Sample { at_ms, value }] });
        }
        Live::Histogram => {
            let histogram = Arc::new(Histogram::stale());
            out.histograms.push(HistogramSeries {
                labels,
                samples: vec![HistogramSample { at_ms, histogram }],
            });
        }
    }
}
