//! `kind: SLO`: which rules its fields obey.

use super::{alerting, description, indicator, metadata, shorthand};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
};

const SPEC_FIELDS: [&str; 8] = [
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
];
const OBJECTIVE_FIELDS: [&str; 10] = [
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "compositeWeight",
];
const OPERATORS: [(&str, Operator); 4] = [
    ("lte", Operator::AtMost),
    ("lt", Operator::Below),
    ("gte", Operator::AtLeast),
    ("gt", Operator::Above),
];

/// How a threshold metric is compared with an objective's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    AtMost,
    Below,
    AtLeast,
    Above,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

const METHODS: [(&str, Method); 3] = [
    ("Occurrences", Method::Occurrences),
    ("Timeslices", Method::Timeslices),
    ("RatioTimeslices", Method::RatioTimeslices),
];

pub(super) fn check(map: Map<'_>) {
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&SPEC_FIELDS)) else { return };
    description(spec);
    spec.required("service").and_then(Field::filled);
    let method = spec.required("budgetingMethod").and_then(method);
    window(spec);
    let objectives = objectives(spec);
    place_of_indicator(spec, &objectives);
    check_indicator(spec);
    let kind = spec.optional("indicator").and_then(Field::any_map).map(indicator::is_ratio);
    for objective in objectives {
        check_objective(objective, method, kind);
    }
    if let Some(policies) = spec.optional("alertPolicies").and_then(Field::list) {
        policies.into_iter().for_each(alerting::inline_policy);
    }
}

/// The objectives whose shape is right.
pub(super) fn objectives(spec: Map<'_>) -> Vec<Map<'_>> {
    let Some(field) = spec.required("objectives") else { return Vec::new() };
    let items = field.list();
    if items.as_ref().is_some_and(Vec::is_empty) {
        field.error(Code::MISSING_FIELD, "`objectives` is empty", "state at least one target");
    }
    items.unwrap_or_default().into_iter().filter_map(|item| item.map(&OBJECTIVE_FIELDS)).collect()
}

pub(super) fn method(field: Field<'_>) -> Option<Method> {
    field.choice(&METHODS)
}

pub(super) fn operator(field: Field<'_>) -> Option<Operator> {
    field.choice(&OPERATORS)
}

/// `target`, or `targetPercent` as a share.
pub(super) fn target(objective: Map<'_>) -> Option<f64> {
    let target = objective.optional("target").and_then(|field| {
        field.number_where("at least 0 and below 1", |value| (0.0..1.0).contains(&value))
    });
    let percent = objective.optional("targetPercent").and_then(|field| {
        field.number_where("at least 0 and below 100", |value| (0.0..100.0).contains(&value))
    });
    target.or(percent.map(|percent| percent / 100.0))
}

fn has_indicator(map: Map<'_>) -> bool {
    map.optional("indicator").is_some() || map.optional("indicatorRef").is_some()
}

/// An indicator stands in the spec, or in every objective of a composite SLO.
fn place_of_indicator(spec: Map<'_>, objectives: &[Map<'_>]) {
    let composite = objectives.iter().any(|objective| has_indicator(*objective));
    let hint =
        "write `indicator` or `indicatorRef` in `spec`, or in each objective of a composite SLO";
    match (has_indicator(spec), composite) {
        (false, false) => {
            let message = "the SLO has no indicator";
            spec.field().error(Code::EXCLUSIVE, message, hint);
        }
        (true, true) => {
            let message = "indicators stand both in `spec` and in `objectives`";
            spec.field().error(Code::EXCLUSIVE, message, hint);
        }
        (false, true) => {
            for objective in objectives.iter().filter(|objective| !has_indicator(**objective)) {
                objective.field().error(Code::EXCLUSIVE, "the objective has no indicator", hint);
            }
        }
        (true, false) => {}
    }
}

fn check_indicator(map: Map<'_>) {
    map.exclusive(&["indicator", "indicatorRef"], false);
    if let Some(reference) = map.optional("indicatorRef") {
        reference.dns_label();
    }
    if let Some(inline) =
        map.optional("indicator").and_then(|field| field.map(&["metadata", "spec"]))
    {
        metadata::read(inline);
        indicator::check(inline);
    }
}

fn check_objective(objective: Map<'_>, method: Option<Method>, ratio: Option<bool>) {
    check_indicator(objective);
    objective.optional("displayName").map(Field::text);
    objective.exclusive(&["target", "targetPercent"], true);
    target(objective);
    match ratio {
        Some(true) => {
            for name in ["op", "value"] {
                if let Some(field) = objective.optional(name) {
                    let message = format!("`{name}` is not allowed beside a `ratioMetric`");
                    field.error(
                        Code::EXCLUSIVE,
                        message,
                        "leave it out; it belongs to a `thresholdMetric`",
                    );
                }
            }
        }
        Some(false) => {
            objective.required("op").and_then(operator);
            objective.required("value").and_then(Field::number);
        }
        None => {
            objective.optional("op").and_then(operator);
            objective.optional("value").and_then(Field::number);
        }
    }
    if let Some(weight) = objective.optional("compositeWeight") {
        weight.number_where("any number above 0", |value| value > 0.0);
    }
    let slices = method.is_some_and(|method| method != Method::Occurrences);
    let read = |name: &str, needed: bool| {
        if needed { objective.required(name) } else { objective.optional(name) }
    };
    if let Some(field) = read("timeSliceTarget", method == Some(Method::Timeslices)) {
        field.number_where("above 0 and at most 1", |value| value > 0.0 && value <= 1.0);
    }
    read("timeSliceWindow", slices).and_then(shorthand::read);
}

/// `timeWindow` holds exactly one window, rolling or aligned to the calendar.
fn window(spec: Map<'_>) {
    let Some(field) = spec.required("timeWindow") else { return };
    let Some(windows) = field.list() else { return };
    if windows.len() != 1 {
        let message = format!("`timeWindow` has {} items", windows.len());
        field.error(Code::OUT_OF_RANGE, message, "exactly 1 is allowed");
    }
    for window in windows {
        let Some(map) = window.map(&["duration", "isRolling", "calendar"]) else { continue };
        map.required("duration").and_then(shorthand::read);
        let rolling = map.optional("isRolling").and_then(Field::bool).unwrap_or(false);
        match map.optional("calendar") {
            Some(calendar) if rolling => {
                let message = "`calendar` is not allowed when `isRolling` is true";
                calendar.error(Code::EXCLUSIVE, message, "keep one of them");
            }
            Some(calendar) => check_calendar(calendar),
            None if !rolling => {
                let message = "the window is neither rolling nor aligned to a calendar";
                window.error(Code::EXCLUSIVE, message, "write `isRolling: true` or `calendar:`");
            }
            None => {}
        }
    }
}

fn check_calendar(field: Field<'_>) {
    let Some(calendar) = field.map(&["startTime", "timeZone"]) else { return };
    if let Some(start) = calendar.required("startTime") {
        let fits = start.text().is_none_or(|text| {
            text.len() == 19
                && text.split_once(' ').is_some_and(|(date, time)| {
                    format!("{date}T{time}Z").parse::<model::Timestamp>().is_ok()
                })
        });
        if !fits {
            start.error(
                Code::TIME,
                "`startTime` is not a time",
                "write it like `2026-01-31 12:30:00`",
            );
        }
    }
    if let Some(zone) = calendar.required("timeZone") {
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte))
        };
        if zone.text().is_some_and(|text| !text.split('/').all(part) || text.split('/').count() > 3)
        {
            let hint = "write an IANA name such as `UTC` or `Europe/Warsaw`";
            zone.error(Code::TIME, "`timeZone` is not a time zone", hint);
        }
    }
}
