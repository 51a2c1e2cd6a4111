//! Single values: sizes, names, protocols, labels, variables, paths.

use scrape::{
    Protocol,
    name::{Escaping, Scheme},
};

use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{alternatives, shorten},
};

/// A size such as `15MB`; units are powers of 1024, with or without the `i`.
pub(super) fn bytes(field: Field<'_>) -> Option<u64> {
    let text = field.text()?;
    if text.is_empty() {
        return Some(0);
    }
    let size = parse_bytes(text);
    if size.is_none() {
        let message = format!("`{}` is `{}`, which is not a size", field.name(), shorten(text));
        field.error(
            Code::OUT_OF_RANGE,
            message,
            "write a number with its unit, such as `10MB` or `512KiB`",
        );
    }
    size
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be within the range"
)]
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) =
            rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let power = ["B", "K", "M", "G", "T", "P", "E"].iter().position(|prefix| {
            unit == *prefix && *prefix == "B"
                || *prefix != "B"
                    && unit.strip_prefix(prefix).is_some_and(|rest| matches!(rest, "B" | "iB"))
        })?;
        total += number.parse::<f64>().ok()? * 1024f64.powi(i32::try_from(power).ok()?);
        rest = tail;
    }
    (total <= 9.2e18).then_some(total as u64)
}

pub(super) fn scheme(field: Field<'_>) -> Option<Scheme> {
    let text = field.text()?;
    if text.is_empty() {
        return None;
    }
    field.choice(&[("utf8", Scheme::Utf8), ("legacy", Scheme::Legacy)])
}

pub(super) fn escaping(field: Field<'_>) -> Option<Escaping> {
    let text = field.text()?;
    if text.is_empty() {
        return None;
    }
    field.choice(&[
        ("allow-utf-8", Escaping::AllowUtf8),
        ("underscores", Escaping::Underscores),
        ("dots", Escaping::Dots),
        ("values", Escaping::Values),
    ])
}

/// Reports names in UTF-8 that are asked for and then refused.
pub(super) fn check_escaping(field: Field<'_>, scheme: Scheme, escaping: Escaping) {
    if scheme == Scheme::Legacy && escaping == Escaping::AllowUtf8 {
        let message = "utf8 metric names requested but validation scheme is not set to UTF8";
        field.error(
            Code::EXCLUSIVE,
            message,
            "write `underscores`, or `metric_name_validation_scheme: utf8`",
        );
    }
}

pub(super) fn protocol(field: Field<'_>) -> Option<Protocol> {
    let text = field.text()?;
    let found = Protocol::ALL.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let names = alternatives(Protocol::ALL.iter().map(|(name, _)| *name));
        let message = format!("unknown scrape protocol `{}`", shorten(text));
        field.error(Code::NOT_ALLOWED, message, format!("supported: {names}"));
    }
    found.map(|(_, protocol)| *protocol)
}

/// Protocols, each once and at least one.
pub(super) fn protocols(field: Field<'_>) -> Option<Vec<Protocol>> {
    let items = field.list()?;
    let mut protocols = Vec::new();
    for item in &items {
        let Some(protocol) = protocol(*item) else { continue };
        if protocols.contains(&protocol) {
            let message = format!("duplicated protocol in `{}`", field.name());
            item.error(Code::DUPLICATE_NAME, message, "keep one of them");
        }
        protocols.push(protocol);
    }
    if items.is_empty() {
        let message = format!("`{}` is empty", field.name());
        field.error(
            Code::MISSING_FIELD,
            message,
            "name at least one protocol, or leave the field out",
        );
    }
    Some(protocols)
}

/// Names and values of the mapping `name`, each name a label's.
pub(super) fn label_pairs(map: Map<'_>, name: &str) -> Vec<(String, String)> {
    let Some(labels) = map.optional(name).and_then(Field::any_map) else { return Vec::new() };
    let mut pairs = Vec::new();
    for (name, value) in labels.fields() {
        let Some(text) = value.text() else { continue };
        if name.name().is_empty() {
            name.error(Code::NAME, "`` is not a valid label name", "a name is not empty");
            continue;
        }
        pairs.push((name.name().to_owned(), text.to_owned()));
    }
    pairs
}

/// The text with `$NAME` and `${NAME}` replaced by variables of the environment; `$$` is a `$`.
pub(super) fn expanded(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, tail) = if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            ("", tail)
        } else if let Some((name, tail)) =
            after.strip_prefix('{').and_then(|inner| inner.split_once('}'))
        {
            (name, tail)
        } else {
            let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
            if name.is_empty() {
                out.push('$');
            }
            (name, tail)
        };
        if !name.is_empty() {
            out.push_str(&variable(name).unwrap_or_default());
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A pattern of `scrape_config_files` or `rule_files`: `*` in the last part of the path alone.
pub(super) fn is_include_pattern(text: &str) -> bool {
    text.split_once('*').is_none_or(|(_, after)| !after.contains('/'))
}

/// A pattern of `file_sd_configs`: as above, and a name of JSON or YAML.
pub(super) fn is_file_sd_pattern(text: &str) -> bool {
    let known = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"];
    is_include_pattern(text) && known.iter().any(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let check = |text: &str| parse_bytes(text);
        assert_eq!(check("15MB"), Some(15 << 20));
        assert_eq!(check("15MiB"), Some(15 << 20));
        assert_eq!(check("1.5KB"), Some(1536));
        assert_eq!(check("1KB1B"), Some(1025));
        assert_eq!(check("0"), Some(0));
        for bad in ["100", "MB", "-1GB", "1XB", "1K", "1 MB", "99999999EB"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn variables_are_replaced() {
        let check = |text: &str| expanded(text, &|name| (name == "TEST").then(|| "v".to_owned()));
        assert_eq!(
            check("${TEST} $TEST foo${TEST}bar $$TEST $${TEST} $NONE. $-"),
            "v v foovbar $TEST ${TEST} . $-"
        );
    }

    #[test]
    fn stars_stand_in_the_last_part() {
        assert!(is_include_pattern("a/b*.yml") && is_include_pattern("a"));
        assert!(!is_include_pattern("a/*/b"));
        assert!(is_file_sd_pattern("foo/*.slow.json") && !is_file_sd_pattern("foo/*.txt"));
        assert!(!is_file_sd_pattern("*/x.json"));
    }
}
