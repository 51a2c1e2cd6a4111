//! `routing.yaml`: Alertmanager's configuration, checked as strictly as Alertmanager does.
//!
//! Source: Alertmanager's documentation and its loader. Webhook and e-mail receivers are taken; every other kind is refused by
//! name, because a page that nobody gets is worse than a configuration that is not accepted.

mod global;
mod http;
mod inhibit;
mod interval;
mod matcher;
mod receiver;
mod route;

use std::collections::BTreeMap;

use alert::routing::Routing;

pub use matcher::{MatcherError, matchers};

use super::{
    problem::Code,
    reader::{Field, Map},
    text::{nearest, shorten},
};

const FIELDS: [&str; 8] = [
    "global",
    "route",
    "inhibit_rules",
    "receivers",
    "templates",
    "mute_time_intervals",
    "time_intervals",
    "tracing",
];

/// Names that were defined, with the line of each.
type Names<'r> = BTreeMap<&'r str, u32>;

/// Checks the configuration, and returns it in the alert context's words if no error was found.
pub fn read(document: Field<'_>) -> Option<Routing> {
    let errors = document.report().errors();
    let map = document.map(&FIELDS)?;
    let global = global::read(map);
    let receivers = receiver::read(map, &global);
    let intervals = interval::read(map);
    inhibit::check(map);
    without_effect(map);
    let names = route::Defined { receivers: &receivers.names, intervals: &intervals };
    let root = route::read(map, names)?;
    if document.report().errors() > errors {
        return None;
    }
    let problems = match Routing::build(root, receivers.list) {
        Ok(routing) => return Some(routing),
        Err(problems) => problems,
    };
    for problem in problems {
        map.field().error(Code::ROUTE, problem.to_string(), "");
    }
    None
}

fn without_effect(map: Map<'_>) {
    for (name, why) in [
        ("templates", "the text of notifications is fixed"),
        ("tracing", "it is set in the server's own configuration"),
    ] {
        let Some(field) = map.optional(name) else { continue };
        let used = if name == "templates" {
            field
                .list()
                .is_some_and(|items| items.iter().filter_map(|item| item.text()).count() > 0)
        } else {
            field.any_map().is_some()
        };
        if used {
            let message = format!("`{name}` has no effect here: {why}");
            field.warning(Code::NOT_APPLIED, message, "");
        }
    }
}

/// Keeps a name, or reports that it stands twice.
fn define<'r>(names: &mut Names<'r>, field: Field<'r>, what: &str) {
    let Some(name) = field.filled() else { return };
    if let Some(line) = names.get(name) {
        let message = format!("the {what} `{}` exists already, in line {line}", shorten(name));
        field.error(Code::DUPLICATE_NAME, message, "rename one of them");
        return;
    }
    names.insert(name, field.at().line);
}

/// Reports a name that is not defined.
fn undefined(field: Field<'_>, names: &Names<'_>, what: &str) -> Option<()> {
    let name = field.text()?;
    if names.contains_key(name) {
        return Some(());
    }
    let hint = match nearest(name, names.keys().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("define it under `{what}s`"),
    };
    let message = format!("there is no {} `{}`", what.replace('_', " "), shorten(name));
    field.error(Code::UNKNOWN_RECEIVER, message, hint);
    None
}

#[cfg(test)]
mod tests;
