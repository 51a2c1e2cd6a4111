//! Series on their way through an expression: labels that are not built before they are needed, and cells.

use std::sync::Arc;

use model::{Labels, Points};

use super::{
    SeriesSet, SourceError,
    cells::Cells,
    hash::{LabelHasher, Signature, SignatureMap},
};

/// Whether a label says what a metric is: its name, type and unit, which an operation on its values removes.
#[inline]
pub(super) fn is_metadata(name: &str) -> bool {
    matches!(name, "__name__" | "__type__" | "__unit__")
}

/// Series that were selected from the source.
pub(super) struct Selected<'s> {
    pub(super) set: Box<dyn SeriesSet + 's>,
    /// The name that all series have, where the selector asks for one.
    pub(super) name: Option<Box<str>>,
    /// Samples that were read already, of a selector that stands in the expression more than once.
    pub(super) read: Vec<std::sync::OnceLock<Points>>,
}

impl Selected<'_> {
    /// The samples of series `at`, in `scratch` or where they are kept; and how many of them were read for this.
    pub(super) fn points<'p>(
        &'p self,
        at: usize,
        scratch: &'p mut Points,
    ) -> Result<(&'p Points, usize), SourceError> {
        let Some(kept) = self.read.get(at) else {
            scratch.clear();
            self.set.read(at, scratch)?;
            let read = scratch.len();
            return Ok((scratch, read));
        };
        if let Some(points) = kept.get() {
            return Ok((points, 0));
        }
        let mut points = Points::default();
        self.set.read(at, &mut points)?;
        let read = points.len();
        Ok((kept.get_or_init(|| points), read))
    }
}

/// The labels of a series.
#[derive(Clone)]
pub(super) enum Id<'s> {
    Own(Labels),
    /// As they are in the source; `bare`: without those that say what the metric is.
    Of {
        set: Arc<Selected<'s>>,
        at: usize,
        bare: bool,
    },
}

impl Id<'_> {
    /// Shows all labels, sorted by name.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&str, &str)) {
        match self {
            Self::Own(labels) => labels.iter().for_each(|(name, value)| visit(name, value)),
            Self::Of { set, at, bare: false } => set.set.visit_labels(*at, visit),
            Self::Of { set, at, bare: true } => set.set.visit_labels(*at, &mut |name, value| {
                if !is_metadata(name) {
                    visit(name, value);
                }
            }),
        }
    }

    /// All labels.
    pub(super) fn labels(&self) -> Labels {
        match self {
            Self::Own(labels) => labels.clone(),
            Self::Of { set, at, bare } => {
                let labels = set.set.labels(*at);
                if *bare { labels.filtered(|name| !is_metadata(name)) } else { labels }
            }
        }
    }

    /// The value of a label, `""` where there is none.
    pub(super) fn get(&self, name: &str) -> String {
        let mut out = String::new();
        self.visit(&mut |found, value| {
            if found == name {
                out.push_str(value);
            }
        });
        out
    }

    /// The metric's name, `""` where it has none.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Of { bare: true, .. } => String::new(),
            Self::Of { set, .. } if set.name.is_some() => {
                set.name.as_deref().unwrap_or_default().to_owned()
            }
            Self::Own(_) | Self::Of { .. } => self.get(Labels::METRIC_NAME),
        }
    }

    /// A hash of the labels that `keep` wants.
    pub(super) fn signature(&self, mut keep: impl FnMut(&str) -> bool) -> Signature {
        let mut hasher = LabelHasher::new();
        self.visit(&mut |name, value| {
            if keep(name) {
                hasher.label(name, value);
            }
        });
        hasher.finish()
    }

    /// Without those labels that say what the metric is.
    pub(super) fn bare(self) -> Self {
        match self {
            Self::Own(labels) if labels.iter().any(|(name, _)| is_metadata(name)) => {
                Self::Own(labels.filtered(|name| !is_metadata(name)))
            }
            Self::Own(labels) => Self::Own(labels),
            Self::Of { set, at, .. } => Self::Of { set, at, bare: true },
        }
    }
}

/// A series with its values.
#[derive(Clone)]
pub(super) struct Item<'s> {
    pub(super) id: Id<'s>,
    pub(super) cells: Cells,
    /// Its name is to be removed at the end of the query.
    pub(super) drop_name: bool,
}

/// An instant vector at all steps.
#[derive(Clone, Default)]
pub(super) struct Items<'s> {
    pub(super) list: Vec<Item<'s>>,
    /// The order means something.
    pub(super) ordered: bool,
    /// All series have the same name, or none: they differ in their other labels.
    pub(super) one_name: bool,
}

/// Two series have the same labels, and values at the same step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SameLabels;

impl SameLabels {
    pub(super) const TEXT: &'static str = "vector cannot contain metrics with the same labelset";
}

impl<'s> Items<'s> {
    pub(super) fn new(list: Vec<Item<'s>>) -> Self {
        Self { list, ordered: false, one_name: false }
    }

    /// Puts the series into the order of their labels, unless theirs means something.
    pub(super) fn arrange(&mut self) {
        if !self.ordered {
            self.list.sort_by_cached_key(|item| item.id.labels());
        }
    }

    /// Removes what says what the metrics are: now, or at the end when `delayed`.
    pub(super) fn drop_names(&mut self, delayed: bool) {
        for item in &mut self.list {
            if delayed {
                item.drop_name = true;
            } else {
                let id = std::mem::replace(&mut item.id, Id::Own(Labels::default()));
                item.id = id.bare();
            }
        }
    }

    /// Joins series that have the same labels.
    pub(super) fn merge_same(&mut self) -> Result<(), SameLabels> {
        if self.list.len() < 2 {
            return Ok(());
        }
        let mut first: SignatureMap<usize> = SignatureMap::default();
        first.reserve(self.list.len());
        let mut target = Vec::with_capacity(self.list.len());
        let mut same = false;
        for (at, item) in self.list.iter().enumerate() {
            let to = *first.entry(item.id.signature(|_| true)).or_insert(at);
            same |= to != at;
            target.push(to);
        }
        if !same {
            return Ok(());
        }
        for (at, to) in target.iter().enumerate().filter(|(at, to)| at != *to) {
            let cells = std::mem::take(&mut self.list[at].cells);
            let into = &mut self.list[*to].cells;
            for step in 0..cells.len() {
                if !cells.has(step) {
                    continue;
                }
                if into.has(step) {
                    return Err(SameLabels);
                }
                into.take(step, &cells);
            }
        }
        let mut at = 0;
        self.list.retain(|_| {
            at += 1;
            target[at - 1] == at - 1
        });
        Ok(())
    }

    /// Bytes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let labels = |id: &Id<'_>| match id {
            Id::Own(labels) => labels.iter().map(|(name, value)| name.len() + value.len()).sum(),
            Id::Of { .. } => 0,
        };
        self.list.iter().map(|item| ITEM_BYTES + labels(&item.id) + item.cells.bytes()).sum()
    }
}

/// What a series takes besides its cells, roughly.
pub(super) const ITEM_BYTES: usize = 160;
