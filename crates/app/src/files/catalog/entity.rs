//! What all kinds of entities share, and what each `spec` must have.

use super::{Kind, reference, slips};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{is_dns_label, is_framed, shorten, suggestion},
};

/// The kind of an entity; its `apiVersion` must fit it.
pub(super) fn kind<'k>(map: Map<'_>, kinds: &'k [Kind]) -> Option<&'k Kind> {
    let version = map.required("apiVersion");
    let field = map.required("kind")?;
    let text = field.text()?;
    let Some(kind) = kinds.iter().find(|kind| kind.name == text) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        let message = format!("`{}` is not a kind of entity", shorten(text));
        field.error(Code::KIND, message, suggestion(text, &names));
        return None;
    };
    if let Some(version) = version
        && version.text().is_some_and(|text| !kind.versions.contains(&text))
    {
        let message =
            format!("the apiVersion of a {text} is `{}`", version.text().unwrap_or_default());
        version.error(Code::KIND, message, suggestion("", kind.versions));
    }
    Some(kind)
}

const METADATA: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "etag",
    "generation",
    "title",
    "description",
    "labels",
    "annotations",
    "tags",
    "links",
];

/// Checks `metadata`; returns it with the entity's name.
pub(super) fn metadata(map: Map<'_>) -> Option<(Map<'_>, &str)> {
    let map = map.required("metadata")?.any_map()?;
    slips(map, &METADATA);
    let name = map.required("name").and_then(|field| {
        let text = field.filled()?;
        if reference::is_name(text) {
            return Some(text);
        }
        let message = format!("`name` `{}` is not a valid name", shorten(text));
        let hint = "1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        field.error(Code::NAME, message, hint);
        None
    });
    map.optional("namespace").and_then(Field::dns_label);
    for text in ["title", "description", "uid", "etag"] {
        map.optional(text).and_then(Field::text);
    }
    for pairs in ["labels", "annotations"] {
        let pairs_of = map.optional(pairs).and_then(Field::any_map);
        for (key, value) in pairs_of.iter().flat_map(|pairs| pairs.fields()) {
            pair(key, value);
        }
    }
    map.optional("tags").and_then(Field::list).unwrap_or_default().into_iter().for_each(tag);
    links(map);
    Some((map, name?))
}

fn pair(key: Field<'_>, value: Field<'_>) {
    let (prefix, name) = key.name().split_once('/').unwrap_or(("", key.name()));
    let prefix_fits = prefix.is_empty() && !key.name().starts_with('/')
        || prefix.len() <= 253 && prefix.split('.').all(is_dns_label);
    if !prefix_fits || !reference::is_name(name) {
        let message = format!("`{}` is not the name of a label or annotation", shorten(key.name()));
        key.error(Code::NAME, message, "write `name` or `my-domain.org/name`");
    }
    value.text();
}

/// Words of lowercase letters, digits, `+`, `#` and `:`, joined by `-`.
fn tag(item: Field<'_>) {
    let Some(text) = item.filled() else { return };
    let letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+#:".contains(&byte);
    if !is_framed(text, 63, letter, b"-") {
        let message = format!("`{}` is not a tag", shorten(text));
        item.error(
            Code::NAME,
            message,
            "lowercase letters, digits, `+`, `#`, `:` and `-`, up to 63",
        );
    }
}

/// Titles and addresses of `metadata.links`.
pub(super) fn links(metadata: Map<'_>) -> Vec<(Box<str>, Box<str>)> {
    let items = metadata.optional("links").and_then(Field::list).unwrap_or_default();
    let link = |item: Field<'_>| {
        let map = item.any_map()?;
        slips(map, &["url", "title", "icon", "type"]);
        let url = map.required("url").and_then(Field::http_url);
        let title = map.optional("title").and_then(Field::text);
        let url = url?;
        let title = title.map_or_else(|| url.host_str().unwrap_or_default().into(), Box::from);
        Some((title, url.as_str().into()))
    };
    items.into_iter().filter_map(link).collect()
}

/// References in a `spec`, and the kind that each has where none is written.
const REFERENCES: [(&str, &str); 6] = [
    ("owner", "Group"),
    ("system", "System"),
    ("domain", "Domain"),
    ("subcomponentOf", "Component"),
    ("subdomainOf", "Domain"),
    ("parent", "Group"),
];
const REFERENCE_LISTS: [(&str, Option<&str>); 7] = [
    ("dependsOn", None),
    ("dependencyOf", None),
    ("providesApis", Some("API")),
    ("consumesApis", Some("API")),
    ("children", Some("Group")),
    ("members", Some("User")),
    ("memberOf", Some("Group")),
];

pub(super) fn spec(map: Map<'_>, kind: &Kind) {
    let Some(spec) = map.required("spec").and_then(Field::any_map) else { return };
    let known: Vec<&str> = [kind.required, kind.required_lists, kind.optional, kind.lists].concat();
    slips(spec, &known);
    for name in kind.required {
        // An API's definition may be a placeholder: a mapping such as `$text: ./openapi.yaml`.
        if let Some(field) = spec.required(name)
            && !(*name == "definition" && field.node().text().is_none())
        {
            field.filled();
        }
    }
    for name in kind.required_lists {
        spec.required(name).and_then(Field::list);
    }
    for name in kind.lists {
        spec.optional(name).and_then(Field::list);
    }
    for (name, default) in REFERENCES {
        if known.contains(&name)
            && let Some(field) = spec.optional(name).filter(|field| field.node().text() != Some(""))
        {
            reference::read(field, Some(default));
        }
    }
    for (name, default) in REFERENCE_LISTS.into_iter().filter(|(name, _)| known.contains(name)) {
        let Some(field) = spec.optional(name) else { continue };
        // What is no list was reported above.
        if matches!(field.node().value, crate::files::yaml::Value::Sequence(_)) {
            for item in field.list().unwrap_or_default() {
                reference::read(item, default);
            }
        }
    }
}
