//! Redactors of every kind, and texts through them.

use std::collections::BTreeMap;

use ingest::{
    Findings, Redactor,
    redact::{Action, Policy, TokenKey},
};
use model::Value;

pub(crate) fn token_key(id: &str) -> TokenKey {
    TokenKey {
        id: id.into(),
        secret: format!("the key {id} of a test, not of an installation").into_bytes().into(),
    }
}

/// All built-in rules with one action.
pub(crate) fn acting(action: Action, dry_run: bool) -> Redactor {
    let token_key = Some(token_key("k1"));
    Redactor::with(&Policy { action, dry_run, token_key, ..Policy::default() })
        .expect("the rules compile")
}

/// Rules named by `on` beside those that are on anyway.
pub(crate) fn with_rules(on: &[&str]) -> Redactor {
    let setting = ingest::redact::Setting { enabled: Some(true), ..Default::default() };
    let rules: BTreeMap<Box<str>, _> = on.iter().map(|name| ((*name).into(), setting)).collect();
    Redactor::with(&Policy { rules, ..Policy::default() }).expect("the rules compile")
}

/// The text after redaction.
pub(crate) fn text(redactor: &Redactor, text: &str) -> String {
    let mut out: Box<str> = text.into();
    redactor.text(&mut out, &mut Findings::default());
    out.into()
}

/// A value after redaction, and what was found as `rule action place key`.
pub(crate) fn value(redactor: &Redactor, mut value: Value) -> (String, Vec<String>) {
    let mut findings = Findings::default();
    redactor.value(&mut value, &mut findings);
    (value.to_string(), listed(&findings))
}

pub(crate) fn listed(findings: &Findings) -> Vec<String> {
    let all = findings.found();
    all.map(|(one, count)| {
        let dry = if one.dry_run { " dry" } else { "" };
        format!(
            "{count} {} {}{dry} {} {}",
            one.rule,
            one.action.as_str(),
            one.place.as_str(),
            one.key
        )
    })
    .collect()
}
