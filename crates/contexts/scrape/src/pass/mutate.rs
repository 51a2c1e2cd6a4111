//! A sample's labels: the target's are added, a clash is resolved, metric relabelling is applied.

use super::Rules;
use crate::{LabelSet, relabel};

/// What the exposed label is called when the target's own takes its name.
const EXPORTED: &str = "exported_";

/// The labels that are stored; `None` when relabelling dropped the sample.
pub(super) fn sample(mut labels: LabelSet, rules: &Rules) -> Option<LabelSet> {
    if rules.honor_labels {
        for (name, value) in rules.target.iter() {
            labels.set_default(name, value);
        }
    } else {
        let mut clashing: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in rules.target.iter() {
            let exposed = labels.get(name);
            if !exposed.is_empty() {
                clashing.push((name.into(), exposed.into()));
            }
            labels.set(name, value);
        }
        // The shortest first, so that `a` gets `exported_a` before a target's `exported_a` does.
        clashing.sort_by_key(|(name, _)| name.len());
        for (name, value) in clashing {
            let mut free = format!("{EXPORTED}{name}");
            while labels.has(&free) {
                free.insert_str(0, EXPORTED);
            }
            labels.set(&free, &value);
        }
    }
    (relabel::apply(&rules.relabel, &mut labels) && !labels.is_empty()).then_some(labels)
}
