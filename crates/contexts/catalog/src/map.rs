//! The service map: who called whom, minute by minute, as far back as it is kept.
//!
//! A call is joined from the client's and the server's span, in whichever order and batch they come; a database is told by the
//! client's span alone; a message goes through a node for its queue or topic; a call that no server's span answered goes to an
//! external node, or to the service of that name where there is one, and counts as unanswered. What an edge says of a call is what
//! its caller saw: the client's duration, and failed when either span failed; a delivery is what the consumer saw. A service that
//! reports a receive and a process span for one message counts twice.
//!
//! Calls count in the minute of their client's (or consumer's) start. Within the limits, neither the order of spans nor that of
//! batches matters, and a span that comes again counts once.

mod graph;
mod join;
mod node;
mod snapshot;
mod view;

use model::{Span, Timestamp};

use self::{
    graph::{EdgeKey, Graph},
    join::Waiting,
};
pub use self::{
    node::{Node, NodeKind},
    snapshot::{EdgeSnapshot, MapSnapshot, MinuteSnapshot},
    view::{MapEdge, MapNode, MapView},
};

/// Who calls whom, of any window within [`limits::RETENTION`](crate::limits::RETENTION).
#[derive(Clone, Debug, Default)]
pub struct ServiceMap {
    graph: Graph,
    waiting: Waiting,
    /// The latest time that it was told.
    now: Timestamp,
    counts: MapCounts,
}

/// What the map could not show, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapCounts {
    /// Calls whose minute is no longer kept.
    pub too_late: u64,
    /// Calls on a further edge or node than there may be.
    pub too_many: u64,
    /// Calls that nobody answered, whose span names no peer.
    pub unnamed: u64,
    /// Servers' spans whose parent never came, or is no client's span.
    pub callers_unseen: u64,
    /// Spans whose wait was cut short, because too many waited.
    pub cut_short: u64,
    /// Minutes that were given up before their time, because too many were kept.
    pub minutes_dropped: u64,
}

/// One call, as its spans tell it.
#[derive(Clone, Copy, Debug)]
struct Call {
    at: Timestamp,
    took: std::time::Duration,
    failed: bool,
    answered: bool,
}

impl ServiceMap {
    /// Takes note of spans that came at `now`.
    pub fn observe(&mut self, spans: &[Span], now: Timestamp) {
        self.sweep(now);
        for span in spans {
            self.note(span);
        }
    }

    /// Gives up on spans whose other half did not come in time, and forgets minutes beyond the retention.
    pub fn sweep(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.give_up();
        self.graph.forget(self.now);
    }

    pub fn counts(&self) -> MapCounts {
        self.counts
    }

    /// The first minute that is kept; `None` when there is none.
    pub fn kept_since(&self) -> Option<Timestamp> {
        self.graph.kept_since()
    }

    fn record(&mut self, key: EdgeKey, call: Call) {
        // A clock that is ahead does not make a future.
        let at = call.at.min(self.now);
        self.graph.add(key, (at, at), 1, &mut self.counts, |minute| {
            minute.requests.add(call.failed, call.took);
            minute.unanswered += u64::from(!call.answered);
        });
    }
}

#[cfg(test)]
mod tests;
