//! Entity references: `[kind:][namespace/]name`, the same in any case.

use std::{cmp::Ordering, fmt};

use crate::files::{
    problem::Code,
    reader::Field,
    text::{is_dns_label, is_framed, shorten},
};

/// A full reference; compares without regard to case, as Backstage does.
#[derive(Clone, Debug)]
pub struct Reference {
    kind: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
}

impl Reference {
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    /// The name as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Reference {}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> Ordering {
        let folded = |reference: &Self| {
            [&reference.kind, &reference.namespace, &reference.name]
                .map(|part| part.to_ascii_lowercase())
        };
        folded(self).cmp(&folded(other))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind.to_lowercase(), self.namespace, self.name)
    }
}

/// A reference; `default` is the kind where none is written, and without one a kind must stand.
pub(super) fn read(field: Field<'_>, default: Option<&str>) -> Option<Reference> {
    let text = field.filled()?;
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (Some(kind), rest),
        None => (default, text),
    };
    let (namespace, name) = rest.split_once('/').unwrap_or(("default", rest));
    let fits =
        kind.is_some_and(is_name) && is_dns_label(&namespace.to_lowercase()) && is_name(name);
    if fits {
        return kind.map(|kind| Reference::new(kind, namespace, name));
    }
    let message = format!("`{}` is not a reference to an entity", shorten(text));
    let hint = match default {
        Some(kind) => format!("write `name` or `{}:name`", kind.to_lowercase()),
        None => "write `component:name` or `resource:namespace/name`".into(),
    };
    field.error(Code::ENTITY_REF, message, hint);
    None
}

/// Up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
pub(super) fn is_name(text: &str) -> bool {
    is_framed(text, 63, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}
