//! `relabel_configs` and their kin: lists of rules.

use scrape::{
    name::Scheme,
    pattern::{Pattern, Template},
    relabel::{Action, Rule},
};

use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{shorten, suggestion},
};

const FIELDS: [&str; 7] =
    ["source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action"];

/// The rules of the list `name`; `what` names one of them in an error.
pub(super) fn read(map: Map<'_>, name: &str, scheme: Scheme, what: &str) -> Vec<Rule> {
    let Some(items) = map.optional(name).and_then(Field::list) else { return Vec::new() };
    items.into_iter().filter_map(|item| one(item, scheme, what)).collect()
}

fn one(item: Field<'_>, scheme: Scheme, what: &str) -> Option<Rule> {
    if item.node().is_null() {
        item.error(
            Code::MISSING_FIELD,
            format!("empty or null {what}"),
            "write `action:` and what it needs",
        );
        return None;
    }
    let map = item.map(&FIELDS)?;
    // What is present and null is empty, not the default: that is how Prometheus reads it.
    let text = |name: &str| map.present(name).and_then(Field::text);
    let rule = Rule {
        source: source(map)?,
        separator: text("separator").unwrap_or(Rule::SEPARATOR).into(),
        regex: pattern(map)?,
        modulus: modulus(map)?,
        target: Template::new(text("target_label").unwrap_or_default()),
        replacement: text("replacement").map(Template::new).unwrap_or_default(),
        action: action(map)?,
        scheme,
    };
    match rule.checked() {
        Ok(rule) => Some(rule),
        Err(error) => {
            item.error(Code::RELABEL, error.to_string(), "");
            None
        }
    }
}

fn source(map: Map<'_>) -> Option<Box<[Box<str>]>> {
    let Some(field) = map.optional("source_labels") else { return Some(Box::default()) };
    let mut names = Vec::new();
    for item in field.list()? {
        let name = item.text()?;
        if name.is_empty() {
            item.error(Code::NAME, "`` is not a valid label name", "a name is not empty");
            return None;
        }
        names.push(name.into());
    }
    Some(names.into())
}

fn pattern(map: Map<'_>) -> Option<Pattern> {
    let Some(field) = map.present("regex") else { return Some(Pattern::default()) };
    match Pattern::new(field.text()?) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            field.error(
                Code::PATTERN,
                error.to_string(),
                "write RE2 syntax; it matches the whole value",
            );
            None
        }
    }
}

fn modulus(map: Map<'_>) -> Option<u64> {
    let Some(field) = map.optional("modulus") else { return Some(0) };
    field.integer(0..=i64::MAX).and_then(|modulus| u64::try_from(modulus).ok())
}

fn action(map: Map<'_>) -> Option<Action> {
    let Some(field) = map.present("action") else { return Some(Action::default()) };
    let text = field.text()?;
    let action = Action::parse(text);
    if text.is_empty() {
        field.error(
            Code::RELABEL,
            "relabel action cannot be empty",
            "leave the field out for `replace`",
        );
    } else if action.is_none() {
        let names = Action::ALL.map(Action::as_str);
        let message = format!("unknown relabel action `{}`", shorten(text));
        field.error(Code::RELABEL, message, suggestion(text, &names));
    }
    action
}
