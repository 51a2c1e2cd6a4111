//! The clocks of all hosts at one time: pairs that called each other, and others through them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fmt,
    time::Duration,
};

use model::Timestamp;

use super::{
    Bound, DRIFT_PPM, MINUTE, Offsets,
    interval::{Interval, agree},
};
use crate::spoken::{Signed, Spoken};

/// How far a server's host's clock is ahead of its client's host's (nanoseconds; behind when negative).
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub client: Box<str>,
    pub server: Box<str>,
    /// The time that it holds for.
    pub at: Timestamp,
    pub offset_nanos: i64,
    /// The offset is at least this; `None` when nothing says.
    pub low_nanos: Option<i64>,
    /// The offset is at most this; `None` when nothing says.
    pub high_nanos: Option<i64>,
    /// Calls from the client to the server that were seen.
    pub calls: u64,
    /// Calls that the estimate rests on, those the other way included.
    pub used: usize,
    /// Of these, calls that miss where most others meet.
    pub outliers: usize,
    /// How the offset changes over the calls' time; `None` when they lie within two minutes.
    pub drift: Option<Drift>,
}

/// In parts per million: microseconds a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    pub ppm: f64,
    pub low_ppm: f64,
    pub high_ppm: f64,
}

/// How far a host's clock is ahead of another's, perhaps through third ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relative {
    pub offset_nanos: i64,
    pub low_nanos: Option<i64>,
    pub high_nanos: Option<i64>,
    /// The hosts between, in order.
    pub via: Vec<Box<str>>,
}

/// What [`Offsets`] say of one time.
#[derive(Clone, Debug)]
pub struct Clocks {
    at: Timestamp,
    estimates: Vec<Estimate>,
    /// Pairs whose calls contradict each other too much for an estimate.
    inconsistent: Vec<(Box<str>, Box<str>)>,
    hosts: BTreeMap<Box<str>, usize>,
    names: Vec<Box<str>>,
    /// By host: others, with their clock's offset from the host's.
    near: Vec<Vec<(usize, Link)>>,
}

/// An offset: the best guess, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) offset: i64,
    pub(super) bounds: Interval,
}

impl Link {
    pub(super) const SAME: Self =
        Self { offset: 0, bounds: Interval { low: Some(0), high: Some(0) } };

    fn plus(self, next: Self) -> Self {
        Self {
            offset: self.offset.saturating_add(next.offset),
            bounds: self.bounds.plus(next.bounds),
        }
    }

    fn reversed(self) -> Self {
        Self { offset: self.offset.saturating_neg(), bounds: self.bounds.reversed() }
    }

    /// Closer bounds first.
    fn cost(self) -> u64 {
        self.bounds.width().unwrap_or(u64::MAX)
    }
}

impl Estimate {
    /// Whether both clocks may well agree.
    pub fn zero_lies_within(&self) -> bool {
        Interval { low: self.low_nanos, high: self.high_nanos }.contains(0)
    }

    /// From the lowest to the highest bound; `None` when a side is open.
    pub fn uncertainty(&self) -> Option<Duration> {
        Interval { low: self.low_nanos, high: self.high_nanos }.width().map(Duration::from_nanos)
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server, used, .. } = self;
        let way = if self.offset_nanos < 0 { "behind" } else { "ahead of" };
        let offset = Spoken(Duration::from_nanos(self.offset_nanos.unsigned_abs()));
        write!(f, "the clock of `{server}` is {offset} {way} that of `{client}` (")?;
        match (self.low_nanos, self.high_nanos) {
            (Some(low), Some(high)) => write!(f, "{} to {}", Signed(low), Signed(high))?,
            (Some(low), None) => write!(f, "at least {}", Signed(low))?,
            (None, Some(high)) => write!(f, "at most {}", Signed(high))?,
            (None, None) => f.write_str("without bounds")?,
        }
        let within = if self.zero_lies_within() { "; they may well agree" } else { "" };
        write!(f, ", from {used} calls{within})")
    }
}

impl Offsets {
    /// The middle of the time that the calls lie in; `None` without calls.
    pub fn middle(&self) -> Option<Timestamp> {
        let minutes = || self.pairs.values().flat_map(|pair| pair.minutes.keys());
        let (first, last) = (minutes().min()?, minutes().max()?);
        Some(Timestamp::from_nanos(first.midpoint(last + 1).saturating_mul(MINUTE)))
    }

    /// What the calls say of the clocks at `at`.
    pub fn clocks(&self, at: Timestamp) -> Clocks {
        let mut clocks = Clocks {
            at,
            estimates: Vec::new(),
            inconsistent: Vec::new(),
            hosts: self.hosts.iter().map(|(name, at)| (name.clone(), *at as usize)).collect(),
            names: self.names.clone(),
            near: vec![Vec::new(); self.names.len()],
        };
        for (key @ (from, to), pair) in &self.pairs {
            let (client, server) = (*from as usize, *to as usize);
            let names = (self.names[client].clone(), self.names[server].clone());
            let bounds = self.bounds(*key);
            let Some((link, outliers)) = solve(&bounds, at) else {
                clocks.inconsistent.push(names);
                continue;
            };
            clocks.near[client].push((server, link));
            clocks.near[server].push((client, link.reversed()));
            clocks.estimates.push(Estimate {
                client: names.0,
                server: names.1,
                at,
                offset_nanos: link.offset,
                low_nanos: link.bounds.low,
                high_nanos: link.bounds.high,
                calls: pair.calls,
                used: bounds.len(),
                outliers,
                drift: drift(&bounds),
            });
        }
        clocks.estimates.sort_by(|a, b| (&a.client, &a.server).cmp(&(&b.client, &b.server)));
        clocks.inconsistent.sort();
        clocks
    }

    /// What calls both ways say of the offset of the second host's clock from the first's.
    fn bounds(&self, (from, to): (u32, u32)) -> Vec<Bound> {
        let kept = |key| self.pairs.get(&key).into_iter().flat_map(|pair| pair.minutes.values());
        let there = kept((from, to)).flat_map(BTreeMap::values).copied();
        let back = kept((to, from))
            .flat_map(BTreeMap::values)
            .map(|bound| Bound { at: bound.at, interval: bound.interval.reversed() });
        there.chain(back).collect()
    }
}

/// The offset at a time, and how many calls miss it.
fn solve(bounds: &[Bound], at: Timestamp) -> Option<(Link, usize)> {
    let then = |bound: &Bound| {
        let apart = at.as_nanos().saturating_sub(bound.at).saturating_abs();
        bound.interval.wider(apart / (1_000_000 / DRIFT_PPM))
    };
    let intervals: Vec<Interval> = bounds.iter().map(then).collect();
    let agreed = agree(&intervals)?;
    Some((Link { offset: agreed.tightest.middle(), bounds: agreed.bounds }, agreed.outliers))
}

/// From the first to the last of the calls' times.
#[expect(clippy::cast_precision_loss, reason = "parts per million need few digits")]
fn drift(bounds: &[Bound]) -> Option<Drift> {
    let first = bounds.iter().map(|bound| bound.at).min()?;
    let last = bounds.iter().map(|bound| bound.at).max()?;
    let apart = last.checked_sub(first).filter(|apart| *apart >= 2 * MINUTE)?;
    let (then, _) = solve(bounds, Timestamp::from_nanos(first))?;
    let (now, _) = solve(bounds, Timestamp::from_nanos(last))?;
    let change = now.bounds.plus(then.bounds.reversed());
    let ppm = |nanos: i64| nanos as f64 / apart as f64 * 1e6;
    Some(Drift {
        ppm: ppm(now.offset.saturating_sub(then.offset)),
        low_ppm: change.low.map_or(f64::NEG_INFINITY, ppm),
        high_ppm: change.high.map_or(f64::INFINITY, ppm),
    })
}

impl Clocks {
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Each pair of hosts of which one called the other, by name.
    pub fn estimates(&self) -> &[Estimate] {
        &self.estimates
    }

    /// Pairs whose calls contradict each other too much: a clock was set, or spans name the wrong host.
    pub fn inconsistent(&self) -> &[(Box<str>, Box<str>)] {
        &self.inconsistent
    }

    /// How far the clock of `to` is ahead of that of `from`; `None` when no calls join them.
    pub fn relative(&self, from: &str, to: &str) -> Option<Relative> {
        let target = *self.hosts.get(to)?;
        let reached = self.reach(*self.hosts.get(from)?);
        let (link, _) = reached[target]?;
        let mut via = Vec::new();
        let mut at = target;
        while let Some((_, Some(before))) = reached[at] {
            via.push(self.names[before].clone());
            at = before;
        }
        // The last one met is where it began.
        via.pop();
        via.reverse();
        Some(Relative {
            offset_nanos: link.offset,
            low_nanos: link.bounds.low,
            high_nanos: link.bounds.high,
            via,
        })
    }

    /// Offsets of all hosts' clocks from that of `from`, by name.
    pub(super) fn all_from(&self, from: &str) -> BTreeMap<&str, Link> {
        let Some(from) = self.hosts.get(from) else { return BTreeMap::new() };
        let reached = self.reach(*from);
        let link = |(name, link): (_, &Option<(Link, _)>)| Some((name, link.as_ref()?.0));
        self.names.iter().map(|name| &**name).zip(&reached).filter_map(link).collect()
    }

    /// By host: its offset from that of `from` by the way whose bounds are closest, and the host before it on that way.
    fn reach(&self, from: usize) -> Vec<Option<(Link, Option<usize>)>> {
        let mut reached: Vec<Option<(Link, Option<usize>)>> = vec![None; self.names.len()];
        let mut done = vec![false; self.names.len()];
        let mut queue = BinaryHeap::from([(Reverse((0, &*self.names[from])), from)]);
        reached[from] = Some((Link::SAME, None));
        while let Some((_, at)) = queue.pop() {
            let Some((link, _)) = reached[at].filter(|_| !done[at]) else { continue };
            done[at] = true;
            for (next, step) in &self.near[at] {
                let way = link.plus(*step);
                let is_closer = reached[*next].is_none_or(|(known, _)| way.cost() < known.cost());
                if !done[*next] && is_closer {
                    reached[*next] = Some((way, Some(at)));
                    queue.push((Reverse((way.cost(), &*self.names[*next])), *next));
                }
            }
        }
        reached
    }
}
