//! OpenSLO v1: every kind is read as strictly as OpenSLO's own validator; SLOs are turned into [`slo::Slo`].
//!
//! Source: the OpenSLO specification, v1, and the rules of its Go SDK. What is valid but means nothing here, or nothing yet, is
//! a warning that says so by name. A file holds one object, a list of objects, or several documents of either.

mod alerting;
mod indicator;
mod lower;
mod metadata;
mod objective;
mod shorthand;
mod source;

use std::collections::{BTreeMap, BTreeSet};

pub use lower::lower;
pub use shorthand::{Shorthand, Unit};

use super::{
    problem::Code,
    reader::{Field, Map},
    text::{shorten, suggestion},
    yaml::Value,
};

/// The version that is read.
pub const API_VERSION: &str = "openslo/v1";

const KINDS: [&str; 7] = [
    "SLO",
    "SLI",
    "DataSource",
    "Service",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
];

/// The objects of all files, before references between them are followed.
#[derive(Debug, Default)]
pub struct Objects<'r> {
    slos: Vec<Object<'r>>,
    slis: BTreeMap<&'r str, Object<'r>>,
    sources: BTreeMap<&'r str, Object<'r>>,
    alert_policies: BTreeMap<&'r str, Object<'r>>,
    /// Names of `kind: Service`.
    pub services: BTreeSet<&'r str>,
}

/// One object whose fields have been checked.
#[derive(Clone, Copy, Debug)]
struct Object<'r> {
    map: Map<'r>,
    /// No error was found in it.
    valid: bool,
}

impl<'r> Objects<'r> {
    /// Checks a document, one object or a list of them, and keeps its objects.
    pub fn read(&mut self, document: Field<'r>) {
        match &document.node().value {
            Value::Sequence(_) => {
                for item in document.list().unwrap_or_default() {
                    self.object(item);
                }
            }
            Value::Mapping(_) | Value::Scalar { .. } => self.object(document),
        }
    }

    /// Where SLOs name their services.
    pub fn services_of_slos(&self) -> impl Iterator<Item = Field<'r>> {
        self.slos
            .iter()
            .filter_map(|object| object.map.optional("spec")?.any_map()?.optional("service"))
    }

    fn object(&mut self, document: Field<'r>) {
        let errors = document.report().errors();
        let Some(map) = document.map(&["apiVersion", "kind", "metadata", "spec"]) else { return };
        version(map);
        let Some(kind) = map.required("kind") else { return };
        let Some(name) = kind.text() else { return };
        let metadata = metadata::read(map);
        match name {
            "SLO" => objective::check(map),
            "SLI" => indicator::check(map),
            "DataSource" => source::check(map),
            "Service" => described(map),
            "AlertPolicy" => alerting::policy(map),
            "AlertCondition" => alerting::condition(map),
            "AlertNotificationTarget" => alerting::target(map),
            _ => {
                let message = format!("`{}` is not a kind of OpenSLO", shorten(name));
                kind.error(Code::KIND, message, suggestion(name, &KINDS));
            }
        }
        let Some(metadata) = metadata else { return };
        let object = Object { map, valid: document.report().errors() == errors };
        match name {
            "SLO" => self.slos.push(object),
            "SLI" => keep(&mut self.slis, kind, metadata.name, object),
            "DataSource" => keep(&mut self.sources, kind, metadata.name, object),
            "AlertPolicy" => keep(&mut self.alert_policies, kind, metadata.name, object),
            "Service" => {
                self.services.insert(metadata.name);
            }
            _ => {}
        }
    }
}

fn keep<'r>(
    objects: &mut BTreeMap<&'r str, Object<'r>>,
    kind: Field<'r>,
    name: &'r str,
    object: Object<'r>,
) {
    if let Some(first) = objects.get(name) {
        let (file, line) = (first.map.report().file(), first.map.at().line);
        let kind_name = kind.node().text().unwrap_or_default();
        let message = format!("the {kind_name} `{name}` exists already, in {file} line {line}");
        object.map.field().error(Code::DUPLICATE_NAME, message, "rename one of them");
        return;
    }
    objects.insert(name, object);
}

fn version(map: Map<'_>) {
    let Some(field) = map.required("apiVersion") else { return };
    if let Some(text) = field.text()
        && text != API_VERSION
    {
        let message = format!("the apiVersion is `{}`", shorten(text));
        field.error(Code::KIND, message, format!("write `{API_VERSION}`"));
    }
}

/// A spec that has a description alone.
fn described(map: Map<'_>) {
    if let Some(spec) = map.optional("spec").and_then(|spec| spec.map(&["description"])) {
        description(spec);
    }
}

/// `spec.description`, up to 1050 characters.
fn description(spec: Map<'_>) {
    const CHARS_MAX: usize = 1050;
    let Some(field) = spec.optional("description") else { return };
    let chars = field.text().map_or(0, |text| text.chars().count());
    if chars > CHARS_MAX {
        let message = format!("`description` has {chars} characters");
        field.error(Code::OUT_OF_RANGE, message, format!("at most {CHARS_MAX} are allowed"));
    }
}

#[cfg(test)]
mod tests;
