//! A shop out of dice: web calls checkout, checkout calls payment, payment calls a provider.

use std::{collections::BTreeMap, time::Duration};

use model::Timestamp;

use super::super::{Change, ChangeKind, Counts, ErrorSource, Evidence, VersionOutcome};

const SLICE: Duration = Duration::from_secs(10);
/// When failures begin.
const ONSET: i64 = 1_000_000;

pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(ONSET + secs)
}

/// What makes requests fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// Requests that this version serves.
    Version { service: &'static str, version: &'static str },
    /// A peer without telemetry, called by this service.
    Provider { service: &'static str, peer: &'static str },
    /// Something inside this service, on every version.
    Own { service: &'static str },
}

#[derive(Clone, Debug)]
pub(super) struct Rollout {
    kind: ChangeKind,
    service: &'static str,
    version: Option<&'static str>,
    secs: i64,
    /// Of the service's requests, in the end.
    pub(super) share: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Story {
    seed: u64,
    cause: Cause,
    pub(super) changes: Vec<Rollout>,
    /// Of the requests that the cause meets.
    pub(super) failing_share: f64,
    pub(super) per_second: f64,
    /// How long it has failed, and how far back the window reaches before.
    failing_for: Duration,
    before: Duration,
    /// How long a deploy takes to reach its share.
    pub(super) rollout: Duration,
}

impl Story {
    pub(super) fn new(seed: u64, cause: Cause) -> Self {
        let mut dice = Dice(seed);
        Self {
            seed,
            cause,
            changes: Vec::new(),
            failing_share: 0.95,
            per_second: 3.0 + dice.unit() * 20.0,
            failing_for: Duration::from_secs(30 + dice.below(60)),
            before: Duration::from_secs(dice.below(20)),
            rollout: Duration::ZERO,
        }
    }

    pub(super) fn deploy(
        &mut self,
        service: &'static str,
        version: &'static str,
        secs: i64,
        share: f64,
    ) {
        let (kind, version) = (ChangeKind::Deploy, Some(version));
        self.changes.push(Rollout { kind, service, version, secs, share });
    }

    pub(super) fn config(&mut self, service: &'static str, secs: i64) {
        let (kind, version) = (ChangeKind::Config, None);
        self.changes.push(Rollout { kind, service, version, secs, share: 0.0 });
    }

    pub(super) fn window(&mut self, failing_for: Duration, before: Duration) {
        (self.failing_for, self.before) = (failing_for, before);
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
    /// Sends the requests and collects what telemetry would show of them.
    pub(super) fn play(&self) -> Evidence {
        let mut dice = Dice(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(17));
        let (from, to) = (at(0) - self.before, at(0) + self.failing_for);
        let mut outcomes: BTreeMap<(&str, &str, Timestamp), Counts> = BTreeMap::new();
        let mut sources: BTreeMap<(&str, &str, Option<&str>), u64> = BTreeMap::new();
        let (mut now, mut failing_traces) = (Counts::default(), 0);
        let requests = (to.since(from).as_secs_f64() * self.per_second) as u64;
        for request in 0..requests {
            let when = from + Duration::from_secs_f64(request as f64 / self.per_second);
            let checkout = self.version("checkout", "1.9.0", when, &mut dice);
            let payment = self.version("payment", "5.0.0", when, &mut dice);
            let source = self.fails(when, (checkout, payment), &mut dice);
            let one = Counts::new(u64::from(source.is_some()), 1);
            for (service, version) in [("checkout", checkout), ("payment", payment)] {
                // What fails in checkout's own code never reaches payment.
                let stopped = service == "payment" && source.is_some_and(|one| one.0 == "checkout");
                if !stopped {
                    let sum = outcomes.entry((service, version, when.floor(SLICE))).or_default();
                    *sum = sum.plus(one);
                }
            }
            if let Some((service, peer)) = source {
                failing_traces += 1;
                let version = if service == "checkout" { checkout } else { payment };
                *sources.entry((service, version, peer)).or_default() += 1;
            }
            if when >= at(0) {
                now = now.plus(one);
            }
        }
        Evidence {
            service: "checkout".into(),
            environment: "production".into(),
            from,
            to,
            since: Some(at(0)),
            by_version: outcomes.into_iter().map(outcome).collect(),
            changes: self
                .changes
                .iter()
                .enumerate()
                .map(|(at, change)| recorded(at, change))
                .collect(),
            error_sources: sources.into_iter().map(source).collect(),
            failing_traces,
            now,
            baseline: Counts::new(30, 30_000),
        }
    }

    fn version(
        &self,
        service: &str,
        first: &'static str,
        when: Timestamp,
        dice: &mut Dice,
    ) -> &'static str {
        let deploy =
            self.changes.iter().find(|one| one.service == service && one.version.is_some());
        let unrecorded = match self.cause {
            Cause::Version { service: bad, version } if bad == service && deploy.is_none() => {
                Some((version, 0.5))
            }
            _ => None,
        };
        let (version, share) = match deploy {
            Some(deploy) if when >= at(deploy.secs) => {
                let gone = when.since(at(deploy.secs)).as_secs_f64();
                let done = (gone / self.rollout.as_secs_f64().max(1e-9)).min(1.0);
                (deploy.version.unwrap(), deploy.share * done)
            }
            Some(_) => return first,
            None => match unrecorded {
                Some(unrecorded) => unrecorded,
                None => return first,
            },
        };
        if dice.unit() < share { version } else { first }
    }

    /// Where the request fails deepest, if it does.
    fn fails(
        &self,
        when: Timestamp,
        (checkout, payment): (&str, &str),
        dice: &mut Dice,
    ) -> Option<(&'static str, Option<&'static str>)> {
        let met = match self.cause {
            Cause::Version { service, version } => {
                version == if service == "checkout" { checkout } else { payment }
            }
            Cause::Provider { .. } | Cause::Own { .. } => true,
        };
        if when >= at(0) && met && dice.unit() < self.failing_share {
            return Some(match self.cause {
                Cause::Version { service, .. } | Cause::Own { service } => (service, None),
                Cause::Provider { service, peer } => (service, Some(peer)),
            });
        }
        (dice.unit() < 0.001).then_some(("checkout", None))
    }
}

fn outcome(
    ((service, version, slice), counts): ((&str, &str, Timestamp), Counts),
) -> VersionOutcome {
    VersionOutcome { service: service.into(), version: version.into(), slice, counts }
}

fn source(((service, version, peer), traces): ((&str, &str, Option<&str>), u64)) -> ErrorSource {
    ErrorSource {
        service: service.into(),
        operation: if service == "payment" { "POST /charge" } else { "POST /checkout" }.into(),
        version: version.into(),
        traces,
        external_peer: peer.map(Into::into),
    }
}

fn recorded(index: usize, change: &Rollout) -> Change {
    Change {
        kind: change.kind,
        reference: format!("change {index}").into(),
        service: change.service.into(),
        version: change.version.map(Into::into),
        previous: None,
        at: at(change.secs),
        by: "ci".into(),
    }
}

type Outcome = (u8, u8, i64, u64, u64);

/// Evidence without sense: counts that contradict each other, changes in the future.
pub(super) fn arbitrary(
    outcomes: &[Outcome],
    changes: &[(u8, u8, i64, bool)],
    sources: &[(u8, u64, bool)],
    (failing_traces, failed, total): (u64, u64, u64),
) -> Evidence {
    let name = |number: u8| Box::from(["checkout", "payment", "cart", "auth"][usize::from(number)]);
    let version = |number: u8| Box::from(["1", "2", "3"][usize::from(number)]);
    let by_version = outcomes.iter().map(|(service, which, slice, failed, total)| VersionOutcome {
        service: name(*service),
        version: version(*which),
        slice: at(*slice * 10),
        counts: Counts::new(*failed, *total),
    });
    let changes = changes.iter().map(|(service, which, secs, deploy)| Change {
        kind: if *deploy { ChangeKind::Deploy } else { ChangeKind::Config },
        reference: format!("{which}").into(),
        service: name(*service),
        version: (*which > 0).then(|| version(*which)),
        previous: None,
        at: at(*secs),
        by: "ana".into(),
    });
    let sources = sources.iter().map(|(service, traces, peer)| ErrorSource {
        service: name(*service),
        operation: "GET /".into(),
        version: version(0),
        traces: *traces,
        external_peer: peer.then(|| "peer".into()),
    });
    Evidence {
        service: "checkout".into(),
        environment: "".into(),
        from: at(0),
        to: at(60),
        since: total.is_multiple_of(2).then(|| at(5)),
        by_version: by_version.collect(),
        changes: changes.collect(),
        error_sources: sources.collect(),
        failing_traces,
        now: Counts::new(failed, total),
        baseline: Counts::new(total, failed),
    }
}

/// Splitmix64: equal seeds roll equal dice.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
