//! The fields of a mapping: required, optional, exclusive.

use super::Field;
use crate::files::{
    problem::{Code, Position, Report},
    text::alternatives,
    yaml::Node,
};

/// A mapping.
#[derive(Clone, Copy, Debug)]
pub struct Map<'r> {
    field: Field<'r>,
    entries: &'r [(Node, Node)],
}

impl<'r> Map<'r> {
    pub(super) fn new(field: Field<'r>, entries: &'r [(Node, Node)]) -> Self {
        Self { field, entries }
    }

    pub(super) fn entries(self) -> &'r [(Node, Node)] {
        self.entries
    }

    pub fn field(self) -> Field<'r> {
        self.field
    }

    pub fn report(self) -> &'r Report {
        self.field.report
    }

    pub fn at(self) -> Position {
        self.field.at()
    }

    /// The field `name` unless it is absent or null.
    pub fn optional(self, name: &str) -> Option<Field<'r>> {
        self.present(name).filter(|field| !field.node.is_null())
    }

    /// The field `name` if it stands there, null or not.
    pub fn present(self, name: &str) -> Option<Field<'r>> {
        let (key, node) = self.entries.iter().find(|(key, _)| key.text() == Some(name))?;
        Some(Field { node, name: key.text().unwrap_or_default(), ..self.field })
    }

    /// The field `name`; its absence is reported.
    pub fn required(self, name: &str) -> Option<Field<'r>> {
        let field = self.optional(name);
        if field.is_none() {
            let at = self.present(name).map_or(self.at(), Field::at);
            let message = format!("the field `{name}` is missing in {}", self.field.quoted());
            self.report().error(at, Code::MISSING_FIELD, message, format!("write `{name}:`"));
        }
        field
    }

    /// Every key and value; keys are scalars.
    pub fn fields(self) -> impl Iterator<Item = (Field<'r>, Field<'r>)> {
        self.entries.iter().map(move |(key, node)| {
            let name = key.text().unwrap_or_default();
            (Field { node: key, name, ..self.field }, Field { node, name, ..self.field })
        })
    }

    pub fn is_empty(self) -> bool {
        self.entries.is_empty()
    }

    /// Reports when more than one of `names` stands there, or none although one is `needed`.
    pub fn exclusive(self, names: &[&str], needed: bool) {
        let present: Vec<_> = names.iter().filter_map(|name| self.optional(name)).collect();
        let listed = || alternatives(names.iter().copied());
        match present.as_slice() {
            [] if needed => {
                let message = format!("{} needs one of {}", self.field.quoted(), listed());
                self.field.error(Code::EXCLUSIVE, message, "write exactly one of them");
            }
            [first, second, ..] => {
                let message = format!("`{}` and `{}` exclude each other", first.name, second.name);
                second.error(Code::EXCLUSIVE, message, format!("keep one of {}", listed()));
            }
            _ => {}
        }
    }
}
