//! Redaction of values within values.

use model::{Attributes, Value};

use super::{
    ALL, Action, Redactor,
    findings::{Findings, Hits, Path},
    key::{self, Slot, Verdict, is_flag},
    placeholder,
};

/// How deep values may be nested; what is deeper is not looked at, and [`crate::limit`] lets go of it.
pub const DEPTH_MAX: usize = 32;

/// Where a value lies, and how deep.
pub(super) type At<'a> = (&'a Path<'a>, usize);

impl Redactor {
    /// Redacts entries; `named` is the place of one whose value a neighbour says to be a secret.
    pub(super) fn entries(
        &self,
        attributes: &mut Attributes,
        named: Option<usize>,
        (path, depth): At<'_>,
        findings: &mut Findings,
    ) {
        let mut at = 0;
        attributes.retain_mut(|(key, value)| {
            at += 1;
            self.entry(key, value, named == Some(at - 1), (path, depth), findings)
        });
    }

    /// Redacts one entry; false where it has to go.
    pub(super) fn entry(
        &self,
        key: &mut Box<str>,
        value: &mut Value,
        is_named: bool,
        (path, depth): At<'_>,
        findings: &mut Findings,
    ) -> bool {
        let here = Path::Key(path, key);
        let keep = match self.keys.verdict(&here, is_named) {
            Verdict::Allowed => return true,
            Verdict::Secret(slot) => self.hide(value, slot, (&here, depth), findings),
            Verdict::Unknown => self.scan(value, (&here, depth), findings),
        };
        self.key(key, findings) && keep
    }

    /// Redacts a value by its shape; false where what holds it has to go.
    pub(super) fn scan(
        &self,
        value: &mut Value,
        (path, depth): At<'_>,
        findings: &mut Findings,
    ) -> bool {
        match value {
            Value::String(text) => self.under(text, ALL, path, findings),
            Value::Array(values) if depth < DEPTH_MAX => {
                self.elements(values, (path, depth + 1), findings);
                true
            }
            Value::Map(attributes) if depth < DEPTH_MAX => {
                let named = named_value(attributes);
                self.entries(attributes, named, (path, depth + 1), findings);
                true
            }
            Value::Bytes(bytes) => self.bytes(bytes, path, findings),
            Value::Int(number) if *number >= self.number_min => {
                let before = number.to_string().into_boxed_str();
                let mut text = before.clone();
                let keep = self.under(&mut text, self.numbers, path, findings);
                if text != before {
                    *value = Value::String(text);
                }
                keep
            }
            Value::Array(_)
            | Value::Map(_)
            | Value::Int(_)
            | Value::Bool(_)
            | Value::Double(_)
            | Value::Empty => true,
        }
    }

    /// Redacts an array; behind an argument such as `--password` is a secret.
    fn elements(&self, values: &mut Vec<Value>, (path, depth): At<'_>, findings: &mut Findings) {
        let here = Path::Item(path);
        let mut asked = false;
        values.retain_mut(|value| {
            let is_asked = std::mem::replace(&mut asked, value.as_str().is_some_and(is_flag));
            match self.keys.known {
                Some(slot)
                    if is_asked && value.as_str().is_some_and(|text| !text.starts_with('-')) =>
                {
                    self.hide(value, slot, (&here, depth), findings)
                }
                Some(_) | None => self.scan(value, (&here, depth), findings),
            }
        });
    }

    /// Redacts the parts of bytes that are text.
    fn bytes(&self, bytes: &mut Box<[u8]>, path: &Path<'_>, findings: &mut Findings) -> bool {
        let mut hits = Hits::default();
        let mut clean: Option<Vec<u8>> = None;
        let mut copied = 0;
        for chunk in bytes.utf8_chunks() {
            let (valid, invalid) = (chunk.valid(), chunk.invalid());
            if let Some(text) = self.clean(valid, ALL, path.key(), &mut hits) {
                let out = clean.get_or_insert_with(|| bytes[..copied].to_vec());
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(invalid);
            } else if let Some(out) = &mut clean {
                out.extend_from_slice(valid.as_bytes());
                out.extend_from_slice(invalid);
            }
            copied += valid.len() + invalid.len();
        }
        if let Some(clean) = clean {
            *bytes = clean.into();
        }
        self.note(&hits, path, findings)
    }

    /// Replaces whatever a telling key holds; a flag such as `has_password: true` tells nothing.
    fn hide(
        &self,
        value: &mut Value,
        slot: Slot,
        (path, depth): At<'_>,
        findings: &mut Findings,
    ) -> bool {
        match value {
            Value::Bool(_) | Value::Empty => return true,
            Value::String(text) if text.is_empty() || placeholder::is_one(text) => return true,
            Value::String(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Bytes(_)
            | Value::Array(_)
            | Value::Map(_) => {}
        }
        let keep = self.note(&Hits::one(slot), path, findings);
        if slot.dry_run {
            // Other rules may hide it all the same; where none does, it is told once.
            return self.all_dry || self.scan(value, (path, depth), findings);
        }
        let mut cover = String::new();
        match (&*value, slot.action) {
            (Value::String(text), action) => self.cover.write(&mut cover, slot.name, action, text),
            (nested, Action::Token) => {
                self.cover.write(&mut cover, slot.name, slot.action, &nested.to_string())
            }
            (_, action) => self.cover.write(&mut cover, slot.name, action, ""),
        }
        *value = Value::String(cover.into());
        keep
    }
}

/// The entry that holds a secret in `{"name": "Authorization", "value": "…"}`, as headers are often told.
fn named_value(attributes: &Attributes) -> Option<usize> {
    let is = |key: &str, names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(key));
    let names = |(key, value): &(Box<str>, Value)| {
        is(key, &["name", "key", "header", "variable"])
            && value.as_str().is_some_and(key::is_secret)
    };
    let named = attributes.iter().any(names);
    named.then(|| attributes.iter().position(|(key, _)| is(key, &["value", "val"]))).flatten()
}
