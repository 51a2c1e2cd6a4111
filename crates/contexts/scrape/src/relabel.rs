//! Relabelling: rules that change, keep or drop a set of labels.
//!
//! Source: Prometheus' documentation of `relabel_config`; the actions, their defaults and what each needs are its.

mod rule;

use md5::{Digest, Md5};

pub use rule::{Action, Rule, RuleError};

use crate::LabelSet;

/// Applies the rules in order. `false`: the target or sample is dropped, and what is left in `labels` means nothing.
pub fn apply(rules: &[Rule], labels: &mut LabelSet) -> bool {
    rules.iter().all(|rule| apply_one(rule, labels))
}

/// What each rule makes of what those before it left: `None` from the rule on that drops it.
pub fn steps(rules: &[Rule], labels: &LabelSet) -> Vec<Option<LabelSet>> {
    let mut now = Some(labels.clone());
    let one = |rule: &Rule| {
        if let Some(labels) = &mut now
            && !apply_one(rule, labels)
        {
            now = None;
        }
        now.clone()
    };
    rules.iter().map(one).collect()
}

fn apply_one(rule: &Rule, labels: &mut LabelSet) -> bool {
    let value = source(rule, labels);
    match rule.action {
        Action::Keep => return rule.regex.is_match(&value),
        Action::Drop => return !rule.regex.is_match(&value),
        Action::KeepEqual => return labels.get(rule.target.text()) == value,
        Action::DropEqual => return labels.get(rule.target.text()) != value,
        Action::Replace => replace(rule, &value, labels),
        Action::Lowercase => labels.set(rule.target.text(), &mapped(&value, char::to_lowercase)),
        Action::Uppercase => labels.set(rule.target.text(), &mapped(&value, char::to_uppercase)),
        Action::HashMod => {
            labels.set(rule.target.text(), &hash_mod(&value, rule.modulus).to_string())
        }
        Action::LabelMap => map(rule, labels),
        Action::LabelDrop => labels.retain(|name| !rule.regex.is_match(name)),
        Action::LabelKeep => labels.retain(|name| rule.regex.is_match(name)),
    }
    true
}

/// The values of the source labels, with the separator between them.
fn source(rule: &Rule, labels: &LabelSet) -> String {
    let mut value = String::new();
    for (at, name) in rule.source.iter().enumerate() {
        if at > 0 {
            value.push_str(&rule.separator);
        }
        value.push_str(labels.get(name));
    }
    value
}

fn replace(rule: &Rule, value: &str, labels: &mut LabelSet) {
    let Some(captures) = rule.regex.captures(value) else { return };
    let target = rule.target.expand(&captures);
    if rule.scheme.is_label_name(&target) {
        labels.set(&target, &rule.replacement.expand(&captures));
    }
}

/// The last 8 bytes of the MD5 sum as a number, modulo `modulus`: what Prometheus has done since its first release.
fn hash_mod(value: &str, modulus: u64) -> u64 {
    let digest = Md5::digest(value.as_bytes());
    let tail: [u8; 8] = digest.get(8..16).and_then(|tail| tail.try_into().ok()).unwrap_or_default();
    u64::from_be_bytes(tail).checked_rem(modulus).unwrap_or(0)
}

/// Each character by itself, as Go does: one that would become several stays (`ß`), but for the dotted `İ`.
fn mapped<I: Iterator<Item = char>>(value: &str, case: impl Fn(char) -> I) -> String {
    let one = |c: char| {
        let mut to = case(c);
        match (to.next(), to.next()) {
            (Some(only), None) => only,
            (Some(first), Some(_)) if c == '\u{130}' => first,
            _ => c,
        }
    };
    value.chars().map(one).collect()
}

fn map(rule: &Rule, labels: &mut LabelSet) {
    let found: Vec<(String, Box<str>)> = labels
        .iter()
        .filter_map(|(name, value)| {
            let captures = rule.regex.captures(name)?;
            Some((rule.replacement.expand(&captures), value.into()))
        })
        .collect();
    for (name, value) in found {
        if !name.is_empty() {
            labels.set(&name, &value);
        }
    }
}

#[cfg(test)]
mod tests;
