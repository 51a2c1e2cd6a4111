//! Which group a series belongs to.

use model::Labels;

use super::totals::Totals;
use crate::{
    ast::{Aggregate, AggregateOp},
    eval::{
        EvalError,
        hash::{Signature, SignatureMap},
        item::Id,
    },
};

/// `by` or `without` some labels.
pub(super) struct Grouper<'a> {
    without: bool,
    labels: Vec<&'a str>,
}

impl<'a> Grouper<'a> {
    pub(super) fn new(aggregate: &'a Aggregate) -> Self {
        let grouping = aggregate.grouping.as_ref();
        let mut labels: Vec<&str> =
            grouping.map_or_else(Vec::new, |one| one.labels.iter().map(|label| &**label).collect());
        labels.sort_unstable();
        labels.dedup();
        Self { without: grouping.is_some_and(|one| one.without), labels }
    }

    /// As this, with one label more to group by.
    pub(super) fn with(mut self, label: &'a str) -> Self {
        if !self.without && !self.labels.contains(&label) {
            self.labels.push(label);
        }
        self
    }

    /// Whether a label tells groups apart.
    pub(super) fn keeps(&self, name: &str) -> bool {
        let named = self.labels.contains(&name);
        if self.without { !named && name != Labels::METRIC_NAME } else { named }
    }

    /// Whether groups may have names.
    pub(super) fn keeps_names(&self) -> bool {
        self.keeps(Labels::METRIC_NAME)
    }

    /// The group of a series.
    pub(super) fn signature(&self, id: &Id<'_>) -> Signature {
        if !self.without && self.labels.is_empty() {
            return 0;
        }
        id.signature(|name| self.keeps(name))
    }

    /// The labels of a series' group.
    pub(super) fn labels(&self, id: &Id<'_>) -> Labels {
        let mut pairs: Vec<(String, String)> = Vec::new();
        if self.without || !self.labels.is_empty() {
            id.visit(&mut |name, value| {
                if self.keeps(name) {
                    pairs.push((name.to_owned(), value.to_owned()));
                }
            });
        }
        Labels::from_pairs(pairs)
    }
}

struct Group {
    signature: Signature,
    labels: Labels,
    drop_name: bool,
    totals: Totals,
}

/// Groups in the order in which they were met.
#[derive(Default)]
pub(super) struct Grouped {
    by_signature: SignatureMap<usize>,
    groups: Vec<Group>,
}

impl Grouped {
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The totals of a series' group.
    pub(super) fn at(
        &mut self,
        grouper: &Grouper<'_>,
        id: &Id<'_>,
        drop_name: bool,
        new: impl FnOnce() -> Result<Totals, EvalError>,
    ) -> Result<&mut Totals, EvalError> {
        let signature = grouper.signature(id);
        let at = match self.by_signature.get(&signature) {
            Some(at) => *at,
            None => {
                let totals = new()?;
                self.by_signature.insert(signature, self.groups.len());
                let labels = grouper.labels(id);
                self.groups.push(Group { signature, labels, drop_name: false, totals });
                self.groups.len() - 1
            }
        };
        let group = &mut self.groups[at];
        group.drop_name |= drop_name;
        Ok(&mut group.totals)
    }

    /// Adds what was found among later series.
    pub(super) fn join(&mut self, op: AggregateOp, other: Self) {
        for group in other.groups {
            match self.by_signature.get(&group.signature) {
                Some(at) => {
                    let ours = &mut self.groups[*at];
                    ours.drop_name |= group.drop_name;
                    ours.totals.join(op, group.totals);
                }
                None => {
                    self.by_signature.insert(group.signature, self.groups.len());
                    self.groups.push(group);
                }
            }
        }
    }

    /// All groups: their labels, whether their names are to be removed, and their totals.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (Labels, bool, Totals)> {
        let groups = std::mem::take(&mut self.groups);
        groups.into_iter().map(|group| (group.labels, group.drop_name, group.totals))
    }
}
