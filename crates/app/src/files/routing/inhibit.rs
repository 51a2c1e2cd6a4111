//! `inhibit_rules`: which alerts are muted while another fires.

use model::Matcher;

use super::{matcher::fields, route};
use crate::files::reader::{Field, Map};

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inhibition {
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    pub equal: Vec<Box<str>>,
}

pub(super) fn read(map: Map<'_>) -> Vec<Inhibition> {
    let items = map.optional("inhibit_rules").and_then(Field::list).unwrap_or_default();
    items.into_iter().filter_map(rule).collect()
}

fn rule(item: Field<'_>) -> Option<Inhibition> {
    let map = item.map(&[
        "name",
        "source_match",
        "source_match_re",
        "source_matchers",
        "target_match",
        "target_match_re",
        "target_matchers",
        "equal",
    ])?;
    map.optional("name").and_then(Field::text);
    let equal = map.optional("equal").and_then(Field::list).unwrap_or_default();
    Some(Inhibition {
        source: fields::read(map, ["source_matchers", "source_match", "source_match_re"]),
        target: fields::read(map, ["target_matchers", "target_match", "target_match_re"]),
        equal: equal.into_iter().filter_map(route::label_name).collect(),
    })
}
