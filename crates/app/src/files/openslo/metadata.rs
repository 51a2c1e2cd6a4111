//! `metadata`: names, labels and annotations as Kubernetes has them.

use model::Labels;

use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{is_dns_label, is_framed, shorten, suggestion},
    yaml::Value,
};

/// Annotations that mean something here.
const OURS: [&str; 2] = [Metadata::ENVIRONMENT, Metadata::OWNER];
const OUR_PREFIX: &str = "evenkeel.dev/";

#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata<'r> {
    pub name: &'r str,
    pub display_name: Option<&'r str>,
    map: Map<'r>,
}

impl<'r> Metadata<'r> {
    /// The environment that an SLO is about.
    pub(super) const ENVIRONMENT: &'static str = "evenkeel.dev/environment";
    /// Who answers for an SLO.
    pub(super) const OWNER: &'static str = "evenkeel.dev/owner";

    pub(super) fn annotation(self, name: &str) -> Option<&'r str> {
        let value = self.map.optional("annotations")?.node().get(name)?.text();
        value.filter(|value| !value.is_empty())
    }

    /// A label with several values has them joined by commas.
    pub(super) fn labels(self) -> Labels {
        let Some(labels) = self.map.optional("labels").and_then(Field::any_map) else {
            return Labels::default();
        };
        Labels::from_pairs(labels.fields().map(|(key, value)| {
            let values: Vec<&str> = match &value.node().value {
                Value::Sequence(items) => items.iter().filter_map(|item| item.text()).collect(),
                Value::Scalar { text, .. } => vec![text],
                Value::Mapping(_) => Vec::new(),
            };
            (key.name(), values.join(","))
        }))
    }
}

/// Checks `metadata`, and returns it if it has a valid name.
pub(super) fn read(map: Map<'_>) -> Option<Metadata<'_>> {
    /// Characters of a display name.
    const DISPLAY_NAME_MAX: usize = 63;
    let fields = ["name", "displayName", "labels", "annotations"];
    let map = map.required("metadata")?.map(&fields)?;
    let name = map.required("name").and_then(Field::dns_label);
    let display_name =
        map.optional("displayName").and_then(|field| field.text_up_to(DISPLAY_NAME_MAX));
    if let Some(labels) = map.optional("labels").and_then(Field::any_map) {
        labels.fields().for_each(|(key, value)| label(key, value));
    }
    if let Some(annotations) = map.optional("annotations").and_then(Field::any_map) {
        annotations.fields().for_each(|(key, value)| annotation(key, value));
    }
    Some(Metadata { name: name?, display_name, map })
}

fn label(key: Field<'_>, value: Field<'_>) {
    if !is_label_key(key.name()) {
        let message = format!("`{}` is not a label's name", shorten(key.name()));
        key.error(Code::NAME, message, KEY_HINT);
    }
    match &value.node().value {
        Value::Sequence(_) => {
            for item in value.list().unwrap_or_default() {
                item.text();
            }
        }
        Value::Scalar { .. } | Value::Mapping(_) => {
            value.text();
        }
    }
}

fn annotation(key: Field<'_>, value: Field<'_>) {
    let text = key.name();
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let prefix_fits =
        prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label));
    if !prefix_fits || !is_label_key(name) {
        let message = format!("`{}` is not an annotation's name", shorten(text));
        let hint =
            "write `name` or `my-domain.org/name`, up to 63 letters, digits, `-`, `_` and `.`";
        key.error(Code::NAME, message, hint);
    } else if text.starts_with(OUR_PREFIX) && !OURS.contains(&text) {
        let message = format!("the annotation `{}` has no effect", shorten(text));
        key.warning(Code::NOT_USED, message, suggestion(text, &OURS));
    }
    value.text();
}

const KEY_HINT: &str =
    "up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";

fn is_label_key(text: &str) -> bool {
    is_framed(text, 63, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}
