//! What series become on their way out: those that nobody wants stay here, labels are added, relabelling has the last word.

use std::sync::Arc;

use model::{Labels, Matcher};
use scrape::{
    LabelSet,
    relabel::{self, Rule},
};

use super::Rewrite;

/// `write_relabel_configs` as they were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelabelRules(pub(crate) Vec<Rule>);

/// Series that pass any of `selectors` (all, without one) get `external` labels where they lack them, and then go through
/// `rules`. `None` when all that would change nothing.
pub fn rewrite(
    selectors: Vec<Vec<Matcher>>,
    external: Labels,
    rules: RelabelRules,
) -> Option<Rewrite> {
    let RelabelRules(rules) = rules;
    if selectors.is_empty() && external.is_empty() && rules.is_empty() {
        return None;
    }
    Some(Arc::new(move |labels| {
        let wanted = |one: &Vec<Matcher>| one.iter().all(|m| m.matches_labels(labels));
        if !selectors.is_empty() && !selectors.iter().any(wanted) {
            return None;
        }
        let labels = if external.is_empty() {
            labels.clone()
        } else {
            Labels::from_pairs(external.iter().chain(labels.iter()))
        };
        if rules.is_empty() {
            return Some(labels);
        }
        let mut set = LabelSet::from(&labels);
        let kept = relabel::apply(&rules, &mut set);
        let labels = set.to_labels();
        (kept && !labels.is_empty()).then_some(labels)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_leaves_and_with_the_labels_it_lacks() {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let selectors = vec![vec![Matcher::equal("job", "a")]];
        let external = labels(&[("cluster", "eu"), ("job", "other")]);
        let rewrite = rewrite(selectors, external, RelabelRules::default()).unwrap();
        let found = rewrite(&labels(&[("__name__", "up"), ("job", "a")]));
        assert_eq!(found, Some(labels(&[("__name__", "up"), ("job", "a"), ("cluster", "eu")])));
        assert_eq!(rewrite(&labels(&[("__name__", "up"), ("job", "b")])), None);
    }

    #[test]
    fn nothing_to_do_is_nothing() {
        assert!(rewrite(Vec::new(), Labels::default(), RelabelRules::default()).is_none());
    }
}
