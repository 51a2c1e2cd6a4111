//! Requests that came lately, so that one which is sent again is known.
//!
//! An exporter that got no answer sends its request once more, bit for bit. Spans have ids, so a request of spans that came
//! before is the same one. Log records have none: they count as the same only where their times are finer than people's
//! clocks, or the emitter says when it observed them; two lines of one second that read alike stay two.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use model::{LogRecord, Timestamp};

/// How long a request is remembered.
const REMEMBERS: Duration = Duration::from_secs(600);
/// Requests that are remembered; the oldest are forgotten first.
const REQUESTS_MAX: usize = 1 << 20;
const MILLISECOND_NS: i64 = 1_000_000;

#[derive(Debug, Default)]
pub(crate) struct Recent {
    seen: HashMap<u128, Timestamp>,
    order: VecDeque<(Timestamp, u128)>,
}

impl Recent {
    /// Whether the request came in the last minutes.
    pub(crate) fn knows(&self, identity: u128, now: Timestamp) -> bool {
        self.seen.get(&identity).is_some_and(|at| now.since(*at) <= REMEMBERS)
    }

    pub(crate) fn note(&mut self, identity: u128, now: Timestamp) {
        self.seen.insert(identity, now);
        self.order.push_back((now, identity));
        while let Some((at, identity)) = self.order.front().copied()
            && (self.order.len() > REQUESTS_MAX || now.since(at) > REMEMBERS)
        {
            self.order.pop_front();
            if self.seen.get(&identity) == Some(&at) {
                self.seen.remove(&identity);
            }
        }
    }
}

/// Whether two requests with these log records and nothing else different are one.
pub(crate) fn are_told_apart(logs: &[LogRecord]) -> bool {
    logs.iter().all(|log| {
        let fine = |at: Timestamp| at.as_nanos() % MILLISECOND_NS != 0;
        log.observed_at.is_some() || (log.timed && fine(log.at))
    })
}
