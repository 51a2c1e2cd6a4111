//! The map as plain values, for whoever keeps it; and two maps made one.

use model::Timestamp;

use super::{
    EdgeKey, Node, ServiceMap,
    graph::{Minute, Timeline},
};
use crate::{Latency, Requests, limits};

/// What the map's edges carried; spans that wait for their other half are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapSnapshot {
    /// The latest time that the map had been told.
    pub now: Timestamp,
    pub edges: Vec<EdgeSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSnapshot {
    pub environment: Box<str>,
    pub from: Node,
    pub to: Node,
    /// The first call.
    pub began: Timestamp,
    pub minutes: Vec<MinuteSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteSnapshot {
    /// The minute's start.
    pub at: Timestamp,
    pub calls: u64,
    pub failed: u64,
    pub unanswered: u64,
    /// See [`Latency::classes`].
    pub latency: Vec<(u16, u32)>,
}

impl ServiceMap {
    pub fn snapshot(&self) -> MapSnapshot {
        let minute = |(at, minute): (&Timestamp, &Minute)| MinuteSnapshot {
            at: *at,
            calls: minute.requests.total,
            failed: minute.requests.failed,
            unanswered: minute.unanswered,
            latency: minute.requests.latency.classes().to_vec(),
        };
        let edge = |(key, timeline): (&EdgeKey, &Timeline)| EdgeSnapshot {
            environment: key.environment.clone(),
            from: key.from.clone(),
            to: key.to.clone(),
            began: timeline.began.unwrap_or_default(),
            minutes: timeline.minutes.iter().map(minute).collect(),
        };
        MapSnapshot { now: self.now, edges: self.graph.edges.iter().map(edge).collect() }
    }

    /// Adds what a snapshot holds, within the limits; counts that contradict themselves are made to agree.
    pub fn restore(&mut self, snapshot: MapSnapshot) {
        self.now = self.now.max(snapshot.now);
        self.graph.forget(self.now);
        for edge in snapshot.edges.into_iter().take(limits::EDGES_MAX) {
            let key = EdgeKey { environment: edge.environment, from: edge.from, to: edge.to };
            for kept in edge.minutes {
                let minute = Minute {
                    requests: Requests {
                        total: kept.calls,
                        failed: kept.failed.min(kept.calls),
                        latency: Latency::of_classes(&kept.latency),
                        ..Requests::default()
                    },
                    unanswered: kept.unanswered.min(kept.calls),
                };
                // No minute lies ahead.
                let when = (edge.began.min(self.now), kept.at.min(self.now));
                let counts = &mut self.counts;
                self.graph.add(key.clone(), when, kept.calls, counts, |known| known.merge(&minute));
            }
        }
    }

    /// Afterwards this map says what one would that both maps' spans had come to, provided that no span came to both.
    pub fn merge(&mut self, other: Self) {
        let snapshot = other.snapshot();
        self.restore(snapshot);
        self.take_waiting(other.waiting);
    }
}
