//! The `Policy` kind: what a team wants gates, rollbacks and recovery to do for its services.
//!
//! ```yaml
//! apiVersion: evenkeel.dev/v1
//! kind: Policy
//! metadata: {name: default}
//! spec:
//!   services: ["*"]                # names, `*` for any run of characters
//!   environment: production        # left out: any
//!   recovery: {window: 10m, minEvents: 30}
//!   rollback: {mode: offer, minEvents: 50, minFailingShare: 0.5, maxFailingShareElsewhere: 0.05, maxPerHour: 3}
//!   gate: {minBudgetLeft: 0, allowRollback: true, verdictTtl: 10m, rules: {budget: true, burning: true, incidents: true, telemetry: true}}
//!   freezes: [{from: 2026-12-20T00:00:00Z, to: 2027-01-02T00:00:00Z, reason: holidays, services: [checkout]}]
//! ```

use std::time::Duration;

use deploy::{Freeze, GatePolicy, Policy, RollbackMode, RollbackPolicy};

use super::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

pub const API_VERSION: &str = "evenkeel.dev/v1";
/// The most freezes of one policy.
const FREEZES_MAX: usize = 1000;

/// A policy, and the fields that hold its service patterns.
#[derive(Clone, Debug)]
pub struct Read<'r> {
    pub policy: Policy,
    pub patterns: Vec<Field<'r>>,
}

/// Checks a document, and returns its policy if no error was found.
pub fn read(document: Field<'_>) -> Option<Read<'_>> {
    let errors = document.report().errors();
    let map = document.map(&["apiVersion", "kind", "metadata", "spec"])?;
    constant(map, "apiVersion", API_VERSION);
    constant(map, "kind", "Policy");
    let metadata = map.required("metadata").and_then(|field| field.map(&["name", "description"]));
    if let Some(metadata) = metadata {
        metadata.optional("description").and_then(Field::text);
    }
    let name = metadata.and_then(|metadata| metadata.required("name")).and_then(Field::dns_label);
    let fields = ["services", "environment", "recovery", "rollback", "gate", "freezes"];
    let spec = map.required("spec")?.map(&fields)?;
    let default = Policy::default();
    let patterns = spec.required("services").map(patterns).unwrap_or_default();
    let (recovery_window, recovery_min_events) = recovery(spec, &default);
    let policy = Policy {
        name: name.unwrap_or_default().into(),
        services: texts(&patterns),
        environment: spec.optional("environment").and_then(Field::filled).map(Box::from),
        recovery_window,
        recovery_min_events,
        rollback: rollback(spec, default.rollback),
        gate: gate(spec, default.gate),
        freezes: freezes(spec),
    };
    (document.report().errors() == errors).then_some(Read { policy, patterns })
}

fn constant(map: Map<'_>, name: &str, expected: &str) {
    if let Some(field) = map.required(name)
        && let Some(text) = field.text()
        && text != expected
    {
        let message = format!("`{name}` is `{}`", shorten(text));
        field.error(Code::KIND, message, format!("write `{expected}`"));
    }
}

/// At least one name or pattern.
fn patterns(field: Field<'_>) -> Vec<Field<'_>> {
    let items = field.list();
    if items.as_ref().is_some_and(Vec::is_empty) {
        let message = format!("{} is empty", field.quoted());
        field.error(Code::MISSING_FIELD, message, "write names of services, or `\"*\"` for all");
    }
    items.unwrap_or_default().into_iter().filter(|item| item.text_up_to(200).is_some()).collect()
}

fn texts(fields: &[Field<'_>]) -> Vec<Box<str>> {
    fields.iter().filter_map(|field| field.node().text()).map(Box::from).collect()
}

fn recovery(spec: Map<'_>, default: &Policy) -> (Duration, u64) {
    let map = spec.optional("recovery").and_then(|field| field.map(&["window", "minEvents"]));
    let window = map.and_then(|map| map.optional("window")).and_then(|field| {
        field.duration_within(Duration::from_secs(10)..=Duration::from_secs(86_400))
    });
    let events = map.and_then(|map| count(map, "minEvents", 1));
    (window.unwrap_or(default.recovery_window), events.unwrap_or(default.recovery_min_events))
}

fn rollback(spec: Map<'_>, default: RollbackPolicy) -> RollbackPolicy {
    let fields = ["mode", "minEvents", "minFailingShare", "maxFailingShareElsewhere", "maxPerHour"];
    let Some(map) = spec.optional("rollback").and_then(|field| field.map(&fields)) else {
        return default;
    };
    let errors = map.report().errors();
    let modes = [
        ("automatic", RollbackMode::Automatic),
        ("offer", RollbackMode::Offer),
        ("off", RollbackMode::Off),
    ];
    let max_per_hour = map.optional("maxPerHour").and_then(|field| field.integer(0..=60));
    let policy = RollbackPolicy {
        mode: map.optional("mode").and_then(|field| field.choice(&modes)).unwrap_or(default.mode),
        min_events: count(map, "minEvents", 1).unwrap_or(default.min_events),
        min_failing_share: share(map, "minFailingShare").unwrap_or(default.min_failing_share),
        max_failing_share_elsewhere: share(map, "maxFailingShareElsewhere")
            .unwrap_or(default.max_failing_share_elsewhere),
        max_per_hour: max_per_hour
            .and_then(|max| u32::try_from(max).ok())
            .unwrap_or(default.max_per_hour),
    };
    let sound = map.report().errors() == errors;
    if sound && policy.max_failing_share_elsewhere >= policy.min_failing_share {
        let message = "`maxFailingShareElsewhere` is not below `minFailingShare`: versions could not be told apart";
        map.field().error(Code::POLICY, message, "lower the one or raise the other");
    }
    policy
}

/// What was judged longer ago says too little of now.
const VERDICT_TTL_MAX: Duration = Duration::from_secs(600);

fn verdict_ttl(field: Field<'_>) -> Option<Duration> {
    let asked = field.duration_within(Duration::from_secs(1)..=Duration::from_secs(86_400))?;
    if asked > VERDICT_TTL_MAX {
        let message = "`verdictTtl` is longer than a verdict may hold, which is 10 minutes";
        field.warning(Code::NOT_USED, message, "write `10m` or less");
    }
    Some(asked.min(VERDICT_TTL_MAX))
}

fn gate(spec: Map<'_>, default: GatePolicy) -> GatePolicy {
    let fields = ["minBudgetLeft", "allowRollback", "verdictTtl", "rules"];
    let Some(map) = spec.optional("gate").and_then(|field| field.map(&fields)) else {
        return default;
    };
    let rules = ["budget", "burning", "incidents", "telemetry"];
    let rules = map.optional("rules").and_then(|field| field.map(&rules));
    let rule = |name: &str| rules.and_then(|rules| rules.optional(name)).and_then(Field::bool);
    let ttl = map.optional("verdictTtl").and_then(verdict_ttl);
    GatePolicy {
        min_budget_left: share(map, "minBudgetLeft").unwrap_or(default.min_budget_left),
        allow_rollback: map
            .optional("allowRollback")
            .and_then(Field::bool)
            .unwrap_or(default.allow_rollback),
        verdict_ttl: ttl.unwrap_or(default.verdict_ttl),
        check_budget: rule("budget").unwrap_or(default.check_budget),
        check_burning: rule("burning").unwrap_or(default.check_burning),
        check_incidents: rule("incidents").unwrap_or(default.check_incidents),
        check_telemetry: rule("telemetry").unwrap_or(default.check_telemetry),
    }
}

fn freezes(spec: Map<'_>) -> Vec<Freeze> {
    let Some(field) = spec.optional("freezes") else { return Vec::new() };
    let items = field.list().unwrap_or_default();
    if items.len() > FREEZES_MAX {
        let message = format!("`freezes` has {} items", items.len());
        field.error(Code::OUT_OF_RANGE, message, format!("at most {FREEZES_MAX} are allowed"));
    }
    items.into_iter().filter_map(freeze).collect()
}

fn freeze(item: Field<'_>) -> Option<Freeze> {
    let map = item.map(&["from", "to", "reason", "services"])?;
    let from = map.required("from").and_then(Field::time);
    let to = map.required("to").and_then(Field::time);
    let reason = map.required("reason").and_then(|field| field.text_up_to(200));
    let services = map.optional("services").map(patterns).unwrap_or_default();
    if let Some((from, to)) = from.zip(to)
        && from >= to
    {
        item.error(Code::TIME, "the freeze ends before it starts", "`from` must be before `to`");
    }
    Some(Freeze { from: from?, to: to?, reason: reason?.into(), services: texts(&services) })
}

fn share(map: Map<'_>, name: &str) -> Option<f64> {
    map.optional(name)?.number_where("a share from 0 to 1", |value| (0.0..=1.0).contains(&value))
}

fn count(map: Map<'_>, name: &str, min: i64) -> Option<u64> {
    const MAX: i64 = 1_000_000_000;
    map.optional(name)?.integer(min..=MAX).and_then(|count| u64::try_from(count).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{problem::Report, reader::Dialect, yaml};

    fn check(text: &str) -> String {
        let report = Report::new("policies/a.yaml");
        let documents = yaml::parse(text.as_bytes(), &report);
        let policy =
            documents.first().and_then(|node| read(Field::document(node, Dialect::Core, &report)));
        let mut lines: Vec<String> =
            policy.iter().map(|read| format!("{:?}", read.policy)).collect();
        drop(policy);
        lines.extend(report.into_problems().iter().map(ToString::to_string));
        lines.join("\n")
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let text = "apiVersion: evenkeel.dev/v1\nkind: Policy\nmetadata: {name: default}\nspec: {services: ['*']}\n";
        assert_eq!(check(text), format!("{:?}", Policy::default()));
    }

    #[test]
    fn reads_every_field() {
        let text = "apiVersion: evenkeel.dev/v1\nkind: Policy\nmetadata: {name: shop}\nspec:\n  services: [checkout, 'pay*']\n  environment: production\n  recovery: {window: 60s, minEvents: 10}\n  rollback: {mode: automatic, minEvents: 20, minFailingShare: 0.8, maxFailingShareElsewhere: 0.1, maxPerHour: 1}\n  gate: {minBudgetLeft: 0.1, allowRollback: false, verdictTtl: 1m, rules: {budget: false, telemetry: false}}\n  freezes:\n    - {from: 2026-12-20T00:00:00Z, to: 2027-01-02T00:00:00+01:00, reason: holidays, services: [checkout]}\n";
        insta::assert_snapshot!(check(text), @r#"Policy { name: "shop", services: ["checkout", "pay*"], environment: Some("production"), recovery_window: 60s, recovery_min_events: 10, rollback: RollbackPolicy { mode: Automatic, min_events: 20, min_failing_share: 0.8, max_failing_share_elsewhere: 0.1, max_per_hour: 1 }, gate: GatePolicy { min_budget_left: 0.1, allow_rollback: false, verdict_ttl: 60s, check_budget: false, check_burning: true, check_incidents: true, check_telemetry: false }, freezes: [Freeze { from: Timestamp(1797724800000000000), to: Timestamp(1798844400000000000), reason: "holidays", services: ["checkout"] }] }"#);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "apiVersion: v1\nkind: Polcy\nmetadata: {name: A b}\nspec:\n  services: []\n  environment: ''\n  recovery: {window: 1s, minEvents: 0}\n  rollback: {mode: on, minFailingShare: 5, maxFailingShareElsewhere: 0.7, maxPerHour: 100}\n  gate: {minBudgetLeft: 10%, verdictTtl: 1, rules: {budgets: true}}\n  freezes:\n    - {from: tomorrow, to: 2027-01-02, reason: ''}\n    - {from: 2027-01-02T00:00:00Z, to: 2026-12-20T00:00:00Z, reason: holidays}\n    - []\n";
        insta::assert_snapshot!(check(text), @r#"
        policies/a.yaml:1:13: error[E0111]: `apiVersion` is `v1`; write `evenkeel.dev/v1`
        policies/a.yaml:2:7: error[E0111]: `kind` is `Polcy`; write `Policy`
        policies/a.yaml:3:18: error[E0107]: `name` `A b` is not a valid name; 1 to 63 lowercase letters, digits and `-`, with a letter or digit at both ends
        policies/a.yaml:5:13: error[E0102]: `services` is empty; write names of services, or `"*"` for all
        policies/a.yaml:6:16: error[E0102]: `environment` is empty
        policies/a.yaml:7:22: error[E0105]: `window` is 1s; 10s to 1d are allowed
        policies/a.yaml:7:37: error[E0105]: `minEvents` is 0; 1 to 1000000000 are allowed
        policies/a.yaml:8:20: error[E0104]: `mode` is `on`; allowed: `automatic`, `offer` or `off`
        policies/a.yaml:8:41: error[E0105]: `minFailingShare` is 5; allowed: a share from 0 to 1
        policies/a.yaml:8:87: error[E0105]: `maxPerHour` is 100; 0 to 60 are allowed
        policies/a.yaml:9:25: error[E0103]: `minBudgetLeft` must be a number, not the text `10%`
        policies/a.yaml:9:42: error[E0108]: `verdictTtl` is `1`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
        policies/a.yaml:9:53: error[E0101]: unknown field `budgets` in `rules`; did you mean `budget`? allowed: `budget`, `burning`, `incidents` or `telemetry`
        policies/a.yaml:11:14: error[E0109]: `from` is `tomorrow`, which is not a time; write RFC 3339, such as `2026-11-23T03:00:00Z`
        policies/a.yaml:11:28: error[E0109]: `to` is `2027-01-02`, which is not a time; write RFC 3339, such as `2026-11-23T03:00:00Z`
        policies/a.yaml:11:48: error[E0102]: `reason` is empty; write 1 to 200 characters
        policies/a.yaml:12:7: error[E0109]: the freeze ends before it starts; `from` must be before `to`
        policies/a.yaml:13:7: error[E0103]: `freezes` must be a mapping, not a list
        "#);
    }
}
