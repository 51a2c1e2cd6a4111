//! What an apply would change, and what that would do.

use std::collections::BTreeMap;

use alert::routing::{Integration, Receiver, Routing};
use catalog::Entry;
use deploy::{Policy, RollbackMode};
use slo::Slo;

use super::{Repo, Runbook, text::print_duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

impl ChangeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// One object that an apply would add, remove or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// `SLO`, `route`, `receiver`, `policy`, `service` or `runbook`.
    pub object: &'static str,
    pub name: Box<str>,
    /// What it would do; one sentence each.
    pub effects: Vec<String>,
}

/// What would change from `old` to `new`, grouped by object and sorted by name.
pub fn diff(old: Option<&Repo>, new: &Repo) -> Vec<Change> {
    let mut changes = Vec::new();
    let old_slos = old.map_or(&[][..], |repo| &repo.slos);
    changes.extend(compare("SLO", old_slos, &new.slos, |slo| &slo.name, &SLO));
    changes.extend(routing(old.and_then(|repo| repo.routing.as_ref()), new.routing.as_ref()));
    let old_policies = old.map_or(&[][..], |repo| &repo.policies);
    changes.extend(compare("policy", old_policies, &new.policies, |policy| &policy.name, &POLICY));
    let old_services = old.map_or(&[][..], |repo| &repo.services);
    changes.extend(compare("service", old_services, &new.services, |entry| &entry.name, &SERVICE));
    let old_runbooks = old.map_or(&[][..], |repo| &repo.runbooks);
    changes.extend(compare(
        "runbook",
        old_runbooks,
        &new.runbooks,
        |runbook| &runbook.path,
        &RUNBOOK,
    ));
    changes
}

/// What to say of one kind of object.
struct Words<T> {
    added: fn(&T) -> String,
    removed: fn(&T) -> String,
    changed: fn(&T, &T) -> Vec<String>,
}

fn compare<T: PartialEq>(
    object: &'static str,
    old: &[T],
    new: &[T],
    name: fn(&T) -> &str,
    words: &Words<T>,
) -> Vec<Change> {
    let by_name = |list| -> BTreeMap<&str, &T> {
        let list: &[T] = list;
        list.iter().map(|item| (name(item), item)).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let change = |kind, name: &str, effects| Change { kind, object, name: name.into(), effects };
    let mut changes = Vec::new();
    for (name, item) in &new {
        match old.get(name) {
            None => changes.push(change(ChangeKind::Added, name, vec![(words.added)(item)])),
            Some(before) if before != item => {
                changes.push(change(ChangeKind::Changed, name, (words.changed)(before, item)));
            }
            Some(_) => {}
        }
    }
    for (name, item) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        changes.push(change(ChangeKind::Removed, name, vec![(words.removed)(item)]));
    }
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

/// Collects sentences about fields that differ.
#[derive(Default)]
struct Effects(Vec<String>);

impl Effects {
    fn note<V: PartialEq>(
        &mut self,
        before: &V,
        after: &V,
        sentence: impl FnOnce(&V, &V) -> String,
    ) {
        if before != after {
            self.0.push(sentence(before, after));
        }
    }

    /// The sentences; `rest` when what differs has none of its own.
    fn or(self, rest: &str) -> Vec<String> {
        if self.0.is_empty() { vec![rest.into()] } else { self.0 }
    }
}

const SLO: Words<Slo> = Words {
    added: |slo| {
        format!(
            "{} over {} of {}: counted from now on, and its burns page",
            slo.objective, slo.window, slo.service
        )
    },
    removed: |slo| {
        format!(
            "its burns no longer page, and its budget no longer blocks deploys of {}",
            slo.service
        )
    },
    changed: |old, new| {
        let mut effects = Effects::default();
        effects.note(&old.objective, &new.objective, |old, new| {
            format!("objective {old} -> {new}: {}", budget(old.budget(), new.budget()))
        });
        effects.note(&old.window, &new.window, |old, new| {
            format!("window {old} -> {new}: the budget is spent over another time")
        });
        if old.indicator.fingerprint() != new.indicator.fingerprint() {
            effects.0.push("it counts other events: its counts start anew".into());
        }
        effects.note(&old.service, &new.service, |old, new| format!("service {old} -> {new}"));
        effects.note(&old.environment, &new.environment, |old, new| {
            let text = |name: &Option<Box<str>>| name.as_deref().unwrap_or("any").to_owned();
            format!("environment {} -> {}", text(old), text(new))
        });
        effects.note(&old.owner, &new.owner, |_, new| {
            format!("owner is {}", new.as_deref().unwrap_or("nobody"))
        });
        effects.note(&old.labels, &new.labels, |_, _| {
            "its labels change: routes may match others".into()
        });
        effects.or("only its texts change")
    },
};

/// How the error budget changes, in words.
fn budget(old: f64, new: f64) -> String {
    let (factor, word) = if new >= old { (new / old, "more") } else { (old / new, "less") };
    let factor = if factor < 10.0 { format!("{factor:.1}") } else { format!("{factor:.0}") };
    format!("{}x {word} budget", factor.trim_end_matches(".0"))
}

fn routing(old: Option<&Routing>, new: Option<&Routing>) -> Vec<Change> {
    let receivers = |routing: Option<&Routing>| -> Vec<Receiver> {
        routing.map(|routing| routing.receivers().cloned().collect()).unwrap_or_default()
    };
    let mut changes =
        compare("receiver", &receivers(old), &receivers(new), |receiver| &receiver.name, &RECEIVER);
    let (kind, effect) = match (old.map(Routing::root), new.map(Routing::root)) {
        (None, Some(root)) => (
            ChangeKind::Added,
            format!("alerts go to {} unless a route says otherwise", root.receiver),
        ),
        (Some(_), None) => (ChangeKind::Removed, "nobody is told of an alert".into()),
        (Some(old), Some(new)) if old.receiver != new.receiver => (
            ChangeKind::Changed,
            format!(
                "what no other route takes goes to {} instead of {}",
                new.receiver, old.receiver
            ),
        ),
        (Some(old), Some(new)) if old != new => {
            (ChangeKind::Changed, "alerts may go to other receivers, or at other times".into())
        }
        _ => return changes,
    };
    changes.push(Change { kind, object: "route", name: "route".into(), effects: vec![effect] });
    changes
}

const RECEIVER: Words<Receiver> = Words {
    added: |receiver| format!("can be told by {}", targets(receiver)),
    removed: |receiver| format!("{} is no longer told", targets(receiver)),
    changed: |old, new| {
        let mut effects = Effects::default();
        effects.note(&targets(old), &targets(new), |old, new| {
            format!("told by {new} instead of {old}")
        });
        effects.or("its address or settings change")
    },
};

fn targets(receiver: &Receiver) -> String {
    let targets: Vec<String> = receiver.integrations.iter().map(Integration::target).collect();
    if targets.is_empty() { "nothing".into() } else { targets.join(" and ") }
}

const POLICY: Words<Policy> = Words {
    added: |policy| {
        format!("holds for {}: {}", policy.services.join(", "), mode(policy.rollback.mode))
    },
    removed: |policy| {
        format!("{} fall under another policy or the defaults", policy.services.join(", "))
    },
    changed: |old, new| {
        let mut effects = Effects::default();
        effects.note(&old.services, &new.services, |old, new| {
            format!("holds for {} instead of {}", new.join(", "), old.join(", "))
        });
        effects.note(&old.environment, &new.environment, |_, new| {
            format!("holds in {}", new.as_deref().unwrap_or("any environment"))
        });
        effects.note(&old.rollback.mode, &new.rollback.mode, |_, new| mode(*new).into());
        if old.rollback != new.rollback && old.rollback.mode == new.rollback.mode {
            effects.0.push("an automatic rollback asks for other evidence".into());
        }
        effects.note(&old.recovery_window, &new.recovery_window, |old, new| {
            format!(
                "an incident recovers in {} instead of {}",
                print_duration(*new),
                print_duration(*old)
            )
        });
        effects.note(&old.recovery_min_events, &new.recovery_min_events, |old, new| {
            format!("a recovery needs {new} events instead of {old}")
        });
        effects.note(&old.gate, &new.gate, |_, _| "its gate checks by other rules".into());
        effects.note(&old.freezes, &new.freezes, |old, new| {
            format!("{} freezes instead of {}", new.len(), old.len())
        });
        effects.or("nothing that has an effect changes")
    },
};

const fn mode(mode: RollbackMode) -> &'static str {
    match mode {
        RollbackMode::Automatic => {
            "a bad deploy is rolled back without asking when the evidence is clear"
        }
        RollbackMode::Offer => "a rollback is offered as a button",
        RollbackMode::Off => "rollbacks are neither run nor offered",
    }
}

const SERVICE: Words<Entry> = Words {
    added: |entry| format!("owned by {}", entry.owner.as_deref().unwrap_or("nobody")),
    removed: |_| "no longer in the catalogue; its telemetry still shows it".into(),
    changed: |old, new| {
        let mut effects = Effects::default();
        effects.note(&old.owner, &new.owner, |_, new| {
            format!("owned by {}", new.as_deref().unwrap_or("nobody"))
        });
        effects.note(&old.tier, &new.tier, |_, new| {
            format!("tier {}", new.as_deref().unwrap_or("none"))
        });
        effects.note(&old.lifecycle, &new.lifecycle, |_, new| {
            format!("lifecycle {}", new.as_deref().unwrap_or("none"))
        });
        effects.note(&old.depends_on, &new.depends_on, |_, new| {
            format!("depends on {}", if new.is_empty() { "nothing".into() } else { new.join(", ") })
        });
        effects.or("only its texts and links change")
    },
};

const RUNBOOK: Words<Runbook> = Words {
    added: |runbook| {
        format!(
            "“{}”, shown with incidents of {}",
            runbook.title,
            runbook.service.as_deref().unwrap_or("any service")
        )
    },
    removed: |runbook| format!("“{}” is no longer shown", runbook.title),
    changed: |_, _| vec!["its text changes".into()],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{RepoFiles, parse};

    const SLO_FILE: &str = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: checkout\n  budgetingMethod: Occurrences\n  timeWindow: [{duration: 30d, isRolling: true}]\n  indicator:\n    metadata: {name: i}\n    spec:\n      ratioMetric:\n        total: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout}}}\n        bad: {metricSource: {type: Evenkeel/Spans, spec: {status: error}}}\n  objectives: [{target: 0.999}]\n";
    const ROUTING_FILE: &str = "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'https://x/secret'}]}]\n";
    const POLICY_FILE: &str = "apiVersion: evenkeel.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec: {services: [checkout]}\n";
    const SERVICE_FILE: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: checkout}\nspec: {type: service, lifecycle: production, owner: payments}\n";
    const RUNBOOK_FILE: &str = "---\ntitle: Orders fail\nservice: checkout\n---\nLook.\n";

    fn repo(edit: impl Fn(&str) -> String) -> Repo {
        let files = [
            ("slos/a.yaml", SLO_FILE),
            ("routing.yaml", ROUTING_FILE),
            ("policies/p.yaml", POLICY_FILE),
            ("services/checkout.yaml", SERVICE_FILE),
            ("runbooks/a.md", RUNBOOK_FILE),
        ];
        let files = files.into_iter().map(|(path, text)| (path.into(), edit(text).into_bytes()));
        parse(&RepoFiles { files: files.collect(), ..RepoFiles::default() }).unwrap().repo
    }

    fn check(old: Option<&Repo>, new: &Repo) -> String {
        let lines = diff(old, new).into_iter().map(|change| {
            let Change { kind, object, name, effects } = change;
            format!("{} {object} {name}: {}", kind.as_str(), effects.join("; "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_changes_from_itself() {
        let repo = repo(str::to_owned);
        assert_eq!(check(Some(&repo), &repo), "");
    }

    #[test]
    fn the_first_apply_adds_everything() {
        insta::assert_snapshot!(check(None, &repo(str::to_owned)), @r"
        added SLO a: 99.9 % over 30 d of checkout: counted from now on, and its burns page
        added receiver a: can be told by https://x
        added route route: alerts go to a unless a route says otherwise
        added policy p: holds for checkout: a rollback is offered as a button
        added service checkout: owned by payments
        added runbook runbooks/a.md: “Orders fail”, shown with incidents of checkout
        ");
    }

    #[test]
    fn changes_say_what_they_would_do() {
        let old = repo(str::to_owned);
        let edits: [(&str, &str); 9] = [
            ("0.999", "0.995"),
            ("30d", "28d"),
            ("status: error", "latencyOver: 1s"),
            ("{receiver: a}", "{receiver: b}"),
            ("[{name: a, ", "[{name: b}, {name: a, "),
            (
                "{services: [checkout]}",
                "{services: ['*'], rollback: {mode: automatic}, recovery: {window: 60s}}",
            ),
            ("owner: payments", "owner: orders"),
            ("x/secret", "x/other"),
            ("Look.", "Look again."),
        ];
        let edit = |text: &str| {
            edits.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        insta::assert_snapshot!(check(Some(&old), &repo(edit)), @r"
        changed SLO a: objective 99.9 % -> 99.5 %: 5x more budget; window 30 d -> 28 d: the budget is spent over another time; it counts other events: its counts start anew; owner is orders
        changed receiver a: its address or settings change
        added receiver b: can be told by nothing
        changed route route: what no other route takes goes to b instead of a
        changed policy p: holds for * instead of checkout; a bad deploy is rolled back without asking when the evidence is clear; an incident recovers in 1m instead of 10m
        changed service checkout: owned by orders
        changed runbook runbooks/a.md: its text changes
        ");
    }

    #[test]
    fn what_goes_is_named() {
        let old = repo(str::to_owned);
        let new = parse(&RepoFiles::default()).unwrap().repo;
        insta::assert_snapshot!(check(Some(&old), &new), @r"
        removed SLO a: its burns no longer page, and its budget no longer blocks deploys of checkout
        removed receiver a: https://x is no longer told
        removed route route: nobody is told of an alert
        removed policy p: checkout fall under another policy or the defaults
        removed service checkout: no longer in the catalogue; its telemetry still shows it
        removed runbook runbooks/a.md: “Orders fail” is no longer shown
        ");
    }

    #[test]
    fn budgets_are_compared_in_words() {
        assert_eq!(budget(0.001, 0.005), "5x more budget");
        assert_eq!(budget(0.001, 0.0032), "3.2x more budget");
        assert_eq!(budget(0.01, 0.0001), "100x less budget");
    }
}
