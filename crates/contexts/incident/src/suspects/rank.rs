//! Puts the suspects in order.

use std::cmp::Ordering;

use crate::limits;

use super::{change, dependency, evidence::Evidence, suspect::Suspect};

/// Names the suspects of a failure, the likeliest first, at most [`limits::SUSPECTS_MAX`].
///
/// Those that the evidence clears come last, and their sentence says why. An empty list means that nothing changed and
/// nothing that is called fails.
pub fn rank(evidence: &Evidence) -> Vec<Suspect> {
    let mut suspects = change::suspects(evidence);
    let explained = suspects
        .iter()
        .filter(|suspect| suspect.concurrent)
        .map(|suspect| suspect.score)
        .fold(0.0, f64::max);
    let rest = (1.0 - explained).clamp(0.0, 1.0);
    for suspect in suspects.iter_mut().filter(|suspect| !suspect.concurrent) {
        suspect.score *= rest;
    }
    let mut dependencies = dependency::suspects(evidence);
    for dependency in &mut dependencies {
        dependency.score *= rest * (1.0 - change_within(&suspects, dependency));
    }
    suspects.append(&mut dependencies);
    suspects.sort_by(order);
    suspects.truncate(limits::SUSPECTS_MAX);
    suspects
}

/// What a change of the dependency itself explains: then the change is the suspect, rather than the service.
fn change_within(changes: &[Suspect], dependency: &Suspect) -> f64 {
    changes
        .iter()
        .filter(|change| !change.concurrent && change.service == dependency.service)
        .map(|change| change.score)
        .fold(0.0, f64::max)
}

/// By score; of equals the change that came last, since it is the likelier and the cheaper to take back.
fn order(left: &Suspect, right: &Suspect) -> Ordering {
    right
        .score
        .total_cmp(&left.score)
        .then_with(|| right.at.cmp(&left.at))
        .then_with(|| left.kind.cmp(&right.kind))
        .then_with(|| left.service.cmp(&right.service))
        .then_with(|| left.version.cmp(&right.version))
        .then_with(|| left.reference.cmp(&right.reference))
}
