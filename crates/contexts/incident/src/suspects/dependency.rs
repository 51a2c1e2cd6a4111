//! Services that the failing one calls, and their peers, as suspects.

use std::collections::BTreeMap;

use super::{
    evidence::{Counts, ErrorSource, Evidence},
    stats,
    suspect::{Numbers, Suspect, SuspectKind},
    words,
};

/// A little under one: of two things that explain all, the change can be taken back.
const WEIGHT: f64 = 0.95;

/// Every service but the failing one in which failing traces fail deepest; of the failing one, the peers that it calls.
pub(super) fn suspects(evidence: &Evidence) -> Vec<Suspect> {
    let mut by_name: BTreeMap<&str, Vec<&ErrorSource>> = BTreeMap::new();
    for source in evidence.error_sources.iter().filter(|source| source.traces > 0) {
        let name = match &source.external_peer {
            Some(peer) if source.service == evidence.service => peer,
            None if source.service == evidence.service => continue,
            _ => &source.service,
        };
        by_name.entry(name).or_default().push(source);
    }
    by_name.into_iter().map(|(name, sources)| suspect(evidence, name, &sources)).collect()
}

fn suspect(evidence: &Evidence, name: &str, sources: &[&ErrorSource]) -> Suspect {
    let traces = sources.iter().map(|source| source.traces).sum::<u64>();
    let traces = Counts::new(traces.min(evidence.failing_traces), evidence.failing_traces);
    let (proven, _) = stats::interval(traces, 0.95);
    Suspect {
        kind: SuspectKind::Dependency,
        service: name.into(),
        version: None,
        reference: None,
        at: None,
        by: None,
        score: WEIGHT * proven,
        evidence: sentence(evidence, name, traces, sources).into(),
        concurrent: false,
        numbers: Numbers { traces, ..Numbers::default() },
    }
}

fn sentence(evidence: &Evidence, name: &str, traces: Counts, sources: &[&ErrorSource]) -> String {
    let main = sources.iter().max_by_key(|source| source.traces);
    let operation = main.map_or("", |source| &*source.operation);
    let peer = main.and_then(|source| source.external_peer.as_deref());
    let share = words::percent(traces);
    match peer {
        Some(peer) if peer == name => format!(
            "{share} of failing traces fail deepest in `{operation}` of {}, which calls {peer}",
            evidence.service
        ),
        Some(peer) => {
            format!(
                "{share} of failing traces fail deepest in {name} `{operation}`, which calls {peer}"
            )
        }
        None => format!("{share} of failing traces fail deepest in {name} `{operation}`"),
    }
}
