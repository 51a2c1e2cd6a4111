//! The labels of a series or exemplar, where they stand in the request.

use std::ops::Range;

use model::Labels;

use super::{KeyHasher, v2::Symbols};
use crate::wire::{Reader, WireError};

/// References that an error shows.
const SHOWN_REFS_MAX: usize = 20;

/// Why labels cannot be read; the rest of the request can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsFault {
    #[error("parsing labels: {0}")]
    Wire(#[source] WireError),
    #[error("parsing labels for series [{refs}]: invalid labelRefs length {len}")]
    Odd { refs: String, len: usize },
    #[error(
        "parsing labels for series [{refs}]: labelRefs {name} (name) = {value} (value) outside of symbols table (size {size})"
    )]
    Symbol { refs: String, name: u64, value: u64, size: usize },
    #[error("parsing metadata: metadata {what} {found} outside of symbols table (size {size})")]
    Metadata { what: &'static str, found: u64, size: usize },
    #[error("invalid UTF-8 in a {what} at byte {at}")]
    Utf8 { what: &'static str, at: usize },
}

/// Labels as they were sent.
#[derive(Clone, Copy, Debug)]
pub struct LabelsRef<'a> {
    pub(super) body: &'a [u8],
    /// The bytes of the fields that are labels, or of the message that has them among others.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether other fields stand between them.
    pub(super) scattered: bool,
    pub(super) form: Form<'a>,
}

/// How labels are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form<'a> {
    /// Messages with a name and a value, in this field.
    Pairs { field: u32 },
    /// References to symbols, in field 1.
    References(&'a Symbols),
}

impl<'a> LabelsRef<'a> {
    /// Where the labels are in the request; with the request's bytes and symbols they lead back here.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    pub fn is_scattered(&self) -> bool {
        self.scattered
    }

    /// Labels of version 1 at a place that [`LabelsRef::range`] gave.
    pub fn v1(body: &'a [u8], range: Range<usize>, scattered: bool) -> Self {
        let form = Form::Pairs { field: 1 };
        Self { body, start: range.start, end: range.end, scattered, form }
    }

    /// As [`LabelsRef::v1`], for version 2.
    pub fn v2(body: &'a [u8], range: Range<usize>, scattered: bool, symbols: &'a Symbols) -> Self {
        let form = Form::References(symbols);
        Self { body, start: range.start, end: range.end, scattered, form }
    }

    /// The value of `__name__`, when it can be read; cheaper than reading all labels.
    pub fn metric_name(&self) -> Option<&'a str> {
        if let Form::References(symbols) = self.form {
            return self.referred_name(symbols);
        }
        let mut name = None;
        self.visit(|label, value| {
            if label == Labels::METRIC_NAME {
                name = Some(value);
            }
        })
        .ok()?;
        name.filter(|name| !name.is_empty())
    }

    fn referred_name(&self, symbols: &Symbols) -> Option<&'a str> {
        let mut fields = Reader::new(self.bytes(), self.start);
        while let Some(field) = fields.next().ok()? {
            if field.number != 1 {
                continue;
            }
            let mut packed = field.message("labels_refs").ok()?;
            while !packed.is_empty() {
                let (label, value) = (packed.varint().ok()?, packed.varint().ok()?);
                if symbols.get(self.body, label)? == Labels::METRIC_NAME.as_bytes() {
                    let name = std::str::from_utf8(symbols.get(self.body, value)?).ok()?;
                    return Some(name).filter(|name| !name.is_empty());
                }
            }
        }
        None
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.body.get(self.start..self.end).unwrap_or_default()
    }

    /// A key of the series: the same for the same labels in the same order.
    ///
    /// `None` when it takes decoding to tell: the labels stand apart, or name symbols that are not there. `scratch` is memory
    /// that is used again.
    #[inline]
    pub fn key(&self, hasher: &KeyHasher, scratch: &mut Vec<u8>) -> Option<u128> {
        if self.scattered {
            return None;
        }
        match self.form {
            Form::Pairs { .. } => Some(hasher.hash(self.bytes())),
            Form::References(symbols) => {
                scratch.clear();
                let mut fields = Reader::new(self.bytes(), self.start);
                while let Some(field) = fields.next().ok()? {
                    let mut packed = field.message("labels_refs").ok()?;
                    while !packed.is_empty() {
                        let key = symbols.key(packed.varint().ok()?)?;
                        scratch.extend_from_slice(&key.to_le_bytes());
                    }
                }
                Some(hasher.hash(scratch))
            }
        }
    }

    /// Calls `each` with name and value, in the request's order.
    ///
    /// # Errors
    /// When they cannot be read; `each` may have been called before.
    pub fn visit(&self, mut each: impl FnMut(&'a str, &'a str)) -> Result<(), LabelsFault> {
        let mut fields = Reader::new(self.bytes(), self.start);
        match self.form {
            Form::Pairs { field: wanted } => {
                while let Some(field) = fields.next().map_err(LabelsFault::Wire)? {
                    if field.number == wanted {
                        let (name, value) = pair(field.message("label")?)?;
                        each(name, value);
                    }
                }
                Ok(())
            }
            Form::References(symbols) => {
                let mut refs = Vec::new();
                while let Some(field) = fields.next().map_err(LabelsFault::Wire)? {
                    if field.number == 1 {
                        field.uints("labels_refs", |reference| refs.push(reference))?;
                    }
                }
                self.resolve(&refs, symbols, each)
            }
        }
    }

    fn resolve(
        &self,
        refs: &[u64],
        symbols: &'a Symbols,
        mut each: impl FnMut(&'a str, &'a str),
    ) -> Result<(), LabelsFault> {
        if !refs.len().is_multiple_of(2) {
            return Err(LabelsFault::Odd { refs: shown(refs), len: refs.len() });
        }
        for two in refs.chunks_exact(2) {
            let (name, value) = (two[0], two[1]);
            match (symbols.get(self.body, name), symbols.get(self.body, value)) {
                (Some(name), Some(value)) => each(
                    utf8(name, "label name", self.start)?,
                    utf8(value, "label value", self.start)?,
                ),
                _ => {
                    let (refs, size) = (shown(refs), symbols.len());
                    return Err(LabelsFault::Symbol { refs, name, value, size });
                }
            }
        }
        Ok(())
    }
}

fn shown(refs: &[u64]) -> String {
    let shown: Vec<_> = refs.iter().take(SHOWN_REFS_MAX).map(ToString::to_string).collect();
    shown.join(" ")
}

fn pair<'a>(mut message: Reader<'a>) -> Result<(&'a str, &'a str), LabelsFault> {
    let (mut name, mut value) = ("", "");
    while let Some(field) = message.next()? {
        match field.number {
            1 => name = utf8(field.bytes("name")?, "label name", field.at)?,
            2 => value = utf8(field.bytes("value")?, "label value", field.at)?,
            _ => {}
        }
    }
    Ok((name, value))
}

fn utf8<'a>(bytes: &'a [u8], what: &'static str, at: usize) -> Result<&'a str, LabelsFault> {
    std::str::from_utf8(bytes).map_err(|_| LabelsFault::Utf8 { what, at })
}

impl From<WireError> for LabelsFault {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}
