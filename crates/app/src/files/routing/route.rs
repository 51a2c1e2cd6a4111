//! `route`: the tree that says who is told of an alert.

use std::time::Duration;

use alert::routing::{GroupBy, RouteConfig};

use super::{Names, matcher::fields, undefined};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

const FIELDS: [&str; 12] = [
    "receiver",
    "group_by",
    "match",
    "match_re",
    "matchers",
    "mute_time_intervals",
    "active_time_intervals",
    "continue",
    "routes",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// What routes may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defined<'d> {
    pub receivers: &'d Names<'d>,
    pub intervals: &'d Names<'d>,
}

pub(super) fn read(map: Map<'_>, defined: Defined<'_>) -> Option<RouteConfig> {
    let root = map.required("route")?;
    let node = root.map(&FIELDS)?;
    if node.optional("receiver").and_then(Field::text).unwrap_or_default().is_empty() {
        let hint = "write `receiver:` with the name of the default one";
        root.error(Code::MISSING_FIELD, "the root route has no receiver", hint);
    }
    for name in ["match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals"] {
        if let Some(field) = node.optional(name)
            && !is_empty(field)
        {
            let message = format!("the root route must not have `{name}`");
            field.error(
                Code::ROUTE,
                message,
                "every alert passes the root; put it in a child route",
            );
        }
    }
    if let Some(field) = node.optional("continue")
        && field.bool() == Some(true)
    {
        field.error(Code::ROUTE, "the root route must not have `continue: true`", "leave it out");
    }
    route(root, defined)
}

fn is_empty(field: Field<'_>) -> bool {
    match &field.node().value {
        crate::files::yaml::Value::Sequence(items) => items.is_empty(),
        crate::files::yaml::Value::Mapping(entries) => entries.is_empty(),
        crate::files::yaml::Value::Scalar { .. } => false,
    }
}

fn route(field: Field<'_>, defined: Defined<'_>) -> Option<RouteConfig> {
    let map = field.map(&FIELDS)?;
    let receiver = map.optional("receiver").filter(|field| field.text() != Some(""));
    if let Some(receiver) = receiver {
        undefined(receiver, defined.receivers, "receiver");
    }
    for name in ["mute_time_intervals", "active_time_intervals"] {
        for item in map.optional(name).and_then(Field::list).unwrap_or_default() {
            undefined(item, defined.intervals, "time_interval");
            let message = format!("`{name}` has no effect yet: this route notifies at any time");
            item.warning(Code::NOT_APPLIED, message, "");
        }
    }
    let matchers = fields::read(map, ["matchers", "match", "match_re"]);
    let group_by = map.optional("group_by").and_then(group_by);
    let routes = map.optional("routes").and_then(Field::list).unwrap_or_default();
    Some(RouteConfig {
        receiver: receiver.and_then(Field::text).map(Box::from),
        group_by,
        matchers,
        continue_: map.optional("continue").and_then(Field::bool).unwrap_or(false),
        group_wait: map.optional("group_wait").and_then(Field::duration),
        group_interval: positive(map, "group_interval"),
        repeat_interval: positive(map, "repeat_interval"),
        routes: routes.into_iter().filter_map(|child| route(child, defined)).collect(),
    })
}

fn positive(map: Map<'_>, name: &str) -> Option<Duration> {
    let field = map.optional(name)?;
    let duration = field.duration()?;
    if duration.is_zero() {
        field.error(Code::OUT_OF_RANGE, format!("`{name}` must not be zero"), "");
        return None;
    }
    Some(duration)
}

fn group_by(field: Field<'_>) -> Option<GroupBy> {
    let items = field.list()?;
    let (all, labels): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.node().text() == Some("..."));
    if !all.is_empty() && !labels.is_empty() {
        let message = "`...` groups by all labels and excludes others";
        field.error(Code::ROUTE, message, "write `[...]` alone");
    }
    if !all.is_empty() {
        return Some(GroupBy::All);
    }
    let mut names: Vec<Box<str>> = Vec::new();
    for item in labels {
        let Some(name) = label_name(item) else { continue };
        if names.contains(&name) {
            let message = format!("the label `{}` stands twice", shorten(&name));
            item.error(Code::ROUTE, message, "keep one of them");
        } else {
            names.push(name);
        }
    }
    Some(GroupBy::Labels(names))
}

/// A label's name: any text, since Alertmanager takes UTF-8.
pub(super) fn label_name(item: Field<'_>) -> Option<Box<str>> {
    item.filled().map(Box::from)
}
