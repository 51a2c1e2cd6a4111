//! Which series have which labels: for each name and value, the sorted numbers of the series.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use model::{Label, Labels, MatchOp, Matcher};

pub(crate) type SeriesId = u32;

#[derive(Debug, Default)]
pub(crate) struct Index {
    ids: HashMap<Labels, SeriesId>,
    names: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<SeriesId>>>,
}

impl Index {
    pub(crate) fn id(&self, labels: &Labels) -> Option<SeriesId> {
        self.ids.get(labels).copied()
    }

    /// Notes a series under an id higher than any before; gives its labels back with shared strings.
    pub(crate) fn add(&mut self, labels: &Labels, id: SeriesId) -> Labels {
        let shared = labels.as_slice().iter().map(|label| self.post(label, id)).collect::<Vec<_>>();
        let shared = Labels::from_pairs(shared);
        self.ids.insert(shared.clone(), id);
        shared
    }

    fn post(&mut self, label: &Label, id: SeriesId) -> (Arc<str>, Arc<str>) {
        let name = match self.names.get_key_value(&label.name) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::clone(&label.name),
        };
        let values = self.names.entry(Arc::clone(&name)).or_default();
        let value = match values.get_key_value(&label.value) {
            Some((value, _)) => Arc::clone(value),
            None => Arc::clone(&label.value),
        };
        values.entry(Arc::clone(&value)).or_default().push(id);
        (name, value)
    }

    pub(crate) fn remove(&mut self, labels: &Labels, id: SeriesId) {
        self.ids.remove(labels);
        for label in labels.as_slice() {
            let Some(values) = self.names.get_mut(&label.name) else { continue };
            if let Some(ids) = values.get_mut(&label.value) {
                if let Ok(at) = ids.binary_search(&id) {
                    ids.remove(at);
                }
                if ids.is_empty() {
                    values.remove(&label.value);
                }
            }
            if values.is_empty() {
                self.names.remove(&label.name);
            }
        }
    }

    /// The ids of the series with this label, sorted.
    pub(crate) fn with(&self, name: &str, value: &str) -> &[SeriesId] {
        self.names.get(name).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }

    /// How many values each name has.
    pub(crate) fn cardinalities(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.names.iter().map(|(name, values)| (name, values.len()))
    }

    /// The ids of the series that all matchers which ask for a label pass, sorted; `None` when no matcher does.
    ///
    /// A matcher that an absent label passes (`a=""`, `a!="x"`) asks for nothing, and is left to the caller.
    pub(crate) fn candidates(&self, matchers: &[Matcher]) -> Option<Vec<SeriesId>> {
        let mut asking: Vec<&Matcher> =
            matchers.iter().filter(|matcher| !matcher.matches("")).collect();
        // Equality first: it is cheap and leaves little.
        asking.sort_by_key(|matcher| matcher.op() != MatchOp::Equal);
        let mut found: Option<Vec<SeriesId>> = None;
        for matcher in asking {
            let mut ids = match found.as_ref() {
                Some(found) if found.is_empty() => return Some(Vec::new()),
                Some(_) | None => self.passing(matcher),
            };
            if let Some(found) = found {
                ids.retain(|id| found.binary_search(id).is_ok());
            }
            found = Some(ids);
        }
        found
    }

    fn passing(&self, matcher: &Matcher) -> Vec<SeriesId> {
        if matcher.op() == MatchOp::Equal {
            return self.with(matcher.name(), matcher.value()).to_vec();
        }
        let Some(values) = self.names.get(matcher.name()) else { return Vec::new() };
        let mut ids: Vec<SeriesId> = values
            .iter()
            .filter(|(value, _)| matcher.matches(value))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels() -> impl Strategy<Value = Labels> {
        prop::collection::vec(("[abc]", "[xyz]"), 0..4).prop_map(Labels::from_pairs)
    }

    fn matchers() -> impl Strategy<Value = Vec<Matcher>> {
        let ops = prop::sample::select(vec![
            MatchOp::Equal,
            MatchOp::NotEqual,
            MatchOp::Regex,
            MatchOp::NotRegex,
        ]);
        let values = prop::sample::select(vec!["x", "", "x|y", ".*", ".+", "[yz]"]);
        let matcher = ("[abcd]", ops, values)
            .prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap());
        prop::collection::vec(matcher, 0..4)
    }

    proptest! {
        #[test]
        fn candidates_with_the_rest_checked_are_what_matches(
            all in prop::collection::btree_set(labels(), 0..20),
            gone in prop::collection::vec(any::<bool>(), 20),
            matchers in matchers(),
        ) {
            let mut index = Index::default();
            let mut kept = BTreeMap::new();
            for (id, labels) in (0..).zip(&all) {
                prop_assert_eq!(&index.add(labels, id), labels);
                kept.insert(id, labels.clone());
            }
            for (id, labels) in (0..).zip(&all) {
                if gone[usize::try_from(id).unwrap()] {
                    index.remove(labels, id);
                    kept.remove(&id);
                }
            }
            let matches = |id: &SeriesId| {
                matchers.iter().all(|matcher| matcher.matches_labels(&kept[id]))
            };
            let expected: Vec<SeriesId> = kept.keys().copied().filter(|id| matches(id)).collect();
            let candidates =
                index.candidates(&matchers).unwrap_or_else(|| kept.keys().copied().collect());
            let found: Vec<SeriesId> = candidates.into_iter().filter(|id| matches(id)).collect();
            prop_assert_eq!(found, expected);
            for (id, labels) in &kept {
                prop_assert_eq!(index.id(labels), Some(*id));
            }
        }
    }
}
