//! Backstage's `catalog-info.yaml`: every kind of entity is read as strictly as Backstage does; components become the service
//! catalogue.
//!
//! Source: Backstage's "Descriptor Format of Catalog Entities". Fields that it does not name are allowed, so that only what looks
//! like a slip of the pen is a warning. A component's name is what its telemetry says in `service.name`.

mod entity;
mod reference;

use std::collections::BTreeMap;

use catalog::{Entry, Link};

pub use reference::Reference;

use super::{
    problem::Code,
    reader::{Field, Map},
    text::{shorten, suggestion},
};

/// A kind, and how its `spec` must be.
pub(super) struct Kind {
    pub name: &'static str,
    pub versions: &'static [&'static str],
    /// Texts that must stand and not be empty.
    pub required: &'static [&'static str],
    /// Lists that must stand.
    pub required_lists: &'static [&'static str],
    pub optional: &'static [&'static str],
    pub lists: &'static [&'static str],
}

const BACKSTAGE: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];
const TEMPLATE: &[&str] = &["scaffolder.backstage.io/v1beta3", "backstage.io/v1beta2"];
const fn kind(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    lists: &'static [&'static str],
) -> Kind {
    Kind { name, versions: BACKSTAGE, required, required_lists: &[], optional, lists }
}

const KINDS: [Kind; 9] = [
    kind(
        "Component",
        &["type", "lifecycle", "owner"],
        &["system", "subcomponentOf"],
        &["providesApis", "consumesApis", "dependsOn", "dependencyOf"],
    ),
    kind("API", &["type", "lifecycle", "owner", "definition"], &["system"], &[]),
    kind("Resource", &["type", "owner"], &["system"], &["dependsOn", "dependencyOf"]),
    kind("System", &["owner"], &["domain", "type"], &[]),
    kind("Domain", &["owner"], &["subdomainOf", "type"], &[]),
    Kind {
        required_lists: &["children"],
        ..kind("Group", &["type"], &["parent", "profile"], &["members"])
    },
    kind("User", &[], &["profile"], &["memberOf"]),
    kind("Location", &[], &["type", "target", "presence"], &["targets"]),
    Kind {
        versions: TEMPLATE,
        required_lists: &["steps"],
        ..kind(
            "Template",
            &["type"],
            &[
                "owner",
                "lifecycle",
                "parameters",
                "output",
                "presentation",
                "EXPERIMENTAL_formDecorators",
            ],
            &[],
        )
    },
];

/// What the files declare.
#[derive(Clone, Debug, Default)]
pub struct Declared<'r> {
    pub entries: Vec<Entry>,
    /// Every entity.
    entities: BTreeMap<Reference, Field<'r>>,
    /// Dependencies of components and resources, to be followed when all files are read.
    depends_on: Vec<(Reference, Field<'r>)>,
}

impl<'r> Declared<'r> {
    /// Checks one entity and keeps what it declares.
    pub fn read(&mut self, document: Field<'r>) {
        let errors = document.report().errors();
        let Some(map) =
            document.map(&["apiVersion", "kind", "metadata", "spec", "relations", "status"])
        else {
            return;
        };
        let Some(kind) = entity::kind(map, &KINDS) else { return };
        let metadata = entity::metadata(map);
        entity::spec(map, kind);
        let spec = map.optional("spec").and_then(Field::any_map);
        let depends_on = spec.map(|spec| dependencies(spec, "dependsOn")).unwrap_or_default();
        self.depends_on.extend(depends_on.iter().cloned());
        let Some((metadata, name)) = metadata else { return };
        let namespace = metadata.optional("namespace").and_then(Field::text).unwrap_or("default");
        let reference = Reference::new(kind.name, namespace, name);
        if let Some(first) = self.entities.get(&reference) {
            let place = format!("{} line {}", first.report().file(), first.at().line);
            let message = format!("the {} `{name}` exists already, in {place}", kind.name);
            document.error(Code::DUPLICATE_NAME, message, "rename one of them");
            return;
        }
        self.entities.insert(reference, document);
        if let Some(spec) =
            spec.filter(|_| kind.name == "Component" && document.report().errors() == errors)
        {
            self.entries.push(entry(metadata, spec, name, &depends_on));
        }
    }

    /// Names of all components, those with errors among them.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.entities.keys().filter(|entity| entity.is_kind("Component")).map(Reference::name)
    }

    /// Warns of dependencies that no file declares.
    pub fn follow(&self) {
        for (reference, field) in &self.depends_on {
            if !self.entities.contains_key(reference) {
                let message = format!("no file of this repo declares `{reference}`");
                field.warning(
                    Code::DANGLING,
                    message,
                    "add the entity, or leave the dependency out",
                );
            }
        }
    }
}

fn dependencies<'r>(spec: Map<'r>, name: &str) -> Vec<(Reference, Field<'r>)> {
    let items = spec.optional(name).and_then(Field::list).unwrap_or_default();
    let read = |item: Field<'r>| Some((reference::read(item, None)?, item));
    items.into_iter().filter_map(read).collect()
}

fn entry(
    metadata: Map<'_>,
    spec: Map<'_>,
    name: &str,
    depends_on: &[(Reference, Field<'_>)],
) -> Entry {
    let text = |map: Map<'_>, name: &str| {
        let text = map.optional(name).and_then(|field| field.node().text());
        text.filter(|text| !text.is_empty()).map(Box::from)
    };
    let named = |name: &str, kind: &str| {
        let field = spec.optional(name)?;
        Some(Box::from(reference::read(field, Some(kind))?.name()))
    };
    let within =
        |group: &str, key: &str| metadata.optional(group)?.node().get(key)?.text().map(Box::from);
    let components = depends_on.iter().filter(|(reference, _)| reference.is_kind("Component"));
    Entry {
        name: name.into(),
        title: text(metadata, "title"),
        description: text(metadata, "description"),
        owner: named("owner", "Group"),
        system: named("system", "System"),
        lifecycle: text(spec, "lifecycle"),
        tier: ["labels", "annotations"]
            .into_iter()
            .find_map(|group| within(group, "tier").or_else(|| within(group, "evenkeel.dev/tier"))),
        depends_on: components.map(|(reference, _)| reference.name().into()).collect(),
        links: entity::links(metadata)
            .into_iter()
            .map(|(title, url)| Link { title, url })
            .collect(),
        path: metadata.report().file().as_ref().into(),
    }
}

/// Warns of a field that is one slip away from one that exists; any other is Backstage's `additional` one.
pub(super) fn slips(map: Map<'_>, known: &[&str]) {
    for (key, _) in map.fields() {
        let name = key.name();
        if !known.contains(&name) && super::text::nearest(name, known.iter().copied()).is_some() {
            let message =
                format!("the field `{}` in {} has no meaning", shorten(name), map.field().quoted());
            key.warning(Code::NOT_USED, message, suggestion(name, known));
        }
    }
}

#[cfg(test)]
mod tests;
