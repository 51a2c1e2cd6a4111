//! How far hosts' clocks are apart, estimated from all calls between them.
//!
//! A server starts after its client started and ends before its client ended, so that each call bounds the offset of the
//! server's clock from the client's: at least `server.end - client.end`, at most `server.start - client.start` (the exchange of
//! NTP, RFC 5905, seen from outside). All calls of two hosts together bound it more closely: the offset lies where most of their
//! intervals meet (Marzullo 1984), some of them being wrong.
//!
//! A server that took longer than its client waited was given up: its end bounds nothing. A message bounds only one side: it is
//! taken after it was sent. Clocks drift, so that a call bounds the offset at another time less closely, by [`DRIFT_PPM`].
//!
//! **Nothing is corrected:** times stay as they were reported. [`Clocks::adjusted`] gives a view beside them.

mod adjusted;
mod clocks;
mod interval;
mod order;

use std::collections::BTreeMap;

use model::{Span, SpanId, SpanKind, TraceId};

use self::interval::Interval;
pub use self::{
    adjusted::{Adjusted, AdjustedRow},
    clocks::{Clocks, Drift, Estimate, Relative},
    order::{Cause, Impossible, Order},
};
use crate::{Trace, host, limits, trace::window};

/// How fast two clocks are taken to drift apart at most, in parts per million: crystals do 20 to 50 each.
pub(crate) const DRIFT_PPM: i64 = 100;
const MINUTE: i64 = 60_000_000_000;

/// Calls between hosts, from any number of traces in any order.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    hosts: BTreeMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// By caller and callee.
    pairs: BTreeMap<(u32, u32), Pair>,
    refused: u64,
}

/// What the calls from one host to another say.
#[derive(Clone, Debug, Default)]
struct Pair {
    calls: u64,
    /// By minute: a sample by the hash of the call's ids, so that neither order nor repetition changes it.
    minutes: BTreeMap<i64, BTreeMap<(u64, TraceId, SpanId), Bound>>,
}

/// What one call says of the offset of the callee's clock from the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bound {
    /// When, by the caller's clock.
    pub(crate) at: i64,
    pub(crate) interval: Interval,
}

impl Offsets {
    /// Takes all calls between hosts out of a trace.
    pub fn add(&mut self, trace: &Trace) {
        for row in 0..trace.len() {
            let Some(parent) = trace.parent(row) else { continue };
            let (parent, child) = (&trace.spans()[parent], &trace.spans()[row]);
            if let (Some(from), Some(to)) = (host(&parent.resource), host(&child.resource))
                && from != to
                && let Some(bound) = bound(parent, child)
            {
                self.note(from, to, child, bound);
            }
        }
    }

    /// Calls that were left out, because a limit was met.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn note(&mut self, from: &str, to: &str, child: &Span, bound: Bound) {
        let (Some(from), Some(to)) = (self.host(from), self.host(to)) else {
            self.refused += 1;
            return;
        };
        if !self.pairs.contains_key(&(from, to)) && self.pairs.len() >= limits::HOST_PAIRS_MAX {
            self.refused += 1;
            return;
        }
        let pair = self.pairs.entry((from, to)).or_default();
        pair.calls += 1;
        let minute = pair.minutes.entry(bound.at.div_euclid(MINUTE)).or_default();
        let key = (mixed(child.span_id, child.trace_id), child.trace_id, child.span_id);
        let kept = minute.entry(key).or_insert(bound);
        *kept = bound.min(*kept);
        if minute.len() > limits::MINUTE_CALLS_MAX {
            minute.pop_last();
        }
        if pair.minutes.len() > limits::PAIR_MINUTES_MAX {
            pair.minutes.pop_first();
        }
    }

    fn host(&mut self, name: &str) -> Option<u32> {
        if let Some(known) = self.hosts.get(name) {
            return Some(*known);
        }
        if self.names.len() >= limits::HOSTS_MAX {
            return None;
        }
        let at = u32::try_from(self.names.len()).ok()?;
        self.names.push(name.into());
        self.hosts.insert(name.into(), at);
        Some(at)
    }
}

/// What a parent and its child on another host say; `None` when they are neither a call nor a message.
fn bound(parent: &Span, child: &Span) -> Option<Bound> {
    let ((sent, answered), (start, end)) = (window(parent), window(child));
    let high = start.saturating_sub(sent);
    let low = match (parent.kind, child.kind) {
        (SpanKind::Client, SpanKind::Server) => {
            let low = end.saturating_sub(answered);
            (low <= high).then_some(low)
        }
        (SpanKind::Producer, SpanKind::Consumer) => None,
        _ => return None,
    };
    Some(Bound { at: sent, interval: Interval { low, high: Some(high) } })
}

/// Ids are random as a rule; where they count up, this makes them so (the finalizer of SplitMix64).
fn mixed(span: SpanId, TraceId(trace): TraceId) -> u64 {
    let trace = trace.iter().fold(0u64, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
    let mut mixed = u64::from_be_bytes(span.0) ^ trace.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
