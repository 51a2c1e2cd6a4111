//! The gate's rules, one function each.

use super::{BudgetState, GateInput, Relation, Rule, RuleOutcome, RuleResult};

/// How many names a reason lists before it counts.
const LISTED_MAX: usize = 3;

pub(super) fn outcome(rule: Rule, input: &GateInput) -> RuleOutcome {
    if is_off(rule, input) {
        return RuleOutcome {
            rule,
            result: RuleResult::Off,
            value: "not looked at".into(),
            limit: "none".into(),
            reason: format!("the policy `{}` switches `{}` off", input.policy_name, rule.as_str())
                .into(),
        };
    }
    let found = match rule {
        Rule::Journal => journal(input),
        Rule::Telemetry => telemetry(input),
        Rule::Incident => incident(input),
        Rule::Burning => burning(input),
        Rule::Budget => budget(input),
        Rule::Freeze => freeze(input),
    };
    exempted(input, found)
}

/// Why a rule that would block passes all the same, when the version goes back.
pub(super) fn exemption(input: &GateInput) -> Option<String> {
    let goes_back =
        input.policy.allow_rollback && input.rollback_target.as_deref() == Some(&*input.version);
    goes_back.then(|| {
        format!(
            "{} {} ran before what runs now, and the policy lets it go back",
            input.service, input.version
        )
    })
}

fn is_off(rule: Rule, input: &GateInput) -> bool {
    let policy = &input.policy;
    !match rule {
        Rule::Journal => true,
        Rule::Telemetry => policy.rule_telemetry,
        Rule::Incident => policy.rule_incident,
        Rule::Burning => policy.rule_burning,
        Rule::Budget => policy.rule_budget,
        Rule::Freeze => policy.rule_freeze,
    }
}

/// A gate that keeps the good version out prolongs the failure that closed it. What is unknown stays unknown.
fn exempted(input: &GateInput, found: RuleOutcome) -> RuleOutcome {
    match exemption(input) {
        Some(reason) if found.result == RuleResult::Block => {
            RuleOutcome { result: RuleResult::Pass, reason: reason.into(), ..found }
        }
        _ => found,
    }
}

fn told(
    rule: Rule,
    result: RuleResult,
    value: impl Into<Box<str>>,
    limit: impl Into<Box<str>>,
    reason: impl Into<Box<str>>,
) -> RuleOutcome {
    RuleOutcome { rule, result, value: value.into(), limit: limit.into(), reason: reason.into() }
}

fn journal(input: &GateInput) -> RuleOutcome {
    let limit = "whole";
    if input.journal_whole {
        told(Rule::Journal, RuleResult::Pass, "whole", limit, "the journal verifies")
    } else {
        let reason = "the journal is broken, so what it says cannot be relied upon";
        told(Rule::Journal, RuleResult::Inconclusive, "broken", limit, reason)
    }
}

fn telemetry(input: &GateInput) -> RuleOutcome {
    let within = input.policy.telemetry_within;
    let limit = format!("within {}", span(within.as_secs()));
    let Some(last) = input.telemetry_last_seen else {
        let reason = format!("no telemetry of {} was ever seen", input.service);
        return told(Rule::Telemetry, RuleResult::Inconclusive, "never seen", limit, reason);
    };
    let age = input.at.since(last);
    let value = format!("{} ago", span(age.as_secs()));
    if age <= within {
        let reason = format!("telemetry of {} came {value}", input.service);
        told(Rule::Telemetry, RuleResult::Pass, value, limit, reason)
    } else {
        let reason = format!("the last telemetry of {} came {value}", input.service);
        told(Rule::Telemetry, RuleResult::Inconclusive, value, limit, reason)
    }
}

fn incident(input: &GateInput) -> RuleOutcome {
    let limit = "none open";
    let open = &input.open_incidents;
    if open.is_empty() {
        let reason = format!("no incident is open on {} or what it depends on", input.service);
        return told(Rule::Incident, RuleResult::Pass, "none", limit, reason);
    }
    let value = list(open.iter().map(|one| format!("INC-{} {}", one.number, one_line(&one.title))));
    let reason = list(open.iter().map(|one| match one.relation {
        Relation::Own => format!("INC-{} is open on {}", one.number, one.service),
        Relation::Dependency => format!(
            "INC-{} is open on {}, on which {} depends",
            one.number, one.service, input.service
        ),
    }));
    told(Rule::Incident, RuleResult::Block, value, limit, reason)
}

fn burning(input: &GateInput) -> RuleOutcome {
    let limit = "none burning";
    if !input.burning.is_empty() {
        let text = list(input.burning.iter().map(|burn| {
            format!(
                "`{}` burns {}x over {}, where {}x is the limit",
                burn.slo,
                rate(burn.rate),
                burn.pair,
                rate(burn.threshold)
            )
        }));
        return told(Rule::Burning, RuleResult::Block, text.clone(), limit, text);
    }
    if let Some(early) = no_objective(Rule::Burning, limit, input) {
        return early;
    }
    let unknown: Vec<_> = input
        .budgets
        .iter()
        .filter(|budget| budget.state == BudgetState::InsufficientData)
        .map(|budget| format!("`{}` has too little data to tell whether it burns", budget.slo))
        .collect();
    if !unknown.is_empty() {
        let reason = list(unknown.into_iter());
        return told(Rule::Burning, RuleResult::Inconclusive, "not known", limit, reason);
    }
    told(Rule::Burning, RuleResult::Pass, "none", limit, "no objective burns")
}

fn budget(input: &GateInput) -> RuleOutcome {
    let least = input.policy.min_budget_left;
    let limit = format!("more than {} left", percent(least));
    if let Some(early) = no_objective(Rule::Budget, &limit, input) {
        return early;
    }
    let known = |budget: &super::BudgetInput| budget.remaining.filter(|left| left.is_finite());
    let left = |left: f64, slo: &str| match left {
        left if left < 0.0 => {
            format!("`{slo}` has overspent its error budget by {}", percent(-left))
        }
        left => format!("`{slo}` has {} of its error budget left", percent(left)),
    };
    let value = list(input.budgets.iter().map(|budget| match known(budget) {
        Some(remaining) => left(remaining, &budget.slo),
        None => format!("`{}` has an unknown budget", budget.slo),
    }));
    let spent: Vec<_> = input
        .budgets
        .iter()
        .filter_map(|budget| known(budget).map(|remaining| (remaining, &budget.slo)))
        .filter(|(remaining, _)| *remaining <= least)
        .map(|(remaining, slo)| format!("{}, and {limit} is asked for", left(remaining, slo)))
        .collect();
    if !spent.is_empty() {
        return told(Rule::Budget, RuleResult::Block, value, limit, list(spent.into_iter()));
    }
    let unknown: Vec<_> = input
        .budgets
        .iter()
        .filter(|budget| known(budget).is_none())
        .map(|budget| format!("the error budget of `{}` is not known", budget.slo))
        .collect();
    if !unknown.is_empty() {
        let reason = list(unknown.into_iter());
        return told(Rule::Budget, RuleResult::Inconclusive, value, limit, reason);
    }
    told(Rule::Budget, RuleResult::Pass, value, limit, "every objective has budget left")
}

/// A service without an objective promises nothing that could be checked; that is unknown, not healthy.
fn no_objective(rule: Rule, limit: &str, input: &GateInput) -> Option<RuleOutcome> {
    input.budgets.is_empty().then(|| {
        let reason = format!(
            "{} has no objective to judge by; declare one, or switch the rule `{}` off in the policy",
            input.service,
            rule.as_str()
        );
        told(rule, RuleResult::Inconclusive, "no objective", limit, reason)
    })
}

fn freeze(input: &GateInput) -> RuleOutcome {
    let limit = "none in force";
    let in_force: Vec<_> = input
        .freezes
        .iter()
        .filter(|freeze| freeze.covers(&input.service, &input.environment, input.at))
        .map(|freeze| {
            let until = match freeze.until {
                Some(until) => format!("until {until}"),
                None => "until it is lifted".to_owned(),
            };
            format!("{} froze it {until}: {}", freeze.by, one_line(&freeze.reason))
        })
        .collect();
    if in_force.is_empty() {
        return told(Rule::Freeze, RuleResult::Pass, "none", limit, "no freeze is in force");
    }
    let text = list(in_force.into_iter());
    told(Rule::Freeze, RuleResult::Block, text.clone(), limit, text)
}

fn list(mut items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED_MAX);
    let shown = items.by_ref().take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// A sentence has no line breaks, whatever people wrote.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn rate(rate: f64) -> String {
    format!("{rate:.1}").trim_end_matches(".0").to_owned()
}

fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.trim_end_matches(".0"))
}
