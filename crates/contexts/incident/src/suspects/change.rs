//! Deploys and configurations as suspects.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::Timestamp;

use super::{
    evidence::{Change, ChangeKind, Counts, Evidence, VersionOutcome},
    stats,
    suspect::{Numbers, Suspect, SuspectKind},
    words,
};

/// Of intervals.
const CONFIDENCE: f64 = 0.95;
/// A contrast that chance makes more often than this counts as none.
const P_MAX: f64 = 0.01;
/// A version with fewer requests than this is not compared with.
const COMPARED_MIN: u64 = 10;
/// One in so many failures must fall where both versions served; otherwise their comparison is about another time.
const COVERED_ONE_IN: u64 = 10;
/// A version that nobody recorded is named only when it explains at least this much.
const UNRECORDED_MIN: f64 = 0.5;
/// What before and after may say at most, for all that happens at the same time by chance.
const DEPLOY_WEIGHT: f64 = 0.8;
const CONFIG_WEIGHT: f64 = 0.7;
/// What they may say when nothing is known of the time before.
const NO_BASELINE: f64 = 0.3;
/// A change's own share of failures that originate in something it calls: it may call it wrongly.
const ORIGIN_ELSEWHERE: f64 = 0.2;
/// Its share of failures at a peer without telemetry.
const ORIGIN_AT_PEER: f64 = 0.5;
/// A change is recorded when it is done, so failures may begin a little before.
const ONSET_TOLERANCE: Duration = Duration::from_secs(120);
/// After this time between change and failures, before and after says half as much.
const DELAY_HALF: Duration = Duration::from_secs(30 * 60);

/// Every change as a suspect, and every version that stands out though nobody recorded it.
pub(super) fn suspects(evidence: &Evidence) -> Vec<Suspect> {
    let mut suspects: Vec<_> =
        evidence.changes.iter().map(|change| of_change(evidence, change)).collect();
    let recorded: BTreeSet<_> = evidence
        .changes
        .iter()
        .filter_map(|change| Some((&change.service, change.version.as_ref()?)))
        .collect();
    let seen: BTreeSet<_> =
        evidence.by_version.iter().map(|outcome| (&outcome.service, &outcome.version)).collect();
    suspects.extend(
        seen.difference(&recorded)
            .filter_map(|(service, version)| unrecorded(evidence, service, version)),
    );
    suspects
}

fn of_change(evidence: &Evidence, change: &Change) -> Suspect {
    let contrast = change
        .version
        .as_deref()
        .filter(|_| change.kind == ChangeKind::Deploy)
        .and_then(|version| Contrast::of(evidence, &change.service, version));
    let finding = match &contrast {
        Some(contrast) => contrast.finding(),
        None => before_and_after(evidence, change),
    };
    Suspect {
        kind: match change.kind {
            ChangeKind::Deploy => SuspectKind::Deploy,
            ChangeKind::Config => SuspectKind::Config,
        },
        service: change.service.clone(),
        version: change.version.clone().filter(|_| change.kind == ChangeKind::Deploy),
        reference: Some(change.reference.clone()),
        at: Some(change.at),
        by: Some(change.by.clone()),
        score: finding.score,
        evidence: finding.sentence.into(),
        concurrent: contrast.is_some(),
        numbers: finding.numbers,
    }
}

fn unrecorded(evidence: &Evidence, service: &str, version: &str) -> Option<Suspect> {
    let finding = Contrast::of(evidence, service, version)?.finding();
    (finding.score >= UNRECORDED_MIN).then(|| Suspect {
        kind: SuspectKind::Deploy,
        service: service.into(),
        version: Some(version.into()),
        reference: None,
        at: None,
        by: None,
        score: finding.score,
        evidence: format!("{}; no deploy of it is on record", finding.sentence).into(),
        concurrent: true,
        numbers: finding.numbers,
    })
}

struct Finding {
    score: f64,
    sentence: String,
    numbers: Numbers,
}

/// Two versions of one service, compared where they served at the same time.
struct Contrast<'a> {
    service: &'a str,
    version: &'a str,
    on: Counts,
    other: &'a str,
    elsewhere: Counts,
    /// Failures through any version of the service, and at least those of the failing service.
    failures: u64,
}

impl<'a> Contrast<'a> {
    /// Compares with that other version which is surest to be good.
    ///
    /// `None` when no other version served beside this one while it failed.
    fn of(evidence: &'a Evidence, service: &'a str, version: &'a str) -> Option<Self> {
        let others: BTreeSet<&str> = outcomes(evidence, service)
            .map(|outcome| &*outcome.version)
            .filter(|other| *other != version)
            .collect();
        others
            .into_iter()
            .filter_map(|other| Self::between(evidence, service, version, other))
            .min_by(|left, right| {
                upper(left.elsewhere)
                    .total_cmp(&upper(right.elsewhere))
                    .then_with(|| right.elsewhere.total.cmp(&left.elsewhere.total))
            })
    }

    fn between(
        evidence: &'a Evidence,
        service: &'a str,
        version: &'a str,
        other: &'a str,
    ) -> Option<Self> {
        let (ours, theirs) = (slices(evidence, service, version), slices(evidence, service, other));
        let shared: BTreeMap<_, _> = ours
            .into_iter()
            .filter_map(|(slice, on)| Some((slice, (on, *theirs.get(&slice)?))))
            .collect();
        let (on, elsewhere) = stats::standardised(shared.values().copied());
        let failures = |service: &str, all: bool| {
            outcomes(evidence, service)
                .filter(|outcome| all || shared.contains_key(&outcome.slice))
                .map(|outcome| outcome.counts.failed)
                .sum::<u64>()
        };
        let worst = |all| failures(service, all).max(failures(&evidence.service, all));
        let comparable = on.total > 0
            && elsewhere.total >= COMPARED_MIN
            && worst(false).saturating_mul(COVERED_ONE_IN) >= worst(true);
        comparable.then(|| Self { service, version, on, other, elsewhere, failures: worst(false) })
    }

    fn finding(&self) -> Finding {
        let Self { service, version, on, other, elsewhere, failures } = *self;
        let p_value = stats::fisher_greater(on, elsewhere);
        let carried = Counts::new(on.failed, failures);
        let score = if p_value <= P_MAX { explained(on, elsewhere, failures) } else { 0.0 };
        let (here, there) = (words::percent(on), words::percent(elsewhere));
        let sentence = if p_value <= P_MAX && score >= UNRECORDED_MIN {
            format!(
                "{} of failures carry {service} {version}; of requests on {other}, {there} fail",
                words::percent(carried)
            )
        } else if p_value <= P_MAX {
            format!(
                "{} of failures carry {service} {version}, of whose requests {here} fail; of those on {other}, {there}",
                words::percent(carried)
            )
        } else if on.total < COMPARED_MIN {
            format!(
                "too few requests to tell: {} of {} on {service} {version} failed, {} of {} on {other}",
                on.failed, on.total, elsewhere.failed, elsewhere.total
            )
        } else {
            format!(
                "speaks against it: {here} of requests on {service} {version} fail, and {there} of those on {other}"
            )
        };
        let numbers = Numbers {
            on,
            elsewhere,
            carried_share: carried.share(),
            p_value: Some(p_value),
            traces: Counts::default(),
        };
        Finding { score, sentence, numbers }
    }
}

fn outcomes<'a>(evidence: &'a Evidence, service: &str) -> impl Iterator<Item = &'a VersionOutcome> {
    evidence.by_version.iter().filter(move |outcome| *outcome.service == *service)
}

/// What ran through one version, by the slice.
fn slices(evidence: &Evidence, service: &str, version: &str) -> BTreeMap<Timestamp, Counts> {
    let mut slices = BTreeMap::new();
    for outcome in outcomes(evidence, service) {
        if *outcome.version == *version && outcome.counts.total > 0 {
            let sum: &mut Counts = slices.entry(outcome.slice).or_default();
            *sum = sum.plus(outcome.counts);
        }
    }
    slices
}

fn upper(counts: Counts) -> f64 {
    stats::interval(counts, CONFIDENCE).1
}

/// The share of `failures` that `on` has beyond what `elsewhere` would lead one to expect, as far as the intervals prove it.
#[expect(clippy::cast_precision_loss, reason = "counts under 2^53")]
fn explained(on: Counts, elsewhere: Counts, failures: u64) -> f64 {
    if failures == 0 {
        return 0.0;
    }
    let excess = stats::interval(on, CONFIDENCE).0 - upper(elsewhere);
    (excess * on.total as f64 / failures as f64).clamp(0.0, 1.0)
}

/// Judges a change by the time at which failures rose, there being no second version to compare with.
fn before_and_after(evidence: &Evidence, change: &Change) -> Finding {
    let cleared = |why: String| Finding {
        score: 0.0,
        sentence: format!("speaks against it: {why}"),
        numbers: Numbers::default(),
    };
    if let Some(why) = out_of_the_way(evidence, change) {
        return cleared(why);
    }
    let began = evidence.since.unwrap_or(evidence.from);
    if evidence.since.is_some() && began + ONSET_TOLERANCE < change.at {
        let early = words::duration(change.at.since(began));
        return cleared(format!("failures began {early} before it"));
    }
    let (now, before) = (evidence.now, evidence.baseline);
    let known = before.total >= COMPARED_MIN;
    let rise = if known { explained(now, before, now.failed) } else { NO_BASELINE };
    let weight = match change.kind {
        ChangeKind::Deploy => DEPLOY_WEIGHT,
        ChangeKind::Config => CONFIG_WEIGHT,
    };
    let delay = began.since(change.at);
    let nearness = 1.0 / (1.0 + delay.as_secs_f64() / DELAY_HALF.as_secs_f64());
    let origin = origin(evidence, &change.service);
    let what = match (&change.version, change.kind) {
        (Some(version), ChangeKind::Deploy) => format!("{} {version} came", change.service),
        (None, ChangeKind::Deploy) => format!("a deploy of {} came", change.service),
        (_, ChangeKind::Config) => format!("a configuration of {} was applied", change.service),
    };
    let before_text = if known {
        format!("before it, {}", words::percent(before))
    } else {
        "too little is known of the time before it".to_owned()
    };
    let elsewhere = if evidence.failing_traces > 0 && origin <= ORIGIN_ELSEWHERE {
        format!("; most failing traces fail elsewhere than in {}", change.service)
    } else {
        String::new()
    };
    Finding {
        score: (rise * weight * nearness * origin).clamp(0.0, 1.0),
        sentence: format!(
            "{what} {} before the failures began; since, {} of requests to {} fail; {before_text}{elsewhere}",
            words::duration(delay),
            words::percent(now),
            evidence.service,
        ),
        numbers: Numbers {
            on: now,
            elsewhere: before,
            carried_share: None,
            p_value: known.then(|| stats::fisher_greater(now, before)),
            traces: traces_of(evidence, &change.service),
        },
    }
}

/// Why no request can have met this change.
fn out_of_the_way(evidence: &Evidence, change: &Change) -> Option<String> {
    let mut of_service = outcomes(evidence, &change.service);
    let traced = outcomes(evidence, &evidence.service).next().is_some();
    match &change.version {
        Some(version) if change.kind == ChangeKind::Deploy => {
            let served = |outcome: &VersionOutcome| outcome.counts.total > 0;
            let met = outcomes(evidence, &change.service)
                .any(|one| one.version == *version && served(one));
            let others = of_service.any(served);
            (!met && (others || traced))
                .then(|| format!("no request ran through {} {version}", change.service))
        }
        _ => (traced && change.service != evidence.service && of_service.next().is_none())
            .then(|| format!("no request ran through {}", change.service)),
    }
}

/// The share of failing traces that the service itself may have caused, judged by where they fail deepest.
fn origin(evidence: &Evidence, service: &str) -> f64 {
    if evidence.failing_traces == 0 {
        return if *service == *evidence.service { 1.0 } else { ORIGIN_AT_PEER };
    }
    let share = |at_peer: bool| {
        let traces = evidence
            .error_sources
            .iter()
            .filter(|source| {
                *source.service == *service && source.external_peer.is_some() == at_peer
            })
            .map(|source| source.traces)
            .sum::<u64>();
        Counts::new(traces, evidence.failing_traces).share().unwrap_or(0.0)
    };
    (share(false) + ORIGIN_AT_PEER * share(true)).clamp(ORIGIN_ELSEWHERE, 1.0)
}

fn traces_of(evidence: &Evidence, service: &str) -> Counts {
    let sources = evidence.error_sources.iter().filter(|source| *source.service == *service);
    let traces = sources.map(|source| source.traces).sum::<u64>();
    Counts::new(traces.min(evidence.failing_traces), evidence.failing_traces)
}
