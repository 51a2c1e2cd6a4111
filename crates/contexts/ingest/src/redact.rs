//! Secrets never enter: values under telling keys and texts of telling shapes are replaced by `[redacted:RULE]`.
//!
//! One Aho-Corasick pass finds which rules may match at all, so that a text without any costs a fraction of a microsecond.

mod card;
mod key;
mod rules;

use aho_corasick::AhoCorasick;
use model::{Attributes, Value};

use self::rules::Rule;
use crate::Counts;

/// Characters of a name from outside in the text of a refusal.
pub const SHOWN_CHARS_MAX: usize = 200;
/// How often all rules run over a text that changes each time.
const PASSES_MAX: usize = 8;
/// Every rule.
const ALL: u64 = u64::MAX;

/// The compiled rules; make one and share it.
#[derive(Debug)]
pub struct Redactor {
    rules: Vec<Rule>,
    triggers: AhoCorasick,
    /// The rule of each trigger.
    owners: Vec<usize>,
    /// The rules whose shape tells by itself, a bit for each.
    shapes: u64,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Redactor {
    pub fn new() -> Self {
        let (mut rules, generic) = (rules::shapes(), rules::generic());
        let shapes = (1 << rules.len()) - 1;
        rules.extend(generic);
        let (triggers, owners): (Vec<_>, Vec<_>) = rules
            .iter()
            .enumerate()
            .flat_map(|(at, rule)| rule.triggers.iter().map(move |trigger| (*trigger, at)))
            .unzip();
        let triggers = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(triggers)
            .expect("the triggers are a short constant list");
        Self { rules, triggers, owners, shapes }
    }

    /// Redacts a text in place.
    pub fn text(&self, text: &mut Box<str>, counts: &mut Counts) {
        if let Some(clean) = self.clean(text, ALL, counts) {
            *text = clean.into();
        }
    }

    /// Redacts a metric's name, family or unit: only tokens that tell by themselves, for `job:auth_token:rate5m` assigns
    /// nothing.
    pub fn name(&self, name: &mut Box<str>, counts: &mut Counts) {
        if let Some(clean) = self.clean(name, self.shapes, counts) {
            *name = clean.into();
        }
    }

    /// Redacts by the key, else by the value's shape, however deep it is nested.
    pub fn attributes(&self, attributes: &mut Attributes, counts: &mut Counts) {
        for (key, value) in attributes {
            if key::is_secret(key) {
                hide(value, counts);
            } else {
                self.value(value, counts);
            }
            self.key(key, counts);
        }
    }

    /// Redacts a key itself; the usual ones are passed over at once.
    fn key(&self, key: &mut Box<str>, counts: &mut Counts) {
        let usual = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_' | b'-');
        if !key.bytes().all(usual) {
            self.text(key, counts);
        }
    }

    /// Redacts a log's body or any other value.
    pub fn value(&self, value: &mut Value, counts: &mut Counts) {
        match value {
            Value::String(text) => self.text(text, counts),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value, counts)),
            Value::Map(attributes) => self.attributes(attributes, counts),
            Value::Bytes(bytes) => {
                if let Some(clean) =
                    std::str::from_utf8(bytes).ok().and_then(|text| self.clean(text, ALL, counts))
                {
                    *bytes = clean.into_bytes().into();
                }
            }
            Value::Int(number) => {
                if let Some(clean) = card::redact_number(*number, counts) {
                    *value = Value::String(clean.into());
                }
            }
            Value::Bool(_) | Value::Double(_) | Value::Empty => {}
        }
    }

    /// Redacts a metric's label.
    pub fn label(&self, name: &mut Box<str>, value: &mut Box<str>, counts: &mut Counts) {
        if key::is_secret(name) && !value.is_empty() {
            *value = by_key(counts);
        } else {
            self.text(value, counts);
        }
        self.key(name, counts);
    }

    /// A name from outside as a refusal shows it: without secrets, and no longer than [`SHOWN_CHARS_MAX`].
    pub fn shown(&self, text: &str) -> String {
        let clean = self.clean(text, ALL, &mut Counts::new());
        let mut shown = clean.unwrap_or_else(|| text.to_owned());
        if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS_MAX) {
            shown.truncate(end);
            shown.push('…');
        }
        shown
    }

    /// The text without secrets; `None` when there was none.
    ///
    /// What one rule puts in can give a text the shape of another, so the rules run until nothing changes any more.
    fn clean(&self, text: &str, rules: u64, counts: &mut Counts) -> Option<String> {
        let mut out = self.pass(text, rules, counts)?;
        for _ in 1..PASSES_MAX {
            match self.pass(&out, rules, counts) {
                Some(cleaner) => out = cleaner,
                None => break,
            }
        }
        Some(out)
    }

    fn pass(&self, text: &str, rules: u64, counts: &mut Counts) -> Option<String> {
        let mut wanted = 0_u64;
        for found in self.triggers.find_overlapping_iter(text) {
            wanted |= 1 << self.owners[found.pattern().as_usize()];
        }
        let mut out: Option<String> = None;
        for (at, rule) in self.rules.iter().enumerate() {
            if wanted & rules & (1 << at) != 0
                && let Some(clean) = rule.apply(out.as_deref().unwrap_or(text), counts)
            {
                out = Some(clean);
            }
        }
        card::redact(out.as_deref().unwrap_or(text), counts).or(out)
    }
}

/// Replaces whatever a telling key holds; a flag such as `has_password: true` tells nothing.
fn hide(value: &mut Value, counts: &mut Counts) {
    match value {
        Value::Bool(_) | Value::Empty => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Array(_)
        | Value::Map(_) => {
            *value = Value::String(by_key(counts));
        }
    }
}

fn by_key(counts: &mut Counts) -> Box<str> {
    *counts.entry("key").or_default() += 1;
    "[redacted:key]".into()
}

#[cfg(test)]
mod tests;
