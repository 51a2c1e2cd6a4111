//! Missing deadlines: calls that go on when nobody waits for them, and calls that nothing seems to bound.

use std::{fmt, time::Duration};

use model::{SpanId, SpanKind, Timestamp};

use super::who;
use crate::{
    Trace, host,
    spoken::{Spoken, lasting},
};

/// What ends later than it should by less than this is noise of clocks and instrumentation.
const NOISE: Duration = Duration::from_millis(1);
/// Calls shorter than this raise no question.
const LONG: Duration = Duration::from_secs(10);
/// Deadlines that people set, in seconds.
const COMMON: [u64; 19] =
    [1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 45, 50, 60, 90, 120, 300, 600];
/// A call that ends no later than this after a common deadline may have met it: a 50th of it.
const NEAR: u32 = 50;

#[derive(Clone, Debug, PartialEq)]
pub struct Timeout {
    /// The service that calls.
    pub service: Box<str>,
    /// The name of the call.
    pub operation: Box<str>,
    /// The call's span, and the other span that shows it, where there is one.
    pub spans: Vec<SpanId>,
    pub evidence: Evidence,
}

/// What shows that a deadline is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The server worked on after its client had given up: no deadline came with the call. Durations alone show it, so that
    /// clocks do not matter.
    ServerRanOn { client_waited: Duration, server_took: Duration },
    /// The call was still on when the span that made it had ended, on the same host: nobody cancelled it.
    OutlivedCaller { by: Duration },
    /// The call's end was never reported; the trace went on for so long after it began.
    NeverEnded { at_least: Duration },
    /// The call took long, and ended near no deadline that people set: nothing seems to bound it.
    Unbounded { took: Duration },
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call `{}` of `{}` ", self.operation, self.service)?;
        match self.evidence {
            Evidence::ServerRanOn { client_waited, server_took } => write!(
                f,
                "was given up after {}, and its server worked on it for {}: no deadline went with it",
                Spoken(client_waited),
                Spoken(server_took)
            ),
            Evidence::OutlivedCaller { by } => write!(
                f,
                "was still on {} after the span that made it had ended: nobody cancelled it",
                Spoken(by)
            ),
            Evidence::NeverEnded { at_least } => {
                write!(f, "has no end, {} after it began: no deadline ended it", Spoken(at_least))
            }
            Evidence::Unbounded { took } => write!(
                f,
                "took {}, which is near no common deadline: nothing seems to bound it",
                Spoken(took)
            ),
        }
    }
}

pub(super) fn find(trace: &Trace) -> Vec<Timeout> {
    let last = trace.extent().map_or(0, |(_, to)| to.as_nanos());
    let calls = (0..trace.len()).filter(|row| trace.spans()[*row].kind == SpanKind::Client);
    calls
        .filter_map(|row| {
            let (evidence, other) = evidence(trace, row, last)?;
            let (service, operation) = who(&trace.spans()[row]);
            let rows: Vec<usize> = [row].into_iter().chain(other).collect();
            Some(Timeout { service, operation, spans: trace.named(&rows), evidence })
        })
        .collect()
}

/// The strongest evidence against the call at `row`, and the row that bears it out.
fn evidence(trace: &Trace, row: usize, last: i64) -> Option<(Evidence, Option<usize>)> {
    let span = &trace.spans()[row];
    let (start, end) = trace.window(row);
    if span.end == Timestamp::EPOCH {
        let at_least = lasting(start, last);
        return Some((Evidence::NeverEnded { at_least }, None));
    }
    let took = lasting(start, end);
    let server = trace
        .children(row)
        .filter(|child| trace.spans()[*child].kind == SpanKind::Server)
        .map(|child| {
            let (from, to) = trace.window(child);
            (lasting(from, to), child)
        })
        .max_by_key(|(took, child)| (*took, std::cmp::Reverse(*child)));
    if let Some((server_took, child)) = server
        && server_took > took + NOISE
    {
        return Some((Evidence::ServerRanOn { client_waited: took, server_took }, Some(child)));
    }
    if let Some(parent) = trace.parent(row) {
        let by = lasting(trace.window(parent).1, end);
        let caller = &trace.spans()[parent];
        let same_clock = caller.resource.service == span.resource.service
            && host(&caller.resource) == host(&span.resource);
        if by > NOISE && same_clock {
            return Some((Evidence::OutlivedCaller { by }, Some(parent)));
        }
    }
    let met_deadline = COMMON.iter().any(|secs| {
        let deadline = Duration::from_secs(*secs);
        (deadline..=deadline + deadline / NEAR).contains(&(took + NOISE))
    });
    (took >= LONG && !met_deadline).then_some((Evidence::Unbounded { took }, None))
}
