//! `AlertPolicy`, `AlertCondition` and `AlertNotificationTarget`: read strictly, and without effect here, because burn rates are
//! judged by the SRE workbook's windows and `routing.yaml` says who is told.

use super::{description, metadata, objective, shorthand};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
};

pub(super) fn policy(map: Map<'_>) {
    without_effect(map, "AlertPolicy");
    policy_spec(map);
}

pub(super) fn condition(map: Map<'_>) {
    without_effect(map, "AlertCondition");
    condition_spec(map);
}

pub(super) fn target(map: Map<'_>) {
    without_effect(map, "AlertNotificationTarget");
    target_spec(map);
}

/// An item of an SLO's `alertPolicies`.
pub(super) fn inline_policy(item: Field<'_>) {
    reference_or_inline(item, "alertPolicyRef", "AlertPolicy", policy_spec);
}

fn without_effect(map: Map<'_>, kind: &str) {
    let message = format!("the {kind} has no effect here");
    let hint = "burns page by the SRE workbook's windows; who is told stands in `routing.yaml`";
    map.field().warning(Code::NOT_USED, message, hint);
}

fn policy_spec(map: Map<'_>) {
    let fields = [
        "description",
        "alertWhenNoData",
        "alertWhenResolved",
        "alertWhenBreaching",
        "conditions",
        "notificationTargets",
    ];
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&fields)) else { return };
    description(spec);
    for name in ["alertWhenNoData", "alertWhenResolved", "alertWhenBreaching"] {
        spec.optional(name).map(Field::bool);
    }
    if let Some(conditions) = spec.required("conditions") {
        let items = conditions.list();
        if items.as_ref().is_some_and(|items| items.len() != 1) {
            conditions.error(
                Code::OUT_OF_RANGE,
                "`conditions` must have one item",
                "write exactly 1",
            );
        }
        for item in items.unwrap_or_default() {
            reference_or_inline(item, "conditionRef", "AlertCondition", condition_spec);
        }
    }
    if let Some(targets) = spec.required("notificationTargets") {
        let items = targets.list();
        if items.as_ref().is_some_and(Vec::is_empty) {
            targets.error(
                Code::MISSING_FIELD,
                "`notificationTargets` is empty",
                "write at least 1",
            );
        }
        for item in items.unwrap_or_default() {
            reference_or_inline(item, "targetRef", "AlertNotificationTarget", target_spec);
        }
    }
}

fn reference_or_inline(item: Field<'_>, reference: &str, kind: &str, check: impl Fn(Map<'_>)) {
    let Some(map) = item.map(&[reference, "kind", "metadata", "spec"]) else { return };
    map.exclusive(&[reference, "spec"], true);
    if let Some(reference) = map.optional(reference) {
        reference.dns_label();
    } else if map.optional("spec").is_some() {
        if let Some(field) = map.required("kind")
            && field.text().is_some_and(|text| text != kind)
        {
            field.error(Code::KIND, format!("`kind` must be `{kind}` here"), "");
        }
        metadata::read(map);
        check(map);
    }
}

fn condition_spec(map: Map<'_>) {
    let fields = ["description", "severity", "condition"];
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&fields)) else { return };
    description(spec);
    spec.required("severity").and_then(Field::filled);
    let fields = ["kind", "op", "threshold", "lookbackWindow", "alertAfter"];
    let Some(condition) = spec.required("condition").and_then(|field| field.map(&fields)) else {
        return;
    };
    condition.required("kind").and_then(|field| field.choice(&[("burnrate", ())]));
    condition.required("op").and_then(objective::operator);
    condition.required("threshold").and_then(Field::number);
    condition.required("lookbackWindow").and_then(shorthand::read);
    condition.optional("alertAfter").and_then(|field| {
        // `0m` is the default that the specification names.
        (field.node().text() != Some("0m")).then(|| shorthand::read(field))
    });
}

fn target_spec(map: Map<'_>) {
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&["description", "target"]))
    else {
        return;
    };
    description(spec);
    spec.required("target").and_then(Field::filled);
}
