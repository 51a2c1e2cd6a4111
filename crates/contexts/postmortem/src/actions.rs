//! Action items that the facts suggest; people keep, change or strike them.

use std::time::Duration;

use crate::{
    document::Block,
    input::{Factor, FactorKind, Input},
};

/// Slower than this, detection is worth an action.
pub(crate) const DETECTION_SLOW: Duration = Duration::from_secs(5 * 60);

pub(crate) fn table(input: &Input) -> Block {
    let mut rows = Vec::new();
    if let Some(factor) = input.main_factor() {
        rows.extend(against(input, factor));
    }
    let own = || input.owner(&input.service);
    if input.opened_at.since(input.start()) > DETECTION_SLOW {
        rows.push((format!("Find out why the alert of {} came late", input.service), own()));
    }
    if input.acknowledged.is_none() && input.pages_sent > 0 {
        rows.push(("Check who is paged and how: nobody acknowledged".to_owned(), own()));
    }
    let by_hand = input.mitigation.as_ref().is_some_and(|mitigation| !mitigation.automatic);
    let is_deploy = input.main_factor().is_some_and(|factor| factor.kind == FactorKind::Deploy);
    if by_hand && is_deploy {
        let what = format!("Consider automatic rollbacks in the policy of {}", input.service);
        rows.push((what, own()));
    }
    if input.reopened > 0 {
        rows.push((
            format!("Lengthen the recovery window of {}: it ended too early", input.service),
            own(),
        ));
    }
    if rows.is_empty() {
        rows.push(("(what would have prevented or shortened this?)".to_owned(), own()));
    }
    Block::Table {
        head: vec!["Action", "Owner", "Due"],
        rows: rows
            .into_iter()
            .map(|(what, owner)| vec![what, owner, "(date)".to_owned()])
            .collect(),
    }
}

fn against(input: &Input, factor: &Factor) -> Vec<(String, String)> {
    let service = &factor.service;
    let owner = input.owner(service);
    let version = factor.version.as_deref().unwrap_or("this version");
    let mut rows = match factor.kind {
        FactorKind::Deploy => vec![
            (
                format!(
                    "Add a test that fails on {service} {version}, before the change ships again"
                ),
                owner.clone(),
            ),
            (
                format!("Send a small share of requests to a new version of {service} first"),
                owner.clone(),
            ),
        ],
        FactorKind::Config => vec![(
            format!("Check configurations of {service} for this before they are applied"),
            owner.clone(),
        )],
        FactorKind::Dependency => vec![
            (
                format!(
                    "Decide how {} behaves while {service} fails: time-out, retry, fallback",
                    input.service
                ),
                input.owner(&input.service),
            ),
            (
                format!("Agree on an objective for {service} that its callers can rely on"),
                owner.clone(),
            ),
        ],
    };
    if factor.kind == FactorKind::Deploy && factor.reference.is_none() {
        rows.push((format!("Record every deploy of {service}"), owner));
    }
    rows
}
