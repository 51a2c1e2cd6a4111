//! `inhibit_rules`: checked; muting one alert while another fires comes with silences.

use super::{matcher::fields, route};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
};

pub(super) fn check(map: Map<'_>) {
    for item in map.optional("inhibit_rules").and_then(Field::list).unwrap_or_default() {
        rule(item);
        let message = "`inhibit_rules` have no effect yet: both alerts notify";
        item.warning(Code::NOT_APPLIED, message, "");
    }
}

fn rule(item: Field<'_>) {
    let fields = [
        "name",
        "source_match",
        "source_match_re",
        "source_matchers",
        "target_match",
        "target_match_re",
        "target_matchers",
        "equal",
    ];
    let Some(map) = item.map(&fields) else { return };
    map.optional("name").map(Field::text);
    fields::read(map, ["source_matchers", "source_match", "source_match_re"]);
    fields::read(map, ["target_matchers", "target_match", "target_match_re"]);
    for label in map.optional("equal").and_then(Field::list).unwrap_or_default() {
        route::label_name(label);
    }
}
