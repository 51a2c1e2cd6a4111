//! Edges, minute by minute, within limits.

use std::collections::BTreeMap;

use model::Timestamp;

use super::{MapCounts, Node};
use crate::{Requests, limits, window::MINUTE};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EdgeKey {
    pub(super) environment: Box<str>,
    pub(super) from: Node,
    pub(super) to: Node,
}

/// What an edge carried, by minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// The first call that is remembered; it outlasts its minute.
    pub(super) began: Option<Timestamp>,
    pub(super) minutes: BTreeMap<Timestamp, Minute>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Minute {
    pub(super) requests: Requests,
    pub(super) unanswered: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) edges: BTreeMap<EdgeKey, Timeline>,
    /// By environment: nodes, and how many edges each has.
    nodes: BTreeMap<(Box<str>, Node), usize>,
    /// Of all minutes of all edges.
    cells: usize,
    /// Earlier minutes are gone.
    pub(super) floor: Timestamp,
}

/// What a minute takes beside its classes of latency, in the space of these.
const MINUTE_CELLS: usize = 16;

impl Minute {
    /// The space that it takes, in 8 bytes.
    fn cells(&self) -> usize {
        MINUTE_CELLS + self.requests.latency.classes().len()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.requests.merge(&other.requests);
        self.unanswered += other.unanswered;
    }
}

impl Graph {
    /// Has `add` add `calls` to what an edge carries in the minute of `at`; the first came at `began`. Where a limit forbids it, they
    /// are counted as such.
    pub(super) fn add(
        &mut self,
        key: EdgeKey,
        (began, at): (Timestamp, Timestamp),
        calls: u64,
        counts: &mut MapCounts,
        add: impl FnOnce(&mut Minute),
    ) {
        while self.cells >= limits::MAP_CELLS_MAX
            && let Some(first) = self.kept_since()
        {
            counts.minutes_dropped += 1;
            self.drop_before(first + MINUTE);
        }
        let at = at.floor(MINUTE);
        if at < self.floor {
            counts.too_late += calls;
            return;
        }
        if !self.edges.contains_key(&key) && !self.may_grow(&key) {
            counts.too_many += calls;
            return;
        }
        let timeline = self.edges.entry(key).or_default();
        timeline.began = Some(timeline.began.map_or(began, |known| known.min(began)));
        let before = timeline.minutes.get(&at).map_or(0, Minute::cells);
        let minute = timeline.minutes.entry(at).or_default();
        add(minute);
        self.cells += minute.cells() - before;
    }

    /// Forgets minutes beyond the retention.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let until = (now - limits::RETENTION).floor(MINUTE);
        if until > self.floor {
            self.drop_before(until);
        }
    }

    pub(super) fn kept_since(&self) -> Option<Timestamp> {
        self.edges.values().filter_map(|edge| edge.minutes.keys().next()).min().copied()
    }

    fn may_grow(&mut self, key: &EdgeKey) -> bool {
        let ends = [&key.from, &key.to].map(|node| (key.environment.clone(), node.clone()));
        let new = ends.iter().filter(|end| !self.nodes.contains_key(end)).count();
        let may =
            self.edges.len() < limits::EDGES_MAX && self.nodes.len() + new <= limits::NODES_MAX;
        if may {
            for end in ends {
                *self.nodes.entry(end).or_default() += 1;
            }
        }
        may
    }

    fn drop_before(&mut self, until: Timestamp) {
        self.floor = self.floor.max(until);
        let nodes = &mut self.nodes;
        let cells = &mut self.cells;
        self.edges.retain(|key, timeline| {
            let stay = timeline.minutes.split_off(&until);
            let gone = std::mem::replace(&mut timeline.minutes, stay);
            *cells -= gone.values().map(Minute::cells).sum::<usize>();
            let stays = !timeline.minutes.is_empty();
            if !stays {
                for node in [&key.from, &key.to] {
                    let end = (key.environment.clone(), node.clone());
                    if let Some(edges) = nodes.get_mut(&end) {
                        *edges -= 1;
                        if *edges == 0 {
                            nodes.remove(&end);
                        }
                    }
                }
            }
            stays
        });
    }
}

impl Timeline {
    /// What the edge carried in the minutes from `from` to before `to`, which is not beyond what is known.
    pub(super) fn sum(&self, from: Timestamp, to: Timestamp) -> Minute {
        let mut sum = Minute::default();
        if from < to {
            self.minutes.range(from..to).for_each(|(_, minute)| sum.merge(minute));
        }
        sum.requests.over = to.since(self.began.map_or(from, |began| began.max(from)));
        sum
    }
}

/// Whole minutes that hold a window.
pub(super) fn whole(from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
    let end = to.floor(MINUTE);
    (from.floor(MINUTE), if end < to { end + MINUTE } else { end })
}
