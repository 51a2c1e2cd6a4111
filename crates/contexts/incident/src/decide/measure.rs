//! What Evenkeel measures while an incident lasts: impact, suspects, recovery. What flaps is folded into few facts.

use std::time::Duration;

use model::{Actor, Timestamp};

use crate::{
    command::ImpactReading,
    fact::{Fact, ResolvedBecause},
    incident::{Impact, Incident},
    limits,
    recovery::{self, Reading, RecoveryPolicy, RecoveryVerdict},
    state::State,
    suspects::Suspect,
};

/// A suspect's score must move by this much to be told again.
const SCORE_STEP: f64 = 0.1;
/// Impact must grow by this share to be told again.
const IMPACT_STEP: f64 = 0.01;
/// A relapse needs this many bad events, as an alert of a young service does.
const RELAPSE_BAD_MIN: u64 = 10;
/// And evidence that comes by chance less often than this, as a page does.
const RELAPSE_CHANCE_MAX: f64 = 0.001;

/// A new first suspect is told at once, other changes at most every [`limits::FOLD`].
///
/// Once something was done against the failure its evidence fades (the bad version serves no more), so the ranking is kept
/// as it was, unless the recovery test says that it failed on, or the failures speak against a change that came since.
pub(super) fn suspects(incident: &Incident, suspects: &[Suspect], now: Timestamp) -> Vec<Fact> {
    let failed_on = |(_, progress): (RecoveryPolicy, recovery::Progress)| {
        progress.verdict == RecoveryVerdict::StillFailing
    };
    if let Some(done) = &incident.mitigation {
        // Something that came since, and that the failures speak against.
        let is_new = suspects.first().is_some_and(|first| {
            first.score > 0.0 && first.at.is_some_and(|changed_at| changed_at > done.at)
        });
        if !is_new && !incident.recovery.is_some_and(failed_on) {
            return Vec::new();
        }
    }
    let kept = &suspects[..suspects.len().min(limits::SUSPECTS_MAX)];
    let known = &incident.suspects;
    let same_first = match (known.first(), kept.first()) {
        (Some(before), Some(after)) => before.is_same(after),
        (None, None) => return Vec::new(),
        _ => false,
    };
    let moved = known.len() != kept.len()
        || known.iter().zip(kept).any(|(before, after)| {
            !before.is_same(after) || (before.score - after.score).abs() >= SCORE_STEP
        });
    let due = incident.suspects_at.is_none_or(|at| now.since(at) >= limits::FOLD);
    if !same_first || (moved && due) {
        vec![Fact::SuspectsRanked { incident: incident.id, suspects: kept.to_vec(), at: now }]
    } else {
        Vec::new()
    }
}

pub(super) fn impact(
    incident: &Incident,
    reading: &ImpactReading,
    last: bool,
    now: Timestamp,
) -> Vec<Fact> {
    let tell = match &incident.impact {
        None => true,
        Some(known) if last => !is_equal(known, reading),
        Some(known) => {
            incident.is_open()
                && now.since(known.measured_at) >= limits::FOLD
                && is_visibly_different(known, reading)
        }
    };
    if tell {
        vec![Fact::ImpactMeasured { incident: incident.id, impact: reading.clone(), at: now }]
    } else {
        Vec::new()
    }
}

fn is_equal(known: &Impact, reading: &ImpactReading) -> bool {
    known.bad_events == reading.bad_events
        && known.total_events == reading.total_events
        && known.users_affected_share == reading.users_affected_share
        && known.since == reading.since
}

#[expect(clippy::cast_precision_loss, reason = "compared to one part in a hundred")]
fn is_visibly_different(known: &Impact, reading: &ImpactReading) -> bool {
    let grown = known.bad_events.abs_diff(reading.bad_events) as f64;
    let users = match (known.users_affected_share, reading.users_affected_share) {
        (Some(before), Some(after)) => (before - after).abs() >= IMPACT_STEP,
        (None, None) => false,
        _ => true,
    };
    known.since != reading.since
        || users
        || (grown > 0.0 && grown >= IMPACT_STEP * known.bad_events as f64)
}

/// A fact when the verdict changes; the end, or the end of the end, when it says so.
pub(super) fn recovery(
    state: &State,
    incident: &Incident,
    reading: Reading,
    policy: RecoveryPolicy,
    now: Timestamp,
) -> Vec<Fact> {
    if !incident.is_open() {
        return relapse(state, incident, reading, policy, now);
    }
    let Some(start) = incident.recovery_starts_at() else { return Vec::new() };
    let progress = recovery::assess(&policy, start, reading);
    let mut facts = Vec::new();
    if incident.recovery.is_none_or(|(_, known)| known.verdict != progress.verdict) {
        facts.push(Fact::RecoveryMeasured { incident: incident.id, policy, progress, at: now });
    }
    if progress.verdict == RecoveryVerdict::Recovered {
        facts.push(Fact::Resolved {
            incident: incident.id,
            because: ResolvedBecause::Recovered,
            reason: progress.sentence(&policy).into(),
            at: now,
            by: Actor::system("recovery"),
        });
    }
    facts
}

/// An incident that ended before its page did has no new alert to page for a relapse: it is opened again when that page
/// still fires and what failed since is more than chance explains.
fn relapse(
    state: &State,
    incident: &Incident,
    reading: Reading,
    policy: RecoveryPolicy,
    now: Timestamp,
) -> Vec<Fact> {
    let Some(end) = &incident.resolution else { return Vec::new() };
    let newest = state.newest_on(&incident.key).is_some_and(|newest| newest.id == incident.id);
    let is_evident = reading.total_events >= policy.min_events
        && reading.bad_events >= RELAPSE_BAD_MIN
        && recovery::chance(&reading) < RELAPSE_CHANCE_MAX;
    if !newest || !incident.has_firing_page() || !is_evident {
        return Vec::new();
    }
    // All of the window must lie after the end: what was failing before is no relapse. It may be young where the test had
    // passed; a person who says that it is over is given a whole one.
    let window = if end.automatic { Duration::ZERO } else { policy.window };
    let progress = recovery::assess(&RecoveryPolicy { window, ..policy }, end.at, reading);
    if progress.verdict != RecoveryVerdict::StillFailing {
        return Vec::new();
    }
    let reason = format!(
        "{} of {} events bad since it {}, {} allowed, and an alert still fires",
        reading.bad_events,
        reading.total_events,
        if end.automatic { "recovered" } else { "was resolved" },
        progress.allowed_bad
    );
    vec![Fact::Reopened {
        incident: incident.id,
        reason: reason.into(),
        at: now,
        by: Actor::system("recovery"),
    }]
}
