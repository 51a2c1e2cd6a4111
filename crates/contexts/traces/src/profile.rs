//! The critical paths of a set of traces, added up: which operations the ends waited for, on which call paths, and what grew
//! between two sets (CRISP, Zhang et al., USENIX ATC 2022).

mod compare;

use std::{collections::BTreeMap, time::Duration};

pub use self::compare::Change;
use crate::{Trace, limits};

/// What a service does under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    pub service: Box<str>,
    pub name: Box<str>,
}

/// An operation's part of the time on critical paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub operation: Operation,
    /// Over all traces.
    pub time: Duration,
    /// Of the time of all critical paths, 0 to 1.
    pub ratio: f64,
    /// Traces whose critical path it is on.
    pub traces: u64,
}

/// A call path in a flame graph; frames come depth first, the longer of siblings first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 0 for an operation that traces begin with.
    pub depth: usize,
    pub operation: Operation,
    /// Spent in the operation itself when called on this path.
    pub own: Duration,
    /// With everything below.
    pub total: Duration,
    /// Traces whose critical path takes this path.
    pub traces: u64,
}

/// Critical-path time by operation and by call path; adding traces in another order gives the same, up to the limits.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    traces: u64,
    total: u128,
    operations: BTreeMap<Box<str>, BTreeMap<Box<str>, u32>>,
    times: Vec<Times>,
    paths: Vec<Path>,
    /// Paths by the path above (the first has none) and the operation.
    below: BTreeMap<(Option<u32>, u32), u32>,
    folded: u128,
}

/// Nanoseconds of one operation.
#[derive(Clone, Debug, Default)]
struct Times {
    sum: u128,
    /// Of squares of a trace's time.
    squares: f64,
    traces: u64,
    /// In the trace that is being added.
    now: u128,
}

#[derive(Clone, Debug)]
struct Path {
    operation: u32,
    above: Option<u32>,
    depth: usize,
    own: u128,
    traces: u64,
    last_trace: u64,
}

impl Profile {
    /// Adds the critical path of the trace's first root.
    pub fn add(&mut self, trace: &Trace) {
        if !trace.is_empty() {
            self.add_from(trace, 0);
        }
    }

    /// Adds the critical path within the span at `row`; call paths begin with it.
    pub fn add_from(&mut self, trace: &Trace, row: usize) {
        self.traces += 1;
        let base = row;
        let path = trace.critical_path_of(base);
        let Some(root) = self.step(trace, None, base) else {
            self.total += path.duration().as_nanos();
            self.folded += path.duration().as_nanos();
            return;
        };
        // The call path of each row of the subtree, once it is known.
        let mut known = vec![None; trace.subtree(base).len()];
        known[0] = Some(root);
        let mut touched = Vec::new();
        for (row, time) in path.by_row() {
            let nanos = time.as_nanos();
            self.total += nanos;
            let path = self.path(trace, base, row, &mut known).unwrap_or(root);
            if self.paths[path as usize].depth < trace.depth(row) - trace.depth(base) {
                self.folded += nanos;
            }
            self.paths[path as usize].own += nanos;
            if let Some(operation) = self.operation(trace, row) {
                let times = &mut self.times[operation as usize];
                times.now += nanos;
                touched.push(operation);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for operation in touched {
            let times = &mut self.times[operation as usize];
            let now = std::mem::take(&mut times.now);
            times.sum += now;
            times.squares += as_f64(now).powi(2);
            times.traces += 1;
        }
    }

    /// Traces that were added.
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// Time of all critical paths.
    pub fn total(&self) -> Duration {
        duration(self.total)
    }

    /// Time whose call path is shown shorter than it is, because a limit was met.
    pub fn folded(&self) -> Duration {
        duration(self.folded)
    }

    /// Operations by their time on critical paths, the longest first.
    pub fn shares(&self) -> Vec<Share> {
        let share = |(operation, at): (Operation, u32)| {
            let times = &self.times[at as usize];
            let ratio = if self.total == 0 { 0.0 } else { as_f64(times.sum) / as_f64(self.total) };
            Share { operation, time: duration(times.sum), ratio, traces: times.traces }
        };
        let mut shares: Vec<Share> = self.named().map(share).collect();
        shares.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.operation.cmp(&b.operation)));
        shares
    }

    /// The call paths, as a flame graph is drawn.
    pub fn flame(&self) -> Vec<Frame> {
        let mut totals: Vec<u128> = self.paths.iter().map(|path| path.own).collect();
        // A path is made after the one above it.
        for at in (0..self.paths.len()).rev() {
            if let Some(above) = self.paths[at].above {
                totals[above as usize] += totals[at];
            }
        }
        let names: BTreeMap<u32, Operation> =
            self.named().map(|(operation, at)| (at, operation)).collect();
        let mut below: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for ((above, _), path) in &self.below {
            below.entry(*above).or_default().push(*path);
        }
        for siblings in below.values_mut() {
            siblings.sort_by(|a, b| {
                let name = |path: u32| names.get(&self.paths[path as usize].operation);
                (totals[*a as usize].cmp(&totals[*b as usize]))
                    .then_with(|| name(*b).cmp(&name(*a)))
            });
        }
        let mut frames = Vec::with_capacity(self.paths.len());
        let mut stack = below.remove(&None).unwrap_or_default();
        while let Some(at) = stack.pop() {
            let path = &self.paths[at as usize];
            let Some(operation) = names.get(&path.operation).cloned() else { continue };
            frames.push(Frame {
                depth: path.depth,
                operation,
                own: duration(path.own),
                total: duration(totals[at as usize]),
                traces: path.traces,
            });
            stack.extend(below.remove(&Some(at)).unwrap_or_default());
        }
        frames
    }

    fn named(&self) -> impl Iterator<Item = (Operation, u32)> + '_ {
        self.operations.iter().flat_map(|(service, names)| {
            let operation = |name: &str| Operation { service: service.clone(), name: name.into() };
            names.iter().map(move |(name, at)| (operation(name), *at))
        })
    }

    fn operation(&mut self, trace: &Trace, row: usize) -> Option<u32> {
        let span = &trace.spans()[row];
        let service = &span.resource.service;
        if let Some(known) = self.operations.get(service).and_then(|names| names.get(&span.name)) {
            return Some(*known);
        }
        if self.times.len() >= limits::OPERATIONS_MAX {
            return None;
        }
        let at = u32::try_from(self.times.len()).ok()?;
        self.times.push(Times::default());
        self.operations.entry(service.clone()).or_default().insert(span.name.clone(), at);
        Some(at)
    }

    /// The call path to `row`, of which the one to `base` is known.
    fn path(
        &mut self,
        trace: &Trace,
        base: usize,
        row: usize,
        known: &mut [Option<u32>],
    ) -> Option<u32> {
        let mut rows = Vec::new();
        let mut at = row;
        while known[at - base].is_none() {
            rows.push(at);
            at = trace.parent(at)?;
        }
        let mut above = known[at - base];
        for one in rows.into_iter().rev() {
            above = self.step(trace, above, one);
            known[one - base] = above;
        }
        above
    }

    /// From a path to the one with the operation of `row` below it; stays where no more paths are kept.
    fn step(&mut self, trace: &Trace, above: Option<u32>, row: usize) -> Option<u32> {
        let depth = above.map_or(0, |above| self.paths[above as usize].depth + 1);
        if depth >= limits::PATH_DEPTH_MAX {
            return above;
        }
        let Some(operation) = self.operation(trace, row) else { return above };
        let at = match self.below.get(&(above, operation)) {
            Some(known) => *known,
            None if self.paths.len() >= limits::PATHS_MAX => return above,
            None => {
                let at = u32::try_from(self.paths.len()).ok()?;
                self.paths.push(Path { operation, above, depth, own: 0, traces: 0, last_trace: 0 });
                self.below.insert((above, operation), at);
                at
            }
        };
        let path = &mut self.paths[at as usize];
        if path.last_trace != self.traces {
            path.last_trace = self.traces;
            path.traces += 1;
        }
        Some(at)
    }
}

fn duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of times")]
fn as_f64(nanos: u128) -> f64 {
    nanos as f64
}
